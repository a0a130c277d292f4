"""The clean roster of one office: one record a person, as the truth has it in the month of the roster."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tuodi.demo.generator.money import Line
from tuodi.demo.generator.places import County, Village
from tuodi.kernel.periods import Month

__all__ = ["PROGRAMMES", "FamilyRecord", "MemberRecord", "Plant", "Roster", "departed", "rosters"]

#: Key -> (label on the file, programme, category). Also the order in which the files are imported.
PROGRAMMES = {
    "urban": ("城市低保", "dibao", "urban"),
    "rural": ("农村低保", "dibao", "rural"),
    "wubao": ("农村五保", "tekun", "rural"),
}


@dataclass(slots=True)
class Plant:
    """One planted oddity: what, where, and the verdict an importer must give.

    Attributes:
        kind: Name of the oddity.
        column: Field it sits in.
        verdict: Of the row: new, quarantine, error, duplicate, double, name_conflict.
        code: Code of the note or fault that must be reported with the row.
    """

    kind: str
    column: str
    verdict: str
    code: str


@dataclass(slots=True)
class MemberRecord:
    """One row. ``raw`` overrides the text or number written for a field."""

    person_no: int
    name: str
    id_no: str
    sex: str
    birth: date
    relation: str
    phone: str
    health: str
    disability: str
    labour: str
    remark: str = ""
    raw: dict[str, Any] = field(default_factory=dict)
    plants: list[Plant] = field(default_factory=list)


@dataclass(slots=True)
class FamilyRecord:
    """One family of the roster; ``raw`` overrides household fields. ``extra``: not in the truth at all."""

    household_no: int
    card_no: str
    village: Village
    persons: int
    income_fen: int
    amount_fen: int
    bank: str
    account: str
    start: Month
    form: str
    self_care: str
    grade: str
    members: list[MemberRecord]
    raw: dict[str, Any] = field(default_factory=dict)
    plants: list[Plant] = field(default_factory=list)
    extra: bool = False


@dataclass(slots=True)
class Roster:
    """What one county sends for one programme."""

    county: County
    key: str
    families: list[FamilyRecord]

    @property
    def name(self) -> str:
        """东宝区城市低保花名册."""
        return f"{self.county.name}{PROGRAMMES[self.key][0]}花名册"


def rosters(lines: list[Line], month: Month, counties: tuple[County, ...]) -> list[Roster]:
    """All rosters of a month, by county and programme; families in order of village."""
    found: dict[tuple[str, str], list[FamilyRecord]] = {}
    for line in lines:
        if line.month == month.no:
            home = line.household
            key = "wubao" if home.programme == "tekun" else home.category
            found.setdefault((home.county.code, key), []).append(_family(line, month))
    out = []
    for county in counties:
        for key in PROGRAMMES:
            families = sorted(found[county.code, key], key=lambda f: (f.village.code, f.card_no))
            out.append(Roster(county, key, families))
    return out


def departed(lines: list[Line], counted: Month, month: Month, counties: tuple[County, ...]) -> list[Roster]:
    """Families that were paid up to ``counted`` at some time and had left before ``month``, as in their last month."""
    last: dict[int, Line] = {}
    paid: set[int] = set()
    for line in lines:
        if line.month <= counted.no:
            paid.add(line.household.no)
        if line.month < month.no:
            last[line.household.no] = line
    found: dict[tuple[str, str], list[FamilyRecord]] = {}
    for no, line in last.items():
        home = line.household
        if no in paid and home.until is not None and home.until <= month.no:
            key = "wubao" if home.programme == "tekun" else home.category
            found.setdefault((home.county.code, key), []).append(_family(line, Month.from_no(line.month)))
    order = {county.code: county for county in counties}
    return [
        Roster(order[code], key, sorted(families, key=lambda f: (f.village.code, f.card_no)))
        for (code, key), families in sorted(found.items())
    ]


def _family(line: Line, month: Month) -> FamilyRecord:
    home = line.household
    members = [
        MemberRecord(
            p.no, p.name, p.id_no, "男" if p.male else "女", p.birth, p.relation_in(month.no), p.phone, p.health,
            p.disability, p.labour,
        )
        for p in home.present(month.no)
    ]  # fmt: skip
    share = line.amount_fen / line.persons
    grade = "" if home.programme == "tekun" else "A" if share > 45000 else "B" if share > 25000 else "C"
    return FamilyRecord(
        home.no, home.card_no, home.place(month.no), line.persons, line.income_fen, line.amount_fen, home.bank,
        home.account, Month.from_no(home.start), home.form, home.self_care, grade, members,
    )  # fmt: skip
