"""Helpers every view may use: bounded pages without counting, and choices from the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.http import HttpRequest

from tuodi.kernel import clock
from tuodi.kernel.periods import Month, PeriodError

Item = TypeVar("Item")
PAGE_SIZE = 50
LAST_PAGE = 10_000


@dataclass
class Page(Generic[Item]):
    """One page of a list.

    Attributes:
        items: what is shown.
        total: size of the whole list; None where counting would cost more than it tells.
        previous, next: page numbers, None at the ends.
    """

    items: Sequence[Item]
    number: int
    total: int | None
    previous: int | None
    next: int | None
    pages: int | None = None


def number_of(request: HttpRequest) -> int:
    """The page number in the address; 1 for anything that is none."""
    text = request.GET.get("page", "1")
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def page_of(
    request: HttpRequest,
    fetch: Callable[[int, int], Sequence[Item]],
    *,
    total: int | None = None,
    size: int = PAGE_SIZE,
) -> Page[Item]:
    """Fetch one page and one row more, to know whether there is a next.

    Args:
        fetch: (start, stop) -> rows, like a slice of a queryset.
        total: the size, if the caller knows it anyway.
    """
    number = number_of(request)
    start = (number - 1) * size
    rows = list(fetch(start, start + size + 1))
    if total is not None and total <= size:
        total = None  # one page: its length is seen
    return Page(
        items=rows[:size],
        number=number,
        total=total,
        previous=number - 1 if number > 1 else None,
        next=number + 1 if len(rows) > size else None,
        pages=None if total is None else max(1, -(-total // size)),
    )


def month_of(request: HttpRequest, name: str = "month", default: Month | None = None) -> Month | None:
    """The month in the address, or the default where there is none or it is not one."""
    try:
        return Month.parse(request.GET.get(name, ""))
    except PeriodError:
        return default


def this_month() -> Month:
    """The present month by the one clock."""
    return Month.of(clock.today())


def tabs_of(request: HttpRequest, tabs: Sequence[tuple[str, str]], default: str) -> tuple[str, list[dict[str, Any]]]:
    """The tab an address asks for by `show` (else the default), and all of them as links."""
    wanted = request.GET.get("show", default)
    chosen = wanted if wanted in dict(tabs) else default
    return chosen, [{"label": label, "href": f"?show={code}", "current": code == chosen} for code, label in tabs]


def text_of(request: HttpRequest, name: str, longest: int = 60) -> str:
    """A search text from the address: trimmed, without NUL, cut to a sane length."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:longest]


def share(part: Any, whole: Any) -> int:
    """part of whole in whole percent, for bars; 0 where nothing is known."""
    if not part or not whole:
        return 0
    return max(0, min(100, abs(int(part)) * 100 // abs(int(whole))))
