"""What this room keeps enciphered, for a change of keys: agents' numbers, callers' phones, applications from phones, rosters as read."""

from __future__ import annotations

import json

from tuodi.intake.models import Application, OnlineApplication, RosterFamily, RosterRow, Ticket
from tuodi.people.rotation import Column

__all__ = ["COLUMNS"]


def _number(secret: str) -> str:
    """The number of a roster row that was usable; only such a one is indexed."""
    held = json.loads(secret)
    return str(held["id"]) if held["kind"] else ""


COLUMNS = (
    Column(
        Application, "application.agent", "agent_id_cipher", "intake.agent", "id", "agent_id_index", uid="agent_uid"
    ),
    Column(OnlineApplication, "onlineapplication.content", "content", "intake.online"),
    Column(RosterRow, "rosterrow.secret", "secret", "intake.row", "id", "id_index", indexed=_number),
    Column(RosterFamily, "rosterfamily.account", "account_cipher", "intake.family", "account", "account_index"),
    Column(Ticket, "ticket.caller", "caller_phone", "intake.ticket"),
)
