"""Price linkage: indices as published, whether they trigger, by when they must be paid, and what was paid for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.db.models import Count, QuerySet
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock, small_cells
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import trim
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.payments import actions, price_reminders
from tuodi.payments.models import PriceIndex, PriceShare
from tuodi.payments.prices import Round, round_of
from tuodi.people.enums import Programme
from tuodi.web.components import law, navigation, pages, places, posting
from tuodi.web.components.doors import PAYMENT
from tuodi.web.components.form_parts import MonthField, PlaceOrOwn
from tuodi.web.standards import price_decisions


class IndexForm(PlaceOrOwn, forms.Form):
    """The figures of one month."""

    month = MonthField(label="指数月份", help_text="例如 2019-05")
    cpi = forms.CharField(label="居民消费价格同比（%）", max_length=8, help_text="同比涨幅，如 2.7")
    food = forms.CharField(label="食品价格同比（%）", max_length=8, required=False)
    grain = forms.CharField(label="粮食价格同比（%）", max_length=8, required=False, help_text="2016 年 7 月以前用")
    source = forms.CharField(label="出处", max_length=200, help_text="例如：国家统计局云南调查总队 6 月 12 日公报")
    published_on = forms.DateField(label="公布日", widget=forms.DateInput(attrs={"type": "date"}))
    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    hypothetical = forms.BooleanField(label="假设的指数", required=False)


def listing(request: HttpRequest) -> HttpResponse:
    """Indices that count for the reader's place, newest month first; who makes standards enters them."""
    place = trim(request.user.office.place_code)  # type: ignore[union-attr]
    form = None
    if DutyCode.STANDARDS in navigation.held_duties(request):
        form = IndexForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                actions.enter_index(
                    acting_user=request.user, place=given["place"] or place, month=given["month"], cpi=given["cpi"], food=given["food"],
                    grain=given["grain"], source=given["source"], published_on=given["published_on"], hypothetical=given["hypothetical"],
                )  # fmt: skip
            except TuodiError as error:
                form.add_error(None, str(error))
            else:
                posting.succeed(request, f"{given['month']} 的指数已登记；触发的，下一期发放自动计入补贴。")
                return posting.back(request.path)
    chain = [place, *(place[:size] for size in (9, 6, 4, 2) if size < len(place)), "cn"]
    newest: dict[tuple[int, str], PriceIndex] = {}
    for row in PriceIndex.objects.filter(place__in=chain).order_by("id"):
        newest[row.month, row.place] = row
    kept: dict[int, PriceIndex] = {}
    for (month, _), row in newest.items():
        if month not in kept or chain.index(row.place) < chain.index(kept[month].place):
            kept[month] = row
    months = sorted(kept, reverse=True)
    page = pages.page_of(request, lambda start, stop: months[start:stop])
    book = law.book()
    paid = _paid(page.items, named=navigation.may_read(request))
    items = [_line(round_of(kept[month], place, book, kept), paid) for month in page.items]
    return render(
        request, "standards/prices.html",
        {
            "page": pages.Page(items, page.number, None, page.previous, page.next), "form": form, "place_names": places.names(place),
            "overdue": [one for one in items if one["overdue"]], "near": _near(items), "may_list": not PAYMENT.isdisjoint(navigation.held_duties(request)),
        },
    )  # fmt: skip


def _near(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reminders within the reader's scope, but for what the page calls overdue already."""
    told = {one["index"].month for one in items if one["overdue"]}
    return [
        {"month": row.index_month, "due": row.due_on, "place": places.name(row.place)}
        for row in price_reminders.waiting()[:20]
        if row.index_month not in told
    ]


def _groups(months: Sequence[int]) -> QuerySet[PriceShare, dict[str, Any]]:
    """Heads by index month, county, group, amount and way of payment, within the reader's scope."""
    return (
        PriceShare.objects.filter(index_month__in=months, live=True)
        .annotate(county=Substr("region", 1, 6))
        .values("index_month", "county", "group", "amount_fen", "in_line")
        .annotate(heads=Count("id"))
        .order_by("index_month", "county", "group", "amount_fen", "in_line")
    )


def _paid(months: Sequence[int], *, named: bool) -> dict[int, tuple[int | None, int | None]]:
    """Index month -> heads and fen, within the reader's scope; None where the reader may not see it.

    Args:
        named: Whether he has a right to the names behind the numbers.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    for row in _groups(months):
        found.setdefault(row["index_month"], []).append(row)
    return {month: _sums(rows, named=named) for month, rows in found.items()}


def _sums(rows: Sequence[Mapping[str, Any]], *, named: bool) -> tuple[int | None, int | None]:
    """Heads and fen of some groups. With the amount of each head known, a sum of money would give back the heads left out."""
    may = small_cells.shown([row["heads"] for row in rows])
    heads = sum(row["heads"] for row in rows) if named or may.total else None
    return heads, sum(row["heads"] * row["amount_fen"] for row in rows) if named or may.whole else None


def shielded(lines: Sequence[dict[str, Any]]) -> None:
    """Takes from the lines of a round what would point at a person; what is left out says so (`left_out`)."""
    may = small_cells.shown([row["heads"] for row in lines])
    for row, few, held in zip(lines, may.few, may.held, strict=True):
        if few or held:
            row |= {"heads": None, "sum": None, "left_out": f"少于 {small_cells.FEWEST}" if few else "略"}


def _line(found: Round, paid: Mapping[int, tuple[int | None, int | None]]) -> dict[str, Any]:
    index = found.index
    heads, fen = paid.get(index.month, (0, 0))
    today: date = clock.today()
    done = heads != 0
    word, css = (
        ("未知", "unknown") if found.triggered is None else ("启动", "warn") if found.triggered else ("不启动", "")
    )
    return {
        "index": index, "round": found, "word": word, "css": css, "heads": heads, "fen": fen,
        "overdue": bool(found.triggered and not done and found.due and found.due < today), "waiting": bool(found.triggered and not done),
        "href": reverse("web:price-round", args=[index.pk]), "place": places.name(index.place),
    }  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One round: the test of its month, the groups, and heads × amount by county and group."""
    place = trim(request.user.office.place_code)  # type: ignore[union-attr]
    index = PriceIndex.objects.filter(pk=pk).first()
    if index is None or not (place.startswith(index.place) or index.place in ("cn",) or index.place.startswith(place)):
        raise NotFoundError("价格指数")
    book = law.book()
    found = round_of(index, place if len(place) > len(index.place) else index.place, book)
    labels = {**dict(Programme.choices), **book.enums["price_group"].values}
    may_take = DutyCode.PAY_PREPARE in navigation.held_duties(request)
    named = navigation.may_read(request)
    paid = _paid([index.month], named=named)
    heads, total = paid.get(index.month, (0, 0))
    lines = [
        {
            "place": places.name(row["county"]), "group": labels.get(row["group"], row["group"]), "fen": row["amount_fen"], "heads": row["heads"],
            "sum": row["heads"] * row["amount_fen"], "in_line": row["in_line"],
            "href": "" if row["in_line"] or not may_take else reverse("web:price-hand-over", args=[index.pk, row["group"]]) + f"?place={row['county']}",
        }
        for row in _groups([index.month])
    ]  # fmt: skip
    if not named:
        shielded(lines)
    pays = not PAYMENT.isdisjoint(navigation.held_duties(request))
    context = {
        "corrections": price_decisions.sections(request, index, labels, compare="compare" in request.GET) if pays and named else [], "compared": "compare" in request.GET,
        "line": _line(found, paid), "covered": [book.enums["price_group"].values[one] for one in found.covered], "lines": lines,
        "heads": heads, "total": total, "shielded": any("left_out" in row for row in lines),
    }  # fmt: skip
    return render(request, "standards/price.html", context)
