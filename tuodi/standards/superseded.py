"""Which published proposals a later document replaced (被替代), by what and from which day: told by the adopted rows, stored nowhere.

At one place and for the same keys the row with the latest day holds; of two with the same day, the one adopted last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from tuodi.standards.models import AdoptedRules, AdoptedValue, Proposal

__all__ = ["Replacement", "Superseded", "superseded"]

_Key = tuple[str, ...]


@dataclass(frozen=True)
class Replacement:
    """A later proposal and its day, with how many values and rules it took the place of."""

    by: Proposal
    on: date
    parts: int


@dataclass(frozen=True)
class Superseded:
    """What became of a published proposal.

    Attributes:
        by: replacements in order of their day, those of days to come with them. of: values and rules it set.
        gone: how many of them no longer hold. since: first day on which none holds; None = some do still, or to no end known.
    """

    by: tuple[Replacement, ...]
    of: int
    gone: int
    since: date | None

    @property
    def whole(self) -> bool:
        """Whether nothing of it holds any more."""
        return self.of > 0 and self.gone == self.of

    @property
    def word(self) -> str:
        """被替代, 部分被替代, or nothing before the first replacement's day."""
        return "被替代" if self.whole else "部分被替代" if self.gone else ""


def _rules(rows: Iterable[AdoptedRules]) -> Iterator[tuple[_Key, date, int, Proposal]]:
    for row in rows:
        for one in row.proposal.rules_review.get("changes", []):
            yield ("rule", one["name"], one["place"]), date.fromisoformat(one["start"]), row.pk, row.proposal


def superseded(proposals: Iterable[Proposal], on: date) -> dict[int, Superseded]:
    """Number of a proposal -> what replaced it, for those of which something is, or will be, replaced. Two queries."""
    wanted = {one.pk for one in proposals}
    values = AdoptedValue.objects.filter(
        param__in=AdoptedValue.objects.filter(proposal__in=wanted).values("param")
    ).select_related("proposal")
    found: dict[_Key, list[tuple[date, int, Proposal]]] = {}
    for row in values:
        key = ("value", row.place, row.param, *row.keys)
        found.setdefault(key, []).append((row.start, row.pk, row.proposal))
    for name, start, pk, proposal in _rules(AdoptedRules.objects.select_related("proposal")):
        found.setdefault(name, []).append((start, pk, proposal))
    ends: dict[int, list[tuple[date, Proposal] | None]] = {}
    for rows in found.values():
        rows.sort(key=lambda one: one[:2])
        for at, (_, _, proposal) in enumerate(rows):
            if proposal.pk in wanted:
                later = next((one for one in rows[at + 1 :] if one[2].pk != proposal.pk), None)
                ends.setdefault(proposal.pk, []).append((later[0], later[2]) if later else None)
    return {pk: told for pk, parts in ends.items() if (told := _told(parts, on)).by}


def _told(parts: list[tuple[date, Proposal] | None], on: date) -> Superseded:
    counts: dict[tuple[date, int], tuple[Proposal, int]] = {}
    for one in parts:
        if one is not None:
            key = one[0], one[1].pk
            counts[key] = (one[1], counts.get(key, (one[1], 0))[1] + 1)
    days = [one[0] for one in parts if one is not None]
    return Superseded(
        by=tuple(Replacement(by, day, n) for (day, _), (by, n) in sorted(counts.items(), key=lambda one: one[0])),
        of=len(parts),
        gone=sum(day <= on for day in days),
        since=max(days) if len(days) == len(parts) else None,
    )
