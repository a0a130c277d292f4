"""What an online application asks, as data: YAML under `sources/apply/`, chosen by place and day; answers checked against it.

A site's own folders (`TUODI_APPLY`, separated by colons) overlay the shipped one by form, place and first day.
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
from tuodi.intake.online_errors import ApplyFormError
from tuodi.kernel.identity import InvalidIdError, normalise, parse_id
from tuodi.kernel.money import format_yuan, parse_yuan
from tuodi.kernel.names import normalise_name

__all__ = ["ApplyForm", "Page", "Question", "check_page", "form_for", "form_of", "reload", "shown"]

_SHIPPED = Path(__file__).resolve().parents[2] / "sources" / "apply"
TRUTH = {"yes": "有", "no": "没有"}
_MONEY = re.compile(r"\d{1,9}(\.\d{1,2})?\Z")
_PHONE = re.compile(r"(1[3-9]\d{9}|0\d{9,11})\Z")
Kind = Literal["choice", "choices", "text", "name", "identity", "money", "phone", "yes_no", "photos", "village"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Strict):
    """One kind of thing the applicant enters.

    Attributes:
        options: Value -> label. hints: Value -> a line below it. alone: The option that excludes the others.
        when: Asked only where another question of the page has one of these answers.
        optional_if: With this answer of that question it may stay empty.
        fact: Household fact a sum of money is; questions of one fact are added up. times: 12 for a sum a month of a fact a year.
        unasked: What counts where `when` keeps the question from being asked; empty = unknown.
        facts: Option -> facts its choice states, about the family or, on a page asked of each member, about him. An option
            that was not chosen states nothing.
        found_in: Option -> kinds of register in which one who has not chosen it should not be found.
        use: Where an answer that is no fact goes; empty = to the officer, who has to look into it.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    label: str
    kind: Kind
    options: dict[str, str] = Field(default_factory=dict)
    hints: dict[str, str] = Field(default_factory=dict)
    alone: str = ""
    hint: str = ""
    unit: str = ""
    most: int = Field(60, ge=1, le=500)
    required: bool = True
    when: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    optional_if: str = ""
    fact: str = Field("", pattern=r"^([a-z][a-z0-9_]*)?$")
    times: int = Field(1, ge=1, le=12)
    unasked: str = Field("", pattern=r"^(\d{1,9}(\.\d{1,2})?)?$")
    facts: dict[str, dict[str, bool | str]] = Field(default_factory=dict)
    found_in: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    use: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Question:
        if self.fact and self.kind != "money":
            raise ValueError(f"“{self.label}”不是金额，不能写 fact，请用 facts 按选项写")
        known = self.options or (TRUTH if self.kind == "yes_no" else {})
        strange = (set(self.facts) | set(self.found_in)) - set(known)
        if strange:
            raise ValueError(f"“{self.label}”没有选项“{min(strange)}”")
        if self.kind in ("choice", "choices", "photos") and not self.options:
            raise ValueError(f"“{self.label}”要选，没有写 options")
        if self.alone and self.alone not in self.options:
            raise ValueError(f"“{self.label}”的 alone“{self.alone}”不在选项里")
        return self

    def applies(self, answers: Mapping[str, Any]) -> bool:
        """Whether it is asked, as the page was answered."""
        return all(answers.get(name) in wanted for name, wanted in self.when.items())


class Page(_Strict):
    """One screen: a question, and what follows from its answer.

    Attributes:
        ask, hint, why: What people read. who: For oneself, for others, or both.
        per: `member` = asked for each member. each: On a screen of its own for each.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    ask: str
    hint: str = ""
    why: str
    who: Literal["both", "self", "other"] = Field("both", alias="for")
    per: Literal["", "member"] = ""
    each: bool = False
    fields: tuple[Question, ...] = Field(min_length=1)


class Most(_Strict):
    """How many kinds of question the applicant may be asked, and by whose word."""

    n: int = Field(ge=1)
    clause: str
    quote: str = ""


class ApplyForm(_Strict):
    """One form as it was on a day in a place.

    Attributes:
        most: The load refuses a form with more kinds of question.
        keep_days: How long a draft nobody touches is kept.
    """

    form: str
    label: str
    place: str = "cn"
    since: date = Field(alias="from")
    clause: str
    most: Most
    keep_days: int = Field(ge=1, le=365)
    pages: tuple[Page, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _counts(self) -> ApplyForm:
        names = [one.id for one in self.questions()]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"问题“{min(twice)}”写了两次")
        if len(names) > self.most.n:
            raise ValueError(f"有 {len(names)} 种问题，最多 {self.most.n} 种（{self.most.clause}）")
        known = set(names)
        for one in self.questions():
            if set(one.when) - known:
                raise ValueError(f"“{one.label}”的 when 指向不存在的问题")
        return self

    def questions(self) -> Iterator[Question]:
        """Every kind of question once, in order; one asked of each member is one kind."""
        for page in self.pages:
            yield from page.fields

    def page(self, name: str) -> Page:
        """A page by its id. Raises KeyError."""
        for page in self.pages:
            if page.id == name:
                return page
        raise KeyError(name)

    def question(self, name: str) -> Question:
        """A question by its id. Raises KeyError."""
        for one in self.questions():
            if one.id == name:
                return one
        raise KeyError(name)

    @property
    def key(self) -> str:
        """`apply/cn/2012-12-12`."""
        return f"{self.form}/{self.place}/{self.since}"

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _folders() -> tuple[Path, ...]:
    more = [Path(entry) for entry in os.environ.get("TUODI_APPLY", "").split(os.pathsep) if entry]
    return (_SHIPPED, *more)


@lru_cache(maxsize=4)
def _loaded(folders: tuple[Path, ...]) -> dict[str, ApplyForm]:
    found: dict[str, ApplyForm] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            form = read_form(path)
            found[form.key] = form
    return found


def read_form(path: Path) -> ApplyForm:
    """One file. Raises ApplyFormError naming file and place."""
    return form_files.read_form(path, ApplyForm, ApplyFormError)


def reload() -> None:
    """Forgets the loaded forms; files are read again."""
    _loaded.cache_clear()


def form_for(region: str, on: date) -> ApplyForm:
    """The form of a place on a day: the nearest place wins, in it the latest that has begun.

    Raises:
        ApplyFormError: None is in force, or a file cannot be used.
    """
    found = form_files.nearest(_loaded(_folders()).values(), region, on)
    if found is None:
        raise ApplyFormError("apply", f"没有 {on} 起可用的申请表")
    return found


def form_of(key: str, region: str, on: date) -> ApplyForm:
    """The form a draft began with; where the site no longer has it, the one of today."""
    return _loaded(_folders()).get(key) or form_for(region, on)


def check_page(page: Page, raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Answers of one page in their stored form, and every fault with the question it belongs to.

    Args:
        raw: Question -> text, or a list for several choices. Photographs are not among them.
    """
    clean: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for one in page.fields:
        if one.kind == "photos" or not one.applies(raw):
            continue
        value = raw.get(one.id)
        if value is None or value == "" or value == []:
            free = not one.required or (one.optional_if and one.optional_if in [raw.get(name) for name in one.when])
            if not free:
                verb = "没有选" if one.kind in ("choice", "choices", "yes_no") else "没有填"
                faults.append((one.id, f"“{one.label.rstrip('？')}”{verb}"))
            continue
        try:
            clean[one.id] = _plain(one, value)
        except ValueError as error:
            faults.append((one.id, f"“{one.label.rstrip('？')}”{error}"))
    return clean, faults


def _plain(one: Question, raw: Any) -> Any:
    if one.kind == "choices":
        values = [raw] if isinstance(raw, str) else raw
        if not isinstance(values, Sequence) or not all(value in one.options for value in values):
            raise ValueError("的选项不在表里，请重选")
        if one.alone in values and len(set(values)) > 1:
            raise ValueError(f"选了“{one.options[one.alone]}”，就不要再选别的")
        return [name for name in one.options if name in values]
    text = str(raw).replace("\x00", "").strip()
    if one.kind == "choice" or one.kind == "yes_no":
        if text not in (one.options or TRUTH):
            raise ValueError("的选项不在表里，请重选")
        return text
    if one.kind == "identity":
        return _number(text)
    if one.kind == "name":
        name = normalise_name(text)
        if not 1 < len(name) <= one.most:
            raise ValueError("请写全名")
        return name
    plain = text.replace(",", "").replace("，", "").replace(" ", "")
    if one.kind == "money":
        if not _MONEY.match(plain):
            raise ValueError("请只写数字，最多两位小数，没有就写 0")
        return format_yuan(parse_yuan(plain), sep=False)
    if one.kind == "phone":
        plain = plain.replace("-", "")
        if not _PHONE.match(plain):
            raise ValueError("请写 11 位手机号，或带区号的座机号")
        return plain
    if one.kind == "village":
        if not (text.isascii() and text.isdigit() and len(text) == 12):
            raise ValueError("请从列表里选")
        return text
    if len(text) > one.most:
        raise ValueError(f"有 {len(text)} 个字，最多 {one.most} 个")
    return text


def _number(text: str) -> str:
    try:
        found = parse_id(normalise(text).text)
    except InvalidIdError as error:
        raise ValueError("不对，请照身份证再核对一遍") from error
    if not found.check_ok:
        raise ValueError("最后一位对不上，请照身份证再核对一遍")
    return found.text18


def shown(one: Question, value: Any) -> str:
    """An answer as people read it; 「—」 where there is none."""
    if value is None or value in ("", []):
        return "—"
    if one.kind == "choices":
        return "、".join(one.options.get(item, str(item)) for item in value)
    if one.kind == "choice":
        return one.options.get(value, str(value))
    if one.kind == "yes_no":
        return TRUTH.get(value, str(value))
    if one.kind == "money":
        return f"{Decimal(value):,.2f} {one.unit}"
    return str(value)
