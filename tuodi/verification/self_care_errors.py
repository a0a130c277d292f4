"""Errors of self-care assessments.

VerificationError
├── SelfCareInputError     what was entered does not do, all reasons at once
└── SelfCareNeededError    the step or the decision waits for an assessment
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.verification.errors import VerificationError

__all__ = ["SelfCareInputError", "SelfCareNeededError"]


class SelfCareInputError(VerificationError):
    """Every mistake of an order or a result.

    Attributes:
        faults: (field, what is wrong).
    """

    code = "verification.self_care_input"
    status = 400

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        lines = "；".join(message for _, message in faults)
        super().__init__(f"自理能力评估不能登记：{lines}。请改正后重新提交。", faults=list(faults))
        self.faults = tuple(faults)


class SelfCareNeededError(VerificationError):
    """No assessment, or one the decision's facts do not hold."""

    code = "verification.self_care_needed"

    def __init__(self, case_no: str, why: str) -> None:
        super().__init__(f"案件 {case_no} 的生活自理能力评估{why}", case_no=case_no)
