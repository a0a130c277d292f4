"""Who looked at the data of a family or a person: the rows that pages leave in the audit log (`web.view`, `web.list`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

__all__ = ["Reading", "readings_of"]


@dataclass(frozen=True)
class Reading:
    """One page shown to one member of staff. `region` is the family's (a page) or the reader's place (a list)."""

    entry_id: int
    at: datetime
    actor_id: int | None
    actor_name: str
    action: str
    region: str
    what: str

    @property
    def is_list(self) -> bool:
        """Whether the family was one line among others."""
        return self.action == "web.list"


def readings_of(household_ids: Sequence[int], person_ids: Sequence[int], *, most: int = 200) -> list[Reading]:
    """The readings that showed any of some families or people, newest first; ids outside the scope find nothing.

    Args:
        most: at most so many.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, at, actor_id, actor_name, action, region, what from people_readings(%s, %s, %s)",
            [list(household_ids), list(person_ids), most],
        )
        return [Reading(*row) for row in cursor.fetchall()]
