"""Row-level security on rosters; what was accepted is never changed."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("intake", "0003_roster")]
    operations = [
        *(EnableRLS(model) for model in ("RosterImport", "RosterFamily", "RosterRow", "AcceptedRoster")),
        AppendOnly("AcceptedRoster"),
    ]
