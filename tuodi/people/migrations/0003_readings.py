from django.db import migrations

# Row-level security keeps an index on JSON from use (its operator is not leakproof), and a list is recorded where its
# reader sits, outside the family's own place. So the owner lends one look-up: for ids in the asker's range only.
FORWARD = """
create function people_readings(households bigint[], persons bigint[], most integer)
returns table (id bigint, at timestamptz, actor_id bigint, actor_name varchar, action varchar, region varchar, what text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with wanted as (
    select jsonb_build_object('households', jsonb_build_array(h.id)) as key from public.people_household h
      where h.id = any(households) and h.region >= current_setting('app.region', true)
        and h.region < current_setting('app.region_hi', true)
    union all
    select jsonb_build_object('persons', jsonb_build_array(p.id)) from public.people_person p
      where p.id = any(persons) and p.region >= current_setting('app.region', true)
        and p.region < current_setting('app.region_hi', true)
  ), found as (
    select distinct e.id from wanted join public.audit_auditentry e
      on e.after @> wanted.key and e.action in ('web.view', 'web.list')
  )
  select e.id, e.at, e.actor_id, e.actor_name, e.action, e.region, e.after->>'what'
    from found join public.audit_auditentry e using (id) order by e.id desc limit most
$$;
revoke all on function people_readings(bigint[], bigint[], integer) from public;
grant execute on function people_readings(bigint[], bigint[], integer) to tuodi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0002_rls"), ("audit", "0003_readings")]
    operations = [migrations.RunSQL(FORWARD, "drop function people_readings(bigint[], bigint[], integer)")]
