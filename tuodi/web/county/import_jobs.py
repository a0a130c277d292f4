"""Starting the long work of an import after the request is over."""

from __future__ import annotations

from tuodi.intake import roster_actions
from tuodi.intake.models import RosterImport
from tuodi.kernel.places import trim


def preview(imported: RosterImport) -> None:
    """Read the file and judge its rows."""
    roster_actions.preview(imported.pk, place=trim(imported.region))


def apply(imported: RosterImport) -> None:
    """Write what was confirmed."""
    roster_actions.apply(imported.pk, place=trim(imported.region))
