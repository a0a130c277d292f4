"""Money that lies: which balances have not moved, since when, and whom it was told.

Available money lies when nothing of its sub-account moved; money on its way (reserved, in transit, returned, with a town or a
hospital) lies when that balance itself did not move, a run's by each run, though others of the sub-account may have.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import QuerySet

from tuodi.audit.actions import record
from tuodi.funds.errors import FundInputError
from tuodi.funds.models import Balance, IdleAlert
from tuodi.funds.states import LIVING, Account
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.verification.rulebook import profile_value

__all__ = ["Resting", "answer", "look", "resting", "waiting"]


@dataclass(frozen=True)
class Resting:
    """A balance and how long it has not moved.

    Attributes:
        run_id: the run whose money it is; 0 = of no run. limit: days the place allows; None = it sets none.
    """

    region: str
    programme: str
    source: str
    account: str
    run_id: int
    fen: int
    moved_on: date
    days: int
    limit: int | None

    @property
    def late(self) -> bool:
        """Whether it has lain longer than the place allows."""
        return self.limit is not None and self.days > self.limit

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What it is a balance of."""
        return (self.region, self.programme, self.source, self.account, self.run_id)


def resting(place: str, today: date | None = None) -> list[Resting]:
    """Balances above zero in a place, those that have lain longest first."""
    on = today or clock.today()
    limits = access.range_of(place)
    rows = list(
        Balance.objects.filter(region__gte=limits.low, region__lt=limits.high, moved_on__isnull=False)
        .exclude(source="")
        .values_list("region", "programme", "source", "account", "run_id", "debit_fen", "credit_fen", "moved_on")
    )
    last: dict[tuple[str, str, str], date] = {}
    for region, programme, source, _, _, _, _, moved in rows:
        key = (region[:6], programme, source)
        last[key] = max(moved, last.get(key, moved))
    allowed: dict[str, int | None] = {}
    found = []
    for region, programme, source, account, run_id, dr, cr, moved in rows:
        if account not in LIVING or dr <= cr:
            continue
        county = region[:6]
        if county not in allowed:
            allowed[county] = profile_value("idle_money_days", county, on)
        since = last[county, programme, source] if account == Account.AVAILABLE else moved
        days = (on - since).days
        found.append(Resting(region, programme, source, account, run_id, dr - cr, since, days, allowed[county]))
    return sorted(found, key=lambda one: (-one.days, one.key))


@transaction.atomic
def look(place: str) -> int:
    """Daily: notes each balance that has lain too long, once, and ends what has moved since. How many are new."""
    late = {one.key: one for one in resting(place) if one.late}
    limits = access.range_of(place)
    held = {}
    for row in IdleAlert.objects.select_for_update().filter(
        region__gte=limits.low, region__lt=limits.high, ended_at__isnull=True
    ):
        key = (row.region, row.programme, row.source, row.account, row.run_id)
        one = late.get(key)
        if one is not None and (one.moved_on, one.fen) == (row.still_since, row.amount_fen):
            held[key] = row
            continue
        row.ended_at = clock.now()
        row.save(update_fields=["ended_at"])
    made = 0
    for key, one in late.items():
        if key in held:
            continue
        row = IdleAlert.objects.create(
            region=one.region, programme=one.programme, source=one.source, account=one.account, run_id=one.run_id,
            amount_fen=one.fen, still_since=one.moved_on, limit_days=one.limit or 0, made_at=clock.now(),
        )  # fmt: skip
        record(
            "funds.idle_alert", actor=None, subject_type="idle_alert", subject_id=row.pk, region=row.region,
            after={"account": row.account, "amount_fen": row.amount_fen, "since": row.still_since.isoformat()},
        )  # fmt: skip
        made += 1
    return made


def waiting() -> QuerySet[IdleAlert]:
    """Money that lies too long of which nobody has said what is done about it; in the caller's scope."""
    return IdleAlert.objects.filter(ended_at__isnull=True, handled_at__isnull=True).order_by("still_since", "id")


@transaction.atomic
def answer(alert: IdleAlert, *, acting_user: User, handling: str) -> IdleAlert:
    """Says what is done about money that lies; it stays listed until it moves.

    Raises: FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, alert.region)
    row = access.locked(IdleAlert.objects, alert.pk, what="资金沉淀提醒")
    if row.ended_at is not None:
        raise FundInputError("提醒", "：这笔资金已经变动，不用再说明")
    if not handling.strip():
        raise FundInputError("处理情况", "没有填写")
    before = row.handling
    row.handling, row.handled_at, row.handled_by = handling.strip()[:300], clock.now(), acting_user
    row.save(update_fields=["handling", "handled_at", "handled_by"])
    record(
        "funds.answer_idle", actor=acting_user, subject_type="idle_alert", subject_id=row.pk, region=row.region,
        before={"handling": before}, after={"handling": row.handling},
    )  # fmt: skip
    return row
