"""用款计划 (M36): what finance agreed for a month, what uses it, and what would go beyond it.

A plan is for a county, programme and month, of one source or of all. Against it stand the runs of the month and what leaves
the county's available money in it to towns, hospitals and other bodies. All plans of a programme limit its sum; a plan that
names a source limits what is drawn of that source beyond what unsourced plans leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from tuodi.funds import ledger
from tuodi.funds.errors import PlanError
from tuodi.funds.models import FundPaper
from tuodi.funds.states import Account, Kind, PaperKind, PaperState
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.verification.rulebook import profile_value

__all__ = [
    "Excess",
    "Used",
    "agreed",
    "blocks",
    "count_runs_by",
    "draw",
    "excess_of",
    "judge",
    "lacks_reason",
    "left_for_others",
]

#: source -> fen
Used = Mapping[str, int]
#: What takes available money out of a county without a run. A reversal has the kind of what it takes back.
_OUT = (Kind.ADVANCE, Kind.HOSPITAL, Kind.HOSPITAL_CLEAR, Kind.ORDERED, Kind.TREASURY)
#: Shortest reason, in characters.
_REASON = 4


@dataclass(frozen=True)
class Excess:
    """A sub-account of which more is wanted than the month's plans leave; in fen.

    Attributes:
        source: empty = over all sources. papers: numbers of the plans that count; empty = there is none.
        wanted: what uses the month's plans already and what is asked for now, together.
    """

    county: str
    programme: str
    source: str
    planned: int
    wanted: int
    papers: tuple[str, ...]

    @property
    def over(self) -> int:
        """What is beyond the plans."""
        return self.wanted - self.planned

    @property
    def label(self) -> str:
        """`东宝区城乡低保（中央）`."""
        return ledger.sub_account_label(self.county, self.programme, self.source or None)


RunUse = Callable[[str, str, Month], Used]
_runs: list[RunUse] = []


def count_runs_by(use: RunUse) -> None:
    """Tells what the approved runs of a county, programme and month use: runs lie in a room above this one."""
    _runs[:] = [use]


def blocks(place: str) -> bool:
    """Whether a place lets nothing pass that is beyond its plans; by default a written reason does."""
    return bool(profile_value("plan_excess_blocks", place, clock.today()))


def lacks_reason(note: str) -> bool:
    """Whether a note is too short to be a reason."""
    return len(note.strip()) < _REASON


def agreed(counties: Iterable[str], month: Month) -> dict[tuple[str, str], list[FundPaper]]:
    """(county, programme) -> plans of a month that finance agreed."""
    found: dict[tuple[str, str], list[FundPaper]] = {}
    for one in FundPaper.objects.filter(
        region__in=[pad12(county) for county in counties], kind=PaperKind.PLAN, state=PaperState.APPROVED, month=month.yyyymm
    ).order_by("id"):  # fmt: skip
        found.setdefault((one.region[:6], one.programme), []).append(one)
    return found


def left_for_others(counties: Iterable[str], month: Month) -> dict[tuple[str, str], dict[str, int]]:
    """(county, programme) -> source -> what left available money in a month for towns, hospitals and bodies, net of reversals."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(p.region, 1, 6), p.programme, p.source, sum(p.credit_fen - p.debit_fen)::bigint from funds_posting p "
            "join funds_ledgerentry e on e.id = p.entry_id where p.account = %s and p.region = any(%s) and e.kind = any(%s) "
            "and e.run_id is null and e.day between %s and %s group by 1, 2, 3",
            [
                Account.AVAILABLE.value, [pad12(county) for county in counties], [one.value for one in _OUT], month.first_day,
                month.last_day,
            ],
        )  # fmt: skip
        for county, programme, source, fen in cursor.fetchall():
            found.setdefault((county, programme), {})[source] = fen
    return found


def judge(
    county: str, programme: str, *, fen: int, drawn: Used, before: Used, plans: Sequence[FundPaper]
) -> list[Excess]:  # fmt: skip
    """Where a sum goes beyond plans; nothing where the programme has none, unless there no plan is a plan of nothing.

    Args:
        fen, drawn: what is asked for, and from which sources it would come. before: what uses the plans already.
    """
    if not plans and not blocks(county):
        return []
    total, planned = fen + sum(before.values()), sum(one.amount_fen for one in plans)
    if total > planned:
        return [Excess(county, programme, "", planned, total, tuple(one.no for one in plans))]
    found = []
    free = sum(one.amount_fen for one in plans if not one.source)
    for source in sorted({one.source for one in plans if one.source}):
        named = [one for one in plans if one.source == source]
        takes, allowed = drawn.get(source, 0) + before.get(source, 0), free + sum(one.amount_fen for one in named)
        if takes > allowed:
            found.append(Excess(county, programme, source, allowed, takes, tuple(one.no for one in named)))
    return found


def excess_of(region: str, programme: str, fen: int, parts: Sequence[tuple[str, int]] | None = None) -> list[Excess]:
    """Where a sum that is to leave a county today for a town, a hospital or another body goes beyond the month's plans.

    Args:
        parts: [(source, fen)] it is drawn from; None = as it would be drawn now.
    """
    county, month = region[:6], Month.of(clock.today())
    orders = ledger.books([county])
    if county not in orders or fen <= 0:
        return []
    key = (county, programme)
    plans = agreed([county], month).get(key, [])
    if not plans and not blocks(county):
        return []
    if parts is None:
        parts, _ = ledger.share(fen, ledger.held(Account.AVAILABLE, [county], orders=orders).get(key, []))
    before = dict(left_for_others([county], month).get(key, {}))
    for use in _runs:
        for source, used in use(county, programme, month).items():
            before[source] = before.get(source, 0) + used
    return judge(county, programme, fen=fen, drawn=dict(parts), before=before, plans=plans)


def draw(region: str, programme: str, fen: int, note: str) -> list[tuple[str, int]]:
    """[(source, fen)] of a county's available money for what is being decided, within the month's plans.

    Args:
        note: the decision's; a reason in it lets a sum beyond the plans pass, where the place does.

    Raises: FundShortError; PlanError names sub-account, plan, sum and excess.
    """
    key = (region[:6], programme)
    parts = ledger.take({key: fen}, ledger.books([region]))[key]
    found = excess_of(region, programme, fen, parts)
    blocked = bool(found) and blocks(region[:6])
    if found and (blocked or lacks_reason(note)):
        month = Month.of(clock.today()).label
        raise PlanError([(one.label, month, one.planned, one.wanted) for one in found], blocked=blocked)
    return parts
