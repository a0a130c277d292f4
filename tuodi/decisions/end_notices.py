"""The public notice before the support of a tekun person ends: posted, objected to, looked into, posted anew, decided.

Basis: [43] art 24 to 26. The township puts it up where the person lives for the days of the place's pack; without objection the
county decides and support ends with the next month; an objection is looked into within the pack's working days and the notice
put up again. Death, and who has moved to another place, need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.calendar import due, notice_end
from tuodi.cases.errors import MoveRefusedError
from tuodi.cases.guard import logs_blocks
from tuodi.cases.models import NoticeBoard
from tuodi.cases.notice_content import public_name
from tuodi.cases.noticeboard import Entry, Sheet
from tuodi.cases.series import take_yearly
from tuodi.cases.states import go
from tuodi.decisions.care_errors import CareInputError, EndNoticeError
from tuodi.decisions.decide import ask, failed_reasons
from tuodi.decisions.models import Determination, EndNotice
from tuodi.decisions.models.end_notice import EndState
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_name
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import Unit
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.enums import Programme
from tuodi.people.models import Person
from tuodi.policy.procedure import Limit
from tuodi.verification.models import FactSet
from tuodi.verification.rulebook import book, place_of

__all__ = [
    "MOVES", "POSTERS", "access_end_notice", "answer_end_objection", "counts", "ending_sheets", "listing", "needs_notice", "object_to_end",
    "open_notice", "post_end_notice", "require_notice", "settle_notice", "sheet_of", "withdraw_end_notice",
]  # fmt: skip

#: Who puts a notice up and takes objections in; who answers them.
POSTERS = (DutyCode.REVIEW,)
MOVES: Mapping[str, frozenset[str]] = {
    EndState.POSTED: frozenset({EndState.OBJECTED, EndState.DECIDED, EndState.WITHDRAWN}),
    EndState.OBJECTED: frozenset({EndState.REPOSTED, EndState.WITHDRAWN}),
    EndState.REPOSTED: frozenset(),
    EndState.DECIDED: frozenset(),
    EndState.WITHDRAWN: frozenset(),
}


def _value(name: str, region: str, on: date) -> tuple[int, str] | None:
    """A number of days of the place and its clause; None where no text asks for a notice."""
    known = book()
    row = known.value(f"tekun.{name}", known.chain(place_of(region)), (), on)
    return None if row is None or row.value is None else (int(row.value), row.clause)


def needs_notice(region: str, on: date) -> bool:
    """Whether the text in force asks for a notice before support ends."""
    return _value("end_notice_days", region, on) is not None


@logs_blocks
@transaction.atomic
def post_end_notice(fact_set: FactSet, person: Person, *, place: str, acting_user: User) -> EndNotice:
    """Puts up that support is about to end, on facts by which the person is no longer entitled.

    Args:
        fact_set: Frozen; the county decides on this very set.
        place: Where it hangs: the village's board or the facility.

    Raises:
        CareInputError: Still entitled by these facts, no place, or a notice hangs already. EndNoticeError: The place's text
        asks for none. NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, POSTERS, fact_set.region)
    return _post(fact_set, person, place, acting_user, None)


def _post(fact_set: FactSet, person: Person, place: str, user: User, follows: EndNotice | None) -> EndNotice:
    today = clock.today()
    found = _value("end_notice_days", fact_set.region, today)
    if found is None:
        raise EndNoticeError(mask_name(person.name), "本地现行规定没有终止前的公示，由县级直接决定。")
    if not fact_set.is_frozen:
        raise CareInputError([("facts", "事实还没有定稿")])
    if not place.strip():
        raise CareInputError([("place", "没有写公示地点（所在村（社区）或者供养服务机构）")])
    answer = ask(fact_set, Programme.TEKUN, case_date=today, month=Month.of(today).next())
    at = fact_set.person_ids.index(person.pk) if person.pk in fact_set.person_ids else -1
    row = next((one for one in answer.rows if one.row == at), None)
    if row is None or row.outcome != "fail":
        why = "仍符合特困供养条件" if row is not None and row.outcome == "pass" else "缺少事实，不能判断"
        raise CareInputError([("ground", f"按现行规定{person.name}{why}，不能公示终止；请核对事实")])
    days, clause = found
    try:
        with transaction.atomic():
            made = EndNotice.objects.create(
                region=fact_set.region, no=take_yearly("end", fact_set.region, today.year)[0],
                household_id=fact_set.household_id, person=person, programme=Programme.TEKUN, fact_set=fact_set,
                ground="；".join(failed_reasons(answer, answer.rows.index(row)))[:300], place=place.strip()[:80],
                clause=clause, posted_on=today, posted_by=user, days=days,
                last_day=notice_end(today, days, roll=False).on, follows=follows,
            )  # fmt: skip
    except IntegrityError as error:
        if "decisions_endnotice_once" not in str(error):
            raise
        raise CareInputError([("person", f"{person.name}的拟终止公示还没有结束，不能重复公示")]) from error
    NoticeBoard.objects.get_or_create(place_code=made.region, defaults={"opened_at": clock.now()})
    _audit("post_end_notice", user, made, last_day=made.last_day, days=days)
    return made


@transaction.atomic
def object_to_end(notice: EndNotice, *, text: str, acting_user: User) -> EndNotice:
    """Takes in what somebody says against it while it hangs; from then it is to be looked into.

    Raises: CareInputError: no words, or the days are over. MoveRefusedError, NotFoundError, AccessDeniedError.
    """
    row = _locked(notice, acting_user, (*POSTERS, DutyCode.CONFIRM, DutyCode.ACCEPT))
    today = clock.today()
    if not text.strip():
        raise CareInputError([("text", "没有写异议内容")])
    if today > row.last_day:
        raise CareInputError([("text", f"公示已于 {row.last_day} 截止；以后的意见按投诉举报登记")])
    go(f"公示 {row.no} ", MOVES, row.state, EndState.OBJECTED)
    found = _value("end_objection_days", row.region, today)
    ends = due(Limit(found[0], Unit.WORKDAY, clause=found[1]), today) if found else None
    row.state, row.objection, row.objected_on, row.objected_by = (
        EndState.OBJECTED, text.strip()[:1000], today, acting_user,
    )  # fmt: skip
    row.answer_due_on, row.answer_pending = (ends.on, ends.pending) if ends else (None, True)
    row.save(
        update_fields=["state", "objection", "objected_on", "objected_by", "answer_due_on", "answer_pending"]
    )  # fmt: skip
    _audit("object_to_end", acting_user, row, due_on=row.answer_due_on)
    return row


@transaction.atomic
def answer_end_objection(
    notice: EndNotice, *, answer: str, ends: bool, acting_user: User, fact_set: FactSet | None = None
) -> EndNotice:
    """The county has looked into an objection: support is still to end, and the notice is put up again; or it goes on.

    Args:
        fact_set: New facts, where what was found differs; default the notice's own.

    Returns: the new round, or the notice that was taken down.

    Raises: as `post_end_notice`; MoveRefusedError.
    """
    row = _locked(notice, acting_user, (DutyCode.CONFIRM, DutyCode.REVIEW))
    if not answer.strip():
        raise CareInputError([("answer", "没有写核实情况")])
    after = EndState.REPOSTED if ends else EndState.WITHDRAWN
    if row.state != EndState.OBJECTED:
        raise MoveRefusedError(f"公示 {row.no} ", row.get_state_display(), str(after.label))
    row.state, row.answer, row.answered_on, row.answered_by = after, answer.strip()[:1000], clock.today(), acting_user
    row.save(update_fields=["state", "answer", "answered_on", "answered_by"])
    _audit("answer_end_objection", acting_user, row, ends=ends)
    return _post(fact_set or row.fact_set, row.person, row.place, acting_user, row) if ends else row


@transaction.atomic
def withdraw_end_notice(notice: EndNotice, *, reason: str, acting_user: User) -> EndNotice:
    """Takes a notice down without ending anything: posted by mistake, the ground fell away. Raises: as above."""
    row = _locked(notice, acting_user, (*POSTERS, DutyCode.CONFIRM))
    if not reason.strip():
        raise CareInputError([("reason", "没有写撤下的理由")])
    go(f"公示 {row.no} ", MOVES, row.state, EndState.WITHDRAWN)
    row.state, row.answer, row.answered_on, row.answered_by = (
        EndState.WITHDRAWN, reason.strip()[:1000], clock.today(), acting_user,
    )  # fmt: skip
    row.save(update_fields=["state", "answer", "answered_on", "answered_by"])
    _audit("withdraw_end_notice", acting_user, row)
    return row


def require_notice(fact_set: FactSet, person: Person) -> EndNotice | None:
    """The finished notice that ending a person's support on these facts rests on, locked; None where the place asks for none.

    Raises: EndNoticeError: none was put up on these facts, it still hangs, or somebody objected.
    """
    if not needs_notice(fact_set.region, clock.today()):
        return None
    name = mask_name(person.name)
    row = (
        EndNotice.objects.select_for_update(of=("self",))
        .filter(person=person, fact_set=fact_set)
        .exclude(state=EndState.WITHDRAWN)
        .order_by("-id")
        .first()
    )
    if row is None:
        raise EndNoticeError(name, "还没有按这次认定的事实公示。请乡镇（街道）先在供养档案页公示，期满后再决定。")
    if row.state == EndState.OBJECTED:
        raise EndNoticeError(name, f"公示 {row.no} 有异议，先调查核实并重新公示。", no=row.no)
    if not row.is_over(clock.today()):
        raise EndNoticeError(name, f"公示 {row.no} 到 {row.last_day} 截止，之后才能决定。", no=row.no)
    return row


def settle_notice(notice: EndNotice, determination: Determination, *, acting_user: User) -> None:
    """Notes on a finished notice what was decided."""
    go(f"公示 {notice.no} ", MOVES, notice.state, EndState.DECIDED)
    notice.state, notice.determination = EndState.DECIDED, determination
    notice.save(update_fields=["state", "determination"])
    _audit("settle_end_notice", acting_user, notice, determination=determination.no)


def open_notice(person: Person) -> EndNotice | None:
    """The notice of a person that is not settled yet."""
    rows = EndNotice.objects.filter(person=person, state__in=(EndState.POSTED, EndState.OBJECTED))
    return rows.select_related("fact_set", "posted_by__office", "person").first()


def listing(show: str, town: str, today: date) -> QuerySet[EndNotice]:
    """Notices: `due` (days over, to be decided), `posted` (hanging), `objected`, `done`, `all`."""
    rows = EndNotice.objects.select_related("household__head", "person", "determination", "posted_by__office")
    if town:
        found = access.range_of(town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if show == "due":
        rows = rows.filter(state=EndState.POSTED, last_day__lt=today)
    elif show == "posted":
        rows = rows.filter(state=EndState.POSTED, last_day__gte=today)
    elif show == "objected":
        return rows.filter(state=EndState.OBJECTED).order_by("answer_due_on", "id")
    elif show == "done":
        return rows.exclude(state__in=(EndState.POSTED, EndState.OBJECTED)).order_by("-id")
    return rows.order_by("last_day", "id")


def counts(today: date) -> dict[str, int]:
    """How the notices in the reader's range stand. One query."""
    hangs = Q(state=EndState.POSTED)
    return EndNotice.objects.aggregate(
        due=Count("pk", filter=hangs & Q(last_day__lt=today)),
        posted=Count("pk", filter=hangs & Q(last_day__gte=today)),
        objected=Count("pk", filter=Q(state=EndState.OBJECTED)),
        done=Count("pk", filter=~Q(state__in=(EndState.POSTED, EndState.OBJECTED))),
        all=Count("pk"),
    )


def ending_sheets(region: str, day: date) -> list[Sheet]:
    """What hangs of a village on a day, as the sheets of its board: the name as notices show it and the programme, no ground."""
    rows = EndNotice.objects.filter(
        region=region, state__in=(EndState.POSTED, EndState.OBJECTED), posted_on__lte=day, last_day__gte=day
    )
    return [sheet_of(row, day) for row in rows.select_related("person", "posted_by__office").order_by("last_day", "id")]


def sheet_of(row: EndNotice, day: date) -> Sheet:
    """One notice as a sheet."""
    values = {
        "applicant_name": public_name(row.person, masked=False, on=row.posted_on),
        "programme": Programme(row.programme).label,
    }
    return Sheet(
        key=f"ending-{row.programme}-{row.posted_on:%Y%m%d}-{row.pk}", stage="ending", programme=row.programme,
        posted_on=row.posted_on, days=row.days, day=min((day - row.posted_on).days, row.days), last_day=row.last_day,
        plain_end=row.last_day, office=row.posted_by.office.name, where=(row.place,), phone="", opinion="", clause=row.clause,
        entries=[Entry("", values)], columns=("applicant_name", "programme"),
    )  # fmt: skip


def access_end_notice(user: User, pk: int) -> EndNotice:
    """One notice in the user's range. Raises NotFoundError."""
    rows = EndNotice.objects.select_related(
        "household__head", "person", "determination", "posted_by__office", "fact_set"
    )
    return access.one(rows, user=user, what="拟终止公示", pk=pk)


def _locked(notice: EndNotice, user: User, duties: tuple[str, ...]) -> EndNotice:
    row = access.locked(EndNotice.objects.select_related("person", "fact_set"), notice.pk, what="拟终止公示")
    access.require_any(user, duties, row.region)
    return row


def _audit(action: str, actor: User, row: EndNotice, **after: object) -> None:
    record(
        f"decisions.{action}", actor=actor, subject_type="endnotice", subject_id=row.pk, region=row.region,
        after={"no": row.no, "state": row.state, **after},
    )  # fmt: skip
