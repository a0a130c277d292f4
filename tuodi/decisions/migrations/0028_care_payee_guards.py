"""Row-level security for caregivers' accounts, and no change of what was registered: a new card is a new row."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("decisions", "0027_care_payees")]
    operations = [EnableRLS("CarePayee"), AppendOnly("CarePayee")]
