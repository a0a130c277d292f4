"""Verbs on the care of tekun persons: agree, end; and ending support for a ground of [43] art 24."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.cases.series import next_no
from tuodi.decisions.care_errors import CareInputError
from tuodi.decisions.changes import record_change
from tuodi.decisions.models import CareAgreement, Determination
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people.enums import CareForm, Programme
from tuodi.people.models import Household, Person, RollEntry
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models import FactSet
from tuodi.verification.queries import latest_frozen

__all__ = [
    "GROUNDS",
    "Terms",
    "end_agreement",
    "end_support",
    "expiring_agreements",
    "make_agreement",
    "state_ground",
]


@dataclass(frozen=True)
class Terms:
    """What an agreement says.

    Attributes:
        form: `CareForm`. party: the facility, or the caregiver's name.
        relation: of the caregiver to the person. services, frequency: what is done, how often.
        subsidy_fen: a month to the caregiver; None = the place sets no amount.
        since, until: first and last day. signed_on: when it was signed.
    """

    form: str
    party: str
    services: str
    since: date
    until: date
    signed_on: date
    relation: str = ""
    frequency: str = ""
    subsidy_fen: int | None = None


@logs_blocks
def make_agreement(
    person: Person, household: Household, terms: Terms, *, acting_user: User, follows: CareAgreement | None = None
) -> CareAgreement:
    """Enters a signed agreement for a person on the tekun roll.

    Args:
        follows: The one it renews.

    Raises:
        CareInputError: Every reason at once: not on the roll then, no party, days that overlap another agreement …
    """
    if not access.in_scope(acting_user, household.region):
        raise NotFoundError("家庭")
    access.require(acting_user, DutyCode.REVIEW, household.region)
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    faults = _faults(person, household, terms)
    if faults:
        raise CareInputError(faults)
    central = terms.form == CareForm.CENTRAL
    row = CareAgreement.objects.create(
        region=household.region,
        no=next_no("care", household.region, clock.today()),
        household=household,
        person=person,
        form=terms.form,
        facility=terms.party.strip()[:80] if central else "",
        caregiver="" if central else terms.party.strip()[:40],
        relation="" if central else terms.relation.strip()[:40],
        office=acting_user.office,
        services=terms.services.strip(),
        frequency=terms.frequency.strip()[:60],
        subsidy_fen=terms.subsidy_fen,
        since=terms.since,
        until=terms.until,
        signed_on=terms.signed_on,
        made_by=acting_user,
        follows=follows,
    )
    _audit("make_agreement", acting_user, row, form=row.form, since=str(row.since), until=str(row.until))
    return row


def _faults(person: Person, household: Household, terms: Terms) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    central = terms.form == CareForm.CENTRAL
    if terms.form not in CareForm.values:
        faults.append(("form", "没有选供养形式"))
    if not terms.party.strip():
        faults.append(("party", "没有写供养服务机构" if central else "没有写照料服务人"))
    if not central and terms.party.strip() == person.name:
        faults.append(("party", "照料服务人不能是特困人员本人"))
    if not central and not terms.relation.strip():
        faults.append(("relation", "没有写照料服务人与特困人员的关系（没有亲属关系的写“无”）"))
    if not terms.services.strip():
        faults.append(("services", "没有写照料服务内容"))
    if terms.subsidy_fen is not None and terms.subsidy_fen < 0:
        faults.append(("subsidy", "补贴不能是负数"))
    if terms.until < terms.since:
        faults.append(("until", f"止日 {terms.until} 早于起日 {terms.since}"))
    if terms.signed_on > clock.today():
        faults.append(("signed_on", f"签订日期 {terms.signed_on} 还没有到"))
    month = Month.of(terms.since).yyyymm
    entry = (
        RollEntry.objects.filter(household=household, person=person, programme=Programme.TEKUN, start_month__lte=month)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
        .first()
    )
    if entry is None:
        faults.append(("person", f"{person.name}在 {Month.of(terms.since)} 不在特困供养名册上"))
    elif entry.form and entry.form != terms.form and terms.form in CareForm.values:
        labels = (CareForm(entry.form).label, CareForm(terms.form).label)
        faults.append(("form", f"名册上是{labels[0]}，协议写的是{labels[1]}；先办供养形式变更"))
    other = _overlapping(person, terms.since, terms.until).first()
    if other is not None:
        faults.append(("since", f"与协议 {other.no}（{other.since} 至 {other.until}）的期间重叠；先解除那一份"))
    return faults


def _overlapping(person: Person, since: date, until: date) -> QuerySet[CareAgreement]:
    standing = CareAgreement.objects.filter(person=person, since__lte=until, until__gte=since)
    return standing.filter(Q(ended_on__isnull=True) | Q(ended_on__gt=since)).exclude(ended_on__lte=F("since"))


@logs_blocks
def end_agreement(agreement: CareAgreement, *, acting_user: User, on: date, reason: str) -> CareAgreement:
    """Ends an agreement before its last day: a breach, another form of support, the person's death.

    Args:
        on: First day without it.

    Raises:
        CareInputError: No reason, a day outside the agreement, ended already.
    """
    row = CareAgreement.objects.select_for_update(of=("self",)).filter(pk=agreement.pk).first()
    if row is None or not access.in_scope(acting_user, row.region):
        raise NotFoundError("照料服务协议")
    access.require(acting_user, DutyCode.REVIEW, row.region)
    faults = []
    if row.ended_on is not None:
        faults.append(("on", f"协议 {row.no} 已于 {row.ended_on} 解除"))
    if not row.since <= on <= row.until:
        faults.append(("on", f"解除日期 {on} 应在协议期内（{row.since} 至 {row.until}）"))
    if not reason.strip():
        faults.append(("reason", "没有写解除原因"))
    if faults:
        raise CareInputError(faults)
    row.ended_on, row.ended_by, row.end_reason = on, acting_user, reason.strip()[:200]
    row.save(update_fields=["ended_on", "ended_by", "end_reason"])
    _audit("end_agreement", acting_user, row, ended_on=str(on), reason=row.end_reason)
    return row


def expiring_agreements(within: date) -> QuerySet[CareAgreement]:
    """Agreements in the reader's range that lapse by a day, are not ended, and have no renewal; the first to lapse first."""
    renewed = CareAgreement.objects.exclude(follows=None).values("follows")
    return (
        CareAgreement.objects.filter(ended_on__isnull=True, until__lte=within)
        .exclude(pk__in=renewed)
        .select_related("person")
        .order_by("until", "id")
    )


@dataclass(frozen=True)
class Ground:
    """One ground of ending support: how it is called, the fact that holds it, and its clause."""

    label: str
    fact: str
    clause: str
    level: str = "members"


#: [43] art 24. Death is a matter of the register; income, assets and supporters are entered as the facts they are.
GROUNDS: dict[str, Ground] = {
    "declared_dead": Ground("被宣告死亡", "declared_dead", "43-24(1)"),
    "declared_missing": Ground("被宣告失踪", "declared_missing", "43-24(1)"),
    "recovered_labour": Ground("具备或者恢复劳动能力", "recovered_labour", "43-24(2)"),
    "imprisoned": Ground("依法被判处刑罚，且在监狱服刑", "imprisoned", "43-24(3)"),
    "quits": Ground("自愿申请退出救助供养", "quits", "43-24(6)"),
}


@logs_blocks
def state_ground(person: Person, household: Household, ground: str, *, acting_user: User, evidence: str) -> FactSet:
    """Enters that a ground of ending has arisen, into a frozen set of facts on which the county then decides.

    Raises:
        CareInputError: An unknown ground, or nothing it rests on.
    """
    found = GROUNDS.get(ground)
    faults = []
    if found is None:
        faults.append(("ground", f"终止情形“{ground}”不认识"))
    if not evidence.strip():
        faults.append(("evidence", "没有写依据（文书、登记或调查记录）"))
    if faults or found is None:
        raise CareInputError(faults)
    draft = start_fact_set(
        acting_user=acting_user,
        household=household,
        base=latest_frozen(household),
        reason=f"终止供养：{found.label}（{found.clause}）",
    )
    draft = enter_facts(
        draft,
        acting_user=acting_user,
        members={person.pk: {found.fact: True}},
        source=FactSet.Source.FINDING,
        evidence=evidence,
    )
    return freeze(draft, acting_user=acting_user)


@logs_blocks
def end_support(fact_set: FactSet, person: Person, *, acting_user: User, reasons: str) -> Determination:
    """Decides on facts that hold a ground: support stops from the next month ([43] art 26), agreements end with it.

    Raises:
        CareInputError: By the rules the person is still entitled. What `record_change` raises.
    """
    effective = Month.of(clock.today()).next()
    row = record_change(
        fact_set,
        acting_user=acting_user,
        programme=Programme.TEKUN,
        effective=effective,
        cause="tekun_end",
        reasons=reasons,
        person=person,
    )
    if row.outcome == "pass":
        raise CareInputError([("ground", f"按现行规定{person.name}仍符合特困供养条件，不能终止；请核对事实")])
    first = effective.first_day
    for agreement in CareAgreement.objects.filter(
        person=person, ended_on__isnull=True, since__lt=first, until__gte=first
    ):
        agreement.ended_on, agreement.ended_by = first, acting_user
        agreement.end_reason = f"终止供养 {row.no}"
        agreement.save(update_fields=["ended_on", "ended_by", "end_reason"])
        _audit("end_agreement", acting_user, agreement, ended_on=str(first), reason=agreement.end_reason)
    return row


def _audit(action: str, actor: User, row: CareAgreement, **after: object) -> None:
    record(
        f"decisions.{action}",
        actor=actor,
        subject_type="careagreement",
        subject_id=row.pk,
        region=row.region,
        after={"no": row.no, **after},
    )
