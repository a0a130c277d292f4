"""The life of a monthly run, of a line and of a bank batch, as tables. A move that is not in a table is refused.

The database holds the run's and the line's tables again by triggers (migration 0002).
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

from tuodi.payments.errors import StateError
from tuodi.people.enums import Programme

__all__ = [
    "BATCH_MOVES",
    "BOOKED",
    "CORRECTION_MOVES",
    "DRAFT",
    "ERRORS",
    "FINDING_MOVES",
    "LINE_MOVES",
    "LIST_MOVES",
    "MESSAGE_MOVES",
    "RECALLED",
    "RECALL_LINE_MOVES",
    "RECALL_MOVES",
    "ROLL_PROGRAMMES",
    "RUN_MOVES",
    "WRITE_OFF_MOVES",
    "Basis",
    "BatchState",
    "Cause",
    "ClaimState",
    "CorrectionKind",
    "CorrectionState",
    "DecisionState",
    "FindingState",
    "Held",
    "LineStatus",
    "ListState",
    "Manner",
    "MessageState",
    "PayProgramme",
    "Period",
    "RecallPurpose",
    "RecallReason",
    "RecallState",
    "RecallWord",
    "RunState",
    "Verdict",
    "WriteOffReason",
    "WriteOffState",
    "is_fixed_code",
    "is_stated_code",
    "move",
    "steps_to",
]


#: What a line may be of: programmes of the roll, the subsidy of a caregiver, and fixed amounts other departments determine.
#: Packs may declare more of the last (`funds.programmes`); their words come from there.
#: A line of `care` is of the tekun person looked after (its unit), and is paid to who looks after him.
PayProgramme = models.TextChoices(  # type: ignore[misc]
    "PayProgramme",
    {
        **{one.name: (one.value, one.label) for one in Programme},
        "CARE": ("care", "照料服务补贴"),
        "FAMILY_PLANNING": ("family_planning", "计划生育家庭扶助"),
    },
)

#: Programmes of the families' roll. The amount of every other one stands in an agreement or a list and is not computed by rules.
ROLL_PROGRAMMES = tuple(str(one) for one in Programme.values)


def is_stated_code(programme: str) -> bool:
    """Whether a programme pays stated amounts: a caregiver's subsidy, or a fixed amount the packs declare."""
    return programme not in ROLL_PROGRAMMES


def is_fixed_code(programme: str) -> bool:
    """Whether a programme is a fixed amount of another department's list."""
    return is_stated_code(programme) and programme != PayProgramme.CARE


class RunState(models.TextChoices):
    """Where a month's run stands."""

    OPEN = "open", "已开账"
    CALCULATED = "calculated", "已计算"
    CHECKED = "checked", "已校验"
    APPROVED = "approved", "已审批"
    SENT = "sent", "已送银行"
    SETTLED = "settled", "已结清"
    CLOSED = "closed", "已关账"
    CANCELLED = "cancelled", "已撤销"


#: Lines may still be computed anew.
DRAFT = (RunState.OPEN, RunState.CALCULATED, RunState.CHECKED)
#: The month counts as granted: its lines never change again, later months refer to it.
BOOKED = (RunState.APPROVED, RunState.SENT, RunState.SETTLED, RunState.CLOSED)

RUN_MOVES: Mapping[str, frozenset[str]] = {
    RunState.OPEN: frozenset({RunState.CALCULATED, RunState.CANCELLED}),
    RunState.CALCULATED: frozenset({RunState.OPEN, RunState.CHECKED, RunState.CANCELLED}),
    RunState.CHECKED: frozenset({RunState.OPEN, RunState.APPROVED, RunState.CANCELLED}),
    RunState.APPROVED: frozenset({RunState.SENT}),
    RunState.SENT: frozenset({RunState.SETTLED}),
    RunState.SETTLED: frozenset({RunState.CLOSED}),
    RunState.CLOSED: frozenset(),
    RunState.CANCELLED: frozenset(),
}


class LineStatus(models.TextChoices):
    """Where the money of a line is. After approval it is the last of the line's events."""

    READY = "ready", "待发放"
    HELD = "held", "暂缓"  # not paid in this run; the next run pays it back once what held it is mended
    NOTHING = "nothing", "无应发"  # all of it offset: nothing goes to the bank
    SENT = "sent", "已送银行"
    UNKNOWN = "unknown", "结果未知"  # the bank gave no definite answer; never treated as failed
    PAID = "paid", "已到账"
    FAILED = "failed", "失败"
    RETURNED = "returned", "退票"
    #: Approved, but held back before the file went out (suspended, died, moved, account changed): never sent, treated like a held line afterwards.
    #: Also a line that was asked back of the bank to be stopped, once its money is known not to be with the family.
    WITHHELD = "withheld", "发前扣留"


LINE_MOVES: Mapping[str, frozenset[str]] = {
    LineStatus.READY: frozenset({LineStatus.SENT, LineStatus.WITHHELD}),
    LineStatus.HELD: frozenset(),
    LineStatus.NOTHING: frozenset(),
    LineStatus.SENT: frozenset({LineStatus.PAID, LineStatus.FAILED, LineStatus.UNKNOWN}),
    LineStatus.UNKNOWN: frozenset({LineStatus.PAID, LineStatus.FAILED}),
    LineStatus.PAID: frozenset({LineStatus.RETURNED}),
    LineStatus.FAILED: frozenset({LineStatus.SENT, LineStatus.WITHHELD}),  # withheld: recalled to be stopped
    LineStatus.RETURNED: frozenset({LineStatus.SENT, LineStatus.WITHHELD}),
    LineStatus.WITHHELD: frozenset(),
}


class BatchState(models.TextChoices):
    """Where a bank file stands."""

    SENT = "sent", "已送出"
    PARTLY = "partly_returned", "部分回盘"
    RECONCILED = "reconciled", "已核平"


BATCH_MOVES: Mapping[str, frozenset[str]] = {
    BatchState.SENT: frozenset({BatchState.PARTLY, BatchState.RECONCILED}),
    BatchState.PARTLY: frozenset({BatchState.RECONCILED}),
    BatchState.RECONCILED: frozenset(),  # a later 退票 changes lines, not this
}


def steps_to(now: str, said: str) -> tuple[str, ...] | None:
    """What must happen to a payment that the bank says something of; () = nothing new, None = it contradicts what is known.

    Whatever the order in which answers come, the end is the same: an earlier stage told late is no news, and money that
    came back has arrived before. Only "failed" and "paid" exclude each other.

    Args:
        now: where the item stands. said: paid, failed, returned or unknown.
    """
    if said == LineStatus.UNKNOWN:
        return (LineStatus.UNKNOWN,) if now == LineStatus.SENT else ()
    if now in (LineStatus.SENT, LineStatus.UNKNOWN):
        return (LineStatus.PAID, LineStatus.RETURNED) if said == LineStatus.RETURNED else (said,)
    if now == said or (now, said) == (LineStatus.RETURNED, LineStatus.PAID):
        return ()
    return (said,) if (now, said) == (LineStatus.PAID, LineStatus.RETURNED) else None


class MessageState(models.TextChoices):
    """Where a message to a bank stands."""

    CREATED = "created", "已生成"
    SIGNED = "signed", "已签名"
    SENT = "sent", "已送出，等银行受理"  # it has left at least once; whether the bank has it is not known
    ACKNOWLEDGED = "acknowledged", "银行已受理"
    REFUSED = "refused", "银行拒收"


MESSAGE_MOVES: Mapping[str, frozenset[str]] = {
    MessageState.CREATED: frozenset({MessageState.SIGNED}),
    MessageState.SIGNED: frozenset({MessageState.SENT}),
    MessageState.SENT: frozenset({MessageState.ACKNOWLEDGED, MessageState.REFUSED}),
    MessageState.ACKNOWLEDGED: frozenset(),
    MessageState.REFUSED: frozenset(),
}


class RecallState(models.TextChoices):
    """Where a request to a bank to give payments back unexecuted (撤销) stands."""

    PROPOSED = "proposed", "待复核"
    WITHDRAWN = "withdrawn", "未采用"
    ASKED = "asked", "已请求，等银行答复"  # its number and file are there; ends by the bank's word, never by time
    GIVEN_UP = "given_up", "不再等答复"  # moves nothing; a late answer still counts
    ANSWERED = "answered", "银行已答复"


RECALL_MOVES: Mapping[str, frozenset[str]] = {
    RecallState.PROPOSED: frozenset({RecallState.ASKED, RecallState.WITHDRAWN}),
    RecallState.WITHDRAWN: frozenset(),
    RecallState.ASKED: frozenset({RecallState.ANSWERED, RecallState.GIVEN_UP}),
    RecallState.GIVEN_UP: frozenset({RecallState.ANSWERED}),
    RecallState.ANSWERED: frozenset({RecallState.ANSWERED}),
}


class RecallWord(models.TextChoices):
    """What the bank said of one payment it was asked for."""

    ASKED = "asked", "等待答复"
    CANCELLED = "cancelled", "已撤销，没有付款"
    RETURNING = "returning", "同意，款项将退回"  # it was paid: the payment stays as it is until the money is back
    BACK = "back", "款项已退回"
    REFUSED = "refused", "不能撤销"
    OTHERWISE = (
        "otherwise",
        "银行另行答复失败",
    )  # the payment ended by another answer, so that nothing is left to give back
    DROPPED = "dropped", "不再等"


RECALL_LINE_MOVES: Mapping[str, frozenset[str]] = {
    RecallWord.ASKED: frozenset(set(RecallWord) - {RecallWord.ASKED}),
    RecallWord.RETURNING: frozenset({RecallWord.BACK, RecallWord.REFUSED}),
    RecallWord.REFUSED: frozenset({RecallWord.CANCELLED, RecallWord.RETURNING, RecallWord.BACK}),
    RecallWord.DROPPED: frozenset({RecallWord.ASKED}),  # a late word takes the request up again first
    RecallWord.CANCELLED: frozenset(),
    RecallWord.BACK: frozenset(),
    RecallWord.OTHERWISE: frozenset(),
}


class RecallPurpose(models.TextChoices):
    """What becomes of a payment that comes back unexecuted."""

    STOP = "stop", "停发，由下期核定"
    AGAIN = "again", "更正后重发"


class RecallReason(models.TextChoices):
    """Why payments are asked back: codes of ISO 20022 (ExternalCancellationReason1Code)."""

    UPAY = "UPAY", "不应发放"
    DUPL = "DUPL", "重复发放"
    AC03 = "AC03", "收款账号有误"
    AM09 = "AM09", "金额有误"
    TECH = "TECH", "技术原因重复送出"
    CUST = "CUST", "其他原因"


#: Code of a payment that ended because it was asked back.
RECALLED = "CANC"


class DecisionState(models.TextChoices):
    """Where a person's word about a payment stands."""

    PROPOSED = "proposed", "待复核"
    CONFIRMED = "confirmed", "已复核"
    WITHDRAWN = "withdrawn", "未采用"


class Verdict(models.TextChoices):
    """What a line of a statement was found to be."""

    MATCHED = "matched", "相符"
    SETTLED = "settled", "相符，据此更新结果"
    DUPLICATE_DEBIT = "duplicate_debit", "重复扣款"
    DUPLICATE_CREDIT = "duplicate_credit", "重复退回"
    UNKNOWN_DEBIT = "unknown_debit", "扣款无对应明细"
    UNKNOWN_CREDIT = "unknown_credit", "退回无对应明细"
    AMOUNT = "amount", "金额不符"
    ACCOUNT = "account", "收款账号不符"
    CONTRADICTS = "contradicts", "与已知结果矛盾"
    OTHER = "other", "非代发收支"
    REFUND = "refund", "机构退款"


#: Leftovers that somebody must see to.
ERRORS = tuple(one.value for one in Verdict if one not in (Verdict.MATCHED, Verdict.SETTLED, Verdict.REFUND))


class Basis(models.TextChoices):
    """What an amount rests on."""

    RULES = "rules", "按规则计算"
    RULES_ROLL = "rules_roll", "按规则计算，认定结论沿用花名册"
    ROLL = "roll", "按花名册"
    AGREEMENT = "agreement", "按照料服务协议"
    LIST = "list", "按主管部门名单"


class Held(models.TextChoices):
    """Why a line is not paid in this run."""

    NONE = "", ""
    SUSPENDED = "suspended", "查实停保，处理中"
    UNKNOWN = "unknown", "金额未知"
    NOT_ELIGIBLE = "not_eligible", "规则认为不再符合，尚无停发决定"
    NO_ACCOUNT = "no_account", "没有收款账户"
    SHARED_ACCOUNT = "shared_account", "一个账户收多户"
    HOLDER = "holder", "户名不是家庭成员"
    ACCOUNT_FAILED = "account_failed", "上次被银行退回，账户未更正"
    TWO_PROGRAMMES = "two_programmes", "同一人同时享受低保和特困"


class Cause(models.TextChoices):
    """Why a family's line differs from last month's."""

    STANDARD = "standard", "提标"
    STANDARD_BACK = "standard_back", "提标补发"
    RULES = "rules", "规则调整"
    RULES_BACK = "rules_back", "规则调整补发"
    NEW = "new", "新增"
    MEMBERS = "members", "成员变动"
    DEATH = "death", "死亡减员"
    EXIT = "exit", "退出"
    CLUE = "clue", "查实停保"
    INCOME = "income", "收入变化"
    GRACE = "grace", "渐退"
    PRICE = "price", "价格补贴"
    PRICE_BACK = "price_back", "价格补贴更正"
    BACK = "back", "更正补发"
    OFFSET = "offset", "追回抵扣"
    HELD = "held", "本月暂缓"
    RESUMED = "resumed", "上月暂缓本月恢复"
    ONE_OFF = "one_off", "上月一次性补发到期"
    RELIEF = "relief", "临时救助（一次性）"
    BASIS = "basis", "计算依据变化"
    STATED = "stated", "约定或核定金额变化"
    OTHER = "other", "其他"


class ClaimState(models.TextChoices):
    """Whether anything of a claim is left: set by its sums. It opens anew when the unit turns out overpaid again."""

    OPEN = "open", "追回中"
    SETTLED = "settled", "已结清"


class Manner(models.TextChoices):
    """How a claim is got back."""

    CAPPED = "capped", "按月抵扣"  # up to the share of the place: by default at least half of the month is left
    AGREED = "agreed", "按协议分期"  # what was agreed, never above that share
    FRAUD = "fraud", "骗取，按高比例抵扣"
    STOPPED = "stopped", "停止抵扣"  # cash or write-off alone: a claim against an estate, a hardship being looked at


class WriteOffReason(models.TextChoices):
    """Why a claim is given up."""

    ESTATE = "estate", "死亡且无遗产可偿还"
    HARDSHIP = "hardship", "家庭特别困难，无力偿还"
    MISSING = "missing", "下落不明，无法追回"
    OFFICE = "office", "经办差错，受助人无过错"
    OTHER = "other", "其他"


class WriteOffState(models.TextChoices):
    """Where a proposal to give up a claim stands."""

    PROPOSED = "proposed", "待审批"
    APPROVED = "approved", "已核销"
    REFUSED = "refused", "不同意"


WRITE_OFF_MOVES: Mapping[str, frozenset[str]] = {
    WriteOffState.PROPOSED: frozenset({WriteOffState.APPROVED, WriteOffState.REFUSED}),
    WriteOffState.APPROVED: frozenset(),
    WriteOffState.REFUSED: frozenset(),
}


def _revocable(states: type[models.TextChoices]) -> Mapping[str, frozenset[str]]:
    """Moves of what two people decide and two may take back: until the second one agrees it still counts."""
    names = {one.name: one for one in states}
    return {
        names["PROPOSED"]: frozenset({names["APPROVED"], names["REFUSED"]}),
        names["APPROVED"]: frozenset({names["REVOKING"]}),
        names["REFUSED"]: frozenset(),
        names["REVOKING"]: frozenset({names["REVOKED"], names["APPROVED"]}),
        names["REVOKED"]: frozenset(),
    }


class FindingState(models.TextChoices):
    """Where an overpayment that people determined, and no run found, stands."""

    PROPOSED = "proposed", "待审批"
    APPROVED = "approved", "已立追回"
    REFUSED = "refused", "不同意"
    REVOKING = "revoking", "待撤销审批"  #: still counts until the second person agrees
    REVOKED = "revoked", "已撤销"


FINDING_MOVES: Mapping[str, frozenset[str]] = _revocable(FindingState)


class CorrectionKind(models.TextChoices):
    """What is done about the difference of a price index corrected after its subsidy was paid."""

    PAY = "pay", "补发少发的"
    CLAIM = "claim", "追回多发的"
    LEAVE = "leave", "不作调整"


class CorrectionState(models.TextChoices):
    """Where a decision about the difference of a corrected index stands."""

    PROPOSED = "proposed", "待审批"
    APPROVED = "approved", "已生效"
    REFUSED = "refused", "不同意"
    REVOKING = "revoking", "待撤销审批"  #: still counts until the second person agrees
    REVOKED = "revoked", "已撤销"


CORRECTION_MOVES: Mapping[str, frozenset[str]] = _revocable(CorrectionState)


class ListState(models.TextChoices):
    """Where a department's list of fixed amounts stands."""

    PROPOSED = "proposed", "待审核"
    APPROVED = "approved", "已生效"
    REFUSED = "refused", "不同意"


LIST_MOVES: Mapping[str, frozenset[str]] = {
    ListState.PROPOSED: frozenset({ListState.APPROVED, ListState.REFUSED}),
    ListState.APPROVED: frozenset(),
    ListState.REFUSED: frozenset(),
}


class Period(models.TextChoices):
    """How often a fixed amount is paid."""

    MONTH = "month", "按月"
    YEAR = "year", "按年一次"


def move(
    what: str, table: Mapping[str, frozenset[str]], before: str, after: str, labels: type[models.TextChoices]
) -> None:
    """Nothing if the move is in the table.

    Raises:
        StateError: It is not.
    """
    if after not in table[before]:
        raise StateError(what, labels(before).label, labels(after).label)
