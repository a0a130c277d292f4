"""Row-level security of what banks propose about accounts; a row may be enciphered anew, under a newer key, and nothing else."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

FORWARD = """
create function payments_account_proposal_guard() returns trigger language plpgsql as $$
declare is_now payments_accountproposal;
begin
  if tg_op = 'UPDATE' then
    is_now := new;
    if tuodi_newer_key(old.account_cipher, new.account_cipher) then is_now.account_cipher := old.account_cipher; end if;
    if is_now is not distinct from old then return new; end if;
  end if;
  raise exception '银行提议的账户不能修改或删除' using errcode = 'check_violation';
end $$;
create trigger payments_account_proposal_guard before update or delete on payments_accountproposal
  for each row execute function payments_account_proposal_guard();
"""
BACK = "drop trigger payments_account_proposal_guard on payments_accountproposal; drop function payments_account_proposal_guard;"


class Migration(migrations.Migration):
    dependencies = [("payments", "0029_account_proposals")]
    operations = [EnableRLS("AccountProposal"), migrations.RunSQL(FORWARD, BACK)]
