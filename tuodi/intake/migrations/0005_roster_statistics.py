"""Lets the runtime role refresh the planner's statistics of the tables an import fills.

A file of ten thousand rows arrives within a second; with the statistics of an empty table the joins that follow take
minutes. Only a table's owner may ANALYZE it, so the owner lends this one deed.
"""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import lend_analyze

#: Only the columns that joins and filters use: the wide ones would cost most of the time.
TABLES = {
    "roster": ("intake_rosterrow (imported_id, family_no, row_no, verdict, id_index)", "intake_rosterfamily (imported_id, no, verdict)"),
    "people": (
        "people_person (id, id_index, region)",
        "people_household (id, region)",
        "people_membership (person_id, household_id, until, region)",
        "intake_acceptedroster (household_id, imported_id, programme)",
    ),
}


class Migration(migrations.Migration):
    dependencies = [("intake", "0004_roster_guards"), ("people", "0002_rls")]
    operations = [lend_analyze(f"intake_analyze_{what}", tables) for what, tables in TABLES.items()]
