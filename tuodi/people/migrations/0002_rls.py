from django.db import migrations

from tuodi.org.rls import EnableRLS

MODELS = (
    "Person",
    "FormerName",
    "Household",
    "Membership",
    "HouseholdChange",
    "Account",
    "RollEntry",
    "HouseholdFacts",
    "MemberFacts",
)

# The only way past the walls between places: answers whether and in which counties a number is registered, never
# who or where exactly, and writes the question into the audit log in the same breath.
FIND_ELSEWHERE = """
create function people_find_elsewhere(wanted bytea[], masked text)
returns table (place6 text, in_benefit boolean)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  low text := current_setting('app.region', true);
begin
  if low is null or low = '' then
    raise exception '没有管辖范围，不能查询' using errcode = 'insufficient_privilege';
  end if;
  insert into public.audit_auditentry (place6, day, seq, recorded_at, at, actor_id, actor_name, action,
    subject_type, subject_id, case_no, region, before, after, address, request_id, prev_hash, hash)
  values ('', 'epoch', 0, 'epoch', now(), nullif(regexp_replace(current_setting('app.actor', true), '\\D', '', 'g'), '')::bigint,
    coalesce(nullif(current_setting('app.actor', true), ''), '?'), 'people.find_elsewhere',
    'id_number', masked, '', rpad(low, 12, '0'), null, null, '', '', '', '');
  return query
    select substr(p.region, 1, 6)::text, bool_or(exists (
      select 1 from public.people_membership m join public.people_rollentry r on r.household_id = m.household_id
      where m.person_id = p.id and m.until is null and r.end_month is null))
    from public.people_person p where p.id_index = any(wanted) group by 1 order by 1;
end $$;
revoke all on function people_find_elsewhere(bytea[], text) from public;
grant execute on function people_find_elsewhere(bytea[], text) to tuodi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]
    operations = [
        *(EnableRLS(model) for model in MODELS),
        migrations.RunSQL(FIND_ELSEWHERE, "drop function people_find_elsewhere(bytea[], text)"),
    ]
