"""The words of the ledger and of the papers that move money: accounts, events, sources, kinds of paper and their moves."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

from tuodi.funds.errors import FundStateError

__all__ = [
    "ADVANCES",
    "AGREEMENT_MOVES",
    "BILL_MOVES",
    "CLEARING_MOVES",
    "DESK_MOVES",
    "LIVING",
    "ORDER_MOVES",
    "PAPER_MOVES",
    "PAYEE_MOVES",
    "POOL",
    "RUN_ACCOUNTS",
    "SPENT_AT_ONCE",
    "Account",
    "AgreementState",
    "BillState",
    "ClaimFrom",
    "ClearingState",
    "DeskState",
    "EmergencyReason",
    "FundProgramme",
    "Kind",
    "OrderKind",
    "OrderStatus",
    "PaperKind",
    "PaperState",
    "PayWay",
    "PayeeState",
    "PremiumResult",
    "Source",
    "Verdict",
    "move",
]


class Account(models.TextChoices):
    """Where a yuan is, whom it is owed to, and where it came from."""

    AVAILABLE = "available", "可用资金"
    RESERVED = "reserved", "已占用（已审批待发）"
    FLOAT = "float", "乡镇备用金"
    TRANSIT = "transit", "在途（已送银行）"
    HOSPITAL = "hospital", "医院垫付"
    SUSPENSE = "suspense", "退汇待处理"
    PAYABLE = "payable", "应付救助金"
    RECEIVABLE = "receivable", "应收多发款"
    EXPENSE = "expense", "救助支出"
    APPROPRIATED = "appropriated", "指标下达"
    TRANSFER = "transfer", "统筹调剂"


#: Accounts that hold money: never below zero in a county that keeps a fund book.
LIVING = (
    Account.AVAILABLE,
    Account.RESERVED,
    Account.FLOAT,
    Account.TRANSIT,
    Account.HOSPITAL,
    Account.SUSPENSE,
)
#: Accounts whose balance is kept for each monthly run by itself.
RUN_ACCOUNTS = (
    Account.RESERVED,
    Account.TRANSIT,
    Account.SUSPENSE,
    Account.PAYABLE,
    Account.RECEIVABLE,
    Account.EXPENSE,
)


class Kind(models.TextChoices):
    """What was booked. A reversal has the kind of what it reverses."""

    GRANT = "grant", "审批"
    SEND = "send", "送银行"
    PAID = "paid", "到账"
    FAILED = "failed", "失败退回"
    RETURNED = "returned", "退票"
    WITHHELD = "withheld", "停保扣留"
    RECOVERED = "recovered", "追回入账"
    WRITTEN_OFF = "written_off", "核销"
    FOUND = "found", "认定多发"
    APPROPRIATION = "appropriation", "指标下达"
    TRANSFER = "transfer", "统筹调剂"
    HAND_BACK = "hand_back", "结余上缴"
    RELEASE = "release", "退汇转回可用"
    ADVANCE = "advance", "预拨备用金"
    PETTY_SPEND = "petty_spend", "备用金支出"
    PETTY_BACK = "petty_back", "备用金交回"
    PETTY_RETURN = "petty_return", "现金追回"
    HOSPITAL = "hospital", "拨付医院预付款"
    HOSPITAL_BACK = "hospital_back", "收回医院预付款"
    HOSPITAL_CLEAR = "hospital_clear", "医院清算"
    ORDERED = "ordered", "机构付款审批"
    TREASURY = "treasury", "国库支付机构款"
    REFUND = "refund", "机构退回"


#: Kinds that spend at once, without a run that owed it before, or take such money back: their expense is what families have.
SPENT_AT_ONCE = (Kind.PETTY_SPEND, Kind.PETTY_RETURN, Kind.HOSPITAL_CLEAR, Kind.TREASURY, Kind.REFUND)


class Source(models.TextChoices):
    """Who gives the money. A public fund's sub-account is `society:<number of the fund>`; empty = no fund book then."""

    CENTRAL = "central", "中央"
    PROVINCE = "province", "省级"
    PREFECTURE = "prefecture", "市级"
    COUNTY = "county", "县级"
    SOCIETY = "society", "社会（公益基金）"


class FundProgramme(models.TextChoices):
    """Sub-accounts by programme. The first five after the pool are those 云南 merges (M37)."""

    POOL = "pool", "统筹池（未分项）"
    DIBAO = "dibao", "城乡低保"
    TEKUN = "tekun", "特困人员救助供养"
    TEMPORARY = "temporary", "临时救助"
    CHILD = "child", "孤儿和困境儿童生活保障"
    VAGRANT = "vagrant", "流浪乞讨人员救助"
    MEDICAL = "medical", "医疗救助"
    EMERGENCY = "emergency", "疾病应急救助"
    CARE = "care", "特困照料服务补贴"
    FAMILY_PLANNING = "family_planning", "计划生育家庭扶助"


POOL = FundProgramme.POOL


class PaperKind(models.TextChoices):
    """What a paper asks for. One proposes, another decides."""

    APPROPRIATION = "appropriation", "指标下达"
    TRANSFER = "transfer", "统筹调剂"
    PLAN = "plan", "用款计划"
    ADVANCE = "advance", "预拨乡镇备用金"
    HAND_BACK = "hand_back", "结余上缴"
    CARRY = "carry", "结转下年"
    HOSPITAL = "hospital", "拨付医院预付款"
    HOSPITAL_BACK = "hospital_back", "收回医院预付款"
    REVERSAL = "reversal", "冲正凭证"


class PaperState(models.TextChoices):
    """Where a paper is."""

    PROPOSED = "proposed", "待审核"
    APPROVED = "approved", "已同意"
    REFUSED = "refused", "不同意"
    REVERSED = "reversed", "已冲正"


PAPER_MOVES: Mapping[str, frozenset[str]] = {
    PaperState.PROPOSED: frozenset({PaperState.APPROVED, PaperState.REFUSED}),
    PaperState.APPROVED: frozenset({PaperState.REVERSED}),
    PaperState.REFUSED: frozenset(),
    PaperState.REVERSED: frozenset(),
}


class AgreementState(models.TextChoices):
    """Where an agreement with a designated hospital (定点医院) is."""

    PROPOSED = "proposed", "待审核"
    ACTIVE = "active", "生效"
    REFUSED = "refused", "不同意"
    ENDED = "ended", "已终止"


AGREEMENT_MOVES: Mapping[str, frozenset[str]] = {
    AgreementState.PROPOSED: frozenset({AgreementState.ACTIVE, AgreementState.REFUSED}),
    AgreementState.ACTIVE: frozenset({AgreementState.ENDED}),
    AgreementState.REFUSED: frozenset(),
    AgreementState.ENDED: frozenset(),
}


class BillState(models.TextChoices):
    """Where a bill of a hospital is: told the patient at the window, judged here, paid to the hospital."""

    PRE_SETTLED = "pre_settled", "已预结，待核定"
    SETTLED = "settled", "已核定"
    CLEARED = "cleared", "已清算"
    WITHDRAWN = "withdrawn", "已撤回"


BILL_MOVES: Mapping[str, frozenset[str]] = {
    BillState.PRE_SETTLED: frozenset({BillState.SETTLED, BillState.WITHDRAWN}),
    BillState.SETTLED: frozenset({BillState.PRE_SETTLED, BillState.SETTLED, BillState.CLEARED, BillState.WITHDRAWN}),
    BillState.CLEARED: frozenset(),
    BillState.WITHDRAWN: frozenset(),
}


class Verdict(models.TextChoices):
    """What the rules say of what a hospital claims for a patient."""

    AGREE = "agree", "与规则一致"
    OVER = "over", "医院多算"
    UNDER = "under", "医院少算"
    NOT_OBJECT = "not_object", "不属于救助对象"
    NOT_FOUND = "not_found", "本县查无此人"
    DEAD = "dead", "入院前已死亡"
    UNKNOWN = "unknown", "不能认定"


class ClearingState(models.TextChoices):
    """Where the clearing of a hospital's month is."""

    PROPOSED = "proposed", "待审核"
    APPROVED = "approved", "已清算"
    REFUSED = "refused", "不同意"


CLEARING_MOVES: Mapping[str, frozenset[str]] = {
    ClearingState.PROPOSED: frozenset({ClearingState.APPROVED, ClearingState.REFUSED}),
    ClearingState.APPROVED: frozenset(),
    ClearingState.REFUSED: frozenset(),
}


class PayWay(models.TextChoices):
    """How money to hospitals and other bodies leaves a county."""

    BANK = "bank", "经办银行代付（本系统出文件）"
    TREASURY = "treasury", "国库直接支付（线下）"


class PayeeState(models.TextChoices):
    """Where the account of a body that is paid is. One is in force at a time; the next one replaces it."""

    PROPOSED = "proposed", "待审核"
    ACTIVE = "active", "在用"
    REPLACED = "replaced", "已更换"
    REFUSED = "refused", "不同意"


PAYEE_MOVES: Mapping[str, frozenset[str]] = {
    PayeeState.PROPOSED: frozenset({PayeeState.ACTIVE, PayeeState.REFUSED}),
    PayeeState.ACTIVE: frozenset({PayeeState.REPLACED}),
    PayeeState.REPLACED: frozenset(),
    PayeeState.REFUSED: frozenset(),
}


class OrderKind(models.TextChoices):
    """What a body is paid for."""

    CLEARING = "clearing", "医院清算款"
    ADVANCE = "advance", "医院预付款"
    REFILL = "refill", "补足医院预付款"
    PREMIUM = "premium", "资助参保款"
    EMERGENCY = "emergency", "疾病应急救助款"
    FUNERAL = "funeral", "基本丧葬服务费"


class DeskState(models.TextChoices):
    """Where a list of premiums or an emergency request is: one enters it, finance decides."""

    PROPOSED = "proposed", "待审核"
    APPROVED = "approved", "已同意"
    REFUSED = "refused", "不同意"


DESK_MOVES: Mapping[str, frozenset[str]] = {
    DeskState.PROPOSED: frozenset({DeskState.APPROVED, DeskState.REFUSED}),
    DeskState.APPROVED: frozenset(),
    DeskState.REFUSED: frozenset(),
}


class PremiumResult(models.TextChoices):
    """What the collector says of a person of a list."""

    INSURED = "insured", "已参保"
    NOT_INSURED = "not_insured", "未参保"
    DOUBLE = "double", "重复参保"


class EmergencyReason(models.TextChoices):
    """Why nobody else pays: the two cases of 649号令 32条."""

    UNIDENTIFIED = "unidentified", "身份不明"
    UNABLE = "unable", "无力支付急救费用"


class ClaimFrom(models.TextChoices):
    """From whom the fund claims what it paid, once the patient is known."""

    PATIENT = "patient", "本人或家属"
    INSURANCE = "insurance", "医疗保险"
    MEDICAL_AID = "medical_aid", "医疗救助"
    LIABLE = "liable", "责任人（工伤、交通事故等）"
    HOME_PLACE = "home_place", "户籍地"


#: Orders whose money stays the county's, with a hospital.
ADVANCES = (OrderKind.ADVANCE, OrderKind.REFILL)


class OrderStatus(models.TextChoices):
    """Where the money of an order is: the last of its events."""

    READY = "ready", "待送银行"
    SENT = "sent", "已送银行"
    UNKNOWN = "unknown", "结果未知"  # the bank gave no definite answer; never treated as failed
    PAID = "paid", "已到账"
    FAILED = "failed", "失败"
    RETURNED = "returned", "退票"
    TREASURY = "treasury", "国库已支付"  # turned by two people into one of the treasury's


ORDER_MOVES: Mapping[str, frozenset[str]] = {
    OrderStatus.READY: frozenset({OrderStatus.SENT, OrderStatus.TREASURY}),
    OrderStatus.SENT: frozenset({OrderStatus.PAID, OrderStatus.FAILED, OrderStatus.UNKNOWN}),
    OrderStatus.UNKNOWN: frozenset({OrderStatus.PAID, OrderStatus.FAILED}),
    OrderStatus.PAID: frozenset({OrderStatus.RETURNED}),
    OrderStatus.FAILED: frozenset({OrderStatus.SENT, OrderStatus.TREASURY}),
    OrderStatus.RETURNED: frozenset({OrderStatus.SENT, OrderStatus.TREASURY}),
    OrderStatus.TREASURY: frozenset(),
}


class RefundState(models.TextChoices):
    """What became of a credit entry of a statement that may be a body's refund."""

    PROPOSED = "proposed", "待确认"
    BOOKED = "booked", "已入账"
    SAME = "same", "已凭凭证登记"  # the same money, entered by voucher before: nothing is booked for the entry
    DISMISSED = "dismissed", "不是退款"


REFUND_MOVES: Mapping[str, frozenset[str]] = {
    RefundState.PROPOSED: frozenset({RefundState.BOOKED, RefundState.SAME, RefundState.DISMISSED}),
    # The paper it was entered by was refused.
    RefundState.BOOKED: frozenset({RefundState.PROPOSED}),
    RefundState.SAME: frozenset({RefundState.PROPOSED}),
    RefundState.DISMISSED: frozenset(),
}

_TABLES: Mapping[type[models.TextChoices], Mapping[str, frozenset[str]]] = {
    PaperState: PAPER_MOVES,
    AgreementState: AGREEMENT_MOVES,
    BillState: BILL_MOVES,
    ClearingState: CLEARING_MOVES,
    PayeeState: PAYEE_MOVES,
    OrderStatus: ORDER_MOVES,
    DeskState: DESK_MOVES,
    RefundState: REFUND_MOVES,
}


def move(what: str, before: str, after: models.TextChoices) -> None:
    """Nothing if the move is in the table of the state's kind.

    Raises:
        FundStateError: It is not.
    """
    kind = type(after)
    if after not in _TABLES[kind][before]:
        raise FundStateError(what, str(kind(before).label), str(after.label))
