"""Errors of verification.

TuodiError
└── VerificationError
    ├── DeclaredWaitingError  declared answers nobody has looked at
    ├── FactFaultsError      facts that are not declared or cannot be read, all at once
    ├── FrozenError          a frozen fact set is never changed
    └── NoFactSetError       a case without a frozen fact set
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError

__all__ = [
    "DeclaredWaitingError",
    "FactFaultsError",
    "FrozenError",
    "MissingLimitError",
    "NoFactSetError",
    "VerificationError",
]


class VerificationError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "verification"
    status = 409


class FactFaultsError(VerificationError):
    """Every mistake of what was entered, with its path.

    Attributes:
        faults: (path, what to write instead).
    """

    code = "verification.facts"
    status = 400

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        lines = "；".join(f"{path}：{message}" for path, message in faults)
        super().__init__(f"填报的事实有 {len(faults)} 处错误：{lines}。请改正后重新提交。", faults=list(faults))
        self.faults = tuple(faults)


class DeclaredWaitingError(VerificationError):
    """Nothing declared becomes a fact of a decision without an officer."""

    code = "verification.declared"

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(
            f"还有 {len(labels)} 项网上申报没有处理：{'、'.join(labels)}。请在“网上申报对照”逐项采用或不采用，再定稿。",
            labels=list(labels),
        )


class FrozenError(VerificationError):
    """Frozen is one-way."""

    code = "verification.frozen"

    def __init__(self, number: int) -> None:
        super().__init__(f"第 {number} 号事实表已定稿，不能修改。如有新情况，请新建一份事实表。", number=number)


class NoFactSetError(VerificationError):
    """There is nothing to decide on."""

    code = "verification.none"

    def __init__(self, case_no: str) -> None:
        super().__init__(f"案件 {case_no} 还没有定稿的事实表，不能往下办。请先录入并定稿家庭情况。", case_no=case_no)


class MissingLimitError(VerificationError):
    """A limit that must stand in a policy pack and does not."""

    code = "verification.missing_limit"

    def __init__(self, label: str, place: str) -> None:
        super().__init__(f"政策参数中没有 {place} 的“{label}”。请在 policies/ 中补上数值和依据。", place=place)
