"""Lets the runtime role refresh the planner's statistics of the tables a month reads and fills.

Forty thousand lines arrive within seconds; with the statistics of an empty table the joins that follow take minutes.
Only a table's owner may ANALYZE it, so the owner lends this one deed.
"""

from __future__ import annotations

from django.db import migrations

#: Only the columns that joins and filters use.
TABLES = {
    "roll": (
        "people_rollentry (household_id, person_id, programme, region, start_month, end_month, determination_id)",
        "people_householdfacts (household_id, region, valid_from, valid_to)",
        "people_memberfacts (household_id, person_id, region, valid_from, valid_to)",
        "people_membership (person_id, household_id, since, until, region)",
        "people_household (id, region)",
        "people_person (id, region)",
        "people_account (id, person_id, region)",
    ),
    "lines": (
        "payments_payline (id, run_id, household_id, person_id, programme, month, region, status, live)",
        "payments_linedifference (run_id, household_id, region)",
        "payments_arrear (run_id, household_id, region)",
    ),
    "bank": (
        "payments_payline (id, run_id, household_id, status)",
        "payments_lineevent (line_id, region)",
        "payments_bankitem (line_id, batch_id, region)",
    ),
}


def _function(what: str, tables: tuple[str, ...]) -> str:
    deeds = "\n".join(f"  analyze public.{table};" for table in tables)
    return (
        f"create function payments_analyze_{what}() returns void language plpgsql security definer "
        f"set search_path = pg_catalog, public, pg_temp as $$ begin\n{deeds}\nend $$;\n"
        f"revoke all on function payments_analyze_{what}() from public;\n"
        f"grant execute on function payments_analyze_{what}() to tuodi_app;"
    )


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_hot_updates"), ("people", "0002_rls")]
    operations = [
        migrations.RunSQL(_function(what, tables), f"drop function payments_analyze_{what}()")
        for what, tables in TABLES.items()
    ]
