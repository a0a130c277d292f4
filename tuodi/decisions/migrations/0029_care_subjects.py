"""A caregiver reads the agreements he keeps and whom he looks after; of the household nothing else (M21).

Who the caregiver is, is told by the newest registration of his card; before one nobody is, and who is taken back no longer is.
"""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import APP_ROLE, SubjectRows, subject_ids

KEPT = f"""
create function tuodi_care_kept() returns table (agreement_id bigint, ward varchar, last4 varchar, registered_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select g.id, w.name, a.last4, p.made_at from decisions_careagreement g
  join decisions_carepayee p on p.id = (select max(n.id) from decisions_carepayee n where n.agreement_id = g.id)
  join people_person w on w.id = g.person_id join people_account a on a.id = p.account_id
  where p.person_id = any ((select tuodi_subject_selfs())::bigint[])
$$;
revoke all on function tuodi_care_kept() from public;
grant execute on function tuodi_care_kept() to {APP_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("decisions", "0028_care_payee_guards"), ("people", "0006_subject_selves")]
    operations = [
        migrations.RunSQL(KEPT, "drop function tuodi_care_kept()"),
        subject_ids("agreement", "select agreement_id from tuodi_care_kept()"),
        SubjectRows("CareAgreement", agreement="id"),
    ]
