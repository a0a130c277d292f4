"""Errors of dynamic management (MonitoringError).

├── DynamicStateError      a state that does not follow, or somebody was faster
├── DynamicInputError      an argument that cannot be (400)
├── DynamicHandsError      the same person twice (403)
└── MoveBlockedError       a move that something running holds up; it is named
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.monitoring.errors import MonitoringError

__all__ = ["DynamicHandsError", "DynamicInputError", "DynamicStateError", "MoveBlockedError"]


class DynamicStateError(MonitoringError):
    """The present state does not allow it."""

    code = "monitoring.dynamic_state"

    def __init__(self, what: str, state: str) -> None:
        super().__init__(f"现在是“{state}”，不能办理“{what}”。可能已有人办理，请刷新后再看。", what=what, state=state)


class DynamicInputError(MonitoringError):
    """Something typed that cannot be."""

    code = "monitoring.dynamic_input"
    status = 400

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"“{field}”有误：{why}。请更正后重试。", field=field)


class DynamicHandsError(MonitoringError):
    """Who looked into it does not decide it."""

    code = "monitoring.dynamic_hands"
    status = 403

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"您已办理“{first}”，不能再办“{second}”。请由另一人办理。", first=first, second=second)


class MoveBlockedError(MonitoringError):
    """A family does not move from under what is being done about it."""

    code = "monitoring.move_blocked"

    def __init__(self, no: str, reasons: Sequence[str]) -> None:
        super().__init__(
            f"家庭 {no} 现在不能迁移：{'；'.join(reasons)}。请办结后再移交。", no=no, reasons=list(reasons)
        )
