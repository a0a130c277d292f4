"""Which source would pay a simulated budget: available money drawn in each county's order, and what no source covers.

It moves nothing and reserves nothing: it is what the fund books say as they stand when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuodi.funds import ledger as funds
from tuodi.funds.states import Account

__all__ = ["Split", "split"]


@dataclass
class Split:
    """A budget over sources, in fen.

    Attributes:
        drawn: (county, programme, source) -> fen. short: (county, programme) -> what no source covers.
        bookless: (county, programme) -> what counties without a fund book would pay, from no known source.
    """

    drawn: dict[tuple[str, str, str], int] = field(default_factory=dict)
    short: dict[tuple[str, str], int] = field(default_factory=dict)
    bookless: dict[tuple[str, str], int] = field(default_factory=dict)

    def by_source(self) -> dict[str, int]:
        """Source -> fen over all counties and programmes."""
        sums: dict[str, int] = {}
        for (_, _, source), fen in self.drawn.items():
            sums[source] = sums.get(source, 0) + fen
        return sums

    @property
    def total(self) -> int:
        """The whole budget."""
        return sum(self.drawn.values()) + sum(self.short.values()) + sum(self.bookless.values())


def split(budgets: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, Split]:
    """Splits several budgets, each as if it were the only one, in three queries.

    Args:
        budgets: name -> rows of `place` (county), `programme` and `amount_fen`.
    """
    rows = {name: [dict(one) for one in given] for name, given in budgets.items()}
    counties = {one["place"][:6] for given in rows.values() for one in given}
    orders = funds.books(counties)
    there = funds.held(Account.AVAILABLE, orders, orders=orders)
    found = {}
    for name, given in rows.items():
        made = Split()
        wanted: dict[tuple[str, str], int] = {}
        for one in given:
            key = (one["place"][:6], one["programme"])
            wanted[key] = wanted.get(key, 0) + one["amount_fen"]
        for (county, programme), fen in sorted(wanted.items()):
            if county not in orders:
                made.bookless[county, programme] = fen
                continue
            drawn, rest = funds.share(fen, there.get((county, programme), []))
            for source, part in drawn:
                made.drawn[county, programme, source] = part
            if rest:
                made.short[county, programme] = rest
        found[name] = made
    return found
