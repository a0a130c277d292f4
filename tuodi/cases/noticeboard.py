"""What hangs in public now: notices within their days, and results while the family is on the roll. Nothing else is read outside.

A notice past its last day is shown to nobody, whether or not the nightly job has taken it down yet: the day decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from tuodi.cases.models import Case, Notice, NoticeBoard
from tuodi.cases.notice_content import FIELDS
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.people.enums import Programme
from tuodi.people.models import RollEntry

__all__ = ["STAGES", "Entry", "Sheet", "board_by_token", "board_of", "sheets", "visible"]

STAGES = {"review": "审核公示", "approval": "审批公示", "result": "结果公布", "ending": "拟终止公示"}


def board_by_token(token: str) -> NoticeBoard | None:
    """The board of a key; None for one that is none."""
    return NoticeBoard.objects.filter(token=token).first() if 20 <= len(token) <= 40 else None


def board_of(region: str) -> NoticeBoard | None:
    """The board of a village, or None where nothing was ever posted."""
    return NoticeBoard.objects.filter(place_code=region).first()


def visible(region: str, on: date | None = None) -> list[Notice]:
    """Notices of one village that may be read in public on a day; the caller's scope must cover the village.

    A notice with days hangs to the end of its last day, as long as nobody closed it and its case still runs. Where the last
    day is not known yet (no official calendar for a roll-forward) it hangs its plain days. A result without an end hangs
    while the family has an open entry on the roll for that programme.
    """
    day = on or clock.today()
    month = Month.of(day).yyyymm
    entry = RollEntry.objects.filter(
        household=OuterRef("case__household"), programme=OuterRef("case__programme")
    ).filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
    counted = Q(days__gt=0, result="") & (Q(last_day__gte=day) | Q(last_day__isnull=True))
    standing = Q(days=0, case__decision="passed") & Exists(entry)
    rows = (
        Notice.objects.filter(region=region, posted_on__lte=day)
        .filter(Q(taken_down_on__isnull=True) | Q(taken_down_on__gt=day))
        .filter(counted | standing)
        .exclude(case__state="ended")
        .select_related("case", "step", "posted_by__office")
        .order_by("stage", "case__programme", "posted_on", "id")
    )
    return [one for one in rows if one.days == 0 or (one.last_day or one.posted_on + timedelta(one.days)) >= day]


@dataclass(frozen=True)
class Entry:
    """One family as a notice shows it. `values` holds nothing but allowed fields; `no` names the notice for an objection."""

    no: str
    values: dict[str, Any]

    @property
    def name(self) -> str:
        """The applicant, as it may be shown."""
        return str(self.values.get("applicant_name", "—"))


@dataclass
class Sheet:
    """One sheet of a board: the families of one village, stage and programme that were posted on one day.

    Attributes:
        key: Names it within the board: `review-dibao-20170907`.
        day: Which day of the notice today is; 0 on the day of posting. days: 0 = standing.
        last_day: Null = standing or not known yet. plain_end: last day without the roll-forward.
        columns: The allowed fields at least one family shows.
    """

    key: str
    stage: str
    programme: str
    posted_on: date
    days: int
    day: int
    last_day: date | None
    plain_end: date | None
    office: str
    where: tuple[str, ...]
    phone: str
    opinion: str
    clause: str
    entries: list[Entry] = field(default_factory=list)
    columns: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """最低生活保障审核公示."""
        return f"{dict(Programme.choices).get(self.programme, self.programme)}{STAGES.get(self.stage, '公示')}"

    @property
    def rolled(self) -> bool:
        """Whether the last day moved on because of a day off."""
        return self.last_day is not None and self.plain_end is not None and self.last_day > self.plain_end


def sheets(notices: Iterable[Notice], on: date | None = None) -> list[Sheet]:
    """Notices as the sheets that hang on the wall, those to end first come first."""
    day = on or clock.today()
    made: dict[str, Sheet] = {}
    for one in notices:
        key = f"{one.stage}-{one.case.programme}-{one.posted_on:%Y%m%d}-{one.days}"
        content = {name: value for name, value in one.content.items() if name in FIELDS}
        sheet = made.get(key)
        if sheet is None:
            sheet = made[key] = Sheet(
                key=key,
                stage=one.stage,
                programme=one.case.programme,
                posted_on=one.posted_on,
                days=one.days,
                day=min((day - one.posted_on).days, one.days) if one.days else 0,
                last_day=one.last_day,
                plain_end=one.posted_on + timedelta(one.days) if one.days else None,
                office=one.posted_by.office.name,
                where=tuple(one.where),
                phone=str(content.get("phone", "")),
                opinion=str(content.get("opinion", "")),
                clause=_clause(one.case, one),
            )
        sheet.entries.append(Entry(one.no, content))
    for sheet in made.values():
        there = {name for entry in sheet.entries for name in entry.values}
        shown = ("applicant_name", "programme", "member_count", "amount")
        sheet.columns = tuple(name for name in shown if name in there)
    return sorted(made.values(), key=lambda one: (one.days == 0, one.last_day or date.max, one.key))


def _clause(case: Case, notice: Notice) -> str:
    try:
        return case.procedure.step(notice.step.name).clause
    except KeyError:
        return ""
