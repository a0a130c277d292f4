"""Who may see a visit, and who may make it: the doors of `visit_actions`."""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.cases.guard import check_hand
from tuodi.cases.models import Case, StaffKin
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household
from tuodi.people.queries import members_on
from tuodi.verification.models import VisitTask
from tuodi.verification.visit_errors import VisitorsError

__all__ = ["access_task", "check_visitors", "lock_for_visitor", "may_see"]

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


def access_task(user: User, pk: int) -> VisitTask:
    """One task in the user's reach. Raises NotFoundError alike for absent and not yours.

    Whoever is assigned sees it; so does his office, and the duties that review or oversee. Third-party visitors see the
    tasks of their own office and nothing else.
    """
    rows = VisitTask.objects.select_related("household", "household__head", "case", "office")
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
    if not access.in_scope(user, task.region):
        raise NotFoundError("入户任务")
    found = VisitTask.objects.select_for_update(of=("self",)).filter(pk=task.pk).select_related("household", "case")
    row = found.first()
    if row is None or not may_see(user, row):
        raise NotFoundError("入户任务")
    duties = _VISITORS if row.purpose == Purpose.THIRD_PARTY else (DutyCode.VISIT, DutyCode.CLUE)
    if user.pk not in row.assigned_ids and user.office_id != row.office_id:
        raise AccessDeniedError(DutyCode.VISIT, "本任务的调查人员")
    access.require_any(user, duties, row.region)
    return row
