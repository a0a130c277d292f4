"""Verbs of who applies from a phone: begin, answer, add a paper, sign, send, supply what is missing, withdraw, give up.

The tables are closed to residents; each verb opens the scope of the applicant's village for its own work, and asks for the
row by whose it is. Nothing of it is handed to anybody but the one who began it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.cases.states import move
from tuodi.intake.application_queries import running_applications
from tuodi.intake.models import OnlineApplication, OnlinePaper
from tuodi.intake.online_content import (
    MAX_MEMBERS,
    Content,
    Signer,
    adults,
    drop_papers,
    keep_paper,
    open_content,
    seal,
    signature,
)
from tuodi.intake.online_errors import DraftGoneError, OnlineInputError, OnlineStateError, OnlineTwiceError
from tuodi.intake.online_forms import ApplyForm, Page, check_page, form_for, form_of
from tuodi.intake.online_states import ONLINE_MOVES, OPEN, OnlineState
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_id
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people import residents, secrets
from tuodi.people.models import ResidentAccount
from tuodi.people.queries import household_of, members_on

__all__ = [
    "Holder", "add_member", "add_paper", "answer", "drop_draft", "pages_of", "remove_member", "remove_paper", "send", "sign",
    "signers", "start", "supply", "todo", "withdraw",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holder:
    """Who fills an application in: a resident, or a member of staff who helps a family (代办)."""

    account: ResidentAccount | None = None
    staff: User | None = None

    @property
    def name(self) -> str:
        """His full name."""
        if self.account is not None:
            return self.account.person.name
        return self.staff.name if self.staff else ""

    @property
    def actor(self) -> Any:
        """As the audit log names him."""
        return residents.actor_of(self.account) if self.account is not None else self.staff

    def owns(self) -> dict[str, Any]:
        """What his rows look like."""
        return {"account": self.account, "staff": self.staff}


def start(*, by: Holder, key: UUID, region: str = "", for_other: bool = False) -> OnlineApplication:
    """Begins an application, or goes on with the one there is: his own draft, or the one this form began.

    Args:
        region: The applicant's village, 12 characters; for oneself that of the family.
        key: Of the form that was pressed; pressed twice it gives one draft.
    """
    if not for_other and by.account is None:
        raise OnlineInputError([("for_other", "工作人员只能代办申请，请从“代办申请”进入")])
    where, household = region, None
    if not for_other and by.account is not None:
        with access.system_scope(access.NATION):
            household = household_of(by.account.person, clock.today())
            where = household.region if household else by.account.person.region
    with access.system_scope(where):
        mine = OnlineApplication.objects.filter(**by.owns())
        known = mine.filter(start_key=key).first()
        if known is None and not for_other:
            known = mine.filter(for_other=False, state=OnlineState.DRAFT).first()
        if known is not None:
            return known
        today = clock.today()
        form = form_for(where, today)
        online = OnlineApplication(
            region=where,
            for_other=for_other,
            start_key=key,
            person=by.account.person if by.account and not for_other else None,
            household=household,
            form_key=form.key,
            form_hash=form.hash,
            begun_at=clock.now(),
            **by.owns(),
        )
        content = Content()
        if not for_other and by.account is not None:
            _prefill(content, by.account, household)
        if for_other:
            content.answers["village"] = where
            content.done.append("village")
        try:
            with transaction.atomic():
                _save(online, content, form)
        except IntegrityError:  # the same form, pressed twice at once
            return mine.get(start_key=key)
        _audit("start_online", by, online, for_other=for_other)
        return online


def _prefill(content: Content, account: ResidentAccount, household: Any) -> None:
    """What the office has: members of the family with their numbers, the address, the phone."""
    people = members_on(household, clock.today()) if household else []
    for member in people:
        content.members.append(
            {
                "person": member.person_id,
                "name": member.person.name,
                "id": secrets.open_id(member.person),
                "relation": member.relation,
            }
        )
    if not people:
        person = account.person
        content.members.append(
            {"person": person.pk, "name": person.name, "id": secrets.open_id(person), "relation": "self"}
        )
    address = (household.address if household else "") or account.person.address
    if address:
        content.answers["address"] = address
    phone = residents.phone_on_file(account.person, account)
    if phone:
        content.answers["phone"] = phone


@contextmanager
def mine(uid: UUID, by: Holder, *, lock: bool = False) -> Iterator[tuple[OnlineApplication, Content, ApplyForm]]:
    """One application of a holder with its content, within the scope of its village.

    Raises: DraftGoneError, alike for one that was wiped and one of somebody else.
    """
    with access.system_scope(access.NATION):
        rows = OnlineApplication.objects.filter(uid=uid, **by.owns())
        online = (rows.select_for_update(of=("self",)) if lock else rows).first()
        if online is None:
            raise DraftGoneError(30)
        yield online, open_content(online), form_of(online.form_key, online.region, clock.today())


@contextmanager
def _draft(uid: UUID, by: Holder) -> Iterator[tuple[OnlineApplication, Content, ApplyForm]]:
    with mine(uid, by, lock=True) as (online, content, form):
        if online.state != OnlineState.DRAFT:
            raise OnlineStateError(online.no or "", online.get_state_display())
        yield online, content, form


def _save(online: OnlineApplication, content: Content, form: ApplyForm) -> None:
    online.saved_at = clock.now()
    online.keep_until = clock.today() + timedelta(days=form.keep_days)
    seal(online, content)
    online.save()


def pages_of(online: OnlineApplication, content: Content, form: ApplyForm) -> list[tuple[Page, int | None]]:
    """The pages to be answered, in order, each member's apart; what the office has is not asked."""
    found: list[tuple[Page, int | None]] = []
    for page in form.pages:
        if page.who == ("self" if online.for_other else "other"):
            continue
        if page.per and page.each:
            found += [(page, place) for place in range(len(content.members))]
        elif not _known(page, online, content):
            found.append((page, None))
    return found


def _known(page: Page, online: OnlineApplication, content: Content) -> bool:
    """Filled from the office's own records and not touched since: then it is shown at the end and not asked."""
    return (
        not online.for_other
        and page.id in ("home", "contact")
        and all(content.answers.get(one.id) for one in page.fields)
        and page.id not in content.done
    )


def todo(online: OnlineApplication, content: Content, form: ApplyForm) -> str:
    """Key of the first page that is not answered (`work`, `state.1`); empty = all are."""
    for page, place in pages_of(online, content, form):
        key = page.id if place is None else f"{page.id}.{place}"
        if key not in content.done:
            return key
    return ""


def answer(
    uid: UUID, page_id: str, raw: Mapping[str, Any], *, by: Holder, place: int | None = None
) -> OnlineApplication:
    """Takes the answers of one page.

    Args:
        place: The member, for a page asked of each.

    Raises:
        OnlineInputError: With each question's fault; nothing of the page is taken.
        DraftGoneError, OnlineStateError.
    """
    with _draft(uid, by) as (online, content, form):
        page = form.page(page_id)
        if page.each != (place is not None):
            raise OnlineInputError([(page.fields[0].id, "这个问题不是这样问的，请返回重选")])
        clean, faults = check_page(page, raw)
        if page_id == "members" and not content.members:
            faults.append(("member_name", "还没有写家庭成员，请先加上申请人本人"))
        if faults and page_id != "members":
            raise OnlineInputError(faults)
        if page_id == "members":
            if not content.members:
                raise OnlineInputError(faults[-1:])
        elif place is not None:
            if not 0 <= place < len(content.members):
                raise OnlineInputError([(page.fields[0].id, "家庭成员已经改动，请返回重选")])
            content.members[place] |= {name.removeprefix("member_"): value for name, value in clean.items()}
        else:
            for one in page.fields:
                content.answers.pop(one.id, None)
            content.answers |= clean
        _mark(content, page_id if place is None else f"{page_id}.{place}")
        _save(online, content, form)
        return online


def _mark(content: Content, key: str) -> None:
    if key not in content.done:
        content.done.append(key)
    content.signed.clear()  # whoever signed has signed something else


def add_member(uid: UUID, raw: Mapping[str, Any], *, by: Holder, place: int | None = None) -> OnlineApplication:
    """Adds a member of the family, or corrects one that was entered here; who is on the register is not rewritten.

    Raises:
        OnlineInputError: Also for a number that is entered twice.
    """
    with _draft(uid, by) as (online, content, form):
        clean, faults = check_page(form.page("members"), raw)
        others = [one for at, one in enumerate(content.members) if at != place]
        if clean.get("member_id") and clean["member_id"] in [one["id"] for one in others]:
            faults.append(("member_id", "这个身份证号码已经写过了，请核对是不是同一个人"))
        if clean.get("member_relation") == "self" and any(one["relation"] == "self" for one in others):
            faults.append(("member_relation", "户主只有一位，请重选与户主的关系"))
        if place is None and len(content.members) >= MAX_MEMBERS:
            faults.append(("member_name", f"最多写 {MAX_MEMBERS} 人，人更多的请到窗口办理"))
        if not others and clean.get("member_relation") not in (None, "self"):
            faults.append(("member_relation", "第一位请写户主本人"))
        if faults:
            raise OnlineInputError(faults)
        row = {"person": None, "name": clean["member_name"], "id": clean["member_id"],
               "relation": clean["member_relation"]}  # fmt: skip
        if place is None:
            content.members.append(row)
        elif 0 <= place < len(content.members) and content.members[place]["person"] is None:
            content.members[place] |= row
        else:
            raise OnlineInputError([("member_name", "已登记的成员不在这里改，请告诉当地民政窗口")])
        content.signed.clear()
        _save(online, content, form)
        return online


def remove_member(uid: UUID, place: int, *, by: Holder) -> OnlineApplication:
    """Takes out a member that was entered here."""
    with _draft(uid, by) as (online, content, form):
        if not 0 <= place < len(content.members) or content.members[place]["person"] is not None:
            raise OnlineInputError([("member_name", "已登记的成员不在这里改，请告诉当地民政窗口")])
        content.members.pop(place)
        # Places have moved: what was said of each member is asked again where it may be another's.
        content.done = [key for key in content.done if not key.startswith("state.")] + [
            f"state.{at}" for at, one in enumerate(content.members) if one.get("state")
        ]
        content.signed.clear()
        _save(online, content, form)
        return online


def add_paper(uid: UUID, data: bytes, kind: str, *, by: Holder) -> OnlinePaper:
    """Adds one photograph: a paper, or a sheet signed by hand (`signature`).

    Raises:
        ImageRefusedError; OnlineInputError: An unknown kind, or too many.
    """
    with mine(uid, by, lock=True) as (online, content, form):
        if online.state not in (OnlineState.DRAFT, OnlineState.ASKED):
            raise OnlineStateError(online.no or "", online.get_state_display())
        kinds = {name for one in form.questions() if one.kind == "photos" for name in one.options} | {"signature"}
        if kind not in kinds:
            raise OnlineInputError([("papers", "请选这张照片是什么材料")])
        paper = keep_paper(online, data, kind, by_id=by.staff.pk if by.staff else None)
        if online.state == OnlineState.DRAFT:
            _save(online, content, form)
        return paper


def remove_paper(uid: UUID, number: int, *, by: Holder) -> None:
    """Destroys one photograph of a draft."""
    with _draft(uid, by) as (online, content, form):
        drop_papers(list(online.papers.filter(pk=number)))
        _save(online, content, form)


def signers(online: OnlineApplication, content: Content) -> list[Signer]:
    """Who has to sign, and what: the applicant, each adult for the check of means, for others the mandate."""
    if not content.members:
        return []
    head = content.members[0]["name"]
    found = [
        Signer(f"consent.{place}", "同意核对经济状况", content.members[place]["name"], place)
        for place in adults(content, clock.today())
    ]
    found.append(Signer("applicant", "申请和承诺", head))
    if online.for_other:
        found.append(Signer("mandate", f"委托 {_agent(online)} 代办", head))
    return found


def _agent(online: OnlineApplication) -> str:
    if online.account is not None:
        return online.account.person.name
    return online.staff.name if online.staff else ""


def sign(uid: UUID, raw: Mapping[str, Mapping[str, Any]], *, by: Holder) -> OnlineApplication:
    """Takes signatures, by signer's key; the ones that are there already may stay.

    Raises:
        OnlineInputError: With the signers that are missing or whose signature is none.
    """
    with _draft(uid, by) as (online, content, form):
        papers = {paper.source_sha256: paper for paper in online.papers.filter(kind="signature")}
        faults = []
        for one in signers(online, content):
            if not raw.get(one.key):
                if one.key not in content.signed:
                    faults.append((one.key, f"{one.name}还没有签名（{one.label}）"))
                continue
            try:
                content.signed[one.key] = signature(raw[one.key], one.name, papers)
            except ValueError as error:
                faults.append((one.key, f"{one.name}{error}（{one.label}）"))
        if faults:
            raise OnlineInputError(faults)
        _save(online, content, form)
        return online


def send(uid: UUID, *, by: Holder) -> OnlineApplication:
    """Sends a draft that is answered and signed. Pressed twice it is sent once.

    Raises:
        OnlineInputError: Pages or signatures are missing. OnlineTwiceError: The same is sent already, or runs as a case.
    """
    with mine(uid, by, lock=True) as (online, content, form):
        if online.state != OnlineState.DRAFT:
            return online
        missing = todo(online, content, form)
        if missing:
            raise OnlineInputError([(missing, f"“{form.page(missing.partition('.')[0]).ask}”还没有答")])
        unsigned = [one for one in signers(online, content) if one.key not in content.signed]
        if unsigned:
            raise OnlineInputError([(one.key, f"{one.name}还没有签名（{one.label}）") for one in unsigned])
        programme = content.answers.get("programme", "")
        online.programme = "" if programme == "unsure" else programme
        _not_twice(online)
        head, today = content.members[0], clock.today()
        online.applicant_name, online.applicant_masked = head["name"], mask_id(head["id"]) if head["id"] else ""
        online.agent_name = by.name if online.for_other else ""
        online.members = len(content.members)
        online.no = next_no("online", online.region, today)
        move("网上申请", ONLINE_MOVES, online.state, OnlineState.SENT)
        online.state, online.sent_at, online.keep_until = OnlineState.SENT, clock.now(), None
        online.saved_at = online.sent_at
        online.content_hash = content.hash()
        online.save()
        _audit("send_online", by, online, members=online.members, papers=online.papers.count())
        return online


def _not_twice(online: OnlineApplication) -> None:
    if online.for_other or online.person_id is None:
        return
    same = OnlineApplication.objects.filter(person=online.person, programme=online.programme, state__in=OPEN).first()
    if same is not None and same.sent_at is not None:
        raise OnlineTwiceError(same.no or "", f"{same.sent_at:%Y-%m-%d}")
    if online.household is None or not online.programme:
        return
    running = running_applications(members_on(online.household, clock.today()), online.programme)
    if running:
        case = running[0].application.case
        raise OnlineTwiceError(case.no, f"{case.accepted_on}")


def supply(uid: UUID, photos: Sequence[tuple[bytes, str]], *, by: Holder, note: str = "") -> OnlineApplication:
    """Brings what was asked for; the application goes back into the queue.

    Raises:
        OnlineInputError: Neither a photograph nor a word.
    """
    with mine(uid, by, lock=True) as (online, content, _form):
        if online.state != OnlineState.ASKED:
            raise OnlineStateError(online.no or "", online.get_state_display())
        if not photos and not note.strip():
            raise OnlineInputError([("papers", "请拍照上传要补的材料；拿不出的，写一句说明")])
        for data, kind in photos:
            keep_paper(online, data, kind, by_id=by.staff.pk if by.staff else None)
        content.answers["supplied"] = note.replace("\x00", "").strip()[:500]
        seal(online, content)
        move(f"网上申请 {online.no} ", ONLINE_MOVES, online.state, OnlineState.SENT)
        online.state, online.supplied_at = OnlineState.SENT, clock.now()
        online.save()
        _audit("supply_online", by, online, papers=len(photos))
        return online


def withdraw(uid: UUID, *, by: Holder, reason: str = "") -> OnlineApplication:
    """Takes back what was sent and is not accepted yet."""
    with mine(uid, by, lock=True) as (online, _content, _form):
        if online.state not in OPEN:
            raise OnlineStateError(online.no or "", online.get_state_display())
        move(f"网上申请 {online.no} ", ONLINE_MOVES, online.state, OnlineState.WITHDRAWN)
        online.state, online.closed_at = OnlineState.WITHDRAWN, clock.now()
        online.reasons = reason.strip()[:500] or "申请人撤回"
        online.save()
        _audit("withdraw_online", by, online)
        return online


def drop_draft(uid: UUID, *, by: Holder) -> None:
    """Gives a draft up: it is destroyed with its photographs."""
    with _draft(uid, by) as (online, _content, _form):
        drop_papers(list(online.papers.select_related("file")))
        _audit("drop_online", by, online)
        online.delete()


def _audit(action: str, by: Holder, online: OnlineApplication, **after: Any) -> None:
    record(
        f"intake.{action}",
        actor=by.actor,
        subject_type="onlineapplication",
        subject_id=online.pk,
        region=online.region,
        after={"no": online.no or "", "state": online.state, "programme": online.programme, **after},
    )
