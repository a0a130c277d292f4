"""The forms of home visits as data: YAML under `sources/forms/`, chosen by place and day; answers checked against them.

A site's own folders (`TUODI_FORMS`, separated by colons) overlay the shipped one by form, place and first day.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tuodi.exchange import form_files
from tuodi.kernel.money import format_yuan, parse_yuan
from tuodi.kernel.workdays import Unit
from tuodi.verification.visit_errors import FormFileError

__all__ = ["Form", "Item", "check_answers", "form_for", "reload", "shown"]

_SHIPPED = Path(__file__).resolve().parents[2] / "sources" / "forms"
_TEXT_LIMIT = 500
Kind = Literal["choice", "choices", "text", "number", "money", "yes_no", "compare"]
TRUTH = {"yes": "是", "no": "否"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """One question.

    Attributes:
        id: Key of the answer. label, hint: What people read. unit: Behind the field.
        kind: How it is answered; `compare` asks whether what was seen agrees with what is on record.
        options: Value -> label, for choices.
        fact: `household.<name>`: where the answer goes in the fact set, and what a comparison stands on.
        of: What a comparison without a fact stands on: `members`, or `register.<kind>`.
        seen: Kind of what was seen, where it differs.
        when: Asked only where this yes/no item is yes.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    label: str
    kind: Kind
    required: bool = False
    hint: str = ""
    unit: str = ""
    options: dict[str, str] = Field(default_factory=dict)
    fact: str = Field("", pattern=r"^(household\.[a-z][a-z0-9_]*)?$")
    of: str = Field("", pattern=r"^(members|register\.[a-z_]+)?$")
    seen: Literal["text", "number", "money", "yes_no"] = "text"
    when: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Item:
        if self.kind in ("choice", "choices") and not self.options:
            raise ValueError(f"“{self.label}”是选择题，没有写 options")
        if self.kind == "compare" and not (self.fact or self.of):
            raise ValueError(f"“{self.label}”是比对项，没有写 fact 或 of（与什么比）")
        return self


class Section(_Strict):
    """One part of the form."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    label: str
    items: tuple[Item, ...] = Field(min_length=1)


class Term(_Strict):
    """The time for a visit that no step of a procedure sets a day for."""

    n: int = Field(ge=1, le=365)
    unit: Unit
    clause: str


class Form(_Strict):
    """One form as it was on a day in a place. `key` names it in records; `hash` is over its whole content.

    Attributes:
        people: Fewest investigators ([57] art 16(1), [220] art 19) where no procedure says more.
        limit: Time for a task outside a case's steps.
    """

    form: str
    label: str
    place: str = "cn"
    since: date = Field(alias="from")
    clause: str
    people: int = Field(ge=1, le=9)
    limit: Term
    sections: tuple[Section, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> Form:
        ids = [item.id for item in self.items()]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"题目“{name}”写了两次")
        for item in self.items():
            if item.when and item.when not in {one.id for one in self.items() if one.kind == "yes_no"}:
                raise ValueError(f"“{item.label}”的 when“{item.when}”不是本表的是否题")
        return self

    def items(self) -> Iterator[Item]:
        """All questions in order."""
        for section in self.sections:
            yield from section.items

    @property
    def key(self) -> str:
        """`home_visit/cn/2012-12-12`."""
        return f"{self.form}/{self.place}/{self.since}"

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _folders() -> tuple[Path, ...]:
    more = [Path(entry) for entry in os.environ.get("TUODI_FORMS", "").split(os.pathsep) if entry]
    return (_SHIPPED, *more)


@lru_cache(maxsize=4)
def _loaded(folders: tuple[Path, ...]) -> tuple[Form, ...]:
    found: dict[str, Form] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            form = form_files.read_form(path, Form, FormFileError)
            found[form.key] = form
    return tuple(found.values())


def reload() -> None:
    """Forgets the loaded forms; files are read again."""
    _loaded.cache_clear()


def form_for(region: str, on: date, name: str = "home_visit") -> Form:
    """The form of a place on a day: the nearest place wins, in it the latest that has begun.

    Raises:
        FormFileError: None is in force, or a file cannot be used.
    """
    found = form_files.nearest((form for form in _loaded(_folders()) if form.form == name), region, on)
    if found is None:
        raise FormFileError(name, f"没有 {on} 起可用的表单")
    return found


_NUMBER = re.compile(r"\d{1,9}(\.\d{1,2})?\Z")


def check_answers(
    form: Form, answers: Mapping[str, Any], *, basis: Mapping[str, Any], partial: bool = False
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Answers in their stored form, and every fault with the item it belongs to.

    Args:
        basis: Item -> what it is compared with; an item without one cannot be `agree`.
        partial: The family refused: nothing is required, what was answered is still checked.
    """
    clean: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    known = {item.id: item for item in form.items()}
    for name in answers:
        if name not in known:
            faults.append((str(name)[:40], "表单里没有这一项，请刷新页面后重填"))
    for item in form.items():
        if item.when and answers.get(item.when) != "yes":
            continue
        raw = answers.get(item.id)
        if raw is None or raw == "" or raw == [] or raw == {}:
            if item.required and not partial:
                faults.append((item.id, f"“{item.label}”没有填写"))
            continue
        try:
            value = _compared(item, raw, basis) if item.kind == "compare" else _plain(item, item.kind, raw)
        except ValueError as error:
            faults.append((item.id, f"“{item.label}”{error}"))
            continue
        if value is not None:
            clean[item.id] = value
        elif item.required and not partial:
            faults.append((item.id, f"“{item.label}”没有填写"))
    return clean, faults


def _compared(item: Item, raw: Any, basis: Mapping[str, Any]) -> dict[str, Any] | None:
    if not isinstance(raw, Mapping):
        raise ValueError("应选“一致”或“不符”")
    fit, seen = raw.get("fit") or "", raw.get("seen")
    note = str(raw.get("note") or "").replace("\x00", "").strip()[:_TEXT_LIMIT]
    if not basis.get(item.id) and fit != "agree":
        # Nothing on record to compare with: what was seen stands by itself.
        return {"fit": "seen", "seen": _plain(item, item.seen, seen), "note": note} if seen not in (None, "") else None
    if fit == "":
        if seen not in (None, ""):
            raise ValueError("填了看到的情况，没有选“一致”或“不符”")
        return None
    if fit not in ("agree", "differ"):
        raise ValueError("应选“一致”或“不符”")
    if fit == "agree":
        if not basis.get(item.id):
            raise ValueError("没有申报或核对结果可比，请填看到的情况")
        return {"fit": "agree", "seen": None, "note": note}
    if seen in (None, ""):
        raise ValueError("选了“不符”，请填看到的情况")
    return {"fit": "differ", "seen": _plain(item, item.seen, seen), "note": note}


def _plain(item: Item, kind: str, raw: Any) -> Any:
    if kind == "choices":
        values = [raw] if isinstance(raw, str) else raw
        if not isinstance(values, Sequence) or not all(value in item.options for value in values):
            raise ValueError("的选项不在表单里")
        return [name for name in item.options if name in values]
    text = str(raw).replace("\x00", "").strip()
    if kind == "choice":
        if text not in item.options:
            raise ValueError("的选项不在表单里")
        return text
    if kind == "yes_no":
        if text not in TRUTH:
            raise ValueError("应答“是”或“否”")
        return text
    if kind in ("number", "money"):
        plain = text.replace(",", "").replace("，", "")
        if not _NUMBER.match(plain):
            raise ValueError("应是不小于 0、最多两位小数的数")
        return format_yuan(parse_yuan(plain), sep=False) if kind == "money" else _trimmed(plain)
    if len(text) > _TEXT_LIMIT:
        raise ValueError(f"有 {len(text)} 个字，最多 {_TEXT_LIMIT} 个")
    return text or None


def _trimmed(text: str) -> str:
    number = Decimal(text)
    return str(number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize())


def shown(item: Item, value: Any, *, kind: str | None = None) -> str:
    """An answer as people read it; 「—」 where there is none."""
    if value is None or value == "" or value == []:
        return "—"
    if isinstance(value, Mapping):
        if value.get("fit") == "agree":
            return "一致"
        if value.get("fit") == "seen":
            return shown(item, value.get("seen"), kind=item.seen)
        return f"不符：{shown(item, value.get('seen'), kind=item.seen)}"
    kind = kind or item.kind
    if kind == "choices":
        return "、".join(item.options.get(one, str(one)) for one in value)
    if kind == "choice":
        return item.options.get(value, str(value))
    if kind == "yes_no":
        return TRUTH.get(str(value), str(value))
    return f"{value} {item.unit}".strip() if kind in ("number", "money") else str(value)
