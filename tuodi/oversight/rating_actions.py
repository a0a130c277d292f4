"""Verbs on ratings: rate, verify a bad one, mend, call back; and their figures, with small cells left out.

Voluntary, one a matter and step (GB/T 39735-2020). Who rated is seen by nobody of the rated office; a bad one is verified,
mended and called back by another office.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.models import Case
from tuodi.cases.states import move
from tuodi.kernel import clock, small_cells
from tuodi.org import access
from tuodi.org.models import DutyCode, Office, User
from tuodi.oversight.errors import NotForYouError, OversightInputError, OversightStateError, RatedAlreadyError
from tuodi.oversight.limits import last_day
from tuodi.oversight.models import Rating
from tuodi.oversight.people import actor
from tuodi.oversight.states import RATING_MOVES, Grade, RatingState
from tuodi.people import residents
from tuodi.people.models import ResidentAccount
from tuodi.policy.procedure import Does

__all__ = [
    "SMALLEST",
    "TAGS",
    "Cell",
    "call_back",
    "check_handler",
    "figures",
    "mend",
    "open_phone",
    "rate",
    "rateable",
    "verify",
]

#: A figure over fewer ratings than this is not shown: it could be traced to who gave them.
SMALLEST = small_cells.FEWEST
TAGS = ("态度", "效率", "说得清楚", "少跑路", "公道", "页面好用")
_DOES = {Rating.Stage.ACCEPT: (Does.ACCEPT,), Rating.Stage.VISIT: (Does.VISIT,),
         Rating.Stage.DECISION: (Does.REVIEW, Does.CONFIRM)}  # fmt: skip


def rateable(case: Case) -> list[str]:
    """Stages of a case that have happened and so may be rated."""
    done = set(case.steps.filter(state="done").values_list("does", flat=True))
    return [stage for stage, kinds in _DOES.items() if done & {one.value for one in kinds}]


@transaction.atomic
def rate(
    *,
    account: ResidentAccount,
    region: str,
    matter_no: str,
    stage: str,
    grade: int,
    tags: Sequence[str] = (),
    text: str = "",
    case: Case | None = None,
) -> Rating:
    """Gives a rating. The caller has made sure that the matter is the resident's own.

    Raises:
        OversightInputError; RatedAlreadyError.
    """
    if stage not in Rating.Stage.values:
        raise OversightInputError("stage", "请选评价哪一个环节。")
    if grade not in Grade.values:
        raise OversightInputError("grade", "请选一项：从“非常满意”到“非常不满意”。")
    if case is not None and stage in _DOES and stage not in rateable(case):
        raise OversightInputError("stage", "这一环节还没有办，办完再评价。")
    known = Rating.objects.filter(account=account, matter_no=matter_no, stage=stage).first()
    if known is not None:
        raise RatedAlreadyError(known.get_stage_display(), known.given_on)
    bad = grade <= Grade.POOR
    today = clock.today()
    end = last_day("rating_mend", region, today) if bad else None
    try:
        with transaction.atomic():
            row = Rating.objects.create(
                region=region,
                matter_no=matter_no,
                stage=stage,
                office=_office(case, stage),
                grade=grade,
                tags=[tag for tag in TAGS if tag in tags],
                text=text.replace("\x00", "").strip()[:1000],
                account=account,
                given_on=today,
                state=RatingState.TO_VERIFY if bad else RatingState.GIVEN,
                due_on=end.on if end else None,
                due_pending=bool(end and end.pending),
            )
    except IntegrityError as error:  # pressed twice at once
        raise RatedAlreadyError(str(Rating.Stage(stage).label), today) from error
    # The log says that a rating was given, not who gave it: those who are rated read it too.
    record(
        "oversight.rate", actor=None, subject_type="rating", subject_id=row.pk, region=region,
        after={"stage": stage, "grade": grade},
    )  # fmt: skip
    return row


def _office(case: Case | None, stage: str) -> Office | None:
    kinds = _DOES.get(Rating.Stage(stage))
    if case is None or kinds is None:
        return None
    step = (
        case.steps.filter(does__in=[one.value for one in kinds], state="done")
        .select_related("done_by__office")
        .order_by("-position")
        .first()
    )
    return step.done_by.office if step and step.done_by else None


def check_handler(row: Rating, user: User) -> None:
    """Whether a member of staff may follow a rating up: the duty, and not of the rated office.

    Raises: NotFoundError, AccessDeniedError, NotForYouError.
    """
    access.require(user, DutyCode.COMPLAINT, row.region)
    if row.office_id is not None and row.office_id == user.office_id:
        raise NotForYouError("这条评价", "评价的是您所在的机构")


def _locked(row: Rating, state: str, user: User) -> Rating:
    check_handler(row, user)
    found = Rating.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if found.state != state:
        raise OversightStateError("这条评价", found.get_state_display())
    return found


def _moved(row: Rating, state: str, user: User, action: str) -> Rating:
    move("评价", RATING_MOVES, row.state, state)
    row.state, row.handled_by = state, user
    row.save()
    record(
        f"oversight.{action}", actor=user, subject_type="rating", subject_id=row.pk, region=row.region,
        after={"state": state, "verified": row.verified},
    )  # fmt: skip
    return row


@transaction.atomic
def verify(row: Rating, *, acting_user: User, true: bool, finding: str) -> Rating:
    """Says whether a bad rating is borne out. One that is must be mended; one that is not is still called back."""
    row = _locked(row, RatingState.TO_VERIFY, acting_user)
    if len(finding.strip()) < 5:
        raise OversightInputError("finding", "请写明核实了什么、情况怎样。")
    row.verified, row.finding = true, finding.strip()[:2000]
    return _moved(row, RatingState.TO_MEND if true else RatingState.TO_CALL, acting_user, "verify_rating")


@transaction.atomic
def mend(row: Rating, *, acting_user: User, what: str) -> Rating:
    """Notes what was mended."""
    row = _locked(row, RatingState.TO_MEND, acting_user)
    if len(what.strip()) < 5:
        raise OversightInputError("what", "请写明整改了什么。")
    row.mended, row.mended_on = what.strip()[:2000], clock.today()
    return _moved(row, RatingState.TO_CALL, acting_user, "mend_rating")


@transaction.atomic
def call_back(row: Rating, *, acting_user: User, note: str) -> Rating:
    """Notes the call back, which every bad rating gets, and closes it."""
    row = _locked(row, RatingState.TO_CALL, acting_user)
    if not note.strip():
        raise OversightInputError("note", "请写明回访的情况；联系不上也写明。")
    row.called_on, row.call_note = clock.today(), note.strip()[:2000]
    return _moved(row, RatingState.CLOSED, acting_user, "call_back")


def open_phone(row: Rating, *, acting_user: User) -> str:
    """The rater's phone, to call back a bad rating; each look is in the log.

    Raises: OversightStateError: Nothing to call back.
    """
    check_handler(row, acting_user)
    row = Rating.objects.get(pk=row.pk)
    if row.grade > Grade.POOR or row.state == RatingState.CLOSED:
        raise OversightStateError("这条评价", "无须回访")
    record(
        "oversight.open_phone", actor=actor(None, acting_user), subject_type="rating", subject_id=row.pk,
        region=row.region,
    )  # fmt: skip
    account = ResidentAccount.objects.select_related("person").get(pk=row.account_id)
    return residents.phone_on_file(account.person, account)


@dataclass(frozen=True, slots=True)
class Cell:
    """Figures of one group. Null = fewer than `SMALLEST` ratings, or one more would tell such a figure.

    Attributes:
        count: Ratings. good: Of grade three and better. mean: In hundredths. mended: Bad ones that were called back.
        bad: Of grade two and worse.
    """

    label: str
    count: int | None
    good: int | None = None
    bad: int | None = None
    mended: int | None = None
    mean: int | None = None

    @property
    def rate(self) -> int | None:
        """Share of good ones in whole percent."""
        return None if not self.count or self.good is None else self.good * 100 // self.count


def figures(rows: QuerySet[Rating], by: str = "office__name", since: date | None = None) -> list[Cell]:
    """Ratings by office (or another column), the whole first. Small groups are left out, with as many others
    as keep them from being worked out from the whole (`kernel.small_cells`)."""
    if since is not None:
        rows = rows.filter(given_on__gte=since)
    counted: dict[str, Any] = {
        "n": Count("id"),
        "good": Count("id", filter=Q(grade__gte=3)),
        "bad": Count("id", filter=Q(grade__lte=2)),
        "mended": Count("id", filter=Q(grade__lte=2, state=RatingState.CLOSED)),
    }
    grades = {f"g{one}": Count("id", filter=Q(grade=one)) for one in Grade.values}
    found = list(rows.values(by).annotate(**counted, **grades).order_by(by))
    may = small_cells.shown([one["n"] for one in found])
    cells = [
        Cell(str(one[by] or "未分机构"), None) if few or held else _cell(str(one[by] or "未分机构"), one)
        for one, few, held in zip(found, may.few, may.held, strict=True)
    ]
    total = {name: sum(one[name] for one in found) for name in (*counted, *grades)}
    whole = _cell("合计", total) if found and may.total else Cell("合计", None if found else 0)
    return [whole, *cells]


def _cell(label: str, row: dict[str, Any]) -> Cell:
    mean = sum(grade * row[f"g{grade}"] for grade in Grade.values) * 100 // row["n"] if row["n"] else None
    return Cell(label, row["n"], row["good"], row["bad"], row["mended"], mean)
