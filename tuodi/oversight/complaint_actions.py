"""Verbs on complaints: make one, answer it, say whether the answer will do, escalate, close.

A complaint is answered by somebody it is not about, at the level above the office it is about, within a limit in working
days. What is not answered in time, or does not content, goes one level up. The complainant is never shown to whom it is
about: pages for his office show neither name nor phone.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.audit.idempotency import in_turn
from tuodi.cases.models import Case
from tuodi.cases.series import next_no
from tuodi.cases.states import move
from tuodi.crypto.fields import decrypt, encrypt
from tuodi.kernel import clock, places
from tuodi.kernel.masking import mask_phone
from tuodi.org import access
from tuodi.org.models import DutyCode, Office, User
from tuodi.oversight.errors import NotForYouError, OversightInputError, OversightStateError
from tuodi.oversight.limits import last_day
from tuodi.oversight.models import Complaint, ComplaintStep
from tuodi.oversight.people import above, reaches, tell
from tuodi.oversight.states import COMPLAINT_MOVES, ComplaintState
from tuodi.people import residents
from tuodi.people.models import ResidentAccount

__all__ = ["answer", "check_handler", "close_quiet", "complain", "escalate", "escalate_overdue", "open_phone", "reply"]

OPEN = (ComplaintState.OPEN, ComplaintState.ESCALATED)


@transaction.atomic
def complain(
    *,
    region: str,
    about: str,
    text: str,
    client_key: UUID,
    account: ResidentAccount | None = None,
    acting_user: User | None = None,
    channel: str = Complaint.Channel.ONLINE,
    office: Office | None = None,
    staff: User | None = None,
    staff_words: str = "",
    case_no: str = "",
    from_name: str = "",
    phone: str = "",
) -> Complaint:
    """Takes a complaint: of a resident himself, or noted by an officer for a visitor or caller.

    Args:
        region: Where it belongs; in the scope.
        client_key: Of the form; sent twice it is one complaint.
        office, staff: Whom it is about, where that is known.
        from_name: Empty = anonymous. phone: For the answer; kept enciphered.

    Raises:
        OversightInputError.
    """
    if acting_user is not None:
        access.require_any(acting_user, (DutyCode.COMPLAINT, DutyCode.ACCEPT), region)
    in_turn(client_key)
    known = Complaint.objects.filter(client_key=client_key).first()
    if known is not None:
        return known
    if about not in Complaint.About.values:
        raise OversightInputError("about", "请选投诉的是什么事。")
    words = text.replace("\x00", "").strip()
    if len(words) < 5:
        raise OversightInputError("text", "请写明是什么事、什么时候、谁，写清楚才好查。")
    if staff is not None and office is None:
        office = staff.office
    uid, digits = uuid4(), "".join(sign for sign in phone if sign.isdigit())[:20]
    today = clock.today()
    level = above(places.level(office.place_code).value) if office and office.place_code != access.NATION else "COUN"
    if level == "VILL":
        level = "TOWN"
    end = last_day("complaint_answer", region, today)
    row = Complaint.objects.create(
        uid=uid,
        region=region,
        no=next_no("complaint", region, today),
        about=about,
        channel=channel,
        office=office,
        staff=staff,
        staff_words=staff_words.strip()[:60],
        case_no=case_no.strip()[:40],
        text=words[:4000],
        account=account,
        from_name=from_name.strip()[:60],
        phone_cipher=encrypt(digits, f"oversight.phone|{uid}") if digits else None,
        phone_masked=mask_phone(digits) if digits else "",
        client_key=client_key,
        received_on=today,
        received_by=acting_user,
        level=level,
        due_on=end.on,
        due_pending=end.pending,
    )
    _step(row, "received", acting_user, "")
    who = acting_user or residents.ResidentActor("居民（投诉）")  # who complains stands in the row, not in the log
    _audit("complain", who, row, about=about, channel=channel, anonymous=not row.from_name)
    return row


def check_handler(row: Complaint, user: User) -> None:
    """Whether a member of staff may deal with a complaint.

    Raises:
        NotFoundError, AccessDeniedError: Outside his range, or without the duty.
        NotForYouError: It is about him or his office, or has gone to a level above his.
    """
    access.require(user, DutyCode.COMPLAINT, row.region)
    if row.staff_id == user.pk:
        raise NotForYouError(row.no, "投诉的是您本人")
    if row.office_id is not None and row.office_id == user.office_id:
        raise NotForYouError(row.no, "投诉的是您所在的机构")
    if not reaches(user, row.level):
        raise NotForYouError(row.no, "应由上一级机构答复")
    if row.case_no:
        case = Case.objects.filter(no=row.case_no).first()
        if case is not None and case.steps.filter(done_by=user).exists():
            raise NotForYouError(row.no, "您办理过所投诉的案件")


def _locked(row: Complaint, *states: str) -> Complaint:
    found = Complaint.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if found.state not in states:
        raise OversightStateError(found.no, found.get_state_display())
    return found


@transaction.atomic
def answer(row: Complaint, *, acting_user: User, text: str) -> Complaint:
    """Answers in writing what was found and done; the complainant is told that there is an answer.

    Raises:
        As `check_handler`; OversightInputError, OversightStateError.
    """
    check_handler(row, acting_user)
    row = _locked(row, *OPEN)
    words = text.replace("\x00", "").strip()
    if len(words) < 10:
        raise OversightInputError("text", "答复太短。请写明查了什么、情况怎样、怎么处理。")
    move(row.no, COMPLAINT_MOVES, row.state, ComplaintState.ANSWERED)
    row.state, row.answer = ComplaintState.ANSWERED, words[:4000]
    row.answered_at, row.answered_by, row.content = clock.now(), acting_user, None
    row.save()
    _step(row, "answered", acting_user, row.answer)
    _audit("answer_complaint", acting_user, row)
    tell(row.account, "投诉", row.no)
    return row


@transaction.atomic
def reply(row: Complaint, *, account: ResidentAccount, content: bool, text: str = "") -> Complaint:
    """What the complainant says of the answer: it will do, or not, and then, once, it goes up a level.

    Raises:
        OversightStateError: Not answered, or gone up before because it did not content.
    """
    row = _locked(row, ComplaintState.ANSWERED)
    if row.account_id != account.pk:
        raise OversightStateError(row.no, "不是您的投诉")
    row.content = content
    if content or row.steps.filter(what="not_content").exists():
        row.state = ComplaintState.CLOSED
        row.save(update_fields=["state", "content"])
        _step(row, "closed", None, text)
    else:
        row.save(update_fields=["content"])
        _step(row, "not_content", None, text)
        _up(row, None, "投诉人对答复不满意")
    _audit("reply_complaint", residents.ResidentActor("居民（投诉）"), row, content=content)
    return row


def _up(row: Complaint, user: User | None, why: str) -> None:
    move(row.no, COMPLAINT_MOVES, row.state, ComplaintState.ESCALATED)
    end = last_day("complaint_above", row.region, clock.today())
    row.state, row.level = ComplaintState.ESCALATED, above(row.level)
    row.due_on, row.due_pending = end.on, end.pending
    row.save(update_fields=["state", "level", "due_on", "due_pending"])
    _step(row, "escalated", user, why)


@transaction.atomic
def escalate(row: Complaint, *, acting_user: User, reason: str) -> Complaint:
    """Hands a complaint to the level above, with a reason."""
    check_handler(row, acting_user)
    row = _locked(row, *OPEN)
    if not reason.strip():
        raise OversightInputError("text", "请写明为什么转上一级。")
    _up(row, acting_user, reason.strip()[:500])
    _audit("escalate_complaint", acting_user, row)
    return row


def escalate_overdue() -> int:
    """Sends up what was not answered in time, in the present scope. Run daily; running it twice does it once.

    Returns: how many went up. What waits at the province stays there, late and visible.
    """
    count = 0
    late = Complaint.objects.filter(state__in=OPEN, due_on__lt=clock.today()).exclude(level="PROV")
    for number in list(late.order_by("region", "id").values_list("pk", flat=True)):
        with transaction.atomic():
            row = Complaint.objects.select_for_update(of=("self",)).get(pk=number)
            if row.state not in OPEN or row.due_on is None or row.due_on >= clock.today():
                continue
            _up(row, None, f"{row.due_on} 前没有答复，自动转上一级")
            _audit("escalate_complaint", None, row)
            count += 1
    return count


def close_quiet(days: int = 30) -> int:
    """Closes what was answered and not spoken against within a month, in the present scope."""
    count = 0
    for row in list(Complaint.objects.filter(state=ComplaintState.ANSWERED)):
        if row.answered_at and (clock.now() - row.answered_at).days >= days:
            with transaction.atomic():
                found = _locked(row, ComplaintState.ANSWERED)
                found.state = ComplaintState.CLOSED
                found.save(update_fields=["state"])
                _step(found, "closed", None, f"答复后 {days} 日内没有异议")
            count += 1
    return count


def open_phone(row: Complaint, *, acting_user: User) -> str:
    """The complainant's phone, for whoever may answer; each look is in the log."""
    check_handler(row, acting_user)
    _audit("open_phone", acting_user, row)
    return decrypt(row.phone_cipher, f"oversight.phone|{row.uid}") if row.phone_cipher else ""


def _step(row: Complaint, what: str, user: User | None, text: str) -> None:
    ComplaintStep.objects.create(
        complaint=row, region=row.region, what=what, at=clock.now(), by=user, level=row.level, text=text[:4000]
    )


def _audit(action: str, who: Any, row: Complaint, **after: Any) -> None:
    record(
        f"oversight.{action}",
        actor=who,
        subject_type="complaint",
        subject_id=row.pk,
        region=row.region,
        after={"no": row.no, "state": row.state, "level": row.level, **after},
    )
