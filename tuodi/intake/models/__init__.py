"""Rows of the room: applications and their materials, rosters and what was accepted from them."""

from __future__ import annotations

from tuodi.intake.models.application import Application, ApplicationMember, Material
from tuodi.intake.models.discovery import Discovery, PatrolTask
from tuodi.intake.models.online import OnlineApplication, OnlinePaper
from tuodi.intake.models.roster import AcceptedRoster, RosterFamily, RosterImport, RosterRow, Verdict

__all__ = [
    "AcceptedRoster",
    "Application",
    "ApplicationMember",
    "Discovery",
    "Material",
    "OnlineApplication",
    "OnlinePaper",
    "PatrolTask",
    "RosterFamily",
    "RosterImport",
    "RosterRow",
    "Verdict",
]
