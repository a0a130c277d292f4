"""A decided case taken up again: a new case beside the old one, which begins where the work has to begin again.

What was decided stays as it was decided; a case's decision is never changed. So the matter goes on in a case of its own
(`Kind.REVIEW`), under the text in force today, with the steps before the new start left out.
"""

from __future__ import annotations

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases import engine
from tuodi.cases.actions import lock
from tuodi.cases.errors import MoveRefusedError, StepInputError
from tuodi.cases.models import Case, CaseBar
from tuodi.cases.procedures import procedure_for
from tuodi.cases.states import StepState
from tuodi.kernel import clock
from tuodi.org.models import User
from tuodi.people.models import Household, Person
from tuodi.policy.procedure import Does

__all__ = ["STARTS", "open_again"]

#: Where a matter may begin again.
STARTS = {Does.CHECK: "信息核对", Does.VISIT: "入户调查", Does.REVIEW: "审核", Does.CONFIRM: "确认"}


@transaction.atomic
def open_again(
    *,
    acting_user: User,
    household: Household,
    applicant: Person,
    programme: str,
    since: Does,
    reason: str,
    old: Case | None = None,
) -> Case:
    """Opens the case in which a matter is decided again. The caller has opened the door.

    Args:
        since: The kind of step where the work begins again; what comes before is marked as left out.
        reason: By whose word, with its number; kept in the log and with each step that is left out.
        old: The case that was decided; its bars hold for the new one.

    Raises:
        StepInputError: The procedure of today has no such step. MoveRefusedError: The old case still runs, or another
            case of the family and programme does.
    """
    if old is not None and lock(old).is_running:
        raise MoveRefusedError(f"案件 {old.no} ", old.get_state_display(), "重新办理")
    running = Case.objects.filter(household=household, programme=programme, decision="", closed_on=None).first()
    if running is not None:
        raise MoveRefusedError(f"同一项目的案件 {running.no} ", running.get_state_display(), "另案重新办理")
    region, today = household.region, clock.today()
    text = procedure_for(region, programme, today)
    begin = text.first(since)
    if begin is None:
        raise StepInputError("重新办理", "起点", f"“{STARTS[since]}”不在现行程序里，请选别的环节。")
    known = {name for name, _ in text.marks}
    marks = {mark for mark in (old.marks if old else ()) if mark in known and mark not in ("delegated", "objection")}
    case = engine.new_case(household, applicant, programme, kind=Case.Kind.REVIEW, text=text, marks=marks)
    for bar in CaseBar.objects.filter(case=old) if old else ():
        CaseBar.objects.create(case=case, region=region, user_id=bar.user_id, reason=bar.reason)
    engine.make_steps(case)
    again = {step.id for step in text.from_step(begin.id)}
    # Whatever stands beside the start and after the acceptance (核对 beside 入户) is work of the old case too.
    case.steps.exclude(name__in=again).update(state=StepState.SKIPPED, due_note=f"{reason}：沿用原办理结果"[:200])
    engine.advance(case)
    record(
        "cases.open_again",
        actor=acting_user,
        subject_type="case",
        subject_id=case.pk,
        region=region,
        case_no=case.no,
        after={"old": old.no if old else "", "since": begin.id, "reason": reason[:200], "programme": programme},
    )
    return case
