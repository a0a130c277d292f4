"""Errors of consents and live checks.

VerificationError
├── ConsentInputError    a consent that cannot be recorded as given
├── NobodyToCheckError   no member or supporter has a consent in force
├── NoSourceError        no department answers live here, or the gateway is not set
├── OpenConflictsError   declared and registered differ, and nobody has chosen
├── CheckStateError      not now: the request stands elsewhere
└── ReportNeededError    信息核对 is not completed without a report, or without naming what is missing
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.verification.errors import VerificationError

__all__ = [
    "CheckStateError",
    "ConsentInputError",
    "NoSourceError",
    "NobodyToCheckError",
    "OpenConflictsError",
    "ReportNeededError",
]


class ConsentInputError(VerificationError):
    """A consent or supporter that cannot be recorded as given."""

    code = "verification.consent"
    status = 400

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"“{field}”{why}", field=field)


class NobodyToCheckError(VerificationError):
    """No consent, no request."""

    code = "verification.nobody"

    def __init__(self, names: Sequence[str]) -> None:
        listed = "、".join(names) or "全部成员"
        super().__init__(
            f"这个家庭没有一人的核对授权有效，不能发起核对：{listed}。请先由本人签署授权书并登记。", names=list(names)
        )


class NoSourceError(VerificationError):
    """Nobody to ask."""

    code = "verification.no_source"

    def __init__(self, why: str) -> None:
        super().__init__(f"现在不能联网核对：{why}。请由市级数据管理人员在数据来源中登记，或改用人工函询。")


class CheckStateError(VerificationError):
    """The request stands elsewhere."""

    code = "verification.check_state"

    def __init__(self, no: str, state: str, wanted: str) -> None:
        super().__init__(f"核对 {no} 现在是“{state}”，不能{wanted}。请刷新页面查看最新状态。", no=no, state=state)


class ReportNeededError(VerificationError):
    """信息核对 rests on a report, or says what it lacks."""

    code = "verification.report_needed"

    def __init__(self, case_no: str, missing: Sequence[str] = (), *, live: bool = False, report: str = "") -> None:
        if missing:
            why = f"核对报告还缺 {len(missing)} 项答复（{'、'.join(missing)}）。请在意见中说明按缺项办理的理由后再完成"
        elif report:
            why = f"没有写明依据的核对报告。最新报告是 {report}，请在案件页面用“信息核对”环节办理"
        elif live:
            why = "还没有核对报告，而本地有实时来源。请先登记授权、发起核对并生成报告；不肯签署授权的，依规定终止办理"
        else:
            why = "还没有核对报告。本地没有联网来源的可以人工函询，请在意见中写明函询了哪些部门、缺哪些来源"
        super().__init__(f"案件 {case_no} 的信息核对不能完成：{why}。", case_no=case_no, missing=list(missing))


class OpenConflictsError(VerificationError):
    """Declared and registered differ, and nobody has chosen."""

    code = "verification.open_conflicts"

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(
            f"有 {len(lines)} 项申报与登记不一致，还没有选择采用哪一个：{'；'.join(lines)}。请逐项选择后再写入事实。",
            lines=list(lines),
        )
