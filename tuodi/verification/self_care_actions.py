"""Verbs on self-care assessments: order one, add its papers, enter the result, report a change ([43] art 20-23).

The class follows from the six activities by the rules of the place; the result is written into the family's facts with the
assessment as its source, so that the decision stands on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

from tuodi.audit.actions import record as audit
from tuodi.cases.calendar import Due, due
from tuodi.cases.guard import check_hand, level_of, logs_blocks
from tuodi.cases.models import Case
from tuodi.cases.series import next_no
from tuodi.cases.states import move
from tuodi.files import store
from tuodi.files.images import read_picture
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import Unit
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household, Person
from tuodi.people.queries import members_on
from tuodi.policy.procedure import Limit
from tuodi.rules.single import word_of
from tuodi.verification import rulebook
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models import FactSet, SelfCareAssessment, SelfCarePaper
from tuodi.verification.models.self_care import ITEMS
from tuodi.verification.queries import draft_of, latest_frozen
from tuodi.verification.self_care_errors import SelfCareInputError
from tuodi.verification.self_care_queries import bodies_for
from tuodi.verification.self_care_states import MOVES
from tuodi.verification.visit_evidence import digest_of

__all__ = ["add_self_care_paper", "assess_self_care", "cancel_self_care", "order_self_care", "report_self_care_change"]

#: Who orders, and who takes a report of a change.
ORDER_DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW)
#: Who enters a result, at the county ([43] art 20).
ENTER_DUTIES = (DutyCode.REVIEW, DutyCode.VISIT)
MAX_PAPERS, MAX_BYTES = 12, 12 * 1024 * 1024
State, Body, Cause = SelfCareAssessment.State, SelfCareAssessment.Body, SelfCareAssessment.Cause


@logs_blocks
def order_self_care(
    person: Person,
    household: Household,
    *,
    acting_user: User,
    case: Case | None = None,
    cause: str = Cause.FIRST,
    body: str = "",
    body_name: str = "",
) -> SelfCareAssessment:
    """Orders an assessment of one person from the body the place names.

    Args:
        case: The tekun case it is for; None = a person who is supported already.
        body: One of those the place allows; empty = the first of them.
        body_name: Needed for a third party; for the others the place gives it.

    Raises:
        SelfCareInputError: Not a member, one is ordered already, a body the place does not allow, a third party without name.
    """
    return _order(person, household, acting_user=acting_user, case=case, cause=cause, body=body, body_name=body_name)


@logs_blocks
def report_self_care_change(
    person: Person, household: Household, *, acting_user: User, text: str, reported_on: date | None = None
) -> SelfCareAssessment:
    """Takes a report that a supported person's ability has changed and orders the re-assessment within its limit ([43] art 23).

    Raises:
        SelfCareInputError: Nothing is said, or a day that is to come; and what an order raises.
    """
    day = reported_on or clock.today()
    faults = []
    if not text.strip():
        faults.append(("text", "没有写明发生了什么变化"))
    if day > clock.today():
        faults.append(("reported_on", f"报告日期 {day} 还没有到"))
    if faults:
        raise SelfCareInputError(faults)
    return _order(person, household, acting_user=acting_user, cause=Cause.CHANGE, change_text=text, reported_on=day)


def _order(
    person: Person,
    household: Household,
    *,
    acting_user: User,
    case: Case | None = None,
    cause: str,
    body: str = "",
    body_name: str = "",
    change_text: str = "",
    reported_on: date | None = None,
) -> SelfCareAssessment:
    region, today = household.region, clock.today()
    if not access.in_scope(acting_user, region):
        raise NotFoundError("家庭")
    access.require_any(acting_user, ORDER_DUTIES, region)
    if case is not None:
        check_hand(case, acting_user, None)
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    allowed = bodies_for(region, today)
    chosen = body or next(iter(allowed))
    name = allowed.get(chosen) or body_name.strip()[:80]
    faults = []
    if person.pk not in {row.person_id for row in members_on(household, today)}:
        faults.append(("person", f"{person.name}现在不是该家庭的成员"))
    if cause not in Cause.values:
        faults.append(("cause", f"事由“{cause}”不认识"))
    if chosen not in allowed:
        labels = "、".join(Body(one).label for one in allowed)
        faults.append(
            ("body", f"本地由{labels}评估，不能委托“{Body(chosen).label if chosen in Body.values else chosen}”")
        )
    elif not name:
        faults.append(("body_name", "没有写第三方机构的名称"))
    if case is not None and (case.programme != "tekun" or case.household_id != household.pk or not case.is_running):
        faults.append(("case", f"案件 {case.no} 不是该家庭正在办理的特困认定"))
    if SelfCareAssessment.objects.filter(person=person, state=State.ORDERED).exists():
        faults.append(("person", f"{person.name}已有一次待办的评估，先办完或取消"))
    if faults:
        raise SelfCareInputError(faults)
    end = _limit(region, reported_on) if reported_on else Due()
    row = SelfCareAssessment.objects.create(
        region=region,
        no=next_no("self_care", region, today),
        household=household,
        person=person,
        case=case,
        cause=cause,
        change_text=change_text.strip()[:300],
        reported_on=reported_on,
        body=chosen,
        body_name=name,
        ordered_on=today,
        ordered_by=acting_user,
        due_on=end.on,
        due_pending=end.pending,
        due_note=end.note[:200],
    )
    _audit("order_self_care", acting_user, row, body=chosen, cause=str(cause))
    return row


def _limit(region: str, reported_on: date) -> Due:
    """By when a reported change must be assessed; none where no text in force sets a limit."""
    book = rulebook.book()
    value = book.value("tekun.reassess_days", book.chain(rulebook.place_of(region)), (), reported_on)
    if value is None or value.value is None:
        return Due()
    return due(Limit(int(value.value), Unit.WORKDAY, clause=value.clause), reported_on)


@logs_blocks
def add_self_care_paper(
    assessment: SelfCareAssessment, data: bytes, *, acting_user: User, caption: str = ""
) -> SelfCarePaper:
    """Takes in a photograph or a scanned paper (PDF) of an assessment that is not entered yet. The same bytes again: the same row.

    Raises:
        SelfCareInputError: Too large, too many, or entered already. ImageRefusedError: Neither picture nor PDF.
    """
    row = _lock(assessment, acting_user, (*ORDER_DUTIES, *ENTER_DUTIES))
    if row.state != State.ORDERED:
        raise SelfCareInputError([("papers", f"评估 {row.no} {row.get_state_display()}，不能再加材料")])
    if len(data) > MAX_BYTES:
        raise SelfCareInputError([("papers", f"单个文件不能超过 {MAX_BYTES // 1024 // 1024} MB")])
    if data.startswith(b"%PDF-"):
        kept, suffix, media = data, "pdf", "application/pdf"
    else:
        picture = read_picture(data)
        kept, suffix, media = picture.data, picture.suffix, picture.media_type
    sha = hashlib.sha256(kept).hexdigest()
    known = row.papers.filter(sha256=sha).first()
    if known is not None:
        return known
    if row.papers.count() >= MAX_PAPERS:
        raise SelfCareInputError([("papers", f"材料已有 {MAX_PAPERS} 份，不能再加")])
    stored = store.put_bytes(
        kept,
        region=row.region,
        name=f"{sha[:16]}.{suffix}",
        purpose="self_care",
        media_type=media,
        by_id=acting_user.pk,
    )
    return SelfCarePaper.objects.create(
        assessment=row,
        region=row.region,
        file=stored,
        sha256=stored.sha256,
        caption=caption.replace("\x00", "").strip()[:40],
        media_type=media,
        added_at=clock.now(),
        added_by=acting_user,
    )


@logs_blocks
def assess_self_care(
    assessment: SelfCareAssessment,
    *,
    acting_user: User,
    items: Mapping[str, bool | None],
    assessors: Sequence[str],
    assessed_on: date,
    place: str = "",
    opinion: str = "",
) -> SelfCareAssessment:
    """Enters what the body found: each of the six activities, who assessed, when. Once; it then stands for ever.

    The class comes from the rules of the place. The result is written into the facts of the case, or for somebody supported
    already into a new frozen fact set, on which the amount can be changed.

    Args:
        items: Name of each fact in `ITEMS` -> whether the person can NOT do it; None = not answered.

    Raises:
        SelfCareInputError: An activity without answer, no assessor, no evidence, a wrong day: every reason at once.
        WrongLevelError: Not of the county. AccessDeniedError, NotFoundError, DutySeparationError.
    """
    row = _lock(assessment, acting_user, ENTER_DUTIES)
    if level_of(acting_user) != "COUN":
        from tuodi.cases.errors import WrongLevelError

        raise WrongLevelError("生活自理能力评估", "县（区）", "其他层级")
    move(f"自理能力评估 {row.no} ", MOVES, row.state, State.ASSESSED)
    names = [name.strip()[:40] for name in assessors if name.strip()]
    faults = [("items", f"“{label}”没有评估") for name, label in ITEMS.items() if items.get(name) is None]
    if not names:
        faults.append(("assessors", "没有写评估人员"))
    if len(set(names)) != len(names):
        faults.append(("assessors", "评估人员写重了"))
    first = row.reported_on or row.ordered_on
    if not first <= assessed_on <= clock.today():
        faults.append(("assessed_on", f"评估日期 {assessed_on} 应在委托之后、今天以前"))
    if not row.papers.exists():
        faults.append(("papers", "没有评估材料，请上传评定表或现场照片"))
    if faults:
        raise SelfCareInputError(faults)
    found = {name: bool(items[name]) for name in ITEMS}
    row.items, row.failed = found, sum(found.values())
    row.result = _class_of(found, row.region, assessed_on)
    row.state, row.assessed_on, row.assessors = State.ASSESSED, assessed_on, names
    row.place, row.opinion = place.strip()[:100], opinion.strip()
    row.entered_at, row.entered_by = clock.now(), acting_user
    row.evidence_hash = digest_of(bound(row))
    row.fact_set = _feed(row, acting_user)
    row.save()
    _audit("assess_self_care", acting_user, row, result=row.result, failed=row.failed, evidence=row.evidence_hash)
    return row


def bound(row: SelfCareAssessment) -> dict[str, object]:
    """What the evidence hash of an assessment covers."""
    return {
        "no": row.no,
        "person": row.person_id,
        "body": [row.body, row.body_name],
        "assessed_on": row.assessed_on,
        "assessors": row.assessors,
        "items": row.items,
        "result": row.result,
        "opinion": row.opinion,
        "papers": sorted(row.papers.values_list("sha256", flat=True)),
    }


def evidence_fits(row: SelfCareAssessment) -> bool:
    """Whether an entered assessment still is what was entered."""
    return row.evidence_hash == digest_of(bound(row))


def _class_of(items: Mapping[str, bool], region: str, on: date) -> str:
    """The class that the rules of the place give six answers (0, 1-3, 4-6 failed; [43] art 22)."""
    plan = rulebook.plan(rulebook.place_of(region), on, Month.of(on))
    family = {"household": {}, "members": [{"relation": "self", **items}]}
    return word_of(plan, "tekun.care_class", family, (0,))


def _feed(row: SelfCareAssessment, acting_user: User) -> FactSet:
    """Writes the result into the facts with where it is from.

    An open draft of the case takes it. Where the case's facts are frozen already, or somebody is supported already, a new set
    is made from the newest and frozen at once, since nothing but the assessment is new in it.
    """
    values = {**row.items, "assessed_self_care": row.result}
    draft = draft_of(row.case) if row.case is not None else None
    alone = False
    if draft is None:
        base = latest_frozen(row.household)
        # Facts of an earlier matter are looked through anew by whoever collects them; those of this one are complete.
        alone = (base is not None and base.case_id == row.case_id) or row.case is None
        draft = start_fact_set(
            acting_user=acting_user, household=row.household, case=row.case, base=base, reason=f"自理能力评估 {row.no}"
        )
    draft = enter_facts(
        draft,
        acting_user=acting_user,
        members={row.person_id: values},
        source=FactSet.Source.FINDING,
        evidence=evidence_of(row),
    )
    return freeze(draft, acting_user=acting_user) if alone else draft


def evidence_of(row: SelfCareAssessment) -> str:
    """How a fact names the assessment it rests on."""
    return f"自理能力评估 {row.no}（{row.body_name}）"


@logs_blocks
def cancel_self_care(assessment: SelfCareAssessment, *, acting_user: User, reason: str) -> SelfCareAssessment:
    """Takes an order back, with a reason. Raises SelfCareInputError without one."""
    row = _lock(assessment, acting_user, ORDER_DUTIES)
    move(f"自理能力评估 {row.no} ", MOVES, row.state, State.CANCELLED)
    if not reason.strip():
        raise SelfCareInputError([("reason", "没有写取消的原因")])
    row.state, row.ended_reason = State.CANCELLED, reason.strip()[:200]
    row.save(update_fields=["state", "ended_reason"])
    _audit("cancel_self_care", acting_user, row, reason=row.ended_reason)
    return row


def _lock(assessment: SelfCareAssessment, user: User, duties: Sequence[str]) -> SelfCareAssessment:
    rows = SelfCareAssessment.objects.select_for_update(of=("self",)).select_related("case", "household", "person")
    found = rows.filter(pk=assessment.pk).first()
    if found is None or not access.in_scope(user, found.region):
        raise NotFoundError("自理能力评估")
    access.require_any(user, duties, found.region)
    if found.case is not None:
        check_hand(found.case, user, None)
    return found


def _audit(action: str, actor: User, row: SelfCareAssessment, **after: object) -> None:
    audit(
        f"verification.{action}",
        actor=actor,
        subject_type="selfcareassessment",
        subject_id=row.pk,
        region=row.region,
        case_no=row.case.no if row.case else None,
        after={"no": row.no, "state": row.state, **after},
    )
