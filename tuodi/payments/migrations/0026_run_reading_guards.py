"""Row-level security of what a check kept; a signature does not change what it says of its hands either."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS, rewrite_function

SIGNED = """(new.run_id, new.region, new.user_id, new.at, new.amount_fen)
       <> (old.run_id, old.region, old.user_id, old.at, old.amount_fen)"""
SIGNED_NOW = """(new.run_id, new.region, new.user_id, new.at, new.amount_fen, new.hands)
       <> (old.run_id, old.region, old.user_id, old.at, old.amount_fen, old.hands)"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0025_run_readings")]
    operations = [
        EnableRLS("RunReading"),
        rewrite_function("payments_signature_guard", SIGNED, SIGNED_NOW),
    ]
