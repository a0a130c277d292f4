"""A family sees the notices about its own assistance."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import SubjectRows


class Migration(migrations.Migration):
    dependencies = [("decisions", "0021_papers_guards"), ("people", "0004_subjects")]
    operations = [SubjectRows("RollNotice", household="household_id")]
