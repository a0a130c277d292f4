"""A cleared bill that was wrong is put right by a correction in a later clearing, which names it: only the difference moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.files.store import put_bytes
from tuodi.funds import ledger, medical
from tuodi.funds.actions.hospital import open_month
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import BillBatch, HospitalAgreement, HospitalBill
from tuodi.funds.models.hospital import CORRECTION
from tuodi.funds.states import AgreementState, BillState
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["Right", "correct_bill"]


@dataclass(frozen=True)
class Right:
    """A bill as it should have been, in fen: total = basic + catastrophic + other + aid + own."""

    total: int
    basic: int
    catastrophic: int
    other: int
    outside: int
    claimed: int
    own: int
    discharged: date | None = None  #: None = as on the bill
    illness: str | None = None

    def faults(self) -> list[str]:
        """What cannot be."""
        amounts = {
            "总费用": self.total, "基本医保支付": self.basic, "大病保险支付": self.catastrophic, "其他支付": self.other,
            "目录外自费": self.outside, "医疗救助支付": self.claimed, "个人支付": self.own,
        }  # fmt: skip
        found = [f"{name}不能小于 0 元" for name, fen in amounts.items() if fen < 0]
        parts = self.basic + self.catastrophic + self.other + self.claimed + self.own
        if parts != self.total:
            found.append(f"总费用 {format_yuan(self.total)} 元，各项支付合计 {format_yuan(parts)} 元，不相等")
        if self.outside > self.own:
            found.append("目录外自费大于个人支付")
        return found


@transaction.atomic
def correct_bill(
    bill: HospitalBill, *, acting_user: User, month: Month, right: Right, reason: str, letter: bytes, letter_name: str
) -> HospitalBill:
    """Enters what a cleared bill should have been, with the hospital's letter; it is judged at once and cleared with `month`.

    Args:
        month: an open month of the same hospital, after that of the bill. letter: the file kept as evidence.

    Returns: The correction, a bill of a batch of its own.

    Raises: FundInputError, FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, bill.region)
    ledger.lock([bill.region])
    old = access.locked(HospitalBill.objects.select_related("agreement", "batch", "person"), bill.pk, what="结算单据")
    agreement: HospitalAgreement = old.agreement
    if old.state != BillState.CLEARED:
        raise FundStateError(f"单据 {old.bill_no} ", old.get_state_display(), "更正（没有清算的请撤回批次重报）")
    known = HospitalBill.objects.filter(corrects=old).exclude(state=BillState.WITHDRAWN).first()
    if known is not None:
        raise FundInputError("单据", f" {old.bill_no} 已由 {known.bill_no} 更正，请更正那一张")
    if agreement.state != AgreementState.ACTIVE:
        raise FundStateError(f"协议 {agreement.no} ", agreement.get_state_display(), "更正单据")
    if not reason.strip() or not letter:
        raise FundInputError("更正理由和医院来函", "都要有")
    if faults := right.faults():
        raise FundInputError("单据", "：" + "；".join(faults))
    if month.yyyymm <= old.batch.month or month > Month.of(clock.today()):
        raise FundInputError("清算月份", f"应晚于原单据的 {Month.parse(str(old.batch.month)).label}，不晚于本月")
    open_month(agreement, month)
    discharged = right.discharged or old.discharged_on
    if discharged < old.admitted_on or not agreement.starts_on <= discharged <= agreement.ends_on:
        raise FundInputError("出院日期", f" {discharged} 早于入院，或不在协议期内")
    stored = put_bytes(letter, region=old.region, name=letter_name, purpose="hospital_bills", by_id=acting_user.pk)
    batch = BillBatch.objects.create(
        region=old.region, agreement=agreement, no=next_no("fund", old.region, clock.today()), month=month.yyyymm, file=stored,
        file_name=stored.name[:200], profile=CORRECTION, rows=1, bad=0, faults=[], imported_at=clock.now(), imported_by=acting_user,
    )  # fmt: skip
    base = old.bill_no.rpartition("-G")[0] or old.bill_no
    tries = HospitalBill.objects.filter(agreement=agreement, bill_no__startswith=f"{base}-G").count()
    made = HospitalBill(
        region=old.region, agreement=agreement, batch=batch, row_no=1, bill_no=f"{base[:34]}-G{tries + 1}", person=old.person,
        name=old.name, id_masked=old.id_masked, admitted_on=old.admitted_on, discharged_on=discharged,
        illness=old.illness if right.illness is None else right.illness, total_fen=right.total, basic_fen=right.basic,
        catastrophic_fen=right.catastrophic, other_fen=right.other, outside_fen=right.outside, claimed_fen=right.claimed,
        own_fen=right.own, corrects=old, correct_reason=reason.strip()[:200],
    )  # fmt: skip
    medical.judge([made])
    made.save()
    record(
        "funds.correct_bill", actor=acting_user, subject_type="hospital_agreement", subject_id=agreement.pk,
        region=old.region,
        after={
            "bill": old.bill_no, "correction": made.bill_no, "month": month.yyyymm, "reason": reason.strip()[:200],
            "before_fen": old.accepted_fen, "claimed_fen": made.claimed_fen, "computed_fen": made.computed_fen,
        },
    )  # fmt: skip
    return made
