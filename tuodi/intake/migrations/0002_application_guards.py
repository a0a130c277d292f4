"""Row-level security; an application and its members are never changed once accepted."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_application"), ("cases", "0002_guards")]
    operations = [
        *(EnableRLS(model) for model in ("Application", "ApplicationMember", "Material")),
        AppendOnly("Application"),
        AppendOnly("ApplicationMember"),
    ]
