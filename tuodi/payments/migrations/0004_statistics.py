"""Lets the runtime role refresh the planner's statistics of the tables a month reads and fills.

Forty thousand lines arrive within seconds; with the statistics of an empty table the joins that follow take minutes.
Only a table's owner may ANALYZE it, so the owner lends this one deed.
"""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import lend_analyze

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


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_hot_updates"), ("people", "0002_rls")]
    operations = [lend_analyze(f"payments_analyze_{what}", tables) for what, tables in TABLES.items()]
