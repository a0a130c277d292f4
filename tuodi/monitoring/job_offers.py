"""Jobs offered to members of dibao families, and what follows from refusing them (M46).

Basis: 649 art 45, [57] art 34: after so many refusals in a row without good reason that person's own share is decreased or
stopped; the family stays on the roll. The number is a value of the pack. Nothing is cut by itself.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.decisions.changes import record_change, require_confirmer
from tuodi.decisions.decide import ask
from tuodi.decisions.errors import ReasonsMissingError, UnknownOutcomeError
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring.deciding import collect, units_of
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, DynamicStateError
from tuodi.monitoring.models import JobOffer, RefusalProposal
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household, Person
from tuodi.people.queries import members_on
from tuodi.verification.rulebook import book, place_of

__all__ = [
    "DUTIES", "access_offer", "answer_offer", "confirm_refusal", "counts", "drop_refusal", "judge_refusal", "listing",
    "record_offer", "refusal_limit",
]  # fmt: skip

Answer, Reason = JobOffer.Answer, JobOffer.Reason
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)


def refusal_limit(region: str, on: date) -> int:
    """How many refusals in a row the law of the place asks for."""
    row = book().value("dibao.refusal_limit", book().chain(place_of(region)), (), on)
    if row is None or row.value is None:
        raise UnknownOutcomeError("拒绝就业", ["参数：连续拒绝就业次数"])
    return int(row.value)


@transaction.atomic
def record_offer(
    household: Household, person: Person, *, office: str, offered_on: date, job: str, suitable: str, acting_user: User
) -> JobOffer:
    """Enters a job the employment department offered to a member. Raises: DynamicInputError, NotFoundError, AccessDeniedError."""
    access.require_any(acting_user, DUTIES, household.region)
    today = clock.today()
    if offered_on > today:
        raise DynamicInputError("介绍日期", "不能晚于今天")
    for label, text in (("介绍部门", office), ("岗位", job), ("与健康状况和劳动能力相适应", suitable)):
        if not text.strip():
            raise DynamicInputError(label, "必须填写")
    if person.pk not in {one.person_id for one in members_on(household, offered_on)}:
        raise DynamicInputError("成员", "介绍之日不是这个家庭的成员")
    if not [one for one in units_of(household, Month.of(offered_on)) if one.programme == "dibao"]:
        raise DynamicInputError("家庭", "介绍之月不在低保名册，就业义务只对低保家庭")
    if JobOffer.objects.filter(person=person, answer=Answer.OPEN).exists():
        raise DynamicInputError("成员", "还有一次介绍没有答复，请先登记答复")
    row = JobOffer.objects.create(
        region=household.region, household=household, person=person, office=office.strip()[:80], offered_on=offered_on,
        job=job.strip()[:200], suitable=suitable.strip()[:200], entered_by=acting_user, entered_at=clock.now(),
    )  # fmt: skip
    _audit("record_offer", acting_user, row)
    return row


@transaction.atomic
def answer_offer(offer: JobOffer, *, accepted: bool, on: date, said: str, acting_user: User) -> JobOffer:
    """Enters the answer. A refusal is judged apart. Raises: DynamicInputError, DynamicStateError, NotFoundError …"""
    row = _locked(offer, acting_user)
    if row.answer != Answer.OPEN:
        raise DynamicStateError("登记答复", row.get_answer_display())
    if not row.offered_on <= on <= clock.today():
        raise DynamicInputError("答复日期", f"应在 {row.offered_on} 到今天之间")
    if not accepted and not said.strip():
        raise DynamicInputError("本人说明", "拒绝的须写明本人说的理由")
    row.answer = Answer.ACCEPTED if accepted else Answer.REFUSED
    row.answered_on, row.said = on, said.strip()[:300]
    row.save(update_fields=["answer", "answered_on", "said"])
    _audit("answer_offer", acting_user, row, answer=row.answer)
    return row


@transaction.atomic
def judge_refusal(offer: JobOffer, *, good: bool, acting_user: User) -> JobOffer:
    """Says whether a refusal had good reason. The last of the row of bad ones makes a proposal, never a cut.

    Raises: DynamicStateError; UnknownOutcomeError: the family's facts do not suffice to reckon the share. NotFoundError …
    """
    row = _locked(offer, acting_user, (DutyCode.REVIEW,))
    if row.answer != Answer.REFUSED or row.reason:
        raise DynamicStateError("认定理由", row.get_reason_display() if row.reason else row.get_answer_display())
    row.reason, row.judged_by = (Reason.GOOD if good else Reason.BAD), acting_user
    row.streak = 0 if good else _streak(row) + 1
    row.save(update_fields=["reason", "judged_by", "streak"])
    _audit("judge_refusal", acting_user, row, reason=row.reason, streak=row.streak)
    if row.streak >= refusal_limit(row.region, clock.today()):
        _propose(row, acting_user)
    return row


def _streak(row: JobOffer) -> int:
    """Bad refusals in a row right before this one; an acceptance or a good reason breaks it."""
    n = 0
    earlier = JobOffer.objects.filter(person=row.person_id).exclude(pk=row.pk).exclude(answer=Answer.OPEN)
    for one in earlier.filter(offered_on__lte=row.offered_on).order_by("-offered_on", "-id"):
        if one.answer != Answer.REFUSED or one.reason != Reason.BAD:
            break
        n += 1
    return n


def _propose(row: JobOffer, user: User) -> None:
    if RefusalProposal.objects.filter(person=row.person_id, state=RefusalProposal.State.PROPOSED).exists():
        return
    month = Month.of(clock.today()).next()
    members = {row.person_id: {"job_refusals": str(row.streak)}}
    facts = collect(
        row.household, acting_user=user, facts={"refusal_cut_decided": "0"}, members=members, reason="拒绝介绍工作"
    )
    answer = ask(facts, "dibao", case_date=clock.today(), month=month)
    share, full = answer.values.get("dibao.refusal_share"), answer.values.get("dibao.base_full")
    if share is None or full is None:
        raise UnknownOutcomeError(f"家庭 {row.household.no} 的本人份额", answer.missing)
    if share <= 0:
        return  # nothing of his own to take
    facts = collect(
        row.household, acting_user=user, facts={"refusal_cut_decided": format_yuan(int(share), sep=False)}, members=members,
        reason="拒绝介绍工作，拟减发",
    )  # fmt: skip
    made = RefusalProposal.objects.create(
        region=row.region, household=row.household, person_id=row.person_id, offer=row, refusals=row.streak,
        full_fen=int(full), share_fen=int(share), cut_fen=int(share), fact_set=facts, proposed_at=clock.now(),
        proposed_by=user,
    )  # fmt: skip
    _audit("propose_refusal", user, row, proposal=made.pk, share_fen=made.share_fen, cut_fen=made.cut_fen)


@logs_blocks
@transaction.atomic
def confirm_refusal(proposal: RefusalProposal, *, reasons: str, acting_user: User) -> RefusalProposal:
    """Takes the person's own share from the next month on, with notice. The family stays on the roll.

    Raises: DynamicStateError, DynamicHandsError, ReasonsMissingError, WrongLevelError, errors of `record_change`.
    """
    row = _proposal(proposal)
    require_confirmer(acting_user, row.region, "dibao")
    if row.proposed_by_id == acting_user.pk:
        raise DynamicHandsError("认定", "确认")
    if not reasons.strip():
        raise ReasonsMissingError("减发")
    made = record_change(
        row.fact_set, acting_user=acting_user, programme="dibao", effective=Month.of(clock.today()).next(),
        cause="job_refusal", reasons=f"连续 {row.refusals} 次无正当理由拒绝介绍的工作：{reasons.strip()}",
    )  # fmt: skip
    row.state, row.determination, row.why = RefusalProposal.State.CONFIRMED, made, reasons.strip()[:500]
    row.decided_at, row.decided_by = clock.now(), acting_user
    row.save(update_fields=["state", "determination", "why", "decided_at", "decided_by"])
    _audit("confirm_refusal", acting_user, row.offer, determination=made.no, cut_fen=row.cut_fen)
    return row


@transaction.atomic
def drop_refusal(proposal: RefusalProposal, *, reasons: str, acting_user: User) -> RefusalProposal:
    """Does not cut, with the reason. Raises as `confirm_refusal`."""
    row = _proposal(proposal)
    require_confirmer(acting_user, row.region, "dibao")
    if not reasons.strip():
        raise ReasonsMissingError("不予减发")
    row.state, row.why = RefusalProposal.State.DROPPED, reasons.strip()[:500]
    row.decided_at, row.decided_by = clock.now(), acting_user
    row.save(update_fields=["state", "why", "decided_at", "decided_by"])
    _audit("drop_refusal", acting_user, row.offer)
    return row


def _proposal(proposal: RefusalProposal) -> RefusalProposal:
    row = access.locked(
        RefusalProposal.objects.select_related("household", "fact_set", "offer"), proposal.pk, what="拟减发"
    )
    if row.state != RefusalProposal.State.PROPOSED:
        raise DynamicStateError("决定减发", row.get_state_display())
    return row


def listing(show: str, town: str) -> QuerySet[JobOffer]:
    """Offers, newest first: `open`, `unjudged`, `streak` (one short of the limit or more), `proposed`, `all`."""
    rows = JobOffer.objects.select_related("household__head", "person", "proposal")
    if town:
        found = access.range_of(town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if show == "open":
        rows = rows.filter(answer=Answer.OPEN)
    elif show == "unjudged":
        rows = rows.filter(answer=Answer.REFUSED, reason="")
    elif show == "proposed":
        rows = rows.filter(proposal__state=RefusalProposal.State.PROPOSED)
    return rows.order_by("-offered_on", "-id")


def counts() -> dict[str, int]:
    """How the offers in the reader's range stand. One query."""
    return JobOffer.objects.aggregate(
        all=Count("pk"),
        open=Count("pk", filter=Q(answer=Answer.OPEN)),
        unjudged=Count("pk", filter=Q(answer=Answer.REFUSED, reason="")),
        accepted=Count("pk", filter=Q(answer=Answer.ACCEPTED)),
        proposed=Count("pk", filter=Q(proposal__state=RefusalProposal.State.PROPOSED)),
        confirmed=Count("pk", filter=Q(proposal__state=RefusalProposal.State.CONFIRMED)),
    )


def access_offer(user: User, pk: int) -> JobOffer:
    """One offer in the user's range. Raises NotFoundError."""
    rows = JobOffer.objects.select_related("household__head", "person", "judged_by", "entered_by")
    return access.one(rows, user=user, what="介绍工作", pk=pk)


def _locked(offer: JobOffer, user: User, duties: tuple[str, ...] = DUTIES) -> JobOffer:
    row = access.locked(JobOffer.objects.select_related("household", "person"), offer.pk, what="介绍工作")
    access.require_any(user, duties, row.region)
    return row


def _audit(action: str, user: User, row: JobOffer, **after: object) -> None:
    record(
        f"monitoring.{action}",
        actor=user,
        subject_type="joboffer",
        subject_id=row.pk,
        region=row.region,
        after=dict(after),
    )
