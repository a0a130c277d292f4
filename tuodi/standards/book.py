"""The site's book with what was adopted on screen in it. A value counts from its publication; its own day says from when."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.db.models import Count, Max

from tuodi.policy.adopted import Adopted, with_adopted
from tuodi.policy.book import Book
from tuodi.standards.models import AdoptedValue, Proposal

__all__ = ["adopted_over", "draft_rows", "forget", "proposed_over"]

#: Seconds a process may go on with what it knew: a page asks for the book many times, and each request asks the table once.
_FRESH_SECONDS = 5.0
_known: dict[str, tuple[float, tuple[int, int]]] = {}
_books: dict[tuple[str, int, int], Book] = {}


def forget(**signal: object) -> None:
    """What was adopted is read again at the next question: called by who adopts, and when a request begins."""
    _known.clear()


def adopted_over(base: Book, *, fresh: bool = False) -> Book:
    """The book of the packs with every adopted value laid over it.

    Args:
        fresh: asks the table now; otherwise once a request, and some seconds at most.
    """
    now = time.monotonic()
    asked = _known.get("version")
    if fresh or asked is None or now - asked[0] > _FRESH_SECONDS:
        row = AdoptedValue.objects.aggregate(last=Max("id"), n=Count("id"))
        asked = _known["version"] = (now, (row["last"] or 0, row["n"]))
    version = asked[1]
    if not version[1]:
        return base
    key = (base.digest, *version)
    found = _books.get(key)
    if found is None:
        while len(_books) > 3:
            _books.pop(next(iter(_books)))
        found = _books[key] = with_adopted(base, _adopted())
    return found


def _adopted() -> list[Adopted]:
    rows = AdoptedValue.objects.select_related("proposal").order_by("id")
    return [
        Adopted(
            row.place, row.param, tuple(row.keys), row.start, row.value, row.unit, row.doc_no, row.doc_title, row.locator,
            f"标准 {row.proposal.no}", row.issued_on.isoformat(), row.hypothetical,
        )
        for row in rows
    ]  # fmt: skip


def draft_rows(proposal: Proposal) -> list[Adopted]:
    """The values of a proposal as rows of the book: with its document where it has one, else as a draft (假设)."""
    document = proposal.doc_no or f"草案{proposal.no}"
    return [
        Adopted(
            one.place, one.param, tuple(one.keys), proposal.effective_on, one.value, one.unit, document,
            proposal.doc_title or proposal.title, one.locator, f"标准 {proposal.no}",
            proposal.published_on.isoformat() if proposal.published_on else "-",
            proposal.hypothetical or not proposal.doc_no,
        )
        for one in proposal.values.order_by("id")
    ]  # fmt: skip


def proposed_over(base: Book, rows: Iterable[Adopted]) -> Book:
    """The book as it would be if values were adopted. Raises PolicyErrors with every fault."""
    return with_adopted(base, rows)
