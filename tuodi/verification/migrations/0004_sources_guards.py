"""Row-level security for consents and supporters; sources and batches are no personal data."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("verification", "0003_sources_consents")]
    operations = [EnableRLS("Supporter"), EnableRLS("Consent")]
