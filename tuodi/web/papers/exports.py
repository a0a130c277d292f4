"""`/exports/`: rosters and ledgers as spreadsheets; ask, second approval, make, download."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import trim
from tuodi.monitoring import export_actions, tasks
from tuodi.monitoring.export_actions import access_export, ledger_of
from tuodi.monitoring.ledgers import LEDGERS, Choices
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import Export
from tuodi.org.models import DutyCode
from tuodi.people.enums import Programme
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.form_parts import MonthOrNow, PlaceOrOwn
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import guarded_file

State = Export.State
LOOKS = {
    State.WAITING: Look("待审批", "warn", "clock"),
    State.APPROVED: Look("待生成", "info"),
    State.READY: Look("可下载", "ok", "check"),
    State.REFUSED: Look("未批准", "bad", "x"),
    State.EXPIRED: Look("已过期"),
}
#: Rows made while somebody waits; more are made as a job.
SMALL = 5_000


class ExportForm(MonthOrNow, PlaceOrOwn, forms.Form):
    """What, of where, of when, and for what."""

    kind = forms.ChoiceField(label="内容")
    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    programme = forms.ChoiceField(label="项目", choices=Programme.choices, help_text="花名册使用")
    month = forms.CharField(label="月份", max_length=7, required=False, help_text="花名册和特困台账；不填为本月")
    since = forms.DateField(label="起日", required=False, help_text="台账；不填为今年 1 月 1 日")
    until = forms.DateField(label="止日", required=False, help_text="台账；不填为今天")
    reason = forms.CharField(label="用途", max_length=200, required=False)

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], allowed: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kinds
        self.fields["reason"].help_text = f"超过 {allowed} 行的必须填写，并由另一人审批" if allowed else ""
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})
            self.fields[name].error_messages["invalid"] = "日期写法不对，例如 2017-09-01。"


def kinds_of(request: HttpRequest) -> list[tuple[str, str]]:
    """What the reader's duties let him take out."""
    held = set(navigation.held_duties(request))
    return [(one.key, one.label) for one in LEDGERS.values() if held & set(one.duties)]


def listing(request: HttpRequest) -> HttpResponse:
    """Exports in range that are the reader's own or wait for his approval; a POST asks for one."""
    user: Any = request.user
    today: date = clock.today()
    kinds = kinds_of(request)
    form = None
    if kinds:
        allowed = f"{limit('export_limit', trim(user.office.place_code), today):,}"
        wanted = request.GET.get("kind", "")
        first = wanted if wanted in dict(kinds) else "roster"
        form = ExportForm(
            request.POST or None, kinds=kinds, allowed=allowed, initial={"kind": first, "programme": "dibao"}
        )
    if form is not None and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        choices = Choices(
            data["programme"], data["month"], data["since"] or today.replace(month=1, day=1), data["until"] or today
        )
        try:
            made = export_actions.request(
                acting_user=user,
                kind=data["kind"],
                place=data["place"] or trim(user.office.place_code),
                choices=choices,
                reason=data["reason"],
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            return posting.back(reverse("web:export", args=[made.pk]))
    rows = Export.objects.select_related("requested_by", "approved_by").order_by("-id")
    if DutyCode.HAND_OVER_APPROVE not in navigation.held_duties(request):
        rows = rows.filter(requested_by=user)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=20)
    page = Page([_line(one) for one in found.items], found.number, None, found.previous, found.next)
    return render(request, "papers/exports.html", {"page": page, "form": form})


def _line(row: Export) -> dict[str, Any]:
    ledger = LEDGERS.get(row.kind)
    return {
        "row": row,
        "href": reverse("web:export", args=[row.pk]),
        "label": ledger.label if ledger else row.kind,
        "place": places.path(row.place_code),
        "rows": row.rows if row.rows is not None else row.expected,
        "look": LOOKS[State(row.state)],
    }


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One export; a POST does one step."""
    user: Any = request.user
    row = _own_or_to_approve(request, access_export(user, pk))
    if request.method == "POST":
        return _answer(request, row)
    mine = row.requested_by_id == user.pk
    choices = Choices.from_json(row.choices)
    ledger = LEDGERS.get(row.kind)
    narrowed = [Programme(choices.programme).label] if ledger and ledger.by_programme else []
    narrowed.append(str(choices.month) if ledger and ledger.by_month else f"{choices.since} 至 {choices.until}")
    context = {
        **_line(row),
        "narrowed": narrowed,
        "waiting": row.state == State.WAITING,
        "locked": guarded_file.approval_lock(request, row),
        "mine": mine,
        "may_make": row.state == State.APPROVED and mine,
        "may_fetch": row.state == State.READY and mine and not (row.expires_on and row.expires_on < clock.today()),
        "run": {"progress": _progress(row)},
    }
    return render(request, "papers/export.html", context)


def _own_or_to_approve(request: HttpRequest, row: Export) -> Export:
    user: Any = request.user
    if row.requested_by_id != user.pk and DutyCode.HAND_OVER_APPROVE not in navigation.held_duties(request):
        from tuodi.org.errors import NotFoundError

        raise NotFoundError("导出")
    return row


def _progress(row: Export) -> dict[str, Any] | None:
    if row.state != State.APPROVED or not row.progress_done:
        return None
    return {
        "href": reverse("web:export-progress", args=[row.pk]),
        "label": "正在生成",
        "done": row.progress_done,
        "total": row.expected,
        "what": "行",
        "percent": pages.share(row.progress_done, row.expected),
    }


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; when the work is over the whole page is asked for again."""
    found = _progress(_own_or_to_approve(request, access_export(request.user, pk)))
    if found is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "county/run_progress.html", {"run": {"progress": found}})


def _answer(request: HttpRequest, row: Export) -> HttpResponse:
    def later(pk: int, user: int) -> None:
        tasks.make_export.defer(export_id=pk, user_id=user)

    if not guarded_file.take_step(request, row, export_actions, small=SMALL, later=later):
        posting.refuse(request, "这个操作现在不能办理，请刷新后再看。")
    return posting.back(reverse("web:export", args=[row.pk]))


def download(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """The file, for who asked for it alone; each time is counted and logged."""
    row = access_export(request.user, pk)
    ledger_of(row.kind)
    try:
        with export_actions.fetch(row, acting_user=request.user) as path:
            handle = path.open("rb")  # stays readable after the plain copy is unlinked
    except TuodiError as error:
        posting.refuse(request, str(error))
        return posting.back(reverse("web:exports"))
    response = FileResponse(handle, as_attachment=True, filename=f"{row.no}.xlsx", content_type=export_actions.MEDIA)
    response["Cache-Control"] = "no-store"
    return response
