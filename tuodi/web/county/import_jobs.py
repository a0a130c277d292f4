"""Where the long work of an import runs: a small file at once, in the request; a large one as a job.

The bound is about what a counter waits for without wondering: some seconds.
"""

from __future__ import annotations

from tuodi.intake import roster_actions, tasks
from tuodi.intake.models import RosterImport
from tuodi.kernel.places import trim

#: Bytes of a file read at once, and families written at once.
SMALL_FILE = 512 * 1024
SMALL_ROSTER = 2_000


def preview(imported: RosterImport) -> None:
    """Read the file and judge its rows."""
    place = trim(imported.region)
    if imported.file.size <= SMALL_FILE:
        roster_actions.preview(imported.pk, place=place)
    else:
        tasks.preview_roster.defer(number=imported.pk, place=place)


def apply(imported: RosterImport) -> None:
    """Write what was confirmed."""
    place = trim(imported.region)
    if imported.progress_total <= SMALL_ROSTER:
        roster_actions.apply(imported.pk, place=place)
    else:
        tasks.apply_roster.defer(number=imported.pk, place=place)
