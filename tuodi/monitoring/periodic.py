"""Periodic re-review (定期核查): class and interval of each unit on the roll, the list of what is due, and its results.

Basis: 649 art 13, [220] art 33, [57] art 31, [2020] 7; classes and intervals are values of the packs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.decisions.changes import require_confirmer
from tuodi.decisions.errors import ReasonsMissingError
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import add_months
from tuodi.monitoring.deciding import Changed, collect, decide_change
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError
from tuodi.monitoring.dynamic_states import REVIEW_MOVES, move
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import Grade, PeriodicReview, ReviewPlan
from tuodi.org import access
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people import tellings
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.people.facts import load_facts
from tuodi.people.models import Household
from tuodi.verification.models import VisitTask
from tuodi.verification.rulebook import book, place_of, plan
from tuodi.verification.visit_actions import plan_visit

__all__ = [
    "ASSIGNERS", "FINDERS", "LineResult", "assign_many", "close_many", "close_review", "interval", "plan_review_visit",
    "propose_grade", "record_finding", "return_review", "set_grade",
]  # fmt: skip

State, Result = PeriodicReview.State, PeriodicReview.Result
#: Who gives reviews to people; who looks.
ASSIGNERS = (DutyCode.REVIEW, DutyCode.CONFIRM, DutyCode.CLUE_DECIDE)
FINDERS = (DutyCode.REVIEW, DutyCode.VISIT)
_CLASS = {Grade.A: "class_a", Grade.B: "class_b", Grade.C: "class_c"}


@dataclass(frozen=True)
class LineResult:
    """What became of one row of a batch; `why` empty = done."""

    pk: int
    why: str = ""


def interval(grade: str, programme: str, area_kind: str, region: str, on: date) -> tuple[int, str]:
    """Months between two reviews of a unit, and the clause. An unknown class has the shortest interval of the place.

    Raises: MissingLimitError.
    """
    if programme in PERSON_PROGRAMMES:
        return limit("review_interval_person", region, on), _clause("review_interval_person", (), region, on)
    found = {}
    for one, code in _CLASS.items():
        row = book().value("profile.review_interval", book().chain(place_of(region)), (code, area_kind), on)
        if row is not None and row.value is not None:
            found[str(one)] = (int(row.value), row.clause)
    if grade in found:
        months, raw = found[grade]
    elif found:
        months, raw = min(found.values())
    else:
        return limit("review_interval", region, on), ""
    return months, book().clause(raw).text if raw else ""


def _clause(name: str, keys: tuple[str, ...], region: str, on: date) -> str:
    row = book().value(f"profile.{name}", book().chain(place_of(region)), keys, on)
    return book().clause(row.clause).text if row is not None and row.clause else ""


def propose_grade(household: Household, on: date) -> str:
    """The class the rules of the place propose from the accepted facts; empty where a fact is missing."""
    place = place_of(household.region)
    (answer,) = plan(place, on, Month.of(on)).decide(
        load_facts(household, on, digits=len(place)), "review", also=("review.all_unable", "review.rest_limited")
    )
    if answer.outcome != "pass":
        return ""
    unable, limited = (answer.values.get(name) for name in ("review.all_unable", "review.rest_limited"))
    if unable:
        return Grade.A
    if unable is None or limited is None:
        return ""
    return Grade.B if limited else Grade.C


@transaction.atomic
def set_grade(row: ReviewPlan, *, grade: str, reason: str, acting_user: User) -> ReviewPlan:
    """An officer says the class, with the reason; interval and due day follow. An open review keeps its state.

    Raises: DynamicInputError, NotFoundError, AccessDeniedError.
    """
    found = access.locked(ReviewPlan.objects.select_related("household"), row.pk, what="核查计划")
    access.require_any(acting_user, ASSIGNERS, found.region)
    if grade not in Grade.values:
        raise DynamicInputError("类别", f"只能是：{'、'.join(Grade.labels)}")
    if not reason.strip():
        raise ReasonsMissingError("类别认定")
    before = {"grade": found.grade, "due_on": found.due_on}
    found.grade, found.basis, found.reason, found.graded_by = (
        grade,
        ReviewPlan.Basis.OFFICER,
        reason.strip()[:300],
        acting_user,
    )
    found.months, found.clause = interval(
        grade, found.programme, found.household.area_kind, found.region, clock.today()
    )
    found.due_on = add_months(found.last_on, found.months)
    found.save(update_fields=["grade", "basis", "reason", "graded_by", "months", "clause", "due_on"])
    PeriodicReview.objects.filter(plan=found, state__in=[State.DUE, State.ASSIGNED, State.FOUND]).update(
        grade=grade, due_on=found.due_on
    )
    _audit("set_grade", acting_user, found.region, found.pk, before=before, grade=grade, due_on=found.due_on)
    return found


@transaction.atomic
def assign_many(ids: Iterable[int], *, to: User, acting_user: User) -> list[LineResult]:
    """Gives reviews to one officer: a result for each, in order. One audit row.

    Raises: DynamicInputError: who gets them may not look into reviews at all.
    """
    wanted = list(dict.fromkeys(ids))
    mine = access.ranges_for(acting_user, ASSIGNERS)
    theirs = access.ranges_for(to, FINDERS)
    if not theirs:
        raise DynamicInputError("承办人", f"{to.name}没有初审或入户职责")
    rows = {
        row.pk: row
        for row in PeriodicReview.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    }
    lines, done = [], []
    for pk in wanted:
        row = rows.get(pk)
        if row is None or not any(row.region in one for one in mine):
            lines.append(LineResult(pk, "没有找到，或不在您的职责范围内"))
        elif not any(row.region in one for one in theirs):
            lines.append(LineResult(pk, f"不在{to.name}的职责范围内"))
        elif State.ASSIGNED not in REVIEW_MOVES[row.state]:
            lines.append(LineResult(pk, f"现在是“{row.get_state_display()}”，不能派发"))
        else:
            lines.append(LineResult(pk))
            done.append(pk)
    PeriodicReview.objects.filter(pk__in=done).update(
        state=State.ASSIGNED, assigned_to=to, assigned_at=clock.now(), found_by=None, found_at=None
    )
    if done:
        region = rows[done[0]].region
        _audit("assign_reviews", acting_user, region, done[0], to=to.pk, count=len(done), ids=done[:200])
    for row in PeriodicReview.objects.filter(pk__in=done).select_related("household__head"):
        tellings.tell("review_due", row.household, row.household.head, f"review:{row.pk}", {})
    return lines


@transaction.atomic
def plan_review_visit(review: PeriodicReview, *, assigned: Sequence[User], acting_user: User) -> VisitTask:
    """A home visit for a review; the task stands in the visitors' lists. Raises what `plan_visit` raises."""
    row = _locked(review, acting_user, FINDERS)
    task = plan_visit(
        row.household, VisitTask.Purpose.REVIEW, matter_no=f"HC-{row.pk}", assigned=assigned, acting_user=acting_user,
        due=max(row.due_on, clock.today() + timedelta(days=1)), note="定期核查",
    )  # fmt: skip
    row.visit = task
    row.save(update_fields=["visit"])
    _audit("plan_review_visit", acting_user, row.region, row.pk, task=task.no)
    return task


@transaction.atomic
def record_finding(
    review: PeriodicReview,
    *,
    found: str,
    acting_user: User,
    facts: Mapping[str, Any] | None = None,
    members: Mapping[int, Mapping[str, Any]] | None = None,
) -> PeriodicReview:
    """What the visit or the check showed. Facts that differ become a frozen fact set; without any, all stays as it was.

    Raises: DynamicInputError, DynamicStateError, FactFaultsError, NotFoundError, AccessDeniedError.
    """
    row = _locked(review, acting_user, FINDERS)
    if not found.strip():
        raise DynamicInputError("核查情况", "必须填写")
    move(REVIEW_MOVES, row, State.FOUND, "登记核查情况")
    if row.programme in PERSON_PROGRAMMES and row.person_id is not None and (facts or members):
        mark = "in_tekun" if row.programme == "tekun" else "in_orphan"
        own = dict((members or {}).get(row.person_id, {}))
        members = {**(members or {}), row.person_id: {mark: True, **own}}
    if facts or members:
        evidence = f"定期核查{f'，入户 {row.visit.no}' if row.visit else ''}"
        row.fact_set = collect(
            row.household,
            acting_user=acting_user,
            facts=facts or {},
            members=members,
            reason="定期核查",
            evidence=evidence,
        )
    row.found, row.found_at, row.found_by = found.strip(), clock.now(), acting_user
    row.save(update_fields=["state", "fact_set", "found", "found_at", "found_by"])
    _audit("record_finding", acting_user, row.region, row.pk, facts=sorted(facts or {}), fact_set=row.fact_set_id)
    return row


@transaction.atomic
def return_review(review: PeriodicReview, *, reason: str, acting_user: User) -> PeriodicReview:
    """Sends a finding back to who looked. Raises: ReasonsMissingError, DynamicStateError, NotFoundError, AccessDeniedError."""
    row = _locked(review, acting_user, (DutyCode.CONFIRM,))
    if not reason.strip():
        raise ReasonsMissingError("退回")
    if row.state != State.FOUND:
        move(REVIEW_MOVES, row, State.DONE, "退回")
    row.state, row.reasons = State.ASSIGNED, f"退回：{reason.strip()}"
    row.assigned_to_id = row.found_by_id
    row.save(update_fields=["state", "reasons", "assigned_to"])
    _audit("return_review", acting_user, row.region, row.pk, reason=reason.strip()[:200])
    return row


@logs_blocks
def close_review(review: PeriodicReview, *, reasons: str, acting_user: User) -> Changed:
    """Confirms a review at the level that confirms there: keep, or what the rules say on the facts that were found.

    The next due day is reckoned from today. A stop ends the plan and puts the family on the watch list.

    Raises:
        ReasonsMissingError, DynamicHandsError, DynamicStateError, WrongLevelError; UnknownOutcomeError names what is missing.
        NotFoundError, AccessDeniedError.
    """
    with transaction.atomic():
        row = _locked(review, acting_user, (DutyCode.CONFIRM,))
        _confirmer(acting_user, row)
        if not reasons.strip():
            raise ReasonsMissingError("核查结论")
        if row.found_by_id == acting_user.pk:
            raise DynamicHandsError("核查", "确认")
        move(REVIEW_MOVES, row, State.DONE, "确认核查结论")
        if row.fact_set is None:
            changed = Changed(Result.KEEP, None, 0)
        else:
            changed = decide_change(
                row.fact_set, row.programme, acting_user=acting_user, cause="review", person=row.person,
                reasons=f"定期核查：{reasons.strip()}",
            )  # fmt: skip
        row.result, row.reasons = changed.kind, reasons.strip()
        row.determination, row.done_at, row.done_by = changed.determination, clock.now(), acting_user
        row.save(update_fields=["state", "result", "reasons", "determination", "done_at", "done_by"])
        _next(row, changed.kind)
        _audit("close_review", acting_user, row.region, row.pk, result=changed.kind,
               determination=changed.determination.no if changed.determination else None)  # fmt: skip
        return changed


def _confirmer(user: User, row: PeriodicReview) -> None:
    require_confirmer(user, row.region, row.programme)


def _next(row: PeriodicReview, result: str) -> None:
    held = ReviewPlan.objects.select_for_update(of=("self",)).select_related("household").get(pk=row.plan_id)
    today = clock.today()
    held.last_on = today
    if result == Result.STOP:
        held.ended_on = today
    else:
        held.months, held.clause = interval(held.grade, held.programme, held.household.area_kind, held.region, today)
        held.due_on = add_months(today, held.months)
    held.save(update_fields=["last_on", "ended_on", "months", "clause", "due_on"])


def close_many(ids: Iterable[int], *, reasons: str, acting_user: User) -> list[LineResult]:
    """Like `close_review` for many, each by itself: a result for each, in order."""
    lines = []
    for pk in dict.fromkeys(ids):
        row = PeriodicReview.objects.filter(pk=pk).first()
        try:
            if row is None:
                raise NotFoundError("核查")
            if row.fact_set_id is not None:
                raise DynamicInputError("批量确认", "有变化的要逐户确认，请打开后办理")
            close_review(row, reasons=reasons, acting_user=acting_user)
            lines.append(LineResult(pk))
        except TuodiError as error:
            lines.append(LineResult(pk, str(error)))
    return lines


def _locked(review: PeriodicReview, user: User, duties: Sequence[str]) -> PeriodicReview:
    row = (
        PeriodicReview.objects.select_for_update(of=("self",))
        .select_related("household", "person", "visit", "fact_set")
        .filter(pk=review.pk)
        .first()
    )
    if row is None or not access.in_scope(user, row.region):
        raise NotFoundError("核查")
    held = access.duties_of(user)
    if not any(one.code in duties and row.region in access.range_of(one.place_code) for one in held):
        raise AccessDeniedError(duties[0], DutyCode(duties[0]).label)
    return row


def _audit(action: str, user: User | None, region: str, pk: int, *, before: Any = None, **after: Any) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="periodicreview", subject_id=pk, region=region, before=before,
        after=after,
    )  # fmt: skip
