"""Money that lies (沉淀、滞留): every balance by how long it has not moved, what is done about it, and the sheet of it."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds import idle, queries
from tuodi.funds.models import IdleAlert
from tuodi.funds.states import Account
from tuodi.kernel.places import pad12
from tuodi.org.models import DutyCode
from tuodi.payments.models import PayRun
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.county.sheets import sheet
from tuodi.web.funds.common import place_of

TABS = (("late", "超过天数"), ("all", "全部余额"))


def show(request: HttpRequest) -> HttpResponse:
    """Balances of a place; a POST says what is done about one that lies too long."""
    user: Any = request.user
    if request.method == "POST":
        row = IdleAlert.objects.filter(pk=posting.number(request, "alert")).first()
        if row is None:
            posting.refuse(request, "没有找到这条提醒，请刷新后再看。")
        else:
            posting.attempt(
                request,
                lambda: idle.answer(row, acting_user=user, handling=posting.text(request, "handling", 300)),
                "已记录。资金变动后自动从这里移走。",
            )
        return posting.back(request.get_full_path())
    place = place_of(request)
    chosen, tabs = pages.tabs_of(request, TABS, "late")
    rows = [one for one in idle.resting(place) if chosen == "all" or one.late]
    found = pages.page_of(request, lambda start, stop: rows[start:stop])
    context = {
        "place": place,
        "heading": places.name(place),
        "tabs": [{**one, "href": f"{one['href']}&place={place}"} for one in tabs],
        "label": dict(TABS)[chosen],
        "page": Page(_lines(request, found.items), found.number, None, found.previous, found.next),
        "total": sum(one.fen for one in rows),
        "count": len(rows),
        "limit": rows[0].limit if rows else None,
        "sheet_href": f"{reverse('web:fund-idle-sheet')}?place={place}&show={chosen}",
    }
    return render(request, "funds/idle.html", context)


def _lines(request: HttpRequest, rows: list[idle.Resting]) -> list[dict[str, Any]]:
    runs = dict(PayRun.objects.filter(pk__in={one.run_id for one in rows if one.run_id}).values_list("pk", "no"))
    open_ = {
        (row.region, row.programme, row.source, row.account, row.run_id): row
        for row in IdleAlert.objects.filter(
            ended_at__isnull=True, region__in={one.region for one in rows}
        ).select_related("handled_by")
    }
    return [
        {
            "row": one,
            "name": queries.sub_label(one.programme, one.source),
            "place": places.path(one.region),
            "account": Account(one.account).label,
            "run": runs.get(one.run_id, ""),
            "alert": open_.get(one.key),
            "may": one.key in open_ and navigation.may(request, [DutyCode.FUND_KEEP], pad12(one.region[:6])),
        }
        for one in rows
    ]


def export(request: HttpRequest) -> FileResponse:
    """The report of money that lies as a spreadsheet, logged."""
    place = place_of(request)
    chosen, _ = pages.tabs_of(request, TABS, "late")
    rows = [one for one in idle.resting(place) if chosen == "all" or one.late]
    lines = _lines(request, rows)
    return sheet(
        request, name=f"资金沉淀滞留-{places.name(place)}", title=f"{places.name(place)}资金沉淀滞留（{dict(TABS)[chosen]}）",
        columns=[("地区", 24), ("子账户", 26), ("在哪里", 18), ("发放批次", 24), ("金额（元）", 16), ("最近变动", 12), ("天数", 8), ("允许天数", 10), ("处理情况", 40)],
        rows=([one["place"], one["name"], one["account"], one["run"], one["row"].fen / 100, one["row"].moved_on, one["row"].days,
               one["row"].limit, one["alert"].handling if one["alert"] else ""] for one in lines),
        action="web.export_idle_money", subject="place", subject_id=place, what={"tab": chosen},
        note="按记账日计算，未建账的资金没有来源，不列入。",
    )  # fmt: skip
