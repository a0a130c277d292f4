"""Lets a change of status stay on its page: no index on it, and room left on each page (three updates a line and month)."""

from django.db import migrations

TABLES = ("payments_payline", "payments_bankitem")


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_guards")]
    operations = [
        migrations.RemoveIndex(model_name="payline", name="payments_line_status"),
        *(
            migrations.RunSQL(f"alter table {table} set (fillfactor = 70)", f"alter table {table} reset (fillfactor)")
            for table in TABLES
        ),
    ]
