"""Who may see a visit, and who may make it: the doors of `visit_actions`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Q, QuerySet

from tuodi.cases.guard import check_hand
from tuodi.cases.models import Case, StaffKin
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, Office, User
from tuodi.people.models import Household
from tuodi.people.queries import members_on
from tuodi.verification.models import VisitTask
from tuodi.verification.visit_errors import VisitorsError

__all__ = ["access_task", "check_office", "check_visitors", "door", "lock_for_visitor", "may_see", "own_rows"]

Purpose = VisitTask.Purpose
#: Duties that go out to families.
_VISITORS = (DutyCode.VISIT, DutyCode.CLUE, DutyCode.THIRD_PARTY)


def check_visitors(household: Household, case: Case | None, users: Sequence[User], no: str) -> None:
    """Refuses who may not visit: without the duty here, barred from the case, or kin of a member.

    Raises:
        VisitorsError, DutySeparationError.
    """
    indexes = [bytes(row.person.id_index) for row in members_on(household, clock.today()) if row.person.id_index]
    kin = dict(StaffKin.objects.filter(user__in=users, id_index__in=indexes).values_list("user_id", "relation"))
    for user in users:
        if not any(access.has_duty(user, duty, household.region) for duty in _VISITORS):
            raise VisitorsError(no, f"{user.name}在当地没有入户、线索核实或第三方核查职责，请换人或由管理员分配职责。")
        if user.pk in kin:
            whose = "本人家庭" if kin[user.pk] == "self" else "近亲属家庭"
            raise VisitorsError(no, f"{user.name}须回避（{whose}），请换其他人员。")
        if case is not None:
            check_hand(case, user, None)


def is_outside(user: User) -> bool:
    """Whether the account is a provider's: the database shows it no row (`org.access.NOTHING`)."""
    return user.office.kind == Office.Kind.PROVIDER


def own_rows(user: User) -> QuerySet[VisitTask]:
    """The third-party tasks a provider's visitor was given, until their last day; needs an open `door`."""
    mine = Q(assigned_ids__contains=[user.pk]) | Q(assigned_ids=[])
    return VisitTask.objects.filter(mine, purpose=Purpose.THIRD_PARTY, office=user.office_id, due_on__gte=clock.today())


@contextmanager
def door(user: User, pk: int | None = None) -> Iterator[None]:
    """Lets a provider's visitor through to the rows behind one task of his own; for everybody else nothing changes.

    Args:
        pk: The task; None = the list of `own_rows`, or a photograph whose task the caller asks for.

    Raises:
        NotFoundError: A provider's account without the duty there, or a task that is absent, another's or past its last day.
    """
    if not is_outside(user):
        yield
        return
    if not user.is_active or not user.office.is_active:
        raise NotFoundError("入户任务")
    with system_scope(user.office.place_code):
        if pk is not None:
            task = own_rows(user).filter(pk=pk).first()
            if task is None or not access.has_duty(user, DutyCode.THIRD_PARTY, task.region):
                raise NotFoundError("入户任务")
        yield


def check_office(task: VisitTask, users: Sequence[User]) -> None:
    """A provider goes with its own people: nobody else's name may stand under its record.

    Raises:
        VisitorsError.
    """
    if task.office.kind == Office.Kind.PROVIDER:
        for user in users:
            if user.office_id != task.office_id:
                raise VisitorsError(task.no, f"{user.name}不是“{task.office.name}”的人员，请换本机构的核查人。")


def access_task(user: User, pk: int) -> VisitTask:
    """One task in the user's reach. Raises NotFoundError alike for absent and not yours.

    Whoever is assigned sees it; so does his office, and the duties that review or oversee. Third-party visitors see the
    tasks of their own office and nothing else; a provider's account those given to itself, through the `door`.
    """
    rows = VisitTask.objects.select_related("household", "household__head", "case", "office")
    if is_outside(user):
        with door(user, pk):
            return rows.get(pk=pk)
    task = access.one(rows, user=user, what="入户任务", pk=pk)
    if not may_see(user, task):
        raise NotFoundError("入户任务")
    return task


_SEERS = (
    DutyCode.VISIT,
    DutyCode.REVIEW,
    DutyCode.CONFIRM,
    DutyCode.CLUE,
    DutyCode.CLUE_DECIDE,
    DutyCode.CLUE_CLOSE,
    DutyCode.VERIFY,
    DutyCode.SUPERVISE,
)


def may_see(user: User, task: VisitTask) -> bool:
    """Whether a user may read a task whose region he sees."""
    held = {duty.code for duty in access.duties_of(user) if task.region in access.range_of(duty.place_code)}
    if held & set(_SEERS):
        return True
    return DutyCode.THIRD_PARTY in held and task.office_id == user.office_id and task.purpose == Purpose.THIRD_PARTY


def lock_for_visitor(task: VisitTask, user: User) -> VisitTask:
    """The row as it is now, locked; only for who goes: assigned, or of the task's office with a visiting duty."""
    outside = is_outside(user)
    if not outside and not access.in_scope(user, task.region):
        raise NotFoundError("入户任务")
    found = VisitTask.objects.select_for_update(of=("self",)).filter(pk=task.pk).select_related("household", "case")
    if outside:
        with door(user, task.pk):
            return found.get()
    row = found.first()
    if row is None or not may_see(user, row):
        raise NotFoundError("入户任务")
    duties = _VISITORS if row.purpose == Purpose.THIRD_PARTY else (DutyCode.VISIT, DutyCode.CLUE)
    if user.pk not in row.assigned_ids and user.office_id != row.office_id:
        raise AccessDeniedError(DutyCode.VISIT, "本任务的调查人员")
    access.require_any(user, duties, row.region)
    return row
