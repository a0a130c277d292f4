"""Changes families tell or that are found: entered at the counter, checked, decided; with the notices they lead to."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.calendar import calendar
from tuodi.decisions import notices
from tuodi.decisions.models import RollNotice
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import Calendar
from tuodi.monitoring import change_reports
from tuodi.monitoring.deciding import units_of
from tuodi.monitoring.models import ChangeReport
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import bank_queries
from tuodi.payments.models import AccountProposal
from tuodi.people.enums import PERSON_PROGRAMMES, Relation
from tuodi.people.models import Household, Person
from tuodi.people.queries import access_household, members_on
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row
from tuodi.web.county.reviews_due import outcome_pairs

READERS = (*change_reports.DUTIES, DutyCode.CONFIRM, DutyCode.SUPERVISE)
SHOWS = {"open": "在办", "reported": "待核实", "checked": "待确认", "late": "超期报告", "closed": "已办结"}
STATES = {
    "reported": Look("待核实", "info"), "checked": Look("待确认", "warn"), "decided": Look("已调整", "ok", "check"),
    "no_effect": Look("不影响待遇"), "withdrawn": Look("已撤回"),
}  # fmt: skip
KINDS = {
    "increase": Look("增发", "ok"), "decrease": Look("减发", "warn"), "grace": Look("渐退", "watch"), "stop": Look("停发", "bad"),
    "moved": Look("迁出", "info"),
}  # fmt: skip
NOTICE_SHOWS = {"waiting": "待送达", "done": "已送达", "all": "全部"}


class ReportForm(forms.Form):
    """What the family tells."""

    kind = forms.ChoiceField(label="什么变了", choices=ChangeReport.Kind.choices)
    source = forms.ChoiceField(
        label="来源", choices=[one for one in ChangeReport.Source.choices if one[0] != ChangeReport.Source.ONLINE]
    )
    happened_on = life.day_field("发生日期")
    person = forms.ChoiceField(label="哪位成员", required=False, help_text="死亡、离开的必须选择")
    income = life.YuanField(label="现家庭年收入（元）", help_text="收入变化的必须填写")
    text = life.text_field("说明", rows=3)

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = [("", "不涉及成员"), *people]  # type: ignore[attr-defined]


class CheckForm(forms.Form):
    """What the check showed."""

    checked = life.text_field("核实情况", rows=3)
    income = life.YuanField(label="核定家庭年收入（元）", help_text="不填则按申报")
    job = forms.BooleanField(label="因成员就业使收入超过标准", required=False)
    assets = forms.ChoiceField(
        label="家庭财产", choices=[("", "没有变化"), ("yes", "符合规定"), ("no", "不符合规定")], required=False
    )


class JoinForm(CheckForm):
    """Somebody joins: who."""

    name = life.text_field("新成员姓名", longest=60)
    relation = forms.ChoiceField(
        label="与户主关系", choices=[one for one in Relation.choices if one[0] != Relation.SELF]
    )
    id_text = life.text_field("证件号码", longest=20, needed=False, help_text="新生儿没有的不填，填出生日期")
    birth = life.day_field("出生日期", required=False)
    sex = forms.ChoiceField(label="性别", choices=[("", "—"), ("M", "男"), ("F", "女")], required=False)


class PlainForm(forms.Form):
    """A change that moves no money."""

    text = life.text_field("答复", rows=2)


class AddressForm(PlainForm):
    """The new address."""

    address = life.text_field("新住址", longest=200)


class AccountForm(PlainForm):
    """The new account."""

    number = life.text_field("新账号", longest=30)
    holder = life.text_field("户名", longest=60)
    bank = life.text_field("开户行代码", longest=14, needed=False)


class DeliverForm(forms.Form):
    """How a notice reached the family."""

    on = life.day_field("送达日期")
    how = forms.ChoiceField(label="送达方式", choices=RollNotice.How.choices)
    received_by = life.text_field("签收人", longest=60, needed=False)


def listing(request: HttpRequest) -> HttpResponse:
    """Reports in the reader's range, oldest first."""
    known = life.towns(request)
    shown = life.show_of(request, SHOWS, "open")
    kind = request.GET.get("kind", "")
    kind = kind if kind in ChangeReport.Kind.values else ""
    town = life.town_of(request, known)
    counts = change_reports.counts()
    rows = change_reports.listing(shown, town, kind)
    total = counts[shown] if not (town or kind) else None
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=total)
    context = {
        "title": "变化报告", "sub": "家庭申报或工作中发现；从家庭档案登记", "place_names": life.scope_names(request), "show": shown,
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "tabs": life.tabs(request, SHOWS, counts, shown, ("late",)),
        "actions": [{"href": reverse("web:roll-notices"), "label": "告知书", "icon": "file-text"}, {"href": reverse("web:families"), "label": "找家庭登记", "icon": "search", "primary": True}],
        "filters": [*([life.select("town", "乡镇（街道）", known, town)] if known else []), life.select("kind", "变化", ChangeReport.Kind.choices, kind)],
        "first_head": "家庭", "unit": "件", "empty_title": "没有变化报告", "empty_text": "家庭情况变化后在家庭档案页登记，居民也可以在手机上申报。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: ChangeReport) -> Row:
    late = Look("超期报告", "warn") if one.late else None
    return Row(
        life.who(one.household), reverse("web:change", args=[one.pk]), note=one.no,
        cells=(
            Cell("住地", places.path(one.region)),
            Cell("变化", one.get_kind_display(), note=one.person.name if one.person else ""),
            Cell("来源", one.get_source_display()),
            Cell("发生", one.happened_on.isoformat(), css="num"),
            Cell("报告", one.reported_on.isoformat() if late is None else f"{one.reported_on}", look=late, css="num"),
            Cell("状态", look=STATES[one.state]),
        ),
    )  # fmt: skip


def people_of(household: Household) -> list[tuple[str, str]]:
    """Members to choose from."""
    return [
        (str(one.person_id), f"{one.person.name}（{one.get_relation_display()}）")
        for one in members_on(household, clock.today())
        if one.person.died_on is None
    ]


def person_of(household: Household, key: str) -> Person | None:
    """A member chosen in a form."""
    found = next((one for one in members_on(household, clock.today()) if str(one.person_id) == key), None)
    return found.person if found else None


def new(request: HttpRequest, pk: int) -> HttpResponse:
    """The counter's form for one family."""
    user: Any = request.user
    household = access_household(user, pk)
    form = ReportForm(request.POST or None, people=people_of(household), initial={"happened_on": clock.today()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = change_reports.report_change(
                household, kind=data["kind"], happened_on=data["happened_on"], text=data["text"], acting_user=user,
                source=data["source"], person=person_of(household, data["person"]), income_year_fen=data["income"],
            )  # fmt: skip
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已登记变化报告 {made.no}。")
            return posting.back(reverse("web:change", args=[made.pk]))
    context = {
        "title": f"登记变化：{household.head.name}家庭", "crumb": {"label": "变化报告", "href": reverse("web:changes")},
        "meta": [household.no, places.path(household.region, 3)], "parts": [], "side": [],
        "deeds": [Deed("new", "家庭情况变化", "登记", form, "登记后先核实，再由确认层级决定", primary=True)],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One report: told, checked, decided."""
    user: Any = request.user
    row = change_reports.access_report(user, pk)
    here = reverse("web:change", args=[pk])
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    offered = _offered(request, row)
    check_form: Any = JoinForm if row.kind in ("born", "joined") else CheckForm
    plain_form: Any = {"address": AddressForm, "account": AccountForm}.get(row.kind, PlainForm)
    made = {
        "check": check_form(request.POST if do == "check" else None, auto_id="check-%s"),
        "plain": plain_form(request.POST if do == "plain" else None, auto_id="plain-%s", initial=_proposed(offered)),
        "decide": life.ReasonForm(request.POST if do == "decide" else None, auto_id="decide-%s"),
        "withdraw": life.yes_form("撤回理由")(request.POST if do == "withdraw" else None, auto_id="withdraw-%s"),
        "admonish": forms.Form(request.POST if do == "admonish" else None),
    }
    if do in made and made[do].is_valid():
        data = made[do].cleaned_data
        deeds = {
            "check": lambda: change_reports.check_report(
                row, checked=data["checked"], facts=_facts(data), newcomer=_newcomer(data), acting_user=user
            ),
            "plain": lambda: change_reports.close_without_effect(
                row, answer=data["text"], acting_user=user, address=data.get("address", ""),
                account=(data["number"], data["holder"], data["bank"]) if "number" in data else None,
            ),
            "decide": lambda: change_reports.decide_report(row, reasons=data["reasons"], acting_user=user),
            "withdraw": lambda: change_reports.withdraw_report(row, answer=data["text"], acting_user=user),
            "admonish": lambda: change_reports.admonish(row, acting_user=user),
        }  # fmt: skip
        posting.attempt(request, deeds[do], "已办理。")
        return posting.back(here)
    context = {
        "title": f"{life.who(row.household)} {row.get_kind_display()}变化",
        "crumb": {"label": "变化报告", "href": reverse("web:changes")},
        "marks": [STATES[row.state], *([Look("超期报告", "warn")] if row.late else [])],
        "meta": [row.no, row.household.no, places.path(row.region, 3)], "links": _links(request, row),
        "notices": [_TAKEN_OVER] if offered is not None else [],
        "parts": [*_parts(row), *_beside(row, offered)], "deeds": _deeds(request, row, made),
        "side": [Part("报告", _told(row))], "locked": _locked(request, row),
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


_TAKEN_OVER = "已把银行提议的账户填入办结表。核对本人证件和存折后才能办结；没有办结以前仍用现登记的账户。"


def _offered(request: HttpRequest, row: ChangeReport) -> AccountProposal | None:
    """What a bank proposes instead of the payee's account, for who may close the report; nothing once it is closed."""
    if row.kind != "account" or row.state not in ("reported", "checked"):
        return None
    if not navigation.may(request, change_reports.DUTIES, row.region):
        return None
    found = bank_queries.account_proposal(row.household, row.person or row.household.head)
    if found is not None:
        reading.note_reading(
            request, "银行提议的账户", [row.household_id], [(row.person or row.household.head).pk], region=row.region
        )
    return found


def _proposed(found: AccountProposal | None) -> dict[str, str]:
    if found is None:
        return {}
    holder = found.holder or found.check_of.line.holder
    return {"number": found.number(), "holder": holder, "bank": found.bank_code}


def _beside(row: ChangeReport, found: AccountProposal | None) -> list[Part]:
    """The account the family has beside the one the bank proposes."""
    if found is None:
        return []
    line = found.check_of.line
    return [
        Part(
            "银行提议的账户",
            heads=("", "户名", "账号"),
            rows=[
                Row("现登记", "", [Cell("户名", line.holder), Cell("账号", f"尾号 {line.account_last4}", css="ids")]),
                Row(
                    "银行提议",
                    "",
                    [Cell("户名", found.holder or "未写明"), Cell("账号", found.number() or "未写明", css="ids")],
                ),
            ],
            second=f"账户校验 {found.check_of.no}",
        )
    ]


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if data.get("income") is not None:
        found["income_year"] = format_yuan(data["income"], sep=False)
    if data.get("job"):
        found["job_income_rise"] = True
    if data.get("assets"):
        found["assets_ok"] = data["assets"] == "yes"
    return found


def _newcomer(data: dict[str, Any]) -> change_reports.Newcomer | None:
    if "relation" not in data:
        return None
    return change_reports.Newcomer(data["name"], data["relation"], data["id_text"], data["birth"], data["sex"])


def _deeds(request: HttpRequest, row: ChangeReport, made: dict[str, Any]) -> list[Deed]:
    may = navigation.may(request, change_reports.DUTIES, row.region)
    may_confirm = navigation.may(request, [DutyCode.CONFIRM], row.region)
    found = []
    plain = row.kind in change_reports.PLAIN
    if row.state == "reported" and may and not plain:
        found.append(Deed("check", "核实", "登记核实", made["check"], "核实后事实定稿，交确认层级", primary=True))
    if (
        row.state == "checked"
        and may_confirm
        and (row.fact_set_id or row.household.closed_on)
        and row.checked_by_id != request.user.pk
    ):
        found.append(Deed("decide", "确认", "作出决定", made["decide"], "有变化的同时出具告知书", primary=True))
    closes = may if plain or row.kind == "other" else may_confirm
    if row.state in ("reported", "checked") and closes:
        found.append(Deed("plain", "办结（不影响待遇）", "办结", made["plain"], primary=plain))
    if row.late and row.admonished_on is None and may:
        found.append(Deed("admonish", "批评教育", "登记批评教育", made["admonish"], "重大变化超过 3 个月没有报告"))
    if row.state == "reported" and may:
        found.append(Deed("withdraw", "撤回（登记有误）", "撤回", made["withdraw"]))
    return found


def _locked(request: HttpRequest, row: ChangeReport) -> list[str]:
    if row.state == "checked" and row.checked_by_id == request.user.pk:
        return ["您已办理核实，不能再办确认，请由另一人办理。"]
    return []


def _links(request: HttpRequest, row: ChangeReport) -> list[dict[str, str]]:
    found = []
    if navigation.may_read(request):
        found.append({"href": reverse("web:family", args=[row.household_id]), "label": "家庭档案", "icon": "users"})
    if row.determination_id is not None:
        found.append(
            {
                "href": reverse("web:determination", args=[row.determination_id]),
                "label": "决定",
                "icon": "file-certificate",
            }
        )
    return found  # fmt: skip


def _told(row: ChangeReport) -> list[tuple[str, Any]]:
    return [
        ("发生日期", row.happened_on.isoformat()), ("报告日期", row.reported_on.isoformat()), ("来源", row.get_source_display()),
        *([("成员", row.person.name)] if row.person else []),
        *([("申报年收入", f"{words.yuan(row.income_year_fen)} 元")] if row.income_year_fen is not None else []),
        ("说明", row.text), ("登记人", row.by_officer.name if row.by_officer else "居民本人（手机）"),
        *([("批评教育", f"{row.admonished_on}，{row.admonished_by.name if row.admonished_by else ''}")] if row.admonished_on else []),
    ]  # fmt: skip


def _parts(row: ChangeReport) -> list[Part]:
    if row.state == "reported":
        return [Part("核实情况", empty="还没有核实")]
    pairs: list[tuple[str, Any]] = []
    if row.checked:
        pairs += [
            ("情况", row.checked),
            (
                "核实人",
                f"{row.checked_by.name}，{row.checked_at:%Y-%m-%d}" if row.checked_by and row.checked_at else "",
            ),
        ]
    if row.closed_at:
        pairs += [
            ("答复", row.answer),
            ("办结", f"{row.closed_by.name if row.closed_by else ''}，{row.closed_at:%Y-%m-%d}"),
        ]
    parts = [Part("核实和答复", pairs, empty="没有记录")]
    if row.state == "checked" and (row.fact_set is not None or row.household.closed_on is not None):
        month = change_reports.first_month(row)
        for unit in units_of(row.household, month):
            person = unit.person if unit.programme in PERSON_PROGRAMMES else None
            parts.append(
                Part(
                    f"确认后会怎样：{life.programme(unit.programme)}",
                    outcome_pairs(row.fact_set, unit.programme, person, unit.amount_fen, effective=month)
                    if row.fact_set is not None
                    else [("结论", f"本户已销户，自 {month} 起停发")],
                )
            )
    return parts  # fmt: skip


# ---- notices


def roll_notices(request: HttpRequest) -> HttpResponse:
    """Written notices of changes in the reader's range: those not delivered yet first."""
    shown = life.show_of(request, NOTICE_SHOWS, "waiting")
    known = life.towns(request)
    town = life.town_of(request, known)
    kind = request.GET.get("kind", "")
    rows = RollNotice.objects.select_related("household__head", "person", "determination")
    if town:
        found_range = access.range_of(town)
        rows = rows.filter(region__gte=found_range.low, region__lt=found_range.high)
    if kind in RollNotice.Kind.values:
        rows = rows.filter(kind=kind)
    waiting = rows.filter(delivered_on__isnull=True)
    counts = {"waiting": waiting.count(), "all": rows.count()}
    counts["done"] = counts["all"] - counts["waiting"]
    rows = {
        "waiting": waiting.order_by("made_on", "id"),
        "done": rows.filter(delivered_on__isnull=False).order_by("-id"),
    }.get(shown, rows.order_by("-id"))
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[shown])
    days = calendar()
    context = {
        "title": "调整告知书", "sub": "增发、减发、渐退、停发都要书面告知；送达之次日起算复议期限", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, NOTICE_SHOWS, counts, shown, ("waiting",)),
        "page": Page([_notice_line(one, days) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [*([life.select("town", "乡镇（街道）", known, town)] if known else []), life.select("kind", "种类", RollNotice.Kind.choices, kind)],
        "first_head": "家庭", "unit": "份", "empty_title": "没有告知书", "empty_text": "确认变更后自动生成。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _notice_line(one: RollNotice, days: Calendar) -> Row:
    before = f"{words.yuan(one.before_fen)} → " if one.before_fen is not None else ""
    sent = Look("待送达", "warn") if one.delivered_on is None else Look(one.get_delivered_how_display(), "ok", "check")
    return Row(
        life.who(one.household, one.person), reverse("web:roll-notice", args=[one.pk]), note=one.no,
        cells=(
            Cell("项目", life.programme(one.programme)), Cell("种类", look=KINDS[one.kind]),
            Cell("月金额（元）", f"{before}{words.yuan(one.after_fen)}", css="n"),
            Cell("起始月", str(Month.parse(str(one.effective_month))), css="num"),
            Cell("作出", one.made_on.isoformat(), css="num"),
            Cell("送达", one.delivered_on.isoformat() if one.delivered_on else "", look=sent, css="num"),
            Cell("复议至", _day(one.appeal_until_by(days)), css="num"),
        ),
    )  # fmt: skip


def roll_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """One notice as it was made, and its delivery."""
    user: Any = request.user
    rows = RollNotice.objects.select_related("household__head", "person", "determination", "made_by", "delivered_by")
    row = access.one(rows, user=user, what="告知书", pk=pk)
    form = DeliverForm(request.POST or None, initial={"on": clock.today()})
    may = row.delivered_on is None and navigation.may(request, notices.DELIVERERS, row.region)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        posting.attempt(
            request, lambda: notices.deliver(row, acting_user=user, on=data["on"], how=data["how"], received_by=data["received_by"]),
            "已登记送达。",
        )  # fmt: skip
        return posting.back(reverse("web:roll-notice", args=[pk]))
    month = Month.parse(str(row.effective_month))
    text: list[tuple[str, Any]] = [
        ("当事人", life.who(row.household, row.person)), ("项目", life.programme(row.programme)),
        ("决定", f"{row.get_kind_display()}：自 {month} 起每月 {words.yuan(row.after_fen)} 元（原 {words.yuan(row.before_fen)} 元）"),
        *([("渐退", f"维持原待遇至 {Month.parse(str(row.until_month))}，到期自动停发")] if row.until_month else []),
        ("理由", row.reasons), ("依据", row.clause), ("救济途径", row.appeal),
    ]  # fmt: skip
    links = [
        {
            "href": reverse("web:determination", args=[row.determination_id]),
            "label": "决定和计算说明",
            "icon": "file-certificate",
        }
    ]
    context = {
        "title": f"告知书 {row.no}", "crumb": {"label": "调整告知书", "href": reverse("web:roll-notices")},
        "marks": [KINDS[row.kind], Look("待送达", "warn") if row.delivered_on is None else Look("已送达", "ok", "check")],
        "meta": [row.household.no, places.path(row.region, 3)], "links": links if navigation.may_read(request) else [],
        "parts": [Part("内容", text)],
        "side": [Part("送达", [
            ("作出", f"{row.made_on}，{row.made_by.name if row.made_by else '系统'}"),
            ("送达", row.delivered_on.isoformat() if row.delivered_on else "还没有送达"),
            ("方式", row.get_delivered_how_display()), ("签收人", row.received_by), ("复议期限至", _day(row.appeal_until)),
        ])],
        "deeds": [Deed("deliver", "登记送达", "登记送达", form, "登记后不能再改", primary=True)] if may else [],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _day(on: date | None) -> str:
    return on.isoformat() if on else "待定"
