"""Errors of funds.

TuodiError
└── FundError
    ├── FundInputError       an argument that cannot be
    ├── FundStateError       a state that does not follow
    ├── FundShortError       not enough money, with sub-account and gap
    ├── FundHandsError       who proposed may not decide (403)
    ├── NotReversibleError   an entry that is not taken back by itself
    ├── PurposeError         a public fund used for what it is not given for
    ├── FundHeldError        a public fund that is not empty is not closed
    ├── PlanError            more than finance's plan of the month allows
    ├── PettyShortError      a town's petty cash does not reach
    ├── PettyLimitError      above the limit of one case
    └── PaidAlreadyError     the grant is paid, or stands in an approved run
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan

__all__ = [
    "FundError",
    "FundHandsError",
    "FundHeldError",
    "FundInputError",
    "FundShortError",
    "FundStateError",
    "NotReversibleError",
    "PaidAlreadyError",
    "PettyLimitError",
    "PettyShortError",
    "PlanError",
    "PurposeError",
]


class FundError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "funds"
    status = 409


class FundInputError(FundError):
    """An argument that cannot be."""

    code = "funds.input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}", field=field)


class FundStateError(FundError):
    """The present state does not allow it."""

    code = "funds.state"

    def __init__(self, what: str, before: str, after: str) -> None:
        super().__init__(
            f"{what}现在是“{before}”，不能变为“{after}”。可能已有人办理，请刷新后再看。", before=before, after=after
        )


class FundShortError(FundError):
    """A sub-account does not hold what is asked of it.

    Args:
        gaps: name of the sub-account, fen asked, fen there are.
    """

    code = "funds.short"

    def __init__(self, gaps: Sequence[tuple[str, int, int]]) -> None:
        shown = "；".join(
            f"{name}需 {format_yuan(asked)} 元，可用 {format_yuan(there)} 元，缺口 {format_yuan(asked - there)} 元"
            for name, asked, there in gaps[:5]
        )
        more = f"；另有 {len(gaps) - 5} 个子账户不足" if len(gaps) > 5 else ""
        super().__init__(f"资金不足：{shown}{more}。请先下达指标或统筹调剂，再办理。", gaps=list(gaps))


class FundHandsError(FundError):
    """Who proposed may not decide."""

    code = "funds.four_eyes"
    status = 403
    logged = True

    def __init__(self, no: str) -> None:
        super().__init__(f"{no} 由您提出，不能再由您审核。请由另一人办理。", no=no)


class PurposeError(FundError):
    """A public fund pays what its giver named."""

    code = "funds.purpose"

    def __init__(self, fund: str, programme: str, allowed: str) -> None:
        super().__init__(f"{fund}限定用于{allowed}，不能用于{programme}。请改用其他来源。", fund=fund)


class FundHeldError(FundError):
    """A public fund is closed once nothing of it lies anywhere.

    Args:
        parts: sub-account and account in words, fen.
    """

    code = "funds.held"

    def __init__(self, fund: str, parts: Sequence[tuple[str, int]]) -> None:
        told = "；".join(f"{name} {format_yuan(fen)} 元" for name, fen in parts)
        super().__init__(f"公益基金“{fund}”还有余额，不能停用：{told}。请先用完、追回或上缴，再停用。", fund=fund)


class NotReversibleError(FundError):
    """An entry that is not taken back by itself; the sentence says what to do instead."""

    code = "funds.not_reversible"

    def __init__(self, entry: int, why: str) -> None:
        super().__init__(f"凭证 {entry} 不能冲正。{why}", entry=entry)


class PlanError(FundError):
    """A sum that is to leave the county goes beyond finance's plans of the month.

    Args:
        sums: (sub-account, month, planned, wanted) in fen. blocked: a reason does not help; else it is one that is missing.
    """

    code = "funds.plan"

    def __init__(self, sums: Sequence[tuple[str, str, int, int]], *, blocked: bool) -> None:
        told = "；".join(
            f"{label} {month} 用款计划 {format_yuan(planned)} 元，连同本笔要用 {format_yuan(wanted)} 元，超 {format_yuan(wanted - planned)} 元"
            for label, month, planned, wanted in sums
        )
        remedy = "请先提出用款计划，财政审核后再办。" if blocked else "请在审核意见里写明超计划的理由，或先补用款计划。"
        super().__init__(f"超过用款计划：{told}。{remedy}", blocked=blocked)


class PettyShortError(FundError):
    """Petty cash never goes below zero."""

    code = "funds.petty_short"

    def __init__(self, town: str, asked: int, there: int) -> None:
        super().__init__(
            f"{town}备用金余额 {format_yuan(there)} 元，不足支付 {format_yuan(asked)} 元。请先申请补足；"
            "不急的，由下月发放支付。",
            asked=asked,
            there=there,
        )


class PettyLimitError(FundError):
    """Above what one case may be given from petty cash."""

    code = "funds.petty_limit"

    def __init__(self, asked: int, limit: int) -> None:
        super().__init__(
            f"备用金单笔上限 {format_yuan(limit)} 元，本件 {format_yuan(asked)} 元。超过上限的由月度发放支付。",
            asked=asked,
            limit=limit,
        )


class PaidAlreadyError(FundError):
    """One grant is paid once."""

    code = "funds.paid_already"

    def __init__(self, what: str, how: str) -> None:
        super().__init__(f"{what}{how}，不能再由备用金支付。", what=what)
