"""Row-level security; determinations are append-only."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("decisions", "0001_determination")]
    operations = [EnableRLS("Determination"), AppendOnly("Determination")]
