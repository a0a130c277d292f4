"""Row-level security for suspensions."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("decisions", "0003_suspension")]
    operations = [EnableRLS("Suspension")]
