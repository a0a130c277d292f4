"""Errors of standards.

TuodiError
└── StandardError
    ├── ProposalInputError    an argument that cannot be, with the field and the remedy
    ├── ProposalStateError    a step that does not follow
    ├── ProposalHandsError    who drafted may not approve (403)
    ├── OpinionsOpenError     bodies that have not answered, or objections nobody dealt with
    ├── BelowFloorError       a floor the values do not reach
└── RulesFaultyError      a text of rules that cannot be adopted as it stands
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError

__all__ = [
    "BelowFloorError", "OpinionsOpenError", "ProposalHandsError", "ProposalInputError", "ProposalStateError", "RulesFaultyError",
    "StandardError",
]  # fmt: skip


class StandardError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "standards"
    status = 409


class ProposalInputError(StandardError):
    """A field that cannot be."""

    code = "standards.input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}：{problem}。", field=field)


class ProposalStateError(StandardError):
    """A step that does not follow from the present state."""

    code = "standards.state"

    def __init__(self, no: str, state: str, wanted: str) -> None:
        super().__init__(f"调标方案 {no} 现在是“{state}”，不能变为“{wanted}”。请刷新页面看最新状态。", no=no)


class ProposalHandsError(StandardError):
    """Four eyes."""

    code = "standards.four_eyes"
    status = 403

    def __init__(self, no: str) -> None:
        super().__init__(f"调标方案 {no} 由您起草或修改，不能由您批准。请由另一位有“标准批准”职责的人员办理。", no=no)


class OpinionsOpenError(StandardError):
    """Not every body has been heard."""

    code = "standards.opinions"

    def __init__(self, no: str, waiting: Sequence[str]) -> None:
        super().__init__(f"调标方案 {no} 的意见还没有办完：{'、'.join(waiting)}。请先催办或登记处理情况。", no=no)


class BelowFloorError(StandardError):
    """A floor that is not reached."""

    code = "standards.floor"

    def __init__(self, no: str, failed: Sequence[str]) -> None:
        super().__init__(
            f"调标方案 {no} 没有达到底线：{'；'.join(failed)}。请调整数值后重新征求意见。", no=no, failed=list(failed)
        )


class RulesFaultyError(StandardError):
    """Rules that do not compile, or whose examples do not come out."""

    code = "standards.rules"

    def __init__(self, no: str, faults: Sequence[str]) -> None:
        more = f"；等 {len(faults)} 处" if len(faults) > 3 else ""
        super().__init__(f"{no} 的规则文本有错：{'；'.join(faults[:3])}{more}。请退回草案，改好再送。", no=no)
