"""Verbs of the officer on applications that came from phones: accept, tell once what is missing, refuse with reasons.

Nothing sent is ever left without an answer: it is accepted, asked about, refused in writing or taken back by who sent it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.errors import DutySeparationError
from tuodi.cases.guard import logs_blocks
from tuodi.cases.states import move
from tuodi.intake.application_actions import Agent, accept_application
from tuodi.intake.errors import ApplicationInputError
from tuodi.intake.models import Application, OnlineApplication, OnlinePaper
from tuodi.intake.online_content import Content, drop_papers, open_content
from tuodi.intake.online_errors import AskedOnceError, OnlineStateError
from tuodi.intake.online_forms import form_of, shown
from tuodi.intake.online_states import ONLINE_MOVES, OPEN, OnlineState
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.messages.outbox import send
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import actions as people
from tuodi.people import residents, secrets
from tuodi.people.enums import AreaKind, Programme
from tuodi.people.models import Household, Person, ResidentAccount
from tuodi.people.queries import household_of, members_on

__all__ = ["Accepted", "accept", "ask_missing", "refuse", "wipe_drafts"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What acceptance made.

    Attributes:
        persons: Place of each member as entered -> the person on the register.
        new: How many of them were registered now.
    """

    application: Application
    household: Household
    persons: Mapping[int, Person]
    new: int


def _locked(online: OnlineApplication, acting_user: User, *states: str) -> OnlineApplication:
    access.require(acting_user, DutyCode.ACCEPT, online.region)
    row = OnlineApplication.objects.select_for_update(of=("self",)).get(pk=online.pk)
    if row.state not in states:
        raise OnlineStateError(row.no or "", row.get_state_display())
    if row.staff_id == acting_user.pk:
        raise DutySeparationError(row.no or "", "本人代办的申请", user=acting_user.pk, bar="agent")
    return row


@logs_blocks
@transaction.atomic
def accept(
    online: OnlineApplication,
    *,
    acting_user: User,
    programme: str = "",
    area_kind: str = "",
    materials: Mapping[str, bool] | None = None,
    marks: Sequence[str] = (),
) -> Accepted:
    """Accepts: family and persons are registered where they are not yet, and the case begins.

    Args:
        programme: Needed where the applicant was not sure; else what he chose.
        area_kind: Urban or rural, needed for a family that is registered now.
        materials: Papers asked for -> received; what was photographed is received already.

    Raises:
        As `accept_application`; OnlineStateError; MembershipError: Somebody belongs to another family: settle that first.
    """
    row = _locked(online, acting_user, *OPEN)
    content = open_content(row)
    wanted = programme or row.programme
    if wanted not in Programme.values:
        raise ApplicationInputError("申请项目", "没有选。申请人写的是“说不准”，请按家庭情况选一项。")
    persons, new = _register(row, content, acting_user)
    household, joined = _household(row, content, persons, acting_user, area_kind)
    papers = {_paper_label(row, paper): paper for paper in row.papers.select_related("file").order_by("id")}
    papers = {label: paper for label, paper in papers.items() if label}
    application = accept_application(
        acting_user=acting_user,
        household=household,
        programme=wanted,
        applicant=persons[0],
        channel=Application.Channel.ONLINE,
        applied_on=row.sent_at.astimezone(clock.BEIJING).date() if row.sent_at else None,
        reason=_reason(row, content),
        materials={**(materials or {}), **dict.fromkeys(papers, True)},
        agent=_agent(row, content),
        declares_kin=content.answers.get("kin") == "yes",
        marks=marks,
        phones=_phones(row, content),
    )
    for label, paper in papers.items():
        application.materials.filter(name=label).update(file=paper.file)
    move(f"网上申请 {row.no} ", ONLINE_MOVES, row.state, OnlineState.ACCEPTED)
    row.state, row.application, row.household = OnlineState.ACCEPTED, application, household
    row.person = row.person or persons[0]
    row.programme = wanted
    _close(row, acting_user)
    _audit("accept_online", acting_user, row, case=application.case.no, new_persons=new, joined=joined)
    return Accepted(application, household, persons, new)


def _register(row: OnlineApplication, content: Content, user: User) -> tuple[dict[int, Person], int]:
    found: dict[int, Person] = {}
    new = 0
    for place, member in enumerate(content.members):
        person = Person.objects.filter(pk=member["person"]).first() if member.get("person") else None
        if person is None and member.get("id"):
            known = Person.objects.filter(
                id_index__in=secrets.id_indexes(member["id"]), region__startswith=row.region[:6]
            )
            person = known.first()
        if person is None:
            person = people.register_person(
                acting_user=user, region=row.region, name=member["name"], id_text=member.get("id") or None,
                phone=content.answers.get("phone", "") if place == 0 else "", address=content.answers.get("address", ""),
            )  # fmt: skip
            new += 1
        found[place] = person
    return found, new


def _household(
    row: OnlineApplication, content: Content, persons: Mapping[int, Person], user: User, area_kind: str
) -> tuple[Household, int]:
    today = clock.today()
    household = row.household or household_of(persons[0], today)
    if household is None:
        if area_kind not in AreaKind.values:
            raise ApplicationInputError("城乡", "没有选。新登记的家庭请选城市或农村。")
        rest = [(persons[at], one["relation"]) for at, one in enumerate(content.members) if at]
        household = people.form_household(
            acting_user=user, region=row.region, head=persons[0], area_kind=area_kind, on=today, members=rest,
            address=content.answers.get("address", ""),
        )  # fmt: skip
        return household, len(rest)
    present = {one.person_id for one in members_on(household, today)}
    joined = 0
    for place, person in persons.items():
        if person.pk not in present:
            people.add_member(
                acting_user=user, household=household, person=person,
                relation=content.members[place]["relation"], on=today,
            )  # fmt: skip
            joined += 1
    return household, joined


def _agent(row: OnlineApplication, content: Content) -> Agent | None:
    if not row.for_other:
        return None
    relation = content.answers.get("agent_relation", "")
    form = form_of(row.form_key, row.region, clock.today())
    label = form.question("agent_relation").options.get(relation, relation)
    if row.staff is not None:
        return Agent(name=row.staff.name, relation=label, user=row.staff, has_mandate="mandate" in content.signed)
    if row.account is None:
        return None
    number = secrets.open_id(row.account.person)
    return Agent(name=row.agent_name, relation=label, id_text=number, has_mandate="mandate" in content.signed)


def _reason(row: OnlineApplication, content: Content) -> str:
    form = form_of(row.form_key, row.region, clock.today())
    return f"网上申请 {row.no}：{shown(form.question('reason'), content.answers.get('reason'))}"


def _paper_label(row: OnlineApplication, paper: OnlinePaper) -> str:
    form = form_of(row.form_key, row.region, clock.today())
    options = {name: label for one in form.questions() if one.kind == "photos" for name, label in one.options.items()}
    return options.get(paper.kind, "手签单" if paper.kind == "signature" else "")


@transaction.atomic
def ask_missing(
    online: OnlineApplication, *, acting_user: User, items: Sequence[str], until: date, note: str = ""
) -> OnlineApplication:
    """Tells the applicant, once and all at once, what is missing (一次性告知, [57] art 10).

    Args:
        until: Last day to bring it; what does not come may still be owed on the receipt.

    Raises:
        AskedOnceError: It was told before.
    """
    row = _locked(online, acting_user, *OPEN)
    if row.asked_at is not None:
        raise AskedOnceError(row.no or "", f"{row.asked_at:%Y-%m-%d}")
    wanted = [item.replace("\x00", "").strip()[:80] for item in items if item.strip()]
    if not wanted:
        raise ApplicationInputError("须补材料", "没有写。请把缺的一次写全，一行一项。")
    if until <= clock.today():
        raise ApplicationInputError("补齐期限", f" {until} 不晚于今天。请给申请人留出时间。")
    move(f"网上申请 {row.no} ", ONLINE_MOVES, row.state, OnlineState.ASKED)
    row.state, row.asked_at, row.asked_by = OnlineState.ASKED, clock.now(), acting_user
    row.asked_items, row.asked_until, row.asked_note = wanted, until, note.strip()[:500]
    row.save()
    _audit("ask_missing", acting_user, row, items=len(wanted), until=until)
    _tell(row, open_content(row), "materials_missing", no=row.no, count=len(wanted), until=f"{until:%m月%d日}")
    return row


@transaction.atomic
def refuse(online: OnlineApplication, *, acting_user: User, reasons: str) -> OnlineApplication:
    """Does not accept, with the reasons in writing and the way on; the applicant is told.

    Raises:
        ApplicationInputError: No reasons.
    """
    row = _locked(online, acting_user, *OPEN)
    if len(reasons.strip()) < 5:
        raise ApplicationInputError("理由", "没有写清楚。不予受理须写明理由和申请人可以怎么办。")
    move(f"网上申请 {row.no} ", ONLINE_MOVES, row.state, OnlineState.REFUSED)
    row.state, row.reasons = OnlineState.REFUSED, reasons.strip()[:2000]
    _close(row, acting_user)
    _audit("refuse_online", acting_user, row)
    _tell(row, open_content(row), "answer_given", what="网上申请", no=row.no)
    return row


def _close(row: OnlineApplication, user: User) -> None:
    row.closed_at, row.closed_by = clock.now(), user
    row.save()


def _tell(row: OnlineApplication, content: Content, template: str, **facts: Any) -> None:
    """One message to the family, and one to who filled it in for it; the agent is told no more than the number."""
    for number in _phones(row, content):
        send(template, number, {**facts, "hotline": settings.HOTLINE}, region=row.region)


def _phones(row: OnlineApplication, content: Content) -> list[str]:
    """Mobile numbers that stand for the family: what it gave, and that of who filled it in."""
    numbers = {content.answers.get("phone", "")}
    if row.account_id:
        account = ResidentAccount.objects.select_related("person").get(pk=row.account_id)
        numbers.add(residents.phone_on_file(account.person, account))
    return sorted(number for number in numbers if number[:1] == "1" and len(number) == 11)


def wipe_drafts() -> int:
    """Destroys drafts nobody has touched within their time, with their photographs. Run daily, in each place's scope.

    Returns: how many.
    """
    today, count = clock.today(), 0
    places: dict[str, int] = {}
    for number in list(
        OnlineApplication.objects.filter(state=OnlineState.DRAFT, keep_until__lt=today).values_list("pk", flat=True)
    ):
        with transaction.atomic():
            row = OnlineApplication.objects.select_for_update(of=("self",)).filter(pk=number).first()
            if row is None or row.state != OnlineState.DRAFT or row.keep_until is None or row.keep_until >= today:
                continue
            drop_papers(list(row.papers.select_related("file")))
            row.delete()
        count += 1
        places[row.region[:6]] = places.get(row.region[:6], 0) + 1
    for place, wiped in sorted(places.items()):
        record(
            "intake.wipe_drafts", actor=None, subject_type="onlineapplication", subject_id="", region=pad12(place),
            after={"wiped": wiped, "before": today - timedelta(days=1)},
        )  # fmt: skip
    return count


def _audit(action: str, user: User, row: OnlineApplication, **after: Any) -> None:
    record(
        f"intake.{action}",
        actor=user,
        subject_type="onlineapplication",
        subject_id=row.pk,
        region=row.region,
        case_no=row.application.case.no if row.application else None,
        after={"no": row.no, "state": row.state, "programme": row.programme, **after},
    )
