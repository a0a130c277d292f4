"""Row-level security for the list of persons at risk."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("people", "0003_at_risk_list")]
    operations = [EnableRLS("AtRisk")]
