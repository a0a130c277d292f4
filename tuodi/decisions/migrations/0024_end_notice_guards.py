"""Row-level security for notices before support ends; what was posted is frozen, none is deleted."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

GUARD = """
create function decisions_endnotice_frozen() returns trigger language plpgsql as $$
declare moving text[] := array['state', 'objection', 'objected_on', 'objected_by_id', 'answer_due_on', 'answer_pending', 'answer',
  'answered_on', 'answered_by_id', 'determination_id'];
begin
  if tg_op = 'DELETE' then
    raise exception 'a public notice is never deleted' using errcode = 'restrict_violation';
  end if;
  if (to_jsonb(new) - moving) is distinct from (to_jsonb(old) - moving)
     or old.state in ('reposted', 'decided', 'withdrawn') then
    raise exception 'a public notice is frozen' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger decisions_endnotice_frozen before update or delete on decisions_endnotice
  for each row execute function decisions_endnotice_frozen();
"""
UNDO = "drop trigger decisions_endnotice_frozen on decisions_endnotice; drop function decisions_endnotice_frozen();"


class Migration(migrations.Migration):
    dependencies = [("decisions", "0023_end_notice")]
    operations = [EnableRLS("EndNotice"), migrations.RunSQL(GUARD, UNDO)]
