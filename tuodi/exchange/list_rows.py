"""Reading a list a department or hospital sends, row by row: each row is good, or refused by itself with all its reasons."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypeVar

from tuodi.exchange import sheets
from tuodi.exchange.bank import table_suffix
from tuodi.exchange.cells import BadCellError, as_day, as_fen, as_month, as_text
from tuodi.exchange.names import clean_name
from tuodi.exchange.payment_rows import RowFault, content_of
from tuodi.exchange.profiles import Profile, squeeze
from tuodi.kernel.identity import InvalidIdError, normalise, parse_id
from tuodi.kernel.periods import Month

__all__ = ["ListFile", "ListRow", "rows_of"]

Person = TypeVar("Person")


@dataclass
class ListFile(Generic[Person]):
    """What a file of people holds: every row with content is in `people` or has its faults."""

    rows: int = 0
    people: list[Person] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


def rows_of(data: bytes, profile: Profile) -> Iterator[ListRow]:
    """The rows with content below the header; sums at the end are passed over.

    Raises:
        FileRefusedError: unreadable, or without the columns. SheetChoiceError: several sheets.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{table_suffix(data)}"
        path.write_bytes(data)
        book = sheets.open_book(path)
        for no, cells in content_of(book.rows(book.choose()), profile):
            yield ListRow(no, cells, profile)


class ListRow:
    """One row: what is asked of it is read, and what cannot be read is put down in `faults`."""

    def __init__(self, no: int, cells: Mapping[str, Any], profile: Profile) -> None:
        self.no, self.cells, self.profile = no, cells, profile
        self.faults: list[RowFault] = []

    def fault(self, name: str, reason: str, remedy: str = "请改正后重新报送这一行") -> None:
        """Puts down what is wrong with a field."""
        self.faults.append(RowFault(self.no, self.profile.columns[name].label, reason, remedy))

    def text(self, name: str, longest: int) -> str:
        """A text that must be there."""
        found = as_text(self.cells.get(name))
        if not found:
            self.fault(name, "没有填写")
        elif len(found) > longest:
            self.fault(name, f"超过 {longest} 个字符")
        return found

    def person(self) -> str:
        """The cleaned name."""
        name = clean_name(self.text("name", 60))
        if name.text and not name.ok:
            self.fault("name", "不像姓名")
        return name.text

    def number(self) -> str:
        """The identity number, 18 characters; a wrong check digit is refused, for nobody looks at each row here."""
        try:
            found = parse_id(normalise(self.cells.get("id_number")).text)
        except InvalidIdError as error:
            self.fault("id_number", str(error))
            return ""
        if not found.check_ok:
            self.fault("id_number", "校验码不对", "请核对证件后重新报送这一行")
        return found.text18

    def day(self, name: str) -> date | None:
        """A day that must be there."""
        try:
            found = as_day(self.cells.get(name))
        except BadCellError as error:
            self.fault(name, str(error))
            return None
        if found is None:
            self.fault(name, "没有填写")
        return found

    def month(self, name: str, *, needed: bool = True) -> Month | None:
        """A month; None for an empty cell that may be empty."""
        try:
            found = as_month(self.cells.get(name))
        except BadCellError as error:
            self.fault(name, str(error))
            return None
        if found is None and needed:
            self.fault(name, "没有填写")
        return found

    def fen(self, name: str, *, needed: bool = True) -> int:
        """An amount of 0 or more; an empty cell that may be empty is 0."""
        try:
            found = as_fen(self.cells.get(name))
        except BadCellError as error:
            self.fault(name, str(error))
            return 0
        if found is None and needed:
            self.fault(name, "没有填写", "没有这一项的请填 0")
        elif found is not None and found < 0:
            self.fault(name, "小于 0", "退费请撤回原单据，不要报负数")
        return found or 0

    def word(self, name: str, *, needed: bool = True) -> str:
        """Our code of a written word of the profile's list; empty for an empty cell that may be empty."""
        written = as_text(self.cells.get(name))
        table = {squeeze(one): ours for one, ours in self.profile.values.get(name, {}).items()}
        if not written:
            if needed:
                self.fault(name, "没有填写")
            return ""
        if squeeze(written) not in table:
            self.fault(name, f"“{written[:20]}”不认识，可写 {'、'.join(self.profile.values.get(name, {}))}")
        return table.get(squeeze(written), "")
