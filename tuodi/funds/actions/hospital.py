"""Verbs of one-stop settlement (一站式结算): the agreement with a hospital, its bills taken in, judged, and judged by people.

Civil affairs (资金管理) proposes and judges, finance (财政审核) decides; never the same person. M40.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.exchange import hospital_bills
from tuodi.exchange.payment_rows import RowFault
from tuodi.files.store import open_plain, put_bytes
from tuodi.funds import hospital, ledger, medical
from tuodi.funds.decide import decided
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import BillBatch, HospitalAgreement, HospitalBill, HospitalClearing
from tuodi.funds.models.hospital import CORRECTION
from tuodi.funds.states import AgreementState, BillState, ClearingState, OrderStatus, Verdict, move
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_id
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import secrets
from tuodi.people.models import Person

__all__ = [
    "accept_rules",
    "decide_agreement",
    "decide_bill",
    "end_agreement",
    "import_bills",
    "open_month",
    "propose_agreement",
    "recheck",
    "withdraw_batch",
]

_JUDGED = [
    "household", "verdict", "basis", "used_fen", "computed_fen", "missing", "clauses", "checked_at", "state", "accepted_fen",
    "reason", "decided_at", "decided_by",
]  # fmt: skip


def _audit(action: str, actor: User, row: HospitalAgreement, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="hospital_agreement", subject_id=row.pk, region=row.region,
        after={"no": row.no, "hospital": row.name, **after},
    )  # fmt: skip


@transaction.atomic
def propose_agreement(
    *, acting_user: User, county: str, name: str, code: str, payee: str, advance_limit_fen: int, signed_on: date,
    starts_on: date, ends_on: date,
) -> HospitalAgreement:  # fmt: skip
    """Enters an agreement that waits for finance. Bills and advances need one in force.

    Args:
        code: 定点医药机构编码. payee: bank and account. advance_limit_fen: most that the hospital may hold; 0 = none.

    Raises: FundInputError naming the field; AccessDeniedError, NotFoundError.
    """
    region = pad12(county[:6])
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    for label, value in (("医院名称", name), ("定点医药机构编码", code), ("收款账户", payee)):
        if not value.strip():
            raise FundInputError(label, "没有填写")
    if advance_limit_fen < 0:
        raise FundInputError("预付款上限", "不能小于 0 元；不预付的填 0")
    if ends_on < starts_on:
        raise FundInputError("协议截止日", "早于起始日")
    if signed_on > clock.today():
        raise FundInputError("签订日期", "晚于今天")
    open_ = [AgreementState.PROPOSED, AgreementState.ACTIVE]
    if known := HospitalAgreement.objects.filter(region=region, code=code.strip(), state__in=open_).first():
        raise FundInputError("定点医药机构编码", f" {code.strip()} 已有协议 {known.no}，请先终止")
    row = HospitalAgreement.objects.create(
        region=region, no=next_no("fund", region, clock.today()), name=name.strip()[:60], code=code.strip()[:20],
        payee=payee.strip()[:100], advance_limit_fen=advance_limit_fen, signed_on=signed_on, starts_on=starts_on,
        ends_on=ends_on, proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    _audit("propose_agreement", acting_user, row, code=row.code, advance_limit_fen=advance_limit_fen)
    return row


@transaction.atomic
def decide_agreement(
    agreement: HospitalAgreement, *, acting_user: User, approve: bool, note: str = ""
) -> HospitalAgreement:
    """Puts an agreement into force, or refuses it with a reason. Never by who proposed it.

    Raises: FundHandsError, FundStateError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, agreement.region)
    row = access.locked(HospitalAgreement.objects, agreement.pk, what="定点医院协议")
    after = AgreementState.ACTIVE if approve else AgreementState.REFUSED
    decided(row, after, acting_user=acting_user, approve=approve, note=note, what=row.no, of=row.no)  # fmt: skip
    row.save(update_fields=["state", "decided_at", "decided_by", "decision_note"])
    _audit("decide_agreement", acting_user, row, state=row.state, note=row.decision_note)
    return row


@transaction.atomic
def end_agreement(agreement: HospitalAgreement, *, acting_user: User, reason: str) -> HospitalAgreement:
    """Ends an agreement once its advance is back and every bill is cleared or withdrawn.

    Raises: FundInputError says what is still open; FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, agreement.region)
    ledger.lock([agreement.region])
    row = access.locked(HospitalAgreement.objects, agreement.pk, what="定点医院协议")
    move(row.no, row.state, AgreementState.ENDED)
    if not reason.strip():
        raise FundInputError("终止原因", "没有填写")
    if held := hospital.balance(row):
        raise FundInputError("预付款", f"还有 {format_yuan(held)} 元在医院。请先提出“收回医院预付款”。")
    left = HospitalBill.objects.filter(agreement=row, state__in=[BillState.PRE_SETTLED, BillState.SETTLED]).count()
    if left:
        raise FundInputError("单据", f"还有 {left} 张没有清算。请先清算或撤回。")
    if open_ := row.orders.exclude(status__in=[OrderStatus.PAID, OrderStatus.TREASURY]).first():  # type: ignore[attr-defined]
        raise FundInputError("付款单", f" {open_.no} 还没有到账（{open_.get_status_display()}）。请先办结。")
    row.state, row.ended_at, row.ended_by, row.end_reason = (
        AgreementState.ENDED,
        clock.now(),
        acting_user,
        reason.strip()[:200],
    )
    row.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    _audit("end_agreement", acting_user, row, reason=row.end_reason)
    return row


def open_month(agreement: HospitalAgreement, month: Month) -> None:
    """Nothing while a month may still change.

    Raises: FundStateError: its clearing waits or is done.
    """
    made = (
        HospitalClearing.objects.filter(agreement=agreement, month=month.yyyymm)
        .exclude(state=ClearingState.REFUSED)
        .first()
    )
    if made is not None:
        what = f"{agreement.name}{month.label}的清算 {made.no} "
        raise FundStateError(what, made.get_state_display(), "改动单据")


@transaction.atomic
def import_bills(
    agreement: HospitalAgreement, *, acting_user: User, month: Month, data: bytes, name: str, profile: str = "generic"
) -> BillBatch:
    """Takes a file of bills for a month: good rows become bills and are judged, bad ones are kept with their reasons.

    A bill comes once: its number is refused while one with it stands, whatever file it was in. Late bills come with a
    later month.

    Raises: FundInputError, FundStateError; ExchangeError for what is no table; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, agreement.region)
    ledger.lock([agreement.region])
    row = access.locked(HospitalAgreement.objects, agreement.pk, what="定点医院协议")
    if row.state != AgreementState.ACTIVE:
        raise FundStateError(f"协议 {row.no} ", row.get_state_display(), "导入单据")
    if month > Month.of(clock.today()):
        raise FundInputError("清算月份", f"{month.label}还没有到")
    open_month(row, month)
    read = hospital_bills.read(data, hospital_bills.load_profile(profile), today=clock.today())
    if not read.rows:
        raise FundInputError("文件", "里没有单据。请核对是否选错了文件。")
    stored = put_bytes(data, region=row.region, name=name, purpose="hospital_bills", by_id=acting_user.pk)
    if before := BillBatch.objects.filter(agreement=row, file=stored, withdrawn_at__isnull=True).first():
        raise FundInputError("文件", f"已经导入为 {before.no}。要重新导入，请先撤回那一批。")
    good, faults = _sound(row, month, read)
    batch = BillBatch.objects.create(
        region=row.region, agreement=row, no=next_no("fund", row.region, clock.today()), month=month.yyyymm, file=stored,
        file_name=stored.name[:200], profile=profile, rows=read.rows, bad=read.rows - len(good),
        faults=[{"row": one.row_no, "field": one.field, "reason": one.reason, "remedy": one.remedy} for one in faults],
        imported_at=clock.now(), imported_by=acting_user,
    )  # fmt: skip
    people = _people(row.region, [one.id_text for one in good])
    made = [
        HospitalBill(
            region=row.region, agreement=row, batch=batch, row_no=one.row_no, bill_no=one.bill_no,
            person=people.get(one.id_text), name=one.name, id_masked=mask_id(one.id_text), admitted_on=one.admitted,
            discharged_on=one.discharged, illness=one.illness, total_fen=one.total, basic_fen=one.basic,
            catastrophic_fen=one.catastrophic, other_fen=one.other, outside_fen=one.outside, claimed_fen=one.claimed,
            own_fen=one.own,
        )
        for one in good
    ]  # fmt: skip
    medical.judge(made)
    HospitalBill.objects.bulk_create(made, batch_size=1000)
    _audit(
        "import_bills", acting_user, row, batch=batch.no, month=month.yyyymm, rows=batch.rows, bad=batch.bad,
        claimed_fen=sum(one.claimed_fen for one in made), differ=sum(one.verdict != Verdict.AGREE for one in made),
    )  # fmt: skip
    return batch


def _sound(
    row: HospitalAgreement, month: Month, read: hospital_bills.BillFile
) -> tuple[list[hospital_bills.Bill], list[RowFault]]:
    """Bills that may stand under an agreement, and all faults of the rest."""
    faults = list(read.faults)
    known = {
        no: (batch, at)
        for no, batch, at in HospitalBill.objects.filter(agreement=row, bill_no__in=[one.bill_no for one in read.bills])
        .exclude(state=BillState.WITHDRAWN)
        .values_list("bill_no", "batch__no", "row_no")
    }
    good = []
    for one in read.bills:
        if one.bill_no in known:
            no, at = known[one.bill_no]
            faults.append(
                RowFault(
                    one.row_no, "单据号", f"已报送过，见批次 {no} 第 {at} 行", "不要重复报送；更正的请先撤回原批次"
                )
            )
        elif not row.starts_on <= one.discharged <= row.ends_on:
            faults.append(
                RowFault(one.row_no, "出院日期", f"不在协议期 {row.starts_on} 至 {row.ends_on} 内", "请核对日期或协议")
            )
        elif one.discharged > month.last_day:
            faults.append(RowFault(one.row_no, "出院日期", f"在{month.label}以后", "请随以后的月份报送"))
        else:
            good.append(one)
    return good, sorted(faults, key=lambda one: one.row_no)


def _people(region: str, numbers: list[str]) -> dict[str, Person]:
    """Identity number -> the county's person."""
    wanted = {bytes(index): number for number in set(numbers) for index in secrets.id_indexes(number)}
    limits = access.range_of(region[:6])
    found = Person.objects.filter(region__gte=limits.low, region__lt=limits.high, id_index__in=list(wanted))
    return {wanted[bytes(one.id_index or b"")]: one for one in found}


@transaction.atomic
def withdraw_batch(batch: BillBatch, *, acting_user: User, reason: str) -> BillBatch:
    """Takes a file back, whole, as long as its month is open; its bills may then be sent again.

    Raises: FundInputError, FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, batch.region)
    ledger.lock([batch.region])
    row = access.locked(BillBatch.objects.select_related("agreement"), batch.pk, what="单据批次")
    if row.withdrawn_at is not None:
        raise FundStateError(f"批次 {row.no} ", "已撤回", "撤回")
    if not reason.strip():
        raise FundInputError("撤回原因", "没有填写")
    open_month(row.agreement, Month.parse(str(row.month)))
    row.withdrawn_at, row.withdrawn_by, row.withdraw_reason = clock.now(), acting_user, reason.strip()[:200]
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "withdraw_reason"])
    bills = HospitalBill.objects.filter(batch=row).update(state=BillState.WITHDRAWN)
    _audit("withdraw_bills", acting_user, row.agreement, batch=row.no, bills=bills, reason=row.withdraw_reason)
    return row


@transaction.atomic
def recheck(agreement: HospitalAgreement, *, acting_user: User, month: Month) -> int:
    """Judges a month's bills anew by today's facts and values; what people judged stays where the answer is the same.

    Returns: Bills whose answer changed.

    Raises: FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, agreement.region)
    ledger.lock([agreement.region])
    open_month(agreement, month)
    rows = list(hospital.bills_of_month(agreement, month))
    _find_again(rows)
    changed = medical.judge(rows)
    HospitalBill.objects.bulk_update(rows, ["person", *_JUDGED], batch_size=500)
    _audit("recheck_bills", acting_user, agreement, month=month.yyyymm, bills=len(rows), changed=len(changed))
    return len(changed)


def _find_again(rows: list[HospitalBill]) -> None:
    """Looks once more for patients nobody knew: their numbers stand in the files alone."""
    lost = [one for one in rows if one.person_id is None and one.batch.profile != CORRECTION]
    for batch in {one.batch_id: one.batch for one in lost}.values():
        with open_plain(batch.file) as plain:
            read = hospital_bills.read(plain.read(), hospital_bills.load_profile(batch.profile), today=clock.today())
        numbers = {one.row_no: one.id_text for one in read.bills}
        mine = [one for one in lost if one.batch_id == batch.pk and one.row_no in numbers]
        people = _people(batch.region, [numbers[one.row_no] for one in mine])
        for one in mine:
            one.person = people.get(numbers[one.row_no])


@transaction.atomic
def decide_bill(bill: HospitalBill, *, acting_user: User, accepted_fen: int, reason: str) -> HospitalBill:
    """Judges a bill on which hospital and rules differ. Never above what the hospital gave, nor above what the rules give.

    Raises: FundInputError, FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, bill.region)
    ledger.lock([bill.region])
    row = access.locked(HospitalBill.objects.select_related("agreement", "batch"), bill.pk, what="结算单据")
    move(f"单据 {row.bill_no} ", row.state, BillState.SETTLED)
    open_month(row.agreement, Month.parse(str(row.batch.month)))
    if row.verdict == Verdict.AGREE:
        raise FundInputError("单据", f" {row.bill_no} 与规则一致，不需要另行核定")
    if not reason.strip():
        raise FundInputError("核定理由", "没有填写")
    if not 0 <= accepted_fen <= row.claimed_fen:
        raise FundInputError("核定支付", f"应在 0 到医院申报的 {format_yuan(row.claimed_fen)} 元之间")
    if row.computed_fen is not None and accepted_fen > row.computed_fen:
        raise FundInputError(
            "核定支付",
            f"不能超过规则测算的 {format_yuan(row.computed_fen)} 元。身份或费用有误的，请先更正登记再重新核对。",
        )
    row.accepted_fen, row.reason, row.state = accepted_fen, reason.strip()[:200], BillState.SETTLED
    row.decided_at, row.decided_by = clock.now(), acting_user
    row.save(update_fields=["accepted_fen", "reason", "state", "decided_at", "decided_by"])
    _audit(
        "decide_bill", acting_user, row.agreement, bill=row.bill_no, claimed_fen=row.claimed_fen,
        computed_fen=row.computed_fen, accepted_fen=accepted_fen, reason=row.reason,
    )  # fmt: skip
    return row


@transaction.atomic
def accept_rules(agreement: HospitalAgreement, *, acting_user: User, month: Month) -> int:
    """Judges every open bill of a month on which the rules have an answer as the rules say.

    Returns: Bills judged; those the rules cannot tell stay open.

    Raises: FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, agreement.region)
    ledger.lock([agreement.region])
    open_month(agreement, month)
    rows = [
        one
        for one in hospital.bills_of_month(agreement, month).filter(state=BillState.PRE_SETTLED)
        if one.computed_fen is not None
    ]
    now = clock.now()
    for one in rows:
        given = min(one.claimed_fen, one.computed_fen or 0)
        one.accepted_fen, one.state, one.decided_at, one.decided_by = given, BillState.SETTLED, now, acting_user
        one.reason = f"{one.get_verdict_display()}，按规则测算 {format_yuan(one.computed_fen or 0)} 元核定"
    HospitalBill.objects.bulk_update(
        rows, ["accepted_fen", "reason", "state", "decided_at", "decided_by"], batch_size=500
    )
    _audit(
        "accept_rules", acting_user, agreement, month=month.yyyymm, bills=len(rows),
        accepted_fen=sum(one.accepted_fen or 0 for one in rows),
    )  # fmt: skip
    return len(rows)
