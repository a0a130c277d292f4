"""The words of the ledger and of the papers that move money: accounts, events, sources, kinds of paper and their moves."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

from tuodi.funds.errors import FundStateError

__all__ = [
    "LIVING",
    "PAPER_MOVES",
    "POOL",
    "RUN_ACCOUNTS",
    "Account",
    "FundProgramme",
    "Kind",
    "PaperKind",
    "PaperState",
    "Source",
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
    APPROPRIATION = "appropriation", "指标下达"
    TRANSFER = "transfer", "统筹调剂"
    HAND_BACK = "hand_back", "结余上缴"
    RELEASE = "release", "退汇转回可用"
    ADVANCE = "advance", "预拨备用金"
    PETTY_SPEND = "petty_spend", "备用金支出"
    PETTY_BACK = "petty_back", "备用金交回"


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


POOL = FundProgramme.POOL


class PaperKind(models.TextChoices):
    """What a paper asks for. One proposes, another decides."""

    APPROPRIATION = "appropriation", "指标下达"
    TRANSFER = "transfer", "统筹调剂"
    PLAN = "plan", "用款计划"
    ADVANCE = "advance", "预拨乡镇备用金"
    HAND_BACK = "hand_back", "结余上缴"
    CARRY = "carry", "结转下年"


class PaperState(models.TextChoices):
    """Where a paper is."""

    PROPOSED = "proposed", "待审核"
    APPROVED = "approved", "已同意"
    REFUSED = "refused", "不同意"


PAPER_MOVES: Mapping[str, frozenset[str]] = {
    PaperState.PROPOSED: frozenset({PaperState.APPROVED, PaperState.REFUSED}),
    PaperState.APPROVED: frozenset(),
    PaperState.REFUSED: frozenset(),
}


def move(what: str, before: str, after: str) -> None:
    """Nothing if the move is in the table.

    Raises:
        FundStateError: It is not.
    """
    if after not in PAPER_MOVES[before]:
        raise FundStateError(what, PaperState(before).label, PaperState(after).label)
