"""Row-level security for standing lists and case files; what a standing list shows never changes."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("decisions", "0020_standing_lists_case_files")]
    operations = [
        EnableRLS("StandingList"),
        EnableRLS("StandingEntry"),
        EnableRLS("CaseFile"),
        AppendOnly("StandingEntry"),
    ]
