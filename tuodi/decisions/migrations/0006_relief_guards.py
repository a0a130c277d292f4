"""Row-level security for relief; what was granted, when and by whom stands fixed, and no row goes away."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

GUARD = """
create function decisions_stage_guard() returns trigger language plpgsql as $$
declare is_now decisions_grantstage;
begin
  if tg_op = 'UPDATE' and old.ended_at is null then
    is_now := new;
    is_now.ended_at := null;
    is_now.end_reason := old.end_reason;
    if is_now is not distinct from old then
      return new;
    end if;
  end if;
  raise exception '救助分期不能修改或删除，请另作安排' using errcode = 'check_violation';
end $$;
create trigger decisions_stage_guard before update or delete on decisions_grantstage
  for each row execute function decisions_stage_guard();

create function decisions_relief_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '急难求助不能删除' using errcode = 'check_violation';
  end if;
  if (new.no, new.region, new.household_id, new.reported_at, new.reported_by_id, new.respond_by, new.relieve_by)
     is distinct from (old.no, old.region, old.household_id, old.reported_at, old.reported_by_id, old.respond_by, old.relieve_by)
     or (old.relieved_at is not null and (new.relieved_at, new.relieved_by_id, new.case_id, new.determination_id, new.asked_fen)
         is distinct from (old.relieved_at, old.relieved_by_id, old.case_id, old.determination_id, old.asked_fen)) then
    raise exception '急难求助已登记的内容不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger decisions_relief_guard before update or delete on decisions_relief
  for each row execute function decisions_relief_guard();
"""
BACK = """
drop trigger decisions_relief_guard on decisions_relief;
drop function decisions_relief_guard();
drop trigger decisions_stage_guard on decisions_grantstage;
drop function decisions_stage_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("decisions", "0005_relief_stages")]
    operations = [EnableRLS("GrantStage"), EnableRLS("Relief"), migrations.RunSQL(GUARD, BACK)]
