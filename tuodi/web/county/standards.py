"""Standards and rules in force at a place on a day, each with its clause. Read only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.kernel import clock
from tuodi.kernel.places import PlaceError, trim
from tuodi.policy import Book
from tuodi.policy.model import FOREVER, Param, ParamValue
from tuodi.standards.rules import in_force
from tuodi.web.components import law, places

#: Programmes asked for most, in this order; the others follow by name.
FIRST = ("dibao", "tekun", "edge", "rigid_expense", "temporary", "price")


@dataclass(frozen=True)
class Line:
    """One value in force, or a declared value the sources leave open (`printed` empty)."""

    label: str
    keys: str
    printed: str
    unit: str
    place: str
    start: date | None
    end: date | None
    clause: str
    local: bool
    assumed: bool
    note: str


@dataclass(frozen=True)
class Group:
    """The values of one programme."""

    code: str
    label: str
    lines: list[Line]
    open_count: int


def show(request: HttpRequest) -> HttpResponse:
    """The page; `place`, `on` and `programme` come from the address."""
    problem = ""
    place, on = trim(request.user.office.place_code), clock.today()
    try:
        place = trim(request.GET.get("place", "").strip() or place)
    except PlaceError as error:
        problem = str(error)
    try:
        on = date.fromisoformat(request.GET.get("on", "") or on.isoformat())
    except ValueError:
        problem = f"“{request.GET.get('on')}”不是日期。请写成 2017-04-01。"
    book = law.book()
    groups = list(_groups(book, place, on))
    wanted = request.GET.get("programme", "")
    context = {
        "place": place,
        "place_names": places.names(place),
        "on": on,
        "problem": problem,
        "groups": [group for group in groups if not wanted or group.code == wanted],
        "choices": [(group.code, group.label) for group in groups],
        "wanted": wanted,
        "only_filled": request.GET.get("open") != "1",
        "open_total": sum(group.open_count for group in groups),
        "digest": book.digest[:12],
        "warnings": book.warnings,
        "adopted": adopted_rules(place, on, wanted),
    }
    return render(request, "county/standards.html", context)


def adopted_rules(place: str, on: date, programme: str = "") -> list[dict[str, Any]]:
    """Texts of rules adopted here that hold at a place on a day: document, day, who approved, and what each rule took the place of.

    Args:
        programme: only rules of it; empty = all.
    """
    found = []
    for one in in_force(place, on):
        # A rule is named by its programme: `dibao.deduction`.
        rules = [
            {"rule": rule, "programme": rule.programme}
            for rule in one.rules
            if not programme or rule.name.split(".")[0] == programme
        ]
        if rules:
            found.append(
                {"row": one.adopted, "proposal": one.proposal, "place": places.name(one.adopted.place), "rules": rules}
            )
    return found


def lines_in_force(book: Book, names: Sequence[str], place: str, on: date) -> list[Line]:
    """The values in force of some parameters at a place on a day, in that order; those left open are not among them."""
    chain = book.chain(place)
    return [
        line
        for name in names
        if name in book.params
        for line in _lines(book, book.params[name], chain, on)
        if line.printed
    ]


def _groups(book: Book, place: str, on: date) -> Iterator[Group]:
    chain = book.chain(place)
    by_programme: dict[str, list[Line]] = {}
    for param in book.params.values():
        by_programme.setdefault(param.programme, []).extend(_lines(book, param, chain, on))
    for code, lines in sorted(by_programme.items(), key=lambda item: _rank(item[0])):
        label = book.programmes[code].label if code in book.programmes else code or "公共参数"
        yield Group(code or "common", label, lines, sum(not line.printed for line in lines))


def _rank(programme: str) -> tuple[int, str]:
    return (FIRST.index(programme) if programme in FIRST else len(FIRST), programme)


def _lines(book: Book, param: Param, chain: Any, on: date) -> Iterator[Line]:
    for keys, value in book.table(param.name, chain, on).items():
        words = [_key_word(book, name, key) for name, key in zip(param.by, keys, strict=False)]
        yield _line(book, param, " · ".join(words), value)


def _key_word(book: Book, enum: str, key: str) -> str:
    found = book.enums.get(enum)
    return found.values.get(key, key) if found else key


def _value_words(book: Book, param: Param, value: ParamValue) -> str:
    """The value as the document prints it; codes of closed lists in Chinese."""
    text = value.printed or str(value.value)
    if param.kind == "bool":
        return {"true": "是", "false": "否"}.get(text, text)
    if param.kind in {"enum", "set"}:
        return "、".join(_key_word(book, param.of, part) for part in text.strip("()").split("、") if part) or "无"
    return text


def _line(book: Book, param: Param, keys: str, value: ParamValue | None) -> Line:
    if value is None or value.value is None:
        return Line(
            param.label,
            keys,
            "",
            "" if param.structural else param.unit_text,
            "",
            None,
            None,
            "",
            False,
            False,
            param.note,
        )
    return Line(
        label=param.label,
        keys=keys,
        printed=_value_words(book, param, value),
        unit="" if param.structural else value.unit or param.unit_text,
        place=places.name(value.place),
        start=value.start if value.start.year > 1 else None,
        end=value.end if value.end != FOREVER else None,
        clause=book.clause(value.clause).text if value.clause else "",
        local=value.place != "cn",
        assumed=value.assumed,
        note=value.note,
    )
