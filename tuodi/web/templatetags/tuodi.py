"""Filters for amounts, dates and masks, and tags for icons, clauses, states and forms.

A missing value is always 「—」, never 0; amounts carry thousands commas, two decimals and a true minus.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from html import escape as _html
from pathlib import Path
from typing import Any

from django import forms, template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.web.assets import VENDOR
from tuodi.web.components import law, navigation, words
from tuodi.web.components import places as place_names

register = template.Library()

DASH = "—"
MINUS = "−"


def escape(value: Any) -> str:
    """As `{{ value }}` escapes it: what is marked safe stays, all else is text."""
    return str(value) if isinstance(value, SafeString) else _html(str(value))


@register.filter
def cited(text: str | None) -> str:
    """Reasons of a decision with their clauses as people cite them."""
    return law.cited(text or "")


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as yuan: 123450 -> 1,234.50; None -> —."""
    return DASH if fen is None or fen == "" else format_yuan(int(fen), minus=MINUS)


@register.filter
def yuan_signed(fen: int | None) -> str:
    """Fen as a change in yuan: +75.00, −40.00, 0.00."""
    if fen is None or fen == "":
        return DASH
    return ("+" if int(fen) > 0 else "") + format_yuan(int(fen), minus=MINUS)


@register.filter
def count(number: int | None) -> str:
    """A count with thousands commas."""
    return DASH if number is None or number == "" else f"{int(number):,}".replace("-", MINUS)


@register.filter
def count_signed(number: int | None) -> str:
    """A change of a count: +31, −34, 0."""
    if number is None or number == "":
        return DASH
    return ("+" if int(number) > 0 else "") + count(number)


@register.filter
def dash(value: Any) -> Any:
    """The value, or 「—」 where there is none. Zero and False stay."""
    return DASH if value is None or value == "" else value


@register.filter
def day(value: date | None) -> str:
    """2017-04-01; None -> —."""
    return value.strftime("%Y-%m-%d") if value else DASH


@register.filter
def day_time(value: datetime | None) -> str:
    """06-01 08:00 in local time with its year in front; None -> —."""
    if not value:
        return DASH
    return (localtime(value) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M")


@register.filter
def month(value: Any) -> str:
    """Any form of a month (Month, date, 201704, running number, text) as 2017-04."""
    found = as_month(value)
    return str(found) if found else DASH


@register.filter
def month_words(value: Any) -> str:
    """2017 年 4 月."""
    found = as_month(value)
    return f"{found.year} 年 {found.month} 月" if found else DASH


def as_month(value: Any) -> Month | None:
    """Read a month from whatever a room stores it as; None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, Month):
        return value
    if isinstance(value, date):
        return Month.of(value)
    if isinstance(value, int):
        return Month.parse(str(value)) if value > 100_000 else Month.from_no(value)
    return Month.parse(str(value)[:7])


@register.filter
def figures(value: Any) -> str:
    """A number given as text ("825.00", "2400") with commas and a true minus; other text unchanged."""
    return words.figures(value)


@register.filter
def percent(part: int | None, whole: int | None) -> int:
    """part of whole in whole percent for the width of a bar; 0 where nothing is known."""
    if not part or not whole:
        return 0
    return max(0, min(100, int(part) * 100 // int(whole)))


@register.filter
def place(code: str | None) -> str:
    """The name of a place or region code."""
    return place_names.name(code) if code else DASH


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """mapping[key], None where absent."""
    return mapping.get(key) if mapping else None


@register.filter
def as_json(value: Any) -> str:
    """JSON for a data attribute; the template escapes it."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal | date | Month):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


@cache
def _icon_body(name: str) -> str | None:
    path = Path(VENDOR) / "icons" / f"{name}.svg"
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    return text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")].strip()


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, extra: str = "") -> SafeString:
    """An inlined outline icon, hidden from readers' devices; nothing where the assets were not fetched."""
    body = _icon_body(name)
    if body is None:
        return mark_safe("")
    # The body comes from the pinned icon package, not from a user.
    return format_html('<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', extra, mark_safe(body))


@register.simple_tag
def vendor_style() -> SafeString:
    """The link to Tabler's stylesheet, if it was fetched. Our own sheets stand without it."""
    if not _has_vendor_style():
        return mark_safe("")
    return format_html('<link rel="stylesheet" href="{}">', static("vendor/tabler.css"))


@cache  # looked for on the disk once, not for each page; a fetch is followed by a start
def _has_vendor_style() -> bool:
    return finders.find("vendor/tabler.css") is not None or (VENDOR / "tabler.css").is_file()


@register.simple_tag
def vendor_chart() -> SafeString:
    """The chart library and our use of it, if it was fetched. Every chart has its table nearby."""
    if not (VENDOR / "echarts.min.js").is_file():
        return mark_safe("")
    sources = [(static("vendor/echarts.min.js"),), (static("tuodi/js/charts.js"),)]
    return format_html_join("\n", '<script src="{}" defer></script>', sources)


@register.simple_tag
def state_tag(state: str | None, kind: str = "result") -> SafeString:
    """A state as a tag: a word, a colour that means it, an icon where it decides. Unknown is dashed, never red."""
    look = words.state(state, kind)
    return format_html('<span class="mark {}">{}{}</span>', look.css, icon(look.icon) if look.icon else "", look.word)


@register.simple_tag
@lru_cache(maxsize=2048)  # a page shows the same few clauses a hundred times
def clause(text: str | None, local: bool = False, assumed: bool = False, title: str = "") -> SafeString:
    """A clause chip: solid national, teal local, dashed assumed."""
    if not text:
        return mark_safe("")
    css = "assumed" if assumed else "local" if local else ""
    short = words.clause_short(text)
    shown = f"{short} 假设" if assumed and "假设" not in short else short
    return format_html('<span class="clause {}" title="{}">{}</span>', css, title or text, shown)


@register.simple_tag
@lru_cache(maxsize=128)
def source(code: str | None) -> SafeString:
    """Where a fact comes from: 申报, 核对, 入户, 名册."""
    if not code:
        return mark_safe("")
    return format_html('<span class="source {}">{}</span>', code, words.SOURCES.get(code, code))


@register.simple_tag
def explained_rows(rows: Iterable[Any]) -> SafeString:
    """The lines of an explanation (`components.explain.Row`). Written out: a page has a hundred, each of twenty values."""
    return mark_safe("".join(map(_explained_row, rows)))


def _explained_row(row: Any) -> str:
    who = f'<span class="who"> · {escape(row.who)}</span>' if row.who else ""
    label = f"{escape(row.label)}{who}"
    if row.controls:
        fold = "open" if row.open else "closed"
        label = (
            f'<button type="button" class="fold" data-fold="{fold}" aria-expanded="true" '
            f'aria-controls="{escape(row.controls_text)}">{icon("chevron-right")}{label}</button>'
        )
    if row.again:
        calc, chip = f'<td class="calc"><a class="again" href="#{escape(row.again)}">见上</a></td>', ""
    else:
        title = f' title="{escape(row.formula)}"' if row.formula else ""
        calc = f'<td class="calc"{title}>{escape(row.calc)}</td>'
        chip = clause(row.clause, row.local, row.assumed, row.clause_title)
    if row.look:
        value = f'<span class="mark {escape(row.look.css)}">{icon(row.look.icon)}{escape(row.look.word)}</span>'
    else:
        unit = f" <small>{escape(row.unit)}</small>" if row.unit else ""
        value = f"{escape(row.value)}{unit}"
    return (
        f'<tr id="{escape(row.anchor)}" class="{escape(row.css)}" style="--depth:{row.depth:d}">'
        f'<th scope="row">{label} {source(row.source)}</th>{calc}<td class="n">{value}</td>'
        f'<td class="c-chip">{chip}</td></tr>\n'
    )


@register.simple_tag(takes_context=True)
def page_url(context: template.Context, number: int) -> str:
    """The present address with another page number."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return "?" + query.urlencode()


@register.filter
def uncounted(label: str) -> str:
    """An option of a filter without its indent and the count behind it."""
    return str(label).strip("\u3000").partition("\u3000")[0]


@register.simple_tag(takes_context=True)
def without(context: template.Context, *names: str) -> str:
    """The present address without some of its parameters, and from the first page."""
    query = context["request"].GET.copy()
    for name in (*names, "page", "after", "before"):
        query.pop(name, None)
    return f"?{query.urlencode()}"


@register.inclusion_tag("components/field.html")
def field(bound: Any, unit: str = "") -> dict[str, Any]:
    """One form field: label, hint, error with remedy, control."""
    described = [
        f"{bound.id_for_label}-{part}" for part, there in (("hint", bound.help_text), ("error", bound.errors)) if there
    ]
    attrs = {"aria-describedby": " ".join(described)} if described else {}
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {
        "field": bound,
        "control": bound.as_widget(attrs=attrs),
        "unit": unit,
        "kind": _kind_of(bound.field.widget),
        "described": " ".join(described),
    }


def _kind_of(widget: forms.Widget) -> str:
    """`check` for one box, `group` for several, empty for a field with its label above."""
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    return "group" if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple) else ""


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: Any) -> dict[str, Any]:
    """All faults of a form at its top, each linked to its field."""
    return {"form": form, "faulty": [bound for bound in form if bound.errors]}


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: template.Context, page: Any, what: str = "条") -> dict[str, Any]:
    """Previous and next with the position; nothing for a single page."""
    return {"page": page, "what": what, "request": context["request"]}


@register.simple_tag(takes_context=True)
def sidebar(context: template.Context) -> SafeString:
    """The main navigation, cut to the duties of the signed-in user."""
    return _drawn("components/sidebar.html", "groups", tuple(navigation.groups(context.get("request"))))


@register.simple_tag(takes_context=True)
def tabbar(context: template.Context) -> SafeString:
    """Four thumb-reachable entries on a phone."""
    return _drawn("components/tabbar.html", "links", tuple(navigation.tabs(context.get("request"))))


@lru_cache(maxsize=2048)  # drawn once for all readers whose entries, place on the site and counts are the same
def _drawn(template_name: str, name: str, entries: tuple[Any, ...]) -> SafeString:
    return render_to_string(template_name, {name: entries})


@register.inclusion_tag("components/topbar.html", takes_context=True)
def topbar(context: template.Context) -> dict[str, Any]:
    """Place, search box and the signed-in user."""
    request = context.get("request")
    return {
        "request": request,
        "who": navigation.who(request),
        "may_read": navigation.may_read(request),
        "query": context.get("query", ""),
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_tag
def my_idle() -> int:
    """Seconds without a request after which a resident is signed out."""
    return int(settings.RESIDENT_IDLE_SECONDS)


@register.simple_tag
def my_idle_minutes() -> int:
    """The same in whole minutes."""
    return int(settings.RESIDENT_IDLE_SECONDS) // 60
