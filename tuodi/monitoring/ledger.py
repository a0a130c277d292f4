"""Reading the clue ledger (线索台账): who must act on what first, with counts that balance.

A page of the ledger starts after a position (rank, limit, id) and never skips rows by counting them, so that the last
page costs what the first does. Every count obeys `confirmed + refuted + open = total`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from tuodi.cases.calendar import calendar
from tuodi.kernel import clock
from tuodi.kernel.places import span
from tuodi.kernel.workdays import UnknownYearError
from tuodi.monitoring.clue_queues import Waiting, waiting
from tuodi.monitoring.models import Clue, ClueEvent, ClueEvidence, SweepRun
from tuodi.org import access
from tuodi.org.models import Duty, DutyCode, User
from tuodi.people.models import Membership
from tuodi.people.queries import search_people

__all__ = [
    "BULK_MOST", "Choices", "Counts", "Position", "Slice", "Wanted", "access_clue", "assignees", "by_keys", "choices", "clues", "counts", "events_of",
    "evidence_of", "family_clues", "first_of", "in_range", "members_of", "nearest", "precision_of", "select", "slice_of", "soon_until", "tab_counts",
]  # fmt: skip

#: Working days before a limit at which a clue is due soon.
SOON_WORKDAYS = 3
#: Clues one bulk step may name.
BULK_MOST = 500
#: Persons a name may find; more says nothing to who looks for one.
_NAMED = 500
_NEVER = date(9999, 12, 31)
_OPEN = ~Q(state=Clue.State.CLOSED)
_FACETS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asks of the ledger. Empty = all.

    Attributes:
        tab: mine, overdue or all. due: late, soon, pending or none. place: significant prefix. text: name, pinyin or clue number.
        verdict: confirmed, refuted or open. queue: code of `clue_queues`, what waits for the reader.
    """

    tab: str = "all"
    state: str = ""
    verdict: str = ""
    rule: str = ""
    severity: str = ""
    place: str = ""
    responsible: int | None = None
    due: str = ""
    source: str = ""
    run: int | None = None
    why: str = ""
    text: str = ""
    queue: str = ""
    programme: str = ""
    household: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of the ledger starts: after (or before) one clue in the order of what must be acted on."""

    rank: int
    due: date
    pk: int


@dataclass(slots=True)
class Slice:
    """One page. `first`, `last` are the positions at its ends; None on an empty page."""

    items: list[Clue]
    more_before: bool
    more_after: bool
    first: Position | None = None
    last: Position | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """`confirmed + refuted + open = total`; the others are parts of `total`.

    Attributes:
        soon: None where the calendar does not reach so far.
    """

    total: int
    confirmed: int
    refuted: int
    open: int
    unassigned: int
    overdue: int
    soon: int | None
    pending: int
    closed: int

    @property
    def balances(self) -> bool:
        """Whether the sum holds."""
        return self.confirmed + self.refuted + self.open == self.total


@dataclass(slots=True)
class Choices:
    """What the filters of the ledger offer: code, label and how many clues of the reader's range."""

    rules: list[tuple[str, str, int]] = field(default_factory=list)
    sources: list[tuple[str, int]] = field(default_factory=list)
    counties: list[tuple[str, int]] = field(default_factory=list)
    towns: list[tuple[str, int]] = field(default_factory=list)
    responsible: list[tuple[int, str, int]] = field(default_factory=list)
    runs: list[tuple[int, str, int]] = field(default_factory=list)


def clues() -> QuerySet[Clue]:
    """Clues in scope with what a list shows of each."""
    return Clue.objects.select_related("person", "household__head", "responsible", "office").defer(
        "stated", "registered", "conclusion", "action_text"
    )


#: Everyone a clue may name.
_PEOPLE = (
    "responsible", "assigned_by", "read_by", "proposed_by", "verdict_by", "handled_by", "checked_by", "closed_by",
)  # fmt: skip


def access_clue(user: User, no: str) -> Clue:
    """One clue by its number, with everyone named on it. Two queries: joining eight persons takes longer to plan than to do.

    Raises: NotFoundError, alike for absent and not yours.
    """
    rows = Clue.objects.select_related("person", "household__head", "office", "run", "batch__source", "hit")
    clue = access.one(rows, user=user, what="线索", no=no)
    wanted = {pk for name in _PEOPLE if (pk := getattr(clue, f"{name}_id")) is not None}
    people = User.objects.select_related("office").in_bulk(wanted) if wanted else {}
    for name in _PEOPLE:
        setattr(clue, name, people.get(getattr(clue, f"{name}_id")))
    return clue


def soon_until(today: date) -> date | None:
    """The last day that is soon: three working days from today, by the official calendar; None where it does not reach so far."""
    try:
        return calendar().add_workdays(today, SOON_WORKDAYS)
    except UnknownYearError:
        return None


def in_range(user: User) -> QuerySet[Clue]:
    """Clues of the reader's range with what a list shows of each; the same under a wider scope than his own."""
    reach = access.range_of(user.office.place_code)
    return clues().filter(region__gte=reach.low, region__lt=reach.high)


def select(wanted: Wanted, *, user: User, today: date, narrow: bool = True) -> QuerySet[Clue]:
    """The clues asked for, unordered.

    Args:
        narrow: False leaves tab, state, verdict and due out, for the counts beside the list.
    """
    rows = in_range(user)
    equal = {
        "rule_code": wanted.rule, "severity": wanted.severity, "source": wanted.source, "programme": wanted.programme,
        "refuted_why": wanted.why, "responsible": wanted.responsible, "run": wanted.run, "household": wanted.household,
    }  # fmt: skip
    rows = rows.filter(**{name: value for name, value in equal.items() if value not in ("", None)})
    if wanted.place:
        low, high = span(wanted.place)
        rows = rows.filter(region__gte=low, region__lte=high)
    if wanted.text:
        rows = rows.filter(_named(wanted.text))
    return narrowed(rows, wanted, user=user, today=today) if narrow else rows


def narrowed(rows: QuerySet[Clue], wanted: Wanted, *, user: User, today: date) -> QuerySet[Clue]:
    """What `select` gave without narrowing, by tab, state, verdict and due."""
    if wanted.tab == "mine":
        rows = rows.filter(_OPEN, responsible__in=[user, *access.covered(user)])
    elif wanted.tab == "overdue":
        rows = rows.filter(_OPEN, deadline__lt=today)
    if wanted.queue:
        rows = rows.filter(waiting(user).get(wanted.queue, Waiting("", "", Q(pk__in=[]))).which)
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.verdict:
        rows = rows.filter(verdict="" if wanted.verdict == "open" else wanted.verdict)
    if wanted.due == "late":
        rows = rows.filter(_OPEN, deadline__lt=today)
    elif wanted.due == "soon":
        until = soon_until(today)
        rows = rows.filter(_OPEN, deadline__gte=today, deadline__lte=until) if until else rows.none()
    elif wanted.due == "pending":
        rows = rows.filter(_OPEN, deadline_pending=True)
    return rows


def _named(text: str) -> Q:
    """By number where it looks like one, else by the person's or the head's name. A name is looked up first: an OR
    over a subquery would read every clue."""
    typed = "".join(text.split())
    if "-" in typed or typed.upper().startswith("XS"):
        return Q(no=typed.upper())
    if typed.isdigit():
        return Q(no__endswith=typed)
    people = list(search_people(text).values_list("pk", flat=True)[:_NAMED])
    return Q(person__in=people) | Q(household__head__in=people)


def _ranked(rows: QuerySet[Clue]) -> QuerySet[Clue]:
    """In the order of what must be acted on: with a limit, then without one, then closed; nearest limit first."""
    return rows.annotate(
        rank=Case(
            When(state=Clue.State.CLOSED, then=Value(2)),
            When(deadline__isnull=True, then=Value(1)),
            default=Value(0),
            output_field=IntegerField(),
        ),
        due=Coalesce("deadline", Value(_NEVER)),
    )


def slice_of(
    rows: QuerySet[Clue], *, size: int, after: Position | None = None, before: Position | None = None
) -> Slice:
    """One page after (or before) a position. Two queries, whatever the page: its keys, then what they name.

    Joined at once, every clue would be joined before the first fifty are known.
    """
    ranked = _ranked(rows)
    if before is not None:
        ranked = ranked.filter(
            Q(rank__lt=before.rank)
            | Q(rank=before.rank, due__lt=before.due)
            | Q(rank=before.rank, due=before.due, pk__lt=before.pk)
        )
        found = _positions(ranked.order_by("-rank", "-due", "-pk"), size + 1)
        there, more_before, more_after = found[:size][::-1], len(found) > size, True
    else:
        if after is not None:
            ranked = ranked.filter(
                Q(rank__gt=after.rank)
                | Q(rank=after.rank, due__gt=after.due)
                | Q(rank=after.rank, due=after.due, pk__gt=after.pk)
            )
        found = _positions(ranked.order_by("rank", "due", "pk"), size + 1)
        there, more_before, more_after = found[:size], after is not None, len(found) > size
    items = by_keys([one.pk for one in there])
    return Slice(items, more_before, more_after, *((there[0], there[-1]) if there else (None, None)))


def _positions(ranked: QuerySet[Clue], most: int) -> list[Position]:
    return [Position(*one) for one in ranked.values_list("rank", "due", "pk")[:most]]


def first_of(rows: QuerySet[Clue], most: int) -> list[Clue]:
    """The first clues in the order of what must be acted on, one more than `most` where there are more."""
    return by_keys([one.pk for one in _positions(_ranked(rows).order_by("rank", "due", "pk"), most + 1)])


def by_keys(keys: Sequence[int]) -> list[Clue]:
    """Clues by their keys, each once, in the order asked for; those out of sight are left out."""
    found = clues().in_bulk(list(dict.fromkeys(keys))[: BULK_MOST + 1])
    return [found[key] for key in dict.fromkeys(keys) if key in found]


def counts(rows: QuerySet[Clue], today: date) -> Counts:
    """How some clues stand. One query."""
    number = Count("pk")
    late = Q(deadline__lt=today)
    until = soon_until(today)
    near = Q(deadline__gte=today, deadline__lte=until or today)
    found = rows.order_by().aggregate(
        total=number,
        confirmed=Count("pk", filter=Q(verdict=Clue.Verdict.CONFIRMED)),
        refuted=Count("pk", filter=Q(verdict=Clue.Verdict.REFUTED)),
        open=Count("pk", filter=Q(verdict="")),
        unassigned=Count("pk", filter=Q(state=Clue.State.GENERATED)),
        overdue=Count("pk", filter=_OPEN & late),
        soon=Count("pk", filter=_OPEN & near),
        pending=Count("pk", filter=_OPEN & Q(deadline_pending=True)),
        closed=Count("pk", filter=Q(state=Clue.State.CLOSED)),
    )
    return Counts(**found | {"soon": found["soon"] if until else None})


def tab_counts(user: User, today: date) -> dict[str, int]:
    """How many clues each tab of the reader holds, whatever the filters. One query."""
    return Clue.objects.aggregate(
        all=Count("pk"),
        mine=Count("pk", filter=_OPEN & Q(responsible__in=[user, *access.covered(user)])),
        overdue=Count("pk", filter=_OPEN & Q(deadline__lt=today)),
    )


_CHOICES = """
with c as materialized (
  select rule_code, rule_text ->> 'label' as label, source, left(region, 9) as town, run_id,
    case when state <> 'closed' then responsible_id end as responsible
  from monitoring_clue)
select grouping(rule_code, source, town, run_id, responsible), rule_code, source, town, run_id, responsible, max(label collate "C"), count(*)
from c group by grouping sets ((rule_code), (source), (town), (run_id), (responsible)) order by count(*) desc, 2, 3, 4
"""
_BY_RULE, _BY_SOURCE, _BY_TOWN, _BY_RUN, _BY_PERSON = 0b01111, 0b10111, 0b11011, 0b11101, 0b11110


def choices() -> Choices:
    """What the filters offer, read in one pass; three queries."""
    with connection.cursor() as cursor:
        cursor.execute(_CHOICES)
        rows = cursor.fetchall()
    found = Choices()
    people: dict[int, int] = {}
    runs: dict[int, int] = {}
    counties: dict[str, int] = {}
    for level, rule, source, town, run, person, label, n in rows:
        if level == _BY_RULE:
            found.rules.append((rule, label or rule, n))
        elif level == _BY_SOURCE:
            found.sources.append((source, n))
        elif level == _BY_TOWN:
            found.towns.append((town, n))
            counties[town[:6]] = counties.get(town[:6], 0) + n
        elif level == _BY_RUN and run is not None:
            runs[run] = n
        elif level == _BY_PERSON and person is not None:
            people[person] = n
    found.towns.sort()
    found.counties = sorted(counties.items())
    named = User.objects.filter(pk__in=list(people)[:_FACETS]).values_list("pk", "name", "office__name")
    found.responsible = sorted(
        ((pk, f"{name}（{office}）", people[pk]) for pk, name, office in named), key=lambda one: -one[2]
    )
    known = SweepRun.objects.filter(pk__in=list(runs)).order_by("-pk").values_list("pk", "no")
    found.runs = [(pk, no, runs[pk]) for pk, no in known[:_FACETS]]
    return found


def assignees(user: User, region: str | None = None) -> list[Duty]:
    """Who may be made responsible: duties of looking into clues in the reader's range, with the person and his office.

    Args:
        region: of one clue; only who answers for that place, the nearest first.
    """
    today = clock.today()
    reach = access.range_of(user.office.place_code)
    held = (
        Duty.objects.filter(code=DutyCode.CLUE, since__lte=today, user__is_active=True, user__office__is_active=True)
        .filter(Q(until__isnull=True) | Q(until__gt=today))
        .filter(place_code__gte=reach.low, place_code__lt=reach.high)
        .select_related("user__office")
        .order_by("place_code", "user__name", "pk")
    )
    if region is None:
        return list(held[:1000])
    above = [region[:length] for length in (2, 4, 6, 9, 12)]
    return sorted(held.filter(place_code__in=above), key=lambda duty: -len(duty.place_code))


def nearest(duties: Sequence[Duty], rows: Sequence[Clue]) -> dict[int, list[Clue]]:
    """Whom each clue goes to by its place: who answers for the smallest place around it, then who has least open.

    Returns: user -> clues; clues of places nobody answers for are under 0.
    """
    people = sorted({duty.user_id for duty in duties})
    open_now = dict(
        Clue.objects.filter(_OPEN, responsible__in=people).order_by().values_list("responsible").annotate(n=Count("pk"))
    )
    load = {pk: int(open_now.get(pk, 0)) for pk in people}
    found: dict[int, list[Clue]] = {}
    for row in rows:
        around = [duty for duty in duties if row.region in access.range_of(duty.place_code)]
        longest = max((len(duty.place_code) for duty in around), default=0)
        nearby = sorted(
            {duty.user_id for duty in around if len(duty.place_code) == longest}, key=lambda pk: (load[pk], pk)
        )
        chosen = nearby[0] if nearby else 0
        if chosen:
            load[chosen] += 1
        found.setdefault(chosen, []).append(row)
    return found


def events_of(clue: Clue) -> Sequence[ClueEvent]:
    """What was done to a clue, newest first."""
    return list(clue.events.select_related("by__office").order_by("-id")[:200])


def evidence_of(clue: Clue) -> Sequence[ClueEvidence]:
    """The evidence of a clue in the order it came."""
    return list(clue.evidence.select_related("added_by", "file").order_by("id")[:200])


def members_of(clue: Clue) -> tuple[Membership | None, list[Membership]]:
    """The person's place in the family (None: he is no member now), and who lives in it. One query."""
    rows = Membership.objects.filter(household=clue.household_id, until__isnull=True).select_related("person")
    members = list(rows.order_by("id"))
    return next((one for one in members if one.person_id == clue.person_id), None), members


def precision_of(rule_code: str, since: date) -> dict[str, Any]:
    """How often a rule was right in the reader's range since a day: total, confirmed, refuted, and refusals by reason."""
    rows = Clue.objects.filter(rule_code=rule_code, found_on__gte=since).order_by()
    reasons: dict[str, int] = {}
    totals = {"total": 0, "confirmed": 0, "refuted": 0}
    for verdict, why, n in (
        rows.values("verdict", "refuted_why").annotate(n=Count("pk")).values_list("verdict", "refuted_why", "n")
    ):
        totals["total"] += n
        if verdict:
            totals[verdict] += n
        if verdict == Clue.Verdict.REFUTED and why:
            reasons[why] = reasons.get(why, 0) + n
    return totals | {"reasons": dict(sorted(reasons.items(), key=lambda pair: -pair[1]))}


def family_clues(household_id: int) -> tuple[list[Clue], int]:
    """The clues of a family that are not closed, nearest limit first, and how many were closed before."""
    rows = (
        Clue.objects.filter(household=household_id).select_related("person", "responsible").order_by("deadline", "id")
    )
    found = list(rows[:100])
    return [one for one in found if one.state != Clue.State.CLOSED], sum(
        one.state == Clue.State.CLOSED for one in found
    )
