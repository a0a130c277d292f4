"""What a county may know of the runs that paid in it: a run of its whole prefecture is beyond its range, and its lines are not.

Without it a county that goes on by itself after its prefecture ran the month before would look back at nothing: neither back pay nor what
is owed would be seen. The head of a run is told, its sums are not.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
-- Bound when it is made; a run is told where its range and the reader's share a place.
create function payments_runs() returns table (id bigint, no text, month integer, state text, place text, programmes text[])
  language sql stable security definer
  begin atomic
    select r.id, r.no::text, r.month, r.state::text, r.place::text, r.programmes::text[] from public.payments_payrun r
    where r.place::text collate "C" < coalesce(nullif(current_setting('app.region_hi', true), ''), '~') collate "C"
      and (r.place::text || '~') collate "C" > coalesce(current_setting('app.region', true), '') collate "C";
  end;
revoke all on function payments_runs() from public;
grant execute on function payments_runs() to tuodi_app;
"""

BACK = "drop function payments_runs();"


class Migration(migrations.Migration):
    dependencies = [("payments", "0023_causes_together")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
