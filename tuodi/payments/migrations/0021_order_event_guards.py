"""Row-level security of the events of orders to bodies; they are only ever added."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):
    dependencies = [("payments", "0020_orders_to_bodies")]
    operations = [EnableRLS("OrderEvent"), AppendOnly("OrderEvent")]
