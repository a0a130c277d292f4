"""Row-level security: closed to residents, whose own requests go through the verbs of the room."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("intake", "0009_online")]
    operations = [EnableRLS("OnlineApplication"), EnableRLS("OnlinePaper")]
