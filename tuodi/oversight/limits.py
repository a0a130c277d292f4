"""Limits of complaints, appeals and ratings, as data: `sources/oversight/limits.yaml`, overlaid by a site's own folders."""

from __future__ import annotations

import os
from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tuodi.cases.calendar import Due, due
from tuodi.kernel.places import trim
from tuodi.kernel.workdays import Unit
from tuodi.oversight.errors import LimitFileError
from tuodi.policy.procedure import Limit

__all__ = ["Term", "last_day", "reload", "term"]

_SHIPPED = Path(__file__).resolve().parents[2] / "sources" / "oversight"
NAMES = (
    "appeal_check", "appeal_decide", "appeal_extend", "complaint_answer", "complaint_above", "rating_mend",
)  # fmt: skip


class Term(BaseModel):
    """One limit. `assumed`: no source sets the figure; it stands until a region sets its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    n: int = Field(ge=1, le=1000)
    unit: Unit
    since: date = Field(alias="from")
    clause: str
    roll: bool = False
    assumed: bool = False
    note: str = ""

    @property
    def text(self) -> str:
        """`15 个工作日`, `60 日`."""
        return f"{self.n} 个{self.unit}" if self.unit is Unit.WORKDAY else f"{self.n} {self.unit}"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    place: str
    limits: dict[str, Term]


@lru_cache(maxsize=4)
def _loaded(folders: tuple[Path, ...]) -> tuple[_File, ...]:
    found = []
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            try:
                one = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
            except (yaml.YAMLError, OSError, UnicodeDecodeError, ValidationError) as error:
                raise LimitFileError(path.name, str(error).splitlines()[0]) from error
            strange = [name for name in one.limits if name not in NAMES]
            if strange:
                raise LimitFileError(path.name, f"“{strange[0]}”不认识，可用：{'、'.join(NAMES)}")
            found.append(one)
    return tuple(found)


def reload() -> None:
    """Forgets the loaded limits; files are read again."""
    _loaded.cache_clear()


def term(name: str, region: str, on: date) -> Term:
    """The limit of a place on a day: the nearest place wins.

    Raises:
        LimitFileError: None is in force.
    """
    more = [Path(entry) for entry in os.environ.get("TUODI_OVERSIGHT", "").split(os.pathsep) if entry]
    code = trim(region)
    found = [
        (0 if one.place == "cn" else len(one.place), one.limits[name].since, one.limits[name])
        for one in _loaded((_SHIPPED, *more))
        if name in one.limits and (one.place == "cn" or code.startswith(one.place)) and one.limits[name].since <= on
    ]
    if not found:
        raise LimitFileError(name, f"没有 {on} 起可用的期限")
    return max(found, key=lambda row: row[:2])[2]


def last_day(name: str, region: str, start: date) -> Due:
    """The last day of a limit whose clock starts on a day (not counted); pending where a calendar is missing."""
    found = term(name, region, start)
    return due(Limit(n=found.n, unit=found.unit, clause=found.clause, roll=found.roll), start)
