"""Verbs on patrols and discoveries: plan a month's patrols, do one, report what was found, answer a report.

States: planned > done > reported > converted / no_need. A grid worker patrols; the township answers. An urgent report
stands in the emergency queue of the room above, which takes it from here (`settle_discovery` says that it did).
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.cases.models import Case
from tuodi.cases.series import next_no
from tuodi.cases.states import go
from tuodi.files.images import read_picture
from tuodi.files.models import StoredFile
from tuodi.files.store import put_bytes
from tuodi.intake.application_actions import Agent, accept_application
from tuodi.intake.discovery_states import (
    DISCOVERY_MOVES,
    PATROL_MOVES,
    DiscoveryState,
    EventType,
    PatrolState,
)
from tuodi.intake.errors import DiscoveryInputError
from tuodi.intake.models import Application, Discovery, PatrolTask
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import AtRisk, Household, Membership, Person
from tuodi.people.queries import household_of

__all__ = [
    "ANSWERERS",
    "PATROLLERS",
    "convert_discovery",
    "dismiss_discovery",
    "do_patrol",
    "drop_patrol",
    "plan_patrols",
    "report_discovery",
    "settle_discovery",
]

#: Who patrols and reports, and who answers a report.
PATROLLERS = (DutyCode.VISIT, DutyCode.ACCEPT, DutyCode.REVIEW)
ANSWERERS = (DutyCode.ACCEPT, DutyCode.REVIEW)


@transaction.atomic
def plan_patrols(*, acting_user: User | None, place: str, month: Month) -> int:
    """Makes the month's patrols of everybody at risk in a place who has none yet, each given to his village's grid worker.

    One task a person, whatever his classes. Run again, it adds only whom the list has gained.

    Args:
        acting_user: None = the system (the monthly job), inside a scope.
        place: Significant digits of the range; empty = the whole scope.

    Returns:
        How many were made.
    """
    if acting_user is not None:
        access.require_any(acting_user, PATROLLERS, pad12(place))
    low, high = place, f"{place}~"
    listed = (
        AtRisk.objects.filter(region__gte=low, region__lt=high, ended_on__isnull=True, listed_on__lte=month.last_day)
        .filter(person__died_on__isnull=True)
        .select_related("person")
        .order_by("region", "person_id", "id")
    )
    known = set(
        PatrolTask.objects.filter(month=month.yyyymm, region__gte=low, region__lt=high).values_list(
            "person_id", flat=True
        )
    )
    by_person: dict[int, list[AtRisk]] = {}
    for row in listed:
        if row.person_id not in known:
            by_person.setdefault(row.person_id, []).append(row)
    homes = dict(
        Membership.objects.filter(person__in=list(by_person), until__isnull=True).values_list(
            "person_id", "household_id"
        )
    )
    workers = _workers({rows[0].region for rows in by_person.values()})
    now = clock.now()
    made = PatrolTask.objects.bulk_create(
        PatrolTask(
            region=rows[0].region,
            person_id=person,
            household_id=homes.get(person),
            month=month.yyyymm,
            due_on=month.last_day,
            grid=rows[0].grid,
            risk_classes=sorted({row.risk_class for row in rows}),
            patroller_id=workers.get(rows[0].region),
            planned_at=now,
        )
        for person, rows in by_person.items()
    )
    if made:
        record(
            "intake.plan_patrols",
            actor=acting_user,
            subject_type="patroltask",
            subject_id=month.yyyymm,
            region=place.ljust(12, "0"),
            after={"month": month.yyyymm, "planned": len(made)},
        )
    return len(made)


def _workers(regions: set[str]) -> dict[str, int]:
    """The grid worker of each village: the first of its office who holds the visiting duty; a village without one has none."""
    today = clock.today()
    found: dict[str, int] = {}
    rows = (
        User.objects.filter(is_active=True, office__place_code__in=list(regions), duties__code=DutyCode.VISIT)
        .filter(duties__since__lte=today)
        .filter(Q(duties__until__isnull=True) | Q(duties__until__gt=today))
        .order_by("id")
        .values_list("office__place_code", "id")
    )
    for place, pk in rows:
        found.setdefault(place, pk)
    return found


@transaction.atomic
def do_patrol(
    task: PatrolTask,
    *,
    acting_user: User,
    note: str = "",
    photo: bytes | None = None,
    latitude: Any = None,
    longitude: Any = None,
) -> PatrolTask:
    """Notes that the person was looked in on and nothing is wrong. What is wrong is reported (`report_discovery`).

    Raises:
        MoveRefusedError: It is done, or was dropped. NotFoundError, AccessDeniedError.
    """
    task = _task(task, acting_user)
    go("巡查任务", PATROL_MOVES, task.state, PatrolState.DONE)
    _seen(task, acting_user, PatrolState.DONE, note, photo, latitude, longitude)
    _audit("do_patrol", acting_user, task.region, "patroltask", task.pk, state=task.state, month=task.month)
    return task


@transaction.atomic
def drop_patrol(task: PatrolTask, *, acting_user: User, reason: str) -> PatrolTask:
    """Takes a patrol off the list: the person moved away, died or is in an institution; with the reason."""
    task = _task(task, acting_user)
    if not reason.strip():
        raise DiscoveryInputError("原因", "没有填写。请写明为什么不用巡查。")
    go("巡查任务", PATROL_MOVES, task.state, PatrolState.DROPPED)
    task.state, task.note = PatrolState.DROPPED, reason.strip()[:500]
    task.save(update_fields=["state", "note"])
    _audit("drop_patrol", acting_user, task.region, "patroltask", task.pk, state=task.state, reason=task.note)
    return task


def _task(task: PatrolTask, user: User) -> PatrolTask:
    access.require_any(user, PATROLLERS, task.region)
    rows = PatrolTask.objects.select_for_update(of=("self",)).select_related("person", "household")
    return access.one(rows, user=user, what="巡查任务", pk=task.pk)


def _seen(
    task: PatrolTask, user: User, state: PatrolState, note: str, photo: bytes | None, latitude: Any, longitude: Any
) -> None:
    task.state, task.done_at, task.done_by = state, clock.now(), user
    task.note, task.latitude, task.longitude = note.strip()[:500], latitude, longitude
    if photo:
        task.photo = _picture(photo, task.region, user)
    task.save(update_fields=["state", "done_at", "done_by", "note", "latitude", "longitude", "photo"])
    AtRisk.objects.filter(person=task.person_id, ended_on__isnull=True).update(last_checked=clock.today())


def _picture(data: bytes, region: str, user: User) -> StoredFile:
    """Raises ImageRefusedError: no photograph."""
    picture = read_picture(data)
    return put_bytes(
        picture.data,
        region=region,
        name=f"patrol.{picture.suffix}",
        purpose="patrol_photo",
        media_type=picture.media_type,
        by_id=user.pk,
    )


@transaction.atomic
def report_discovery(
    *,
    acting_user: User,
    region: str,
    event_type: str,
    story: str,
    person: Person | None = None,
    household: Household | None = None,
    name: str = "",
    urgent: bool = False,
    task: PatrolTask | None = None,
    place_note: str = "",
    photo: bytes | None = None,
    latitude: Any = None,
    longitude: Any = None,
) -> Discovery:
    """Reports hardship that was found, on a patrol or by chance. An urgent one stands in the emergency queue at once.

    Args:
        region: Where; of a patrol, the task's.
        event_type: One of `EventType`.
        person, household: Where they are registered; else `name` says who it is.
        task: The patrol it was found on; it becomes reported.

    Raises:
        DiscoveryInputError; ImageRefusedError; MoveRefusedError: The patrol was reported before.
    """
    access.require_any(acting_user, PATROLLERS, region)
    if event_type not in EventType.values:
        raise DiscoveryInputError("困难", f"“{event_type}”不认识。可选：{'、'.join(EventType.labels)}。")
    if not story.strip():
        raise DiscoveryInputError("情况", "没有填写。请写明看到了什么、缺什么。")
    if task is not None:
        task = _task(task, acting_user)
        region, person = task.region, task.person
        household = household or task.household
        go("巡查任务", PATROL_MOVES, task.state, PatrolState.REPORTED)
    if person is not None and household is None:
        household = household_of(person, clock.today())
    if household is not None and person is None:
        person = household.head
    who = name.strip() or (person.name if person else "")
    if not who:
        raise DiscoveryInputError("姓名", "没有填写。不知道姓名的，写“不详”和特征。")
    picture = _picture(photo, region, acting_user) if photo else None
    discovery = Discovery.objects.create(
        region=region,
        no=next_no("discovery", region, clock.today()),
        task=task,
        person=person,
        household=household,
        name=who[:60],
        event_type=event_type,
        urgent=urgent,
        story=story.strip(),
        place_note=place_note.strip()[:100],
        photo=picture,
        latitude=latitude,
        longitude=longitude,
        reported_at=clock.now(),
        reported_by=acting_user,
    )
    if task is not None:
        _seen(task, acting_user, PatrolState.REPORTED, story, None, latitude, longitude)
    _told("report_discovery", acting_user, discovery, event_type=event_type, urgent=urgent)
    return discovery


@transaction.atomic
def convert_discovery(
    discovery: Discovery, *, acting_user: User, programme: str, household: Household | None = None, reason: str = ""
) -> Application:
    """Raises an application on the person's behalf; who reported it stands as the agent and keeps away from its steps.

    An officer who accepts what he found himself accepts it as an officer, with no agent.

    Args:
        household: The family, where the report named none.

    Raises:
        DiscoveryInputError: No family. MoveRefusedError: It has been answered. What `accept_application` raises.
    """
    discovery = _open(discovery, acting_user)
    home = household or discovery.household
    if home is None:
        raise DiscoveryInputError("家庭", "还没有登记。请先登记家庭，再代为申请。")
    reporter = discovery.reported_by
    agent = Agent(reporter.name, "主动发现", user=reporter) if reporter.pk != acting_user.pk else None
    person = discovery.person if discovery.household_id == home.pk else None
    application = accept_application(
        acting_user=acting_user,
        household=home,
        programme=programme,
        applicant=person,
        channel=Application.Channel.DISCOVERED,
        reason=reason.strip() or discovery.story,
        agent=agent,
    )
    _settle(
        discovery, acting_user, DiscoveryState.CONVERTED, reason, case=application.case, matter_no=application.case.no
    )
    return application


@transaction.atomic
def settle_discovery(
    discovery: Discovery, *, acting_user: User, matter_no: str, household: Household | None = None, reason: str = ""
) -> Discovery:
    """Notes that a report was taken up elsewhere: an emergency, a need at the door, a ticket, by its number.

    Raises: MoveRefusedError: It has been answered.
    """
    discovery = _open(discovery, acting_user)
    if not matter_no.strip():
        raise DiscoveryInputError("转办编号", "没有填写。")
    discovery.household = discovery.household or household
    return _settle(discovery, acting_user, DiscoveryState.CONVERTED, reason, case=None, matter_no=matter_no.strip())


@transaction.atomic
def dismiss_discovery(discovery: Discovery, *, acting_user: User, reason: str) -> Discovery:
    """Answers a report that needs no help, with the reason.

    Raises: DiscoveryInputError: No reason. MoveRefusedError: It has been answered.
    """
    discovery = _open(discovery, acting_user)
    if not reason.strip():
        raise DiscoveryInputError("理由", "没有填写。请写明为什么不需要救助。")
    return _settle(discovery, acting_user, DiscoveryState.NO_NEED, reason, case=None, matter_no="")


def _open(discovery: Discovery, user: User) -> Discovery:
    access.require_any(user, ANSWERERS, discovery.region)
    rows = Discovery.objects.select_for_update(of=("self",)).select_related(
        "person", "household", "reported_by", "task"
    )
    return access.one(rows, user=user, what="主动发现", pk=discovery.pk)


def _settle(
    discovery: Discovery, user: User, state: DiscoveryState, reason: str, *, case: Case | None, matter_no: str
) -> Discovery:
    go(f"主动发现 {discovery.no} ", DISCOVERY_MOVES, discovery.state, state)
    discovery.state, discovery.case, discovery.matter_no = state, case, matter_no
    discovery.answered_at, discovery.answered_by, discovery.reason = clock.now(), user, reason.strip()[:300]
    discovery.save()
    if discovery.task is not None:
        after = PatrolState(state.value)
        go("巡查任务", PATROL_MOVES, discovery.task.state, after)
        discovery.task.state = after
        discovery.task.save(update_fields=["state"])
    _told("answer_discovery", user, discovery, reason=discovery.reason, matter_no=matter_no)
    return discovery


def _told(action: str, user: User, discovery: Discovery, **after: Any) -> None:
    _audit(
        action,
        user,
        discovery.region,
        "discovery",
        discovery.pk,
        case_no=discovery.case.no if discovery.case else None,
        no=discovery.no,
        state=discovery.state,
        **after,
    )


def _audit(
    action: str, user: User, region: str, kind: str, pk: int, *, case_no: str | None = None, **after: Any
) -> None:
    record(
        f"intake.{action}", actor=user, subject_type=kind, subject_id=pk, region=region, case_no=case_no, after=after
    )
