"""Moves to another town or county with the file: both places' lists, the sealed copy, and each place's deeds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions.changes import require_confirmer
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import is_code
from tuodi.monitoring import transfers
from tuodi.monitoring.models import Transfer, TransferPart
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.org.places import tree
from tuodi.people.queries import access_household
from tuodi.web.components import navigation, pages, place_search, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row

READERS = (*transfers.DUTIES, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.SUPERVISE)
SHOWS = {"in": "待本地接收", "out": "从本地迁出", "open": "在办", "done": "已迁入", "ended": "退回和撤回"}
STATES = {
    "proposed": Look("待移交", "info"), "sent": Look("已移交，待接收", "warn"), "taken": Look("已核实，待确认", "warn"),
    "done": Look("已迁入", "ok", "check"), "refused": Look("已退回", "bad"), "withdrawn": Look("已撤回"),
}  # fmt: skip


class MoveForm(forms.Form):
    """Where the family moves to."""

    to = forms.ChoiceField(
        label="迁入村（社区）",
        error_messages={"required": "请选择迁入地。", "invalid_choice": "请从列表中选择迁入地。"},
    )
    address = life.text_field("新住址", longest=200)
    moved_on = life.day_field("迁居日期")
    reason = life.text_field("原因", longest=300)

    def __init__(self, *args: Any, town: place_search.Found, villages: list[place_search.Found], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [
            (town.code, f"{town.path}（村、社区待定）"),
            *((one.code, one.path) for one in villages),
        ]


class TakeForm(forms.Form):
    """What the new place found."""

    note = life.text_field("核实情况", rows=3, help_text="已看档案、已入户，住在哪里、家里几口人")
    income = life.YuanField(label="现家庭年收入（元）", help_text="和档案一致的不填")
    assets = forms.ChoiceField(
        label="家庭财产", choices=[("", "和档案一致"), ("yes", "符合规定"), ("no", "不符合规定")], required=False
    )


def listing(request: HttpRequest) -> HttpResponse:
    """Moves the reader's place sees, what it must act on first."""
    user: Any = request.user
    counts = transfers.counts(user)
    shown = life.show_of(request, SHOWS, "in" if counts["in"] else "open")
    rows = transfers.listing(user, shown)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[shown])
    context = {
        "title": "迁移", "sub": "迁出地移交档案，迁入地核实确认；两地各发各的月份，不重不漏", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("in",)),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "first_head": "家庭", "unit": "件", "empty_title": "没有迁移", "empty_text": "家庭迁往其他乡镇（街道）或区县时，从家庭档案提出。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: Transfer) -> Row:
    return Row(
        f"{one.head_name}家庭", reverse("web:move", args=[one.pk]), note=one.no,
        cells=(
            Cell("从", places.path(one.region, 3)), Cell("到", places.path(one.to_region, 3)), Cell("人数", one.persons, css="n"),
            Cell("迁居", one.moved_on.isoformat(), css="num"), Cell("状态", look=STATES[one.state]),
            Cell("移交", f"{one.sent_at:%Y-%m-%d}" if one.sent_at else "—", css="num"),
            Cell("迁入起始月", str(Month.parse(str(one.last_month)).next()) if one.last_month else "—", css="num"),
        ),
    )  # fmt: skip


def new(request: HttpRequest, pk: int) -> HttpResponse:
    """Proposes a move of one family; what holds it up is named."""
    user: Any = request.user
    household = access_household(user, pk)
    today = clock.today()
    wanted = pages.text_of(request, "place", 40)
    chosen = request.GET.get("in", "") or posting.text(request, "to", 12)[:9]
    chosen = chosen if is_code(chosen) and tree().known(chosen) else ""
    form = None
    if len(chosen) == 9:
        town = place_search.Found(chosen, places.path(chosen, 1))
        villages = place_search.inside(chosen, on=today)
        form = MoveForm(request.POST or None, town=town, villages=villages, initial={"moved_on": today})
    if form is not None and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = transfers.propose_transfer(
                household, to_region=data["to"], moved_on=data["moved_on"], address=data["address"], reason=data["reason"],
                acting_user=user,
            )  # fmt: skip
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已提出迁移 {made.no}，请由确认层级移交。")
            return posting.back(reverse("web:move", args=[made.pk]))
    found = transfers.blocks(household)
    context = {
        "title": f"迁移：{household.head.name}家庭", "crumb": {"label": "迁移", "href": reverse("web:moves")},
        "meta": [household.no, places.path(household.region, 3)], "parts": [], "side": [],
        "notices": [f"现在不能迁移：{text}。请办结后再移交。" for text in found],
        "open": not found,
        "wanted": wanted,
        "hits": place_search.find(wanted, home=household.region, on=today) if wanted else None,
        "chosen": places.path(chosen, 4) if chosen else "",
        "below": place_search.inside(chosen, on=today) if chosen and len(chosen) < 9 else None,
        "deeds": [Deed("new", "登记迁移", "提出迁移", form, "没有移交前，这个家庭仍由本地保障", primary=True)] if form and not found else [],
    }  # fmt: skip
    return render(request, "county/move_new.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One move, with the sealed copy of the file for the place it goes to."""
    user: Any = request.user
    row = transfers.access_transfer(user, pk)
    here_old, here_new = access.in_scope(user, row.region), access.in_scope(user, row.to_region)
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    made: dict[str, Any] = {
        "send": forms.Form(request.POST if do == "send" else None),
        "withdraw": life.yes_form("撤回理由")(request.POST if do == "withdraw" else None, auto_id="withdraw-%s"),
        "take": TakeForm(request.POST if do == "take" else None, auto_id="take-%s"),
        "refuse": life.yes_form("退回理由")(request.POST if do == "refuse" else None, auto_id="refuse-%s"),
        "confirm": life.ReasonForm(request.POST if do == "confirm" else None, auto_id="confirm-%s"),
    }
    if do in made and made[do].is_valid():
        data = made[do].cleaned_data
        deeds_of: dict[str, Any] = {
            "send": lambda: transfers.send_transfer(row, acting_user=user),
            "withdraw": lambda: transfers.withdraw_transfer(row, why=data["text"], acting_user=user),
            "take": lambda: transfers.take_transfer(row, note=data["note"], facts=_facts(data), acting_user=user),
            "refuse": lambda: transfers.refuse_transfer(row, why=data["text"], acting_user=user),
            "confirm": lambda: transfers.confirm_transfer(row, reasons=data["reasons"], acting_user=user),
        }
        posting.attempt(request, deeds_of[do], "已办理。")
        return posting.back(reverse("web:move", args=[pk]))
    deeds, locked = _deeds(request, row, made, here_old=here_old, here_new=here_new)
    papers = list(TransferPart.objects.filter(transfer=row).order_by("position")) if here_new else []
    context = {
        "title": f"{row.head_name}家庭迁移", "crumb": {"label": "迁移", "href": reverse("web:moves")},
        "marks": [STATES[row.state]], "meta": [row.no, f"{places.path(row.region, 3)} → {places.path(row.to_region, 3)}"],
        "links": _links(request, row, here_old=here_old, here_new=here_new),
        "parts": [
            *_found(row),
            *(Part(one.title, [(label, value) for label, value in one.lines], second=str(one.on or ""), empty="没有记录") for one in papers),
        ],
        "deeds": deeds, "locked": locked, "side": [Part("迁移", _told(row))],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if data["income"] is not None:
        found["income_year"] = format_yuan(data["income"], sep=False)
    if data["assets"]:
        found["assets_ok"] = data["assets"] == "yes"
    return found


def _deeds(
    request: HttpRequest, row: Transfer, made: dict[str, Any], *, here_old: bool, here_new: bool
) -> tuple[list[Deed], list[str]]:
    user: Any = request.user
    deeds: list[Deed] = []
    locked: list[str] = []
    if row.state == "proposed" and here_old:
        why = _why_not(user, row.region, row.proposed_by_id, "提出迁移", "移交")
        if why:
            locked.append(why)
        else:
            deeds.append(
                Deed(
                    "send",
                    "移交档案",
                    "移交",
                    made["send"],
                    "档案封存一份给迁入地；正在办理的事项会挡住移交",
                    primary=True,
                )
            )
    if row.state == "sent" and here_new and navigation.may(request, (*transfers.DUTIES, DutyCode.VISIT), row.to_region):
        deeds.append(Deed("take", "接收核实", "接收", made["take"], "看档案、入户后登记", primary=True))
    if row.state == "taken" and here_new:
        why = _why_not(user, row.to_region, row.taken_by_id, "接收核实", "确认")
        if why:
            locked.append(why)
        else:
            deeds.append(
                Deed(
                    "confirm",
                    "迁入确认",
                    "确认迁入",
                    made["confirm"],
                    "按迁入地标准从下月起保障，同时出具告知书",
                    primary=True,
                )
            )
    if (
        row.state in ("sent", "taken")
        and here_new
        and navigation.may(request, (*transfers.DUTIES, DutyCode.CONFIRM), row.to_region)
    ):
        deeds.append(Deed("refuse", "退回", "退回迁出地", made["refuse"], "退回后仍由迁出地保障"))
    if (
        row.state in ("proposed", "sent")
        and here_old
        and navigation.may(request, (*transfers.DUTIES, DutyCode.CONFIRM), row.region)
    ):
        deeds.append(Deed("withdraw", "撤回", "撤回", made["withdraw"]))
    return deeds, locked


def _why_not(user: Any, region: str, first: int | None, did: str, wants: str) -> str:
    try:
        require_confirmer(user, region, "dibao")
    except TuodiError as error:
        return str(error)
    return f"您已办理{did}，不能再办{wants}，请由另一人办理。" if first == user.pk else ""


def _links(request: HttpRequest, row: Transfer, *, here_old: bool, here_new: bool) -> list[dict[str, str]]:
    if not navigation.may_read(request):
        return []
    found = []
    if here_old:
        found.append({"href": reverse("web:family", args=[row.household_id]), "label": "原家庭档案", "icon": "users"})
    if here_new and row.new_household_id:
        found.append(
            {"href": reverse("web:family", args=[row.new_household_id]), "label": "迁入后家庭档案", "icon": "users"}
        )
    return found


def _found(row: Transfer) -> list[Part]:
    parts = []
    if row.taken_note:
        pairs: list[tuple[str, Any]] = [
            ("情况", row.taken_note),
            ("核实人", f"{row.taken_by.name}，{row.taken_at:%Y-%m-%d}" if row.taken_by and row.taken_at else ""),
        ]
        labels = {"income_year": "家庭年收入（元）", "assets_ok": "家庭财产符合规定"}
        pairs += [
            (labels.get(name, name), {True: "是", False: "否"}.get(value, value) if isinstance(value, bool) else value)
            for name, value in row.facts.items()
        ]
        parts.append(Part("迁入地核实", pairs))
    if row.state == "done" and row.last_month:
        last = Month.parse(str(row.last_month))
        parts.append(
            Part(
                "结果",
                [
                    ("迁出地发到", str(last)),
                    ("迁入地发起", str(last.next())),
                    ("结论", row.outcome),
                    ("迁入后家庭编号", row.new_household_no),
                ],
            )
        )
    if row.why:
        parts.append(
            Part(
                "退回或撤回",
                [
                    ("理由", row.why),
                    (
                        "经办",
                        f"{row.closed_by.name}，{row.closed_at:%Y-%m-%d}" if row.closed_by and row.closed_at else "",
                    ),
                ],
            )
        )
    return parts


def _told(row: Transfer) -> list[tuple[str, Any]]:
    def by(user: Any, at: Any) -> str:
        return f"{user.office.name} {user.name}，{at:%Y-%m-%d}" if user and at else ""

    return [
        ("原家庭编号", row.household_no), ("人数", f"{row.persons} 人"), ("新住址", row.address), ("迁居日期", row.moved_on.isoformat()),
        ("原因", row.reason), ("提出", by(row.proposed_by, row.proposed_at)), ("移交", by(row.sent_by, row.sent_at)),
        ("接收核实", by(row.taken_by, row.taken_at)),
        *([("未抵扣的多发款", f"{words.yuan(row.owed_fen)} 元，由迁出地追回")] if row.owed_fen else []),
        *([("档案校验值", row.file_hash[:16])] if row.file_hash else []),
    ]  # fmt: skip
