"""Rows of monitoring: sweeps, what they hit, the clue ledger, who is watched afterwards, third-party check, hand-over."""

from __future__ import annotations

from tuodi.monitoring.models.clue import Clue, ClueEvent, ClueEvidence
from tuodi.monitoring.models.dynamic import (
    ChangeReport,
    DeathMatter,
    Grade,
    HouseholdClass,
    JobOffer,
    PeriodicReview,
    RefusalProposal,
    ReviewPlan,
)
from tuodi.monitoring.models.finding import SweepFinding
from tuodi.monitoring.models.handover import Export, HandOver, PaymentHistory, ReturnedList, ReturnedRow
from tuodi.monitoring.models.of_age import ComingOfAge
from tuodi.monitoring.models.push import ListPush, PushFamily
from tuodi.monitoring.models.sweep import Hit, SweepRun, SweepSource
from tuodi.monitoring.models.thirdparty import ThirdPartyContract, ThirdPartyPhoto, ThirdPartyTask
from tuodi.monitoring.models.transfer import Transfer, TransferPart
from tuodi.monitoring.models.watch import WatchAid, WatchEntry

__all__ = [
    "ChangeReport",
    "Clue",
    "ClueEvent",
    "ClueEvidence",
    "ComingOfAge",
    "DeathMatter",
    "Export",
    "Grade",
    "HandOver",
    "Hit",
    "HouseholdClass",
    "JobOffer",
    "ListPush",
    "PaymentHistory",
    "PeriodicReview",
    "PushFamily",
    "RefusalProposal",
    "ReturnedList",
    "ReturnedRow",
    "ReviewPlan",
    "SweepFinding",
    "SweepRun",
    "SweepSource",
    "ThirdPartyContract",
    "ThirdPartyPhoto",
    "ThirdPartyTask",
    "Transfer",
    "TransferPart",
    "WatchAid",
    "WatchEntry",
]
