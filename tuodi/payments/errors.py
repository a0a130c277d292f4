"""Errors of payments.

TuodiError
└── PaymentError
    ├── StateError            a state that does not follow
    ├── FourEyesError         who prepared may not approve (403)
    ├── NoRunError            no run of that place and month
    ├── EarlierRunError       last month is not approved yet
    ├── DoubleLineError       a unit has a live line of this month in another run
    ├── ChecksFailedError     a balance check says no
    ├── CaseHandsError        a person with another hand in a case (403)
    ├── NothingToSendError    no line is ready
    ├── OpenLinesError        lines without an answer
    ├── BankBlockedError      a restored database must be compared with a statement first
    ├── HandoutBlockedError   a file must not be carried to the bank, it may have been before
    ├── HoldListError         a list of lines to be held back in which one cannot be
    ├── AccountCheckError     an answer about accounts that does not fit
    ├── DecisionError         a person's word about a payment that cannot count
    ├── RecallError           a request to a bank to give payments back that cannot be
    ├── PlanExceededError     more than finance's plan of the month allows
    ├── ClaimError            a deed on a claim that cannot be
    ├── CorrectionError       a decision about a corrected price index that cannot be
    └── RunInputError         an argument that cannot be
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan

__all__ = [
    "AccountCheckError",
    "BankBlockedError",
    "CaseHandsError",
    "ChecksFailedError",
    "ClaimError",
    "CorrectionError",
    "DecisionError",
    "DoubleLineError",
    "EarlierRunError",
    "FourEyesError",
    "HandoutBlockedError",
    "HoldListError",
    "NoRunError",
    "NothingToSendError",
    "OpenLinesError",
    "PaymentError",
    "PlanExceededError",
    "RecallError",
    "RunInputError",
    "StateError",
]


class PaymentError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "payments"
    status = 409


class StateError(PaymentError):
    """The present state does not allow it."""

    code = "payments.state"

    def __init__(self, what: str, before: str, after: str) -> None:
        super().__init__(
            f"{what}现在是“{before}”，不能变为“{after}”。可能已有人办理，请刷新后再看。", before=before, after=after
        )


class FourEyesError(PaymentError):
    """One person may not prepare and approve."""

    code = "payments.four_eyes"
    status = 403
    logged = True

    def __init__(self, no: str, what: str, did: str = "编制") -> None:
        super().__init__(f"{no} 由您{did}，不能再由您{what}。请由另一人办理。", no=no)


class CaseHandsError(PaymentError):
    """Who accepted or confirmed a case may not pay it."""

    code = "payments.case_hands"
    status = 403
    logged = True

    def __init__(self, cases: Sequence[str]) -> None:
        shown = "、".join(cases[:5]) + (f" 等 {len(cases)} 件" if len(cases) > 5 else "")
        super().__init__(f"您办理过案件 {shown} 的受理或确认，不能再办资金拨付。请由另一人办理。", cases=list(cases))


class NoRunError(PaymentError):
    """Nothing there."""

    code = "payments.no_run"
    status = 404

    def __init__(self, place: str, month: str) -> None:
        super().__init__(f"{place} {month} 还没有开账。请先开账。", place=place, month=month)


class EarlierRunError(PaymentError):
    """The months of a place are approved in order, since a month's back pay rests on those before."""

    code = "payments.earlier"

    def __init__(self, no: str, state: str) -> None:
        super().__init__(f"上一期 {no} 还是“{state}”。请先审批或撤销上一期。", no=no, state=state)


class DoubleLineError(PaymentError):
    """One live line per entitled unit, programme and month."""

    code = "payments.double"

    def __init__(self, units: Sequence[str], others: Sequence[str]) -> None:
        shown = "、".join(units[:5]) + (f" 等 {len(units)} 户" if len(units) > 5 else "")
        super().__init__(
            f"{shown} 本月已列入 {'、'.join(others)}，同一对象同一项目一个月只能有一行。请撤销其中一期后重新计算。",
            units=list(units),
            others=list(others),
        )


class ChecksFailedError(PaymentError):
    """The run does not balance."""

    code = "payments.checks"

    def __init__(self, failed: Sequence[str]) -> None:
        super().__init__(
            f"校验没有通过：{'；'.join(failed)}。请重新计算，仍不通过请联系系统管理员。", failed=list(failed)
        )


class NothingToSendError(PaymentError):
    """No line waits for the bank."""

    code = "payments.nothing"

    def __init__(self, no: str, why: str) -> None:
        super().__init__(f"{no} 没有可以送银行的行：{why}。", no=no)


class OpenLinesError(PaymentError):
    """Lines the bank has not answered."""

    code = "payments.open_lines"

    def __init__(self, no: str, count: int, amount: str) -> None:
        super().__init__(
            f"{no} 还有 {count} 行（{amount} 元）银行没有明确答复，不能结清。请先取得回盘；没有答复不等于失败。",
            no=no,
            count=count,
        )


class BankBlockedError(PaymentError):
    """Nothing leaves until a statement that covers the gap is reconciled."""

    code = "payments.bank_blocked"
    logged = True

    def __init__(self, link: str, why: str) -> None:
        super().__init__(
            f"{link} 暂停送出：{why}。请先导入覆盖这一段的银行对账单并核平，再恢复送出。", link=link, why=why
        )


class HandoutBlockedError(PaymentError):
    """A file is not given out to be carried by hand: the bank may have it, or others the database has forgotten."""

    code = "payments.handout_blocked"
    status = 409
    logged = True

    def __init__(self, no: str, why: str) -> None:
        super().__init__(
            f"{no} 现在不能下载送银行：{why}。请向银行核实已收到哪些文件，导入回盘或对账单后在“银行直联与对账”恢复，"
            "或由两人写明理由恢复；没有核实以前不要另做文件送银行。",
            no=no,
            why=why,
        )


class HoldListError(PaymentError):
    """One line of the list cannot be held back, so none is."""

    code = "payments.hold_list"

    def __init__(self, keys: Sequence[str]) -> None:
        shown = "、".join(keys[:5]) + (f" 等 {len(keys)} 行" if len(keys) > 5 else "")
        super().__init__(f"{shown} 不是本期待发放的行，整单没有扣留。请改正后重新提交。", keys=list(keys))


class AccountCheckError(PaymentError):
    """An answer to an account check is not taken."""

    code = "payments.account_check"

    def __init__(self, faults: Sequence[str], count: int) -> None:
        more = f"等 {count} 处" if count > len(faults) else ""
        super().__init__(f"预校验结果没有采用：{'；'.join(faults)}{more}。请向银行要原文件后重新导入。", count=count)


class DecisionError(PaymentError):
    """A decision that cannot be made."""

    code = "payments.decision"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)


class ClaimError(PaymentError):
    """What is asked of a claim does not fit it."""

    code = "payments.claim"

    def __init__(self, problem: str, **fields: object) -> None:
        super().__init__(problem, **fields)


class CorrectionError(PaymentError):
    """What is asked about the difference of a corrected price index does not fit it."""

    code = "payments.correction"

    def __init__(self, problem: str, **fields: object) -> None:
        super().__init__(problem, **fields)


class RecallError(PaymentError):
    """A request to give payments back that cannot be."""

    code = "payments.recall"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)


class PlanExceededError(PaymentError):
    """A run that pays more than finance's plans of its month allow.

    Args:
        sums: (sub-account, planned, wanted) in fen. blocked: a reason does not help; else it is one that is missing.
    """

    code = "payments.plan_exceeded"

    def __init__(self, no: str, month: str, sums: Sequence[tuple[str, int, int]], *, blocked: bool) -> None:
        told = "；".join(
            f"{label} {month} 用款计划 {format_yuan(planned)} 元，连同本批要用 {format_yuan(wanted)} 元，超 {format_yuan(wanted - planned)} 元"
            for label, planned, wanted in sums
        )
        remedy = "请先提出用款计划，财政审核后再审批。" if blocked else "请在审批时写明超计划的理由，或先补用款计划。"
        super().__init__(f"{no} 超过用款计划：{told}。{remedy}", no=no, blocked=blocked)


class RunInputError(PaymentError):
    """An argument that cannot be."""

    code = "payments.input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}", field=field)
