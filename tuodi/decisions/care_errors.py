"""Errors of care agreements and of ending support.

DecisionError
├── CareInputError    what was entered does not do, all reasons at once
└── EndNoticeError    support would end before its public notice has hung
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.decisions.errors import DecisionError

__all__ = ["CareInputError", "EndNoticeError"]


class CareInputError(DecisionError):
    """Every mistake of an agreement or of a ground.

    Attributes:
        faults: (field, what is wrong).
    """

    code = "decisions.care_input"
    status = 400

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            f"不能登记：{'；'.join(message for _, message in faults)}。请改正后重新提交。", faults=list(faults)
        )
        self.faults = tuple(faults)


class EndNoticeError(DecisionError):
    """Support may end only after its public notice has hung its days without objection."""

    code = "decisions.end_notice"

    def __init__(self, name: str, why: str, *, no: str = "") -> None:
        super().__init__(f"不能终止{name}的供养：{why}", no=no)
