"""A grant that stands in an approved run is not paid from petty cash as well, whoever asks."""

from __future__ import annotations

from django.db import migrations

GUARD = """
create function payments_cash_guard() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare found_no text;
begin
  select x.no into found_no from (
    select g.month, coalesce((select sum(o.amount_fen) from public.decisions_grantstage o where o.household_id = g.household_id
        and o.programme = g.programme and o.month = g.month and o.ended_at is null and not o.in_cash), 0) as stands,
      (select max(r.no) from public.payments_payline l join public.payments_payrun r on r.id = l.run_id
        where l.household_id = g.household_id and l.programme = g.programme and l.live and l.held = '' and l.status <> 'withheld'
        and l.month >= g.month and r.state in ('approved', 'sent', 'settled', 'closed')) as no,
      coalesce((select sum(l.base_fen) from public.payments_payline l join public.payments_payrun r on r.id = l.run_id
        where l.household_id = g.household_id and l.programme = g.programme and l.month = g.month and l.live and l.held = ''
        and l.status <> 'withheld' and r.state in ('approved', 'sent', 'settled', 'closed')), 0)
      + coalesce((select sum(a.amount_fen) from public.payments_arrear a join public.payments_payrun r on r.id = a.run_id
        where a.household_id = g.household_id and a.programme = g.programme and a.for_month = g.month
        and r.state in ('approved', 'sent', 'settled', 'closed')), 0) as granted
    from public.decisions_grantstage g where g.determination_id = new.determination_id and g.in_cash and g.ended_at is null) x
    where x.granted > x.stands limit 1;
  if found_no is not null then
    raise exception '已列入发放批次 %', found_no using errcode = 'check_violation', constraint = 'payments_cash_guard';
  end if;
  return new;
end $$;
create trigger payments_cash_guard before insert on funds_pettyspend
  for each row execute function payments_cash_guard();
revoke all on function payments_cash_guard() from public;
"""
BACK = """
drop trigger payments_cash_guard on funds_pettyspend;
drop function payments_cash_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_ledger_to_funds"), ("decisions", "0023_stages_in_cash")]
    operations = [migrations.RunSQL(GUARD, BACK)]
