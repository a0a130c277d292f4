"""Reading runs for screens and the command line. Each is a fixed number of queries whatever the roll's size."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum

from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.access import range_of
from tuodi.org.models import User
from tuodi.org.places import place_name
from tuodi.payments.labels import pay_label
from tuodi.payments.models import LineDifference, PayLine, PayRun
from tuodi.payments.models.run import COMPONENTS
from tuodi.payments.states import BOOKED, Cause, Held, LineStatus
from tuodi.people.enums import AreaKind

__all__ = [
    "BankTotal", "Blocker", "CauseRow", "ComponentRow", "DifferenceLine", "Summary", "TownRow", "access_run", "bank_totals",
    "blockers", "booked_runs", "by_component", "by_town", "difference_lines", "difference_tree", "find_run", "held_lines", "month_of",
    "runs", "status_totals", "summary",
]  # fmt: skip

_BOOKED = [state.value for state in BOOKED]


def month_of(run: PayRun) -> Month:
    """The month a run pays."""
    return Month.parse(str(run.month))


def runs(place: str | None = None) -> QuerySet[PayRun]:
    """Runs in scope, newest month first."""
    found = PayRun.objects.select_related("opened_by", "calculated_by", "checked_by", "approved_by", "sent_by")
    if place:
        found = found.filter(place=place)
    return found.order_by("-month", "place", "-id")


def booked_runs(numbers: Collection[int]) -> set[int]:
    """Which of some runs count as granted. Asked by the system: residents see no run, only lines of their own."""
    with access.system_scope("cn"):
        return set(PayRun.objects.filter(pk__in=list(numbers), state__in=_BOOKED).values_list("pk", flat=True))


def access_run(user: User, run_id: int) -> PayRun:
    """One run. Raises NotFoundError, alike for absent and not yours."""
    return access.one(runs(), user=user, what="发放批次", pk=run_id)


def find_run(place: str, month: Month, programmes: list[str] | None = None) -> PayRun | None:
    """The run of a place and month that is not cancelled, or None."""
    found = runs(place).filter(month=month.yyyymm).exclude(state="cancelled")
    if programmes:
        found = found.filter(programmes=sorted(programmes))
    return found.first()


def _rows(query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(arguments))
        return list(cursor.fetchall())


@dataclass(frozen=True)
class Summary:
    """The head of a run beside last month: counts of paid lines, fen.

    Attributes:
        back_pay_fen: one-off back pay inside `amount_fen`. before_*: last month's approved lines in the same range.
    """

    households: int
    persons: int
    amount_fen: int
    back_pay_fen: int
    offset_fen: int
    held_lines: int
    before_households: int
    before_persons: int
    before_fen: int
    causes: int

    @property
    def difference_fen(self) -> int:
        """This month less last month."""
        return self.amount_fen - self.before_fen


def summary(run: PayRun) -> Summary:
    """The figures at the top of a run's page."""
    ((homes, persons, amount, back, offset, held),) = _rows(
        "select count(distinct household_id) filter (where held = ''), coalesce(sum(persons) filter (where held = ''), 0)::bigint, "
        "coalesce(sum(amount_fen) filter (where held = ''), 0)::bigint, coalesce(sum(back_pay_fen) filter (where held = ''), 0)::bigint, "
        "coalesce(sum(offset_fen) filter (where held = ''), 0)::bigint, count(*) filter (where held <> '') "
        "from payments_payline where run_id = %s and live",
        run.pk,
    )
    found = range_of(run.place)
    ((was_homes, was_persons, was_amount),) = _rows(
        "select count(distinct l.household_id), coalesce(sum(l.persons), 0)::bigint, coalesce(sum(l.amount_fen), 0)::bigint "
        "from payments_payline l join payments_runs() r on r.id = l.run_id where l.live and l.held = '' and r.month = %s "
        "and l.programme = any(%s) and l.region >= %s and l.region < %s and r.state = any(%s)",
        month_of(run).prev().yyyymm,
        list(run.programmes),
        found.low,
        found.high,
        _BOOKED,
    )
    ((causes,),) = _rows("select count(distinct cause) from payments_linedifference where run_id = %s", run.pk)
    return Summary(homes, persons, amount, back, offset, held, was_homes, was_persons, was_amount, causes)


@dataclass(frozen=True)
class TownRow:
    """One town (or county) of a run."""

    code: str
    name: str
    households: int
    persons: int
    amount_fen: int
    before_fen: int
    held_lines: int

    @property
    def difference_fen(self) -> int:
        """This month less last month."""
        return self.amount_fen - self.before_fen


def by_town(run: PayRun, *, digits: int = 9) -> list[TownRow]:
    """Totals by town; `digits=6` by county. In order of code."""
    rows = _towns(run, digits)
    return [
        TownRow(code, place_name(code), homes, persons, amount, amount - delta, held)
        for code, homes, persons, amount, held, delta in rows
    ]


def _towns(run: PayRun, digits: int) -> list[tuple[Any, ...]]:
    return _rows(
        "with l as (select substr(region, 1, %s) as place, count(distinct household_id) filter (where held = '') as homes, "
        "coalesce(sum(persons) filter (where held = ''), 0)::bigint as persons, coalesce(sum(amount_fen) filter (where held = ''), 0)::bigint as fen, "
        "count(*) filter (where held <> '') as held from payments_payline where run_id = %s and live group by 1), "
        "d as (select substr(region, 1, %s) as place, sum(amount_fen)::bigint as delta from payments_linedifference where run_id = %s group by 1) "
        "select coalesce(l.place, d.place), coalesce(homes, 0), coalesce(persons, 0), coalesce(fen, 0), coalesce(held, 0), coalesce(delta, 0) "
        "from l full join d on d.place = l.place order by 1",
        digits,
        run.pk,
        digits,
        run.pk,
    )


@dataclass(frozen=True)
class ComponentRow:
    """One programme and category: what its lines are made of. `parts`: component column -> fen."""

    programme: str
    category: str
    label: str
    households: int
    persons: int
    parts: dict[str, int]
    amount_fen: int


def by_component(run: PayRun) -> list[ComponentRow]:
    """Totals by programme and category with each component (城市低保, 农村低保, 特困)."""
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in COMPONENTS)
    rows = _rows(
        f"select programme, category, count(distinct household_id), coalesce(sum(persons), 0)::bigint, coalesce(sum(amount_fen), 0)::bigint, {sums} "
        "from payments_payline where run_id = %s and live and held = '' group by 1, 2 order by 1, 2 desc",
        run.pk,
    )
    found = []
    for programme, category, homes, persons, amount, *parts in rows:
        short = {"dibao": "低保", "tekun": "特困", "temporary": "临时救助"}.get(programme, pay_label(programme))
        found.append(
            ComponentRow(
                programme,
                category,
                f"{AreaKind(category).label}{short}",
                homes,
                persons,
                dict(zip(COMPONENTS, parts, strict=True)),
                amount,
            )
        )
    return found


@dataclass(frozen=True)
class CauseRow:
    """One cause of the difference to last month. `households`: families concerned; `persons`: signed change or people concerned."""

    cause: str
    label: str
    households: int
    persons: int
    amount_fen: int
    one_off: bool


def differences_of(runs: Sequence[PayRun]) -> dict[int, int]:
    """The difference of each run to the month before it, in fen, by its key; runs nothing was computed of are left out."""
    found = (
        LineDifference.objects.filter(run__in=[one.pk for one in runs]).values_list("run").annotate(Sum("amount_fen"))
    )
    return dict(found)


_ORDER = list(Cause.values)
_ONE_OFF = {Cause.STANDARD_BACK, Cause.RULES_BACK, Cause.BACK, Cause.ONE_OFF}


def difference_tree(run: PayRun) -> list[CauseRow]:
    """The difference to last month by cause, in the order of the page; amounts sum to `summary(run).difference_fen`."""
    rows = _rows(
        "select cause, count(distinct (household_id, programme, coalesce(person_id, 0))), coalesce(sum(persons), 0)::bigint, "
        "coalesce(sum(affected), 0)::bigint, sum(amount_fen)::bigint from payments_linedifference where run_id = %s group by 1",
        run.pk,
    )
    moving = {Cause.NEW, Cause.EXIT, Cause.DEATH, Cause.CLUE, Cause.MEMBERS, Cause.HELD, Cause.RESUMED}
    found = [
        CauseRow(cause, _label(run, cause), homes, persons if cause in moving else affected, amount, cause in _ONE_OFF)
        for cause, homes, persons, affected, amount in rows
    ]
    return sorted(found, key=lambda row: _ORDER.index(row.cause))


def _label(run: PayRun, cause: str) -> str:
    """The cause in words; a rise names its figures where the whole run has one."""
    label = str(Cause(cause).label)
    if cause != Cause.STANDARD:
        return label
    before = find_before(run)
    if before is None:
        return label
    now, then = run.rules.get("standards", {}), before.rules.get("standards", {})
    moves = {
        (then[place][key], value)
        for place, values in now.items()
        for key, value in values.items()
        if key in then.get(place, {}) and then[place][key] != value
    }
    texts = sorted(f"{_yuan(a)} → {_yuan(b)}" for a, b in moves)
    return f"{label} {'、'.join(texts[:3])}{' 等' if len(texts) > 3 else ''}" if texts else label


def _yuan(fen: str) -> str:
    from fractions import Fraction

    value = Fraction(fen) / 100
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.2f}"


def find_before(run: PayRun) -> PayRun | None:
    """The approved run of the month before over the same place and programmes, or None."""
    month = month_of(run).prev().yyyymm
    return PayRun.objects.filter(
        month=month, place=run.place, state__in=_BOOKED, programmes=list(run.programmes)
    ).first()


@dataclass(frozen=True)
class DifferenceLine:
    """One family under one cause."""

    household_id: int
    household_no: str
    head: str
    person: str  #: the entitled person; empty = the household
    region: str
    town: str
    cause: str
    persons: int
    affected: int
    amount_fen: int
    note: str


def difference_lines(run: PayRun, cause: str, *, limit: int = 50, offset: int = 0) -> tuple[list[DifferenceLine], int]:
    """Families of one cause, the largest amounts first, and how many there are."""
    rows = LineDifference.objects.filter(run=run, cause=cause)
    count = rows.count()
    page = rows.select_related("household__head", "person").order_by(
        "-amount_fen" if cause not in _LOSING else "amount_fen", "id"
    )
    return [
        DifferenceLine(
            one.household_id, one.household.no, one.household.head.name, one.person.name if one.person else "", one.region,
            place_name(one.region[:9]), one.cause, one.persons, one.affected, one.amount_fen, one.note,
        )
        for one in page[offset : offset + limit]
    ], count  # fmt: skip


_LOSING = {Cause.EXIT, Cause.DEATH, Cause.CLUE, Cause.OFFSET, Cause.ONE_OFF, Cause.HELD}


@dataclass(frozen=True)
class Blocker:
    """One thing to see to. `severity`: `block` (these lines are not paid), `unknown`, `remind`."""

    code: str
    severity: str
    label: str
    detail: str
    count: int
    amount_fen: int


_REMEDIES = {
    Held.SUSPENDED: "查实停保，处理完毕或解除停保后自动补发应发部分",
    Held.UNKNOWN: "补齐事实或标准后重新计算，或待下月补发",
    Held.NOT_ELIGIBLE: "先作出停发、渐退决定或更正事实",
    Held.NO_ACCOUNT: "登记收款账户",
    Held.SHARED_ACCOUNT: "需书面代管协议或更换账户",
    Held.HOLDER: "核对户名或更换账户",
    Held.ACCOUNT_FAILED: "上次银行退回，需更正账户",
    Held.TWO_PROGRAMMES: "低保与特困不得重复享受",
}


def blockers(run: PayRun) -> list[Blocker]:
    """What stands in the way: held lines by reason, and lines of earlier months without an answer or sent back."""
    found = [
        Blocker(code, "block", str(Held(code).label), _REMEDIES[Held(code)], count, amount)
        for code, count, amount in _rows(
            "select held, count(*), coalesce(sum(amount_fen), 0)::bigint from payments_payline where run_id = %s and live and held <> '' "
            "group by 1 order by 2 desc",
            run.pk,
        )
    ]
    place = range_of(run.place)
    for status, count, amount in _rows(
        "select l.status, count(*), sum(l.amount_fen)::bigint from payments_payline l where l.live and l.month < %s and l.region >= %s "
        "and l.region < %s and l.programme = any(%s) and l.status in ('sent', 'unknown', 'failed', 'returned') group by 1 order by 1 desc",
        run.month,
        place.low,
        place.high,
        list(run.programmes),
    ):
        if status in ("sent", "unknown"):
            found.append(Blocker("unanswered", "unknown", "往月未回盘", "结果未知，不当失败，不重发", count, amount))
        else:
            found.append(
                Blocker(
                    f"earlier_{status}",
                    "remind",
                    f"往月{LineStatus(status).label}未重发",
                    "更正账户后重发",
                    count,
                    amount,
                )
            )
    return found


def held_lines(run: PayRun, held: str | None = None) -> QuerySet[PayLine]:
    """Lines that are not paid, by reason."""
    rows = PayLine.objects.filter(run=run, live=True).exclude(held="").select_related("household__head", "person")
    return (rows.filter(held=held) if held else rows).order_by("region", "key")


@dataclass(frozen=True)
class BankTotal:
    """One bank's share of a run."""

    bank_code: str
    lines: int
    amount_fen: int


def bank_totals(run: PayRun) -> list[BankTotal]:
    """What goes, or went, to each bank, largest first."""
    return [
        BankTotal(code, count, amount)
        for code, count, amount in _rows(
            "select bank_code, count(*), sum(amount_fen)::bigint from payments_payline where run_id = %s and live and held = '' and amount_fen > 0 "
            "group by 1 order by 3 desc",
            run.pk,
        )
    ]


def status_totals(run: PayRun) -> dict[str, tuple[int, int]]:
    """Status -> (lines, fen)."""
    return {
        status: (count, amount)
        for status, count, amount in _rows(
            "select status, count(*), coalesce(sum(amount_fen), 0)::bigint from payments_payline where run_id = %s and live group by 1",
            run.pk,
        )
    }
