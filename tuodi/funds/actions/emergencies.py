"""Verbs of the emergency fund (疾病应急救助, M41; 649号令 32条): a hospital's request, its decision, the identity found later, the claim.

Kept apart from medical assistance: its money is the sub-account 疾病应急救助, and people without identity are on no roll.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.files.store import put_bytes
from tuodi.funds import emergencies, ledger, orders, refunds
from tuodi.funds.errors import FundHandsError, FundInputError, FundStateError
from tuodi.funds.models import EmergencyCase, EmergencyReturn, HospitalAgreement
from tuodi.funds.states import (
    AgreementState,
    ClaimFrom,
    DeskState,
    EmergencyReason,
    FundProgramme,
    OrderKind,
    move,
)
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Person

__all__ = ["ORIGIN", "decide_emergency", "identify", "propose_emergency", "receive", "write_off"]

#: Of ledger entries that rest on a request.
ORIGIN = "emergency"


def _audit(action: str, actor: User, row: EmergencyCase, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="emergency_case", subject_id=row.pk, region=row.region,
        after={"no": row.no, "state": row.state, "asked_fen": row.asked_fen, "granted_fen": row.granted_fen, **after},
    )  # fmt: skip


@transaction.atomic
def propose_emergency(
    agreement: HospitalAgreement, *, acting_user: User, label: str, reason: str, found: str, admitted_on: date,
    ended_on: date, cost_fen: int, other_fen: int, asked_fen: int, evidence: bytes, evidence_name: str,
) -> EmergencyCase:  # fmt: skip
    """Enters a hospital's request with its evidence (records, list of costs, report to the police); it waits for finance.

    Args:
        label: how the hospital calls the patient. other_fen: what insurance, the liable or others paid.
        asked_fen: at most what nobody else paid.

    Raises: FundInputError naming the field; FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, agreement.region)
    hospital = access.locked(HospitalAgreement.objects, agreement.pk, what="定点医院协议")
    if hospital.state != AgreementState.ACTIVE:
        raise FundStateError(f"协议 {hospital.no} ", hospital.get_state_display(), "登记申请")
    for name, value in (("患者称谓", label), ("发现经过", found)):
        if not value.strip():
            raise FundInputError(name, "没有填写")
    if reason not in EmergencyReason.values:
        raise FundInputError("申请事由", "没有选择")
    if not evidence:
        raise FundInputError("证明材料", "没有上传")
    if not admitted_on <= ended_on <= clock.today():
        raise FundInputError("收治和结束日期", "先后不对，或晚于今天")
    if cost_fen <= 0 or other_fen < 0 or not 0 < asked_fen <= cost_fen - other_fen:
        raise FundInputError(
            "申请金额", f"应大于 0 元，不超过费用减其他渠道已付的 {format_yuan(max(cost_fen - other_fen, 0))} 元"
        )
    most, rule = emergencies.most(hospital.region, admitted_on, cost_fen - other_fen)
    stored = put_bytes(
        evidence, region=hospital.region, name=evidence_name, purpose="emergency_evidence", by_id=acting_user.pk
    )
    row = EmergencyCase.objects.create(
        region=hospital.region, agreement=hospital, no=next_no("fund", hospital.region, clock.today()), label=label.strip()[:40],
        reason=reason, found=found.strip()[:300], admitted_on=admitted_on, ended_on=ended_on, cost_fen=cost_fen,
        other_fen=other_fen, asked_fen=asked_fen, evidence=stored, most_fen=most, rule=rule[:200], proposed_at=clock.now(),
        proposed_by=acting_user,
    )  # fmt: skip
    _audit("propose_emergency", acting_user, row, hospital=hospital.no, most_fen=most)
    return row


@transaction.atomic
def decide_emergency(
    case: EmergencyCase, *, acting_user: User, approve: bool, granted_fen: int | None = None, note: str = ""
) -> EmergencyCase:
    """Grants a request and pays the hospital out of the emergency fund, or refuses it with a reason. Never by who entered it.

    Args:
        granted_fen: None = as much as asked and the rule allows; less needs a reason.

    Raises: FundHandsError, FundStateError, FundShortError, PlanError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, case.region)
    ledger.lock([case.region])
    row = access.locked(EmergencyCase.objects.select_related("agreement"), case.pk, what="疾病应急救助")
    after = DeskState.APPROVED if approve else DeskState.REFUSED
    move(f"申请 {row.no} ", row.state, after)
    if row.proposed_by_id == acting_user.pk:
        raise FundHandsError(row.no)
    top = min(row.asked_fen, row.most_fen)
    fen = top if granted_fen is None else granted_fen
    if (not approve or fen < top) and not note.strip():
        raise FundInputError("审核意见", "没有填写。不同意或少付的要写明理由。")
    if approve and not 0 < fen <= top:
        raise FundInputError("核定支付", f"应大于 0 元，不超过 {format_yuan(top)} 元（{row.rule}）")
    row.state, row.decided_at, row.decided_by, row.decision_note = after, clock.now(), acting_user, note.strip()[:300]
    if approve:
        row.granted_fen = fen
        row.entry = orders.pay(
            region=row.region, kind=OrderKind.EMERGENCY, subject_id=row.pk, programme=FundProgramme.EMERGENCY,
            code=row.agreement.code, name=row.agreement.name, fen=fen, memo=f"{row.no} 应急救助", user=acting_user, origin=ORIGIN,
            agreement=row.agreement, note=row.decision_note,
        )  # fmt: skip
    row.save(update_fields=["state", "decided_at", "decided_by", "decision_note", "granted_fen", "entry"])
    _audit("decide_emergency", acting_user, row, note=row.decision_note)
    return row


@transaction.atomic
def identify(
    case: EmergencyCase, *, acting_user: User, identity: str, claim_from: str = "", claim_fen: int = 0,
    person: Person | None = None,
) -> EmergencyCase:  # fmt: skip
    """Notes who the patient was, once, and claims what others should have paid. A claim books nothing.

    Args:
        identity: name, and how it was found. person: his row here, if he has one.
        claim_from: of `ClaimFrom`, with `claim_fen`; nothing is claimed of who had nobody to pay for him.

    Raises: FundInputError, FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, case.region)
    ledger.lock([case.region])
    row = access.locked(EmergencyCase.objects, case.pk, what="疾病应急救助")
    if row.state != DeskState.APPROVED or row.identified_by_id is not None:
        raise FundStateError(
            f"申请 {row.no} ", "已查明身份" if row.identified_by_id else row.get_state_display(), "登记身份"
        )
    if not identity.strip():
        raise FundInputError("查明的身份", "没有填写")
    if bool(claim_fen) != bool(claim_from) or (claim_from and claim_from not in ClaimFrom.values):
        raise FundInputError("追偿对象和金额", "要么都写，要么都不写")
    if not 0 <= claim_fen <= (row.granted_fen or 0):
        raise FundInputError("追偿金额", f"不超过已付的 {format_yuan(row.granted_fen or 0)} 元")
    row.identity, row.identified_on, row.identified_by = identity.strip()[:200], clock.today(), acting_user
    row.person, row.claim_from, row.claim_fen = person, claim_from, claim_fen
    row.save(update_fields=["identity", "identified_on", "identified_by", "person", "claim_from", "claim_fen"])
    _audit("identify_emergency", acting_user, row, claim_from=claim_from, claim_fen=claim_fen)
    return row


@transaction.atomic
def receive(
    case: EmergencyCase, *, acting_user: User, amount_fen: int, payer: str, voucher: str, received_on: date,
    by_statement: bool = False,
) -> EmergencyReturn:  # fmt: skip
    """Enters money of a claim that came back to the fund, in parts or whole.

    Args:
        by_statement: an entry of a statement says so (`actions.refunds`); else a voucher does.

    Raises: FundInputError, FundStateError: nothing is left; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, case.region)
    ledger.lock([case.region])
    row = access.locked(EmergencyCase.objects.select_related("entry", "agreement"), case.pk, what="疾病应急救助")
    open_ = emergencies.left(row)
    if not open_ or row.entry is None:
        raise FundStateError(f"申请 {row.no} 的追偿", "没有未结金额", "收款")
    if not orders.arrived(OrderKind.EMERGENCY, row.pk):
        raise FundStateError(f"申请 {row.no} 的款项", "还没有到账", "收款")
    if not payer.strip() or not voucher.strip():
        raise FundInputError("交款人和凭证号", "都要填写")
    if row.returns.filter(voucher=voucher.strip()).exists():  # type: ignore[attr-defined]
        raise FundInputError("凭证号", f" {voucher.strip()} 已登记过")
    if not 0 < amount_fen <= open_:
        raise FundInputError("金额", f"应大于 0 元，不超过未追回的 {format_yuan(open_)} 元")
    if received_on > clock.today():
        raise FundInputError("到账日期", "晚于今天")
    if not by_statement:
        refunds.refuse_told_twice(row, amount_fen, received_on)
    entry = orders.take_back(
        region=row.region, programme=FundProgramme.EMERGENCY, spent=row.entry, origin=ORIGIN, subject_id=row.pk, fen=amount_fen,
        user=acting_user, memo=f"{row.no} 追偿，{payer.strip()[:40]}，凭证 {voucher.strip()[:40]}",
    )  # fmt: skip
    made = EmergencyReturn.objects.create(
        case=row, region=row.region, amount_fen=amount_fen, payer=payer.strip()[:60], voucher=voucher.strip()[:40],
        received_on=received_on, received_at=clock.now(), received_by=acting_user, entry=entry,
    )  # fmt: skip
    _audit("receive_emergency", acting_user, row, received_fen=amount_fen, left_fen=open_ - amount_fen)
    return made


@transaction.atomic
def write_off(case: EmergencyCase, *, acting_user: User, reason: str) -> EmergencyCase:
    """Gives up what cannot come back, with the ground for it. Never by who claimed it; the money stays spent.

    Raises: FundHandsError, FundStateError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, case.region)
    ledger.lock([case.region])
    row = access.locked(EmergencyCase.objects, case.pk, what="疾病应急救助")
    open_ = emergencies.left(row)
    if not open_:
        raise FundStateError(f"申请 {row.no} 的追偿", "没有未结金额", "核销")
    if row.identified_by_id == acting_user.pk:
        raise FundHandsError(row.no)
    if not reason.strip():
        raise FundInputError("核销依据", "没有填写")
    row.written_off_fen, row.write_off_reason, row.written_off_by = open_, reason.strip()[:200], acting_user
    row.save(update_fields=["written_off_fen", "write_off_reason", "written_off_by"])
    _audit("write_off_emergency", acting_user, row, written_off_fen=open_, reason=row.write_off_reason)
    return row
