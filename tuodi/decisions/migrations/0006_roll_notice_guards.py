"""Row-level security for notices of changes on the roll; what one says is frozen, only its delivery is entered, once."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

GUARD = """
create function decisions_rollnotice_frozen() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a notice is never deleted' using errcode = 'restrict_violation';
  end if;
  if (to_jsonb(new) - array['delivered_on', 'delivered_how', 'received_by', 'delivered_by_id'])
     is distinct from (to_jsonb(old) - array['delivered_on', 'delivered_how', 'received_by', 'delivered_by_id'])
     or old.delivered_on is not null then
    raise exception 'a notice is frozen' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger decisions_rollnotice_frozen before update or delete on decisions_rollnotice
  for each row execute function decisions_rollnotice_frozen();
"""
UNDO = "drop trigger decisions_rollnotice_frozen on decisions_rollnotice; drop function decisions_rollnotice_frozen();"


class Migration(migrations.Migration):
    dependencies = [("decisions", "0005_roll_notice")]
    operations = [EnableRLS("RollNotice"), migrations.RunSQL(GUARD, UNDO)]
