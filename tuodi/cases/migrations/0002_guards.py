"""Row-level security, the guards of the separation of hands, and the calendar that ships with the product."""

from __future__ import annotations

from datetime import timedelta

from django.db import migrations

from tuodi.kernel import clock
from tuodi.kernel.workdays import official_calendar
from tuodi.org.rls import AppendOnly, EnableRLS

FUNCTIONS = """
create or replace function cases_check_bar(p_case bigint, p_user bigint) returns void language plpgsql as $$
declare found text;
begin
  select reason into found from cases_casebar where case_id = p_case and user_id = p_user limit 1;
  if found is not null then
    raise exception '经办人 % 须回避案件 %（%）', p_user, p_case, found using errcode = 'check_violation';
  end if;
end $$;

create or replace function cases_take_hand(p_case bigint, p_region text, p_user bigint, p_hand text)
returns void language plpgsql as $$
declare held text;
begin
  perform cases_check_bar(p_case, p_user);
  insert into cases_casehand (case_id, region, user_id, hand) values (p_case, p_region, p_user, p_hand)
    on conflict (case_id, user_id) do nothing;
  select hand into held from cases_casehand where case_id = p_case and user_id = p_user;
  if held is distinct from p_hand then
    raise exception '经办人 % 在案件 % 已有环节 %，不能再办 %', p_user, p_case, held, p_hand using errcode = 'check_violation';
  end if;
end $$;

create or replace function cases_step_guard() returns trigger language plpgsql as $$
declare other bigint;
begin
  if tg_op = 'UPDATE' and old.state = 'done' and new is distinct from old then
    raise exception '已办步骤不能修改' using errcode = 'check_violation';
  end if;
  if new.done_by_id is not null then
    perform cases_check_bar(new.case_id, new.done_by_id);
    foreach other in array new.with_ids loop
      perform cases_check_bar(new.case_id, other);
    end loop;
    if new.duty in ('accept', 'confirm') then
      perform cases_take_hand(new.case_id, new.region, new.done_by_id,
        case new.duty when 'accept' then 'accept' else 'approve' end);
    end if;
  end if;
  return new;
end $$;
create trigger cases_step_guard before insert or update on cases_step
  for each row execute function cases_step_guard();

create or replace function cases_hand_guard() returns trigger language plpgsql as $$
begin
  perform cases_check_bar(new.case_id, new.user_id);
  return new;
end $$;
create trigger cases_hand_guard before insert on cases_casehand
  for each row execute function cases_hand_guard();

create or replace function cases_case_guard() returns trigger language plpgsql as $$
begin
  if new.procedure_hash <> old.procedure_hash or new.procedure_text <> old.procedure_text
     or new.accepted_on <> old.accepted_on or new.programme <> old.programme then
    raise exception '案件的程序、受理日期和项目不能修改' using errcode = 'check_violation';
  end if;
  if old.decision <> '' and (new.decision <> old.decision or new.decided_on is distinct from old.decided_on) then
    raise exception '案件的决定不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger cases_case_guard before update on cases_case for each row execute function cases_case_guard();
"""

BACK = """
drop trigger if exists cases_case_guard on cases_case;
drop trigger if exists cases_hand_guard on cases_casehand;
drop trigger if exists cases_step_guard on cases_step;
drop function if exists cases_case_guard, cases_hand_guard, cases_step_guard, cases_take_hand, cases_check_bar;
"""


def seed(apps, schema_editor):
    """One row a published year, as its notice differs from Monday to Friday."""
    calendar = official_calendar()
    model = apps.get_model("cases", "WorkdayYear")
    rows = []
    for year in calendar.years:
        first = clock.now().date().replace(year=year, month=1, day=1)
        days = [first + timedelta(days=i) for i in range(366)]
        days = [day for day in days if day.year == year]
        rows.append(
            model(
                year=year,
                version=1,
                document=f"国务院办公厅关于{year}年部分节假日安排的通知（{calendar.version}）",
                days_off=[day for day in days if day.weekday() < 5 and not calendar.is_workday(day)],
                days_worked=[day for day in days if day.weekday() >= 5 and calendar.is_workday(day)],
                entered_at=clock.now(),
            )
        )
    model.objects.bulk_create(rows)


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial")]
    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
        *(EnableRLS(model) for model in ("Case", "Step", "CaseHand", "CaseBar", "Notice", "NoticeObjection")),
        AppendOnly("CaseHand"),
        AppendOnly("CaseBar"),
        AppendOnly("WorkdayYear"),
        migrations.RunSQL(FUNCTIONS, BACK),
    ]
