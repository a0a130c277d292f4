"""Verbs of the one door: open a need, assess it, split it into cases, refer, tell the applicant, hand over, close.

The first-contact officer and his stand-in act; anybody else is told who answers for it. What is split off goes through
`application_actions.accept_application`, one savepoint a programme, so that one refusal takes nothing else back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.calendar import due
from tuodi.cases.series import next_no
from tuodi.intake.application_actions import Agent, accept_application
from tuodi.intake.counter_book import needs_of, referral_of
from tuodi.intake.errors import NeedInputError, NeedStateError, NotYourNeedError
from tuodi.intake.models import Application, Need, NeedCase, NeedNote, Referral
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.masking import mask_name
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people import tellings
from tuodi.people.models import Household, Person, Telling
from tuodi.people.queries import members_on

__all__ = [
    "Split",
    "answer_referral",
    "close_need",
    "hand_over",
    "note_assessment",
    "open_need",
    "refer",
    "split_need",
    "tell",
]

DUTY = DutyCode.ACCEPT


@dataclass(frozen=True, slots=True)
class Split:
    """What became of one programme: its application, or the Chinese reason why there is none."""

    programme: str
    application: Application | None = None
    reason: str = ""


def _may_stand_in(user: User, region: str) -> bool:
    return access.in_scope(user, region) and access.has_duty(user, DUTY, region)


@transaction.atomic
def open_need(
    *,
    acting_user: User,
    household: Household,
    channel: str = Application.Channel.WINDOW,
    speaker: Person | None = None,
    place: str = "",
    kinds: Iterable[str] = (),
    text: str = "",
    officer_b: User | None = None,
) -> Need:
    """Notes a family's visit; the acting user becomes the first-contact officer (首问责任人).

    Args:
        household: Registered before; its region is the need's.
        speaker: The member who came; default the head.
        kinds: Codes of the needs ticked, as the place's pack lists them.
        officer_b: Stand-in (AB岗): another officer with the duty 受理 there.

    Raises:
        NotFoundError, AccessDeniedError; NeedInputError naming the field.
    """
    access.require(acting_user, DUTY, household.region)
    today = clock.today()
    if channel not in Application.Channel.values:
        raise NeedInputError("渠道", f"“{channel}”不认识。可选：{'、'.join(Application.Channel.labels)}。")
    if household.closed_on is not None:
        raise NeedInputError("家庭", f" {household.no} 已销户。请登记现在的家庭后再办理。")
    if speaker is not None and speaker.pk not in {row.person_id for row in members_on(household, today)}:
        raise NeedInputError("来访人", "不是该家庭成员。请从家庭成员中选择，或在情况里写明代办人。")
    known = {kind.code for kind in needs_of(household.region, today)}
    chosen = list(dict.fromkeys(kinds))
    strange = [kind for kind in chosen if kind not in known]
    if strange:
        raise NeedInputError("需求", f"“{strange[0]}”不认识。请从清单中勾选。")
    if not chosen and not text.strip():
        raise NeedInputError("需求", "没有勾选，也没有写明情况。请至少填一项。")
    if officer_b is not None:
        _check_second(acting_user, officer_b, household.region)
    need = Need.objects.create(
        region=household.region,
        no=next_no("need", household.region, today),
        household=household,
        speaker=speaker or household.head,
        channel=channel,
        place=place.strip()[:80],
        kinds=chosen,
        text=text.strip(),
        officer_a=acting_user,
        officer_b=officer_b,
        opened_at=clock.now(),
    )
    _audit("open_need", acting_user, need, kinds=chosen, channel=channel, officer_b=officer_b and officer_b.pk)
    return need


def _check_second(first: User, second: User, region: str) -> None:
    if second.pk == first.pk:
        raise NeedInputError("AB岗", "不能是首问责任人本人。请另选一人。")
    if not _may_stand_in(second, region):
        raise NeedInputError("AB岗", f" {second.name} 在当地没有“受理”职责。请另选一人。")


def _mine(need: Need, acting_user: User) -> Need:
    """The row, locked, for who answers for it and while it is open."""
    access.require(acting_user, DUTY, need.region)
    found = (
        Need.objects.select_for_update(of=("self",)).select_related("officer_a", "household").filter(pk=need.pk).first()
    )
    if found is None:
        raise NotFoundError("需求登记")
    if acting_user.pk not in (found.officer_a_id, found.officer_b_id):
        raise NotYourNeedError(found.no, found.officer_a.name)
    if found.state != Need.State.OPEN:
        raise NeedStateError(f"需求登记 {found.no} ", found.get_state_display(), "有新情况的，请重新登记。")
    return found


@transaction.atomic
def note_assessment(
    need: Need,
    *,
    acting_user: User,
    entered: Mapping[str, Any],
    results: Sequence[tuple[str, str, str]] = (),
) -> Need:
    """Keeps what the officer entered and what the rules then said of each programme.

    Args:
        entered: A family file's `household` and `members` (each with `person_id`); replaces what was entered before.
        results: (programme, outcome, fingerprint) of the assessment made from it.
    """
    need = _mine(need, acting_user)
    need.entered = dict(entered)
    need.assessed = [list(one) for one in results]
    need.assessed_at = clock.now()
    need.save(update_fields=["entered", "assessed", "assessed_at"])
    facts = sorted(need.entered.get("household", {}))
    _audit("assess_need", acting_user, need, facts=facts, results={name: said for name, said, _ in results})
    return need


@transaction.atomic
def split_need(
    need: Need,
    *,
    acting_user: User,
    programmes: Iterable[str],
    materials: Mapping[str, Mapping[str, bool]] | None = None,
    agent: Agent | None = None,
    declares_kin: bool = False,
    reason: str = "",
    applied_on: date | None = None,
) -> list[Split]:
    """Accepts one application a programme, each for itself.

    Args:
        materials: Programme -> name of each paper asked for -> received. What is missing is told once, in a note.
        agent, declares_kin, reason, applied_on: As for `accept_application`, the same for all.

    Returns:
        One answer a programme, in the order asked.
    """
    need = _mine(need, acting_user)
    wanted = list(dict.fromkeys(programmes))
    if not wanted:
        raise NeedInputError("项目", "没有选择。请至少选一项再受理。")
    answers: list[Split] = []
    for programme in wanted:
        papers = (materials or {}).get(programme, {})
        try:
            with transaction.atomic():
                application = accept_application(
                    acting_user=acting_user,
                    household=need.household,
                    programme=programme,
                    channel=need.channel,
                    applied_on=applied_on,
                    reason=reason or need.text,
                    materials=papers,
                    agent=agent,
                    declares_kin=declares_kin,
                )
                NeedCase.objects.create(need=need, region=need.region, application=application)
        except TuodiError as error:
            answers.append(Split(programme, None, str(error)))
            continue
        answers.append(Split(programme, application))
        owed = [name for name, received in papers.items() if not received]
        if owed:
            text = f"{application.get_programme_display()}（{application.case.no}）还缺：{'、'.join(owed)}。"
            _note(need, acting_user, NeedNote.Kind.MATERIALS, text, how=NeedNote.How.PAPER)
    _audit(
        "split_need",
        acting_user,
        need,
        cases=[one.application.case.no for one in answers if one.application],
        refused=[one.programme for one in answers if not one.application],
    )
    return answers


@transaction.atomic
def refer(
    need: Need, *, acting_user: User, programme: str, label: str, department: str = "", reason: str = ""
) -> Referral:
    """Hands a programme to the department that handles it; the day its answer is due comes from the place's pack.

    Args:
        label: What the programme is called. department: Default the pack's; must be given where it names none.

    Raises:
        NeedStateError: It waits for an answer already. NeedInputError: Nobody is named.
    """
    need = _mine(need, acting_user)
    today = clock.today()
    text = referral_of(need.region, programme, today)
    to = department.strip() or (text.department if text else "")
    if not to:
        raise NeedInputError("承办部门", "没有填写，本地也没有登记由哪个部门承办。请填写后再转办。")
    if need.referrals.filter(programme=programme, outcome="").exists():
        raise NeedStateError(f"“{label}”", "待答复", "已经转办，请等待答复，或先登记答复。")
    end = due(text.limit if text else None, today)
    referral = Referral.objects.create(
        need=need,
        region=need.region,
        programme=programme,
        label=label,
        department=to,
        reason=reason.strip(),
        clause=text.clause if text else "",
        sent_on=today,
        sent_by=acting_user,
        due_on=end.on,
        due_pending=end.pending,
    )
    _audit("refer", acting_user, need, programme=programme, department=to, due_on=end.on)
    return referral


@transaction.atomic
def answer_referral(referral: Referral, *, acting_user: User, outcome: str, answer: str) -> Referral:
    """Notes what a department answered. The first-contact officer must then tell the applicant.

    Raises:
        NeedInputError: No answer, or an unknown outcome. NeedStateError: It was answered before.
    """
    need = _mine(referral.need, acting_user)
    referral = Referral.objects.select_for_update().get(pk=referral.pk)
    if referral.outcome:
        raise NeedStateError(f"“{referral.label}”的转办", referral.get_outcome_display(), "如需再办，请重新转办。")
    if outcome not in {Referral.Outcome.GRANTED, Referral.Outcome.REFUSED, Referral.Outcome.RETURNED}:
        raise NeedInputError("结果", "没有选择。请选“已救助”“不符合条件”或“退回”。")
    if not answer.strip():
        raise NeedInputError("答复", "没有填写。请写明部门怎么答复的。")
    referral.outcome, referral.answer = outcome, answer.strip()
    referral.answered_on, referral.answered_by = clock.today(), acting_user
    referral.save(update_fields=["outcome", "answer", "answered_on", "answered_by"])
    _audit("answer_referral", acting_user, need, programme=referral.programme, outcome=outcome)
    return referral


@transaction.atomic
def tell(need: Need, *, acting_user: User, text: str, how: str, kind: str = NeedNote.Kind.TOLD) -> NeedNote:
    """Notes what the applicant was told, and how (书面、当面、电话、短信). A message says that there is news, not which.

    Raises:
        NeedInputError: Also for a message where the family has no number, or wants none.
    """
    need = _mine(need, acting_user)
    if kind not in {NeedNote.Kind.TOLD, NeedNote.Kind.MATERIALS}:
        raise NeedInputError("类别", "只能是“告知进展”或“一次性告知”。")
    if not text.strip():
        raise NeedInputError("告知内容", "没有填写。")
    if how not in NeedNote.How.values or not how:
        raise NeedInputError("告知方式", "没有选择。请选书面、当面、电话或短信。")
    note = _note(need, acting_user, kind, text.strip(), how=how)
    if how == NeedNote.How.MESSAGE:
        facts: dict[str, object] = {"no": need.no, "office": acting_user.office.name}
        sent = tellings.tell("need_told", need.household, need.household.head, f"need:{need.no}:{note.pk}", facts)
        if sent.way == Telling.Way.HAND:
            raise NeedInputError("告知方式", f"不能用短信：{sent.get_why_display()}。请当面、书面或打电话告知。")
    _audit("tell", acting_user, need, how=how, kind=str(kind))
    return note


@transaction.atomic
def hand_over(need: Need, *, acting_user: User, to_user: User, reason: str) -> Need:
    """The first-contact officer or his stand-in hands the need to another officer, who answers for it from now on.

    The one who had it stays as stand-in where it is handed to the former stand-in (AB岗互换).
    """
    need = _mine(need, acting_user)
    if to_user.pk == need.officer_a_id:
        raise NeedInputError("接手人", f" {to_user.name} 已是首问责任人。")
    if not _may_stand_in(to_user, need.region):
        raise NeedInputError("接手人", f" {to_user.name} 在当地没有“受理”职责。请另选一人。")
    if not reason.strip():
        raise NeedInputError("移交原因", "没有填写。")
    before = need.officer_a
    if need.officer_b_id == to_user.pk:
        need.officer_b = before
    need.officer_a = to_user
    need.save(update_fields=["officer_a", "officer_b"])
    note = NeedNote.objects.create(
        need=need,
        region=need.region,
        kind=NeedNote.Kind.HANDED,
        text=f"由 {before.name} 移交 {to_user.name}：{reason.strip()}",
        at=clock.now(),
        by=acting_user,
        to_user=to_user,
    )
    _audit("hand_over", acting_user, need, before=before.pk, to=to_user.pk, note=note.pk)
    return need


@transaction.atomic
def close_need(need: Need, *, acting_user: User, outcome: str, how: str) -> Need:
    """Ends a need: every case decided, every referral answered, the applicant told.

    Raises:
        NeedStateError: Something still runs; it names what. NeedInputError.
    """
    need = _mine(need, acting_user)
    running = [
        row.application.case.no
        for row in need.cases.select_related("application__case")
        if row.application.case.is_running
    ]
    waiting = list(need.referrals.filter(outcome="").values_list("label", flat=True))
    if running or waiting:
        left = "、".join([*(f"案件 {no}" for no in running), *(f"转办“{label}”" for label in waiting)])
        raise NeedStateError(
            f"需求登记 {need.no} ", "办理中", f"还没有结果：{left}。首问责任人负责到底，请等办完再办结。"
        )
    if not outcome.strip():
        raise NeedInputError("办理结果", "没有填写。")
    if how not in NeedNote.How.values or not how:
        raise NeedInputError("告知方式", "没有选择。办结前须把结果告知申请人。")
    need.state, need.outcome, need.closed_at = Need.State.CLOSED, outcome.strip()[:300], clock.now()
    need.save(update_fields=["state", "outcome", "closed_at"])
    _note(need, acting_user, NeedNote.Kind.CLOSED, need.outcome, how=how)
    _audit("close_need", acting_user, need, outcome=need.outcome)
    return need


def _note(need: Need, user: User, kind: str, text: str, *, how: str = "") -> NeedNote:
    return NeedNote.objects.create(
        need=need, region=need.region, kind=kind, how=how, text=text, at=clock.now(), by=user
    )


def _audit(action: str, actor: User, need: Need, **after: Any) -> None:
    record(
        f"intake.{action}",
        actor=actor,
        subject_type="need",
        subject_id=need.pk,
        region=need.region,
        after={"no": need.no, "head": mask_name(need.household.head.name), **after},
    )
