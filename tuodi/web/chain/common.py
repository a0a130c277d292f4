"""What the pages of the whole chain share: what the address asks for, links that keep it, the way up, who may read names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from tuodi.funds.chain import BY_CODE, Wanted
from tuodi.funds.ledger import programme_label, source_label
from tuodi.funds.models import LedgerEntry, PublicFund
from tuodi.funds.programmes import choices, known
from tuodi.funds.states import Source
from tuodi.kernel import clock, small_cells
from tuodi.kernel.places import NATION, parents, trim
from tuodi.org import access
from tuodi.payments.chain import STAGES as LINE_STAGES
from tuodi.payments.chain import Cell
from tuodi.web.components import navigation, pages, places

__all__ = [
    "FEW",
    "LINE_LABELS",
    "NO_SOURCE",
    "Asked",
    "asked",
    "crumbs",
    "digits_below",
    "fold",
    "names",
    "programme_label",
]

#: In an address: money without a source. An empty value means all.
NO_SOURCE = "-"
#: Fewer families than this are not shown apart to who may not read names.
FEW = small_cells.FEWEST
#: Stages a place below the county has, in words; cash comes beside the runs.
LINE_LABELS = {code: BY_CODE[code].label for code in LINE_STAGES}
_BELOW = {2: 4, 4: 6, 6: 9, 9: 12}
FIRST_YEAR = 1999  #: 城市居民最低生活保障条例


@dataclass(frozen=True)
class Asked:
    """What a page is about. `month` 0 = the whole year; `source` as in the address."""

    place: str
    year: int
    month: int = 0
    programme: str = ""
    source: str = ""

    @property
    def wanted(self) -> Wanted:
        """As the ledger is asked."""
        first = date(self.year, self.month or 1, 1)
        last = date(self.year + 1, 1, 1) if self.month in (0, 12) else date(self.year, self.month + 1, 1)
        source = None if not self.source else "" if self.source == NO_SOURCE else self.source
        return Wanted(self.place, first, date.fromordinal(last.toordinal() - 1), self.programme, source)

    @property
    def period(self) -> str:
        """2017 年, or 2017 年 8 月."""
        return f"{self.year} 年" + (f" {self.month} 月" if self.month else "")

    def href(self, route: str = "web:chain", **more: Any) -> str:
        """A page of the chain that keeps what is asked here but for `more`; empty values are left out."""
        own = {
            "place": self.place,
            "year": self.year,
            "month": self.month,
            "programme": self.programme,
            "source": self.source,
        }
        query = {name: value for name, value in {**own, **more}.items() if value not in ("", 0, None)}
        return f"{reverse(route)}?{urlencode(query)}"


def asked(request: HttpRequest) -> Asked:
    """What the address asks for; what it says wrongly, or of a place outside the reader's range, is as if it said nothing."""
    user: Any = request.user
    own = trim(user.office.place_code)
    place, year = pages.text_of(request, "place", 12), pages.text_of(request, "year", 4)
    month, programme, source = (pages.text_of(request, name, 20) for name in ("month", "programme", "source"))
    fits = place.isascii() and place.isalnum() and len(place) in (2, 4, 6, 9, 12)
    place = place if fits and access.range_of(own).covers(access.range_of(place)) else own
    last = _last_year(place)
    return Asked(
        place=place,
        year=int(year)
        if year.isascii() and year.isdigit() and FIRST_YEAR <= int(year) <= last
        else max(clock.today().year, last - 1),
        month=int(month) if month.isascii() and month.isdigit() and 1 <= int(month) <= 12 else 0,
        programme=programme if programme in known(place) else "",
        source=source if source == NO_SOURCE or source.split(":")[0] in Source.values else "",
    )


def _last_year(place: str) -> int:
    """The last year that can be asked for: the next one, or that of the newest entry where books run ahead of the clock."""
    limits = access.range_of(place[:6])
    rows = LedgerEntry.objects.filter(region__gte=limits.low, region__lt=limits.high)
    newest = rows.order_by("-id").values_list("day", flat=True).first()
    return max(clock.today().year, newest.year if newest else 0) + 1


def filters(found: Asked) -> list[dict[str, Any]]:
    """The choices above a page."""
    last = _last_year(found.place)
    years = range(last, max(FIRST_YEAR, last - 7) - 1, -1)
    sources = [(one.value, str(one.label)) for one in Source if one is not Source.SOCIETY]
    limits = access.range_of(found.place[:6])
    funds = PublicFund.objects.filter(region__gte=limits.low, region__lt=limits.high).order_by("id")[:30]
    return [
        {"name": "year", "label": "年度", "options": [(str(one), f"{one} 年") for one in years], "value": str(found.year), "must": True},
        {"name": "month", "label": "月份", "any": "全年", "options": [(str(one), f"{one} 月") for one in range(1, 13)], "value": str(found.month or "")},
        {"name": "programme", "label": "项目", "options": choices(found.place), "value": found.programme},
        {"name": "source", "label": "资金来源", "value": found.source,
         "options": [*sources, *((one.source, one.name) for one in funds), (NO_SOURCE, "建账前（没有来源）")]},
    ]  # fmt: skip


def crumbs(request: HttpRequest, found: Asked) -> list[dict[str, str]]:
    """The way up to the reader's own place, the place itself last."""
    user: Any = request.user
    own = trim(user.office.place_code)
    floor = 0 if own == NATION else len(own)
    chain = [one for one in reversed(parents(found.place)) if one != NATION and len(one) >= floor]
    return [{"label": places.name(one), "href": found.href(place=one)} for one in chain]


def names(request: HttpRequest) -> bool:
    """Whether the reader may see families' names: oversight and payment may, finance and auditors see masked ones."""
    return navigation.may_read(request)


def digits_below(place: str) -> int:
    """Digits of the places directly below; 0 below a village."""
    return 2 if place == NATION else _BELOW.get(len(place), 0)


def source_words(found: Asked) -> str:
    """The source asked for in words; empty for all."""
    if not found.source:
        return ""
    return "建账前（没有来源）" if found.source == NO_SOURCE else source_label(found.source)


def fold(rows: Mapping[str, Mapping[str, Cell]]) -> tuple[dict[str, dict[str, Cell]], dict[str, Cell] | None, int]:
    """Puts places together until none shows a stage with one or two families: what is left apart, the rest, how many places.

    Totals stay, and nothing can be had from them by subtraction: a place that would show few goes into the rest, and with it
    the next smallest until the rest shows no few either. The rest is None where all may stand apart.
    """
    apart = {place: dict(cells) for place, cells in rows.items()}
    rest: dict[str, Cell] = {}
    moved = 0

    def few(cells: Mapping[str, Cell]) -> bool:
        return any(0 < one.families < FEW for one in cells.values())

    def size(place: str) -> int:
        return max((one.families for one in apart[place].values()), default=0)

    while apart and (any(few(cells) for cells in apart.values()) or few(rest)):
        small = [place for place, cells in apart.items() if few(cells)] or list(apart)
        place = min(small, key=lambda one: (size(one), one))
        for code, cell in apart.pop(place).items():
            rest[code] = rest.get(code, Cell()) + cell
        moved += 1
    return apart, (rest if moved else None), moved
