"""Lists pushed to other departments: make one, take the file, note sending, receipt and what came of each family."""

from __future__ import annotations

from typing import Any

import polars as pl
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit.actions import record
from tuodi.exchange.bulk_xlsx import Column, Notes, write_xlsx
from tuodi.kernel import clock
from tuodi.monitoring import pushes
from tuodi.monitoring.models import ListPush, PushFamily
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.people.queries import access_household
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row
from tuodi.web.papers.printing import printer

READERS = (*pushes.DUTIES, DutyCode.SUPERVISE)
SHOWS = {"open": "在办", "overdue": "逾期未反馈", "unreceived": "没有回执", "done": "已办结", "all": "全部"}
State, Outcome = ListPush.State, PushFamily.Outcome
STATES = {
    State.MADE: Look("待发送", "info"), State.SENT: Look("待反馈", "warn"), State.ANSWERED: Look("已反馈", "ok", "check"),
    State.CANCELLED: Look("已撤销"),
}  # fmt: skip
OUTCOMES = {
    Outcome.WAITING: Look("待反馈", "info"), Outcome.HELPED: Look("已落实", "ok", "check"), Outcome.REFUSED: Look("不符合条件", "bad"),
    Outcome.RETURNED: Look("退回", "warn"), Outcome.APPROVED: Look("已批准", "info"), Outcome.BUILDING: Look("施工中", "info"),
    Outcome.ACCEPTED: Look("已验收", "ok"), Outcome.PAID: Look("补助已拨付", "ok", "check"),
}  # fmt: skip
#: Rows of one list shown on its page; the file holds all.
MOST = 500


class MakeForm(forms.Form):
    """Which list."""

    topic = forms.ChoiceField(label="推送事项")

    def __init__(self, *args: Any, options: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topic"].choices = [("", "请选择"), *options]  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    """What the department said about one family."""

    outcome = forms.ChoiceField(
        label="结果", choices=[("", "请选择"), *[one for one in Outcome.choices if one[0] != "waiting"]]
    )
    text = life.text_field("部门怎么说的", rows=2)


class BuildForm(AnswerForm):
    """Of a dwelling in danger."""

    danger = life.text_field("危房等级", longest=10, needed=False, help_text="批准时填写，如 C、D")
    mode = forms.ChoiceField(label="改造方式", choices=[("", "—"), *PushFamily.Mode.choices], required=False)
    subsidy_fen = life.YuanField(label="补助（元）")
    started_on = life.day_field("开工", required=False)
    accepted_on = life.day_field("竣工验收", required=False)


class RestForm(forms.Form):
    """One answer for all that wait."""

    outcome = forms.ChoiceField(
        label="其余的都是", choices=[("helped", "已落实"), ("refused", "不符合条件"), ("returned", "退回")]
    )
    text = life.text_field("部门怎么说的", rows=2)


def listing(request: HttpRequest) -> HttpResponse:
    """The nearest day first."""
    today = clock.today()
    shown = life.show_of(request, SHOWS, "open")
    counts = pushes.counts(today)
    rows = pushes.listing(shown, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[shown])
    may = navigation.may(request, pushes.DUTIES, request.user.office.place_code)  # type: ignore[union-attr]
    context = {
        "title": "名单推送", "sub": "在册对象名单推送教育、医保、住建、人社、残联等部门，登记回执和反馈", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("overdue", "unreceived")),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "actions": [{"href": reverse("web:push-new"), "label": "推送名单", "icon": "send", "primary": True}] if may else [],
        "filters": [], "first_head": "事项", "unit": "份", "empty_title": "没有这样的推送", "empty_text": "由审核、确认人员按本地清单推送。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: ListPush) -> Row:
    waits = one.state == State.SENT
    return Row(
        one.label, reverse("web:push", args=[one.pk]), note=one.no,
        cells=(
            Cell("部门", one.department), Cell("范围", places.path(one.region)), Cell("对象", f"{one.families:,}", css="n"),
            Cell("已反馈", f"{one.answered:,}", css="n"),  # type: ignore[attr-defined]
            Cell("发送", one.sent_on.isoformat() if one.sent_on else "—", css="num"),
            Cell("回执", one.receipt_on.isoformat() if one.receipt_on else "—", css="num"),
            Cell("应反馈", one.due_on.isoformat() if one.due_on else "待定" if one.due_pending else "—", look=life.days_look(one.due_on, clock.today()) if waits and one.due_on else None, css="num"),
            Cell("状态", look=STATES[State(one.state)]),
        ),
    )  # fmt: skip


def new(request: HttpRequest) -> HttpResponse:
    """Makes a list of all of the officer's place, or of one family whose dwelling is in danger (`?family=`)."""
    user: Any = request.user
    asked = request.GET.get("family", "")
    home = access_household(user, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    known = pushes.topics(home.region if home else user.office.place_code, clock.today())
    options = [(one.code, f"{one.label}（{one.department}）") for one in known]
    form = MakeForm(request.POST or None, options=options, initial={"topic": pushes.DANGEROUS} if home else {})
    if request.method == "POST" and form.is_valid():
        made: list[ListPush] = []
        posting.attempt(
            request,
            lambda: made.append(
                pushes.make_push(
                    form.cleaned_data["topic"], acting_user=user, place=home.region if home else "", households=[home] if home else None
                )
            ),
            "名单已生成，请下载后发送部门，再登记发送。",
        )  # fmt: skip
        return posting.back(reverse("web:push", args=[made[0].pk]) if made else request.get_full_path())
    context = {
        "title": f"推送：{home.head.name}家庭" if home else "推送名单", "crumb": {"label": "名单推送", "href": reverse("web:pushes")},
        "meta": [home.no, places.path(home.region, 3)] if home else [places.path(user.office.place_code, 3)],
        "parts": [], "side": [],
        "deeds": [Deed("make", "推送什么", "生成名单", form, "当月在册、还没有在该部门待反馈的对象", primary=True)],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One list: its families and what came of them."""
    user: Any = request.user
    row = pushes.access_push(user, pk)
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    filled: dict[str, Any] = {
        "receive": life.yes_form("接收人或者文号", rows=0, longest=200)(request.POST if do == "receive" else None),
        "rest": RestForm(request.POST if do == "rest" else None, auto_id="rest-%s"),
        "cancel": life.yes_form("撤销原因", rows=0, longest=200)(request.POST if do == "cancel" else None, auto_id="cancel-%s"),
    }  # fmt: skip
    form = filled.get(do)
    if do == "send" or (form is not None and form.is_valid()):
        posting.attempt(request, lambda: _do(row, do, form.cleaned_data if form else {}, user), "已登记。")
        return posting.back(reverse("web:push", args=[pk]))
    families = list(row.rows.select_related("household__head", "person").order_by("id")[:MOST])
    context = {
        "title": row.label, "crumb": {"label": "名单推送", "href": reverse("web:pushes")},
        "marks": [STATES[State(row.state)], *([life.days_look(row.due_on, clock.today())] if row.state == State.SENT and row.due_on else [])],
        "meta": [row.no, places.path(row.region, 3), row.department],
        "links": [{"href": reverse("web:push-file", args=[pk]), "label": "名单（Excel）", "icon": "download"}],
        "parts": [Part("对象", second=f"{row.families:,}", heads=("姓名", "住地", "对象类别", "反馈", "结果"), rows=[_family(one) for one in families])],
        "deeds": _deeds(request, row, filled), "side": [_side(row)],
        "notices": [f"只列出前 {MOST} 个对象，全部在名单文件里。"] if row.families > MOST else [],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _family(one: PushFamily) -> Row:
    who = one.person or one.household.head
    built = "，".join(
        text
        for text in (
            f"{one.danger}级" if one.danger else "", one.get_mode_display() if one.mode else "",
            f"补助 {words.yuan(one.subsidy_fen)} 元" if one.subsidy_fen is not None else "",
        )
        if text
    )  # fmt: skip
    return Row(
        who.name, reverse("web:push-family", args=[one.push_id, one.pk]), note=one.household.no,
        cells=(
            Cell("住地", places.path(one.region)), Cell("对象类别", life.programme(one.programme)),
            Cell("反馈", one.answer, note=built, css="wrap-any"), Cell("结果", look=OUTCOMES[Outcome(one.outcome)]),
        ),
    )  # fmt: skip


def family(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    """What the department did about one family."""
    user: Any = request.user
    push = pushes.access_push(user, pk)
    one = push.rows.select_related("household__head", "person", "push").filter(pk=row).first()
    if one is None:
        raise NotFoundError("推送对象")
    kind = BuildForm if push.topic == pushes.DANGEROUS else AnswerForm
    form = kind(request.POST or None)
    if request.method == "POST" and form.is_valid():
        posting.attempt(request, lambda: pushes.answer(one, acting_user=user, **form.cleaned_data), "已登记反馈。")
        return posting.back(reverse("web:push", args=[pk]))
    may = push.state == State.SENT and navigation.may(request, pushes.DUTIES, push.region)
    who = one.person or one.household.head
    context = {
        "title": f"{who.name}：{push.label}", "crumb": {"label": push.no, "href": reverse("web:push", args=[pk])},
        "marks": [OUTCOMES[Outcome(one.outcome)]], "meta": [one.household.no, places.path(one.region, 3), life.programme(one.programme)],
        "links": [{"href": reverse("web:family", args=[one.household_id]), "label": "家庭档案", "icon": "users"}] if navigation.may_read(request) else [],
        "parts": [Part("反馈", [("结果", one.get_outcome_display()), ("说明", one.answer or "—"), ("日期", f"{one.answered_on or '—'}")])],
        "deeds": [Deed("answer", "登记反馈", "登记", form, primary=True)] if may else [], "side": [_side(push)],
        "locked": [] if may else ["名单发送以后才能登记反馈。"] if push.state == State.MADE else [],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _do(row: ListPush, do: str, data: dict[str, Any], user: Any) -> Any:
    if do == "send":
        return pushes.mark_sent(row, acting_user=user)
    if do == "receive":
        return pushes.receive(row, receipt=data["text"], acting_user=user)
    if do == "cancel":
        return pushes.cancel(row, why=data["text"], acting_user=user)
    return pushes.answer_rest(row, outcome=data["outcome"], text=data["text"], acting_user=user)


def _deeds(request: HttpRequest, row: ListPush, filled: dict[str, Any]) -> list[Deed]:
    if not navigation.may(request, pushes.DUTIES, row.region):
        return []
    if row.state == State.MADE:
        return [
            Deed("send", "发送", "登记已发送", forms.Form(), "名单交给部门以后登记，反馈期限从这天起算", primary=True),
            Deed("cancel", "撤销", "撤销名单", filled["cancel"], danger=True),
        ]
    if row.state != State.SENT:
        return []
    deeds = [Deed("rest", "其余的一并登记", "登记反馈", filled["rest"], "逐户不同的，点姓名登记")]
    if row.receipt_on is None:
        deeds.insert(0, Deed("receive", "回执", "登记回执", filled["receive"], primary=True))
    return deeds


def _side(row: ListPush) -> Part:
    return Part("推送", [
        ("部门", row.department), ("对象", "、".join(life.programme(one) for one in row.programmes)),
        ("生成", f"{row.made_on}，{row.made_by.name}"), ("发送", f"{row.sent_on or '—'}"),
        ("回执", f"{row.receipt_on}，{row.receipt}" if row.receipt_on else "—"),
        ("应反馈", f"{row.due_on}" if row.due_on else "待定" if row.due_pending else "—"),
    ])  # fmt: skip


def file(request: HttpRequest, pk: int) -> HttpResponse:
    """The list as a spreadsheet with who took it; taking it is on record."""
    user: Any = request.user
    row = pushes.access_push(user, pk)
    columns = [Column(name, label, width=width) for name, label, width in pushes.FILE]
    frame = pl.DataFrame(list(pushes.file_rows(row)), schema={name: pl.String for name, _, _ in pushes.FILE})
    mark = f"{user.name}（{user.username}）{clock.now():%Y-%m-%d %H:%M}"
    notes = Notes(
        header=f"{row.label} {row.no}",
        footer=mark,
        lines=[("推送号", row.no), ("部门", row.department), ("下载", mark)],
    )
    with printer(request) as who:
        path = who.folder / "list.xlsx"
        write_xlsx(path, [frame], columns, notes)
        data = path.read_bytes()
    record(
        "monitoring.take_push_file", actor=user, subject_type="listpush", subject_id=row.pk, region=row.region,
        after={"no": row.no, "rows": frame.height},
    )  # fmt: skip
    response = HttpResponse(data, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f'attachment; filename="{row.no}.xlsx"'
    response["Cache-Control"] = "no-store"
    return response
