"""Profiles of live sources: what a department's columns are in our words, and which facts of a family they speak about.

YAML under ``sources/live/``, one file a kind of register. A column that a profile does not know is left out and counted;
a value that cannot be read stays as it is written, with a fault. Whatever looks like an identity number is masked here,
before anything is stored: a certificate of disability is a number with two digits behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tuodi.exchange.cells import as_day, as_fen
from tuodi.exchange.errors import ProfileError
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.masking import mask_id
from tuodi.kernel.money import format_yuan
from tuodi.kernel.names import normalise_name

__all__ = ["Column", "Feed", "LiveProfile", "LiveRow", "live_kinds", "load_live_profile", "read_rows"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "live"
_NUMBER = re.compile(r"(?<!\d)(\d{17}[\dXx]|\d{15})(\d{0,4})(?!\d)")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column of ours and the names departments give it.

    Attributes:
        values: Written value -> ours; a written value that is not there stays as text, with a fault.
        labels: Ours -> what a reader sees; by default the written value.
    """

    label: str
    headers: tuple[str, ...]
    kind: Literal["text", "date", "money", "number", "name"] = "text"
    unit: Literal["yuan", "wan"] = "yuan"
    values: dict[str, str] = Field(default_factory=dict)

    def shown(self, value: Any) -> str:
        """The value for a reader."""
        if value is None:
            return ""
        if self.kind == "money":
            return f"{format_yuan(value)} 元"
        written = {ours: theirs for theirs, ours in reversed(self.values.items())}
        return written.get(str(value), str(value))


class Feed(_Strict):
    """One statement of a register about a fact of the person.

    Attributes:
        fact: A fact of the member that the value becomes; empty for an income.
        income: Kind of income (`income_kind`) that the amount is one of.
        column: Where the value is; empty = `value` holds for every active row.
        times: Months that an amount stands for in a year.
    """

    fact: str = ""
    income: str = ""
    column: str = ""
    value: bool | str | None = None
    times: int = 1
    label: str

    @model_validator(mode="after")
    def _one_of_each(self) -> Feed:
        if bool(self.fact) == bool(self.income) or bool(self.column) == (self.value is not None):
            raise ValueError("fact 与 income 须有且只有一个，column 与 value 须有且只有一个")
        return self


class LiveProfile(_Strict):
    """One kind of register, asked live.

    Attributes:
        active: Column -> values with which a row still holds; with another known value it is history, shown and not fed.
        show: The row in a sentence, `{column}` for values.
        feeds: What it says about facts.
        asks: Facts of the household that an officer must find anew while the answer is missing, or where it has found
            more than `usual_rows` rows that nobody declared.
        names_member: A column with a name that should be one of the family.
        financial: Asked only of who consented to that.
        supporters: Asked of supporters outside the family too.
    """

    name: str
    label: str
    columns: dict[str, Column]
    active: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    show: str
    feeds: tuple[Feed, ...] = ()
    asks: tuple[str, ...] = ()
    usual_rows: int = 0
    names_member: str = ""
    financial: bool = False
    supporters: bool = True

    @model_validator(mode="after")
    def _known_columns(self) -> LiveProfile:
        used = {*re.findall(r"\{(\w+)\}", self.show), *self.active, *(feed.column for feed in self.feeds)}
        unknown = {*used, self.names_member} - {*self.columns, ""}
        if unknown:
            raise ValueError(f"没有这些列：{'、'.join(sorted(unknown))}")
        return self


@dataclass(frozen=True)
class LiveRow:
    """One row in our columns. Money in fen, days ISO text; null = empty there.

    Attributes:
        active: Still holds by the register's own status.
        text: The row for a reader.
        faults: (column label, what is wrong).
        unknown: How many written columns the profile does not know.
    """

    values: Mapping[str, Any] = field(repr=False)
    active: bool
    text: str = field(repr=False)
    faults: tuple[tuple[str, str], ...] = ()
    unknown: int = 0


def live_kinds(folder: Path = SOURCES) -> dict[str, str]:
    """Kind -> label of every profile there is."""
    return {path.stem: load_live_profile(path.stem, folder).label for path in sorted(folder.glob("*.yaml"))}


@cache
def load_live_profile(kind: str, folder: Path = SOURCES) -> LiveProfile:
    """The profile of a kind of register.

    Raises:
        ProfileError: Absent, not YAML, unknown keys, or a column used and not declared.
    """
    path = folder / f"{kind}.yaml"
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", kind) or not path.is_file():
        known = "、".join(one.stem for one in sorted(folder.glob("*.yaml")))
        raise ProfileError(kind, f"没有这个实时来源模板；现有：{known}")
    try:
        return LiveProfile.model_validate({**yaml.safe_load(path.read_text(encoding="utf-8")), "name": kind})
    except (yaml.YAMLError, TypeError) as error:
        raise ProfileError(kind, f"不是合法的 YAML：{error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ProfileError(kind, f"{'.'.join(map(str, first['loc']))} 有误：{first['msg']}") from error


def read_rows(profile: LiveProfile, rows: Sequence[Mapping[str, str]]) -> list[LiveRow]:
    """Rows of one answer in our columns, numbers masked."""
    heads = {header: name for name, column in profile.columns.items() for header in column.headers}
    known = {*heads, *_SUBJECT}
    return [_row(profile, heads, row, sum(1 for head in row if head not in known)) for row in rows]


_SUBJECT = ("身份证号", "姓名", "证件号码", "id_no", "name")


def _row(profile: LiveProfile, heads: Mapping[str, str], row: Mapping[str, str], unknown: int) -> LiveRow:
    values: dict[str, Any] = dict.fromkeys(profile.columns)
    faults: list[tuple[str, str]] = []
    for header, written in row.items():
        name = heads.get(header)
        if name is None or not written.strip():
            continue
        column = profile.columns[name]
        try:
            values[name] = _value(column, written.strip())
        except (TuodiError, ValueError):
            values[name] = None
            faults.append((column.label, f"“{mask_numbers(written)[:40]}”不能识别"))
    # A status that is empty or unknown ends nothing: the row counts as it stands, with its fault.
    active = all(values[name] is None or values[name] in wanted for name, wanted in profile.active.items())
    shown = {name: column.shown(values[name]) or "—" for name, column in profile.columns.items()}
    return LiveRow(values, active, profile.show.format_map(shown), tuple(faults), unknown)


def _value(column: Column, written: str) -> Any:
    if column.kind == "money":
        return as_fen(written, wan=column.unit == "wan")
    if column.kind == "date":
        day = as_day(written)
        return day.isoformat() if day else None
    if column.kind == "number":
        return str(int(written)) if re.fullmatch(r"-?\d+", written) else str(float(written))
    if column.kind == "name":
        return normalise_name(written)
    if column.values:
        if written not in column.values:
            raise ValueError(written)
        return column.values[written]
    return mask_numbers(written)


def mask_numbers(text: str) -> str:
    """A text with everything that looks like an identity number masked, also inside a longer number."""
    return _NUMBER.sub(lambda found: mask_id(found[1]) + found[2], text)
