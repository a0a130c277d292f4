"""Rows of monitoring: sweeps, what they hit, the clue ledger, the third-party check, the hand-over."""

from __future__ import annotations

from tuodi.monitoring.models.clue import Clue, ClueEvent, ClueEvidence
from tuodi.monitoring.models.finding import SweepFinding
from tuodi.monitoring.models.handover import HandOver, PaymentHistory, ReturnedList
from tuodi.monitoring.models.sweep import Hit, SweepRun, SweepSource
from tuodi.monitoring.models.thirdparty import ThirdPartyContract, ThirdPartyPhoto, ThirdPartyTask

__all__ = [
    "Clue",
    "ClueEvent",
    "ClueEvidence",
    "HandOver",
    "Hit",
    "PaymentHistory",
    "ReturnedList",
    "SweepFinding",
    "SweepRun",
    "SweepSource",
    "ThirdPartyContract",
    "ThirdPartyPhoto",
    "ThirdPartyTask",
]
