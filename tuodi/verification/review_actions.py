"""Verbs on democratic reviews: call a meeting, hold it, conclude ([220] art 21-24; after an objection [57] art 19)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from tuodi.audit.actions import record as audit
from tuodi.cases import actions as cases
from tuodi.cases.engine import latest
from tuodi.cases.errors import StepNotOpenError
from tuodi.cases.guard import check_hand, check_step, logs_blocks
from tuodi.cases.models import Case, Step
from tuodi.cases.reinvestigate import reinvestigate
from tuodi.cases.series import next_no
from tuodi.cases.states import StepState, move
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.policy.procedure import Does, Quorum
from tuodi.verification.models import ReviewAttendee, ReviewMeeting, VisitPhoto
from tuodi.verification.visit_errors import ReviewInputError
from tuodi.verification.visit_evidence import PhotoInput, digest_of, keep_photo
from tuodi.verification.visit_states import REVIEW_MOVES

__all__ = ["Attendee", "add_review_photo", "call_review", "conclude_review", "hold_review", "quorum_of"]

Role, Vote, State = ReviewAttendee.Role, ReviewAttendee.Vote, ReviewMeeting.State


@dataclass(frozen=True, slots=True)
class Attendee:
    """One person at a meeting: name, capacity (`ReviewAttendee.Role`), vote (`ReviewAttendee.Vote`), account if any."""

    name: str
    role: str
    vote: str
    user: User | None = None


def quorum_of(case: Case) -> Quorum | None:
    """What the case's own procedure demands of its meeting; None = it names no share and no number."""
    step = case.procedure.first(Does.MEETING)
    return step.quorum if step else None


def _step(case: Case) -> Step:
    rows = [row for row in latest(case).values() if row.kind is Does.MEETING]
    if not rows:
        raise StepNotOpenError(case.no, "民主评议", "本案程序中没有这一步")
    return next((row for row in rows if row.state == StepState.OPEN), rows[-1])


@logs_blocks
def call_review(case: Case, *, acting_user: User, planned_on: date, place: str) -> ReviewMeeting:
    """Calls the meeting of the case's open meeting step.

    Raises:
        StepNotOpenError and the rest of every step; ReviewInputError: No place, a day that is past, called already.
    """
    with transaction.atomic():
        case = cases.lock(case)
        step = _step(case)
        step.case = case
        check_step(step, acting_user)
        faults = []
        if not place.strip():
            faults.append(("place", "没有写地点"))
        if planned_on < clock.today():
            faults.append(("planned_on", f"召开日 {planned_on} 已经过了"))
        if ReviewMeeting.objects.filter(case=case, step_round=step.round).exists():
            faults.append(("case", "本轮已经通知过评议"))
        if faults:
            raise ReviewInputError(case.no, faults)
        row = ReviewMeeting.objects.create(
            region=case.region,
            no=next_no("review", case.region, clock.today()),
            case=case,
            household=case.household,
            step_round=step.round,
            called_at=clock.now(),
            called_by=acting_user,
            planned_on=planned_on,
            place=place.strip()[:100],
        )
        _audit("call_review", acting_user, row)
        return row


@logs_blocks
def add_review_photo(meeting: ReviewMeeting, photo: PhotoInput, *, acting_user: User) -> VisitPhoto:
    """Takes in one photograph of a meeting that has no conclusion yet."""
    with transaction.atomic():
        row = _lock(meeting, acting_user)
        move(f"民主评议 {row.no} ", REVIEW_MOVES, row.state, row.state)
        if row.state not in (State.CALLED, State.HELD):
            raise ReviewInputError(row.no, [("photos", "已有结论，不能再加照片")])
        return keep_photo(photo, by=acting_user, meeting=row)


@logs_blocks
def hold_review(
    meeting: ReviewMeeting,
    *,
    acting_user: User,
    held_on: date,
    chair: str,
    minutes_taker: str,
    minutes: str,
    attendees: Sequence[Attendee],
) -> ReviewMeeting:
    """Enters how the meeting went. The people are written down once and for all.

    Raises:
        ReviewInputError: Not quorate, a vote missing, chair or minutes missing: every reason at once.
    """
    with transaction.atomic():
        row = _lock(meeting, acting_user)
        move(f"民主评议 {row.no} ", REVIEW_MOVES, row.state, State.HELD)
        for one in attendees:
            if one.user is not None:
                check_hand(row.case, one.user, None)
        faults = _faults(row, held_on, chair, minutes_taker, minutes, attendees)
        if faults:
            raise ReviewInputError(row.no, faults)
        ReviewAttendee.objects.bulk_create(
            ReviewAttendee(
                meeting=row,
                region=row.region,
                position=place,
                name=one.name.strip(),
                role=one.role,
                vote=one.vote,
                user=one.user,
            )
            for place, one in enumerate(attendees, 1)
        )
        row.state, row.held_on = State.HELD, held_on
        row.chair, row.minutes_taker, row.minutes = chair.strip()[:40], minutes_taker.strip()[:40], minutes.strip()
        row.attendees = len(attendees)
        row.residents = sum(one.role == Role.RESIDENT for one in attendees)
        row.votes_for = sum(one.vote == Vote.FOR for one in attendees)
        row.votes_against = sum(one.vote == Vote.AGAINST for one in attendees)
        row.abstained = sum(one.vote == Vote.ABSTAINED for one in attendees)
        row.save()
        _audit("hold_review", acting_user, row, attendees=row.attendees, residents=row.residents)
        return row


def _faults(
    row: ReviewMeeting, held_on: date, chair: str, taker: str, minutes: str, attendees: Sequence[Attendee]
) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    if held_on > clock.today() or held_on < row.called_at.astimezone(clock.BEIJING).date():
        faults.append(("held_on", f"召开日期 {held_on} 应在通知之后、今天以前"))
    for name, text, label in (
        ("chair", chair, "主持人"),
        ("minutes_taker", taker, "记录人"),
        ("minutes", minutes, "评议记录"),
    ):
        if not text.strip():
            faults.append((name, f"没有写{label}"))
    if chair.strip() and chair.strip() == taker.strip():
        faults.append(("minutes_taker", "主持人和记录人不能是同一人"))
    named = [(one.name.strip(), one.role) for one in attendees]
    for place, one in enumerate(attendees, 1):
        if not one.name.strip():
            faults.append(("attendees", f"第 {place} 位参加人没有姓名"))
        if one.role not in Role.values:
            faults.append(("attendees", f"第 {place} 位参加人没有身份"))
        if one.vote not in Vote.values:
            faults.append(("attendees", f"第 {place} 位参加人没有表决：同意、不同意或弃权必选其一"))
    for name, role in sorted(set(named)):
        if name and named.count((name, role)) > 1:
            faults.append(("attendees", f"“{name}”写了两次"))
    quorum, total = quorum_of(row.case), len(attendees)
    residents = sum(one.role == Role.RESIDENT for one in attendees)
    if total == 0:
        faults.append(("attendees", "没有参加人"))
    elif quorum is not None:
        need = quorum.residents_needed(total)
        if residents < need:
            why = f"{quorum.text}（{quorum.clause}）"
            faults.append(("attendees", f"村（居）民代表 {residents} 人，{total} 人参加应有 {need} 人以上，{why}"))
        if total < quorum.least:
            faults.append(("attendees", f"参加 {total} 人，本地规定不少于 {quorum.least} 人（{quorum.clause}）"))
    return faults


@logs_blocks
def conclude_review(meeting: ReviewMeeting, *, acting_user: User, agreed: bool, opinion: str) -> ReviewMeeting:
    """Writes the conclusion, does the case's meeting step; a disputed meeting sends the case back to its survey.

    Raises:
        ReviewInputError: No opinion; an agreement that the votes do not carry.
    """
    with transaction.atomic():
        row = _lock(meeting, acting_user)
        after = State.CONCLUDED if agreed else State.DISPUTED
        move(f"民主评议 {row.no} ", REVIEW_MOVES, row.state, after)
        faults = []
        if not opinion.strip():
            faults.append(("opinion", "没有写评议意见"))
        if agreed and row.votes_for * 2 <= row.attendees:
            faults.append(
                ("agreed", f"同意 {row.votes_for} 票，没有超过参加人数 {row.attendees} 的一半，不能写为评议通过")
            )
        if faults:
            raise ReviewInputError(row.no, faults)
        row.state, row.opinion = after, opinion.strip()
        row.concluded_at, row.concluded_by = clock.now(), acting_user
        row.evidence_hash = digest_of(_bound(row))
        row.save()
        step = _step(row.case)
        figures = f"{row.attendees} 人参加，村（居）民代表 {row.residents} 人；同意 {row.votes_for}，不同意 {row.votes_against}，弃权 {row.abstained}"
        cases.complete_step(
            step,
            acting_user=acting_user,
            result="agreed" if agreed else "disputed",
            opinion=f"{row.opinion}（{figures}）",
            data={"review": row.pk, "no": row.no, "evidence": row.evidence_hash},
        )
        _audit("conclude_review", acting_user, row, evidence=row.evidence_hash)
        if not agreed:
            reinvestigate(row.case, acting_user=acting_user, reason=f"民主评议 {row.no} 争议较大：{row.opinion}")
        return row


def _bound(row: ReviewMeeting) -> dict[str, object]:
    people = row.people.order_by("position").values_list("name", "role", "vote")
    return {
        "meeting": row.no,
        "held_on": row.held_on,
        "chair": row.chair,
        "minutes_taker": row.minutes_taker,
        "minutes": row.minutes,
        "people": [list(one) for one in people],
        "opinion": row.opinion,
        "state": str(row.state),
        "photos": sorted(row.photos.values_list("sha256", flat=True)),
    }


def review_evidence_fits(row: ReviewMeeting) -> bool:
    """Whether a concluded meeting still is what was concluded."""
    return row.evidence_hash == digest_of(_bound(row))


def _lock(meeting: ReviewMeeting, user: User) -> ReviewMeeting:
    found = ReviewMeeting.objects.select_for_update(of=("self",)).filter(pk=meeting.pk).select_related("case").first()
    if found is None or not access.in_scope(user, found.region):
        raise NotFoundError("民主评议")
    access.require(user, "review", found.region)
    check_hand(found.case, user, None)
    return found


def _audit(action: str, actor: User, row: ReviewMeeting, **after: object) -> None:
    audit(
        f"verification.{action}",
        actor=actor,
        subject_type="reviewmeeting",
        subject_id=row.pk,
        region=row.region,
        case_no=row.case.no,
        after={"no": row.no, "state": row.state, **after},
    )
