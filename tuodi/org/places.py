"""The place tree of this site: the shipped divisions plus the site's own rows (standard areas, corrections)."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import date

from tuodi.audit.context import origin
from tuodi.kernel.places import PlaceRow, PlaceTree, national_tree, trim
from tuodi.org.models import Place

__all__ = ["full_name", "place_name", "tree"]

_cached: tuple[int, PlaceTree] | None = None
#: The request that asked last in this thread, and what it got: a page that names forty places asks once.
_asked: ContextVar[tuple[str, PlaceTree] | None] = ContextVar("tuodi_places", default=None)


def tree() -> PlaceTree:
    """The tree, kept until the site's own rows have another newest id; that is asked once a request."""
    request, asked = origin().request_id, _asked.get()
    if request and asked is not None and asked[0] == request:
        return asked[1]
    found = _newest()
    _asked.set((request, found) if request else None)
    return found


def _newest() -> PlaceTree:
    global _cached
    newest = Place.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if _cached is None or _cached[0] != newest:
        own = [_row(place) for place in Place.objects.order_by("pk")]
        _cached = (newest, national_tree().with_areas(own) if own else national_tree())
    return _cached[1]


def _row(place: Place) -> PlaceRow:
    return PlaceRow(
        code=place.code,
        name=place.name,
        since=place.since,
        until=place.until,
        successor=place.successor_code or None,
    )


def place_name(region: str, on: date | None = None) -> str:
    """The name of a place by its code, padded or not; the code itself where it is unknown."""
    code = trim(region)
    known = tree()
    return known.name(code, on) if known.known(code) else code


def full_name(region: str, on: date | None = None) -> str:
    """The name with its upper places (湖北省荆门市东宝区…); the code itself where it is unknown."""
    code = trim(region)
    known = tree()
    return known.full_name(code, on) if known.known(code) else code
