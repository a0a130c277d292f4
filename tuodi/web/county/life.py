"""What the lists and pages of dynamic management share: cells, tabs, filters by town, batches with a result a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.places import PlaceError, national_tree, trim
from tuodi.monitoring.periodic import LineResult
from tuodi.people.enums import Programme
from tuodi.people.models import Household
from tuodi.web.components import navigation, places, posting
from tuodi.web.components.words import Look

#: A batch takes no more rows at once.
MOST = 500


@dataclass(frozen=True)
class Cell:
    """One cell of a list: text, a mark, or both; `css` as the tables have it (n, num, ids, wrap-any)."""

    label: str
    text: Any = ""
    note: str = ""
    look: Look | None = None
    css: str = ""
    href: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a list. `pk` None = it cannot be picked."""

    title: str
    href: str
    cells: Sequence[Cell]
    note: str = ""
    pk: int | None = None
    ids: bool = False


@dataclass(frozen=True)
class Deed:
    """One thing the reader may do on a page: a form, or a sentence why not."""

    do: str
    title: str
    button: str
    form: forms.Form | None = None
    help: str = ""
    primary: bool = False
    danger: bool = False


@dataclass
class Part:
    """One panel of a page: pairs of label and value, a table, or steps."""

    title: str
    pairs: Sequence[tuple[str, Any]] = ()
    second: str = ""
    heads: Sequence[str] = ()
    rows: Sequence[Row] = field(default_factory=tuple)
    text: str = ""
    empty: str = ""

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Each head, and whether its cells are amounts, over which it stands at the right."""
        cells = self.rows[0].cells if self.rows else ()
        return [(head, 0 < at <= len(cells) and cells[at - 1].css == "n") for at, head in enumerate(self.heads)]


class DayInput(forms.DateInput):
    """A native day picker."""

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"type": "date"})


def day_field(label: str, **more: Any) -> forms.DateField:
    """A day, with a Chinese remedy."""
    return forms.DateField(
        label=label, widget=DayInput(),
        error_messages={"invalid": "不是日期，请按 2017-09-04 的样子填写。", "required": f"请填写{label}。"}, **more,
    )  # fmt: skip


def text_field(label: str, *, longest: int = 500, rows: int = 0, needed: bool = True, **more: Any) -> forms.CharField:
    """A text; `rows` makes it several lines."""
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    return forms.CharField(
        label=label, max_length=longest, required=needed, widget=widget, error_messages={"required": f"请填写{label}。"},
        **more,
    )  # fmt: skip


class YuanField(forms.CharField):
    """An amount in yuan, as fen; empty = None."""

    def __init__(self, *, label: str, required: bool = False, help_text: str = "") -> None:
        super().__init__(label=label, required=required, max_length=20, help_text=help_text)

    def clean(self, value: Any) -> int | None:
        """Fen, or None."""
        typed = str(super().clean(value) or "").replace(",", "").replace("，", "").strip()
        if not typed:
            return None
        try:
            return parse_yuan(typed)
        except TuodiError as error:
            raise forms.ValidationError(f"“{typed}”不是金额，请按元填写，例如 7200.00") from error


class ReasonForm(forms.Form):
    """Written reasons."""

    reasons = text_field("书面理由", rows=3, longest=1000, help_text="会原样写进告知书")


def yes_form(label: str, *, rows: int = 2, longest: int = 500, help_text: str = "") -> type[forms.Form]:
    """A form of one text named `text`."""
    return type("TextForm", (forms.Form,), {"text": text_field(label, rows=rows, longest=longest, help_text=help_text)})


def towns(request: HttpRequest) -> list[tuple[str, str]]:
    """Places right below the reader's office, to filter by; none where it has no towns below it."""
    code = trim(request.user.office.place_code)  # type: ignore[union-attr]
    if code == "cn" or len(code) > 6:
        return []
    try:
        tree = national_tree()
        return [(trim(one), tree.name(one)) for one in tree.children(code)]
    except PlaceError:
        return []


def town_of(request: HttpRequest, known: Sequence[tuple[str, str]]) -> str:
    """The town in the address, if it is one of the reader's."""
    wanted = request.GET.get("town", "")
    return wanted if wanted in dict(known) else ""


def select(name: str, label: str, options: Sequence[tuple[str, str]], value: str) -> dict[str, Any]:
    """A filter of a list."""
    return {"name": name, "label": label, "options": options, "value": value}


def tabs(
    request: HttpRequest, shows: Mapping[str, str], counts: Mapping[str, int], current: str, bad: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Tabs that keep the other filters."""
    found = []
    for code, label in shows.items():
        query = request.GET.copy()
        query["show"] = code
        for gone in ("page",):
            query.pop(gone, None)
        n = counts.get(code)
        css = "bad" if code in bad and n else ""
        found.append({"label": label, "n": n, "href": f"?{query.urlencode()}", "current": code == current, "css": css})
    return found


def show_of(request: HttpRequest, shows: Mapping[str, str], default: str) -> str:
    """The tab in the address."""
    wanted = request.GET.get("show", default)
    return wanted if wanted in shows else default


def days_look(due: date, today: date, *, done: bool = False) -> Look:
    """How far a last day is, in words."""
    if done:
        return Look("已办结", "ok", "check")
    left = (due - today).days
    if left < 0:
        return Look(f"逾期 {-left} 天", "bad", "clock")
    return Look("今天到期", "warn", "clock") if left == 0 else Look(f"还有 {left} 天", "warn" if left <= 7 else "")


def family_cell(request: HttpRequest, household: Household) -> str:
    """Where the family's page is, for who may read it."""
    return reverse("web:family", args=[household.pk]) if navigation.may_read(request) else ""


def who(household: Household, person: Any = None) -> str:
    """How a list names a unit."""
    return f"{person.name}（{household.head.name}家庭）" if person is not None else f"{household.head.name}家庭"


def programme(code: str) -> str:
    """The label of a programme."""
    return dict(Programme.choices).get(code, code)


def scope_names(request: HttpRequest) -> list[str]:
    """The reader's place from the province down."""
    return places.names(request.user.office.place_code)  # type: ignore[union-attr]


def picked(request: HttpRequest) -> list[int]:
    """The rows ticked in a batch."""
    keys = (key for key in request.POST.getlist("row") if key.isascii() and key.isdigit() and len(key) < 19)
    return [int(key) for key in keys]


def batch(
    request: HttpRequest,
    *,
    label: str,
    back: str,
    title: str,
    do: Callable[[list[int]], Sequence[LineResult]],
    names: Callable[[Sequence[int]], Mapping[int, tuple[str, str]]],
) -> HttpResponse:
    """Does one thing with the ticked rows and says what became of each.

    Args:
        names: row ids -> (name, address), for rows in the reader's range.
    """
    chosen = picked(request)
    if not chosen:
        posting.refuse(request, "没有选中任何一行。请先勾选，再选择操作。")
        return posting.back(back)
    if len(chosen) > MOST:
        posting.refuse(request, f"一次最多办理 {MOST} 行，现在选了 {len(chosen):,} 行。请缩小范围。")
        return posting.back(back)
    try:
        lines = list(do(chosen))
    except TuodiError as error:
        posting.refuse(request, str(error))
        return posting.back(back)
    known = names(chosen)
    shown = [
        {"name": known.get(one.pk, ("—", ""))[0], "href": known.get(one.pk, ("", ""))[1], "why": one.why}
        for one in lines
    ]
    refused = sum(bool(one.why) for one in lines)
    context = {
        "label": label, "back": back, "title": title, "lines": shown, "done": len(lines) - refused, "refused": refused,
    }  # fmt: skip
    return render(request, "county/life_batch.html", context)


def answer(
    request: HttpRequest, deeds: Mapping[str, Callable[[], Any]], *, back: str, done: str = "已办理。"
) -> HttpResponse:
    """Runs the deed a POST names and goes back to the page."""
    deed = deeds.get(posting.text(request, "do", 20))
    if deed is None:
        posting.refuse(request, "这个操作现在不能办理，请刷新后再看。")
    else:
        posting.attempt(request, deed, done)
    return posting.back(back)
