"""Row-level security for the watch list; what was done for a family is append-only."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0005_proposals_watch")]
    operations = [EnableRLS("WatchEntry"), EnableRLS("WatchAid"), AppendOnly("WatchAid")]
