"""The standing publication (长期公示) of granted families: issued for a village, refreshed where a region asks, taken down with the roll.

Which programmes, which fields and whether names are masked is what the procedure's publication says; a programme whose
procedure publishes nothing is not listed, and children's programmes never are.

Basis: [57] art 24 (长期公示…申请人姓名、家庭成员数量、保障金额).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.models import NoticeBoard
from tuodi.cases.notice_content import public_name
from tuodi.cases.noticeboard import Entry, Sheet, sheets, visible
from tuodi.cases.procedures import procedure_for
from tuodi.cases.series import next_no
from tuodi.decisions.end_notices import ending_sheets
from tuodi.decisions.errors import NothingToPublishError
from tuodi.decisions.models import StandingEntry, StandingList
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.kernel.workdays import add_months
from tuodi.org import access
from tuodi.org.models import User
from tuodi.org.places import place_name
from tuodi.people.enums import Programme
from tuodi.people.models import Membership, RollEntry
from tuodi.policy.procedure import Does, NoProcedureError, Notice
from tuodi.verification.rulebook import profile_value

__all__ = ["board_sheets", "issue", "late_lists", "publication_of", "refresh_due", "take_down"]

#: Never listed by name, whatever a procedure says.
_NEVER = (Programme.CHILD.value,)
_FIELDS = ("applicant_name", "member_count", "amount", "programme", "village")
#: At most so many families of one village on one list.
MOST = 5000


def publication_of(region: str, programme: str, on: date | None = None) -> Notice | None:
    """The standing publication the procedure of a place and programme asks for; None where it asks for none."""
    if programme in _NEVER:
        return None
    try:
        text = procedure_for(region, programme, on or clock.today())
    except NoProcedureError:
        return None
    step = text.first(Does.PUBLISH)
    return step.notice if step is not None and step.notice is not None and step.notice.days == 0 else None


def _on_roll(region: str, programme: str, month: Month) -> QuerySet[RollEntry]:
    return (
        RollEntry.objects.filter(region=region, programme=programme, start_month__lte=month.yyyymm)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month.yyyymm))
        .select_related("household__head", "person")
        .order_by("household__no", "id")
    )


@transaction.atomic
def issue(region: str, programme: str, *, acting_user: User | None, office_name: str = "") -> StandingList:
    """Issues a village's list as the roll is this month; the issue before is taken down.

    Args:
        region: The village's 12-character code.
        acting_user: Who holds 初审 or 备案 there; None = the timetable.

    Raises:
        NothingToPublishError: The procedure publishes nothing, or nobody is on the roll. NotFoundError, AccessDeniedError.
    """
    region = pad12(region)
    if acting_user is not None:
        access.require_any(acting_user, ("review", "file", "confirm"), region)
    today = clock.today()
    text = publication_of(region, programme, today)
    label = Programme(programme).label
    if text is None:
        raise NothingToPublishError(place_name(region), label, "适用的办理程序没有规定长期公示")
    entries = list(_on_roll(region, programme, Month.of(today))[:MOST])
    if not entries:
        raise NothingToPublishError(place_name(region), label, "本月没有在册家庭")
    columns = [name for name in _FIELDS if name in text.content]
    sizes = Counter(
        Membership.objects.filter(household__in=[one.household_id for one in entries], since__lte=today)
        .filter(Q(until__isnull=True) | Q(until__gt=today))
        .values_list("household_id", flat=True)
    )
    StandingList.objects.filter(region=region, programme=programme, taken_down_on__isnull=True).update(
        taken_down_on=today
    )
    months = profile_value("standing_notice_months", region, today)
    made = StandingList.objects.create(
        region=region,
        no=next_no("notice", region, today),
        programme=programme,
        issued_on=today,
        refresh_on=add_months(today, months) if months else None,
        columns=columns,
        issued_by=acting_user,
        office_name=office_name or (acting_user.office.name if acting_user else _town_name(region)),
    )
    StandingEntry.objects.bulk_create(
        StandingEntry(
            listed=made,
            region=region,
            position=at,
            household_id=one.household_id,
            person_id=one.person_id,
            values=_values(one, columns, text, sizes[one.household_id], today),
        )
        for at, one in enumerate(entries, 1)
    )
    NoticeBoard.objects.get_or_create(place_code=region, defaults={"opened_at": clock.now()})
    record(
        "decisions.issue_standing_list",
        actor=acting_user,
        subject_type="standinglist",
        subject_id=made.pk,
        region=region,
        after={"no": made.no, "programme": programme, "families": len(entries), "refresh_on": made.refresh_on},
    )
    return made


def _town_name(region: str) -> str:
    return place_name(region[:9])


def _values(entry: RollEntry, columns: Iterable[str], text: Notice, size: int, on: date) -> dict[str, Any]:
    unit = entry.person or entry.household.head
    known: dict[str, Any] = {
        "applicant_name": public_name(unit, masked=text.mask_name, on=on),
        "member_count": 1 if entry.person_id else size,
        "amount": format_yuan(entry.amount_fen),
        "programme": Programme(entry.programme).label,
        "village": place_name(entry.region, on),
    }
    return {name: known[name] for name in columns}


def board_sheets(region: str, on: date | None = None) -> list[Sheet]:
    """All that hangs on a village's board: notices that run, support about to end, and for granted families the standing list
    with what came after it.

    The caller's scope must cover the village. A family that left the roll is not shown, whatever a list once said.
    """
    day = on or clock.today()
    lists = list(
        StandingList.objects.filter(region=region, issued_on__lte=day).filter(
            Q(taken_down_on__isnull=True) | Q(taken_down_on__gt=day)
        )
    )
    since = {one.programme: one.issued_on for one in lists}
    notices = [
        one for one in visible(region, day) if one.days or one.posted_on > since.get(one.case.programme, date.min)
    ]
    return [*sheets(notices, day), *ending_sheets(region, day), *(_sheet(one, day) for one in lists)]


def _sheet(listed: StandingList, day: date) -> Sheet:
    month = Month.of(day).yyyymm
    still = RollEntry.objects.filter(
        household=OuterRef("household"), programme=listed.programme, start_month__lte=month
    ).filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
    still = still.filter(Q(person=OuterRef("person")) | Q(person__isnull=True))
    rows = listed.entries.filter(Exists(still)).order_by("position")
    return Sheet(
        key=f"standing-{listed.programme}-{listed.issued_on:%Y%m%d}-0",
        stage="standing",
        programme=listed.programme,
        posted_on=listed.issued_on,
        days=0,
        day=0,
        last_day=None,
        plain_end=None,
        office=listed.office_name,
        where=(),
        phone="",
        opinion="",
        clause="",
        entries=[Entry("", row.values) for row in rows],
        columns=tuple(name for name in listed.columns if name != "village"),
    )


def refresh_due(place: str, on: date | None = None) -> int:
    """Issues anew the lists whose day of refresh has come, and where a region asks for refreshes the ones never issued.

    Returns: lists issued. Run twice on a day it does its work once.
    """
    day = on or clock.today()
    done = 0
    with access.system_scope(place):
        due = set(
            StandingList.objects.filter(taken_down_on__isnull=True, refresh_on__lte=day).values_list(
                "region", "programme"
            )
        )
        known = set(StandingList.objects.filter(taken_down_on__isnull=True).values_list("region", "programme"))
        listed = [code for code in Programme.values if code not in _NEVER]
        month = Month.of(day).yyyymm
        villages = (
            RollEntry.objects.filter(programme__in=listed, start_month__lte=month)
            .filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
            .order_by("region", "programme")
            .values_list("region", "programme")
            .distinct()
        )
        asks: dict[str, bool] = {}
        for region, programme in villages:
            town = region[:9]
            if town not in asks:
                asks[town] = bool(profile_value("standing_notice_months", region, day))
            if asks[town] and (region, programme) not in known:
                due.add((region, programme))
        for region, programme in sorted(due):
            try:
                issue(region, programme, acting_user=None)
                done += 1
            except NothingToPublishError:
                StandingList.objects.filter(region=region, programme=programme, taken_down_on__isnull=True).update(
                    taken_down_on=day
                )
    return done


def late_lists(on: date | None = None) -> QuerySet[StandingList]:
    """Lists in the reader's range whose day of refresh has passed: the timetable did not run, or somebody is to look why."""
    day = on or clock.today()
    return StandingList.objects.filter(taken_down_on__isnull=True, refresh_on__lt=day).order_by(
        "refresh_on", "region", "id"
    )


def take_down(region: str, programme: str, *, acting_user: User) -> int:
    """Takes a village's standing list down by hand. Returns how many came down.

    Raises: NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, ("review", "file", "confirm"), region)
    with transaction.atomic():
        down = StandingList.objects.filter(region=region, programme=programme, taken_down_on__isnull=True).update(
            taken_down_on=clock.today()
        )
        record(
            "decisions.take_down_standing_list",
            actor=acting_user,
            subject_type="place",
            subject_id=region,
            region=region,
            after={"programme": programme, "lists": down},
        )
    return int(down)
