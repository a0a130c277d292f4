"""People of outside groups for the price subsidy: the list, a department's list taken in, and shares handed over to who pays them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.exchange.price_lists import profile_labels
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month, PeriodError
from tuodi.kernel.places import pad12, trim
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.payments import actions
from tuodi.payments.models import PriceIndex, PriceList, PriceMember
from tuodi.payments.prices import GROUP_FACTS
from tuodi.web.components import law, navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.county.sheets import sheet
from tuodi.web.funds.common import counties_at, offer

MAX_BYTES = 20 * 2**20
COLUMNS = (
    ("姓名", 12),
    ("身份证号", 22),
    ("对象类别", 26),
    ("住地", 34),
    ("指数月份", 10),
    ("金额（元）", 12),
    ("发放批次", 24),
)


class ListForm(forms.Form):
    """A department's list."""

    county = forms.ChoiceField(label="县（市、区）")
    file = UploadField(
        most=MAX_BYTES,
        refusal="文件超过 20 MB。请按类别拆成几个文件。",
        label="名单",
        help_text="xlsx、xls 或 csv，一人一类一行：姓名、身份证号、对象类别、城乡、起始月份、终止月份",
    )
    source = forms.CharField(label="出处", max_length=200, help_text="例如：区退役军人事务局 2020 年 6 月名册")
    profile = forms.ChoiceField(label="模板")

    def __init__(self, *args: Any, place: str, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "county", counties_at(place))
        offer(self, "profile", list(profile_labels().items()))


def listing(request: HttpRequest) -> HttpResponse:
    """Registered people and the lists they came by; a POST takes a list in, or ends one registration."""
    user: Any = request.user
    place = trim(user.office.place_code)
    may = DutyCode.PAY_PREPARE in navigation.held_duties(request) and len(place) >= 4
    taking = request.method == "POST" and posting.text(request, "do", 10) == "import"
    form = ListForm(request.POST if taking else None, request.FILES if taking else None, place=place) if may else None
    if taking and form is not None:
        if form.is_valid():
            given = form.cleaned_data
            try:
                made = actions.import_price_members(
                    acting_user=user, county=given["county"], data=given["file"].read(), name=given["file"].name,
                    source=given["source"], profile=given["profile"],
                )  # fmt: skip
            except TuodiError as error:
                form.add_error(None, str(error))
            else:
                posting.succeed(request, f"{made.rows} 行：登记 {made.taken} 人，{made.bad} 行有问题。")
                return posting.back(f"{request.path}?list={made.pk}")
    elif request.method == "POST":
        _end(request)
        return posting.back(request.get_full_path())
    labels = law.book().enums["price_group"].values
    group = pages.text_of(request, "group", 24)
    rows = PriceMember.objects.select_related("person", "household").order_by("-id")
    if group in GROUP_FACTS:
        rows = rows.filter(group=group)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(
        request, "价格补贴对象", [one.household_id for one in found.items], [one.person_id for one in found.items]
    )
    lists = list(PriceList.objects.select_related("imported_by").order_by("-id")[:10])
    asked = request.GET.get("list", "")
    shown = next((one for one in lists if str(one.pk) == asked), None)
    lines = [
        {"row": one, "group": labels.get(one.group, one.group), "place": places.path(one.region)} for one in found.items
    ]
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "groups": [
            {"label": labels[code], "href": f"?group={code}", "current": code == group}
            for code in GROUP_FACTS
            if code in labels
        ],
        "all": group not in GROUP_FACTS,
        "lists": lists,
        "shown": shown,
        "form": form,
    }
    return render(request, "standards/price_members.html", context)


def _end(request: HttpRequest) -> None:
    row = PriceMember.objects.filter(pk=posting.number(request, "member")).first()
    if row is None:
        posting.refuse(request, "没有找到这一行，请刷新后再看。")
        return
    try:
        end = Month.parse(posting.text(request, "end", 7))
    except PeriodError as error:
        posting.refuse(request, str(error))
        return
    posting.attempt(
        request,
        lambda: actions.end_price_member(row, acting_user=request.user, end=end),  # type: ignore[arg-type]
        f"已登记终止月份 {end}。",
    )


def hand_over(request: HttpRequest, pk: int, group: str) -> HttpResponse:
    """The shares of an outside group as a sheet for the department that pays them; taking it is on record."""
    user: Any = request.user
    place = request.GET.get("place", "") or trim(user.office.place_code)
    index = PriceIndex.objects.filter(pk=pk).first()
    if index is None or group not in GROUP_FACTS or not (place.isascii() and place.isalnum() and 4 <= len(place) <= 12):
        raise NotFoundError("价格补贴名单")
    if not access.in_scope(user, pad12(place)):
        raise NotFoundError("价格补贴名单")
    month = Month.parse(str(index.month))
    done, rows = posting.attempt(
        request,
        lambda: actions.take_price_list(acting_user=user, place=place, month=month, group=group),
        "名单已下载，取用已记录。",
    )
    if not done or rows is None:
        return posting.back(reverse("web:price-round", args=[pk]))
    label = law.book().enums["price_group"].values[group]
    total = format_yuan(sum(share.amount_fen for share, _ in rows))
    return sheet(
        request,
        name=f"价格补贴移交名单-{index.month}-{place}",
        title=f"{places.name(place)} {month.label} 价格临时补贴移交名单：{label} {len(rows)} 人 {total} 元",
        columns=COLUMNS,
        rows=[
            (
                share.person.name, number, label, places.path(share.region), str(month), format_yuan(share.amount_fen, sep=False),
                share.run.no,
            )
            for share, number in rows
        ],
        action="web.export_price_list",
        subject="priceindex",
        subject_id=pk,
        what={"group": group, "month": index.month, "place": place},
        note="由管理这一类对象名单的部门发放，一人只发一份。",
    )  # fmt: skip
