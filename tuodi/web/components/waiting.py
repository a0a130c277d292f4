"""How much work waits behind each entry of the navigation: what the signed-in user may do now, counted in one query.

An entry without a queue of its own carries no number. Every queue is one a page shows: the number says what the page will show
that asks for something, never the size of a register.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from tuodi.cases.queries import my_open_work
from tuodi.decisions import end_notices, late_papers, relief_queries
from tuodi.decisions.corrections import differing
from tuodi.decisions.models import RollNotice
from tuodi.funds import idle, petty
from tuodi.funds.models import FundPaper
from tuodi.funds.states import PaperState
from tuodi.intake import need_queries, online_queries
from tuodi.intake.discovery_queries import discoveries, my_patrols
from tuodi.kernel import clock
from tuodi.monitoring import change_reports, clue_queues, of_age, pushes, transfers, warning_queries
from tuodi.monitoring.models import (
    ChangeReport,
    Clue,
    ComingOfAge,
    DeathMatter,
    Export,
    HandOver,
    JobOffer,
    ListPush,
    PeriodicReview,
    RefusalProposal,
)
from tuodi.org import access, counting
from tuodi.org.models import Duty, DutyCode, User
from tuodi.oversight import queries as oversight
from tuodi.payments import bank_queries, price_reminders
from tuodi.payments.models import PayRun, PriceDecision
from tuodi.payments.states import CorrectionState, RunState
from tuodi.people import tellings
from tuodi.verification.visit_queries import my_tasks

__all__ = ["MOST", "counts"]

#: Counting stops here; the badge then says 99+.
MOST = 100
#: In which state a month's run waits for whom.
_RUNS = {
    DutyCode.PAY_PREPARE: (RunState.OPEN,),
    DutyCode.PAY_CHECK: (RunState.CALCULATED,),
    DutyCode.PAY_APPROVE: (RunState.CHECKED,),
    DutyCode.PAY_SEND: (RunState.APPROVED,),
}


@dataclass(frozen=True)
class Reader:
    """Whose work is counted: the user and the duties he holds today."""

    user: User
    held: list[Duty]
    codes: frozenset[str]

    def may(self, *duties: str) -> bool:
        """Whether he holds any of them."""
        return bool(self.codes.intersection(duties))


def counts(user: User, held: list[Duty]) -> dict[str, int]:
    """Waiting rows by route, at most `MOST` each; routes without work are left out. One query whatever there is to count.

    Args:
        held: What he holds today, where the caller has asked.
    """
    reader = Reader(user, held, frozenset(one.code for one in held))
    key = ("waiting", clock.today(), *counting.standing(user, held))
    asked = counting.kept(key, lambda: {route: queue(reader) for route, queue in _STEADY.items()}, MOST)
    asked = asked | counting.compose({route: queue(reader) for route, queue in _UNSTEADY.items()}, MOST)
    return {route: number for route, number in counting.read(asked).items() if number}


def _cases(reader: Reader) -> QuerySet[Any]:
    return my_open_work(reader.user, reader.held)


def _needs(reader: Reader) -> QuerySet[Any] | None:
    return need_queries.my_needs(reader.user) if reader.may(DutyCode.ACCEPT) else None


def _tickets(reader: Reader) -> QuerySet[Any] | None:
    if not reader.may(DutyCode.ACCEPT):
        return None
    return need_queries.open_tickets().filter(Q(assigned_to=reader.user) | Q(assigned_to__isnull=True))


def _online(reader: Reader) -> QuerySet[Any] | None:
    return online_queries.waiting(reader.user, reader.held) if reader.may(DutyCode.ACCEPT) else None


def _emergencies(reader: Reader) -> QuerySet[Any] | None:
    """Families that wait for help; who only approves or watches has nothing to hurry for here."""
    return relief_queries.waiting_for_relief() if reader.may(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT) else None


def _patrols(reader: Reader) -> QuerySet[Any] | None:
    if reader.may(DutyCode.ACCEPT, DutyCode.REVIEW):
        return discoveries("open")
    return my_patrols(reader.user, clock.today()) if reader.may(DutyCode.VISIT) else None


def _visits(reader: Reader) -> QuerySet[Any] | None:
    if reader.user.office.kind == reader.user.office.Kind.PROVIDER or not reader.may(DutyCode.VISIT, DutyCode.CLUE):
        return None  # a provider's rows open through the door of its own page only
    return my_tasks(reader.user, reader.held)


def _reviews(reader: Reader) -> QuerySet[Any] | None:
    state = PeriodicReview.State
    mine = Q(assigned_to=reader.user, state__in=(state.DUE, state.ASSIGNED))
    if reader.may(DutyCode.CONFIRM):
        mine |= Q(state=state.FOUND)
    return (
        PeriodicReview.objects.filter(mine) if reader.may(DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM) else None
    )


def _changes(reader: Reader) -> QuerySet[Any] | None:
    states = []
    if reader.may(*change_reports.DUTIES):
        states.append(ChangeReport.State.REPORTED)
    if reader.may(DutyCode.CONFIRM):
        states.append(ChangeReport.State.CHECKED)
    return change_reports.listing("open", "", "").filter(state__in=states) if states else None


def _roll_notices(reader: Reader) -> QuerySet[Any] | None:
    return RollNotice.objects.filter(delivered_on__isnull=True) if reader.may(DutyCode.ACCEPT, DutyCode.VISIT) else None


def _deaths(reader: Reader) -> QuerySet[Any] | None:
    wanted = []
    if reader.may(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT):
        wanted.append(DeathMatter.State.OPEN)
    if reader.may(DutyCode.CONFIRM):
        wanted.append(DeathMatter.State.PROPOSED)
    return DeathMatter.objects.filter(state__in=wanted) if wanted else None


def _jobs(reader: Reader) -> QuerySet[Any] | None:
    wanted = []
    if reader.may(DutyCode.REVIEW):
        wanted.append(Q(answer=JobOffer.Answer.REFUSED, reason=""))
    if reader.may(DutyCode.CONFIRM):
        wanted.append(Q(proposal__state=RefusalProposal.State.PROPOSED))
    return JobOffer.objects.filter(reduce(or_, wanted)) if wanted else None


def _moves(reader: Reader) -> QuerySet[Any] | None:
    may = reader.may(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM)
    return transfers.listing(reader.user, "in") if may else None


def _corrections(reader: Reader) -> QuerySet[Any] | None:
    """The county collects the facts, whoever confirms there decides: both find what is not put right yet."""
    return differing(done=False) if reader.may(DutyCode.REVIEW, DutyCode.CONFIRM) else None


def _clues(reader: Reader) -> QuerySet[Any] | None:
    if not reader.may(DutyCode.VERIFY, DutyCode.CLUE, DutyCode.CLUE_DECIDE, DutyCode.CLUE_CLOSE):
        return None
    queues = clue_queues.waiting(reader.user, reader.held)
    if not queues:
        return None
    reach = access.range_of(reader.user.office.place_code)
    rows = Clue.objects.filter(region__gte=reach.low, region__lt=reach.high).exclude(state=Clue.State.CLOSED)
    return rows.filter(reduce(or_, (one.which for one in queues.values())))


def _warnings(reader: Reader) -> QuerySet[Any] | None:
    if not reader.may(DutyCode.VERIFY, DutyCode.CLUE_DECIDE):
        return None
    return warning_queries.unread(reader.user)


def _complaints(reader: Reader) -> QuerySet[Any] | None:
    return oversight.complaints(reader.user) if reader.may(DutyCode.COMPLAINT) else None


def _appeals(reader: Reader) -> QuerySet[Any] | None:
    return oversight.appeals(reader.user) if reader.may(DutyCode.APPEAL) else None


def _ratings(reader: Reader) -> QuerySet[Any] | None:
    return oversight.ratings(reader.user) if reader.may(DutyCode.COMPLAINT) else None


def _runs(reader: Reader) -> QuerySet[Any] | None:
    states = [state for duty, states in _RUNS.items() if reader.may(duty) for state in states]
    return PayRun.objects.filter(state__in=states) if states else None


def _prices(reader: Reader) -> QuerySet[Any] | None:
    """Triggered months near their last day that nobody has paid."""
    if reader.may(DutyCode.PAY_APPROVE):  # never held together with preparing
        mine = PriceDecision.objects.filter(state=CorrectionState.PROPOSED).exclude(proposed_by=reader.user)
        asked = PriceDecision.objects.filter(state=CorrectionState.REVOKING).exclude(revoke_asked_by=reader.user)
        return mine | asked
    return price_reminders.waiting() if reader.may(DutyCode.PAY_PREPARE) else None


def _hand_overs(reader: Reader) -> QuerySet[Any] | None:
    return _to_approve(reader, HandOver)


def _exports(reader: Reader) -> QuerySet[Any] | None:
    return _to_approve(reader, Export)


def _tellings(reader: Reader) -> QuerySet[Any] | None:
    return tellings.waiting(reader.user, reader.held) if reader.may(*tellings.TELLERS) else None


def _late_papers(reader: Reader) -> QuerySet[Any] | None:
    """What he took in himself, and what the county has not read yet where that is his."""
    if reader.may(*late_papers.READ_DUTIES):
        return late_papers.listing("unseen", reader.user)
    return late_papers.listing("mine", reader.user) if reader.may(DutyCode.ACCEPT, DutyCode.REVIEW) else None


def _of_age(reader: Reader) -> QuerySet[Any] | None:
    states = []
    if reader.may(*of_age.DUTIES):
        states.append(ComingOfAge.State.OPEN)
    if reader.may(DutyCode.CONFIRM):
        states.append(ComingOfAge.State.FOUND)
    return ComingOfAge.objects.filter(state__in=states) if states else None


def _pushes(reader: Reader) -> QuerySet[Any] | None:
    """Lists not sent yet, and those whose answer is late."""
    if not reader.may(*pushes.DUTIES):
        return None
    late = pushes.listing("overdue", clock.today()).order_by().values("pk")
    return ListPush.objects.filter(Q(state=ListPush.State.MADE) | Q(pk__in=late))


def _end_notices(reader: Reader) -> QuerySet[Any] | None:
    today = clock.today()
    if reader.may(DutyCode.CONFIRM):
        return end_notices.listing("due", "", today)
    return end_notices.listing("objected", "", today) if reader.may(DutyCode.REVIEW) else None


def _bank(reader: Reader) -> QuerySet[Any] | None:
    """Payments somebody must see to; who approves finds what waits for a second person."""
    if reader.may(DutyCode.PAY_CHECK, DutyCode.PAY_SEND):
        return bank_queries.open_items()
    if reader.may(DutyCode.PAY_APPROVE):
        return bank_queries.proposals().exclude(proposed_by=reader.user)
    return None


def _fund_papers(reader: Reader) -> QuerySet[Any] | None:
    """Papers somebody else proposed; who keeps the funds finds money that lies and of which nothing was said."""
    if not reader.may(DutyCode.FUND_REVIEW):
        return idle.waiting() if reader.may(DutyCode.FUND_KEEP) else None
    return FundPaper.objects.filter(state=PaperState.PROPOSED).exclude(proposed_by=reader.user)


def _petty(reader: Reader) -> QuerySet[Any] | None:
    """Towns that ask for cash, before who keeps the funds; counts finance has not looked at, before who reviews them."""
    if reader.may(DutyCode.FUND_KEEP):
        return petty.open_requests()
    return petty.unchecked() if reader.may(DutyCode.FUND_REVIEW) else None


def _to_approve(reader: Reader, kind: type[HandOver] | type[Export]) -> QuerySet[Any] | None:
    """Files somebody else asked for."""
    if not reader.may(DutyCode.HAND_OVER_APPROVE):
        return None
    return kind._default_manager.filter(state=kind.State.WAITING).exclude(requested_by=reader.user)


#: Composed once for a reader's standing and a day.
_STEADY: Mapping[str, Callable[[Reader], QuerySet[Any] | None]] = {
    "web:cases": _cases,
    "web:needs": _needs,
    "web:tickets": _tickets,
    "web:online": _online,
    "web:emergencies": _emergencies,
    "web:patrols": _patrols,
    "web:field": _visits,
    "web:reviews-due": _reviews,
    "web:changes": _changes,
    "web:roll-notices": _roll_notices,
    "web:deaths": _deaths,
    "web:job-refusals": _jobs,
    "web:moves": _moves,
    "web:warnings": _warnings,
    "web:corrections": _corrections,
    "web:complaints": _complaints,
    "web:appeals": _appeals,
    "web:ratings": _ratings,
    "web:tellings": _tellings,
    "web:late-papers": _late_papers,
    "web:of-age": _of_age,
    "web:pushes": _pushes,
    "web:end-notices": _end_notices,
    "web:runs": _runs,
    "web:bank": _bank,
    "web:funds": _fund_papers,
    "web:petty": _petty,
    "web:prices": _prices,
    "web:hand-overs": _hand_overs,
    "web:exports": _exports,
}
#: These depend on more than a reader's standing and the day: whom he stands in for, what his place has adopted.
_UNSTEADY: Mapping[str, Callable[[Reader], QuerySet[Any] | None]] = {"web:clues": _clues}
