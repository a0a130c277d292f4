"""Lists of assisted families for other departments (M44: 教育、住房、就业、残疾人…; M54: 危房): made, sent, received, answered.

Who may get what is the packs' `pushes`: topic, department, programmes, days for the answer. Nothing leaves by itself: a person
takes the file and notes that it was sent; the department's receipt and what it did about each family are entered here.
Basis: [2022] 三 and [GX] art 11 (需求推送), 649 chapters 5 to 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.calendar import due
from tuodi.cases.series import take_yearly
from tuodi.intake.counter_book import pushes_of
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12, trim
from tuodi.monitoring.dynamic_errors import DynamicInputError
from tuodi.monitoring.dynamic_states import move
from tuodi.monitoring.limits import due_after
from tuodi.monitoring.models import ListPush, PushFamily
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import full_name
from tuodi.people.enums import Programme
from tuodi.people.models import Household, Person, RollEntry

__all__ = [
    "DANGEROUS", "DUTIES", "MOVES", "OUTCOME_MOVES", "access_push", "answer", "answer_rest", "cancel", "counts", "file_rows",
    "listing", "make_push", "mark_sent", "receive", "topics",
]  # fmt: skip

State, Outcome = ListPush.State, PushFamily.Outcome
DUTIES = (DutyCode.REVIEW, DutyCode.CONFIRM)
#: The topic whose families go on to be built for (M54).
DANGEROUS = "dangerous_housing"
MOVES: Mapping[str, frozenset[str]] = {
    State.MADE: frozenset({State.SENT, State.CANCELLED}),
    State.SENT: frozenset({State.ANSWERED}),
    State.ANSWERED: frozenset(),
    State.CANCELLED: frozenset(),
}
_FIRST = frozenset({Outcome.HELPED, Outcome.REFUSED, Outcome.RETURNED})
#: Of every topic; and of dwellings in danger, which end when the subsidy is paid.
OUTCOME_MOVES: Mapping[str, frozenset[str]] = {Outcome.WAITING: _FIRST}
_BUILD_MOVES: Mapping[str, frozenset[str]] = {
    Outcome.WAITING: frozenset({Outcome.APPROVED, Outcome.REFUSED, Outcome.RETURNED}),
    Outcome.APPROVED: frozenset({Outcome.BUILDING, Outcome.RETURNED}),
    Outcome.BUILDING: frozenset({Outcome.ACCEPTED}),
    Outcome.ACCEPTED: frozenset({Outcome.PAID}),
}
#: A list is done when every family is at one of these.
_ENDS = (Outcome.HELPED, Outcome.REFUSED, Outcome.RETURNED, Outcome.PAID)


def topics(region: str, on: date) -> list[Any]:
    """What may be pushed from a place, and to whom: the packs' `pushes`."""
    return pushes_of(region, on)


@transaction.atomic
def make_push(
    topic: str, *, acting_user: User, place: str = "", households: Sequence[Household] | None = None
) -> ListPush:
    """Makes the list of the families of a topic's programmes that are on the roll this month and not with the department already.

    Args:
        place: significant digits; default the officer's own place.
        households: only these (one family whose dwelling is in danger); default all.

    Raises: DynamicInputError: unknown topic, or nobody new. NotFoundError, AccessDeniedError.
    """
    today = clock.today()
    region = pad12(trim(place or acting_user.office.place_code))
    access.require_any(acting_user, DUTIES, region)
    text = next((one for one in topics(region, today) if one.code == topic), None)
    if text is None:
        raise DynamicInputError("事项", "本地没有登记这一推送事项；请在政策包的 pushes 里写明")
    month = Month.of(today)
    found = access.range_of(trim(region))
    entries = (
        RollEntry.objects.filter(programme__in=text.programmes, start_month__lte=month.yyyymm)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month.yyyymm))
        .filter(region__gte=found.low, region__lt=found.high, household__closed_on__isnull=True)
        .order_by("region", "household_id", "id")
    )
    if households is not None:
        entries = entries.filter(household__in=households)
    with_them = PushFamily.objects.filter(push__topic=topic).exclude(push__state=State.CANCELLED)
    # Who was sent back, refused or helped may be told again; who waits is with them.
    waiting = set(with_them.exclude(outcome__in=_ENDS).values_list("household_id", "person_id", "programme"))
    new = [one for one in entries if (one.household_id, one.person_id, one.programme) not in waiting]
    if not new:
        raise DynamicInputError("名单", "没有新的对象：要推送的都已在部门待反馈，或者不在册")
    row = ListPush.objects.create(
        region=region, no=take_yearly("push", region, today.year)[0], topic=topic, label=text.label,
        department=text.department, programmes=list(text.programmes), clause=text.clause, month=month.yyyymm,
        families=len(new), made_on=today, made_by=acting_user,
    )  # fmt: skip
    PushFamily.objects.bulk_create(
        (
            PushFamily(
                push=row, region=one.region, household_id=one.household_id, person_id=one.person_id,
                programme=one.programme,
            )
            for one in new
        ),
        batch_size=2000,
    )  # fmt: skip
    _audit("make_push", acting_user, row, families=row.families)
    return row


@transaction.atomic
def mark_sent(push: ListPush, *, acting_user: User) -> ListPush:
    """Notes that the list went to the department; the days for its answer run. Raises: DynamicStateError …"""
    row = _locked(push, acting_user)
    move(MOVES, row, State.SENT, "发送")
    today = clock.today()
    text = next((one for one in topics(row.region, today) if one.code == row.topic), None)
    ends = (
        due(text.limit, today) if text is not None and text.limit else due_after("push_answer_days", row.region, today)
    )
    row.sent_on, row.sent_by, row.due_on, row.due_pending = today, acting_user, ends.on, ends.pending
    row.save(update_fields=["state", "sent_on", "sent_by", "due_on", "due_pending"])
    _audit("send_push", acting_user, row, due_on=row.due_on)
    return row


@transaction.atomic
def receive(push: ListPush, *, receipt: str, acting_user: User) -> ListPush:
    """Notes the department's receipt, once. Raises: DynamicInputError …"""
    row = _locked(push, acting_user)
    if row.state != State.SENT:
        raise DynamicInputError("回执", f"现在是“{row.get_state_display()}”，发送后才有回执")
    if row.receipt_on is not None:
        raise DynamicInputError("回执", f"已于 {row.receipt_on} 登记")
    if not receipt.strip():
        raise DynamicInputError("回执", "必须写明接收人或者文号")
    row.receipt, row.receipt_on = receipt.strip()[:200], clock.today()
    row.save(update_fields=["receipt", "receipt_on"])
    _audit("receive_push", acting_user, row)
    return row


@transaction.atomic
def answer(
    family: PushFamily, *, outcome: str, text: str, acting_user: User, danger: str = "", mode: str = "",
    subsidy_fen: int | None = None, started_on: date | None = None, accepted_on: date | None = None,
) -> PushFamily:  # fmt: skip
    """What the department did about one family; a dwelling in danger moves on by steps. The last one closes the list.

    Raises: DynamicInputError: a step that does not follow, no words; for building: no level or way, a day to come.
        DynamicStateError: the list was not sent. NotFoundError, AccessDeniedError.
    """
    push = _locked(family.push, acting_user)
    row = PushFamily.objects.select_for_update(of=("self",)).get(pk=family.pk)
    if push.state != State.SENT:
        move(MOVES, push, State.ANSWERED, "登记反馈")
    steps = _BUILD_MOVES if push.topic == DANGEROUS else OUTCOME_MOVES
    if outcome not in steps.get(row.outcome, ()):
        after = Outcome(outcome).label if outcome in Outcome.values else outcome or "未选"
        raise DynamicInputError("结果", f"现在是“{row.get_outcome_display()}”，不能登记为“{after}”")
    if not text.strip():
        raise DynamicInputError("反馈", "必须写明部门怎么说的")
    if outcome == Outcome.APPROVED and (not danger.strip() or mode not in PushFamily.Mode.values):
        raise DynamicInputError("危房", "批准的必须写明危房等级和改造方式")
    today = clock.today()
    if max(started_on or today, accepted_on or today) > today:
        raise DynamicInputError("日期", "不能晚于今天")
    if outcome == Outcome.ACCEPTED and accepted_on is None:
        raise DynamicInputError("竣工验收", "必须写明验收日期")
    if outcome == Outcome.PAID and subsidy_fen is None and row.subsidy_fen is None:
        raise DynamicInputError("补助", "必须写明补助金额")
    row.outcome, row.answer, row.answered_on, row.answered_by = outcome, text.strip()[:500], today, acting_user
    row.danger, row.mode = danger.strip()[:10] or row.danger, mode or row.mode
    row.subsidy_fen = row.subsidy_fen if subsidy_fen is None else subsidy_fen
    row.started_on, row.accepted_on = started_on or row.started_on, accepted_on or row.accepted_on
    row.save()
    _close_if_done(push)
    _audit("answer_push", acting_user, push, family=row.pk, outcome=outcome)
    return row


@transaction.atomic
def answer_rest(push: ListPush, *, outcome: str, text: str, acting_user: User) -> int:
    """One answer for all of a list that still wait. Returns how many. Raises: as `answer`."""
    row = _locked(push, acting_user)
    if row.state != State.SENT:
        move(MOVES, row, State.ANSWERED, "登记反馈")
    if outcome not in _FIRST:
        raise DynamicInputError("结果", "只能是：已落实、不符合条件、退回")
    if row.topic == DANGEROUS and outcome == Outcome.HELPED:
        raise DynamicInputError("结果", "危房改造逐户登记批准、施工、验收和拨付")
    if not text.strip():
        raise DynamicInputError("反馈", "必须写明部门怎么说的")
    waiting = PushFamily.objects.filter(push=row, outcome=Outcome.WAITING)
    n = waiting.update(
        outcome=outcome, answer=text.strip()[:500], answered_on=clock.today(), answered_by=acting_user
    )  # fmt: skip
    _close_if_done(row)
    _audit("answer_push_rest", acting_user, row, rows=n, outcome=outcome)
    return int(n)


@transaction.atomic
def cancel(push: ListPush, *, why: str, acting_user: User) -> ListPush:
    """Takes a list back that was not sent. Raises: DynamicInputError, DynamicStateError …"""
    row = _locked(push, acting_user)
    if not why.strip():
        raise DynamicInputError("撤销原因", "必须填写")
    move(MOVES, row, State.CANCELLED, "撤销")
    row.why, row.closed_on = why.strip()[:200], clock.today()
    row.save(update_fields=["state", "why", "closed_on"])
    _audit("cancel_push", acting_user, row)
    return row


def _close_if_done(push: ListPush) -> None:
    if not PushFamily.objects.filter(push=push).exclude(outcome__in=_ENDS).exists():
        move(MOVES, push, State.ANSWERED, "办结")
        push.closed_on = clock.today()
        push.save(update_fields=["state", "closed_on"])


#: Columns of the file: field, head, width. Numbers are masked: a department finds its own by name, village and the digits shown.
FILE = (
    ("position", "序号", 6), ("town", "住地", 30), ("name", "户主（对象）", 12), ("id_masked", "证件号码（隐去中段）", 22),
    ("household_no", "家庭编号", 22), ("programme", "对象类别", 18), ("outcome", "反馈结果", 12), ("answer", "反馈说明", 30),
)  # fmt: skip


def file_rows(push: ListPush) -> Iterator[dict[str, Any]]:
    """The rows of the file: the least a department needs. The caller's scope must cover the list."""
    rows = PushFamily.objects.filter(push=push).select_related("household__head", "person").order_by("id")
    for at, one in enumerate(rows.iterator(chunk_size=2000), 1):
        who: Person = one.person or one.household.head
        yield {
            "position": str(at), "town": full_name(one.region), "name": who.name, "id_masked": who.id_masked,
            "household_no": one.household.no, "programme": Programme(one.programme).label,
            "outcome": "" if one.outcome == Outcome.WAITING else one.get_outcome_display(), "answer": one.answer,
        }  # fmt: skip


def listing(show: str, today: date) -> QuerySet[ListPush]:
    """Lists: `open` (made or waiting, the nearest day first), `overdue`, `unreceived` (sent, no receipt), `done`, `all`."""
    rows = ListPush.objects.select_related("made_by").annotate(
        answered=Count("rows", filter=~Q(rows__outcome=Outcome.WAITING))
    )
    if show == "overdue":
        rows = rows.filter(state=State.SENT, due_on__lt=today)
    elif show == "unreceived":
        rows = rows.filter(state=State.SENT, receipt_on__isnull=True)
    elif show == "done":
        return rows.filter(state__in=(State.ANSWERED, State.CANCELLED)).order_by("-id")
    elif show == "open":
        rows = rows.filter(state__in=(State.MADE, State.SENT))
    return rows.order_by("due_on", "id")


def counts(today: date) -> dict[str, int]:
    """How the lists in the reader's range stand. One query."""
    sent = Q(state=State.SENT)
    return ListPush.objects.aggregate(
        open=Count("pk", filter=Q(state__in=(State.MADE, State.SENT))),
        overdue=Count("pk", filter=sent & Q(due_on__lt=today)),
        unreceived=Count("pk", filter=sent & Q(receipt_on__isnull=True)),
        done=Count("pk", filter=Q(state__in=(State.ANSWERED, State.CANCELLED))),
        all=Count("pk"),
    )


def access_push(user: User, pk: int) -> ListPush:
    """One list in the user's range. Raises NotFoundError."""
    return access.one(ListPush.objects.select_related("made_by", "sent_by"), user=user, what="名单推送", pk=pk)


def _locked(push: ListPush, user: User) -> ListPush:
    row = access.locked(ListPush.objects.all(), push.pk, what="名单推送")
    access.require_any(user, DUTIES, row.region)
    return row


def _audit(action: str, user: User, row: ListPush, **after: object) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="listpush", subject_id=row.pk, region=row.region,
        after={"no": row.no, "topic": row.topic, "state": row.state, **after},
    )  # fmt: skip
