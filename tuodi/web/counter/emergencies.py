"""Emergencies (急难救助, 绿色通道): the queue by its clock, a report from one click, relief on the spot, papers after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.cases.guard import level_of
from tuodi.decisions import grants, relief, relief_queries
from tuodi.decisions.models import Relief
from tuodi.decisions.relief_states import Cause, ReliefState
from tuodi.funds.models import Float
from tuodi.intake.discovery_queries import access_discovery, urgent_discoveries
from tuodi.intake.models import Discovery
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.people.models import Membership
from tuodi.people.queries import access_household, members_on
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.counter import relief_forms, work
from tuodi.web.county import life
from tuodi.web.field import spot

STATES = {
    ReliefState.REPORTED: Look("待响应", "bad", "clock"),
    ReliefState.RESPONDED: Look("待救助", "warn", "clock"),
    ReliefState.RELIEVED: Look("待补手续", "info"),
    ReliefState.COMPLETED: Look("待审批", "info"),
    ReliefState.CONFIRMED: Look("已审批", "ok", "check"),
    ReliefState.WITHDRAWN: Look("已撤回", "bad", "x"),
    ReliefState.CLOSED: Look("无需救助"),
}
READERS = (*relief.DUTIES, DutyCode.CONFIRM, DutyCode.FILE, DutyCode.SUPERVISE)
APPROVERS = {
    "town": "金额在乡镇（街道）审批额度以内，由乡镇（街道）审批。",
    "county": "金额超过乡镇（街道）审批额度，由县级审批。",
    "unknown": "本地没有规定乡镇（街道）审批额度，由县级审批。",
}


class ReportForm(forms.Form):
    """What happened, in as few fields as can be asked of somebody at the door."""

    person = forms.ChoiceField(label="求助人")
    cause = forms.ChoiceField(label="事由", choices=Cause.choices)
    event_on = forms.DateField(
        label="发生日期", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "不是日期，请按 2017-09-04 的样子填写。", "required": "请填写日期。"},
    )  # fmt: skip
    story = forms.CharField(
        label="情况", max_length=1000, help_text="发生了什么，家里现在缺什么", widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "请写明发生了什么、家里现在缺什么。"},
    )  # fmt: skip

    def __init__(self, *args: Any, members: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(member.person_id): member.person for member in members}
        self.fields["person"].choices = [
            (str(member.person_id), f"{member.person.name}（{member.get_relation_display()}）") for member in members
        ]


def hours(limit: datetime, now: datetime) -> Look:
    """A clock in hours: how much is left, or by how much it is over."""
    left = int((limit - now).total_seconds() // 60)
    if left < 0:
        over = -left
        return Look(f"超时 {over // 60} 小时" if over >= 60 else f"超时 {over} 分钟", "bad", "clock")
    word = f"剩 {left // 60} 小时" if left >= 60 else f"剩 {left} 分钟"
    return Look(word, "warn" if left < 6 * 60 else "", "clock")


def listing(request: HttpRequest) -> HttpResponse:
    """The queue in the reader's range; urgent discoveries stand above it until somebody takes them up."""
    today, now = clock.today(), clock.now()
    counts = relief_queries.counts(today, now)
    totals = {
        "waiting": counts.waiting + counts.discovered, "papers": counts.papers, "overdue": counts.overdue, "approval": counts.approval,
        "ended": counts.ended,
    }  # fmt: skip
    first = "waiting" if counts.waiting or counts.discovered else "overdue" if counts.overdue else "papers"
    show = request.GET.get("show", first)
    show = show if show in relief_queries.SHOWS else "waiting"
    towns = life.towns(request)
    town, cause = life.town_of(request, towns), request.GET.get("cause", "")
    cause = cause if cause in Cause.values else ""
    sort = request.GET.get("sort", "")
    rows = relief_queries.queue(show, today, place=town, cause=cause, sort=sort)
    whole = counts.waiting if show == "waiting" else totals[show]
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=None if town or cause else whole)
    lines = [_line(row, show, now) for row in found.items]
    discovered = list(urgent_discoveries()[:20]) if show == "waiting" else []
    seen: list[Any] = [*found.items, *discovered]
    reading.note_list(request, "急难救助", [one.household_id for one in seen], [one.person_id for one in seen])
    context = {
        "page": Page(lines, found.number, found.total, found.previous, found.next, found.pages),
        "tabs": [
            {"label": label, "n": totals[code], "href": f"?show={code}", "current": code == show, "css": "bad" if code == "overdue" and totals[code] else ""}
            for code, label in relief_queries.SHOWS.items()
        ],
        "figures": [
            {"label": "待救助", "value": f"{counts.waiting + counts.discovered:,}", "unit": "件", "foot": f"其中主动发现未接 {counts.discovered} 件"},
            {"label": "超时", "value": f"{counts.late:,}", "unit": "件", "foot": "超过响应或救助时限"},
            {"label": "待补手续", "value": f"{counts.papers:,}", "unit": "件", "foot": f"超期 {counts.overdue} 件"},
            {"label": "待审批", "value": f"{counts.approval:,}", "unit": "件"},
        ],
        "show": show,
        "filters": [
            *([life.select("town", "乡镇（街道）", towns, town)] if towns else []),
            life.select("cause", "事由", Cause.choices, cause),
            life.select("sort", "排序", [one for one in relief_queries.SORTS.items() if one[0]], sort) | {"any": relief_queries.SORTS[""]},
        ],
        "narrowed": bool(town or cause),
        "discovered": [_discovered(row, now) for row in discovered],
        "may_report": bool(set(relief.DUTIES) & set(navigation.held_duties(request))),
    }  # fmt: skip
    return render(request, "counter/emergencies.html", context)


def _line(row: Relief, show: str, now: datetime) -> dict[str, Any]:
    if show == "waiting":
        due = hours(row.respond_by if row.state == ReliefState.REPORTED else row.relieve_by, now)
    elif row.state == ReliefState.RELIEVED:
        due = work.due_look(row.papers_due_on, row.papers_pending, now.date())
    else:
        due = STATES[ReliefState(row.state)]
    return {
        "href": reverse("web:emergency", args=[row.no]),
        "name": row.person.name,
        "no": row.no,
        "place": places.path(row.region),
        "cause": row.get_cause_display(),
        "reported": row.reported_at,
        "source": row.get_source_display(),
        "look": STATES[ReliefState(row.state)],
        "due": due,
        "fen": row.determination.amount_fen if row.determination else None,
        "who": row.responded_by.name if row.responded_by else "",
    }


def _discovered(row: Discovery, now: datetime) -> dict[str, Any]:
    waited = int((now - row.reported_at).total_seconds() // 3600)
    return {
        "href": reverse("web:discovery", args=[row.no]),
        "name": row.name,
        "no": row.no,
        "place": places.path(row.region),
        "event": row.get_event_type_display(),
        "story": row.story,
        "waited": Look(f"已等 {waited} 小时" if waited else "刚上报", "bad" if waited >= 24 else "warn", "clock"),
    }


def new(request: HttpRequest) -> HttpResponse:
    """A report for a registered family (`family` in the address); it leads straight to relief."""
    raw = request.GET.get("family", "")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        posting.refuse(request, "先查到家庭，再在家庭页上点“急难救助”。没有登记的，先登记家庭。")
        return posting.back(reverse("web:families"))
    household = access_household(request.user, int(raw))
    today = clock.today()
    members = members_on(household, today)
    form = ReportForm(
        request.POST or None, members=members, initial={"person": str(household.head_id), "event_on": today}
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = relief.report_emergency(
                acting_user=request.user,
                household=household,
                person=form.people[given["person"]],
                cause=given["cause"],
                story=given["story"],
                event_on=given["event_on"],
                source=Relief.Source.COUNTER,
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已接报 {row.no}。可以马上先行救助，手续以后补。")
            return posting.back(reverse("web:emergency", args=[row.no]))
    people = [int(pk) for pk in form.people]
    reading.note_reading(request, "急难登记", [household.pk], people, region=household.region)
    before = list(relief_queries.reliefs_of(household)[:5])
    context = {
        "form": form,
        "household": household,
        "place": places.path(household.region),
        "before": [_line(row, "ended", clock.now()) for row in before],
    }
    return render(request, "counter/emergency_new.html", context)


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One emergency: its clocks, what was given, what is owed; a POST does one of its deeds."""
    row = relief_queries.access_relief(request.user, no)
    if request.method == "POST":
        return _do(request, row)
    return _page(request, row)


def _page(request: HttpRequest, row: Relief, *, form: Any = None) -> HttpResponse:
    user: Any = request.user
    today, now = clock.today(), clock.now()
    reading.note_reading(request, "急难救助", [row.household_id], [row.person_id], region=row.region)
    town = level_of(user) == "TOWN"
    may_answer = navigation.may(request, relief.DUTIES, row.region)
    may_accept = town and navigation.may(request, [DutyCode.ACCEPT], row.region)
    waiting = row.state in (ReliefState.REPORTED, ReliefState.RESPONDED)
    owed = row.state == ReliefState.RELIEVED
    name = row.person.name
    granted = row.determination
    stages = grants.stages_of(_standing(row)) if granted else []
    context = {
        "row": row,
        "name": name,
        "look": STATES[ReliefState(row.state)],
        "place": places.path(row.region, 3),
        "clocks": _clocks(row, now, today),
        "granted": granted,
        "asked_note": _asked(row),
        "stages": stages,
        "cash_left": any(not one.in_cash for one in stages),
        "float": Float.objects.filter(region=pad12(row.region[:9]), closed_at__isnull=True).first() if granted else None,
        "may_petty": bool(navigation.PETTY & set(navigation.held_duties(request))),
        "approver": APPROVERS.get(row.approver, ""),
        "bounds": relief_forms.bounds_words(row.region, today) if waiting else "",
        "ledger": grants.ledger_facts(row.household, row.get_cause_display(), today, case=row.case) if waiting else None,
        "may_respond": may_answer and row.state == ReliefState.REPORTED,
        "relief_form": (form or relief_forms.ReliefForm()) if waiting and may_accept else None,
        "papers_form": (form or relief_forms.PapersForm(initial={"agreed_by": row.agreed_by})) if owed and may_accept else None,
        "stage_form": (form or relief_forms.StageForm()) if _may_stage(request, row, stages, today) else None,
        "may_close": waiting and may_answer,
        "may_withdraw": row.state in (ReliefState.RELIEVED, ReliefState.COMPLETED)
        and navigation.may(request, [DutyCode.REVIEW], row.region),
        "signers": spot.signers(user, name, {one["role"] for one in row.signatures}),
        "locked": _locked(row, town, may_accept),
        "may_read": navigation.may_read(request),
        "month": Month.of(today).next(),
    }  # fmt: skip
    return render(request, "counter/emergency.html", context)


def _standing(row: Relief) -> Any:
    """The determination that stands for the emergency: the confirmed one, else the provisional one."""
    from tuodi.decisions.models import Determination

    later = Determination.objects.filter(follows=row.determination, outcome="pass").order_by("-id").first()
    return later or row.determination


def _asked(row: Relief) -> str:
    if row.determination is None or row.asked_fen is None or row.asked_fen == row.determination.amount_fen:
        return ""
    return f"拟给 {words.yuan(row.asked_fen)} 元，按本地上下限和全年累计上限核为 {words.yuan(row.determination.amount_fen)} 元。"


def _clocks(row: Relief, now: datetime, today: Any) -> list[dict[str, Any]]:
    def done(at: datetime | None, limit: datetime, by: str) -> dict[str, Any]:
        if at is None:
            ended = row.ended_at is not None
            return {
                "text": "—" if ended else f"{localtime(limit):%m-%d %H:%M} 前",
                "look": None if ended else hours(limit, now),
            }
        late = at > limit
        return {"text": f"{localtime(at):%m-%d %H:%M} {by}", "look": Look("超时", "bad") if late else Look("按时", "ok", "check")}  # fmt: skip

    papers: dict[str, Any] = {"text": "—", "look": None}
    if row.papers_at is not None:
        late = row.papers_due_on is not None and localtime(row.papers_at).date() > row.papers_due_on
        by = row.papers_by.name if row.papers_by else ""
        papers = {"text": f"{localtime(row.papers_at):%m-%d %H:%M} {by}", "look": Look("逾期补齐", "warn") if late else Look("按时", "ok", "check")}  # fmt: skip
    elif row.relieved_at is not None:
        papers = {"text": "待定" if row.papers_pending else f"{row.papers_due_on} 前", "look": work.due_look(row.papers_due_on, row.papers_pending, today) if row.state == ReliefState.RELIEVED else None}  # fmt: skip
    return [
        {"label": "接报", "text": f"{localtime(row.reported_at):%m-%d %H:%M} {row.reported_by.name}", "look": None},
        {"label": "响应", **done(row.responded_at, row.respond_by, row.responded_by.name if row.responded_by else "")},
        {"label": "先行救助", **done(row.relieved_at, row.relieve_by, row.relieved_by.name if row.relieved_by else "")},
        {"label": "补齐手续", **papers},
    ]


def _may_stage(request: HttpRequest, row: Relief, stages: list[Any], today: Any) -> bool:
    if row.case is None or row.state != ReliefState.CONFIRMED or not stages:
        return False
    user: Any = request.user
    mine = row.case.procedure.approver_for(row.case.marks) == level_of(user)
    begun = any(one.month <= Month.of(today).yyyymm for one in stages)
    return mine and not begun and navigation.may(request, [DutyCode.CONFIRM], row.region)


def _locked(row: Relief, town: bool, may_accept: bool) -> str:
    if row.state in (ReliefState.REPORTED, ReliefState.RESPONDED, ReliefState.RELIEVED) and not may_accept:
        what = "补齐手续" if row.state == ReliefState.RELIEVED else "先行救助"
        return f"{what}由乡镇（街道）“受理”人员办理" + ("，您没有这项职责。" if town else "。")
    if row.state == ReliefState.COMPLETED:
        return "手续已补齐，在案件页上审批。"
    return ""


def _do(request: HttpRequest, row: Relief) -> HttpResponse:
    code = posting.text(request, "do", 20)
    here = reverse("web:emergency", args=[row.no])
    if code == "relieve":
        return _with_form(request, row, relief_forms.ReliefForm(request.POST, request.FILES), _relieve)
    if code == "papers":
        return _with_form(request, row, relief_forms.PapersForm(request.POST), _papers)
    if code == "stages":
        return _with_form(request, row, relief_forms.StageForm(request.POST), _stages)
    verb = _PLAIN.get(code)
    if verb is None:
        posting.refuse(request, "这个操作不认识，请刷新页面后重试。")
        return posting.back(here)
    action, said = verb
    posting.attempt(request, lambda: action(request, row), said)
    return posting.back(here)


def _with_form(
    request: HttpRequest, row: Relief, form: Any, deed: Callable[[HttpRequest, Relief, Any], str]
) -> HttpResponse:
    """Does a deed that has a form; a refusal stands beside the form, with everything typed still there."""
    if not form.is_valid():
        return _page(request, row, form=form)
    try:
        said = deed(request, row, form)
    except TuodiError as error:
        form.add_error(None, str(error))
        return _page(request, relief_queries.access_relief(request.user, row.no), form=form)  # type: ignore[arg-type]
    posting.succeed(request, said)
    return posting.back(reverse("web:emergency", args=[row.no]))


def _relieve(request: HttpRequest, row: Relief, form: Any) -> str:
    user: Any = request.user
    given = form.cleaned_data
    done = relief.relieve_first(
        row,
        acting_user=user,
        amount_fen=given["amount"],
        months=given["months"],
        agreed_by=given["agreed_by"],
        new_reason=given["new_reason"],
        photo=spot.photo(request),
        place_note=posting.text(request, "place_note", 100),
        signatures=spot.signatures(request, user, row.person.name),
        **spot.place(request),
    )
    granted = done.determination
    assert granted is not None
    due = "待定" if done.papers_pending else f"{done.papers_due_on}"
    return f"已先行救助 {words.yuan(granted.amount_fen)} 元，列入 {Month.parse(str(granted.start_month))} 发放。手续在 {due} 前补齐。"


def _papers(request: HttpRequest, row: Relief, form: Any) -> str:
    user: Any = request.user
    relief.complete_papers(
        row,
        acting_user=user,
        reason=form.cleaned_data["reason"],
        agreed_by=form.cleaned_data["agreed_by"],
        signatures=spot.signatures(request, user, row.person.name),
    )
    return "手续已补齐，案件转审批。"


def _stages(request: HttpRequest, row: Relief, form: Any) -> str:
    plan = form.cleaned_data["plan"]
    grants.stage_grant(_standing(row), acting_user=request.user, plan=plan)  # type: ignore[arg-type]
    return f"已改为分 {len(plan)} 期发放。"


def _reason(request: HttpRequest) -> str:
    return posting.text(request, "reason", 300)


_PLAIN: dict[str, tuple[Callable[[Any, Relief], Any], str]] = {
    "respond": (lambda request, row: relief.respond(row, acting_user=request.user), "已响应。"),
    "close": (lambda request, row: relief.close_report(row, acting_user=request.user, reason=_reason(request)), "已答复，不先行救助。"),
    "withdraw": (lambda request, row: relief.withdraw_relief(row, acting_user=request.user, reason=_reason(request)), "已撤回，不再发放；已经发放的由月度发放追回。"),
    "full": (lambda request, row: relief.to_full_procedure(row, acting_user=request.user, reason=_reason(request)), "已转一般程序：核对、入户、审核、公示都要办。"),
}  # fmt: skip


def photo(request: HttpRequest, no: str) -> HttpResponse:
    """The picture taken on the spot."""
    row = relief_queries.access_relief(request.user, no)  # type: ignore[arg-type]
    if row.photo is None:
        raise NotFoundError("照片")
    return spot.picture(row.photo)


def take(request: HttpRequest, no: str) -> HttpResponse:
    """Takes an urgent discovery up as an emergency."""
    discovery = access_discovery(request.user, no=no)  # type: ignore[arg-type]
    ok, row = posting.attempt(
        request,
        lambda: relief.take_discovery(discovery, acting_user=request.user),  # type: ignore[arg-type]
        "已转入急难救助。",
    )
    if ok and row is not None:
        return posting.back(reverse("web:emergency", args=[row.no]))
    return posting.back(reverse("web:discovery", args=[discovery.no]))
