"""Row-level security of premiums and emergency money, and what is frozen of them."""

from __future__ import annotations

from importlib import import_module

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

guard = import_module("tuodi.funds.migrations.0004_hospital_guards").guard

PROTECTED = ("PremiumList", "PremiumItem", "PremiumRefund", "EmergencyCase", "EmergencyReturn")
FIXED = ("PremiumRefund", "EmergencyReturn")
#: table -> (function, states in which nothing may change any more, columns that may change before, what to say)
GUARDED = (
    ("premiumlist", "old.state = 'refused' or old.answered_at is not null",
     ("state", "decided_at", "decided_by_id", "decision_note", "entry_id", "answer_id", "answered_at", "answered_by_id", "faults"),
     "资助参保名单", "no"),
    ("premiumitem", "old.result <> '' or not old.live", ("result", "result_note", "live"), "资助参保人员", "id_masked"),
    ("emergencycase", "old.state = 'refused' or old.written_off_fen > 0",
     ("state", "decided_at", "decided_by_id", "decision_note", "granted_fen", "entry_id", "person_id", "identity", "identified_on",
      "identified_by_id", "claim_from", "claim_fen", "written_off_fen", "write_off_reason", "written_off_by_id"),
     "疾病应急救助", "no"),
)  # fmt: skip
BACK = "".join(
    f"drop trigger funds_{table}_guard on funds_{table}; drop function funds_{table}_guard;" for table, *_ in GUARDED
)


class Migration(migrations.Migration):
    dependencies = [("funds", "0007_premiums_and_emergencies")]
    operations = [
        *(EnableRLS(model) for model in PROTECTED),
        *(AppendOnly(model) for model in FIXED),
        migrations.RunSQL("".join(guard(*one) for one in GUARDED), BACK),
    ]
