"""What a provider's account may see of its tasks, and what the county counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from django.db.models import Count, Q, QuerySet

from tuodi.kernel import clock
from tuodi.kernel.masking import mask_id
from tuodi.monitoring.models import ThirdPartyContract, ThirdPartyTask
from tuodi.monitoring.thirdparty_actions import own_task
from tuodi.monitoring.thirdparty_visits import record_for, task_number, visit_of
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, Office, User
from tuodi.org.places import full_name
from tuodi.people.models import Membership
from tuodi.verification.models import VisitTask

__all__ = [
    "OwnTask",
    "Report",
    "access_contract",
    "contracts",
    "my_task",
    "my_task_of",
    "my_tasks",
    "third_party_report",
    "village_lists",
]

Opinion, State = ThirdPartyTask.Opinion, ThirdPartyTask.State


@dataclass(frozen=True)
class OwnTask:
    """One task as the visitor sees it: whom to visit and where; no amount, no whole number.

    Attributes:
        members: relation, name; of a single task only.
        id_masked: of the head.
        visit: number of the visit's form; None = not taken up. visit_no, visit_state: its words. Of a single task only.
        record: of the signed record a report would stand on; None = there is none yet.
    """

    id: int
    no: str
    village: str
    address: str
    head: str
    id_masked: str
    state: str
    opinion: str
    reasons: str
    last_day: date
    photos: int
    members: tuple[tuple[str, str], ...] = ()
    visit: int | None = None
    visit_no: str = ""
    visit_state: str = ""
    record: int | None = None


def _own(task: ThirdPartyTask, members: tuple[tuple[str, str], ...] = ()) -> OwnTask:
    home = task.household
    return OwnTask(
        id=task.pk, no=home.no, village=full_name(home.region), address=home.address, head=home.head.name,
        id_masked=home.head.id_masked or mask_id(""), state=task.state, opinion=task.opinion, reasons=task.reasons,
        last_day=task.contract.last_day, photos=getattr(task, "photo_count", 0), members=members,
    )  # fmt: skip


def my_tasks(user: User, *, village: str = "", open_only: bool = True) -> list[OwnTask]:
    """The tasks of a provider's account, by village. Those nobody has taken yet belong to all of the provider.

    Raises: AccessDeniedError, NotFoundError (no provider's account).
    """
    if not access.has_duty(user, DutyCode.THIRD_PARTY):
        raise AccessDeniedError(DutyCode.THIRD_PARTY, DutyCode.THIRD_PARTY.label)
    if user.office.kind != Office.Kind.PROVIDER or not user.office.is_active:
        raise NotFoundError("核查任务")
    today = clock.today()
    with system_scope(user.office.place_code):
        rows = (
            ThirdPartyTask.objects.filter(
                Q(visitor=user) | Q(visitor__isnull=True),
                contract__provider=user.office, contract__first_day__lte=today, contract__last_day__gte=today,
            )
            .select_related("household__head", "contract")
            .annotate(photo_count=Count("photos"))
            .order_by("region", "household_id", "round")
        )  # fmt: skip
        if village:
            span = access.range_of(village)
            rows = rows.filter(region__gte=span.low, region__lt=span.high)
        if open_only:
            rows = rows.filter(state=State.ASSIGNED)
        return [_own(task) for task in rows]


def my_task(user: User, task_id: int) -> OwnTask:
    """One own task with the family's members by name and relation. Raises as `own_task`."""
    with own_task(task_id, user) as task:
        present = Membership.objects.filter(household=task.household, until__isnull=True).select_related("person")
        own = _own(task, tuple((one.get_relation_display(), one.person.name) for one in present.order_by("id")))
        visit = visit_of(task)
        if visit is None:
            return own
        record = record_for(task, None) if visit.state != VisitTask.State.VISITED else None
        return replace(
            own, visit=visit.pk, visit_no=visit.no, visit_state=visit.get_state_display(), record=record and record.pk
        )


def my_task_of(user: User, visit: VisitTask) -> OwnTask | None:
    """The own task a visit is made for; None where it is none of the user's."""
    number = task_number(visit)
    if number is None or not access.has_duty(user, DutyCode.THIRD_PARTY):
        return None
    try:
        own = my_task(user, number)
    except NotFoundError:
        return None
    return own if own.visit == visit.pk else None


@dataclass(frozen=True)
class Report:
    """What a contract came to. `visits = eligible + not_eligible + doubt`; `tasks = visits + left`."""

    tasks: int
    visits: int
    left: int
    households: int
    urban: int  #: visits
    rural: int
    eligible: int
    not_eligible: int
    doubt: int
    decided: int
    clues: int  #: opened from reports
    confirmed: int  #: of these clues
    refuted: int
    price_fen: int | None

    @property
    def coverage(self) -> Fraction | None:
        """Visits of tasks; None where there are none."""
        return Fraction(self.visits, self.tasks) if self.tasks else None

    @property
    def hit_rate(self) -> Fraction | None:
        """Not eligible, of visits."""
        return Fraction(self.not_eligible, self.visits) if self.visits else None

    @property
    def precision(self) -> Fraction | None:
        """Confirmed, of the clues with a verdict; None before the first verdict."""
        answered = self.confirmed + self.refuted
        return Fraction(self.confirmed, answered) if answered else None

    @property
    def fen_per_visit(self) -> int | None:
        """What one visit cost; None where the price is not stated."""
        return None if self.price_fen is None or not self.visits else self.price_fen // self.visits


def third_party_report(contract: ThirdPartyContract) -> Report:
    """Coverage and hits of a contract, counted from its rows; needs an open scope that covers it."""
    visited = ~Q(state=State.ASSIGNED)
    counts = ThirdPartyTask.objects.filter(contract=contract).aggregate(
        tasks=Count("id"), visits=Count("id", filter=visited), left=Count("id", filter=Q(state=State.ASSIGNED)),
        households=Count("household", distinct=True), urban=Count("id", filter=visited & Q(category="urban")),
        rural=Count("id", filter=visited & Q(category="rural")), eligible=Count("id", filter=Q(opinion=Opinion.ELIGIBLE)),
        not_eligible=Count("id", filter=Q(opinion=Opinion.NOT_ELIGIBLE)), doubt=Count("id", filter=Q(opinion=Opinion.DOUBT)),
        decided=Count("id", filter=Q(state=State.DECIDED)), clues=Count("clue"),
        confirmed=Count("clue", filter=Q(clue__verdict="confirmed")), refuted=Count("clue", filter=Q(clue__verdict="refuted")),
    )  # fmt: skip
    return Report(**counts, price_fen=contract.price_fen)


def village_lists(contract: ThirdPartyContract) -> list[tuple[str, int, int, int]]:
    """Region of the village, tasks, visits, not eligible; needs an open scope."""
    rows = (
        ThirdPartyTask.objects.filter(contract=contract)
        .values("region")
        .annotate(
            tasks=Count("id"), visits=Count("id", filter=~Q(state=State.ASSIGNED)),
            not_eligible=Count("id", filter=Q(opinion=Opinion.NOT_ELIGIBLE)),
        )
        .order_by("region")
    )  # fmt: skip
    return [(row["region"], row["tasks"], row["visits"], row["not_eligible"]) for row in rows]


def contracts() -> QuerySet[ThirdPartyContract]:
    """Contracts in scope with their tasks, visits and not eligible (`n_…`), newest first."""
    return (
        ThirdPartyContract.objects.select_related("provider", "evaluated_by")
        .annotate(
            n_tasks=Count("tasks"),
            n_visits=Count("tasks", filter=~Q(tasks__state=State.ASSIGNED)),
            n_not=Count("tasks", filter=Q(tasks__opinion=Opinion.NOT_ELIGIBLE)),
        )
        .order_by("-id")
    )


def access_contract(user: User, pk: int) -> ThirdPartyContract:
    """One contract. Raises NotFoundError, alike for absent and not yours."""
    rows = ThirdPartyContract.objects.select_related("provider", "evaluated_by")
    return access.one(rows, user=user, what="第三方核查合同", pk=pk)
