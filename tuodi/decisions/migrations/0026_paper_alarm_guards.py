"""Row-level security for papers that ran out of time."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("decisions", "0025_paper_alarm")]
    operations = [EnableRLS("PaperAlarm")]
