"""Hand-over of payment rows to a supervising body: ask, second approval, make, download, receipt."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month, PeriodError
from tuodi.kernel.places import trim
from tuodi.monitoring import handover_actions, handover_queries, tasks
from tuodi.monitoring.models import HandOver
from tuodi.org.models import DutyCode
from tuodi.people.enums import Programme
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.form_parts import PlaceOrOwn
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import guarded_file
from tuodi.web.county.sweep_page import row_label

LOOKS = {
    HandOver.State.WAITING: Look("待审批", "warn", "clock"),
    HandOver.State.APPROVED: Look("待生成", "info"),
    HandOver.State.READY: Look("可下载", "ok", "check"),
    HandOver.State.REFUSED: Look("未批准", "bad", "x"),
    HandOver.State.EXPIRED: Look("已过期"),
}
#: Rows made at once; more are made as a job.
SMALL = 20_000


class RequestForm(PlaceOrOwn, forms.Form):
    """What is handed over to whom, for what, on what grounds."""

    receiver = forms.CharField(label="接收单位", max_length=80, help_text="例如 市纪委监委驻民政局纪检监察组")
    purpose = forms.CharField(label="用途", max_length=200, help_text="印在每页页脚")
    basis = forms.CharField(label="依据文号", max_length=80, help_text="例如 荆纪函〔2017〕12号")
    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    first = forms.CharField(label="起始月", max_length=7, help_text="例如 2016-07")
    last = forms.CharField(label="终止月", max_length=7, help_text="例如 2017-04")
    format = forms.ChoiceField(label="格式", choices=HandOver.Format.choices, help_text="行数多时用 CSV 更快")
    programmes = forms.MultipleChoiceField(
        label="项目",
        required=False,
        choices=[(code, label) for code, label in Programme.choices if code in ("dibao", "tekun", "child")],
        widget=forms.CheckboxSelectMultiple,
        help_text="不选为全部",
    )

    def clean_first(self) -> Month:
        """A month."""
        return _month(self.cleaned_data["first"])

    def clean_last(self) -> Month:
        """A month."""
        return _month(self.cleaned_data["last"])


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except PeriodError as error:
        raise forms.ValidationError(str(error)) from error


def listing(request: HttpRequest) -> HttpResponse:
    """Hand-overs in the reader's range, newest first; who holds the duty may ask for one."""
    user: Any = request.user
    own = trim(user.office.place_code)
    may = DutyCode.HAND_OVER in navigation.held_duties(request)
    form = RequestForm(request.POST or None, initial={"format": "xlsx"}) if may else None
    if form is not None and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = handover_actions.request(
                acting_user=user,
                place=data["place"] or own,
                receiver=data["receiver"],
                purpose=data["purpose"],
                basis=data["basis"],
                first=data["first"],
                last=data["last"],
                programmes=data["programmes"],
                format=data["format"],
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            return posting.back(reverse("web:hand-over", args=[made.pk]))
    rows = handover_queries.hand_overs()
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    context = {
        "page": Page([_line(one) for one in found.items], found.number, None, found.previous, found.next),
        "form": form,
        "place_names": places.names(user.office.place_code),
    }
    return render(request, "county/hand_overs.html", context)


def _line(row: HandOver) -> dict[str, Any]:
    return {
        "href": reverse("web:hand-over", args=[row.pk]),
        "no": row.no,
        "receiver": row.receiver,
        "place": places.path(row.place_code),
        "months": f"{_words(row.first_month)} 至 {_words(row.last_month)}",
        "rows": row.rows if row.rows is not None else row.expected,
        "look": LOOKS[HandOver.State(row.state)],
        "by": row.requested_by.name,
        "approved": row.approved_by.name if row.approved_by else "",
        "receipt": row.receipt_by,
    }


def _words(yyyymm: int) -> str:
    return f"{yyyymm // 100}-{yyyymm % 100:02d}"


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One hand-over: what it holds, who agreed, its file, its receipt. A POST does one step."""
    user: Any = request.user
    row = handover_queries.access_hand_over(user, pk)
    if request.method == "POST":
        return _answer(request, row)
    held = navigation.held_duties(request)
    mine = row.requested_by_id == user.pk
    waiting = row.state == HandOver.State.WAITING
    context = {
        "row": row,
        "look": LOOKS[HandOver.State(row.state)],
        "place": places.path(row.place_code),
        "months": f"{_words(row.first_month)} 至 {_words(row.last_month)}",
        "programmes": "、".join(dict(Programme.choices).get(code, code) for code in row.programmes) or "全部项目",
        "parts": [{"label": row_label(key), "n": n} for key, n in sorted(row.rows_by.items())],
        "balance": " ＋ ".join(f"{n:,}" for _, n in sorted(row.rows_by.items())),
        "steps": _steps(row),
        "waiting": waiting,
        "approve_locked": guarded_file.approval_lock(request, row),
        "may_make": row.state == HandOver.State.APPROVED and mine,
        "may_fetch": row.state == HandOver.State.READY and mine and not (row.expires_on and row.expires_on < clock.today()),
        "may_receipt": row.state in (HandOver.State.READY, HandOver.State.EXPIRED) and bool(row.downloads) and DutyCode.HAND_OVER in held and not row.receipt_by,
        "mine": mine,
    }  # fmt: skip
    return render(request, "county/hand_over.html", context)


def _steps(row: HandOver) -> list[dict[str, str]]:
    def when(at: Any) -> str:
        return f"{localtime(at):%m-%d %H:%M}" if at else ""

    refused = row.state == HandOver.State.REFUSED
    done = {
        "asked": True,
        "approved": row.state not in (HandOver.State.WAITING, HandOver.State.REFUSED),
        "made": row.made_at is not None,
        "fetched": row.downloads > 0,
        "signed": bool(row.receipt_by),
    }
    exempt = row.approved_by is None and done["approved"]
    plan = (
        ("申请", f"{row.requested_by.name} {when(row.requested_at)}", done["asked"]),
        ("未批准" if refused else "审批", "未超过免审批行数" if exempt else f"{row.approved_by.name} {when(row.approved_at)}" if row.approved_by else "第二人", done["approved"]),
        ("生成", when(row.made_at) or "带水印、校验值", done["made"]),
        ("下载", f"{row.downloads} 次" if row.downloads else "只限申请人", done["fetched"]),
        ("签收", f"{row.receipt_by} {row.receipt_on:%m-%d}" if row.receipt_on else "接收单位回执", done["signed"]),
    )  # fmt: skip
    shown, now = [], True
    for number, (label, note, over) in enumerate(plan):
        state = "done" if over else "now" if now else ""
        now = now and over
        if refused and number == 1:
            state, now = "stopped", False
        shown.append({"label": label, "note": note, "state": state})
    return shown


def _answer(request: HttpRequest, row: HandOver) -> HttpResponse:
    user: Any = request.user

    def later(pk: int, user_pk: int) -> None:
        tasks.make_hand_over.defer(hand_over_id=pk, user_id=user_pk)

    if posting.text(request, "do", 12) == "receipt":
        by = posting.text(request, "by", 60)
        posting.attempt(request, lambda: handover_actions.acknowledge(row, by, acting_user=user), "回执已登记。")
    elif not guarded_file.take_step(request, row, handover_actions, small=SMALL, later=later):
        posting.refuse(request, "这个操作现在不能办理，请刷新后再看。")
    return posting.back(reverse("web:hand-over", args=[row.pk]))


def download(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """The file, for who asked for it alone; each time is counted and logged."""
    user: Any = request.user
    row = handover_queries.access_hand_over(user, pk)
    try:
        with handover_actions.fetch(row, acting_user=user) as path:
            handle = path.open("rb")  # stays readable after the plain copy is unlinked
    except TuodiError as error:
        posting.refuse(request, str(error))
        return posting.back(reverse("web:hand-over", args=[row.pk]))
    ending = "xlsx" if row.format == HandOver.Format.XLSX else "zip"
    return FileResponse(handle, as_attachment=True, filename=f"{row.no}.{ending}")
