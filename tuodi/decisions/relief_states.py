"""The life of an emergency that was reported, and its two clocks."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

__all__ = ["RELIEF_MOVES", "Cause", "ReliefState"]


class Cause(models.TextChoices):
    """Why a family is in passing hardship; the codes are those of the fact `ta_cause` (policies/cn/facts.yaml)."""

    FIRE = "fire", "火灾"
    TRAFFIC = "traffic", "交通事故"
    OTHER_ACCIDENT = "other_accident", "其他意外事件"
    SUDDEN_ILLNESS = "sudden_illness", "突发重大疾病"
    MEDICAL_COST = "medical_cost", "医疗支出"
    EDUCATION_COST = "education_cost", "教育支出"
    JOBLESS_UNINSURED = "jobless_uninsured", "未参保失业"
    DISASTER = "disaster", "灾害"
    OTHER_HARDSHIP = "other_hardship", "其他特殊困难"


class ReliefState(models.TextChoices):
    """Where an emergency stands. What becomes of its case afterwards is the case's own state."""

    REPORTED = "reported", "待响应"
    RESPONDED = "responded", "已响应，待救助"
    RELIEVED = "relieved", "已先行救助，待补手续"
    COMPLETED = "completed", "手续已补齐，待审批"
    CONFIRMED = "confirmed", "已审批"
    WITHDRAWN = "withdrawn", "已撤回"
    CLOSED = "closed", "无需救助"


_WAITING = frozenset({ReliefState.RELIEVED, ReliefState.CLOSED})
RELIEF_MOVES: Mapping[str, frozenset[str]] = {
    ReliefState.REPORTED: _WAITING | {ReliefState.RESPONDED},
    ReliefState.RESPONDED: _WAITING,
    ReliefState.RELIEVED: frozenset({ReliefState.COMPLETED, ReliefState.WITHDRAWN}),
    ReliefState.COMPLETED: frozenset({ReliefState.CONFIRMED, ReliefState.WITHDRAWN}),
    ReliefState.CONFIRMED: frozenset(),
    ReliefState.WITHDRAWN: frozenset(),
    ReliefState.CLOSED: frozenset(),
}
