"""Row-level security, and what stands fixed once it is written: records, photographs, meetings, draws."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

GUARD = """
create or replace function verification_meeting_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.state in ('concluded', 'disputed') then
    raise exception '民主评议已有结论，不能修改或删除' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger verification_meeting_guard before update or delete on verification_reviewmeeting
  for each row execute function verification_meeting_guard();

create or replace function verification_attendee_guard() returns trigger language plpgsql as $$
begin
  if (select state from verification_reviewmeeting where id = new.meeting_id) in ('concluded', 'disputed') then
    raise exception '民主评议已有结论，不能再加参加人' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger verification_attendee_guard before insert on verification_reviewattendee
  for each row execute function verification_attendee_guard();

-- A list is fixed when it is drawn: no more items than its draw counted, and only the result may be added.
create or replace function verification_spotitem_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '抽查名单不能删改' using errcode = 'check_violation';
  end if;
  if tg_op = 'INSERT' then
    if (select count(*) from verification_spotcheckitem where check_of_id = new.check_of_id)
       >= (select mandatory + drawn from verification_spotcheck where id = new.check_of_id) then
      raise exception '抽查名单已固定，不能增加' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if (new.check_of_id, new.region, new.position, new.case_id, new.reason)
     is distinct from (old.check_of_id, old.region, old.position, old.case_id, old.reason) then
    raise exception '抽查名单不能删改' using errcode = 'check_violation';
  end if;
  if old.result <> '' and new is distinct from old then
    raise exception '抽查结果已登记，不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger verification_spotitem_guard before insert or update or delete on verification_spotcheckitem
  for each row execute function verification_spotitem_guard();

-- A task keeps what it is about; only who goes, until when and how it stands may change.
create or replace function verification_task_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '入户任务不能删除，请取消' using errcode = 'check_violation';
  end if;
  if (new.no, new.region, new.household_id, new.purpose, new.case_id, new.matter_no)
     is distinct from (old.no, old.region, old.household_id, old.purpose, old.case_id, old.matter_no)
     or new.version < old.version then
    raise exception '入户任务的对象和事由不能修改' using errcode = 'check_violation';
  end if;
  if old.state = 'cancelled' and new is distinct from old then
    raise exception '已取消的入户任务不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger verification_task_guard before update or delete on verification_visittask
  for each row execute function verification_task_guard();
"""
BACK = """
drop trigger if exists verification_task_guard on verification_visittask;
drop trigger if exists verification_spotitem_guard on verification_spotcheckitem;
drop trigger if exists verification_attendee_guard on verification_reviewattendee;
drop trigger if exists verification_meeting_guard on verification_reviewmeeting;
drop function if exists verification_task_guard, verification_spotitem_guard, verification_attendee_guard,
  verification_meeting_guard;
"""
MODELS = (
    "VisitTask",
    "VisitRecord",
    "VisitPhoto",
    "ReviewMeeting",
    "ReviewAttendee",
    "SpotCheck",
    "SpotCheckItem",
    "KinFiling",
)


class Migration(migrations.Migration):
    dependencies = [("verification", "0020_visits_reviews")]
    operations = [
        *(EnableRLS(model) for model in MODELS),
        *(AppendOnly(model) for model in ("VisitRecord", "VisitPhoto", "ReviewAttendee", "SpotCheck")),
        migrations.RunSQL(GUARD, BACK),
    ]
