"""Row-level security; what was taken away stays taken away."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("decisions", "0006_revocation")]
    operations = [EnableRLS("Revocation"), AppendOnly("Revocation")]
