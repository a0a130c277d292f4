"""Profiles: what a source's columns are called and in which units it writes. YAML under ``sources/``.

A profile may ``extends`` another: columns, values and totals are merged, everything else is replaced. A new office's
layout is a new synonym, not code.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tuodi.exchange.errors import ProfileError

__all__ = ["Column", "Profile", "layout_labels", "load_profile", "profile_names", "squeeze"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "rosters"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One field of ours and the headers it goes by.

    Attributes:
        label: What errors and the screen call it.
        headers: Accepted headers, without spaces, brackets or unit.
        level: ``person`` or ``household`` (written once a family, repeated or left blank below).
        required: The header must be there.
        kind: How the cell is read.
    """

    label: str
    headers: tuple[str, ...] = ()
    level: Literal["person", "household"] = "person"
    required: bool = False
    kind: Literal["text", "id", "name", "money", "month", "day", "count", "account"] = "text"


class Profile(_Strict):
    """One layout of roster.

    Attributes:
        place: Significant prefix of the place whose offices use it.
        programme, category: What every row is for; empty = a column says so.
        unit: Unit of amounts where neither header nor title names one.
        search_rows: How many lines from the top may stand above the header.
        values: Field -> written value -> ours.
        totals: Words that make a row a sum.
    """

    name: str
    label: str
    place: str = ""
    programme: str = ""
    category: str = ""
    unit: Literal["yuan", "wan"] = "yuan"
    search_rows: int = Field(25, ge=1, le=200)
    columns: dict[str, Column]
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    totals: tuple[str, ...] = ("小计", "合计", "总计", "累计")

    def header_index(self) -> dict[str, str]:
        """Squeezed header -> field. ProfileError if two fields claim one header."""
        index: dict[str, str] = {}
        for field, column in self.columns.items():
            for header in column.headers:
                other = index.setdefault(squeeze(header), field)
                if other != field:
                    raise ProfileError(self.name, f"列名“{header}”同时属于 {other} 和 {field}")
        return index


_UNIT = re.compile(r"\((?:单位[::]?)?(?:万?元|人)(?:/[年月季])?\)$")
_NOISE = re.compile(r"[\s()\[\]【】<>《》、/*:;,。.\-_]+")


def squeeze(header: str) -> str:
    """A header as it is compared: NFKC, without unit in brackets, spaces, brackets and punctuation."""
    return _NOISE.sub("", _UNIT.sub("", unicodedata.normalize("NFKC", header).strip().replace("\n", "")))


def profile_names(folder: Path = SOURCES) -> dict[str, str]:
    """Name -> label of all profiles a user may choose (those with a place or programme), by name."""
    found = {path.stem: load_profile(path.stem, folder) for path in sorted(folder.glob("*.yaml"))}
    return {name: profile.label for name, profile in found.items() if profile.place}


def layout_labels(folder: Path) -> dict[str, str]:
    """Name -> label of all layouts of a folder."""
    return {path.stem: load_profile(path.stem, folder).label for path in sorted(folder.glob("*.yaml"))}


@cache
def load_profile(name: str, folder: Path = SOURCES) -> Profile:
    """Read one profile with what it extends.

    Raises:
        ProfileError: Absent, not YAML, unknown keys, or a header claimed twice.
    """
    try:
        profile = Profile.model_validate(_merged(name, folder, ()))
    except ValidationError as error:
        first = error.errors()[0]
        raise ProfileError(name, f"{'.'.join(map(str, first['loc']))} 有误：{first['msg']}") from error
    profile.header_index()
    return profile


def _merged(name: str, folder: Path, above: tuple[str, ...]) -> dict[str, Any]:
    path = folder / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or not path.is_file():
        known = "、".join(p.stem for p in sorted(folder.glob("*.yaml")))
        raise ProfileError(name, f"没有这个模板；现有：{known}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ProfileError(name, f"不是合法的 YAML：{error}") from error
    if not isinstance(data, dict):
        raise ProfileError(name, "内容应为键值表")
    base = data.pop("extends", None)
    data["name"] = name
    if base is None:
        return data
    if base in above or base == name:
        raise ProfileError(name, "extends 互相引用")
    parent = _merged(base, folder, (*above, name))
    columns = {**parent.get("columns", {})}
    for field, column in (data.pop("columns", None) or {}).items():
        columns[field] = {**columns.get(field, {}), **column}
    values = {**parent.get("values", {})}
    for field, table in (data.pop("values", None) or {}).items():
        values[field] = {**values.get(field, {}), **table}
    return {**parent, **data, "columns": columns, "values": values}
