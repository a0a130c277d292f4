"""Row-level security of orders and payees; what is frozen of them, and the way an order goes."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

GUARDS = """
create function funds_payee_guard() returns trigger language plpgsql as $$
declare is_now funds_payeeaccount;
begin
  if tg_op = 'UPDATE' and old.state in ('proposed', 'active') then
    is_now := new; is_now.state := old.state;
    if old.state = 'proposed' then
      is_now.decided_at := old.decided_at; is_now.decided_by_id := old.decided_by_id; is_now.decision_note := old.decision_note;
    end if;
    if is_now is not distinct from old and (old.state = 'proposed' or new.state in ('active', 'replaced')) then return new; end if;
  end if;
  raise exception '收款账户（尾号 %）不能修改或删除，请另登记一个', old.last4 using errcode = 'check_violation';
end $$;
create trigger funds_payee_guard before update or delete on funds_payeeaccount for each row execute function funds_payee_guard();

create function funds_order_guard() returns trigger language plpgsql as $$
declare is_now funds_payorder; allowed text[];
begin
  if tg_op = 'DELETE' then
    raise exception '付款单 % 不能删除', old.no using errcode = 'insufficient_privilege';
  end if;
  is_now := new; is_now.status := old.status;
  if old.entry_id is null then is_now.entry_id := null; end if;
  if is_now is distinct from old then
    raise exception '付款单 % 不能修改', old.no using errcode = 'check_violation';
  end if;
  if new.status <> old.status then
    allowed := case old.status
      when 'ready' then array['sent']
      when 'sent' then array['paid', 'failed', 'unknown']
      when 'unknown' then array['paid', 'failed']
      when 'paid' then array['returned']
      when 'failed' then array['sent']
      when 'returned' then array['sent']
      else array[]::text[] end;
    if not new.status = any(allowed) then
      raise exception '付款单 % 不能由 % 变为 %', old.no, old.status, new.status using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger funds_order_guard before update or delete on funds_payorder for each row execute function funds_order_guard();
"""
BACK = """
drop trigger funds_payee_guard on funds_payeeaccount;
drop trigger funds_order_guard on funds_payorder;
drop function funds_payee_guard, funds_order_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("funds", "0005_payment_orders")]
    operations = [EnableRLS("PayeeAccount"), EnableRLS("PayOrder"), migrations.RunSQL(GUARDS, BACK)]
