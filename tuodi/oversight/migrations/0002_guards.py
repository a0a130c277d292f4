"""Row-level security, closed to residents; the steps of a matter are append-only, and nobody answers for himself."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("oversight", "0001_complaints_appeals_ratings")]
    operations = [
        *(EnableRLS(model) for model in ("Complaint", "ComplaintStep", "Appeal", "AppealStep", "Rating")),
        AppendOnly("ComplaintStep"),
        AppendOnly("AppealStep"),
    ]
