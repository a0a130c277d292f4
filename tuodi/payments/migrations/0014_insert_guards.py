"""The guards of what a calculation writes ask for the run once a statement and not once a row; what they refuse is the same.

Changes and deletions of lines keep their guard by row. See migration 0002 for what the guards hold.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
create function payments_insert_guard() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare run_no text;
begin
  select r.no into run_no from (select distinct run_id from fresh) f join payments_payrun r on r.id = f.run_id
    where r.state <> 'open' limit 1;
  if run_no is not null then
    raise exception '批次 % 不在编制中，不能增加行（%）', run_no, tg_table_name using errcode = 'check_violation';
  end if;
  return null;
end $$;
revoke all on function payments_insert_guard() from public;

create trigger payments_insert_guard after insert on payments_payline referencing new table as fresh
  for each statement execute function payments_insert_guard();
create trigger payments_insert_guard after insert on payments_linedifference referencing new table as fresh
  for each statement execute function payments_insert_guard();
create trigger payments_insert_guard after insert on payments_arrear referencing new table as fresh
  for each statement execute function payments_insert_guard();

drop trigger payments_line_guard on payments_payline;
create trigger payments_line_guard before update or delete on payments_payline
  for each row execute function payments_line_guard();
drop trigger payments_draft_guard on payments_linedifference;
create trigger payments_draft_guard before update or delete on payments_linedifference
  for each row execute function payments_draft_guard();
drop trigger payments_draft_guard on payments_arrear;
create trigger payments_draft_guard before update or delete on payments_arrear
  for each row execute function payments_draft_guard();
"""

BACK = """
drop trigger payments_insert_guard on payments_payline;
drop trigger payments_insert_guard on payments_linedifference;
drop trigger payments_insert_guard on payments_arrear;
drop function payments_insert_guard();
drop trigger payments_line_guard on payments_payline;
create trigger payments_line_guard before insert or update or delete on payments_payline
  for each row execute function payments_line_guard();
drop trigger payments_draft_guard on payments_linedifference;
create trigger payments_draft_guard before insert or update or delete on payments_linedifference
  for each row execute function payments_draft_guard();
drop trigger payments_draft_guard on payments_arrear;
create trigger payments_draft_guard before insert or update or delete on payments_arrear
  for each row execute function payments_draft_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_fewer_indexes")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
