"""Row-level security of what a sweep leaves besides clues, of the hand-over and of the third-party check."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS, lend_analyze

MODELS = (
    "SweepFinding",
    "PaymentHistory",
    "HandOver",
    "ReturnedList",
    "ThirdPartyContract",
    "ThirdPartyTask",
    "ThirdPartyPhoto",
)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0010_handover_thirdparty")]
    operations = [
        *(EnableRLS(name) for name in MODELS),
        lend_analyze(
            "monitoring_analyze",
            [
                "monitoring_hit (region, person_id, kind, fact_hash)",
                "monitoring_clue (region, person_id, rule_code, fact_hash, state, run_id)",
            ],
        ),
    ]
