"""Row-level security for exports."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0020_exports")]
    operations = [EnableRLS("Export")]
