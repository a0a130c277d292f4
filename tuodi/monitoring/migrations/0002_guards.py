"""Row-level security; what was done to a clue is append-only."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_sweeps_clues")]
    operations = [
        *(EnableRLS(name) for name in ("SweepRun", "SweepSource", "Hit", "Clue", "ClueEvidence", "ClueEvent")),
        AppendOnly("ClueEvent"),
    ]
