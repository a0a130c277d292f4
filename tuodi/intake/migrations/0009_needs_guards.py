"""Row-level security of the one door; notes and what became of a need are never changed; the question to other places."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

# The only look past the walls between places at who applies or is assisted: answers whether and where, never who, and
# writes the question into the audit log in the same breath. A place of the asker's own county is named to its town, since
# the colleague there must be called; any other to its county.
FIND = """
create function intake_find_elsewhere(wanted bytea[], masked text)
returns table (place text, programme text, standing text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  low text := current_setting('app.region', true);
  high text := current_setting('app.region_hi', true);
begin
  if low is null or low = '' then
    raise exception '没有管辖范围，不能查询' using errcode = 'insufficient_privilege';
  end if;
  insert into public.audit_auditentry (place6, day, seq, recorded_at, at, actor_id, actor_name, action,
    subject_type, subject_id, case_no, region, before, after, address, request_id, prev_hash, hash)
  values ('', 'epoch', 0, 'epoch', now(), nullif(regexp_replace(current_setting('app.actor', true), '\\D', '', 'g'), '')::bigint,
    coalesce(nullif(current_setting('app.actor', true), ''), '?'), 'intake.find_elsewhere',
    'id_number', masked, '', rpad(low, 12, '0'), null, null, '', '', '', '');
  return query
    select distinct
      (case when left(found.region, 6) = left(low, 6) then left(found.region, 9) else left(found.region, 6) end)::text,
      found.programme::text, found.standing::text
    from (
      select m.region, m.programme, 'applying' as standing
        from public.people_person p
        join public.intake_applicationmember m on m.person_id = p.id
        join public.intake_application a on a.id = m.application_id
        join public.cases_case c on c.id = a.case_id
       where p.id_index = any(wanted) and c.decision = '' and c.closed_on is null
      union all
      select r.region, r.programme, 'assisted'
        from public.people_person p
        join public.people_membership s on s.person_id = p.id and s.until is null
        join public.people_rollentry r on r.household_id = s.household_id
       where p.id_index = any(wanted) and r.end_month is null and (r.person_id is null or r.person_id = p.id)
    ) found
    where not (found.region >= low and found.region < high)
    order by 1, 2, 3;
end $$;
revoke all on function intake_find_elsewhere(bytea[], text) from public;
grant execute on function intake_find_elsewhere(bytea[], text) to tuodi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("intake", "0008_needs_tickets"), ("cases", "0002_guards"), ("people", "0002_rls")]
    operations = [
        *(EnableRLS(model) for model in ("Need", "NeedCase", "NeedNote", "Referral", "Ticket", "DutyTurn")),
        AppendOnly("NeedCase"),
        AppendOnly("NeedNote"),
        migrations.RunSQL(FIND, "drop function intake_find_elsewhere(bytea[], text)"),
    ]
