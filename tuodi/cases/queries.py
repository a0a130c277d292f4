"""Reading cases: one case, its progress, a user's queue, what is late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q, QuerySet, Value

from tuodi.cases.engine import latest, waits_for
from tuodi.cases.guard import level_of
from tuodi.cases.models import Case, CaseBar, CaseHand, Notice, Step
from tuodi.cases.states import HANDS, StepState
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import Duty, User

__all__ = [
    "Progress", "Standing", "access_case", "mine_among", "my_open_work", "notices_running", "open_step", "overdue", "progress",
    "standing_of",
]  # fmt: skip


def access_case(user: User, *, no: str | None = None, pk: int | None = None) -> Case:
    """One case in the user's range, by number or id. Raises NotFoundError alike for absent and forbidden."""
    lookup = {"no": no} if no is not None else {"pk": pk}
    return access.one(Case.objects.select_related("household", "applicant"), user=user, what="案件", **lookup)


def open_step(case: Case, name: str) -> Step:
    """The newest round of a step. Raises KeyError if the case's procedure has no such step."""
    return latest(case)[name]


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of a case's progress bar.

    Attributes:
        step: Its newest row. who: Level and duty in words. waits: Labels of what must come first.
        late: The day is past and it is not done. clause, note: As the procedure prints them.
    """

    step: Step
    who: str
    waits: tuple[str, ...]
    late: bool
    clause: str
    note: str


def progress(case: Case, every: Iterable[Step] | None = None) -> list[Progress]:
    """All steps of a case in order, newest round of each. One query.

    Args:
        every: The rows of all rounds by position and round, where the caller has read them.
    """
    text, today = case.procedure, clock.today()
    rows = latest(case) if every is None else {row.name: row for row in every}
    lines = []
    for row in rows.values():
        step = text.step(row.name)
        late = row.state == StepState.OPEN and row.due_on is not None and row.due_on < today
        lines.append(Progress(row, step.who, waits_for(case, row, rows), late, step.clause, step.note))
    return lines


def my_open_work(user: User, duties: Sequence[Duty] | None = None) -> QuerySet[Step]:
    """Open steps this user may do now: his level, his duties, his range, and no bar or other hand on the case.

    Late ones first, then by due day; steps whose day is 待定 or has no limit come last. Two queries, whatever the roll.

    Args:
        duties: What he holds today, where the caller has asked.
    """
    duties = access.duties_of(user) if duties is None else duties
    if not duties:
        return Step.objects.none()
    mine = Q(pk__in=[])
    for duty in duties:
        covered = access.range_of(duty.place_code)
        rows = Q(duty=duty.code, region__gte=covered.low, region__lt=covered.high)
        hand = HANDS.get(duty.code)
        if hand:
            other = CaseHand.objects.filter(user=user).exclude(hand=hand).values("case")
            rows &= ~Q(case__in=other)
        mine |= rows
    return (
        Step.objects.filter(mine, state=StepState.OPEN, by_level=level_of(user))
        .exclude(case__in=CaseBar.objects.filter(user=user).values("case"))
        .select_related("case", "case__applicant")
        .order_by(F("due_on").asc(nulls_last=True), "id")
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What keeps a user from a case's steps: reasons to keep away, and what he has done in it. One query."""

    bars: tuple[str, ...] = ()
    hands: tuple[str, ...] = ()


def standing_of(case: Case, user: User) -> Standing:
    """A user's bars and hands in one case."""
    bars = CaseBar.objects.filter(case=case, user=user).values_list("reason", Value(True))
    hands = CaseHand.objects.filter(case=case, user=user).values_list("hand", Value(False))
    found = list(bars.union(hands))
    return Standing(
        tuple(code for code, barred in found if barred), tuple(code for code, barred in found if not barred)
    )


def mine_among(
    steps: Iterable[Step], *, user: User, duties: Sequence[Duty], standing: Callable[[], Standing]
) -> list[Step]:
    """The same answer as `my_open_work` for the steps of one case that the caller has read.

    Args:
        standing: asked only where a step is open that his level and duties would let him do.
    """
    level = level_of(user) if duties else ""
    offered = [
        step
        for step in steps
        if step.state == StepState.OPEN
        and step.by_level == level
        and any(duty.code == step.duty and step.region in access.range_of(duty.place_code) for duty in duties)
    ]
    if not offered:
        return []
    known = standing()
    return [step for step in offered if not known.bars and not _other_hand(step, known)]


def _other_hand(step: Step, known: Standing) -> bool:
    hand = HANDS.get(step.duty)
    return bool(hand) and any(one != hand for one in known.hands)


def overdue(on: date | None = None) -> QuerySet[Step]:
    """Open steps past their day, in the reader's range; longest late first."""
    return (
        Step.objects.filter(state=StepState.OPEN, due_on__lt=on or clock.today())
        .select_related("case")
        .order_by("due_on", "id")
    )


def notices_running() -> QuerySet[Notice]:
    """Notices that hang now, in the reader's range; those to be closed first come first."""
    return Notice.objects.filter(result="", days__gt=0).select_related("case").order_by("last_day", "id")
