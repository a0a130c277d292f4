"""What a loaded set of packs is made of. Plain frozen rows; nothing here reads files or decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tuodi.policy.faults import Where
from tuodi.policy.units import Unit

if TYPE_CHECKING:
    from tuodi.policy.clues import ClueText

__all__ = [
    "FOREVER", "LEVEL_PLACE", "LEVEL_ROOT", "LONGEST_CODE", "NO_CAP", "SUPPORT", "Area", "Case", "Collection", "EnumDef", "Fact", "Instrument",
    "Param", "ParamValue", "Programme", "RuleDef", "RuleText", "Where", "lies_in", "upper_place",
]  # fmt: skip

FOREVER = date(9999, 12, 31)
EVER = date(1, 1, 1)
LEVEL_PLACE, LEVEL_ROOT = "place", "household"

#: 无上限, inside: far above any amount that can be paid, far below where integers end (fen).
NO_CAP = 10**13

#: Last word of the parameter that declares a fixed amount (固定金额补助), and how long the word before it may be: it names a sub-account.
SUPPORT = "support"
LONGEST_CODE = 16


@dataclass(frozen=True)
class Instrument:
    """One cited document. `kind`: law, regulation, normative, reported, convention or hypothetical."""

    id: str
    title: str
    number: str
    kind: str
    issued: str
    in_force: str
    issuer: str = ""
    repealed: str = ""
    note: str = ""
    unverified: bool = False


@dataclass(frozen=True)
class Area:
    """A standard area that is no administrative division."""

    code: str
    name: str
    parent: str
    where: Where


@dataclass(frozen=True)
class EnumDef:
    """A closed list of identifiers with Chinese labels; the code of a value is its position, from 1."""

    name: str
    label: str
    values: dict[str, str]
    where: Where

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

    @cached_property
    def codes(self) -> dict[str, int]:
        return {value: at for at, value in enumerate(self.values, 1)}

    def code(self, value: str) -> int:
        found = self.codes.get(value)
        if found is None:
            raise ValueError(value)
        return found

    def value(self, code: int) -> str:
        return self.names[code - 1]


@dataclass(frozen=True)
class Collection:
    """Rows below a household or below another collection; `unit` is what `count` counts in."""

    name: str
    of: str
    label: str
    unit: Unit
    max: int
    where: Where


@dataclass(frozen=True)
class Fact:
    """One fact about a place, a household or a row of a collection.

    `missing`: `required`, `unknown`, `none`, or a default already in inner form. Bounds are inner (fen; scaled integer).
    """

    name: str
    level: str
    type: str  # money number ratio bool date month text or an enum's name
    label: str
    unit: Unit | None
    places: int
    lo: int
    hi: int
    missing: Any
    source: str
    place: str
    where: Where
    help: str = ""

    @property
    def key(self) -> str:
        return f"{self.level}.{self.name}"


@dataclass(frozen=True)
class ParamValue:
    """One dated value. `value` is None (open), a Fraction in the declared unit (money in fen), or text/tuple for structural ones."""

    place: str
    keys: tuple[str | None, ...]
    start: date
    end: date
    value: Any
    clause: str
    where: Where
    quote: str = ""
    note: str = ""
    printed: str = ""
    unit: str = ""
    issued: str = ""
    precision: str = ""
    expected: bool = False
    assumed: bool = False
    #: adopted on screen: wins over files at its place (`policy.adopted`)
    adopted: bool = False


@dataclass(frozen=True)
class Param:
    """A declared parameter. `kind`: number (money or ratio), bool, enum, set, table."""

    name: str  # full: programme.short, or short when common
    label: str
    unit: Unit | None
    unit_text: str
    kind: str
    of: str
    by: tuple[str, ...]
    place: str
    where: Where
    ends: str = "以上"
    note: str = ""
    values: tuple[ParamValue, ...] = ()

    @property
    def structural(self) -> bool:
        return self.kind != "number"

    @property
    def programme(self) -> str:
        return self.name.split(".")[0] if "." in self.name else ""


@dataclass(frozen=True)
class RuleText:
    """One dated wording of a rule in one place."""

    name: str
    place: str
    start: date
    end: date
    level: str
    label: str
    unit_text: str
    clause: str
    formula: str
    role: str
    reason: str
    amends: str
    where: Where
    note: str = ""
    #: adopted on screen: wins over files at its place (`policy.amended`)
    adopted: bool = False


@dataclass(frozen=True)
class RuleDef:
    """A rule's name with all its wordings, in reading order."""

    name: str
    texts: tuple[RuleText, ...]


@dataclass(frozen=True)
class Programme:
    """What a programme asks and grants. `unit` is the level entitled; names are full rule names."""

    id: str
    label: str
    unit: str
    eligible: str
    tests: tuple[str, ...]
    amount: str
    components: dict[str, str]
    period: str
    start: str
    place: str
    where: Where
    note: str = ""


@dataclass(frozen=True)
class Case:
    """A worked example: a family, a place, dates and what must come out."""

    id: str
    name: str
    programme: str
    place: str
    on: date
    month: str
    family: Any
    assume: Any
    expect: dict[str, str]
    working: str
    where: Where
    boundary: str = ""


@dataclass
class Draft:
    """What the loader has gathered so far, before names are resolved."""

    instruments: dict[str, Instrument] = field(default_factory=dict)
    areas: dict[str, Area] = field(default_factory=dict)
    enums: dict[str, EnumDef] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    params: dict[str, Param] = field(default_factory=dict)
    values: dict[str, list[ParamValue]] = field(default_factory=dict)
    rules: dict[str, list[RuleText]] = field(default_factory=dict)
    programmes: dict[str, Programme] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    clues: dict[str, list[ClueText]] = field(default_factory=dict)
    digest: str = ""


def upper_place(code: str, areas: Mapping[str, Area]) -> str:
    """The place right above: a declared area's parent, else the division one level up, else `cn`."""
    if code in areas:
        return areas[code].parent
    for size in (9, 6, 4, 2):
        if len(code) > size:
            shorter = code[:size]
            return shorter if not shorter[-1].isalpha() else code[:4]
    return "cn"


def lies_in(code: str, place: str, areas: Mapping[str, Area]) -> bool:
    """True if `code` is `place` or lies below it."""
    while code not in (place, "cn"):
        code = upper_place(code, areas)
    return code == place


def exact(text: str) -> Fraction:
    """A printed number (thousands commas and a trailing % allowed) as a fraction. Raises ValueError."""
    text = text.strip().replace(",", "").replace("，", "")
    if text.endswith("%"):
        return Fraction(text[:-1]) / 100
    return Fraction(text)
