"""The third-party annual check: contracts, coverage by village, findings the county must decide, the report."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from django import forms
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.places import trim
from tuodi.monitoring import thirdparty_actions, thirdparty_queries
from tuodi.monitoring.models import ThirdPartyContract, ThirdPartyTask
from tuodi.monitoring.thirdparty_queries import Report
from tuodi.monitoring.thirdparty_visits import Seen, seen_of
from tuodi.org import access
from tuodi.org.models import DutyCode, Office, User
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.form_parts import PlaceOrOwn
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look

LOOKS = {
    "contracted": Look("已签约"),
    "assigned": Look("核查中", "info"),
    "reported": Look("核查完毕", "warn"),
    "decided": Look("已处理", "ok", "check"),
    "evaluated": Look("已评估", "ok", "check"),
}
OPINIONS = {
    "eligible": Look("符合条件", "ok"),
    "not": Look("不符合条件", "bad"),
    "doubt": Look("有疑问", "warn"),
    "": Look("未核查", "unknown"),
}
SHOWS = (("todo", "待处理"), ("not", "不符合"), ("doubt", "有疑问"), ("left", "未核查"), ("all", "全部"))
VILLAGES = 30


class ContractForm(PlaceOrOwn, forms.Form):
    """A contract with a provider."""

    provider = forms.ModelChoiceField(label="服务机构", queryset=Office.objects.none(), empty_label="请选择")
    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    first_day = forms.DateField(label="合同起", input_formats=["%Y-%m-%d"], help_text="例如 2017-06-01")
    last_day = forms.DateField(label="合同止", input_formats=["%Y-%m-%d"])
    scope = forms.CharField(label="核查范围", max_length=200, help_text="例如 全区低保、特困家庭每户一次")
    price = forms.CharField(label="合同价款（元）", max_length=20, required=False, help_text="不填为未约定")

    def __init__(self, *args: Any, place: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = access.range_of(place)
        self.fields["provider"].queryset = Office.objects.filter(
            kind=Office.Kind.PROVIDER, is_active=True, place_code__gte=found.low, place_code__lt=found.high
        ).order_by("name")

    def clean_price(self) -> int | None:
        """Fen, or None."""
        text = self.cleaned_data["price"].replace(",", "").strip()
        try:
            return parse_yuan(text) if text else None
        except TuodiError as error:
            raise forms.ValidationError("不是金额，请按元填写，例如 318000.00") from error


def listing(request: HttpRequest) -> HttpResponse:
    """Contracts in the reader's range, newest first; who decides on clues may register one."""
    user: Any = request.user
    own = trim(user.office.place_code)
    may = DutyCode.CLUE_DECIDE in navigation.held_duties(request)
    form = ContractForm(request.POST or None, place=own) if may else None
    if form is not None and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = thirdparty_actions.make_contract(
                acting_user=user,
                place=data["place"] or own,
                provider=data["provider"],
                first_day=data["first_day"],
                last_day=data["last_day"],
                scope=data["scope"],
                price_fen=data["price"],
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            return posting.back(reverse("web:contract", args=[made.pk]))
    rows = thirdparty_queries.contracts()
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    items = [_contract(one) for one in found.items]
    context = {
        "page": Page(items, found.number, None, found.previous, found.next),
        "form": form,
        "place_names": places.names(user.office.place_code),
    }
    return render(request, "county/contracts.html", context)


def _contract(one: Any) -> dict[str, Any]:
    return {
        "href": reverse("web:contract", args=[one.pk]),
        "no": one.no,
        "provider": one.provider.name,
        "place": places.path(one.place_code),
        "first": one.first_day,
        "last": one.last_day,
        "look": LOOKS.get(one.state, Look(one.get_state_display())),
        "tasks": one.n_tasks,
        "visits": one.n_visits,
        "against": one.n_not,
        "rate": _percent(Fraction(one.n_not, one.n_visits) if one.n_visits else None),
        "score": one.score,
    }


def _percent(share: Fraction | None) -> str:
    """A share with one decimal, exact before the last rounding; 「—」 for none."""
    if share is None:
        return words.DASH
    tenths = (share * 2000 + 1) // 2  # half up
    return f"{tenths // 10}.{tenths % 10}%"


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One contract: report, coverage by village, findings to decide. A fixed number of queries."""
    user: Any = request.user
    contract = thirdparty_queries.access_contract(user, pk)
    if request.method == "POST":
        return _answer(request, contract)
    report = thirdparty_queries.third_party_report(contract)
    villages = sorted(thirdparty_queries.village_lists(contract), key=lambda row: (row[2] - row[1], row[0]))
    which = request.GET.get("show", "todo")
    which = which if which in dict(SHOWS) else "todo"
    rows = _tasks(contract, which)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    seen = seen_of(found.items)
    may = navigation.may(request, [DutyCode.CLUE_DECIDE], contract.region)
    context = {
        "contract": contract,
        "look": LOOKS.get(contract.state, Look(contract.get_state_display())),
        "place": places.path(contract.place_code),
        "figures": _figures(report),
        "balance": f"符合 {report.eligible:,} ＋ 不符合 {report.not_eligible:,} ＋ 有疑问 {report.doubt:,} ＝ 核查 {report.visits:,} 户次；核查 {report.visits:,} ＋ 未核查 {report.left:,} ＝ 任务 {report.tasks:,}",
        "villages": [_village(*row) for row in villages[:VILLAGES]],
        "villages_more": max(0, len(villages) - VILLAGES),
        "page": Page([_task(one, seen.get(one.pk)) for one in found.items], found.number, None, found.previous, found.next),
        "shows": [{"label": label, "href": f"?show={code}", "current": code == which} for code, label in SHOWS],
        "may": may,
        "may_assign": may and contract.state in ("contracted", "assigned", "reported"),
        "may_evaluate": may and contract.state == "decided",
        "decisions": [(code, label) for code, label in ThirdPartyTask.Decision.choices if code],
        "visitors": list(User.objects.filter(office=contract.provider_id, is_active=True).order_by("name")) if may else [],
    }  # fmt: skip
    return render(request, "county/contract.html", context)


def _tasks(contract: ThirdPartyContract, which: str) -> Any:
    """Tasks of one kind, what must be decided first."""
    rows = ThirdPartyTask.objects.filter(contract=contract).select_related(
        "household__head", "visitor", "reported_by", "decided_by", "clue"
    )
    if which == "todo":
        rows = rows.filter(state=ThirdPartyTask.State.REPORTED)
    elif which in ("not", "doubt"):
        rows = rows.filter(opinion=which)
    elif which == "left":
        rows = rows.filter(state=ThirdPartyTask.State.ASSIGNED)
    first = Case(
        When(opinion="not", then=Value(0)),
        When(opinion="doubt", then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.annotate(first=first).order_by("first", "region", "id")


def _village(region: str, tasks: int, visits: int, against: int) -> dict[str, Any]:
    return {
        "name": places.path(region),
        "tasks": tasks,
        "visits": visits,
        "against": against,
        "width": 100 * visits // tasks if tasks else 0,
        "coverage": _percent(Fraction(visits, tasks) if tasks else None),
        "rate": _percent(Fraction(against, visits) if visits else None),
    }


def _figures(report: Report) -> list[dict[str, Any]]:
    per = f"每户次 {words.yuan(report.fen_per_visit)} 元" if report.fen_per_visit is not None else "未约定价款"
    return [
        {"label": "任务", "value": f"{report.tasks:,}", "unit": "户次", "foot": f"涉及 {report.households:,} 户"},
        {"label": "已核查", "value": f"{report.visits:,}", "unit": "户次", "foot": f"覆盖 {_percent(report.coverage)}；城市 {report.urban:,}，农村 {report.rural:,}"},
        {"label": "不符合条件", "value": f"{report.not_eligible:,}", "unit": "户次", "foot": f"占核查 {_percent(report.hit_rate)}"},
        {"label": "区县已处理", "value": f"{report.decided:,}", "unit": "户次", "foot": f"转线索 {report.clues:,}，查实 {report.confirmed:,}，查否 {report.refuted:,}"},
        {"label": "核查准确", "value": _percent(report.precision), "foot": f"查实 ÷ 已有结论；{per}"},
    ]  # fmt: skip


def _task(one: Any, seen: Seen | None) -> dict[str, Any]:
    return {
        "pk": one.pk,
        "head": one.household.head.name,
        "no": one.household.no,
        "href": reverse("web:family", args=[one.household_id]),
        "place": places.path(one.region),
        "round": one.round,
        "look": OPINIONS.get(one.opinion, Look(one.opinion)),
        "reasons": one.reasons,
        "who": one.reported_by.name if one.reported_by else one.visitor.name if one.visitor else "",
        "visited": one.visited_at,
        "state": one.state,
        "decision": one.get_decision_display() if one.decision else "",
        "note": one.decision_note,
        "clue_href": reverse("web:clue", args=[one.clue.no]) if one.clue else "",
        "seen": seen,
        "usual": {"eligible": "accept", "not": "clue", "doubt": "review"}.get(one.opinion, ""),
    }


def _answer(request: HttpRequest, contract: ThirdPartyContract) -> HttpResponse:
    user: Any = request.user
    what = posting.text(request, "do", 12)
    if what == "decide":
        _decide(request, contract)
    elif what == "assign":
        every = posting.text(request, "every", 3)
        villages = [
            code
            for code in posting.text(request, "villages", 2000).replace("，", ",").replace(",", " ").split()
            if code
        ]
        visitors = list(
            User.objects.filter(
                office=contract.provider_id, pk__in=[k for k in request.POST.getlist("visitor") if k.isdigit()]
            )
        )
        posting.attempt(
            request,
            lambda: thirdparty_actions.assign(
                contract,
                acting_user=user,
                villages=[trim(code) for code in villages],
                every=int(every) if every.isdigit() and every.isascii() else 0,
                visitors=visitors,
            ),
            lambda n: f"已派 {n:,} 项任务；本轮已有任务的家庭不重复派。",
        )
    elif what == "evaluate":
        score = posting.text(request, "score", 3)
        posting.attempt(
            request,
            lambda: thirdparty_actions.evaluate(
                contract,
                acting_user=user,
                score=int(score) if score.isdigit() and score.isascii() else -1,
                text=posting.text(request, "text", 2000),
            ),
            "评估已登记。",
        )
    else:
        posting.refuse(request, "这个操作现在不能办理，请刷新后再看。")
    return posting.back(request.get_full_path())


def _decide(request: HttpRequest, contract: ThirdPartyContract) -> None:
    """Decide the chosen findings, each by itself; refusals are told together."""
    user: Any = request.user
    keys = [int(key) for key in request.POST.getlist("task")[:500] if key.isascii() and key.isdigit() and len(key) < 19]
    decision, note = posting.text(request, "decision", 10), posting.text(request, "note", 300)
    done, refused = 0, {}
    for task in ThirdPartyTask.objects.filter(contract=contract, pk__in=keys).order_by("pk"):
        try:
            thirdparty_actions.decide(task, decision, acting_user=user, note=note)
            done += 1
        except TuodiError as error:
            refused[str(error)] = refused.get(str(error), 0) + 1
    if done:
        posting.succeed(request, f"已处理 {done:,} 项。")
    for sentence, n in refused.items():
        posting.refuse(request, f"{n:,} 项没有处理：{sentence}")
    if not done and not refused:
        posting.refuse(request, "没有选中核查结果，请先勾选。")
