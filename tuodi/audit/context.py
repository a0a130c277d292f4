"""Where the present work comes from (address, request id), carried beside it and written into each audit row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The caller of the present work; empty for the system's own."""

    address: str = ""
    request_id: str = ""


NOBODY = Origin()
_origin: ContextVar[Origin] = ContextVar("tuodi_origin", default=NOBODY)


def origin() -> Origin:
    """Who asked for the present work."""
    return _origin.get()


@contextmanager
def request(*, address: str, request_id: str) -> Iterator[None]:
    """Marks the work inside as answering one request."""
    token = _origin.set(Origin(address[:45], request_id[:64]))
    try:
        yield
    finally:
        _origin.reset(token)
