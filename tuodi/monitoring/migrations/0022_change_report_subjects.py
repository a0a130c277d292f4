"""A family sees the changes it has told; what it tells is written by the room's action."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import SubjectRows


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0021_exports_guards"), ("people", "0004_subjects")]
    operations = [SubjectRows("ChangeReport", household="household_id")]
