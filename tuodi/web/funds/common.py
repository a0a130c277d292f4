"""What the pages of funds share: which county, amounts people type, looks of papers and places of money."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from tuodi.funds import plans
from tuodi.funds.states import Account, OrderStatus, PaperState
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.places import tree
from tuodi.web.components import places, posting
from tuodi.web.components.words import Look

__all__ = [
    "ACCOUNTS",
    "LOOKS",
    "ORDERS",
    "YuanField",
    "amount_of",
    "counties_at",
    "counties_of",
    "county_of",
    "offer",
    "over_plan",
    "place_of",
]

LOOKS = {
    PaperState.PROPOSED: Look("待审核", "warn", "clock"),
    PaperState.APPROVED: Look("已同意", "ok", "check"),
    PaperState.REFUSED: Look("不同意", "bad", "x"),
    PaperState.REVERSED: Look("已冲正", "warn", "refresh"),
}
#: Where the money of an order to a body is.
ORDERS = {
    OrderStatus.READY: Look("待送银行", "warn", "clock"),
    OrderStatus.SENT: Look("已送银行", "info"),
    OrderStatus.UNKNOWN: Look("结果未知", "unknown", "help"),
    OrderStatus.PAID: Look("已到账", "ok", "check"),
    OrderStatus.FAILED: Look("失败", "bad", "x"),
    OrderStatus.RETURNED: Look("退票", "bad"),
    OrderStatus.TREASURY: Look("国库已支付", "ok", "check"),
}
#: Where money may be, in the order of its way to a family, with the words of a column.
ACCOUNTS = (
    (Account.AVAILABLE, "可用"),
    (Account.RESERVED, "已占用"),
    (Account.FLOAT, "备用金"),
    (Account.TRANSIT, "在途"),
    (Account.SUSPENSE, "退汇待处理"),
    (Account.HOSPITAL, "医院垫付"),
)


class YuanField(forms.CharField):
    """An amount in yuan; cleaned it is fen."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 20)
        options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**options)

    def clean(self, value: Any) -> Any:
        """Raises ValidationError with what was typed."""
        typed = super().clean(value).replace(",", "").replace("，", "").strip()
        if not typed:
            return None
        try:
            return parse_yuan(typed)
        except TuodiError as error:
            raise forms.ValidationError(f"“{typed}”不是金额，请按元填写，例如 800.00") from error


class _AmountForm(forms.Form):
    amount = YuanField(label="金额")


def amount_of(request: HttpRequest) -> int | None:
    """The amount a form of a page asks for, in fen; None after the reader was told what is wrong with it."""
    form = _AmountForm(request.POST)
    if form.is_valid():
        return int(form.cleaned_data["amount"])
    posting.refuse(request, "；".join(str(error) for found in form.errors.values() for error in found))
    return None


def place_of(request: HttpRequest) -> str:
    """The place a page is about: `place` of the address where the reader may see it, else his own range."""
    own: str = request.user.office.place_code  # type: ignore[union-attr]
    asked = request.GET.get("place", "")
    if not asked:
        return own
    if not (asked.isascii() and asked.isalnum() and 2 <= len(asked) <= 12):
        raise NotFoundError("地区")
    if not access.in_scope(request.user, pad12(asked)):  # type: ignore[arg-type]
        raise NotFoundError("地区")
    return asked


def county_of(request: HttpRequest) -> str:
    """Six digits of the county a form is about, or empty where the reader's range has several and none is named."""
    return place_of(request)[:6] if len(place_of(request)) >= 6 else ""


def over_plan(region: str, programme: str, fen: int, *, asked: bool) -> dict[str, Any]:
    """What `funds/plan_excess.html` tells who decides of the month's plans; empty where he is not asked."""
    found = plans.excess_of(region, programme, fen) if asked else []
    return {"over": found, "over_blocks": bool(found) and plans.blocks(region[:6])}


def offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    """Fills a choice of a form; where there is but one, it is not asked for."""
    form.fields[name].choices = choices  # type: ignore[attr-defined]
    if len(choices) == 1:
        form.fields[name].widget = forms.HiddenInput()
        form.fields[name].initial = choices[0][0]


def counties_at(place: str) -> list[tuple[str, str]]:
    """(code, name) of the counties of a place, or of the one it is."""
    return counties_of(place) or [(place[:6], places.name(place[:6]))]


def counties_of(place: str) -> list[tuple[str, str]]:
    """(code, name) of the counties of a place above the county; none for a county."""
    if len(place) != 4:
        return []
    known = tree()
    return [(code, known.name(code)) for code in known.children(place) if len(code) == 6]
