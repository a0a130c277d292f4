"""A roster file as rows of ours: one row a person, its family shared, every oddity noted with a remedy.

    opened = open_roster(path, load_profile("jingmen-urban"))
    for row in opened.rows(): row.household, row.faults, …
    opened.skipped                 counted: totals, blank, headers, notes

Nothing here knows the database: whether a person is new or changed is told in ``intake``.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from tuodi.exchange import faults as told
from tuodi.exchange.cells import BadCellError, as_count, as_day, as_fen, as_month, as_text
from tuodi.exchange.errors import HeaderNotFoundError
from tuodi.exchange.faults import Fault
from tuodi.exchange.names import clean_name
from tuodi.exchange.profiles import Profile, squeeze
from tuodi.exchange.sheets import Book, Cell, RawRow, open_book
from tuodi.kernel.identity import IdNumber, InvalidIdError, normalise, parse_id
from tuodi.kernel.luhn import luhn_ok
from tuodi.kernel.masking import mask_account
from tuodi.kernel.periods import Month

__all__ = ["Fault", "OpenedRoster", "RosterHousehold", "RosterPerson", "open_roster"]


@dataclass(slots=True)
class RosterHousehold:
    """One family of the file. Money in fen; None = not written.

    Attributes:
        key: What holds its rows together: the card number, else head, town and village.
        first_row: Row number of its first member.
        raw: The household cells as written in that first row, to see whether later rows differ.
    """

    key: str
    first_row: int
    county: str = ""
    town: str = ""
    village: str = ""
    card_no: str = ""
    head_name: str = ""
    programme: str = ""
    category: str = ""
    persons: int | None = None
    income_month_fen: int | None = None
    income_year_fen: int | None = None
    amount_fen: int | None = None
    grade: str = ""
    bank: str = ""
    bank_code: str = ""
    account: str = ""
    holder: str = ""
    start: Month | None = None
    form: str = ""
    self_care: str = ""
    raw: tuple[Cell, ...] = ()


@dataclass(slots=True)
class RosterPerson:
    """One row of the file.

    Attributes:
        no: Row number from 1, as the spreadsheet shows it.
        id: The number, read; None if it cannot be used.
        id_text: The number as cleaned; ``id_raw`` as written.
        faults: Everything odd; ``level`` says how bad.
    """

    no: int
    household: RosterHousehold
    name: str = ""
    id: IdNumber | None = None
    id_text: str = ""
    id_raw: str = ""
    sex: str = ""
    birth: date | None = None
    relation: str = ""
    phone: str = ""
    health: str = ""
    disability: int | None = None
    labour: str = ""
    hukou: str = ""
    remark: str = ""
    faults: list[Fault] = field(default_factory=list)

    def worst(self) -> Literal["", "note", "warning", "error", "quarantine"]:
        """The gravest level among the faults."""
        return max((f.level for f in self.faults), key=_GRAVE.index, default="")


_GRAVE = ("", "note", "warning", "error", "quarantine")


#: No family gets a hundred thousand yuan a month; such a cell is in another unit than its header says.
_MOST = 10_000_000


@dataclass(slots=True)
class _Columns:
    """Where each field stands in the sheet."""

    row: int
    at: dict[str, int]
    wan: frozenset[str]
    header: tuple[Cell, ...]
    ignored: tuple[str, ...]


class OpenedRoster:
    """A roster whose header has been found.

    Attributes:
        title: Text above the header, as far as the office and month are told there.
        header_row: Row number of the header.
        columns: Fields found, by label of their header.
        ignored: Headers nobody asked for.
        skipped: After ``rows``: how many lines were totals, blank, repeated headers or notes.
    """

    def __init__(self, book: Book, sheet: str, profile: Profile) -> None:
        self.book = book
        self.sheet = sheet
        self.profile = profile
        self.skipped: Counter[str] = Counter()
        top: list[RawRow] = []
        for row in book.rows(sheet):
            top.append(row)
            if len(top) >= profile.search_rows:
                break
        self._columns = _find_header(top, profile)
        above = [as_text(c) for row in top if row.no < self._columns.row for c in row.cells if c is not None]
        self.title = " ".join(dict.fromkeys(above))
        if "单位" in self.title and "万元" in self.title and not self._columns.wan:
            money = {name for name, column in profile.columns.items() if column.kind == "money"}
            self._columns.wan = frozenset(money)
        self.header_row = self._columns.row
        self.ignored = self._columns.ignored
        self.columns = {name: as_text(self._columns.header[at]) for name, at in self._columns.at.items()}

    def rows(self) -> Iterator[RosterPerson]:
        """Persons in file order. Rows of a family that follow each other share one household object."""
        reader = _Reader(self.profile, self._columns)
        household_at = reader.household_cells
        last: RosterHousehold | None = None
        #: Key -> (first row, amount and account as written): small, because there may be a million families.
        known: dict[str, tuple[int, int]] = {}
        for raw in self.book.rows(self.sheet):
            if raw.no <= self._columns.row:
                continue
            kind = self._sort(raw)
            if kind:
                self.skipped[kind] += 1
                if kind in ("totals", "headers"):
                    last = None
                continue
            cells = tuple(raw.cells[at] if at < len(raw.cells) else None for at in household_at)
            person = RosterPerson(raw.no, last) if last is not None and _continues(cells, last) else None
            if person is None:
                household = reader.household(raw, cells)
                mark = reader.mark(cells)
                seen = known.setdefault(household.key, (raw.no, mark))
                household.first_row = seen[0]
                person = RosterPerson(raw.no, household)
                if seen[0] == raw.no:
                    person.faults.extend(reader.take_faults())
                elif seen[1] != mark:
                    person.faults.append(told.household_differs(seen[0]))
                last = household
            reader.person(raw, person)
            yield person

    def _sort(self, raw: RawRow) -> str:
        """Why a line is no person: ``blank``, ``totals``, ``headers``, ``notes``; empty if it is one."""
        filled = [c for c in raw.cells if c is not None and (not isinstance(c, str) or c.strip())]
        if not filled:
            return "blank"
        columns = self._columns
        at = columns.at
        name = raw.cells[at["name"]] if at["name"] < len(raw.cells) else None
        number = raw.cells[at["id_no"]] if at["id_no"] < len(raw.cells) else None
        if number == columns.header[at["id_no"]] and name == columns.header[at["name"]]:
            return "headers"
        if number is not None and as_text(number):
            return ""
        texts = [_words(c) for c in filled[:4] if isinstance(c, str)]
        if any(
            word.endswith(self.profile.totals) or word.rstrip(":：").endswith(self.profile.totals) for word in texts
        ):
            return "totals"
        if name is None or not as_text(name):
            # Signatures and remarks under a table fill one or two cells; a person's row fills many.
            return "notes" if len(filled) <= 2 else ""
        return ""


def _words(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell).split())


def open_roster(path: Path, profile: Profile, sheet: str | None = None) -> OpenedRoster:
    """Open a file with a profile.

    Raises:
        FileRefusedError: It cannot be read.
        SheetChoiceError: Several sheets.
        HeaderNotFoundError: Required columns are missing, or two columns claim one field.
    """
    book = open_book(path)
    return OpenedRoster(book, book.choose(sheet), profile)


def _find_header(top: list[RawRow], profile: Profile) -> _Columns:
    index = profile.header_index()
    best: tuple[int, RawRow, dict[str, int], list[str]] | None = None
    for row in top:
        at: dict[str, int] = {}
        ignored = []
        for place, cell in enumerate(row.cells):
            if not isinstance(cell, str) or not cell.strip():
                continue
            name = index.get(squeeze(cell))
            if name is None or name in at:
                ignored.append(cell.strip())
            else:
                at[name] = place
        if best is None or len(at) > best[0]:
            best = (len(at), row, at, ignored)
    required = {name: column.label for name, column in profile.columns.items() if column.required}
    if best is None or best[0] < 2:
        raise HeaderNotFoundError(list(required.values()), None, [], len(top))
    _, row, at, ignored = best
    missing = [label for name, label in required.items() if name not in at]
    if missing:
        raise HeaderNotFoundError(missing, row.no, [as_text(c) for c in row.cells if c is not None], len(top))
    wan = frozenset(
        name
        for name, place in at.items()
        if profile.columns[name].kind == "money" and ("万元" in str(row.cells[place]) or profile.unit == "wan")
    )
    return _Columns(row.no, at, wan, row.cells, tuple(ignored))


def _continues(cells: tuple[Cell, ...], last: RosterHousehold) -> bool:
    """The row belongs to the family above: the same household cells, or none of them filled (unmerged layouts)."""
    return cells == last.raw or all(cell is None or cell == "" for cell in cells)


class _Reader:
    """Turns cells into fields; keeps the last household's faults until its first row takes them."""

    def __init__(self, profile: Profile, columns: _Columns) -> None:
        self.profile = profile
        self.at = columns.at
        self.wan = columns.wan
        self.household_fields = tuple(name for name in columns.at if profile.columns[name].level == "household")
        self.household_cells = tuple(columns.at[name] for name in self.household_fields)
        self._faults: list[Fault] = []

    def mark(self, cells: tuple[Cell, ...]) -> int:
        """What must be the same on every row of a family: amount and account, as far as they are written."""
        told_of = dict(zip(self.household_fields, cells, strict=True))
        return hash((as_text(told_of.get("amount")), as_text(told_of.get("account"))))

    def take_faults(self) -> list[Fault]:
        taken, self._faults = self._faults, []
        return taken

    def _value(self, name: str, text: str) -> str | None:
        return self.profile.values.get(name, {}).get(_words(text))

    def household(self, raw: RawRow, cells: tuple[Cell, ...]) -> RosterHousehold:
        self._faults = []
        got = dict(zip(self.household_fields, cells, strict=True))
        text = {name: as_text(cell) for name, cell in got.items()}
        town, village = _words(text.get("town", "")), _words(text.get("village", ""))
        card = normalise(text.get("card_no", "")).text
        head = clean_name(text.get("head_name", "")).text
        label = text.get("programme", "")
        programme, category = self.profile.programme, self.profile.category
        if label and not programme:
            programme, _, category = (self._value("programme", label) or "").partition("-")
        county = _words(text.get("county", ""))
        # A county's cards are numbered without the programme in mind, so the key names both.
        stem = card or f"{head}/{normalise(text.get('head_id', '')).text}/{town}/{village}"
        key = f"{county}/{programme}-{category}/{stem}" if stem.strip("/") else f"row {raw.no}"
        home = RosterHousehold(
            key, raw.no, county, town, village, card, head, programme, category, grade=self._code("grade", text),
            bank=text.get("bank", ""), bank_code=self._value("bank", text.get("bank", "")) or "",
            holder=clean_name(text.get("holder", "")).text, form=self._code("form", text),
            self_care=self._code("self_care", text), raw=cells,
        )  # fmt: skip
        if not programme:
            self._faults.append(told.unknown_programme(label))
        home.persons = self._read("persons", got, as_count)
        self._money(home, got, text)
        home.start = self._read("start", got, as_month)
        self._account(home, got.get("account"))
        return home

    def _code(self, name: str, text: dict[str, str]) -> str:
        written = text.get(name, "")
        if not written:
            return ""
        value = self._value(name, written)
        if value is None:
            self._faults.append(told.unknown_value(name, self.profile.columns[name].label, written))
        return value or ""

    def _read(self, name: str, got: dict[str, Cell], read: Any) -> Any:
        try:
            return read(got.get(name))
        except BadCellError as error:
            self._faults.append(
                told.bad_cell(name, self.profile.columns[name].label, as_text(got.get(name)), str(error))
            )
            return None

    def _money(self, home: RosterHousehold, got: dict[str, Cell], text: dict[str, str]) -> None:
        for name in ("income_month", "income_year", "income"):
            if name not in got:
                continue
            fen = self._read(name, got, lambda cell, name=name: as_fen(cell, wan=name in self.wan))
            if fen is not None and fen < 0:
                self._faults.append(told.bad_cell(name, self.profile.columns[name].label, text[name], "不能是负数"))
                continue
            period = (
                name.removeprefix("income_")
                if name != "income"
                else self._value("income_period", text.get("income_period", ""))
            )
            if name == "income" and period is None:
                period = "year" if home.category == "rural" else "month"
            if period == "year":
                home.income_year_fen = fen
            else:
                home.income_month_fen = fen
        before = len(self._faults)
        fen = self._read("amount", got, lambda cell: as_fen(cell, wan="amount" in self.wan))
        if len(self._faults) > before:
            return
        if fen is None or not 0 <= fen <= _MOST:
            why = "没有填写" if fen is None else "不能是负数" if fen < 0 else "超过十万元，请核对单位是元还是万元"
            self._faults.append(told.bad_cell("amount", self.profile.columns["amount"].label, text["amount"], why))
        else:
            home.amount_fen = fen

    def _account(self, home: RosterHousehold, cell: Cell) -> None:
        cleaned = normalise(cell if isinstance(cell, str | int | float) else None)
        number = cleaned.text.replace("-", "")
        if not number:
            self._faults.append(told.account_missing())
        elif not number.isdigit() or not 8 <= len(number) <= 30 or (isinstance(cell, float | int) and len(number) > 15):
            self._faults.append(told.account_damaged(number))
        else:
            home.account = number
            # Cards of 16 to 19 digits carry a check digit; passbooks (8…, 60…) do not.
            if 16 <= len(number) <= 19 and number[0] in "3456" and not number.startswith("60") and not luhn_ok(number):
                self._faults.append(told.account_luhn(mask_account(number)))

    def person(self, raw: RawRow, person: RosterPerson) -> None:
        cells = {
            name: raw.cells[at] if at < len(raw.cells) else None
            for name, at in self.at.items()
            if name not in self.household_fields
        }
        self._name(person, as_text(cells["name"]))
        self._id(person, cells["id_no"])
        sex = as_text(cells.get("sex"))
        person.sex = self._value("sex", sex) or ""
        try:
            person.birth = as_day(cells.get("birth"))
        except BadCellError:
            # Offices also write a month only; the number says the day.
            person.faults.append(told.birth_unread(as_text(cells.get("birth"))))
        if person.id is not None:
            true_sex = "M" if person.id.sex == "男" else "F"
            if person.sex and person.sex != true_sex:
                person.faults.append(told.sex_differs(sex))
            person.sex = true_sex
            if person.birth and person.birth != person.id.birth:
                person.faults.append(told.birth_differs(person.birth.isoformat()))
            person.birth = person.id.birth
        relation = as_text(cells.get("relation"))
        code = self._value("relation", relation)
        if code is None and relation:
            person.faults.append(told.relation_unknown(relation))
        person.relation = code or "unstated"
        person.phone = normalise(as_text(cells.get("phone"))).text
        person.health = as_text(cells.get("health"))
        person.labour = as_text(cells.get("labour"))
        person.hukou = as_text(cells.get("hukou"))
        person.remark = as_text(cells.get("remark"))
        if "死亡" in person.remark or "去世" in person.remark:
            person.faults.append(told.maybe_dead(person.remark))
        grade = self._value("disability", as_text(cells.get("disability")))
        person.disability = int(grade) if grade else None

    def _name(self, person: RosterPerson, written: str) -> None:
        cleaned = clean_name(written)
        person.name = cleaned.text
        person.faults.extend(told.name_changed(change) for change in cleaned.changes)
        if not cleaned.ok:
            person.faults.append(told.bad_name(written))

    def _id(self, person: RosterPerson, cell: Cell) -> None:
        value = cell if isinstance(cell, str | int | float) and not isinstance(cell, bool) else as_text(cell)
        cleaned = normalise(value)
        person.id_text = cleaned.text
        person.id_raw = as_text(cell)
        try:
            number = parse_id(cleaned.text)
        except InvalidIdError as error:
            person.faults.append(told.bad_id(error))
            return
        person.faults.extend(told.id_changed(change) for change in cleaned.changes)
        if not number.check_ok:
            person.faults.append(told.id_check(number.text18))
            return
        person.faults.extend(told.id_warning(warning) for warning in number.warnings)
        person.id = number
