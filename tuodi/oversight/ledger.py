"""The 信访台账: complaints and how they were answered, among the ledgers that can be taken out. Registered when the app is ready.

Who complained, about whom and in which words never leaves by a ledger.
"""

from __future__ import annotations

from typing import Any

from tuodi.exchange.bulk_xlsx import Column
from tuodi.monitoring.ledgers import Choices, plain_ledger
from tuodi.org.models import DutyCode
from tuodi.oversight.models import Complaint
from tuodi.policy.procedure import LEVEL_LABELS

__all__ = ["register_complaints"]


def _made(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "no": row["no"],
        "about": dict(Complaint.About.choices).get(row["about"], row["about"]),
        "channel": dict(Complaint.Channel.choices).get(row["channel"], row["channel"]),
        "received": row["received_on"].isoformat(),
        "level": LEVEL_LABELS.get(row["level"], row["level"]),
        "due": row["due_on"].isoformat() if row["due_on"] else "",
        "state": dict(Complaint._meta.get_field("state").flatchoices).get(row["state"], row["state"]),
        "answered": row["answered_at"].date().isoformat() if row["answered_at"] else "",
        "content": {True: "满意", False: "不满意"}.get(row["content"], ""),
    }


def register_complaints() -> None:
    """Adds the ledger; called once, when the app is ready."""
    plain_ledger(
        "complaint", "信访台账", (DutyCode.SUPERVISE,),
        [
            Column("no", "投诉号", width=24), Column("about", "事由", width=18), Column("channel", "渠道", width=14),
            Column("received", "收到日期", width=12), Column("level", "答复层级", width=12), Column("due", "答复期限", width=12),
            Column("state", "状态", width=12), Column("answered", "答复日期", width=12), Column("content", "评价", width=8),
        ],
        lambda choices: _rows(choices),
        ["no", "about", "channel", "received_on", "level", "due_on", "state", "answered_at", "content"],
        lambda row: _made(row),
    )  # fmt: skip


def _rows(choices: Choices) -> Any:
    return Complaint.objects.filter(received_on__gte=choices.since, received_on__lte=choices.until)
