"""An order is not turned to the treasury while a payment of it is on its way, unknown or arrived."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
create function payments_order_turn_guard() returns trigger language plpgsql as $$
begin
  if exists (select 1 from payments_bankitem i where i.order_id = new.id and i.holds) then
    raise exception '付款单 % 的银行付款在途、未知或已到账，不能改由国库支付', new.no using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_order_turn_guard before update on funds_payorder for each row
  when (new.status = 'treasury' and old.status <> 'treasury') execute function payments_order_turn_guard();
create function payments_turned_item_guard() returns trigger language plpgsql as $$
begin
  if exists (select 1 from funds_payorder o where o.id = new.order_id and o.status = 'treasury') then
    raise exception '付款单已由国库支付，不能再经银行付出' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_turned_item_guard before insert or update of status on payments_bankitem for each row
  when (new.order_id is not null and new.status in ('sent', 'unknown', 'paid')) execute function payments_turned_item_guard();
"""
BACK = """
drop trigger payments_turned_item_guard on payments_bankitem; drop function payments_turned_item_guard;
drop trigger payments_order_turn_guard on funds_payorder; drop function payments_order_turn_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0026_statement_refunds_and_turns"), ("funds", "0012_statement_refund_guards")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
