"""Errors of sources and their batches.

VerificationError
├── SourceInputError      a field of a source that is missing or wrong
├── SourceStateError      the agreement is not at the step this needs
├── BatchNumberError      the number was used for another delivery
├── BatchOrderError       the delivery is older than the one before
├── BatchBusyError        somebody is importing this delivery at this moment
└── BatchGoneError        the delivery was destroyed, or was never usable
"""

from __future__ import annotations

from datetime import date

from tuodi.verification.errors import VerificationError

__all__ = [
    "BatchBusyError",
    "BatchGoneError",
    "BatchNumberError",
    "BatchOrderError",
    "SourceInputError",
    "SourceStateError",
]


class SourceInputError(VerificationError):
    """A field that is missing or wrong."""

    code = "verification.source_input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}。", field=field, problem=problem)


class SourceStateError(VerificationError):
    """The agreement is at another step."""

    code = "verification.source_state"

    def __init__(self, label: str, state: str, wanted: str) -> None:
        super().__init__(
            f"来源“{label}”现为“{state}”，{wanted}。请先在数据来源中更改状态。", label=label, state=state, wanted=wanted
        )


class BatchNumberError(VerificationError):
    """Another delivery has the number."""

    code = "verification.batch_number"

    def __init__(self, batch_no: str, state: str) -> None:
        super().__init__(
            f"批次号 {batch_no} 已用于另一份数据（{state}），不能再用。请换一个批次号。", batch_no=batch_no, state=state
        )


class BatchOrderError(VerificationError):
    """Older than what there is: it would put the register back."""

    code = "verification.batch_order"

    def __init__(self, as_of: date, newest: date) -> None:
        super().__init__(
            f"数据日期 {as_of.isoformat()} 早于已有批次的 {newest.isoformat()}，没有导入。请核对文件是否拿错。",
            as_of=as_of,
            newest=newest,
        )


class BatchBusyError(VerificationError):
    """Two imports of one delivery at a time."""

    code = "verification.batch_busy"

    def __init__(self, batch_no: str) -> None:
        super().__init__(f"批次 {batch_no} 正在导入。请等它完成后再看结果。", batch_no=batch_no)


class BatchGoneError(VerificationError):
    """There is nothing to open."""

    code = "verification.batch_gone"

    def __init__(self, batch_no: str, state: str) -> None:
        super().__init__(f"批次 {batch_no} 现为“{state}”，登记数据已不在。请使用该来源的最新批次。", batch_no=batch_no)
