"""Rows of monitoring: sweeps, what they hit, the clue ledger, and who is watched afterwards."""

from __future__ import annotations

from tuodi.monitoring.models.clue import Clue, ClueEvent, ClueEvidence
from tuodi.monitoring.models.sweep import Hit, SweepRun, SweepSource
from tuodi.monitoring.models.watch import WatchAid, WatchEntry

__all__ = ["Clue", "ClueEvent", "ClueEvidence", "Hit", "SweepRun", "SweepSource", "WatchAid", "WatchEntry"]
