"""Starting a sweep, and what it could not take for a match: listed, looked at, settled."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month, PeriodError
from tuodi.kernel.places import trim
from tuodi.monitoring import sweep_actions, sweep_queries, sweep_reports, tasks
from tuodi.monitoring.models import SweepFinding, SweepRun
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.people.enums import Programme
from tuodi.verification.models import RegisterBatch
from tuodi.web.components import clue_words, navigation, pages, places, posting
from tuodi.web.components.form_parts import PlaceOrOwn
from tuodi.web.components.pages import Page

#: Lists of a sweep that are about people: address -> (title, sentence).
LISTS = {
    "unconsented": ("无授权，未比对", "没有有效核对授权书的人，只列名单；补签授权后下次比对"),
    "unkeyed": ("证件号码不能用，未比对", "没有可用的证件号码的人；核实号码后下次比对"),
    **{
        str(kind): (label, "号码与登记有出入，须由人核对；核对以前不生成线索")
        for kind, label in SweepFinding.Kind.choices
    },
}
SETTLED = [
    (code, label) for code, label in SweepFinding.Settled.choices if code in ("same", "other", "noted")
]  # 已转线索 is what a clue says, not a person


class StartForm(PlaceOrOwn, forms.Form):
    """Which roll against which batches."""

    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    as_of = forms.DateField(
        label="比对日期", required=False, help_text="不填为今天；规则和名册取当天", input_formats=["%Y-%m-%d"]
    )
    first = forms.CharField(
        label="数据期起", max_length=7, required=False, help_text="例如 2016-07；不填则比对当日名册"
    )
    last = forms.CharField(label="数据期止", max_length=7, required=False, help_text="例如 2017-04")
    programmes = forms.MultipleChoiceField(
        label="项目",
        required=False,
        choices=[(code, label) for code, label in Programme.choices if code in ("dibao", "tekun", "child")],
        widget=forms.CheckboxSelectMultiple,
        help_text="不选为全部",
    )
    batches = forms.MultipleChoiceField(label="登记批次", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["batches"].choices = choices

    def clean(self) -> dict[str, Any]:
        """Both months or neither."""
        data: dict[str, Any] = super().clean() or {}
        typed = [(name, str(data.get(name) or "").strip()) for name in ("first", "last")]
        if bool(typed[0][1]) != bool(typed[1][1]):
            self.add_error("last" if typed[0][1] else "first", "起止月份要么都填，要么都不填")
            return data
        for name, text in typed:
            if text:
                try:
                    data[name] = Month.parse(text)
                except PeriodError as error:
                    self.add_error(name, str(error))
        return data


def start(request: HttpRequest) -> HttpResponse:
    """The form of a new sweep; posted, the sweep is opened and computed as a job, and its page shows how far it is."""
    user: Any = request.user
    own = trim(user.office.place_code)
    batches = sweep_actions.sources_of(own)
    choices = [(str(batch.pk), _batch_label(batch)) for batch in batches]
    form = StartForm(request.POST or None, choices=choices, initial={"batches": [code for code, _ in choices]})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        chosen = [batch for batch in batches if str(batch.pk) in data["batches"]]
        try:
            run = sweep_actions.open_sweep(
                data["place"] or own,
                acting_user=user,
                as_of=data["as_of"],
                batches=chosen,
                months=(data["first"], data["last"]) if data.get("first") and data.get("last") else None,
                programmes=data["programmes"],
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            tasks.run_sweep.defer(run_id=run.pk, place=run.place_code)
            return posting.back(reverse("web:sweep", args=[run.pk]))
    context = {
        "form": form,
        "batches": batches,
        "place_names": places.names(user.office.place_code),
        "today": clock.today(),
    }
    return render(request, "county/sweep_start.html", context)


def _batch_label(batch: RegisterBatch) -> str:
    age = (clock.today() - batch.as_of).days
    stale = f"，已过 {age} 天，陈旧" if age > batch.source.freshness_days else ""
    return f"{batch.source.label}　{batch.batch_no}　数据日 {batch.as_of:%Y-%m-%d}　{batch.accepted:,} 行{stale}"


def people(request: HttpRequest, pk: int, which: str) -> HttpResponse:
    """Who was not compared, or was hit under another name or number: for a person to look at."""
    user: Any = request.user
    run = sweep_reports.access_sweep(user, pk)
    if which not in LISTS:
        raise NotFoundError("名单")
    title, text = LISTS[which]
    context: dict[str, Any] = {"run": run, "title": title, "text": text, "may_read": navigation.may_read(request)}
    if which in ("unconsented", "unkeyed"):
        if request.GET.get("as") == "csv":
            lines = sweep_queries.listed_csv(run, acting_user=user, reason=which)
            return HttpResponse(
                "".join(lines),
                content_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": f'attachment; filename="{run.no}-{which}.csv"'},
            )
        rows = sweep_queries.not_compared(run, acting_user=user, reason=which)
        found = pages.page_of(request, lambda start, stop: rows[start:stop], total=len(rows))
        return render(request, "county/sweep_people.html", context | {"page": found})
    return _findings(request, run, which, context)


def _findings(request: HttpRequest, run: SweepRun, kind: str, context: dict[str, Any]) -> HttpResponse:
    user: Any = request.user
    if request.method == "POST":
        key = posting.text(request, "finding", 18)
        finding = access.one(
            SweepFinding.objects.filter(run=run, kind=kind),
            user=user,
            what="待核事项",
            pk=int(key) if key.isdigit() and key.isascii() else 0,
        )
        posting.attempt(
            request,
            lambda: sweep_actions.settle_finding(
                finding, posting.text(request, "settled", 8), acting_user=user, note=posting.text(request, "note", 300)
            ),
            "核对结果已登记。",
        )
        return posting.back(request.get_full_path())
    open_only = request.GET.get("all") != "1"
    rows = (
        sweep_queries.findings(user, kind=kind, open_only=open_only)
        .filter(run=run)
        .select_related("settled_by", "batch__source")
    )
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    items = [
        {
            "pk": one.pk,
            "name": one.person.name,
            "id_masked": one.person.id_masked,
            "other": one.other_name,
            "place": places.path(one.region),
            "source": one.batch.source.label if one.batch else "",
            "text": _told(one),
            "href": reverse("web:family", args=[one.household_id]),
            "settled": one.get_settled_display() if one.settled else "",
            "by": one.settled_by.name if one.settled_by else "",
            "note": one.note,
        }
        for one in found.items
    ]
    return render(
        request,
        "county/sweep_findings.html",
        context | {
            "page": Page(items, found.number, None, found.previous, found.next),
            "open_only": open_only,
            "settled": [(code, label) for code, label in SETTLED if not (code == "same" and kind == "cross_region")],
            "may_settle": navigation.may(request, ["sweep", "verify", "clue_decide"], run.region) or bool({"verify", "clue_decide"} & set(navigation.held_duties(request))),
        },
    )  # fmt: skip


def _told(finding: SweepFinding) -> str:
    """What a finding holds, in words; never a whole number."""
    data = dict(finding.data)
    parts = []
    if kind := data.get("kind"):
        parts.append(clue_words.source(str(kind)))
    if data.get("line_no") or data.get("line"):
        parts.append(f"第 {data.get('line_no') or data.get('line')} 行")
    for county in data.get("counties") or data.get("places") or ():
        parts.append(places.name(str(county)))
    return "，".join(parts)
