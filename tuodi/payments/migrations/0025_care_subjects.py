"""A caregiver reads the lines of the care subsidy that were paid to himself, of whatever household."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import subject_sql

_TABLES = ("payments_payline", "payments_linedifference")
_FAMILY = '"household_id" = any ((select tuodi_subject_households())::bigint[])'
_CARER = """ or ("programme" = 'care' and "person_id" = any ((select tuodi_subject_selfs())::bigint[]))"""


def _policies(own: str) -> list[str]:
    return [statement for table in _TABLES for statement in subject_sql(table, own, write=False)]


class Migration(migrations.Migration):
    dependencies = [("payments", "0026_run_reading_guards"), ("decisions", "0029_care_subjects")]
    operations = [migrations.RunSQL(_policies(_FAMILY + _CARER), _policies(_FAMILY))]
