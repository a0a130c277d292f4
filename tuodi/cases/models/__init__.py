"""Rows of the room: cases and steps, notices, who may not act, the calendar."""

from __future__ import annotations

from tuodi.cases.models.calendar import WorkdayYear
from tuodi.cases.models.case import Case, Step
from tuodi.cases.models.clock_stop import ClockStop
from tuodi.cases.models.hands import CaseBar, CaseHand, StaffKin
from tuodi.cases.models.notice import Notice, NoticeBoard, NoticeObjection
from tuodi.cases.models.series import NumberSeries

__all__ = [
    "Case",
    "CaseBar",
    "CaseHand",
    "ClockStop",
    "Notice",
    "NoticeBoard",
    "NoticeObjection",
    "NumberSeries",
    "StaffKin",
    "Step",
    "WorkdayYear",
]
