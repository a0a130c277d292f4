"""Errors of applications sent by residents.

IntakeError
├── ApplyFormError        the form as data cannot be used
├── OnlineInputError      answers that are missing or wrong, each with its question
├── OnlineStateError      the step does not fit where the application stands
├── OnlineTwiceError      the same application has been sent, or runs as a case
├── AskedOnceError        what is missing was told before; it is told once
└── DraftGoneError        a draft that was wiped, or never was his
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.intake.errors import IntakeError

__all__ = [
    "ApplyFormError",
    "AskedOnceError",
    "DraftGoneError",
    "OnlineInputError",
    "OnlineStateError",
    "OnlineTwiceError",
]


class ApplyFormError(IntakeError):
    """A form file with a fault, or none in force."""

    code = "intake.apply_form"
    status = 500

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"申请表 {name}：{problem}。请系统管理员检查申请表文件。", name=name, problem=problem)


class OnlineInputError(IntakeError):
    """Answers to be mended. `faults` holds (question, sentence) in order."""

    code = "intake.online_input"
    status = 400

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        self.faults = list(faults)
        super().__init__("；".join(words for _, words in faults) + "。", faults=self.faults)


class OnlineStateError(IntakeError):
    """Another step is due."""

    code = "intake.online_state"

    def __init__(self, no: str, state: str) -> None:
        super().__init__(f"网上申请 {no} 现在是“{state}”，不能这样办理。请刷新页面后重试。", no=no, state=state)


class OnlineTwiceError(IntakeError):
    """It was sent before, and is still being dealt with."""

    code = "intake.online_twice"

    def __init__(self, no: str, since: str) -> None:
        super().__init__(f"同一项申请 {no} 已于 {since} 提交，正在办理，不用再交一次。请在“我的申请”里看进度。", no=no)


class AskedOnceError(IntakeError):
    """一次性告知: what is missing is told all at once, and once."""

    code = "intake.asked_once"

    def __init__(self, no: str, on: str) -> None:
        super().__init__(
            f"网上申请 {no} 已于 {on} 一次性告知所缺材料，不能再次要求补正。请受理（所缺材料列入回执），或写明理由不予受理。",
            no=no,
        )


class DraftGoneError(IntakeError):
    """No such draft of his: alike for wiped and never his."""

    code = "intake.draft_gone"
    status = 404

    def __init__(self, days: int) -> None:
        super().__init__(f"没有找到这份申请。草稿保存 {days} 天，过期清除；请重新填写，或拨打当地民政电话。", days=days)
