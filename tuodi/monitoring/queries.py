"""Reading the ledger: lists with filters, counts that balance, a person's queue, one clue with its evidence side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from tuodi.cases.calendar import calendar
from tuodi.decisions.models import Suspension
from tuodi.kernel import clock
from tuodi.kernel.workdays import UnknownYearError
from tuodi.monitoring.clue_verdict import suspends_first
from tuodi.monitoring.clue_verify import missing_evidence
from tuodi.monitoring.models import Clue, ClueEvent, ClueEvidence, WatchEntry
from tuodi.monitoring.recovery import Recovery, proposal
from tuodi.monitoring.states import UNDER_VERIFICATION
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.policy.clues import REGISTER
from tuodi.verification.rulebook import book

__all__ = [
    "ClueView", "Comparison", "Counts", "LedgerFilter", "Queue", "counts", "in_range", "ledger", "my_queues", "one_clue",
    "soon_until",
]  # fmt: skip

State, Verdict = Clue.State, Clue.Verdict
#: Working days before a limit in which a clue is told as due soon.
SOON = 3


@dataclass(frozen=True)
class LedgerFilter:
    """What a list of the ledger is narrowed to; empty values do not narrow.

    Attributes:
        place: significant prefix of the family's region, a town for example. verdict: `open` for those without one.
        responsible: user's number. run: sweep's number. text: part of the clue's or the family's number.
    """

    state: str = ""
    verdict: str = ""
    rule: str = ""
    severity: str = ""
    place: str = ""
    responsible: int | None = None
    source: str = ""
    run: int | None = None
    programme: str = ""
    household: int | None = None
    overdue: bool = False
    due_soon: bool = False
    pending: bool = False  #: limit 待定: a year without a calendar
    text: str = ""


def in_range(user: User) -> QuerySet[Clue]:
    """Clues of the user's range."""
    found = access.range_of(user.office.place_code)
    return Clue.objects.filter(region__gte=found.low, region__lt=found.high)


def soon_until(today: date) -> date | None:
    """The last day that counts as soon; None where the calendar does not reach so far."""
    try:
        return calendar().add_workdays(today, SOON)
    except UnknownYearError:
        return None


def ledger(user: User, wanted: LedgerFilter | None = None) -> QuerySet[Clue]:
    """Clues of the user's range, those with the nearest limit first."""
    rows = narrowed(in_range(user), wanted or LedgerFilter())
    return rows.select_related("household__head", "person", "responsible", "office", "run").order_by("deadline", "id")


def narrowed(rows: QuerySet[Clue], wanted: LedgerFilter) -> QuerySet[Clue]:
    """Rows that a filter lets through."""
    today = clock.today()
    equal = {
        "state": wanted.state, "rule_code": wanted.rule, "severity": wanted.severity, "source": wanted.source,
        "programme": wanted.programme, "responsible": wanted.responsible, "run": wanted.run, "household": wanted.household,
    }  # fmt: skip
    rows = rows.filter(**{name: value for name, value in equal.items() if value})
    if wanted.verdict:
        rows = rows.filter(verdict="" if wanted.verdict == "open" else wanted.verdict)
    if wanted.place:
        found = access.range_of(wanted.place)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if wanted.overdue:
        rows = rows.exclude(state=State.CLOSED).filter(deadline__lt=today)
    if wanted.due_soon:
        until = soon_until(today)
        near = rows.exclude(state=State.CLOSED).filter(deadline__gte=today)
        rows = near.filter(deadline__lte=until) if until is not None else near.none()
    if wanted.pending:
        rows = rows.exclude(state=State.CLOSED).filter(deadline_pending=True)
    if wanted.text.strip():
        part = wanted.text.strip()
        rows = rows.filter(Q(no__contains=part) | Q(household__no__contains=part))
    return rows


# ---- counts


@dataclass(frozen=True)
class Counts:
    """How a list stands. `confirmed + refuted + open = total`, and the states sum to it as well.

    Attributes:
        soon: None where the calendar does not reach that far.
    """

    total: int
    confirmed: int
    refuted: int
    open: int
    overdue: int
    soon: int | None
    pending: int
    suspended: int
    states: dict[str, int] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Whether the two sums hold."""
        return self.confirmed + self.refuted + self.open == self.total == sum(self.states.values())

    @property
    def rate(self) -> float | None:
        """Confirmed of those answered; None where none is."""
        answered = self.confirmed + self.refuted
        return self.confirmed / answered if answered else None


def counts(user: User, wanted: LedgerFilter | None = None) -> Counts:
    """The figures above a list, in two queries whatever its length."""
    rows = narrowed(in_range(user), wanted or LedgerFilter())
    today = clock.today()
    until = soon_until(today)
    not_closed = ~Q(state=State.CLOSED)
    standing = Suspension.objects.filter(pk=OuterRef("suspension_id"), lifted_at__isnull=True)
    found = rows.annotate(stands=Exists(standing)).aggregate(
        total=Count("id"),
        confirmed=Count("id", filter=Q(verdict=Verdict.CONFIRMED)),
        refuted=Count("id", filter=Q(verdict=Verdict.REFUTED)),
        open=Count("id", filter=Q(verdict="")),
        overdue=Count("id", filter=not_closed & Q(deadline__lt=today)),
        soon=Count("id", filter=not_closed & Q(deadline__gte=today, deadline__lte=until or today)),
        pending=Count("id", filter=not_closed & Q(deadline_pending=True)),
        suspended=Count("id", filter=Q(stands=True)),
    )
    states = dict(rows.values("state").annotate(n=Count("id")).values_list("state", "n"))
    return Counts(
        **{**found, "soon": found["soon"] if until is not None else None},
        states={state: states.get(state, 0) for state in State.values},
    )


# ---- whose turn it is


@dataclass(frozen=True)
class Queue:
    """Clues that wait for one of the user's deeds."""

    code: str
    label: str
    rows: QuerySet[Clue]
    count: int


def my_queues(user: User) -> list[Queue]:
    """What waits for the user, by what he has to do; queues without a clue are left out."""
    duties = {held.code for held in access.duties_of(user)}
    rows = in_range(user).select_related("household__head", "person", "responsible").order_by("deadline", "id")
    mine = rows.filter(responsible=user)
    # Where the decision comes first, a confirmed clue waits for nothing else.
    first = suspends_first(user.office.place_code) if user.office.place_code != access.NATION else False
    suspend = Q(on_confirmed="suspend") if first else Q(pk__in=[])
    answered = rows.filter(state__in=UNDER_VERIFICATION).exclude(proposed="").exclude(proposed_by=user)
    waiting: list[tuple[str, str, str, QuerySet[Clue]]] = [
        (DutyCode.VERIFY, "to_assign", "待派发", rows.filter(state=State.GENERATED)),
        (DutyCode.CLUE, "to_start", "待开始核实", mine.filter(state=State.ASSIGNED)),
        (DutyCode.CLUE, "to_propose", "核实中，待提出结论", mine.filter(state__in=UNDER_VERIFICATION, proposed="")),
        (DutyCode.CLUE_DECIDE, "to_decide", "待下结论", answered.exclude(responsible=user)),
        (DutyCode.CLUE_DECIDE, "to_suspend", "查实待停保", rows.filter(suspend, state=State.CONFIRMED)),
        (
            DutyCode.CLUE_DECIDE,
            "to_handle",
            "待处理",
            rows.filter(Q(state=State.SUSPENDED) | (~suspend & Q(state=State.CONFIRMED))),
        ),
        (DutyCode.CLUE_CLOSE, "to_check", "待复查", rows.filter(state=State.HANDLED).exclude(handled_by=user)),
        (DutyCode.CLUE_CLOSE, "to_close", "待销号", rows.filter(state=State.RECTIFIED).exclude(handled_by=user)),
    ]
    found = [
        Queue(code, label, chosen, chosen.order_by().count()) for duty, code, label, chosen in waiting if duty in duties
    ]
    return [one for one in found if one.count]


# ---- one clue


@dataclass(frozen=True)
class Comparison:
    """One matter as the register has it and as the family says it.

    Attributes:
        same: None where one of the two says nothing.
    """

    name: str
    label: str
    registered: str
    stated: str
    same: bool | None

    @property
    def word(self) -> str:
        """Chinese word of the comparison."""
        if self.same is None:
            return "家庭未陈述" if not self.stated else "登记无此项"
        return "一致" if self.same else "不一致"


@dataclass(frozen=True)
class ClueView:
    """One clue with all that belongs to it.

    Attributes:
        missing: labels of evidence the rule asks for and nobody has put on file.
        others: other clues of the family. recovery: what would be recovered today.
    """

    clue: Clue
    sides: list[Comparison]
    evidence: list[ClueEvidence]
    missing: list[str]
    events: list[ClueEvent]
    suspension: Suspension | None
    watch: WatchEntry | None
    others: list[Clue]
    recovery: Recovery


def one_clue(user: User, *, no: str | None = None, pk: int | None = None) -> ClueView:
    """One clue of the user's range. Raises NotFoundError, alike for absent and not yours."""
    rows = Clue.objects.select_related(
        "household__head", "person", "responsible", "office", "run", "hit", "proposed_by", "verdict_by", "handled_by",
        "checked_by", "closed_by",
    )  # fmt: skip
    clue = access.one(rows, user=user, what="线索", **({"no": no} if no is not None else {"pk": pk}))
    return ClueView(
        clue=clue,
        sides=side_by_side(clue),
        evidence=list(clue.evidence.select_related("file", "added_by").order_by("id")),
        missing=missing_evidence([clue]).get(clue.pk, []),
        events=list(clue.events.select_related("by").order_by("id")),
        suspension=Suspension.objects.filter(pk=clue.suspension_id).first() if clue.suspension_id else None,
        watch=WatchEntry.objects.filter(household=clue.household_id, programme=clue.programme).order_by("-id").first(),
        others=list(Clue.objects.filter(household=clue.household_id).exclude(pk=clue.pk).order_by("id")[:20]),
        recovery=proposal(clue),
    )


def side_by_side(clue: Clue) -> list[Comparison]:
    """What the register says beside what the family says, column by column in the register's order."""
    labels = {fact.name: fact.label for fact in book().draft.facts if fact.level == f"{REGISTER}{clue.source}"}
    labels |= {"fact": "事项"}
    found = []
    for name in dict.fromkeys([*clue.registered, *clue.stated]):
        there, said = _text(clue.registered.get(name)), _text(clue.stated.get(name))
        same = there == said if there and said else None
        found.append(Comparison(name, labels.get(name, name), there, said, same))
    return found


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
