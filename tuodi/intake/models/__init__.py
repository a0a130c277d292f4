"""Rows of the room: applications and their materials, needs and tickets at the one door, rosters and what was accepted from them."""

from __future__ import annotations

from tuodi.intake.models.application import Application, ApplicationMember, Material
from tuodi.intake.models.discovery import Discovery, PatrolTask
from tuodi.intake.models.need import Need, NeedCase, NeedNote, Referral
from tuodi.intake.models.online import OnlineApplication, OnlinePaper
from tuodi.intake.models.roster import AcceptedRoster, RosterFamily, RosterImport, RosterRow, Verdict
from tuodi.intake.models.ticket import DutyTurn, Ticket

__all__ = [
    "AcceptedRoster",
    "Application",
    "ApplicationMember",
    "Discovery",
    "DutyTurn",
    "Material",
    "Need",
    "NeedCase",
    "NeedNote",
    "OnlineApplication",
    "OnlinePaper",
    "PatrolTask",
    "Referral",
    "RosterFamily",
    "RosterImport",
    "RosterRow",
    "Ticket",
    "Verdict",
]
