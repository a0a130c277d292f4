"""Verbs on emergencies: report, respond, relieve first, complete the papers, withdraw, turn to the full procedure.

Relief first (649-48, 23号 of 2018 二(二)): what the law asks before a grant is made up afterwards, with a day by which.
What is granted is paid by the next monthly run, or on the spot from the town's petty cash (room `funds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases import actions as cases
from tuodi.cases.calendar import due
from tuodi.cases.engine import latest
from tuodi.cases.guard import check_step, logs_blocks
from tuodi.cases.series import next_no
from tuodi.cases.states import go
from tuodi.decisions import actions as decisions
from tuodi.decisions import grants
from tuodi.decisions.decide import ask, require_pass, rows_of
from tuodi.decisions.errors import ReasonsMissingError, ReliefInputError
from tuodi.decisions.models import Determination, Relief
from tuodi.decisions.relief_states import RELIEF_MOVES, Cause, ReliefState
from tuodi.files.images import read_picture
from tuodi.files.models import StoredFile
from tuodi.files.store import put_bytes
from tuodi.intake.application_actions import accept_application
from tuodi.intake.discovery_actions import settle_discovery
from tuodi.intake.models import Application, Discovery
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import Unit
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household, Person
from tuodi.people.queries import members_on
from tuodi.policy.procedure import Limit
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models import FactSet
from tuodi.verification.rulebook import book, limit, place_of
from tuodi.verification.visit_evidence import sign

__all__ = [
    "DUTIES",
    "alarm_overdue",
    "close_report",
    "complete_papers",
    "papers_due",
    "relieve_first",
    "report_emergency",
    "respond",
    "take_discovery",
    "to_full_procedure",
    "withdraw_relief",
]

#: Who may report an emergency and answer for it.
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)
#: What the officer's signature and the family's stand for; both are needed when the papers are complete.
SIGNERS = ("investigator", "respondent")


@transaction.atomic
def report_emergency(
    *,
    acting_user: User,
    household: Household,
    cause: str,
    story: str,
    person: Person | None = None,
    event_on: date | None = None,
    source: str = Relief.Source.COUNTER,
    source_ref: str = "",
    reported_at: datetime | None = None,
) -> Relief:
    """Puts an emergency of a registered family into the queue; its clocks begin with the report.

    Args:
        cause: One of `Cause`. story: What happened, in words.
        person: Who is in need, a member; default the head.
        event_on: Day it happened; default today, never later.
        source, source_ref: Who brought it, and the number of the discovery or ticket.
        reported_at: When the report came in (a ticket's own time); default now.

    Raises:
        ReliefInputError, NotFoundError, AccessDeniedError. MissingLimitError: the place's pack names no hours.
    """
    access.require_any(acting_user, DUTIES, household.region)
    today, now = clock.today(), clock.now()
    if cause not in Cause.values:
        raise ReliefInputError("事由", f"“{cause}”不认识。可选：{'、'.join(Cause.labels)}。")
    if not story.strip():
        raise ReliefInputError("情况", "没有填写。请写明发生了什么、家里现在缺什么。")
    if event_on and event_on > today:
        raise ReliefInputError("发生日期", f" {event_on} 晚于今天。请核对后重填。")
    if household.closed_on is not None:
        raise ReliefInputError("家庭", f" {household.no} 已销户。请登记现在的家庭后再报。")
    members = {member.person_id: member.person for member in members_on(household, today)}
    if not members:
        raise ReliefInputError("家庭", "没有成员。请先登记家庭成员。")
    chosen = person or members.get(household.head_id) or next(iter(members.values()))
    if chosen.pk not in members:
        raise ReliefInputError("求助人", "不是该家庭成员。请从家庭成员中选择。")
    begun = min(reported_at, now) if reported_at else now
    relief = Relief.objects.create(
        region=household.region,
        no=next_no("relief", household.region, today),
        household=household,
        person=chosen,
        source=source,
        source_ref=source_ref[:40],
        cause=cause,
        event_on=event_on or today,
        story=story.strip(),
        reported_at=begun,
        reported_by=acting_user,
        respond_by=begun + timedelta(hours=limit("relief_respond_hours", household.region, today)),
        relieve_by=begun + timedelta(hours=limit("relief_hours", household.region, today)),
    )
    _audit("report_emergency", acting_user, relief, cause=cause, source=str(source), source_ref=source_ref)
    return relief


@transaction.atomic
def take_discovery(discovery: Discovery, *, acting_user: User, household: Household | None = None) -> Relief:
    """Takes an urgent discovery into the emergency queue; the clock runs from when it was reported.

    Args:
        household: The family, where the report named none (a person who had to be registered first).

    Raises:
        ReliefInputError: No family. MoveRefusedError: It has been answered.
    """
    home = household or discovery.household
    if home is None:
        raise ReliefInputError("家庭", "还没有登记。请先登记家庭，再转入急难救助。")
    person = discovery.person if discovery.person and household in (None, discovery.household) else None
    cause = discovery.event_type if discovery.event_type in Cause.values else Cause.OTHER_HARDSHIP
    relief = report_emergency(
        acting_user=acting_user,
        household=home,
        person=person,
        cause=cause,
        story=discovery.story,
        source=Relief.Source.DISCOVERY,
        source_ref=discovery.no,
        reported_at=discovery.reported_at,
    )
    settle_discovery(discovery, acting_user=acting_user, matter_no=relief.no, household=home)
    return relief


@transaction.atomic
def respond(relief: Relief, *, acting_user: User) -> Relief:
    """Notes that somebody has taken it up; said twice, the first stays."""
    relief = _lock(relief, acting_user)
    if relief.responded_at is None:
        _move(relief, ReliefState.RESPONDED)
        relief.responded_at, relief.responded_by = clock.now(), acting_user
        relief.save(update_fields=["state", "responded_at", "responded_by"])
        _audit("respond_emergency", acting_user, relief)
    return relief


@logs_blocks
def relieve_first(
    relief: Relief,
    *,
    acting_user: User,
    amount_fen: int | None = None,
    months: int = 1,
    agreed_by: str = "",
    new_reason: str = "",
    photo: bytes | None = None,
    place_note: str = "",
    latitude: Any = None,
    longitude: Any = None,
    signatures: Sequence[Mapping[str, Any]] = (),
) -> Relief:
    """Relieves now, papers after: opens the case, makes the provisional determination and puts it on the next month's roll.

    By who accepts at the township. The rules answer with what is known on the spot: emergencies ask for no income or
    assets, but the same cause twice and the year's ceiling hold.

    Args:
        amount_fen: What the officer proposes (一事一议); None = by the standard, the family's size and `months`. The
            region's bounds hold either way: 150 yuan where the floor is 200 becomes 200.
        agreed_by: Who in charge agreed, by name: recorded now, signed afterwards.
        new_reason: Why the same cause is relieved again; empty = it is not, or there is none.
        photo: Picture of the spot. latitude, longitude: As the device claims.
        signatures: Those drawn on the spot; the rest are made up with the papers (see `complete_papers`).

    Raises:
        NotEligibleError: The rules refuse it, with the reason (same cause). UnknownOutcomeError: Names what is missing.
        ReliefInputError, AccessDeniedError, WrongLevelError, DutySeparationError, MoveRefusedError.
    """
    access.require(acting_user, DutyCode.ACCEPT, relief.region)
    relief = _lock(relief, acting_user)
    go(f"急难求助 {relief.no} ", RELIEF_MOVES, relief.state, ReliefState.RELIEVED)
    if amount_fen is not None and amount_fen <= 0:
        raise ReliefInputError("金额", "应大于 0；按标准测算的不填。")
    if not 1 <= months <= 12:
        raise ReliefInputError("困难持续月数", "应在 1 到 12 之间。")
    today = clock.today()
    signed = _signed(signatures)
    picture = _picture(relief, photo, acting_user) if photo else None
    case = accept_application(
        acting_user=acting_user,
        household=relief.household,
        programme="temporary",
        applicant=relief.person,
        channel=_CHANNELS.get(relief.source, Application.Channel.WINDOW),
        reason=relief.story,
        marks=("emergency",),
    ).case
    cause = str(Cause(relief.cause).label)
    draft = start_fact_set(
        acting_user=acting_user, household=relief.household, case=case, reason=f"先行救助 {relief.no}"
    )
    known: dict[str, Any] = {
        "ta_type": "emergency", "ta_cause": relief.cause, "ta_months": months, "hardship": True, "urgent": True,
        "ta_proposed": f"{amount_fen // 100}.{amount_fen % 100:02d}" if amount_fen else None,
        "new_reason": True if new_reason.strip() else None,
    }  # fmt: skip
    enter_facts(
        draft, acting_user=acting_user, household=known, source=FactSet.Source.FINDING, evidence=new_reason or relief.no
    )
    ledger = grants.ledger_facts(relief.household, cause, today, case=case)
    enter_facts(draft, acting_user=acting_user, household=ledger, source=FactSet.Source.LEDGER)
    facts = freeze(draft, acting_user=acting_user)
    month = Month.of(today).next()
    answer = ask(facts, "temporary", case_date=today, month=month)
    require_pass(answer, f"急难求助 {relief.no} ")
    if not answer.amount_fen:
        raise ReliefInputError("金额", "按本年度累计上限已没有余额，不能再先行救助。请走一般程序或转介其他救助。")
    common = {
        "region": relief.region,
        "kind": Determination.Kind.PROVISIONAL,
        "case": case,
        "household_id": relief.household_id,
        "fact_set": facts,
        "decided_on": today,
        "decided_by": acting_user,
        "cause": cause,
    }
    rows = rows_of(answer, facts, common=common, start=month, end=month, reasons=new_reason or relief.story)
    (granted,) = decisions.store(rows, acting_user=acting_user, action="relieve_first")
    grants.enter(granted, by=acting_user)
    found = decisions.find_approver(case, facts, acting_user=acting_user)
    ends = papers_due(relief.region, today)
    relief.case, relief.determination, relief.asked_fen = case, granted, amount_fen
    relief.state, relief.relieved_at, relief.relieved_by = ReliefState.RELIEVED, clock.now(), acting_user
    relief.responded_at = relief.responded_at or relief.relieved_at
    relief.responded_by = relief.responded_by or acting_user
    relief.agreed_by, relief.approver = agreed_by.strip()[:40], found["approver"]
    relief.place_note, relief.latitude, relief.longitude = place_note.strip()[:100], latitude, longitude
    relief.photo, relief.signatures = picture, signed
    relief.papers_due_on, relief.papers_pending, relief.papers_note = ends
    relief.save()
    _audit(
        "relieve_first",
        acting_user,
        relief,
        amount_fen=granted.amount_fen,
        determination=granted.no,
        papers_due_on=relief.papers_due_on,
        approver=relief.approver,
    )
    return relief


#: Where a case that began as an emergency came in.
_CHANNELS = {
    Relief.Source.DISCOVERY: Application.Channel.DISCOVERED,
    Relief.Source.SPOT: Application.Channel.DISCOVERED,
    Relief.Source.TICKET: Application.Channel.PHONE,
}


def papers_due(region: str, day: date) -> tuple[date | None, bool, str]:
    """Until when papers are made up after relief on a day: the day, whether it is 待定, and how it was reckoned."""
    known = book()
    row = known.value("profile.relief_papers_days", known.chain(place_of(region)), (), day)
    if row is None or row.value is None:
        return None, True, "本地没有规定补齐手续的期限，待定"
    ground = "本地没有规定，按假设值；请在政策包里写明" if row.clause == "GK" else row.clause
    found = due(Limit(int(row.value), Unit.WORKDAY, clause=ground), day)
    return found.on, found.pending, found.note[:200]


def _picture(relief: Relief, data: bytes, user: User) -> StoredFile:
    picture = read_picture(data)
    return put_bytes(
        picture.data,
        region=relief.region,
        name=f"{relief.no}.{picture.suffix}",
        purpose="relief_photo",
        media_type=picture.media_type,
        by_id=user.pk,
    )


def _signed(raw: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for one in raw:
        try:
            found.append({**sign(one, {}), "at": clock.now().isoformat()})
        except ValueError as error:
            raise ReliefInputError("签名", f"：{one.get('name') or '未写姓名'}{error}。请重签。") from error
    return found


@logs_blocks
def complete_papers(
    relief: Relief, *, acting_user: User, reason: str, signatures: Sequence[Mapping[str, Any]] = (), agreed_by: str = ""
) -> Relief:
    """Makes up what was left out: who, why, how much, and the signatures (23号 of 2018 二(二)). The case goes to its approver.

    Late papers are taken too; that they were late stays visible.

    Args:
        reason: Why relief could not wait, in words.
        signatures: Those still missing: the officer's and the family's (or the family's refusal with its reason).
        agreed_by: Who in charge agreed, if it was not recorded on the spot.

    Raises:
        ReliefInputError: Naming what is still missing. MoveRefusedError.
    """
    access.require(acting_user, DutyCode.ACCEPT, relief.region)
    relief = _lock(relief, acting_user)
    go(f"急难求助 {relief.no} ", RELIEF_MOVES, relief.state, ReliefState.COMPLETED)
    if not reason.strip():
        raise ReliefInputError("补充说明", "没有填写。请写明对象、事由、金额和先行救助的理由。")
    signed = [*relief.signatures, *_signed(signatures)]
    roles = {one["role"] for one in signed}
    missing = [label for role, label in (("investigator", "经办人"), ("respondent", "求助家庭")) if role not in roles]
    if missing:
        raise ReliefInputError("签名", f"还缺：{'、'.join(missing)}。家庭不愿签名的，写明理由。")
    who = agreed_by.strip()[:40] or relief.agreed_by
    if not who:
        raise ReliefInputError("同意先行救助的负责人", "没有填写。请写明谁同意的。")
    case, granted = relief.case, relief.determination
    assert case is not None
    assert granted is not None
    step = latest(case)["papers"]
    check_step(step, acting_user)
    cases.complete_step(
        step,
        acting_user=acting_user,
        opinion=reason,
        data={
            "relief": relief.no,
            "determination": granted.no,
            "amount_fen": granted.amount_fen,
            "agreed_by": who,
            "signatures": [{key: one.get(key, "") for key in ("role", "name", "kind", "sha256")} for one in signed],
        },
    )
    relief.state, relief.papers_at, relief.papers_by = ReliefState.COMPLETED, clock.now(), acting_user
    relief.papers_reason, relief.signatures, relief.agreed_by = reason.strip(), signed, who
    relief.save(update_fields=["state", "papers_at", "papers_by", "papers_reason", "signatures", "agreed_by"])
    late = relief.papers_due_on is not None and clock.today() > relief.papers_due_on
    _audit("complete_papers", acting_user, relief, late=late)
    return relief


@logs_blocks
def withdraw_relief(relief: Relief, *, acting_user: User, reason: str) -> Relief:
    """Takes back what was given first (not true, already helped): off the roll, the case ended. Paid money is claimed back.

    By who reviews at the township or above; never by itself.
    """
    relief = _lock(relief, acting_user)
    if not reason.strip():
        raise ReasonsMissingError("撤回先行救助")
    case, granted = relief.case, relief.determination
    _move(relief, ReliefState.WITHDRAWN)
    assert case is not None
    assert granted is not None
    relief.case = cases.end_case(case, acting_user=acting_user, reason=f"撤回先行救助：{reason.strip()}")
    ended = grants.end_stages(granted, reason=f"撤回：{reason.strip()}")
    relief.ended_at, relief.ended_by, relief.end_reason = clock.now(), acting_user, reason.strip()[:300]
    relief.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    _audit("withdraw_relief", acting_user, relief, amount_fen=ended, reason=relief.end_reason)
    return relief


@transaction.atomic
def close_report(relief: Relief, *, acting_user: User, reason: str) -> Relief:
    """Answers a report that needs no relief first, with the reason (referred, no need, ordinary application).

    Raises:
        ReasonsMissingError. MoveRefusedError: Relief was given; withdraw it.
    """
    relief = _lock(relief, acting_user)
    if not reason.strip():
        raise ReasonsMissingError("不予先行救助")
    _move(relief, ReliefState.CLOSED)
    relief.responded_at = relief.responded_at or clock.now()
    relief.responded_by = relief.responded_by or acting_user
    relief.ended_at, relief.ended_by, relief.end_reason = clock.now(), acting_user, reason.strip()[:300]
    relief.save(update_fields=["state", "responded_at", "responded_by", "ended_at", "ended_by", "end_reason"])
    _audit("close_report", acting_user, relief, reason=relief.end_reason)
    return relief


@logs_blocks
def to_full_procedure(relief: Relief, *, acting_user: User, reason: str) -> Relief:
    """Has the checks that emergencies skip done after all, before the approver decides (a doubt, a large sum).

    The case's check, visit, review and notice come back; the papers stay owed.

    Raises:
        ReasonsMissingError. MoveRefusedError: The case is decided. StepInputError.
    """
    relief = _lock(relief, acting_user)
    if not reason.strip():
        raise ReasonsMissingError("转一般程序")
    assert relief.case is not None
    cases.add_mark(relief.case, "expense", acting_user=acting_user, reason=reason)
    _audit("to_full_procedure", acting_user, relief, reason=reason.strip())
    return relief


def _lock(relief: Relief, user: User) -> Relief:
    access.require_any(user, DUTIES, relief.region)
    rows = Relief.objects.select_for_update(of=("self",)).select_related("household", "person", "case", "determination")
    return access.one(rows, user=user, what="急难求助", pk=relief.pk)


def _move(relief: Relief, after: ReliefState) -> None:
    go(f"急难求助 {relief.no} ", RELIEF_MOVES, relief.state, after)
    relief.state = after


def _audit(action: str, actor: User | None, relief: Relief, **after: Any) -> None:
    record(
        f"decisions.{action}",
        actor=actor,
        subject_type="relief",
        subject_id=relief.pk,
        region=relief.region,
        case_no=relief.case.no if relief.case else None,
        after={"no": relief.no, "state": relief.state, **after},
    )


@transaction.atomic
def alarm_overdue() -> int:
    """Marks, in the present scope, relief whose papers are overdue and writes it into the log, once each. The daily job.

    Nothing ends by itself: the emergency stays in the queue and on the workbench until its papers are there.
    """
    rows = Relief.objects.select_for_update(of=("self",)).filter(
        state=ReliefState.RELIEVED, papers_due_on__lt=clock.today(), alarmed_at__isnull=True
    )
    count = 0
    for relief in rows.select_related("case").order_by("id"):
        relief.alarmed_at = clock.now()
        relief.save(update_fields=["alarmed_at"])
        _audit("papers_overdue", None, relief, papers_due_on=relief.papers_due_on)
        count += 1
    return count
