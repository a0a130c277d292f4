"""Verbs on notices beside posting and closing: objections from outside, taken up, dismissed, answered; taking down."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.cases.actions import add_mark_for_objection, lock, reply_due
from tuodi.cases.errors import MoveRefusedError, StepInputError
from tuodi.cases.guard import check_hand
from tuodi.cases.models import Notice, NoticeObjection
from tuodi.cases.models.notice import new_token
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User

__all__ = ["answer_objection", "dismiss_objection", "receive_objection", "take_down_ended", "take_up_objection"]

State = NoticeObjection.State
LONGEST = 1000


def _note(verb: str, actor: User | None, row: NoticeObjection, **after: object) -> None:
    record(
        f"cases.{verb}",
        actor=actor,
        subject_type="noticeobjection",
        subject_id=row.pk,
        region=row.region,
        case_no=row.notice.case.no,
        after={"notice": row.notice.no, "state": row.state, **after},
    )


@transaction.atomic
def receive_objection(
    notice: Notice, *, text: str, from_name: str = "", channel: str = NoticeObjection.Channel.BOARD
) -> NoticeObjection:
    """Takes in what somebody outside says against a notice that hangs. It waits for an officer and reopens nothing by itself.

    The caller has found the notice among those that are visible now. The log keeps neither name nor words.

    Raises:
        StepInputError: No words, too many, or the notice is over.
    """
    label = notice.step.label
    if not text.strip():
        raise StepInputError(label, "异议内容", "没有填写。请写明您知道的情况。")
    if len(text.strip()) > LONGEST:
        raise StepInputError(label, "异议内容", f"超过 {LONGEST} 个字，请写得简短些，或者到窗口说明。")
    if notice.result or notice.days == 0 or (notice.last_day and clock.today() > notice.last_day):
        raise StepInputError(label, "异议", "已过公示期。可以拨打监督电话，或者到窗口按投诉举报反映。")
    row = NoticeObjection.objects.create(
        notice=notice,
        region=notice.region,
        received_on=clock.today(),
        channel=channel,
        state=State.NEW,
        from_name=from_name.strip()[:60],
        text=text.strip(),
        code=new_token(),
    )
    _note("receive_objection", None, row, channel=channel)
    return row


def _open(objection: NoticeObjection, user: User, wanted: str, *states: str) -> NoticeObjection:
    case = lock(objection.notice.case)
    row = NoticeObjection.objects.select_related("notice__case", "notice__step").get(pk=objection.pk)
    if not access.in_scope(user, case.region):
        raise NotFoundError("公示异议")
    access.require_any(user, (row.notice.step.duty, "review"), case.region)
    check_hand(case, user, None)
    if row.state not in states:
        raise MoveRefusedError("公示异议", row.get_state_display(), wanted)
    return row


@transaction.atomic
def take_up_objection(objection: NoticeObjection, *, acting_user: User) -> NoticeObjection:
    """An objection from outside is taken up: the case bears the mark, and its notice cannot end without going back.

    Raises: NotFoundError, AccessDeniedError, DutySeparationError, MoveRefusedError.
    """
    row = _open(objection, acting_user, "受理", State.NEW)
    end = reply_due(row.notice.case, row.notice.step.name)
    row.state, row.received_by = State.TAKEN, acting_user
    row.reply_due_on, row.reply_due_pending = end.on, end.pending
    row.save(update_fields=["state", "received_by", "reply_due_on", "reply_due_pending"])
    add_mark_for_objection(row.notice.case)
    _note("take_up_objection", acting_user, row, reply_due_on=end.on)
    return row


@transaction.atomic
def dismiss_objection(objection: NoticeObjection, reason: str, *, acting_user: User) -> NoticeObjection:
    """An objection from outside is not taken up (nothing to do with the notice, no facts), with a reason its author can read.

    Raises: as `take_up_objection`; StepInputError without a reason.
    """
    row = _open(objection, acting_user, "不予受理", State.NEW)
    return _answered(row, State.DISMISSED, reason, False, acting_user, "dismiss_objection")


@transaction.atomic
def answer_objection(objection: NoticeObjection, answer: str, *, upheld: bool, acting_user: User) -> NoticeObjection:
    """Answers an objection that was looked into. The answer is for who objected: it names nothing of the family's.

    Raises: as `take_up_objection`; StepInputError: no answer, or it holds a long number.
    """
    row = _open(objection, acting_user, "答复", State.TAKEN)
    return _answered(row, State.ANSWERED, answer, upheld, acting_user, "answer_objection")


def _answered(row: NoticeObjection, state: str, words: str, upheld: bool, user: User, verb: str) -> NoticeObjection:
    label = row.notice.step.label
    if not words.strip():
        raise StepInputError(label, "答复", "没有填写，请写明核实的结果和理由。")
    if any(len(run) >= 11 for run in _digit_runs(words)):
        raise StepInputError(label, "答复", "里有证件号码、电话或账号一类的长数字，不能告知他人。请删去后再答复。")
    row.state, row.answer, row.upheld = state, words.strip()[:LONGEST], upheld
    row.answered_at, row.answered_by = clock.now(), user
    row.save(update_fields=["state", "answer", "upheld", "answered_at", "answered_by"])
    _note(verb, user, row, upheld=upheld)
    return row


def _digit_runs(text: str) -> list[str]:
    return "".join(sign if sign.isdigit() else " " for sign in text).split()


def take_down_ended(place: str, on: date | None = None) -> int:
    """Takes down what is over: past its last day, closed, or its case ended. Run twice, it does its work once. Returns how many."""
    day = on or clock.today()
    with access.system_scope(place):
        over = Q(days__gt=0, last_day__lt=day) | ~Q(result="") | Q(case__state="ended")
        rows = list(
            Notice.objects.select_for_update(of=("self",))
            .filter(over, taken_down_on__isnull=True)
            .exclude(days=0, case__state="confirmed")
            .order_by("region", "id")
        )
        by_county: dict[str, list[str]] = {}
        for row in rows:
            by_county.setdefault(row.region[:6], []).append(row.no)
        Notice.objects.filter(pk__in=[row.pk for row in rows]).update(taken_down_on=day)
        for county, numbers in sorted(by_county.items()):
            record(
                "cases.take_down",
                actor=None,
                subject_type="place",
                subject_id=county,
                region=county.ljust(12, "0"),
                after={"notices": numbers[:200], "count": len(numbers), "on": day},
            )
    return len(rows)
