"""Papers that bring and move money: the list, a new one, its decision; public funds, population, order of drawing."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds import queries
from tuodi.funds.actions import papers as actions
from tuodi.funds.ledger import source_label
from tuodi.funds.models import Float, FundPaper, HospitalAgreement, PublicFund
from tuodi.funds.programmes import choices, programme_label
from tuodi.funds.states import AgreementState, FundProgramme, PaperKind, PaperState, Source
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12, trim
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.form_parts import MonthField
from tuodi.web.components.pages import Page
from tuodi.web.funds.common import LOOKS, YuanField, counties_at, county_of, offer, over_plan, place_of

TABS = (("waiting", "待审核"), ("all", "全部"))
#: Kind -> fields of the form, in order.
FIELDS = {
    PaperKind.APPROPRIATION: ("county", "programme", "source", "amount", "doc_no", "doc_day", "reason"),
    PaperKind.TRANSFER: ("county", "programme", "to_programme", "source", "amount", "reason"),
    PaperKind.PLAN: ("county", "programme", "source", "month", "amount", "reason"),
    PaperKind.ADVANCE: ("town", "amount", "reason"),
    PaperKind.HAND_BACK: ("county", "year", "programme", "source", "amount", "reason"),
    PaperKind.CARRY: ("county", "year", "programme", "source", "amount", "reason"),
    PaperKind.HOSPITAL: ("hospital", "amount", "reason"),
    PaperKind.HOSPITAL_BACK: ("hospital", "amount", "reason"),
}
WORDS = {
    PaperKind.APPROPRIATION: "财政下达的指标，按文号登记；同意后进入子账户",
    PaperKind.TRANSFER: "子账户之间调剂，写明理由；同意后记账",
    PaperKind.PLAN: "下月用款，报财政审核；不动钱，发放超过计划时审批要写明理由，或被拦住",
    PaperKind.ADVANCE: "从临时救助子账户拨到乡镇备用金",
    PaperKind.HAND_BACK: "结余上缴给原来源",
    PaperKind.CARRY: "结余留到下年使用，金额等于子账户年末可用",
    PaperKind.HOSPITAL: "从医疗救助子账户预付给定点医院，不超过协议上限",
    PaperKind.HOSPITAL_BACK: "医院交回没有用完的预付款",
}


class PaperForm(forms.Form):
    """One paper; fields its kind has no use for are left out."""

    county = forms.ChoiceField(label="县（市、区）")
    town = forms.ChoiceField(label="乡镇（街道）", help_text="先在“备用金”页设立，才能预拨")
    hospital = forms.ChoiceField(label="定点医院", help_text="协议生效的医院")
    year = forms.IntegerField(label="年度", min_value=2000, max_value=2199)
    programme = forms.ChoiceField(label="项目")
    to_programme = forms.ChoiceField(label="调入项目")
    source = forms.ChoiceField(label="资金来源", help_text="公益基金先登记，只用于限定的用途")
    month = MonthField(label="月份", help_text="例如 2017-10")
    amount = YuanField(label="金额（元）")
    doc_no = forms.CharField(label="指标文号", max_length=60, help_text="同一文号的同一项只登记一次")
    doc_day = forms.DateField(label="发文日期", widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.CharField(label="用途或理由", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, kind: str, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        funds = PublicFund.objects.order_by("id")
        if kind not in (PaperKind.HAND_BACK, PaperKind.CARRY):
            funds = funds.filter(
                closed_on__isnull=True
            )  # what came back to a closed one is handed back, or carried over
        self.funds = {one.source: one for one in funds}
        if "county" in FIELDS[PaperKind(kind)]:
            offer(self, "county", counties_at(place_of(request)))
        floats = Float.objects.filter(closed_at__isnull=True).order_by("region")
        self.fields["town"].choices = [(one.region[:9], places.path(one.region)) for one in floats]  # type: ignore[attr-defined]
        self.fields["source"].choices = [  # type: ignore[attr-defined]
            *(one for one in Source.choices if one[0] != Source.SOCIETY.value),
            *((key, f"{one.name}（{places.name(one.region)}）") for key, one in self.funds.items()),
        ]
        self.hospitals = {one.no: one for one in HospitalAgreement.objects.filter(state=AgreementState.ACTIVE)}
        self.fields["hospital"].choices = [
            (no, f"{one.name}（{places.name(one.region)}）") for no, one in self.hospitals.items()
        ]  # type: ignore[attr-defined]
        self.fields["hospital"].initial = request.GET.get("hospital", "")
        sorts = choices(trim(place_of(request)))
        for name in ("programme", "to_programme"):
            self.fields[name].choices = sorts  # type: ignore[attr-defined]
        if kind == PaperKind.PLAN:
            self.fields["programme"].choices = [one for one in sorts if one[0] != FundProgramme.POOL]  # type: ignore[attr-defined]
            self.fields["source"].choices = [("", "各来源合计"), *self.fields["source"].choices]  # type: ignore[attr-defined]
            self.fields["source"].required = False
            self.fields["source"].help_text = "写明来源的，只限这个来源"
        self.fields["year"].initial = clock.today().year
        for name in set(self.fields) - set(FIELDS[PaperKind(kind)]):
            del self.fields[name]
        self.order_fields(FIELDS[PaperKind(kind)])


def listing(request: HttpRequest) -> HttpResponse:
    """Papers in the reader's range."""
    place = place_of(request)
    chosen, tabs = pages.tabs_of(request, TABS, "waiting")
    kind = request.GET.get("kind", "")
    rows = queries.papers(
        place, state=PaperState.PROPOSED if chosen == "waiting" else "", kind=kind if kind in PaperKind.values else ""
    )
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    context = {
        "page": Page([_line(one) for one in found.items], found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
        # In a county's own list all papers are of the same place.
        "several": len(place) < 6,
        "kinds": [
            {"code": code, "label": label, "text": WORDS[PaperKind(code)]}
            for code, label in PaperKind.choices
            if code in WORDS
        ],
        "may_keep": DutyCode.FUND_KEEP in navigation.held_duties(request),
    }
    return render(request, "funds/papers.html", context)


def _line(row: FundPaper) -> dict[str, Any]:
    what = programme_label(row.programme)
    if row.to_programme:
        what += f" → {programme_label(row.to_programme)}"
    elif row.town:
        what = f"临时救助 → {places.name(row.town)}备用金"
    elif row.hospital:
        arrow = "→" if row.kind == PaperKind.HOSPITAL else "←"
        what = f"医疗救助 {arrow} {row.hospital.name}"
    elif row.target_id:
        what = f"凭证 {row.target_id}"
    return {
        "row": row,
        "href": reverse("web:fund-paper", args=[row.no]),
        "place": places.name(row.region),
        "what": what,
        "source": row.fund.name if row.fund else source_label(row.source) if row.source else "",
        "look": LOOKS[PaperState(row.state)],
    }


def new(request: HttpRequest) -> HttpResponse:
    """Proposes a paper; its kind stands in the address."""
    user: Any = request.user
    kind = request.GET.get("kind", "")
    if kind not in WORDS:
        kind = PaperKind.APPROPRIATION.value
    form = PaperForm(request.POST or None, kind=kind, request=request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        source = given.get("source", "")
        fund = form.funds.get(source)
        hospital = form.hospitals.get(given.get("hospital", ""))
        fixed = FundProgramme.MEDICAL if hospital else FundProgramme.TEMPORARY
        county = given.get("county") or (hospital.region if hospital else given["town"])[:6]
        try:
            paper = actions.propose(
                acting_user=user, county=county, kind=kind, amount_fen=given["amount"], hospital=hospital,
                reason=given["reason"], programme=given.get("programme") or fixed.value,
                source="" if fund else source, fund=fund, to_programme=given.get("to_programme", ""),
                town=given.get("town", ""), year=given.get("year"), month=given.get("month"),
                doc_no=given.get("doc_no", ""), doc_day=given.get("doc_day"),
            )  # fmt: skip
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已提出 {paper.no}，待财政审核。")
            return posting.back(reverse("web:fund-paper", args=[paper.no]))
    context = {"form": form, "kind": PaperKind(kind), "text": WORDS[PaperKind(kind)]}
    return render(request, "funds/paper_new.html", context)


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One paper; a POST decides it."""
    user: Any = request.user
    row = access.one(
        FundPaper.objects.select_related("proposed_by", "decided_by", "fund", "hospital", "target__by"),
        user=user,
        what="资金单据",
        no=no,
    )
    if request.method == "POST":
        approve = posting.text(request, "do", 10) == "approve"
        posting.attempt(
            request,
            lambda: actions.decide(row, acting_user=user, approve=approve, note=posting.text(request, "note", 300)),
            "已同意并记账。" if approve else "已退回，理由已记录。",
        )
        return posting.back(request.path)
    mine = row.proposed_by_id == user.pk
    may = navigation.may(request, [DutyCode.FUND_REVIEW], row.region) and row.state == PaperState.PROPOSED
    context = {
        "line": _line(row),
        "row": row,
        "may_decide": may and not mine,
        "locked": "您提出的单据，由另一人审核。" if may and mine else "",
        **over_plan(
            row.region,
            row.programme,
            row.amount_fen,
            asked=may and not mine and row.kind in (PaperKind.ADVANCE, PaperKind.HOSPITAL),
        ),
    }
    return render(request, "funds/paper.html", context)


class PublicForm(forms.Form):
    """A public fund."""

    name = forms.CharField(label="名称", max_length=60)
    owner = forms.CharField(label="出资或管理单位", max_length=60)
    purposes = forms.MultipleChoiceField(
        label="限定用途",
        widget=forms.CheckboxSelectMultiple,
    )
    note = forms.CharField(label="用途说明", max_length=200, required=False)


def public(request: HttpRequest) -> HttpResponse:
    """Public funds of a county with what they hold; a POST registers one."""
    user: Any = request.user
    county = county_of(request)
    may = bool(county) and navigation.may(request, [DutyCode.FUND_KEEP], pad12(county))
    form = PublicForm(request.POST or None)
    form.fields["purposes"].choices = [one for one in choices(trim(place_of(request))) if one[0] != FundProgramme.POOL]  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            fund = actions.open_fund(acting_user=user, county=county or user.office.place_code[:6], **given)
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已登记 {fund.name}。到账时提出“指标下达”。")
            return posting.back(request.get_full_path())
    standing = queries.standing(place_of(request))
    rows = []
    for fund in PublicFund.objects.order_by("region", "id"):
        mine = [one for one in standing if one.source == fund.source]
        rows.append(
            {
                "fund": fund,
                "place": places.name(fund.region),
                "purposes": "、".join(programme_label(one) for one in fund.purposes),
                "came": sum(one.brought for one in mine),
                "paid": sum(one.paid for one in mine),
                "left": sum(one.total for one in mine),
            }
        )
    return render(request, "funds/public.html", {"rows": rows, "form": form if may else None})


def population(request: HttpRequest) -> HttpResponse:
    """Enters a year's population."""
    number, year = posting.text(request, "residents", 12).replace(",", ""), posting.text(request, "year", 4)
    if not (number.isascii() and number.isdigit() and year.isascii() and year.isdigit()):
        posting.refuse(request, "人口和年度应是整数。")
    else:
        posting.attempt(
            request,
            lambda: actions.enter_population(
                acting_user=request.user,  # type: ignore[arg-type]
                county=posting.text(request, "county", 6),
                year=int(year),
                residents=int(number),
                basis=posting.text(request, "basis", 100),
            ),
            "已登记人口。",
        )
    return posting.back(reverse("web:funds"))


def release(request: HttpRequest) -> HttpResponse:
    """Makes a run's returned money available."""
    run = posting.text(request, "run", 18)
    if run.isascii() and run.isdigit():
        posting.attempt(
            request,
            lambda: actions.release_suspense(
                acting_user=request.user,  # type: ignore[arg-type]
                county=posting.text(request, "county", 6),
                run_id=int(run),
            ),
            "已转回可用。",
        )
    return posting.back(reverse("web:funds"))


def _sources(typed: str) -> list[str]:
    """中央、省级、…… as an officer writes it, or the codes; what is neither stays and is refused by the action."""
    names = {str(one.label): str(one) for one in Source} | {
        "社会": str(Source.SOCIETY),
        "公益基金": str(Source.SOCIETY),
    }
    return [names.get(one, one) for one in re.split(r"[\s,，、；;→]+", typed.strip(" ,，、"))]


def order(request: HttpRequest) -> HttpResponse:
    """Sets the order of drawing."""
    posting.attempt(
        request,
        lambda: actions.set_order(
            acting_user=request.user,  # type: ignore[arg-type]
            county=posting.text(request, "county", 6),
            order=_sources(posting.text(request, "order", 100)),
        ),
        "已设定动用顺序。",
    )
    return posting.back(reverse("web:funds"))
