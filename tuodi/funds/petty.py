"""Reading petty cash: balance, limit, what may be paid, a month day by day."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import QuerySet

from tuodi.decisions.models import Determination, GrantStage, Relief
from tuodi.funds import ledger
from tuodi.funds.models import Float, FloatCount, FloatRequest, PettySpend
from tuodi.funds.states import Account
from tuodi.kernel.periods import Month
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.policy.model import NO_CAP
from tuodi.verification.rulebook import book, place_of

__all__ = [
    "MonthSums",
    "Movement",
    "balance",
    "days",
    "limit_of",
    "month_of",
    "months_of",
    "open_requests",
    "ordinary",
    "payable",
    "sources",
    "spends",
    "standing",
    "standing_grant",
    "unchecked",
]


@dataclass(frozen=True)
class MonthSums:
    """A month of a town's cash, in fen."""

    opening: int
    advanced: int
    spent: int
    returned: int

    @property
    def closing(self) -> int:
        """What the ledger says there is at its end."""
        return self.opening + self.advanced - self.spent - self.returned


@dataclass(frozen=True)
class Movement:
    """One day of a town's cash: sums of the day and the balance at its end, in fen."""

    day: date
    advanced: int
    spent: int
    returned: int
    balance: int


def sources(row: Float) -> list[tuple[str, int]]:
    """[(source, fen)] the cash came from, those above zero."""
    return [(source, fen) for _, source, fen in ledger.balance_of(Account.FLOAT, row.region) if fen > 0]


def balance(row: Float) -> int:
    """What the ledger says is in the town's cash box."""
    return sum(fen for _, fen in sources(row))


def limit_of(row: Float, on: date) -> int:
    """Most that one case is paid: the county's figure, or the pack's where that is lower."""
    known = book()
    found = known.value("temporary.town_petty_limit", known.chain(place_of(row.region)), (), on)
    if found is None or found.value is None or found.value == NO_CAP:
        return row.limit_fen
    return min(row.limit_fen, int(found.value))


def _moves(row: Float, since: date, until: date) -> list[tuple[date, int, int, int]]:
    """Day -> (day, advanced, spent, returned); reversals count against their own kind."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select e.day, coalesce(sum(p.debit_fen - p.credit_fen) filter (where e.kind = 'advance'), 0)::bigint, "
            "coalesce(sum(p.credit_fen - p.debit_fen) filter (where e.kind in ('petty_spend', 'petty_return')), 0)::bigint, "
            "coalesce(sum(p.credit_fen - p.debit_fen) filter (where e.kind = 'petty_back'), 0)::bigint "
            "from funds_posting p join funds_ledgerentry e on e.id = p.entry_id where p.account = 'float' and p.region = %s "
            "and e.day between %s and %s group by e.day order by e.day",
            [row.region, since, until],
        )
        return list(cursor.fetchall())


def months_of(rows: Iterable[Float], month: Month) -> dict[str, MonthSums]:
    """Region -> a month's sums, from the postings, in one query."""
    regions = [row.region for row in rows]
    # What a family brought back of a payment is less spent.
    kinds = (("'advance'", 1), ("'petty_spend', 'petty_return'", -1), ("'petty_back'", -1))
    sums = ", ".join(
        f"coalesce(sum({sign} * (p.debit_fen - p.credit_fen)) filter (where e.kind in ({kind}) and e.day >= %(first)s), 0)::bigint"
        for kind, sign in kinds
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "select p.region, coalesce(sum(p.debit_fen - p.credit_fen) filter (where e.day < %(first)s), 0)::bigint, "
            f"{sums} from funds_posting p join funds_ledgerentry e on e.id = p.entry_id where p.account = 'float' "
            "and p.region = any(%(regions)s) and e.day <= %(last)s group by p.region",
            {"first": month.first_day, "last": month.last_day, "regions": regions},
        )
        found = {region: MonthSums(*rest) for region, *rest in cursor.fetchall()}
    return {region: found.get(region, MonthSums(0, 0, 0, 0)) for region in regions}


def month_of(row: Float, month: Month) -> MonthSums:
    """A month's sums of one town."""
    return months_of([row], month)[row.region]


def days(row: Float, month: Month) -> list[Movement]:
    """The daily balance of a month: days on which something moved."""
    held = month_of(row, month).opening
    found = []
    for day, advanced, spent, returned in _moves(row, month.first_day, month.last_day):
        held += advanced - spent - returned
        found.append(Movement(day, advanced, spent, returned, held))
    return found


def standing(row: Float) -> QuerySet[GrantStage]:
    """Stages of grants of the town that stand and were not paid in cash; a run may pay them."""
    return GrantStage.objects.filter(ended_at__isnull=True, in_cash=False, region__startswith=row.region[:9])


def payable(row: Float, but: Collection[int] = ()) -> QuerySet[Relief]:
    """Emergencies of the town that were relieved and whose grant is still to be paid, the oldest first.

    Args:
        but: grants that a run pays.
    """
    stages = standing(row).exclude(determination__in=but)
    grants = stages.values_list("determination", "determination__follows")
    waiting = {number for pair in grants for number in pair if number}
    done = PettySpend.objects.filter(float=row).values("determination")
    return (
        Relief.objects.filter(region__startswith=row.region[:9], determination__in=waiting)
        .exclude(determination__in=done)
        .select_related("household__head", "person", "determination")
        .order_by("relieved_at", "id")
    )


def ordinary(row: Float, but: Collection[int] = ()) -> QuerySet[Determination]:
    """Grants of the ordinary procedure of the town (小额临时救助) that are still to be paid, the oldest first.

    Args:
        but: grants that a run pays.
    """
    stages = standing(row).exclude(determination__in=but)
    urgent = Relief.objects.filter(region__startswith=row.region[:9], determination__isnull=False).values(
        "determination"
    )
    done = PettySpend.objects.filter(float=row).values("determination")
    return (
        Determination.objects.filter(
            pk__in=stages.values("determination"), programme__in=ONCE_PROGRAMMES, outcome="pass"
        )
        .exclude(pk__in=urgent)
        .exclude(follows__in=urgent)
        .exclude(pk__in=done)
        .select_related("household__head")
        .order_by("decided_on", "id")
    )


def open_requests(row: Float | None = None) -> QuerySet[FloatRequest]:
    """Requests to fill a town's cash up that the county has not answered; of all towns in the scope without one."""
    rows = FloatRequest.objects.filter(paper__isnull=True, refused_at__isnull=True).order_by("asked_at", "id")
    return rows if row is None else rows.filter(float=row)


def unchecked() -> QuerySet[FloatCount]:
    """Counts finance has not looked at, in the caller's scope."""
    return FloatCount.objects.filter(check_row__isnull=True).order_by("month", "id")


def spends(row: Float) -> QuerySet[PettySpend]:
    """What the town paid, newest first."""
    return row.spends.select_related("household__head", "determination", "paid_by").order_by("-id")  # type: ignore[attr-defined,no-any-return]


def standing_grant(row: Relief) -> Determination:
    """The determination that stands for an emergency: the confirmed one, else the provisional one."""
    later = Determination.objects.filter(follows=row.determination, outcome="pass").order_by("-id").first()
    granted = later or row.determination
    assert granted is not None
    return granted
