"""Written notices that what a unit gets changes: made with the determination, then delivered.

Basis: 649 art 13 and [57] art 32 (decrease and stop by procedure, with notice and reasons), 649 art 65 (ways to appeal).
"""

from __future__ import annotations

from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import take_yearly
from tuodi.decisions import telling
from tuodi.decisions.appeal_time import days_to_appeal, ways_to_appeal
from tuodi.decisions.errors import NoticeDeliveryError
from tuodi.decisions.models import Determination, RollNotice
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.verification.rulebook import book

__all__ = ["DELIVERERS", "deliver", "kind_of", "notify"]

Kind = RollNotice.Kind
#: Who may hand a notice over.
DELIVERERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM)
#: Since when [57] stands in the place of [220].
_OF_57 = date(2021, 7, 1)
_CLAUSES = {
    Kind.INCREASE: ("649-13", "220-33", "57-31"),
    Kind.DECREASE: ("649-13", "220-33", "57-32"),
    Kind.GRACE: ("649-13", "2020 11", "57-33"),
    Kind.STOP: ("649-13", "220-33", "57-32"),
    Kind.MOVED: ("649-13", "220-33", "57-32"),
}


def kind_of(row: Determination, before_fen: int | None) -> str:
    """What a determination means to who gets less, more or nothing; empty where nothing changes."""
    after = row.amount_fen or 0
    if row.kind == Determination.Kind.ENDED and row.cause == "move":
        return Kind.MOVED
    if row.outcome != "pass":
        return Kind.STOP
    if row.components.get("grace"):
        return Kind.GRACE
    if before_fen is None or after > before_fen:
        return Kind.INCREASE
    return Kind.DECREASE if after < before_fen else ""


def notify(row: Determination, before_fen: int | None) -> RollNotice | None:
    """Makes the notice of a determination that changed the roll, with a number of its own; None where nothing changes.

    Args:
        before_fen: What the unit had a month before; None = not known.
    """
    kind = kind_of(row, before_fen)
    if not kind or row.start_month is None:
        return None
    law, old, new = _CLAUSES[Kind(kind)]
    texts = [book().clause(raw).text for raw in (law, new if row.decided_on >= _OF_57 else old)]
    notice = RollNotice.objects.create(
        region=row.region,
        no=take_yearly("roll_notice", row.region, row.decided_on.year)[0],
        kind=kind,
        determination=row,
        household_id=row.household_id,
        person_id=row.person_id,
        programme=row.programme,
        effective_month=row.start_month,
        until_month=row.end_month if kind == Kind.GRACE else None,
        before_fen=before_fen,
        after_fen=(row.amount_fen or 0) if row.outcome == "pass" else 0,
        reasons=row.reasons,
        clause="；".join(texts),
        appeal=row.appeal or ways_to_appeal(row.region, row.decided_on),
        appeal_days=days_to_appeal(row.region, row.decided_on),
        made_on=row.decided_on,
        made_by_id=row.decided_by_id,
    )
    if row.decided_by is not None:
        telling.of_notice(notice, row.decided_by)
    return notice


@transaction.atomic
def deliver(notice: RollNotice, *, acting_user: User, on: date, how: str, received_by: str = "") -> RollNotice:
    """Enters once when and how a notice reached the family; the time to appeal counts from then.

    Raises:
        NoticeDeliveryError: A day before it was made or after today, no such way, nobody who signed, or told before.
        NotFoundError, AccessDeniedError.
    """
    row = access.locked(RollNotice.objects.all(), notice.pk, what="告知书")
    access.require_any(acting_user, DELIVERERS, row.region)
    if row.delivered_on is not None:
        raise NoticeDeliveryError(row.no, f"已于 {row.delivered_on} 登记送达，不能再改")
    if not row.made_on <= on <= clock.today():
        raise NoticeDeliveryError(row.no, f"送达日期应在 {row.made_on} 到今天之间")
    if how not in RollNotice.How.values:
        raise NoticeDeliveryError(row.no, f"送达方式只能是：{'、'.join(RollNotice.How.labels)}")
    if how == RollNotice.How.HAND and not received_by.strip():
        raise NoticeDeliveryError(row.no, "当面送达须写明签收人")
    row.delivered_on, row.delivered_how, row.received_by = on, how, received_by.strip()[:60]
    row.delivered_by = acting_user
    row.save(update_fields=["delivered_on", "delivered_how", "received_by", "delivered_by"])
    record(
        "decisions.deliver_notice",
        actor=acting_user,
        subject_type="rollnotice",
        subject_id=row.pk,
        region=row.region,
        after={"no": row.no, "on": on, "how": how, "appeal_until": row.appeal_until},
    )
    return row
