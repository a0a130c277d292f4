"""Errors of visits, reviews, spot checks and kin filings.

VerificationError
└── FieldError
    ├── FormFileError          a form's file that cannot be used
    ├── VisitInputError        what a record lacks or says wrongly, all at once
    ├── VisitConflictError     another version came in between; both are shown
    ├── VisitorsError          too few investigators, or one who must keep away (403)
    ├── EvidenceError          a photograph or signature that is not the one that was bound
    ├── ReviewInputError       a meeting that was not quorate, or votes that do not add up
    ├── SpotCheckError         a draw or a result that cannot be taken
    └── KinVisitMissingError   a kin case to be decided without the county's own visit
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuodi.verification.errors import VerificationError

__all__ = [
    "EvidenceError",
    "FieldError",
    "FormFileError",
    "KinVisitMissingError",
    "ReviewInputError",
    "SpotCheckError",
    "VisitConflictError",
    "VisitInputError",
    "VisitorsError",
]


class FieldError(VerificationError):
    """Base of errors of field evidence."""

    code = "verification.field"


class FormFileError(FieldError):
    """A form under sources/forms that cannot be used."""

    code = "verification.form_file"
    status = 500

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"入户调查表单 {file}：{problem}。请改正 sources/forms 下的文件。", file=file, problem=problem)


class VisitInputError(FieldError):
    """Everything a record lacks, by item.

    Attributes:
        faults: (item or part, what to do).
    """

    code = "verification.visit_input"
    status = 400

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        lines = "；".join(message for _, message in faults)
        super().__init__(f"入户调查表有 {len(faults)} 处要补正：{lines}。", faults=list(faults))
        self.faults = tuple(faults)


class VisitConflictError(FieldError):
    """Somebody else's version came first. Nothing is overwritten.

    Attributes:
        theirs: The newest record there is.
    """

    code = "verification.visit_conflict"

    def __init__(self, no: str, base: int, theirs: Any) -> None:
        super().__init__(
            f"任务 {no} 在您填写期间已有第 {theirs.version} 版记录（您是在第 {base} 版上填的）。"
            "请对照两份内容，确认后作为更正再提交，或放弃自己的一份。",
            no=no,
            base=base,
            version=theirs.version,
        )
        self.theirs = theirs


class VisitorsError(FieldError):
    """The people of a visit are not those who may make it."""

    code = "verification.visitors"
    status = 403

    def __init__(self, no: str, problem: str) -> None:
        super().__init__(f"入户任务 {no}：{problem}", no=no, problem=problem)


class EvidenceError(FieldError):
    """Evidence that is not what was bound to the record."""

    code = "verification.evidence"

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"{what}{problem}。证据在提交后不能替换，请核查后用原件重新提交。", what=what, problem=problem)


class ReviewInputError(FieldError):
    """A meeting that cannot stand, every reason at once.

    Attributes:
        faults: (part, what to do).
    """

    code = "verification.review_input"
    status = 400

    def __init__(self, no: str, faults: Sequence[tuple[str, str]]) -> None:
        lines = "；".join(message for _, message in faults)
        super().__init__(f"民主评议 {no}：{lines}。", no=no, faults=list(faults))
        self.faults = tuple(faults)


class SpotCheckError(FieldError):
    """A draw or a result that cannot be taken."""

    code = "verification.spot_check"

    def __init__(self, problem: str) -> None:
        super().__init__(f"入户抽查：{problem}。", problem=problem)


class KinVisitMissingError(FieldError):
    """[57] art 20, [220] art 26: applications recorded apart are visited by the county itself before it decides."""

    code = "verification.kin_visit"

    def __init__(self, case_no: str) -> None:
        super().__init__(
            f"案件 {case_no} 是经办人员或村（居）委会成员近亲属的申请，县级还没有入户调查，不能作出决定。"
            "请由县级两名以上人员入户并签名后再办。",
            case_no=case_no,
        )
