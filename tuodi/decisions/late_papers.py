"""Papers that ran out of time: relief whose papers are overdue, papers asked for once and for all that did not come.

Each is raised once: the family is told (by message, else by an officer), a line on the first-contact officer's list, and on the county's, which notes what
it has the township do. Nothing ends by itself. Staff have no telephone number in the product: they are told on their list.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.calendar import due
from tuodi.cases.guard import level_of
from tuodi.cases.models import Case
from tuodi.decisions.errors import ReliefInputError
from tuodi.decisions.models import PaperAlarm, Relief
from tuodi.decisions.relief_states import ReliefState
from tuodi.intake.models import Application
from tuodi.intake.need_queries import need_of_case
from tuodi.kernel import clock
from tuodi.kernel.workdays import Unit
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name
from tuodi.people import tellings
from tuodi.policy.procedure import Limit
from tuodi.verification.rulebook import profile_value

__all__ = ["READ_DUTIES", "counts", "listing", "raise_late", "see"]

Kind = PaperAlarm.Kind
READ_DUTIES = (DutyCode.REVIEW, DutyCode.CONFIRM)


def raise_late(on: date | None = None) -> tuple[int, int]:
    """Raises, in the present scope, what has run out, and closes what has come since. Run twice on a day it does its work once.

    Returns: how many were raised, how many closed.
    """
    today = on or clock.today()
    raised = 0
    done = {(row.case_id, row.kind) for row in PaperAlarm.objects.filter(done_on__isnull=True)}
    late = Relief.objects.filter(state=ReliefState.RELIEVED, papers_due_on__lt=today, case__isnull=False)
    for relief in (
        late.exclude(case__in=_raised(Kind.RELIEF))
        .select_related("case__applicant", "case__household", "reported_by")
        .order_by("id")
    ):
        assert relief.case is not None
        assert relief.papers_due_on is not None
        _raise(Kind.RELIEF, relief.case, relief.no, relief.papers_due_on, 0, relief.reported_by, today)
        raised += 1
    owing = (
        Application.objects.filter(case__decision="", case__closed_on__isnull=True, case__accepted_on__lt=today)
        .annotate(owed=Count("materials", filter=Q(materials__received_on__isnull=True)))
        .filter(owed__gt=0)
        .exclude(case__in=_raised(Kind.MATERIALS))
        .select_related("case__applicant", "case__household", "accepted_by")
        .order_by("region", "id")
    )
    days: dict[str, int | None] = {}
    for one in owing:
        town = one.region[:9]
        if town not in days:
            days[town] = profile_value("materials_days", one.region, today)
        n = days[town]
        if n is None:
            continue
        ends = due(Limit(n, Unit.WORKDAY, clause="profile.materials_days"), one.case.accepted_on).on
        if ends is None or ends >= today:
            continue
        need = need_of_case(one.case_id)
        officer = need.officer_a if need else one.accepted_by
        _raise(Kind.MATERIALS, one.case, one.case.no, ends, one.owed, officer, today)
        raised += 1
    return raised, _close(done, today)


def _raised(kind: str) -> Any:
    return PaperAlarm.objects.filter(kind=kind).values("case")


@transaction.atomic
def _raise(kind: str, case: Case, no: str, due_on: date, count: int, officer: User, today: date) -> None:
    row, new = PaperAlarm.objects.get_or_create(
        case=case, kind=kind,
        defaults={
            "region": case.region, "no": no, "due_on": due_on, "count": count, "raised_on": today, "officer": officer,
        },
    )  # fmt: skip
    if not new:
        return
    facts: dict[str, object] = {"no": no, "until": due_on.isoformat(), "office": place_name(case.region[:9])}
    if kind == Kind.MATERIALS:
        facts["count"] = count
    template = "relief_papers_late" if kind == Kind.RELIEF else "papers_run_out"
    told = tellings.tell(template, case.household, case.applicant, f"late:{kind}:{no}", facts, case_no=case.no)
    if told.messages:
        row.message = told.messages[0]
        row.save(update_fields=["message"])
    record(
        "decisions.papers_late", actor=None, subject_type="paperalarm", subject_id=row.pk, region=row.region, case_no=case.no,
        after={"kind": kind, "no": no, "due_on": due_on, "officer": officer.pk, "told": row.message is not None},
    )  # fmt: skip


def _close(standing: set[tuple[int, str]], today: date) -> int:
    cases = [case for case, _ in standing]
    owing = set(
        Application.objects.filter(case__in=cases, materials__received_on__isnull=True, case__decision="")
        .filter(case__closed_on__isnull=True)
        .values_list("case_id", flat=True)
    )
    relieved = set(Relief.objects.filter(case__in=cases, state=ReliefState.RELIEVED).values_list("case_id", flat=True))
    over = [
        (case, kind) for case, kind in standing if case not in (relieved if kind == Kind.RELIEF else owing)
    ]  # fmt: skip
    for kind in Kind:
        PaperAlarm.objects.filter(kind=kind, case__in=[case for case, one in over if one == kind]).update(done_on=today)
    return len(over)


@transaction.atomic
def see(alarm: PaperAlarm, *, note: str, acting_user: User) -> PaperAlarm:
    """The county notes that it has seen it and what is to be done, once.

    Raises: ReliefInputError: no words, seen before, or not the county. NotFoundError, AccessDeniedError.
    """
    row = access.locked(PaperAlarm.objects.all(), alarm.pk, what="材料逾期提醒")
    access.require_any(acting_user, READ_DUTIES, row.region)
    if level_of(acting_user) not in ("COUN", "PREF"):
        raise ReliefInputError("督办意见", "由县级填写。请由县级审核、确认人员办理。")
    if row.county_seen_on is not None:
        raise ReliefInputError("督办意见", f"已于 {row.county_seen_on} 填写。")
    if not note.strip():
        raise ReliefInputError("督办意见", "没有填写。请写明要乡镇（街道）怎么办。")
    row.county_seen_on, row.county_seen_by, row.county_note = clock.today(), acting_user, note.strip()[:300]
    row.save(update_fields=["county_seen_on", "county_seen_by", "county_note"])
    record(
        "decisions.papers_late_seen", actor=acting_user, subject_type="paperalarm", subject_id=row.pk, region=row.region,
        after={"no": row.no, "note": row.county_note[:200]},
    )  # fmt: skip
    return row


def listing(show: str, user: User) -> QuerySet[PaperAlarm]:
    """Alarms: `open`, `mine` (first-contact officer), `unseen` (the county has not looked), `done`, `all`."""
    rows = PaperAlarm.objects.select_related("case__applicant", "officer", "county_seen_by")
    if show == "done":
        return rows.filter(done_on__isnull=False).order_by("-done_on", "-id")
    if show != "all":
        rows = rows.filter(done_on__isnull=True)
    if show == "mine":
        rows = rows.filter(officer=user)
    if show == "unseen":
        rows = rows.filter(county_seen_on__isnull=True)
    return rows.order_by("due_on", "id")


def counts(user: User) -> dict[str, int]:
    """How the alarms in the reader's range stand. One query."""
    is_open = Q(done_on__isnull=True)
    return PaperAlarm.objects.aggregate(
        open=Count("pk", filter=is_open),
        mine=Count("pk", filter=is_open & Q(officer=user)),
        unseen=Count("pk", filter=is_open & Q(county_seen_on__isnull=True)),
        done=Count("pk", filter=~is_open),
        all=Count("pk"),
    )
