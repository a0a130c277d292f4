"""Whose account the care subsidy of an agreement goes to: the caregiver's own, registered with his identity (M21)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.decisions.care_errors import CareInputError
from tuodi.decisions.models import CareAgreement, CarePayee
from tuodi.kernel import clock
from tuodi.kernel.identity import InvalidIdError, parse_id
from tuodi.kernel.names import normalise_name
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.actions import add_account, register_person
from tuodi.people.models import Person
from tuodi.people.secrets import id_indexes

__all__ = ["Card", "payee_of", "register_payee"]


@dataclass(frozen=True)
class Card:
    """What the caregiver shows: his identity number and the number of his card or passbook; `bank_code` may be empty."""

    id_text: str
    number: str
    bank_code: str = ""


@transaction.atomic
def register_payee(agreement: CareAgreement, card: Card, *, acting_user: User) -> CarePayee:
    """Registers where the subsidy of an agreement is paid: a new row takes the place of the one before, from the next run on.

    The caregiver becomes a person of the county, or is the one whom the county knows by that number.

    Raises:
        CareInputError: Every reason at once: a facility, ended, another name by that number, an unreadable number …
        NotFoundError, AccessDeniedError.
    """
    row = access.locked(CareAgreement.objects.select_related("person"), agreement.pk, what="照料服务协议")
    access.require(acting_user, DutyCode.REVIEW, row.region)
    digits = "".join(card.number.split())
    faults = []
    if not row.caregiver:
        faults.append(("agreement", f"协议 {row.no} 是与供养服务机构签订的，供养金发入机构账户，没有照料服务人补贴"))
    if row.ended_on is not None and row.ended_on <= row.since:
        faults.append(("agreement", f"协议 {row.no} 从未生效，不用登记"))
    if not (digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 32):
        faults.append(("number", "银行账号应为 8 至 32 位数字"))
    person: Person | None = None
    number = ""
    try:
        number = parse_id(card.id_text).text18
    except InvalidIdError as error:
        faults.append(("id_text", f"照料服务人的身份证号码有误（{str(error).rstrip('。')}）"))
    else:
        person = Person.objects.filter(region__startswith=row.region[:6], id_index__in=id_indexes(number)).first()
        if person is not None and person.pk == row.person_id:
            faults.append(("id_text", "照料服务人不能是特困人员本人"))
        elif person is not None and normalise_name(person.name) != normalise_name(row.caregiver):
            faults.append(("id_text", "这个身份证号码登记的姓名与协议写的照料服务人不同，请核对证件"))
        elif person is not None and person.died_on is not None:
            faults.append(("id_text", "照料服务人登记为已死亡，请解除协议或更正登记"))
    if faults:
        raise CareInputError(faults)
    if person is None:
        person = register_person(
            acting_user=acting_user, region=row.region, name=row.caregiver, id_text=number, is_demo=row.person.is_demo
        )
    account = add_account(
        acting_user=acting_user,
        person=person,
        number=digits,
        holder=row.caregiver,
        since=clock.today(),
        bank_code=card.bank_code.strip()[:14],
    )
    made = CarePayee.objects.create(
        region=row.region, agreement=row, person=person, account=account, made_at=clock.now(), made_by=acting_user
    )
    record(
        "decisions.register_payee",
        actor=acting_user,
        subject_type="careagreement",
        subject_id=row.pk,
        region=row.region,
        after={"no": row.no, "last4": account.last4, "bank": account.bank_code},
    )
    return made


def payee_of(agreement: CareAgreement) -> CarePayee | None:
    """Where the subsidy of an agreement is paid now; None = not registered."""
    return CarePayee.objects.filter(agreement=agreement).select_related("person", "account").order_by("-id").first()
