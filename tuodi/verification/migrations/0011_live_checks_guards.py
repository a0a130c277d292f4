"""Row-level security of live checks; a report is never changed."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("verification", "0010_live_checks")]
    operations = [
        EnableRLS("CheckRequest"),
        EnableRLS("CheckAnswer"),
        EnableRLS("CheckReport"),
        AppendOnly("CheckReport"),
    ]
