"""Errors of cases.

TuodiError
└── CaseError
    ├── MoveRefusedError        a state that does not follow
    ├── StepNotOpenError        the step is not yet, or no longer, to be done
    ├── WrongLevelError         another level's work (403)
    ├── DutySeparationError     a second hand on one case, one's own, one's kin's, one's agent case (403)
    ├── StepInputError          a result or field the step cannot take
    ├── NoticeRunningError      closed before its last day
    ├── NoticeContentError      something that may not be made public
    └── CalendarEntryError      a holiday notice that cannot be right
"""

from __future__ import annotations

from datetime import date
from typing import Any

from tuodi.kernel.errors import TuodiError

__all__ = [
    "CalendarEntryError",
    "CaseError",
    "DutySeparationError",
    "MoveRefusedError",
    "NoticeContentError",
    "NoticeRunningError",
    "StepInputError",
    "StepNotOpenError",
    "WrongLevelError",
]


class CaseError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "cases"
    status = 409


class MoveRefusedError(CaseError):
    """A state that does not follow from the present one."""

    code = "cases.move"

    def __init__(self, what: str, before: str, after: str) -> None:
        super().__init__(f"{what}现在是“{before}”，不能变为“{after}”。请刷新页面后重试。", before=before, after=after)


class StepNotOpenError(CaseError):
    """The step is waiting for others, or was done already."""

    code = "cases.step_not_open"

    def __init__(self, case_no: str, label: str, state: str, waits: tuple[str, ...] = ()) -> None:
        why = f"，还要先完成：{'、'.join(waits)}" if waits else ""
        super().__init__(
            f"案件 {case_no} 的“{label}”现在是“{state}”{why}。请按办理进度操作。",
            case_no=case_no,
            label=label,
            state=state,
            waits=waits,
        )


class WrongLevelError(CaseError):
    """The step belongs to another level."""

    code = "cases.wrong_level"
    status = 403

    def __init__(self, label: str, wanted: str, held: str) -> None:
        super().__init__(
            f"“{label}”应由{wanted}办理，您的机构是{held}。请转交{wanted}的经办人。",
            label=label,
            wanted=wanted,
            held=held,
        )


class DutySeparationError(CaseError):
    """One person may not do this on this case."""

    code = "cases.duty_separation"
    status = 403

    def __init__(self, case_no: str, reason: str, **fields: Any) -> None:
        super().__init__(
            f"案件 {case_no} 您不能办理：{reason}。请由其他人员办理。", case_no=case_no, reason=reason, **fields
        )


class StepInputError(CaseError):
    """A result, opinion or field that this step cannot take."""

    code = "cases.step_input"
    status = 400

    def __init__(self, label: str, field: str, problem: str) -> None:
        super().__init__(f"“{label}”的{field}{problem}", label=label, field=field, problem=problem)


class NoticeRunningError(CaseError):
    """A notice is open until the end of its last day."""

    code = "cases.notice_running"

    def __init__(self, last_day: date | None) -> None:
        when = f"到 {last_day} 当日结束为止" if last_day else "的截止日待定"
        super().__init__(f"公示{when}，期间不能结束。请在期满后的次日起操作。", last_day=last_day)


class NoticeContentError(CaseError):
    """A notice must not show this."""

    code = "cases.notice_content"
    status = 400

    def __init__(self, items: list[str], allowed: list[str]) -> None:
        super().__init__(
            f"公示内容不得包含 {'、'.join(items)}；本程序只允许公开 {'、'.join(allowed)}。请删去后再张贴。",
            items=items,
            allowed=allowed,
        )


class CalendarEntryError(CaseError):
    """A holiday arrangement that cannot be right."""

    code = "cases.calendar"
    status = 400

    def __init__(self, year: int, problem: str) -> None:
        super().__init__(
            f"{year} 年的放假安排有误：{problem}。请对照国务院办公厅通知改正。", year=year, problem=problem
        )
