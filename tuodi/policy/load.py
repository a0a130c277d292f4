"""From folders to a `Book` and the faults in its words and values. Formulas are checked above, in `tuodi.rules`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuodi.kernel import places
from tuodi.policy.book import Book, check_words
from tuodi.policy.clues import check_clues
from tuodi.policy.faults import Fault
from tuodi.policy.loader import read_draft

__all__ = ["default_dir", "read_book"]


def default_dir() -> Path:
    """The packs that ship with the product."""
    return Path(__file__).resolve().parents[2] / "policies"


def read_book(dirs: Sequence[Path]) -> tuple[Book, list[Fault]]:
    """Reads without judging: the book as far as it could be read, and every fault found in words and values.

    Formulas are checked by `tuodi.rules.check`.
    """
    faults: list[Fault] = []
    draft = read_draft([Path(d) for d in dirs], faults)
    tree = places.national_tree()

    def known(code: str) -> bool:
        return (
            code == places.NATION
            or code in draft.areas
            or code[:6] in draft.areas
            or (places.is_code(code) and tree.known(code))
        )

    check_words(draft, faults, known)
    predecessors: dict[str, str] = {}
    named = {row.place for rows in draft.values.values() for row in rows}
    named |= {t.place for texts in draft.rules.values() for t in texts}
    named |= {t.place for clues in draft.clues.values() for t in clues}
    for code in named:
        if code != places.NATION and code not in draft.areas:
            for row in tree.rows(code):
                if row.successor:
                    predecessors[row.successor] = code
    book = Book(draft, [f for f in faults if f.severity == "warning"], predecessors)
    check_clues(draft, faults, known, book.chain)
    return book, [f for f in faults if f.severity == "error"]
