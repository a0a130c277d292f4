"""The site's book with what was adopted on screen in it. A value counts from its publication; its own day says from when."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable

from django.db import connection

from tuodi.policy.adopted import Adopted, with_adopted
from tuodi.policy.amended import SOURCE, AdoptedText, with_texts
from tuodi.policy.book import Book
from tuodi.standards.models import AdoptedRules, AdoptedValue, Proposal

__all__ = ["adopted_over", "draft_rows", "draft_text", "forget", "print_of", "proposed_over"]

#: Seconds a process may go on with what it knew: a page asks for the book many times, and each request asks the table once.
_FRESH_SECONDS = 5.0
_VERSION = """
select coalesce(max(v.id), 0), count(*), coalesce((select max(r.id) from standards_adoptedrules r), 0),
  (select count(*) from standards_adoptedrules r) from standards_adoptedvalue v
"""
_known: dict[str, tuple[float, tuple[int, ...]]] = {}
_books: dict[tuple[str, tuple[int, ...]], Book] = {}


def forget(**signal: object) -> None:
    """What was adopted is read again at the next question: called by who adopts, and when a request begins."""
    _known.clear()


def adopted_over(base: Book, *, fresh: bool = False) -> Book:
    """The book of the packs with all adopted rules and values laid over it.

    Args:
        fresh: asks the table now; otherwise once a request, and some seconds at most.
    """
    now = time.monotonic()
    asked = _known.get("version")
    if fresh or asked is None or now - asked[0] > _FRESH_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(_VERSION)
            asked = _known["version"] = (now, cursor.fetchone())
    version = asked[1]
    if not any(version):
        return base
    key = (base.digest, version)
    found = _books.get(key)
    if found is None:
        while len(_books) > 3:
            _books.pop(next(iter(_books)))
        found = _books[key] = with_adopted(with_texts(base, _texts()), _adopted())
    return found


def _texts() -> list[AdoptedText]:
    rows = AdoptedRules.objects.select_related("proposal").order_by("id")
    return [
        AdoptedText(
            row.place, row.start, row.text, row.doc_no, row.doc_title, _source(row.proposal), row.issued_on.isoformat(), row.hypothetical
        )
        for row in rows
    ]  # fmt: skip


def _source(proposal: Proposal) -> str:
    return f"{SOURCE}{proposal.no}"


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


def draft_text(proposal: Proposal) -> AdoptedText | None:
    """The rules of a proposal as a text of the book: with its document where it has one, else as a draft (假设); None = none."""
    if not proposal.rules_text:
        return None
    return AdoptedText(
        proposal.place, proposal.effective_on, proposal.rules_text, proposal.doc_no or f"草案{proposal.no}",
        proposal.doc_title or proposal.title, _source(proposal), proposal.published_on.isoformat() if proposal.published_on else "-",
        proposal.hypothetical or not proposal.doc_no,
    )  # fmt: skip


def proposed_over(base: Book, rows: Iterable[Adopted], text: AdoptedText | None = None) -> Book:
    """The book as it would be if values and rules were adopted. Raises PolicyErrors with every fault."""
    return with_adopted(with_texts(base, [text] if text else []), rows)


def print_of(proposal: Proposal) -> str:
    """A hash of what a proposal would change: range, first day, values and rules. Its document and name are left out."""
    values = proposal.values.order_by("place", "param", "keys").values_list("place", "param", "keys", "value", "unit")
    said = [proposal.place, proposal.effective_on.isoformat(), [list(row) for row in values], proposal.rules_text]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
