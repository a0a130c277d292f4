"""Several bounded counts in one query. Composing them takes Django longer than PostgreSQL takes to answer, so what depends on a
reader's standing alone is composed once and asked anew each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from tuodi.org.models import Duty, User

__all__ = ["Count", "compose", "kept", "read", "standing"]

#: Composed counts by what they depend on; emptied when full.
_kept: dict[tuple[Any, ...], dict[str, Count]] = {}
_MOST_KEPT = 2048


@dataclass(frozen=True, slots=True)
class Count:
    """One composed count: a scalar subquery and its parameters; no rows, no answer."""

    sql: str
    params: tuple[Any, ...]


def compose(queues: Mapping[str, QuerySet[Any] | None], most: int) -> dict[str, Count]:
    """How many rows of each queue, counted no further than `most`; left out where there is no queue, or no row could pass."""
    found = {}
    for name, rows in queues.items():
        if rows is None:
            continue
        try:
            sql, params = rows.order_by().values("pk")[:most].query.sql_with_params()
        except EmptyResultSet:
            continue
        found[name] = Count(f"(select count(*) from ({sql}) as counted)", tuple(params))
    return found


def kept(key: tuple[Any, ...], queues: Callable[[], Mapping[str, QuerySet[Any] | None]], most: int) -> dict[str, Count]:
    """The same, composed once for a key. `queues` may depend on nothing but the key (a day, `standing`), and asks no row."""
    found = _kept.get(key)
    if found is None:
        found = compose(queues(), most)
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = found
    return found


def read(counts: Mapping[str, Count]) -> dict[str, int]:
    """The answers by name, in the scope of whoever asks. One query; none where there is nothing to count."""
    if not counts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {', '.join(one.sql for one in counts.values())}",
            [value for one in counts.values() for value in one.params],
        )
        return dict(zip(counts, cursor.fetchone(), strict=True))


def standing(user: User, held: Iterable[Duty]) -> tuple[Any, ...]:
    """All of a user that a query made for him may depend on: who he is, his office and its range, what he holds where."""
    office = user.office
    duties = tuple((one.code, one.place_code) for one in held)
    return (user.pk, office.pk, office.place_code, office.kind, duties)
