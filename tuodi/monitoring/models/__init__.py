"""Rows of monitoring: sweeps, what they hit, and the clue ledger."""

from __future__ import annotations

from tuodi.monitoring.models.clue import Clue, ClueEvent, ClueEvidence
from tuodi.monitoring.models.sweep import Hit, SweepRun, SweepSource

__all__ = ["Clue", "ClueEvent", "ClueEvidence", "Hit", "SweepRun", "SweepSource"]
