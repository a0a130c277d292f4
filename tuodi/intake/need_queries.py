"""Reading the one door: needs, referrals, tickets and turns; and whether somebody applies or is assisted already, here or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import F, Prefetch, Q, QuerySet

from tuodi.intake.application_queries import running_applications, standing_on_roll
from tuodi.intake.models import DutyTurn, Need, NeedCase, Referral, Ticket
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_id, mask_name
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import Duty, DutyCode, User
from tuodi.org.places import place_name
from tuodi.people import secrets
from tuodi.people.enums import Programme
from tuodi.people.models import Household, Membership
from tuodi.people.queries import members_on

__all__ = [
    "Obstacle",
    "access_need",
    "access_ticket",
    "elsewhere",
    "my_needs",
    "my_tickets",
    "need_of_case",
    "obstacles",
    "open_needs",
    "open_tickets",
    "second_officers",
    "turns_on",
    "waiting_referrals",
]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why an application may be a second one, told before acceptance.

    Attributes:
        stops: Acceptance would be refused; else it is a warning.
        text: What there is. way: What to do instead, or first.
        household_id, case_id: Where the reader may go; null = out of his range.
    """

    stops: bool
    text: str
    way: str
    household_id: int | None = None
    case_id: int | None = None


def access_need(user: User, pk: int) -> Need:
    """One need in the user's range. Raises NotFoundError alike for absent and forbidden."""
    rows = Need.objects.select_related("household__head", "speaker", "officer_a", "officer_b")
    return access.one(rows, user=user, what="需求登记", pk=pk)


def access_ticket(user: User, pk: int) -> Ticket:
    """One ticket in the user's range."""
    rows = Ticket.objects.select_related("officer_a", "assigned_to", "need", "case", "closed_by")
    return access.one(rows, user=user, what="工单", pk=pk)


def my_needs(user: User, *, state: str = Need.State.OPEN) -> QuerySet[Need]:
    """Needs the user answers for, alone or as stand-in, with their cases and referrals; the oldest first."""
    cases = NeedCase.objects.select_related("application__case").order_by("id")
    return (
        Need.objects.filter(Q(officer_a=user) | Q(officer_b=user), state=state)
        .select_related("household__head", "officer_a", "officer_b")
        .prefetch_related(Prefetch("cases", queryset=cases), Prefetch("referrals", Referral.objects.order_by("id")))
        .order_by("id")
    )


def open_needs() -> QuerySet[Need]:
    """Open needs in the reader's range, the oldest first."""
    return (
        Need.objects.filter(state=Need.State.OPEN)
        .select_related("household__head", "officer_a", "officer_b")
        .order_by("id")
    )


def need_of_case(case_id: int) -> Need | None:
    """The need a case was split off from; null = it came another way."""
    found = (
        NeedCase.objects.filter(application__case=case_id).select_related("need__officer_a", "need__officer_b").first()
    )
    return found.need if found else None


def waiting_referrals() -> QuerySet[Referral]:
    """Referrals without an answer in the reader's range; those due first come first."""
    return (
        Referral.objects.filter(outcome="")
        .select_related("need__household__head", "need__officer_a")
        .order_by(F("due_on").asc(nulls_last=True), "id")
    )


def open_tickets() -> QuerySet[Ticket]:
    """Tickets that are not closed in the reader's range; urgent ones first, then the oldest."""
    return (
        Ticket.objects.exclude(state=Ticket.State.CLOSED)
        .select_related("officer_a", "assigned_to")
        .order_by("-urgent", "id")
    )


def my_tickets(user: User) -> QuerySet[Ticket]:
    """Open tickets the user handles."""
    return open_tickets().filter(assigned_to=user)


def turns_on(region: str, first: date, last: date) -> QuerySet[DutyTurn]:
    """The duty roster of a place for some days, both included."""
    return (
        DutyTurn.objects.filter(region=region, day__gte=first, day__lte=last)
        .select_related("user__office")
        .order_by("day", "line", "id")
    )


def second_officers(user: User, region: str) -> list[User]:
    """Who may stand in for a user in a place: active staff with the duty 受理 there today, himself left out."""
    today = clock.today()
    held = (
        Duty.objects.filter(code=DutyCode.ACCEPT, since__lte=today, user__is_active=True)
        .filter(Q(until__isnull=True) | Q(until__gt=today))
        .exclude(user=user)
        .select_related("user__office")
        .order_by("user__name", "id")
    )
    place = trim(region)
    found = {one.user_id: one.user for one in held if place.startswith(one.place_code) or one.place_code == "cn"}
    return [one for one in found.values() if access.in_scope(one, region)]


def obstacles(household: Household, programme: str, members: Sequence[Membership] | None = None) -> list[Obstacle]:
    """Why accepting this programme for this family would be a second time, within the reader's range."""
    people = members if members is not None else members_on(household, clock.today())
    found: list[Obstacle] = []
    for entry, person in standing_on_roll(people, programme):
        same = entry.household_id == household.pk
        label = Programme(entry.programme).label
        found.append(
            Obstacle(
                True,
                f"{mask_name(person.name)} 已在家庭 {entry.household.no} 享受“{label}”。",
                "情况有变化的办理变更，不用重新申请。" if same else "先在那一户办理该成员的迁出或停保，再受理。",
                household_id=entry.household_id,
            )
        )
    for row in running_applications(people, programme):
        case = row.application.case
        same = row.application.household_id == household.pk
        found.append(
            Obstacle(
                True,
                f"{mask_name(row.person.name)} 已在案件 {case.no} 中申请同一项目，正在办理。",
                "在原案件中继续办理。" if same else "先核实其属于哪个家庭，原案件不成立的先终止。",
                household_id=row.application.household_id,
                case_id=case.pk,
            )
        )
    return list(dict.fromkeys(found))


def elsewhere(household: Household, programmes: Sequence[str]) -> dict[str, list[Obstacle]]:
    """Whether a member applies for or receives one of some programmes outside the reader's range: whether and where only.

    One question a member, which the database writes into the audit log itself.

    Returns:
        Programme -> warnings; a programme without any is left out.
    """
    found: dict[str, list[Obstacle]] = {}
    today = clock.today()
    for member in members_on(household, today):
        number = secrets.open_id(member.person)
        if not number:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                "select place, programme, standing from intake_find_elsewhere(%s::bytea[], %s)",
                [secrets.id_indexes(number), mask_id(number)],
            )
            rows = cursor.fetchall()
        for place, programme, standing in rows:
            if programme not in programmes:
                continue
            said = "正在申请" if standing == "applying" else "正在享受"
            where, label = place_name(place, today), dict(Programme.choices).get(programme, programme)
            way = f"请先与 {where} 联系核实；确属重复的不予受理，已迁来的先在那里办理迁出或停保。"
            found.setdefault(programme, []).append(
                Obstacle(False, f"{mask_name(member.person.name)} 在 {where} {said}“{label}”。", way)
            )
    return found
