"""The life of a patrol and of what it found: planned > done > reported > converted / no_need."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

__all__ = ["DISCOVERY_MOVES", "PATROL_MOVES", "DiscoveryState", "EventType", "PatrolState"]


class EventType(models.TextChoices):
    """What was found. Codes of hardship that temporary relief knows are the same there."""

    FIRE = "fire", "火灾"
    TRAFFIC = "traffic", "交通事故"
    OTHER_ACCIDENT = "other_accident", "其他意外事件"
    SUDDEN_ILLNESS = "sudden_illness", "突发重大疾病"
    DISASTER = "disaster", "灾害"
    MEDICAL_COST = "medical_cost", "医疗支出过大"
    EDUCATION_COST = "education_cost", "教育支出过大"
    JOBLESS_UNINSURED = "jobless_uninsured", "失业无收入"
    LONG_HARDSHIP = "long_hardship", "长期生活困难"
    NO_CARER = "no_carer", "无人照料"
    OTHER_HARDSHIP = "other_hardship", "其他困难"


class PatrolState(models.TextChoices):
    """Where a patrol stands."""

    PLANNED = "planned", "待巡查"
    DONE = "done", "已巡查，无异常"
    REPORTED = "reported", "已上报"
    CONVERTED = "converted", "已转办"
    NO_NEED = "no_need", "无需救助"
    DROPPED = "dropped", "已取消"  # moved away or died before anybody came


class DiscoveryState(models.TextChoices):
    """Where a report stands."""

    REPORTED = "reported", "待处理"
    CONVERTED = "converted", "已转办"
    NO_NEED = "no_need", "无需救助"


PATROL_MOVES: Mapping[str, frozenset[str]] = {
    PatrolState.PLANNED: frozenset({PatrolState.DONE, PatrolState.REPORTED, PatrolState.DROPPED}),
    PatrolState.DONE: frozenset({PatrolState.REPORTED}),  # thought better of
    PatrolState.REPORTED: frozenset({PatrolState.CONVERTED, PatrolState.NO_NEED}),
    PatrolState.CONVERTED: frozenset(),
    PatrolState.NO_NEED: frozenset(),
    PatrolState.DROPPED: frozenset(),
}
DISCOVERY_MOVES: Mapping[str, frozenset[str]] = {
    DiscoveryState.REPORTED: frozenset({DiscoveryState.CONVERTED, DiscoveryState.NO_NEED}),
    DiscoveryState.CONVERTED: frozenset(),
    DiscoveryState.NO_NEED: frozenset(),
}
