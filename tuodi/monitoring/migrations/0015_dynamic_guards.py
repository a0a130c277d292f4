"""Row-level security for dynamic management. A move is seen by both places; the sealed copy of a file is append-only."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import APP_ROLE, AppendOnly, EnableRLS

_INSIDE = "to_region >= current_setting('app.region', true) and to_region < current_setting('app.region_hi', true)"
TO = f"create policy tuodi_region_to on monitoring_transfer for all to {APP_ROLE} using ({_INSIDE}) with check ({_INSIDE})"


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0014_dynamic_management")]
    operations = [
        EnableRLS("ReviewPlan"),
        EnableRLS("PeriodicReview"),
        EnableRLS("ChangeReport"),
        EnableRLS("JobOffer"),
        EnableRLS("RefusalProposal"),
        EnableRLS("DeathMatter"),
        EnableRLS("HouseholdClass"),
        EnableRLS("Transfer"),
        migrations.RunSQL(TO, "drop policy tuodi_region_to on monitoring_transfer"),
        EnableRLS("TransferPart"),
        AppendOnly("TransferPart"),
    ]
