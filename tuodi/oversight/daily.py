"""What the room does every night."""

from __future__ import annotations

from tuodi.org.access import NATION, system_scope
from tuodi.oversight import complaint_actions

__all__ = ["daily"]


def daily() -> tuple[int, int]:
    """Sends up what was not answered in time, closes what was answered and not spoken against. May run twice a day."""
    with system_scope(NATION):
        return complaint_actions.escalate_overdue(), complaint_actions.close_quiet()
