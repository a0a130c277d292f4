"""Row-level security for patrols and discoveries; what was reported stays as it was reported."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

GUARD = """
create function intake_discovery_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '主动发现的上报不能删除' using errcode = 'check_violation';
  end if;
  if (new.no, new.region, new.task_id, new.event_type, new.urgent, new.story, new.reported_at, new.reported_by_id)
     is distinct from (old.no, old.region, old.task_id, old.event_type, old.urgent, old.story, old.reported_at, old.reported_by_id)
     or (old.state <> 'reported' and new is distinct from old) then
    raise exception '主动发现的上报不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger intake_discovery_guard before update or delete on intake_discovery
  for each row execute function intake_discovery_guard();
"""
BACK = "drop trigger intake_discovery_guard on intake_discovery; drop function intake_discovery_guard();"


class Migration(migrations.Migration):
    dependencies = [("intake", "0008_patrols_discoveries")]
    operations = [EnableRLS("PatrolTask"), EnableRLS("Discovery"), migrations.RunSQL(GUARD, BACK)]
