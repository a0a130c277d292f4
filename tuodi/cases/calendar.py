"""The working-day calendar in force, out of the table; and deadlines that may be 待定.

A deadline that runs into a year without an official arrangement is stored as pending. `enter_year` adds the year; after
its commit a job (`cases.tasks.fill_deadlines`) fills in what waited, everywhere; `alarms` tells how much still waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max

from tuodi.audit.actions import record
from tuodi.cases.errors import CalendarEntryError
from tuodi.cases.models import Case, Notice, NoticeObjection, Step, WorkdayYear
from tuodi.kernel import clock
from tuodi.kernel.workdays import Calendar, Unit, UnknownYearError, official_calendar
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.policy.procedure import Limit

__all__ = ["Due", "alarms", "calendar", "due", "enter_year", "notice_end"]

_cache: dict[tuple[int, int], Calendar] = {}


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline: a day, or pending, or none at all (both empty).

    Attributes:
        on: The last day in time; null = none or pending.
        pending: The calendar of a year it needs is not entered yet.
        note: How it was reckoned, in Chinese, for the case page.
    """

    on: date | None = None
    pending: bool = False
    note: str = ""


def calendar() -> Calendar:
    """The shipped arrangements with the table's newest versions over them, so that an upgrade brings new years by itself.

    Cached until a row is added (rows are never changed).
    """
    rows = WorkdayYear.objects.aggregate(last=Max("id"), n=Count("id"))
    key = (rows["last"] or 0, rows["n"])
    if key not in _cache:
        newest: dict[int, WorkdayYear] = {}
        for row in WorkdayYear.objects.order_by("year", "version"):
            newest[row.year] = row
        days: dict[date, bool] = {}
        for row in newest.values():
            off, worked = set(row.days_off), set(row.days_worked)
            day = date(row.year, 1, 1)
            while day.year == row.year:
                days[day] = day in worked or (day.weekday() < 5 and day not in off)
                day += timedelta(days=1)
        _cache.clear()
        _cache[key] = official_calendar().with_days(days, f"workdays-{key[0]}")
    return _cache[key]


def due(limit: Limit | None, start: date, base: Calendar | None = None) -> Due:
    """The last day of a limit whose clock starts on a day (not counted).

    Args:
        limit: None = no limit.
        start: Day of the event; for hours, nine in the morning of it is assumed where only a day is known.
    """
    if limit is None:
        return Due()
    note = f"{start} 起 {limit.text}（{limit.clause}）"
    try:
        found = (base or calendar()).deadline(_moment(start, limit), limit.n, limit.unit, roll=limit.roll)
    except UnknownYearError as error:
        return Due(pending=True, note=f"{note}；{error.year} 年日历未公布，待定")
    return Due(found.date() if isinstance(found, datetime) else found, note=note)


def _moment(start: date, limit: Limit) -> date:
    if limit.unit is not Unit.HOUR or isinstance(start, datetime):
        return start
    return clock.now().replace(
        year=start.year, month=start.month, day=start.day, hour=9, minute=0, second=0, microsecond=0
    )


def notice_end(posted_on: date, days: int, *, roll: bool, base: Calendar | None = None) -> Due:
    """Last day of a notice: calendar days, the day after posting is day 1 (E40)."""
    last = posted_on + timedelta(days=days)
    if not roll:
        return Due(last)
    try:
        return Due((base or calendar()).next_workday(last))
    except UnknownYearError as error:
        return Due(pending=True, note=f"{error.year} 年日历未公布，待定")


@transaction.atomic
def enter_year(
    *, acting_user: User, year: int, document: str, days_off: list[date], days_worked: list[date]
) -> WorkdayYear:
    """Adds the arrangement of a year, or a corrected version of one; pending deadlines are then computed.

    Raises:
        AccessDeniedError: Only system managers keep the calendar.
        CalendarEntryError: A day of another year, both off and worked, or a weekend day that is worked twice.
    """
    if not access.has_duty(acting_user, DutyCode.SYSADMIN):
        from tuodi.org.errors import AccessDeniedError

        raise AccessDeniedError(DutyCode.SYSADMIN, DutyCode.SYSADMIN.label)
    strange = [day for day in (*days_off, *days_worked) if day.year != year]
    if strange:
        raise CalendarEntryError(year, f"{strange[0]} 不在这一年")
    both = set(days_off) & set(days_worked)
    if both:
        raise CalendarEntryError(year, f"{min(both)} 既写了放假又写了上班")
    plain = [day for day in days_worked if day.weekday() < 5]
    if plain:
        raise CalendarEntryError(year, f"{plain[0]} 本来就是工作日，不用写在调休上班里")
    if not document.strip():
        raise CalendarEntryError(year, "没有写依据文件")
    version = (WorkdayYear.objects.filter(year=year).aggregate(v=Max("version"))["v"] or 0) + 1
    row = WorkdayYear.objects.create(
        year=year,
        version=version,
        document=document.strip(),
        days_off=sorted(days_off),
        days_worked=sorted(days_worked),
        entered_at=clock.now(),
        entered_by_id=acting_user.pk,
    )
    record(
        "cases.enter_year",
        actor=acting_user,
        subject_type="workdayyear",
        subject_id=row.pk,
        region=acting_user.office.place_code.ljust(12, "0"),
        after={"year": year, "version": version, "document": row.document},
    )
    from tuodi.cases.tasks import fill_deadlines

    fill_deadlines.defer()  # in this transaction: no row, no job
    return row


def alarms() -> dict[str, int]:
    """How many deadlines in the reader's range are 待定 for want of a calendar."""
    return {
        "cases": Case.objects.filter(due_pending=True, closed_on__isnull=True).count(),
        "steps": Step.objects.filter(due_pending=True, state="open").count(),
        "notices": Notice.objects.filter(last_day_pending=True, result="").count(),
        "objections": NoticeObjection.objects.filter(reply_due_pending=True).count(),
    }
