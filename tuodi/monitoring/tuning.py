"""What a changed rule would have saved: the register rows of answered clues judged once more, by the packs with a change laid over them.

The rows are those the clues were raised on, as kept with their hits; the answers are those people gave. So a change is
weighed before it is made: how many refuted clues it would have spared, and how many confirmed ones it would have missed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl

from tuodi.cases.procedures import policy_dirs
from tuodi.kernel import clock
from tuodi.kernel.money import MoneyError, parse_yuan
from tuodi.monitoring.errors import ClueInputError
from tuodi.monitoring.judge import judge
from tuodi.monitoring.ledger import Wanted, select
from tuodi.monitoring.models import Clue
from tuodi.org.models import User
from tuodi.policy.book import Book
from tuodi.policy.clues import REGISTER
from tuodi.policy.faults import PolicyErrors
from tuodi.rules import load_book
from tuodi.rules.bulk import MissingColumnError
from tuodi.verification.rulebook import book as site_book

__all__ = ["Tuned", "changed_book", "tuning"]


@dataclass(frozen=True)
class Tuned:
    """What a change comes to, in clues that a person has answered.

    Attributes:
        answered: all of the rule; judged: those with a register row to judge again.
        spared: refuted ones that would not be raised; missed: confirmed ones that would not be.
        unknown: those the changed rule cannot decide; they would be listed, not raised.
    """

    rule: str
    answered: int
    judged: int
    confirmed: int
    refuted: int
    spared: int
    missed: int
    unknown: int

    @property
    def rate(self) -> float | None:
        """Precision as it was: confirmed of those judged."""
        return self.confirmed / self.judged if self.judged else None

    @property
    def rate_after(self) -> float | None:
        """Precision with the change; None where nothing would be raised."""
        left = self.judged - self.spared - self.missed - self.unknown
        kept = self.confirmed - self.missed
        return kept / left if left > 0 else None


def changed_book(change: str) -> Book:
    """The site's packs with a change laid over them, checked like any pack.

    Args:
        change: YAML of a pack, as a region would write it (docs/howto/add-a-region.md).

    Raises: ClueInputError with every fault.
    """
    dirs = policy_dirs()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "change.yaml").write_text(change, encoding="utf-8")
        try:
            return load_book([dirs[0]], overlays=[*dirs[1:], folder])
        except PolicyErrors as error:
            told = "；".join(fault.message for fault in error.faults[:5])
            raise ClueInputError("规则修改", f"不能使用：{told}") from error


def tuning(user: User, rule: str, *, change: str = "", drop_stale: bool = False, wanted: Wanted | None = None) -> Tuned:
    """Judges the answered clues of a rule once more.

    Args:
        rule: code, ``VEHICLE``. change: YAML laid over the packs; empty = as they are.
        drop_stale: rows marked stale are not looked at.
        wanted: narrows the clues, to a place or a run.

    Raises: ClueInputError: a change that is no pack, or a rule that looks at more than its register rows.
    """
    chosen = replace(wanted or Wanted(), rule=rule)
    rows = select(chosen, user=user, today=clock.today()).select_related(None).exclude(verdict="")
    answered = rows.count()
    clues = list(rows.filter(hit__isnull=False).select_related("hit").order_by("id"))
    known = site_book() if not change.strip() else changed_book(change)
    raised, unknown = _judged(known, rule, [one for one in clues if not (drop_stale and one.hit and one.hit.stale)])
    gone = [one for one in clues if one.pk not in raised and one.pk not in unknown]
    confirmed = sum(one.verdict == Clue.Verdict.CONFIRMED for one in clues)
    return Tuned(
        rule=rule, answered=answered, judged=len(clues), confirmed=confirmed, refuted=len(clues) - confirmed,
        spared=sum(one.verdict == Clue.Verdict.REFUTED for one in gone),
        missed=sum(one.verdict == Clue.Verdict.CONFIRMED for one in gone),
        unknown=len(unknown),
    )  # fmt: skip


def _judged(known: Book, rule: str, clues: list[Clue]) -> tuple[set[int], set[int]]:
    """Clues raised again, and those that cannot be decided."""
    raised: set[int] = set()
    unknown: set[int] = set()
    by_kind: dict[str, list[Clue]] = {}
    for one in clues:
        if one.hit is not None:
            by_kind.setdefault(one.hit.kind, []).append(one)
    for kind, mine in by_kind.items():
        # The household of a clue stands for the family: a person stands in one of them only.
        homes = {one.household_id: one.region for one in mine}
        people = {one.person_id: one.household_id for one in mine}
        members = pl.DataFrame(
            {"person_id": list(people), "household_id": list(people.values()), "key": list(people)},
            schema_overrides=dict.fromkeys(("person_id", "household_id", "key"), pl.Int64),
        )
        rows = [_row(known, kind, one, people[one.person_id]) for one in mine]
        try:
            found = judge(
                known,
                sorted({region[:6] for region in homes.values()}),
                clock.today(),
                roll=pl.DataFrame(
                    [{"household_id": people[one.person_id], "programme": one.programme} for one in mine]
                ).unique(),
                members=members,
                households=pl.DataFrame({"household_id": list(homes), "place": list(homes.values())}),
                hits={kind: pl.DataFrame(rows, infer_schema_length=None)},
                codes=[rule],
            )
        except MissingColumnError as error:
            raise ClueInputError("规则", f" {rule} 还要看登记以外的事实，不能只凭登记内容重算：{error}") from error
        again = set(found.findings["rows"].explode().to_list()) if found.findings.height else set()
        raised |= {one.pk for one in mine if one.pk in again}
        open_people = set(found.unknown["person_id"].drop_nulls().to_list())
        open_homes = set(found.unknown.filter(pl.col("person_id").is_null())["household_id"].to_list())
        unknown |= {
            one.pk
            for one in mine
            if one.pk not in again and (one.person_id in open_people or one.household_id in open_homes)
        }
    return raised, unknown


def _row(known: Book, kind: str, clue: Clue, household: int) -> dict[str, Any]:
    """The register row of a clue as the rules take it; its number is the clue's."""
    hit = clue.hit
    assert hit is not None
    return {
        "row_id": clue.pk, "person_id": clue.person_id, "household_id": household, "key": clue.person_id,
        **_canonical(known, kind, hit.data), "as_of": hit.as_of, "stale": hit.stale, "name_state": hit.name_state,
        "check_state": hit.check_state, "batch_id": hit.batch_id, "line_no": hit.line_no, "row_hash": hit.row_hash,
    }  # fmt: skip


def _canonical(known: Book, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a hit keeps as people read it, back in canonical values: codes for words, fen for yuan, days for dates."""
    facts = {fact.name: fact for fact in known.draft.facts if fact.level == REGISTER + kind}
    out: dict[str, Any] = {}
    for name, fact in facts.items():
        if name in ("as_of", "stale", "name_state"):
            continue
        value = data.get(name)
        enum = known.enums.get(fact.type)
        if value is None:
            out[name] = None
        elif enum is not None:
            words = {label: code for code, label in enum.values.items()}
            out[name] = words.get(str(value), str(value) if str(value) in enum.values else None)
        else:
            out[name] = _value(fact, str(value))
    return out


def _value(fact: Any, text: str) -> Any:
    """None for what cannot be read back: unknown, never guessed."""
    try:
        if fact.type == "money":
            return parse_yuan(text)
        if fact.type == "date":
            return date.fromisoformat(text[:10])
        if fact.type == "bool":
            return {"是": True, "True": True, "true": True, "否": False, "False": False, "false": False}.get(text)
        if fact.type in ("number", "ratio", "int", "count"):
            return int(Decimal(text).scaleb(getattr(fact, "places", 0)))
    except (ValueError, InvalidOperation, MoneyError):
        return None
    return text
