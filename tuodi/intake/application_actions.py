"""Verbs on applications: accept one, take in a paper that was owed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases import actions as cases
from tuodi.cases.models import Case
from tuodi.cases.series import next_no
from tuodi.crypto.fields import encrypt
from tuodi.crypto.index import blind_index
from tuodi.intake.application_queries import running_applications, standing_on_roll
from tuodi.intake.errors import (
    AlreadyApplyingError,
    AlreadyOnRollError,
    ApplicationInputError,
    MandateMissingError,
)
from tuodi.intake.models.application import Application, ApplicationMember, Material
from tuodi.kernel import clock
from tuodi.kernel.identity import normalise, parse_id
from tuodi.kernel.masking import mask_id, mask_name
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.enums import ONCE_PROGRAMMES, Programme
from tuodi.people.models import Household, Person
from tuodi.people.queries import members_on
from tuodi.people.tellings import tell

__all__ = ["EMERGENCY", "EXPENSE", "Agent", "accept_application", "receive_material"]

#: Marks of a case of temporary relief: relief first and papers after, or the full procedure.
EMERGENCY, EXPENSE = "emergency", "expense"


@dataclass(frozen=True, slots=True)
class Agent:
    """Who applies for the family.

    Attributes:
        name: Full name. relation: To the applicant, in words.
        id_text: Identity number; empty = not given.
        has_mandate: A written mandate was handed in. Staff who bring a case (`user`) need none.
        user: The member of staff, if the agent is one; barred from every step of the case.
    """

    name: str
    relation: str = ""
    id_text: str = ""
    has_mandate: bool = False
    user: User | None = None


@transaction.atomic
def accept_application(
    *,
    acting_user: User,
    household: Household,
    programme: str,
    applicant: Person | None = None,
    channel: str = Application.Channel.WINDOW,
    applied_on: date | None = None,
    reason: str = "",
    materials: Mapping[str, bool] | None = None,
    agent: Agent | None = None,
    declares_kin: bool = False,
    marks: Iterable[str] = (),
    phones: Sequence[str] = (),
) -> Application:
    """Accepts an application: opens its case, gives it a number and a receipt, and tells the family.

    The family is the household's members on this day. Nobody may be in two running applications of a programme, or
    apply for what he receives.

    Args:
        household: Registered before; its region decides the place and the procedure.
        applicant: One of the members; default the head.
        applied_on: Day the application was handed in; default today, never later.
        materials: Name of each paper asked for -> received. What is missing is listed on the receipt.
        agent: Who applies for the family; None = a member himself.
        declares_kin: The applicant declares a near relative among staff (kept apart, [57] art 11).
        marks: `EMERGENCY` for relief first (then several may run beside each other), and other circumstances known now (人户分离、异地申请 …).
        phones: Numbers that stand for the family in this matter: what the applicant gave, an agent's.

    Raises:
        NotFoundError, AccessDeniedError, WrongLevelError, DutySeparationError: As for every step.
        AlreadyOnRollError, AlreadyApplyingError: With the way on.
        MandateMissingError, ApplicationInputError, NoProcedureError.
    """
    access.require(acting_user, "accept", household.region)
    today = clock.today()
    people = _check(household, programme, channel, applied_on, applicant, agent, today, urgent=EMERGENCY in set(marks))
    chosen = applicant or household.head
    agent_uid, agent_columns = uuid4(), {}
    agent_index: bytes | None = None
    if agent and agent.id_text:
        number = parse_id(normalise(agent.id_text).text).text18
        agent_index = blind_index(number, "id")
        agent_columns = {
            "agent_id_cipher": encrypt(number, f"intake.agent|{agent_uid}"),
            "agent_id_index": agent_index,
            "agent_id_masked": mask_id(number),
        }
    case = cases.open_case(
        acting_user=acting_user,
        household=household,
        applicant=chosen,
        programme=programme,
        marks=_marks(programme, marks, declares_kin),
        member_indexes=[bytes(m.person.id_index) for m in people if m.person.id_index],
        agent_index=agent_index,
        agent_user=agent.user if agent else None,
        opinion=reason,
    )
    application = Application.objects.create(
        region=household.region,
        receipt_no=next_no("receipt", household.region, today),
        case=case,
        household=household,
        applicant=chosen,
        programme=programme,
        channel=channel,
        applied_on=applied_on or today,
        reason=reason.strip(),
        declares_kin=declares_kin,
        agent_uid=agent_uid,
        agent_name=agent.name.strip() if agent else "",
        agent_relation=agent.relation.strip() if agent else "",
        agent_user=agent.user if agent else None,
        has_mandate=bool(agent and agent.has_mandate),
        accepted_by=acting_user,
        accepted_at=clock.now(),
        **agent_columns,
    )
    ApplicationMember.objects.bulk_create(
        ApplicationMember(
            application=application,
            region=household.region,
            person=member.person,
            relation=member.relation,
            programme=programme,
        )
        for member in people
    )
    Material.objects.bulk_create(
        Material(application=application, region=household.region, name=name, received_on=today if received else None)
        for name, received in (materials or {}).items()
    )
    _audit("accept_application", acting_user, application, case.no, members=len(people), channel=str(channel))
    owed = sum(not received for received in (materials or {}).values())
    _tell(case, chosen, owed, phones)
    return application


def _tell(case: Case, person: Person, owed: int, phones: Sequence[str]) -> None:
    facts: dict[str, object] = {"no": case.no}
    label = Programme(case.programme).label
    tell(
        "application_received", case.household, person, f"received:{case.no}", {**facts, "programme": label},
        case_no=case.no, phones=phones,
    )  # fmt: skip
    if owed:
        tell(
            "materials_owed", case.household, person, f"owed:{case.no}", {**facts, "count": owed},
            case_no=case.no, phones=phones,
        )  # fmt: skip


def _check(
    household: Household,
    programme: str,
    channel: str,
    applied_on: date | None,
    applicant: Person | None,
    agent: Agent | None,
    today: date,
    *,
    urgent: bool,
) -> Sequence[Any]:
    if programme not in Programme.values:
        raise ApplicationInputError("项目", f"“{programme}”不认识。可选：{'、'.join(Programme.labels)}。")
    if channel not in Application.Channel.values:
        raise ApplicationInputError("渠道", f"“{channel}”不认识。可选：{'、'.join(Application.Channel.labels)}。")
    if applied_on and applied_on > today:
        raise ApplicationInputError("申请日期", f" {applied_on} 晚于今天。请核对后重填。")
    if household.closed_on is not None:
        raise ApplicationInputError("家庭", f" {household.no} 已销户。请登记现在的家庭后再受理。")
    # One lock a family: two counters that accept the same family at once take turns.
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    people = members_on(household, today)
    if not people:
        raise ApplicationInputError("家庭", "没有成员。请先登记家庭成员。")
    if applicant is not None and applicant.pk not in {member.person_id for member in people}:
        raise ApplicationInputError("申请人", "不是该家庭成员。请从家庭成员中选择，或登记为代办人。")
    if agent and not agent.name.strip():
        raise ApplicationInputError("代办人", "没有填写姓名。")
    if agent and not agent.has_mandate and agent.user is None:
        raise MandateMissingError(agent.name)
    # What is granted once for a cause is no standing benefit; whether the cause is the same the rules ask.
    standing = [] if programme in ONCE_PROGRAMMES else standing_on_roll(people, programme)
    if standing:
        entry, person = standing[0]
        label = Programme(entry.programme).label
        raise AlreadyOnRollError(
            mask_name(person.name), label, entry.household.no, same=entry.household_id == household.pk
        )
    running = [
        row
        for row in running_applications(people, programme)
        if not (programme in ONCE_PROGRAMMES and (urgent or EMERGENCY in row.application.case.marks))
    ]
    if running:
        found = running[0]
        same = found.application.household_id == household.pk
        raise AlreadyApplyingError(mask_name(found.person.name), found.application.case.no, same=same)
    return people


def _marks(programme: str, marks: Iterable[str], declares_kin: bool) -> set[str]:
    """Circumstances of a new case; relief that is no emergency takes the full procedure."""
    found = {*marks, *(("kin",) if declares_kin else ())}
    return found | ({EXPENSE} if programme in ONCE_PROGRAMMES and EMERGENCY not in found else set())


@transaction.atomic
def receive_material(application: Application, name: str, *, acting_user: User) -> Material:
    """Notes that a paper that was owed has come in. Said twice, it stays as it was.

    Raises:
        ApplicationInputError: No such paper was asked for.
    """
    access.require(acting_user, "accept", application.region)
    material = Material.objects.select_for_update().filter(application=application, name=name).first()
    if material is None:
        known = "、".join(application.materials.values_list("name", flat=True))
        raise ApplicationInputError("材料", f"“{name}”不在清单上。清单：{known}。")
    if material.received_on is None:
        material.received_on = clock.today()
        material.save(update_fields=["received_on"])
        _audit("receive_material", acting_user, application, application.case.no, material=name)
    return material


def _audit(action: str, actor: User, application: Application, case_no: str, **after: Any) -> None:
    record(
        f"intake.{action}",
        actor=actor,
        subject_type="application",
        subject_id=application.pk,
        region=application.region,
        case_no=case_no,
        after={"receipt_no": application.receipt_no, "programme": application.programme, **after},
    )
