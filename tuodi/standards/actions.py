"""Verbs of a proposal: draft, set values, ask for opinions, answer, deal with, approve, publish, bring into force, withdraw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, Office, User
from tuodi.policy.book import Book
from tuodi.policy.faults import PolicyErrors
from tuodi.policy.model import lies_in
from tuodi.rules import FamilyErrors
from tuodi.standards import queries, rules
from tuodi.standards.book import draft_rows, forget, print_of, proposed_over
from tuodi.standards.errors import (
    BelowFloorError,
    OpinionsOpenError,
    ProposalHandsError,
    ProposalInputError,
    ProposalStateError,
)
from tuodi.standards.floors import Floor, floors
from tuodi.standards.models import AdoptedValue, Opinion, Proposal, ProposalValue
from tuodi.standards.states import MOVES, Body, ProposalState, Stance

__all__ = [
    "answer", "approve", "consult", "draft", "enter_into_force", "handle", "publish", "put_values", "recall", "withdraw",
]  # fmt: skip

#: Place facts a proposal may state as its basis.
BASIS = ("consumption_prior_urban", "consumption_prior_rural")
_LIMITS = {"标题": 120, "依据出处": 200}


def _locked(proposal: Proposal) -> Proposal:
    return access.locked(Proposal.objects.all(), proposal.pk, what="调标方案")


def _move(proposal: Proposal, to: ProposalState) -> None:
    if to not in MOVES[proposal.state]:
        raise ProposalStateError(proposal.no, proposal.get_state_display(), to.label)
    proposal.state = to


def _audit(
    verb: str, actor: User | None, proposal: Proposal, before: Mapping[str, Any] | None = None, **after: Any
) -> None:
    record(
        f"standards.{verb}", actor=actor, subject_type="proposal", subject_id=proposal.pk, region=pad12(proposal.place),
        before=dict(before) if before else None, after={"no": proposal.no, "state": proposal.state, **after},
    )  # fmt: skip


@transaction.atomic
def draft(*, acting_user: User, place: str, title: str, effective_on: date, hypothetical: bool = False) -> Proposal:
    """Begins a proposal; it has no values yet.

    Args:
        place: significant digits of the range the values will lie in.

    Raises: ProposalInputError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.STANDARDS, pad12(place))
    if not title.strip():
        raise ProposalInputError("名称", "必须填写，例如“2017 年秋季城市低保提标”")
    proposal = Proposal.objects.create(
        no=_next_no(place, effective_on.year), hands=[acting_user.pk], place=place, title=title.strip()[:120], effective_on=effective_on,
        hypothetical=hypothetical, created_at=clock.now(), created_by=acting_user, edited_by=acting_user,
    )  # fmt: skip
    _audit("draft", acting_user, proposal, effective_on=effective_on.isoformat())
    return proposal


def _next_no(place: str, year: int) -> str:
    """One more than the highest number given, for a proposal keeps its number when its day moves to another year."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('tuodi.standards:' || %s, %s))", [place, year])
    start = f"TB-{place}-{year}-"
    given = Proposal.objects.filter(no__startswith=start).values_list("no", flat=True)
    return f"{start}{max((int(no.removeprefix(start)) for no in given), default=0) + 1:02d}"


@transaction.atomic
def put_values(
    proposal: Proposal, *, acting_user: User, book: Book, values: Sequence[Mapping[str, Any]], effective_on: date | None = None,
    basis: Mapping[str, str] | None = None, basis_source: str = "", rules_text: str = "",
) -> list[Floor]:  # fmt: skip
    """Sets all values of a draft at once, with the figures they rest on, and says how the floors stand.

    Args:
        values: `place`, `param`, `keys`, `value`, `unit`, `locator`; rows without a value are left out.
        basis: place facts in yuan as printed; empty ones are not known.
        rules_text: YAML of rules to be adopted with the values or alone. A text with faults is kept as a draft, its faults
            beside it (`rules_review`); it cannot be sent out.

    Raises: ProposalInputError with the row, ProposalStateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.STANDARDS, pad12(proposal.place))
    proposal = _locked(proposal)
    if proposal.state != ProposalState.DRAFT:
        raise ProposalStateError(proposal.no, proposal.get_state_display(), ProposalState.DRAFT.label)
    figures = {name: str(text).strip().replace(",", "") for name, text in (basis or {}).items() if str(text).strip()}
    unknown = set(figures) - set(BASIS)
    if unknown:
        raise ProposalInputError("测算依据", f"没有“{'、'.join(sorted(unknown))}”这一项")
    if figures and not basis_source.strip():
        raise ProposalInputError("依据出处", "填了人均消费支出，就要写明出自哪份公报或来函")
    before = [[one.place, one.param, one.keys, one.value] for one in proposal.values.order_by("id")]
    proposal.values.all().delete()
    proposal.effective_on = effective_on or proposal.effective_on
    proposal.basis, proposal.basis_source = figures, basis_source.strip()[:200]
    proposal.edited_by = acting_user
    proposal.hands = list(dict.fromkeys([*proposal.hands, acting_user.pk]))
    rows = []
    for one in values:
        text = str(one.get("value", "")).strip().replace(",", "")
        if not text:
            continue
        where = str(one.get("place") or proposal.place)
        if not lies_in(where, proposal.place, book.draft.areas):
            raise ProposalInputError("适用地", f"{where} 不在 {proposal.place} 之内，请由上级提出")
        rows.append(
            ProposalValue(
                proposal=proposal, place=where, param=str(one["param"]), keys=list(one.get("keys") or []), value=text[:30],
                unit=str(one.get("unit") or "")[:20], locator=str(one.get("locator") or "").strip()[:40],
            )
        )  # fmt: skip
    twice = len(rows) - len({(one.place, one.param, tuple(one.keys)) for one in rows})
    if twice:
        raise ProposalInputError("数值", "同一地区、同一参数、同一适用只能有一个值，请合并")
    ProposalValue.objects.bulk_create(rows)
    found = _floors(proposal, book)
    proposal.checks = {**proposal.checks, "draft": [one.as_json() for one in found]}
    rules.put_text(proposal, rules_text, acting_user, book)
    proposal.save()
    _audit(
        "put_values", acting_user, proposal, before={"values": before},
        values=[[one.place, one.param, one.keys, one.value] for one in rows], basis=figures, rules_version=proposal.rules_version,
    )  # fmt: skip
    return found


def _floors(proposal: Proposal, book: Book) -> list[Floor]:
    """How the floors stand; what cannot be read is the drafter's to mend."""
    try:
        rows = draft_rows(proposal)
        for one in proposed_over(book, rows).draft.values.values():
            if any(
                row.adopted and row.value is not None and row.value < 0
                for row in one
                if not isinstance(row.value, tuple | str | bool)
            ):
                raise ProposalInputError("数值", "不能为负")
        return floors(book, rows, proposal.effective_on, proposal.basis)
    except PolicyErrors as error:
        raise ProposalInputError("数值", "；".join(fault.message for fault in error.faults[:5])) from error
    except FamilyErrors as error:
        raise ProposalInputError("测算依据", "；".join(str(fault) for fault in error.faults[:3])) from error


def _keep_floors(proposal: Proposal, book: Book, step: str) -> list[Floor]:
    found = _floors(proposal, book)
    proposal.checks = {**proposal.checks, step: [one.as_json() for one in found]}
    return found


def _need_content(proposal: Proposal) -> None:
    if not proposal.rules_text and not proposal.values.exists():
        raise ProposalInputError("数值和规则", "还没有填任何标准，也没有写规则")


@transaction.atomic
def consult(proposal: Proposal, *, acting_user: User, book: Book, bodies: Sequence[Mapping[str, Any]]) -> list[Opinion]:
    """Asks bodies for their opinion of the values as they stand; from here the values do not change.

    Args:
        bodies: `body`, `name`, `place` (the proposal's unless given), `office` (an Office that answers on screen; None = by letter).

    Raises: ProposalInputError where a body that must be heard is not asked; ProposalStateError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.STANDARDS, pad12(proposal.place))
    proposal = _locked(proposal)
    _move(proposal, ProposalState.CONSULTED)
    _need_content(proposal)
    rules.require_sound(proposal, book)
    kinds = {str(one["body"]) for one in bodies}
    lacking = [body.label for body in queries.bodies_heard(book, proposal.place, clock.today()) if body not in kinds]
    if lacking:
        raise ProposalInputError("征求意见的单位", f"还缺{'、'.join(lacking)}")
    proposal.round += 1
    proposal.consulted_at = clock.now()
    _keep_floors(proposal, book, "consulted")
    proposal.save()
    rows = [
        Opinion.objects.create(
            proposal=proposal, round=proposal.round, body=Body(one["body"]), name=str(one["name"]).strip()[:80] or Body(one["body"]).label,
            place=str(one.get("place") or proposal.place), office=one.get("office"), asked_at=clock.now(),
        )
        for one in bodies
    ]  # fmt: skip
    _audit("consult", acting_user, proposal, round=proposal.round, asked=[one.name for one in rows])
    return rows


@transaction.atomic
def answer(opinion: Opinion, *, acting_user: User, stance: str, text: str = "", letter_no: str = "") -> Opinion:
    """A body's answer: by its own officer on screen, or by the drafter from its letter, whose number is then given.

    Raises: ProposalInputError, ProposalStateError (not being consulted, or answered already), AccessDeniedError.
    """
    opinion = Opinion.objects.select_for_update(of=("self",)).select_related("proposal").get(pk=opinion.pk)
    proposal = _locked(opinion.proposal)
    if proposal.state != ProposalState.CONSULTED or opinion.round != proposal.round or opinion.stance:
        raise ProposalStateError(proposal.no, proposal.get_state_display(), "已答复")
    if letter_no.strip():
        access.require(acting_user, DutyCode.STANDARDS, pad12(proposal.place))
    else:
        access.require(acting_user, DutyCode.STANDARDS_OPINION, pad12(opinion.place))
        if opinion.office_id is not None and opinion.office_id != acting_user.office_id:
            raise NotFoundError("征求意见")
    if stance not in (Stance.AGREE, Stance.CHANGE, Stance.OBJECT):
        raise ProposalInputError("意见", "请选择同意、同意但有修改意见或不同意")
    if stance != Stance.AGREE and not text.strip():
        raise ProposalInputError("意见内容", "不同意或有修改意见时必须写明")
    opinion.stance, opinion.text, opinion.letter_no = stance, text.strip()[:1000], letter_no.strip()[:60]
    opinion.answered_at, opinion.answered_by = clock.now(), acting_user
    opinion.save()
    _audit(
        "answer",
        acting_user,
        proposal,
        opinion=opinion.pk,
        name=opinion.name,
        stance=stance,
        letter_no=opinion.letter_no,
    )
    return opinion


@transaction.atomic
def handle(opinion: Opinion, *, acting_user: User, handling: str) -> Opinion:
    """What the drafter did about an opinion that asked for more than assent.

    Raises: ProposalInputError, ProposalStateError, AccessDeniedError.
    """
    opinion = Opinion.objects.select_for_update(of=("self",)).select_related("proposal").get(pk=opinion.pk)
    proposal = _locked(opinion.proposal)
    access.require(acting_user, DutyCode.STANDARDS, pad12(proposal.place))
    if proposal.state != ProposalState.CONSULTED or not opinion.stance:
        raise ProposalStateError(proposal.no, proposal.get_state_display(), "登记采纳情况")
    if not handling.strip():
        raise ProposalInputError("采纳情况", "请写明采纳与否和理由")
    opinion.handling, opinion.handled_by = handling.strip()[:1000], acting_user
    opinion.save(update_fields=["handling", "handled_by"])
    _audit("handle", acting_user, proposal, opinion=opinion.pk, name=opinion.name)
    return opinion


@transaction.atomic
def recall(proposal: Proposal, *, acting_user: User, reason: str) -> Proposal:
    """Takes a proposal back to draft to change its values; all bodies are asked anew afterwards."""
    access.require(acting_user, DutyCode.STANDARDS, pad12(proposal.place))
    proposal = _locked(proposal)
    if not reason.strip():
        raise ProposalInputError("退回修改的原因", "必须填写")
    _move(proposal, ProposalState.DRAFT)
    proposal.save(update_fields=["state"])
    _audit("recall", acting_user, proposal, reason=reason.strip()[:200])
    return proposal


@transaction.atomic
def approve(
    proposal: Proposal, *, acting_user: User, book: Book, unknown_note: str = "", untried_note: str = ""
) -> Proposal:
    """Approves values and rules after everybody was heard, every floor is reached and what they would do has been simulated.

    Args:
        unknown_note: why it may go on although a floor could not be tested (no consumption figure yet …).
        untried_note: why it may go on although nobody has simulated it as it stands (no roll here yet …).

    Raises:
        ProposalHandsError: the acting user drafted or edited it. OpinionsOpenError, BelowFloorError, RulesFaultyError.
        ProposalInputError: floors nobody could test, or nothing simulated, without a note. ProposalStateError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.STANDARDS_APPROVE, pad12(proposal.place))
    proposal = _locked(proposal)
    if acting_user.pk in proposal.hands:
        raise ProposalHandsError(proposal.no)
    _move(proposal, ProposalState.APPROVED)
    here = Opinion.objects.filter(proposal=proposal, round=proposal.round)
    waiting = [f"{one.name}未答复" for one in here if not one.stance]
    waiting += [
        f"{one.name}的意见未登记采纳情况"
        for one in here
        if one.stance in (Stance.CHANGE, Stance.OBJECT) and not one.handling
    ]
    if waiting:
        raise OpinionsOpenError(proposal.no, waiting)
    found = _keep_floors(proposal, book, "approved")
    _refuse_below(proposal, found)
    untested = [one for one in found if one.touched and one.result == "unknown"]
    if untested and not unknown_note.strip():
        names = "、".join(dict.fromkeys(one.label for one in untested))
        raise ProposalInputError("未知项说明", f"有底线无法检查（{names}），请写明为什么可以先批准")
    rules.require_sound(proposal, book)
    if proposal.simulated.get("print") != print_of(proposal) and not untried_note.strip():
        what = "规则现在的文本" if proposal.rules_text else "现在的数值"
        raise ProposalInputError("测算", f"{what}还没有测算过；请先测算，确实不能测算的写明为什么可以先批准")
    proposal.unknown_note, proposal.untried_note = unknown_note.strip()[:300], untried_note.strip()[:300]
    proposal.approved_at, proposal.approved_by = clock.now(), acting_user
    proposal.save()
    _audit("approve", acting_user, proposal, unknown=len(untested))
    return proposal


def _refuse_below(proposal: Proposal, found: Sequence[Floor]) -> None:
    failed = [f"{one.place_name}：{one.reason}（{one.clause}）" for one in found if one.blocking]
    if failed:
        raise BelowFloorError(proposal.no, failed)


@transaction.atomic
def publish(
    proposal: Proposal, *, acting_user: User, book: Book, doc_no: str, doc_title: str, published_on: date
) -> Proposal:
    """Enters the document that publishes values and rules: from its effective day they hold, over those of files.

    Raises: ProposalInputError, BelowFloorError, RulesFaultyError, ProposalStateError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.STANDARDS, pad12(proposal.place))
    proposal = _locked(proposal)
    _move(proposal, ProposalState.PUBLISHED)
    if not doc_no.strip() or not doc_title.strip():
        raise ProposalInputError("文号和文件名", "都必须填写，例如“荆民发〔2017〕12号”")
    if published_on > clock.today():
        raise ProposalInputError("公布日", "不能晚于今天；公布后再登记")
    known = book.instruments.get(doc_no.strip())
    if known is not None and known.title != doc_title.strip():
        raise ProposalInputError("文号", f"{doc_no.strip()} 已是《{known.title}》，文件名不一致，请核对")
    _refuse_below(proposal, _keep_floors(proposal, book, "published"))
    proposal.doc_no, proposal.doc_title = doc_no.strip()[:60], doc_title.strip()[:120]
    proposal.published_on, proposal.published_by = published_on, acting_user
    rules.require_sound(proposal, book)
    proposal.save()
    rules.adopt(proposal)
    AdoptedValue.objects.bulk_create(
        AdoptedValue(
            proposal=proposal, place=one.place, param=one.param, keys=one.keys, start=proposal.effective_on, value=one.value,
            unit=one.unit, locator=one.locator, doc_no=proposal.doc_no, doc_title=proposal.doc_title, issued_on=published_on,
            hypothetical=proposal.hypothetical, adopted_at=clock.now(),
        )
        for one in proposal.values.order_by("id")
    )  # fmt: skip
    _audit(
        "publish", acting_user, proposal, doc_no=proposal.doc_no, published_on=published_on.isoformat(),
        effective_on=proposal.effective_on.isoformat(), values=proposal.values.count(), rules_version=proposal.rules_version,
    )  # fmt: skip
    if proposal.effective_on <= clock.today():
        _in_force(proposal, acting_user)
    transaction.on_commit(forget)
    forget()
    return proposal


def _in_force(proposal: Proposal, actor: User | None) -> None:
    _move(proposal, ProposalState.IN_FORCE)
    proposal.in_force_at = clock.now()
    proposal.save(update_fields=["state", "in_force_at"])
    _audit("in_force", actor, proposal, effective_on=proposal.effective_on.isoformat())


@transaction.atomic
def enter_into_force(*, acting_user: User | None = None) -> int:
    """Notes published proposals whose day has come; how many. The values themselves hold by their own day."""
    due = Proposal.objects.select_for_update().filter(state=ProposalState.PUBLISHED, effective_on__lte=clock.today())
    found = list(due.order_by("place", "id"))
    for one in found:
        _in_force(one, acting_user)
    return len(found)


@transaction.atomic
def withdraw(proposal: Proposal, *, acting_user: User, reason: str) -> Proposal:
    """Gives a proposal up before it is published."""
    access.require_any(acting_user, (DutyCode.STANDARDS, DutyCode.STANDARDS_APPROVE), pad12(proposal.place))
    proposal = _locked(proposal)
    if not reason.strip():
        raise ProposalInputError("撤回原因", "必须填写")
    _move(proposal, ProposalState.WITHDRAWN)
    proposal.withdrawn_at, proposal.withdrawn_by = clock.now(), acting_user
    proposal.withdrawn_reason = reason.strip()[:200]
    proposal.save()
    _audit("withdraw", acting_user, proposal, reason=proposal.withdrawn_reason)
    return proposal


def answering_offices(place: str) -> list[Office]:
    """Offices in a place that have somebody who may answer on screen."""
    return list(
        Office.objects.filter(
            is_active=True, users__duties__code=DutyCode.STANDARDS_OPINION, place_code__startswith=place
        )
        .distinct()
        .order_by("place_code", "name")
    )
