"""Programmes money is kept and paid for: those of the product, and fixed amounts that packs of a place declare.

A **fixed amount** (固定金额补助: another department determines who has it) is a parameter `<code>.support` of a pack, keyed by one
enumeration, the cases (情形) it is given for: label, unit (month or year), amounts and clauses are data, and so is what there
is. `code` is at most sixteen characters; a longer one is a fault of the pack, and the book does not load. Its money is a sub-account of
its own, its people come by lists, its runs pay it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuodi.funds.states import FundProgramme
from tuodi.people.enums import Programme
from tuodi.policy.book import Book
from tuodi.policy.model import LONGEST_CODE, SUPPORT
from tuodi.verification.rulebook import book, place_of

__all__ = ["SUPPORT", "Benefit", "benefit", "benefits", "choices", "known", "programme_label"]


@dataclass(frozen=True)
class Benefit:
    """One fixed amount.

    Attributes:
        parameter: full name of what declares it and may set its amounts. cases: code -> words of the cases it is given for.
        place: where it exists: `cn`, or a place and those below.
    """

    code: str
    label: str
    parameter: str
    cases: dict[str, str]
    place: str


_seen: dict[str, dict[str, Benefit]] = {}


def _read(law: Book) -> dict[str, Benefit]:
    found = {}
    for name, param in law.params.items():
        code, _, last = name.rpartition(".")
        if last != SUPPORT or len(param.by) != 1 or param.by[0] not in law.enums:
            continue
        if not code or "." in code or len(code) > LONGEST_CODE or code in Programme.values:
            continue
        label = str(FundProgramme(code).label) if code in FundProgramme.values else param.label
        found[code] = Benefit(code, label, name, dict(law.enums[param.by[0]].values), param.place)
    return found


def benefits(place: str = "") -> dict[str, Benefit]:
    """Code -> fixed amount, of those that exist in a place; all of them without one."""
    law = book()
    found = _seen.get(law.digest)
    if found is None:
        if len(_seen) > 8:
            _seen.clear()
        found = _seen[law.digest] = _read(law)
    if not place:
        return found
    chain = set(law.chain(place_of(place)))
    return {code: one for code, one in found.items() if one.place in chain}


def benefit(code: str) -> Benefit | None:
    """One fixed amount, wherever it exists; None where no pack declares it."""
    return benefits().get(code)


def known(place: str) -> list[str]:
    """Codes of all sub-accounts a county may have."""
    return [code for code, _ in choices(place)]


def choices(place: str) -> list[tuple[str, str]]:
    """(code, words) of all sub-accounts a county may have, in the order of lists."""
    more = [(code, one.label) for code, one in benefits(place).items() if code not in FundProgramme.values]
    return [*((one.value, str(one.label)) for one in FundProgramme), *sorted(more)]


def programme_label(code: str) -> str:
    """Chinese name of a programme; a code that no pack declares any more stays as it is."""
    if code in FundProgramme.values:
        return str(FundProgramme(code).label)
    found = benefit(code)
    return found.label if found else code
