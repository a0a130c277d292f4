"""Who of the roll stands in which register, and why: the planted truth. Only the demo's officers ever see it.

The true clues fall on families that left the roll between May and August 2017 because they had more than the standard: that
is when the confirmed ones were suspended and struck off. The false ones fall on anybody of the ten months.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import NamedTuple

import polars as pl

from tuodi.demo.generator.names import given_name, surname
from tuodi.demo.registers.kinds import KINDS, Kind, scaled

__all__ = ["FIRST_ROW", "RULES", "Person", "Plan", "PlannedRow", "make_plan", "read_roll"]

#: Numbers of rows about people of the roll begin here; strangers' rows are counted from 0.
FIRST_ROW = 10_000_000
#: Register -> clue rule that its planted rows must raise.
RULES = {"vehicle": "VEHICLE", "estate": "HOUSE", "business": "BUSINESS", "fiscal_kin": "FISCAL_KIN"}
#: Families that have not signed, at full size.
_UNCONSENTED = 312
_LATER, _DESK = 8, "420802001"
_FIRST, _LAST, _AUGUST = 201607, 201704, 201708
_DATA_DAY = date(2017, 4, 30)


class Person(NamedTuple):
    """Somebody of the roll in the ten months."""

    person_no: int
    household_no: int
    name: str
    id_no: str
    birth: date
    programme: str
    county: str


class PlannedRow(NamedTuple):
    """One row about somebody of the roll. ``part``: 0 and 1 of a pair of dwellings, −1 = single."""

    i: int
    kind: str
    planted: str
    clue: int  #: number of the clue it belongs to; 0 = none
    part: int
    person_no: int
    household_no: int
    id_no: str
    name: str
    on: date | None


@dataclass
class Plan:
    """All of it.

    Attributes:
        rows: About people of the roll, every register.
        clues: ``clue`` -> (kind, person, true).
        unconsented: Everybody of the families that have not signed.
        later: Vehicles of people on the roll in the register that arrives in August.
        payments: Monthly rows of the ten months: month, household_no, programme, category, county, persons, amount_fen.
    """

    rows: list[PlannedRow] = field(default_factory=list)
    clues: dict[int, tuple[str, Person, bool]] = field(default_factory=dict)
    unconsented: list[Person] = field(default_factory=list)
    later: list[PlannedRow] = field(default_factory=list)
    payments: pl.DataFrame = field(default_factory=pl.DataFrame)


def read_roll(truth: Path, part: int = 1) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Households, persons and payment rows of the ten months; ``part`` n keeps one household in n."""
    homes = pl.read_parquet(truth / "households.parquet").filter(
        pl.col("first") <= _LAST, pl.col("household_no") % part == 0
    )
    people = pl.read_parquet(truth / "persons.parquet").join(
        homes.select("household_no"), on="household_no", how="semi"
    )
    rows = (
        pl.read_parquet(truth / "rows.parquet")
        .filter(pl.col("month").is_between(_FIRST, _LAST))
        .join(homes.select("household_no"), on="household_no", how="semi")
    )
    return homes, people, rows


def make_plan(truth: Path, manifest: Path | None, *, seed: int, part: int = 1) -> Plan:
    """Plans every row about people of the roll.

    Args:
        truth: Folder of the roll's own truth tables.
        manifest: The oddities planted in its rosters; families with one carry no clue, so that both can be told apart.
        part: Keep one household in so many; counts shrink with it.
    """
    homes, people, payments = read_roll(truth, part)
    scale = 1 / part
    maker = _Maker(Random(f"{seed}/plan"), scale)
    maker.take(homes, people, _odd_cards(manifest))
    maker.plan.payments = payments
    maker.sign_off()
    for kind in KINDS:
        maker.clues(kind)
    for kind in KINDS:
        maker.decoys(kind)
    maker.later(homes)
    return maker.plan


def _odd_cards(manifest: Path | None) -> set[str]:
    if manifest is None:
        return set()
    return {
        card.removesuffix("Z") for card in pl.read_csv(manifest, infer_schema_length=0)["card_no"].to_list() if card
    }


class _Maker:
    def __init__(self, rng: Random, scale: float) -> None:
        self.rng, self.scale = rng, scale
        self.plan = Plan()
        self.next_row, self.next_clue = FIRST_ROW, 1
        self.taken: set[int] = set()  #: households with a clue or without consent

    def take(self, homes: pl.DataFrame, people: pl.DataFrame, odd: set[str]) -> None:
        """Sorts families into who left for having more, who may carry false clues, and who died."""
        home = {h["household_no"]: h for h in homes.iter_rows(named=True)}
        self.families: dict[int, list[Person]] = {}
        self.dead: list[tuple[Person, date]] = []
        for p in people.iter_rows(named=True):
            h = home[p["household_no"]]
            one = Person(
                p["person_no"], p["household_no"], p["name"], p["id_no"], p["birth"], h["programme"], h["county"]
            )
            if p["died"] is not None:
                if p["died"] < date(2017, 5, 1):
                    self.dead.append((one, p["died"]))
                continue
            left = h["until"] is None and p["until"] is not None and p["until"] <= _AUGUST
            if p["since"] <= _LAST and not left and p["id_no"][:2] not in ("81", "83"):
                self.families.setdefault(p["household_no"], []).append(one)
        self.gone, self.open = [], []
        for no in sorted(self.families):
            h = home[no]
            if h["card_no"] in odd:
                continue
            if h["until"] is not None and 201705 <= h["until"] <= _AUGUST and h["end_reason"] == "收入超过标准":
                self.gone.append((-h["until"], no))
            elif h["until"] is None or h["until"] > _AUGUST:
                self.open.append(no)
        # Those who left last are taken first: most confirmed clues were suspended in June and July.
        self.rng.shuffle(self.gone)
        self.gone.sort(key=lambda pair: pair[0])
        self.rng.shuffle(self.open)

    def row(
        self, kind: str, role: str, person: Person, clue: int = 0, part: int = -1, on: date | None = None
    ) -> PlannedRow:
        """Adds one row."""
        made = PlannedRow(
            self.next_row, kind, role, clue, part, person.person_no, person.household_no, person.id_no, person.name, on
        )
        self.next_row += 1
        self.plan.rows.append(made)
        return made

    def member(self, household: int) -> Person:
        """Somebody of the family, grown up if there is one."""
        family = self.families[household]
        grown = [p for p in family if p.birth.year <= 1998]
        return self.rng.choice(grown or family)

    def sign_off(self) -> None:
        """The families without a signature."""
        for _ in range(scaled(_UNCONSENTED, self.scale)):
            no = self.open.pop()
            self.taken.add(no)
            self.plan.unconsented += self.families[no]

    def clues(self, kind: Kind) -> None:
        """The planted clues of one register."""
        wanted = [(True, kind.share.true), (False, kind.share.false)]
        for true, count in wanted:
            for _ in range(scaled(count, self.scale)):
                no = self.gone.pop(0)[1] if true else self.free()
                self.taken.add(no)
                person = self.member(no)
                number, self.next_clue = self.next_clue, self.next_clue + 1
                role = "true" if true else "false"
                self.plan.clues[number] = (kind.code, person, true)
                if kind.code == "estate" and self.rng.random() < 0.3:
                    # Two dwellings of one family are one clue that rests on two rows.
                    self.row(kind.code, role, person, number, 0)
                    self.row(kind.code, role, person, number, 1)
                else:
                    self.row(kind.code, role, person, number)

    def later(self, homes: pl.DataFrame) -> None:
        """Who has registered a vehicle since the sweep: some of one town, whose desk the demo shows, some elsewhere."""
        town = homes.filter(pl.col("village").str.starts_with(_DESK))["household_no"].to_list()
        near = [no for no in self.open if no in set(town)][:4]
        for no in [*near, *[no for no in self.open if no not in near][: _LATER - len(near)]]:
            rows = self.plan.rows
            self.plan.rows = self.plan.later
            self.row("vehicle", "false", self.member(no))
            self.plan.rows = rows

    def free(self) -> int:
        """A family that has no clue yet."""
        return self.open.pop()

    def decoys(self, kind: Kind) -> None:
        """Rows that must not become clues."""
        used: set[int] = set()
        for role, count in kind.share.decoys.items():
            for person, on in self.cast(kind, role, scaled(count, self.scale), used):
                used.add(person.household_no)
                if role == "duplicate":
                    continue
                if role == "bad_check":
                    wrong = "1" if person.id_no[-1] != "1" else "2"
                    person = person._replace(id_no=person.id_no[:17] + wrong)
                elif role == "name_conflict":
                    person = person._replace(name=self.other_name(person))
                self.row(kind.code, role, person, on=on)
        if "duplicate" in kind.share.decoys:
            self.again(kind, scaled(kind.share.decoys["duplicate"], self.scale))

    def cast(self, kind: Kind, role: str, count: int, used: set[int]) -> Iterator[tuple[Person, date | None]]:
        """Who plays a decoy's part: nobody in two parts of one register, nobody with a clue."""
        if role == "duplicate":
            return
        if role == "left":
            yield from self.rng.sample(self.dead, min(count, len(self.dead)))
            return
        if role == "unconsented":
            chosen = {p.household_no: p for p in self.plan.unconsented}
            for no in self.rng.sample(sorted(chosen), min(count, len(chosen))):
                yield chosen[no], None
            return
        pool = [no for no in self.open if no not in used]
        if kind.code == "hukou":
            # Who comes of age is another story; those families' pages are not in this delivery.
            pool = [no for no in pool if not any(_near_eighteen(p.birth) for p in self.families[no])]
        for no in self.rng.sample(pool, min(count, len(pool))):
            yield self.member(no), None

    def again(self, kind: Kind, count: int) -> None:
        """Exact repetitions: the same number of row, so the same content."""
        mine = [row for row in self.plan.rows if row.kind == kind.code and row.clue]
        self.plan.rows += self.rng.sample(mine, min(count, len(mine)))

    def other_name(self, person: Person) -> str:
        """A name that nobody could take for the person's own."""
        while True:
            name = surname(self.rng) + given_name(self.rng, True, person.birth.year)
            if name[0] != person.name[0]:
                return name


def _near_eighteen(birth: date) -> bool:
    """Whether somebody turns eighteen within a year of the data day, before or after."""
    return 16 <= (_DATA_DAY - birth).days / 365.25 <= 20
