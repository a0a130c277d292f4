from django.db import migrations

# Readings have one index (0003_readings); a number shown in full is found by its subject.
FORWARD = """
drop index audit_entry_seen;

create or replace function audit_seen(since timestamptz, most integer)
returns table (id bigint, at timestamptz, actor_id bigint, actor_name varchar, action varchar, subject_type varchar,
  subject_id varchar, after jsonb)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with me as (
    select string_to_array(nullif(split_part(current_setting('app.subject', true), '|', 1), ''), ',')::bigint[] as persons,
           string_to_array(nullif(split_part(current_setting('app.subject', true), '|', 2), ''), ',')::bigint[] as households
  ), found as (
    select e.* from me, unnest(me.persons) p
      join public.audit_auditentry e on e.after @> jsonb_build_object('persons', jsonb_build_array(p))
     where e.action in ('web.view', 'web.list')
    union
    select e.* from me, unnest(me.households) h
      join public.audit_auditentry e on e.after @> jsonb_build_object('households', jsonb_build_array(h))
     where e.action in ('web.view', 'web.list')
    union
    select e.* from me, unnest(me.persons) p
      join public.audit_auditentry e on e.subject_type = 'person' and e.subject_id = p::text
     where e.action = 'people.reveal_id'
  )
  select f.id, f.at, f.actor_id, f.actor_name, f.action, f.subject_type, f.subject_id, f.after
    from found f where f.at >= since order by f.at desc, f.id desc limit most
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_seen")]
    operations = [
        migrations.RunSQL(
            FORWARD,
            "create index audit_entry_seen on audit_auditentry using gin (after jsonb_path_ops) "
            "where action in ('web.view', 'web.list', 'people.reveal_id')",
        )
    ]
