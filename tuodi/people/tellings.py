"""Telling families of their matters, once an event: by message to the phone on file, else by an officer (当面或书面告知).

Rooms above call `tell` in the transaction of the deed. The words come from `messages/texts.yaml`; they name the matter
and where to read more, never an amount or an illness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.messages import outbox, texts
from tuodi.messages.models import Message, State
from tuodi.org import access
from tuodi.org.models import Duty, DutyCode, User
from tuodi.people.errors import TellingError
from tuodi.people.models import Household, Membership, Person, ResidentAccount, Telling
from tuodi.people.residents import actor_of, phone_on_file

__all__ = ["TELLERS", "box", "note_told", "of_case", "states", "tell", "tell_again", "waiting", "wish"]

#: Who tells by hand, and sends again.
TELLERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM)
#: How long a message that failed is looked for.
LOST_DAYS = timedelta(days=90)


def tell(
    template: str,
    household: Household,
    person: Person,
    event: str,
    facts: dict[str, object],
    *,
    case_no: str = "",
    phones: Sequence[str] = (),
) -> Telling:
    """Tells a family of an event, or gives the row of the first time it was told.

    Args:
        template: of `texts.yaml`; `hotline` is filled in here where it names it.
        person: The applicant or whom the matter is about; his phone is taken first, then another member's.
        event: What happened, such as `notice:420802-GS-…`.
        phones: Numbers that stand for the family in this matter (an agent's): they are told as well, and the family's own
            number is left out where it is among them.

    Raises: TemplateError.
    """
    known = Telling.objects.filter(household=household, event=event).first()
    if known is not None:
        return known
    if "hotline" in texts.template(template).facts:
        facts = {**facts, "hotline": settings.HOTLINE}
    numbers = [] if household.tell_by_hand else _numbers(household, person, phones)
    why = Telling.Why.WISH if household.tell_by_hand else Telling.Why.NONE if numbers else Telling.Why.NO_PHONE
    return Telling.objects.create(
        region=household.region,
        household=household,
        person=person,
        event=event[:80],
        template=template,
        case_no=case_no,
        text=texts.fill(template, facts),
        way=Telling.Way.MESSAGE if numbers else Telling.Way.HAND,
        why=why,
        messages=[outbox.send(template, one, facts, region=household.region) for one in numbers],
        at=clock.now(),
    )


def _numbers(household: Household, person: Person, phones: Iterable[str]) -> list[str]:
    """Mobile numbers an event goes to: those that stand for the family, and one of the family's own."""
    found = [one for one in dict.fromkeys(phones) if _is_mobile(one)]
    own = _phone_of(household, person)
    return [*found, own] if own and own not in found else found


def _phone_of(household: Household, person: Person) -> str:
    """The person's own mobile, else that of the first member who has one; empty = none."""
    here = Membership.objects.filter(household=household, until__isnull=True).select_related("person").order_by("id")
    people = [person, *(one.person for one in here if one.person_id != person.pk)]
    accounts = {one.person_id: one for one in ResidentAccount.objects.filter(person__in=people)}
    numbers = (phone_on_file(one, accounts.get(one.pk)) for one in people if one.died_on is None)
    return next((one for one in numbers if _is_mobile(one)), "")


def _is_mobile(number: str) -> bool:
    return number[:1] == "1" and len(number) == 11 and number.isdigit()


@transaction.atomic
def tell_again(telling: Telling, *, acting_user: User) -> Telling:
    """Sends once more to the number on file now, for a message that failed or a family that had no number.

    Raises:
        TellingError: Told by an officer meanwhile, on its way or arrived, the family wants no messages, or still no number.
        NotFoundError, AccessDeniedError.
    """
    row = _locked(telling, acting_user)
    if row.done_at is not None:
        raise TellingError("已由工作人员告知，不必再发")
    if row.messages and states([row])[row.pk] != State.FAILED:
        raise TellingError("短信已发出或正在发送，不必再发")
    if row.household.tell_by_hand:
        raise TellingError("该家庭要求当面或书面告知，不发短信")
    number = _phone_of(row.household, row.person)
    if not number:
        raise TellingError("该家庭还没有登记手机号。请当面或书面告知，或先登记手机号")
    row.messages = [outbox.resend(row.template, number, row.text, region=row.region)]
    row.way, row.why = Telling.Way.MESSAGE, Telling.Why.NONE
    row.save(update_fields=["messages", "way", "why"])
    _audit("tell_again", acting_user, row)
    return row


@transaction.atomic
def note_told(telling: Telling, *, acting_user: User, how: str) -> Telling:
    """Notes that an officer has told it himself. Said twice, the first stays.

    Raises:
        TellingError: No such way.
        NotFoundError, AccessDeniedError.
    """
    row = _locked(telling, acting_user)
    if how not in Telling.How.values or not how:
        raise TellingError("没有选怎么告知的。请选当面、书面或电话")
    if row.done_at is None:
        row.done_at, row.done_by, row.how = clock.now(), acting_user, how
        row.save(update_fields=["done_at", "done_by", "how"])
        _audit("note_told", acting_user, row, how=how)
    return row


@transaction.atomic
def wish(
    household: Household, *, by_hand: bool, acting_user: User | None = None, account: ResidentAccount | None = None
) -> None:
    """Notes how a family wants to be told: at the counter by an officer, or on the phone by a resident for his own family.

    Raises: NotFoundError, AccessDeniedError.
    """
    if acting_user is not None:
        access.require_any(acting_user, TELLERS, household.region)
    row = Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    if row.tell_by_hand == by_hand:
        return
    row.tell_by_hand = by_hand
    row.save(update_fields=["tell_by_hand"])
    record(
        "people.wish_telling", actor=acting_user or (actor_of(account) if account else None),
        subject_type="household", subject_id=row.pk, region=row.region, after={"by_hand": by_hand},
    )  # fmt: skip


def _locked(telling: Telling, user: User) -> Telling:
    access.require_any(user, TELLERS, telling.region)
    return Telling.objects.select_for_update(of=("self",)).select_related("household", "person").get(pk=telling.pk)


def waiting(user: User, held: Sequence[Duty] | None = None) -> QuerySet[Telling]:
    """What an officer has to tell himself in his range: no message could go, or none arrived. The oldest first.

    Args:
        held: The duties he holds today, where the caller has asked.
    """
    duties = access.duties_of(user) if held is None else held
    ranges = [access.range_of(one.place_code) for one in duties if one.code in TELLERS]
    mine = Q(pk__in=[])
    for one in ranges:
        mine |= Q(region__gte=one.low, region__lt=one.high)
    since = clock.now() - LOST_DAYS
    lost = ArraySubquery(Message.objects.filter(state=State.FAILED, created_at__gte=since).values("pk"))
    failed = Q(way=Telling.Way.MESSAGE, messages__overlap=lost, messages__contained_by=lost)
    rows = Telling.objects.filter(mine, done_at__isnull=True).filter(Q(way=Telling.Way.HAND) | failed)
    return rows.order_by("at", "id")


def of_case(case_no: str) -> list[Telling]:
    """What was told of a case, newest first."""
    return list(_with_states(Telling.objects.filter(case_no=case_no)).select_related("done_by").order_by("-id")[:20])


def _with_states(rows: QuerySet[Telling]) -> QuerySet[Telling]:
    """The states of each row's messages beside it (`sent_states`), so that a page asks once."""
    said = RawSQL("array(select m.state from outbox_message m where m.id = any(people_telling.messages))", ())
    return rows.annotate(sent_states=said)


def box(household_ids: Iterable[int]) -> QuerySet[Telling]:
    """A family's message box, newest first."""
    return Telling.objects.filter(household__in=household_ids).order_by("-id")


def states(rows: Iterable[Telling]) -> dict[int, str]:
    """Of each row with messages: sent when one went, queued while one can still go, else failed. At most one query."""
    rows = list(rows)
    wanted = [number for row in rows if not hasattr(row, "sent_states") for number in row.messages]
    found = dict(Message.objects.filter(pk__in=wanted).values_list("pk", "state")) if wanted else {}
    told = {}
    for row in rows:
        ends = getattr(row, "sent_states", None) or [found.get(number, State.FAILED) for number in row.messages]
        if row.messages:
            told[row.pk] = next((one for one in (State.SENT, State.QUEUED) if one in ends), State.FAILED)
    return told


def _audit(action: str, user: User, row: Telling, **after: object) -> None:
    record(
        f"people.{action}", actor=user, subject_type="telling", subject_id=row.pk, region=row.region,
        case_no=row.case_no or None, after={"event": row.event, **after},
    )  # fmt: skip
