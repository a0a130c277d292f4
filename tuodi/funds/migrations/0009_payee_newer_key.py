"""A frozen account of a body may be enciphered anew, under a newer key, and nothing else."""

from __future__ import annotations

from django.db import migrations

GUARD = """
create or replace function funds_payee_guard() returns trigger language plpgsql as $$
declare is_now funds_payeeaccount;
begin
  if tg_op = 'UPDATE' then
    is_now := new;
    {kept}
    if is_now is not distinct from old then return new; end if;
    if old.state in ('proposed', 'active') then
      is_now.state := old.state;
      if old.state = 'proposed' then
        is_now.decided_at := old.decided_at; is_now.decided_by_id := old.decided_by_id; is_now.decision_note := old.decision_note;
      end if;
      if is_now is not distinct from old and (old.state = 'proposed' or new.state in ('active', 'replaced')) then return new; end if;
    end if;
  end if;
  raise exception '收款账户（尾号 %）不能修改或删除，请另登记一个', old.last4 using errcode = 'check_violation';
end $$;
"""
KEPT = "if tuodi_newer_key(old.account_cipher, new.account_cipher) then is_now.account_cipher := old.account_cipher; end if;"


class Migration(migrations.Migration):
    dependencies = [("funds", "0008_aid_guards")]
    operations = [migrations.RunSQL(GUARD.replace("{kept}", KEPT), GUARD.replace("{kept}", ""))]
