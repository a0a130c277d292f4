"""Errors of oversight.

TuodiError
└── OversightError
    ├── LimitFileError       limits as data cannot be used
    ├── OversightInputError  a field that is missing or wrong
    ├── OversightStateError  the step does not fit where the matter stands
    ├── AppealLateError      after the time for an appeal, and no reason given
    ├── AppealRunningError   an appeal against the same determination is running, or was decided
    ├── NotForYouError       it is about you, your office, or belongs to the level above (403)
    └── RatedAlreadyError    one rating a matter and step
"""

from __future__ import annotations

from datetime import date

from tuodi.kernel.errors import TuodiError

__all__ = [
    "AppealLateError",
    "AppealRunningError",
    "LimitFileError",
    "NotForYouError",
    "OversightError",
    "OversightInputError",
    "OversightStateError",
    "RatedAlreadyError",
]


class OversightError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "oversight"
    status = 409


class LimitFileError(OversightError):
    """A file of limits with a fault, or none in force."""

    code = "oversight.limits"
    status = 500

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"期限 {name}：{problem}。请系统管理员检查期限文件。", name=name, problem=problem)


class OversightInputError(OversightError):
    """A field that is missing or wrong; `field` names it for the form."""

    code = "oversight.input"
    status = 400

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence, field=field)
        self.field = field


class OversightStateError(OversightError):
    """Another step is due."""

    code = "oversight.state"

    def __init__(self, no: str, state: str) -> None:
        super().__init__(f"{no} 现在是“{state}”，不能这样办理。请刷新页面后重试。", no=no, state=state)


class AppealLateError(OversightError):
    """行政复议法 art 9."""

    code = "oversight.appeal_late"

    def __init__(self, last: date, months: int) -> None:
        super().__init__(
            f"申请复议的期限到 {last} 为止，已经过了。因生病、灾害等不能按时提出的，请写明逾期理由；"
            f"也可以自知道决定之日起 {months} 个月内向人民法院起诉。",
            last=last,
        )


class AppealRunningError(OversightError):
    """One appeal against one determination."""

    code = "oversight.appeal_running"

    def __init__(self, no: str, state: str) -> None:
        super().__init__(f"对这份决定的复议 {no} {state}，不用再提一次。请在“我的复议”里查看。", no=no)


class NotForYouError(OversightError):
    """A person does not answer for himself, nor his office for itself."""

    code = "oversight.not_for_you"
    status = 403
    logged = True

    def __init__(self, no: str, why: str) -> None:
        super().__init__(f"{no}：{why}，不能由您办理。请由上一级或其他机构的人员办理。", no=no, why=why)


class RatedAlreadyError(OversightError):
    """一次一评、一事一评."""

    code = "oversight.rated"

    def __init__(self, stage: str, on: date) -> None:
        super().__init__(f"“{stage}”这一环节您已于 {on} 评价过，一件事一个环节评一次。", stage=stage, on=on)
