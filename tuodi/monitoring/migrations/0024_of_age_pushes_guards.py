"""Row-level security for coming of age and for lists pushed to departments."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0023_of_age_pushes")]
    operations = [EnableRLS("ComingOfAge"), EnableRLS("ListPush"), EnableRLS("PushFamily")]
