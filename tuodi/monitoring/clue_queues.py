"""What waits for whom in the ledger: by what a person may do, and never for the one who did the step before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from tuodi.monitoring.clue_verdict import suspends_first
from tuodi.monitoring.models import Clue
from tuodi.monitoring.states import UNDER_VERIFICATION
from tuodi.org import access
from tuodi.org.models import Duty, DutyCode, User

__all__ = ["Queue", "Waiting", "my_queues", "waiting"]

State = Clue.State


@dataclass(frozen=True, slots=True)
class Waiting:
    """One queue: the duty it waits for, its Chinese name, and which clues stand in it."""

    duty: str
    label: str
    which: Q


@dataclass(frozen=True, slots=True)
class Queue:
    """How many clues wait for one of the reader's deeds."""

    code: str
    label: str
    count: int


def waiting(user: User, duties: Sequence[Duty] | None = None) -> dict[str, Waiting]:
    """The queues of what the reader may do, by code. Needs his duties alone; no query on clues.

    Args:
        duties: What he holds today, where the caller has asked.
    """
    duties = access.duties_of(user) if duties is None else duties
    place = user.office.place_code
    # Where the decision comes first, a confirmed clue waits for nothing else.
    suspend = Q(on_confirmed="suspend") if place != access.NATION and suspends_first(place) else Q(pk__in=[])
    looking = Q(state__in=UNDER_VERIFICATION)
    own, handled = Q(responsible__in=[user, *access.covered(user, duties)]), Q(handled_by=user)
    found = {
        "to_assign": Waiting(DutyCode.VERIFY, "待派发", Q(state=State.GENERATED)),
        "to_start": Waiting(DutyCode.CLUE, "待开始核实", own & Q(state=State.ASSIGNED)),
        "to_propose": Waiting(DutyCode.CLUE, "核实中，待提出结论", own & looking & Q(proposed="")),
        "to_decide": Waiting(DutyCode.CLUE_DECIDE, "待下结论", looking & ~Q(proposed="") & ~Q(proposed_by=user) & ~own),
        "to_suspend": Waiting(DutyCode.CLUE_DECIDE, "查实待停保", suspend & Q(state=State.CONFIRMED)),
        "to_handle": Waiting(
            DutyCode.CLUE_DECIDE, "待处理", Q(state=State.SUSPENDED) | (~suspend & Q(state=State.CONFIRMED))
        ),
        "to_check": Waiting(DutyCode.CLUE_CLOSE, "待复查", Q(state=State.HANDLED) & ~handled),
        "to_close": Waiting(DutyCode.CLUE_CLOSE, "待销号", Q(state=State.RECTIFIED) & ~handled),
    }
    held = {duty.code for duty in duties}
    return {code: one for code, one in found.items() if one.duty in held}


def my_queues(user: User) -> list[Queue]:
    """What waits for the reader, by what he has to do; queues without a clue are left out. One query on clues."""
    queues = waiting(user)
    if not queues:
        return []
    reach = access.range_of(user.office.place_code)
    rows = Clue.objects.filter(region__gte=reach.low, region__lt=reach.high).exclude(state=State.CLOSED)
    counted = rows.aggregate(**{code: Count("pk", filter=one.which) for code, one in queues.items()})
    return [Queue(code, one.label, counted[code]) for code, one in queues.items() if counted[code]]
