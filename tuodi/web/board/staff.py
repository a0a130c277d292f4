"""Officers' pages on notices: what hangs in my villages, one notice with its objections, the standing lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases import actions as cases
from tuodi.cases import notice_actions
from tuodi.cases.errors import NoticeContentError
from tuodi.cases.models import Notice, NoticeBoard, NoticeObjection
from tuodi.cases.noticeboard import STAGES, Sheet, board_of, sheets
from tuodi.decisions import standing as standing_lists
from tuodi.decisions.models import StandingList
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_name
from tuodi.kernel.places import PlaceError, pad12
from tuodi.org import access
from tuodi.people.enums import Programme
from tuodi.web.board import public
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.counter import work
from tuodi.web.papers.log import note_print

_OBJECTIONS = {
    NoticeObjection.State.NEW: Look("待受理", "warn", "clock"),
    NoticeObjection.State.TAKEN: Look("已受理", "info"),
    NoticeObjection.State.DISMISSED: Look("不予受理"),
    NoticeObjection.State.ANSWERED: Look("已答复", "ok", "check"),
}
#: Who issues and takes down standing lists.
ISSUERS = ("review", "file", "confirm")


def look(notice: Notice) -> Look:
    """Where a notice stands, in words."""
    today = clock.today()
    if notice.taken_down_on and notice.taken_down_on <= today:
        return Look("有异议", "warn") if notice.result == "objected" else Look("已撤下")
    if not notice.days:
        return Look("长期公布", "ok", "check")
    if notice.last_day and notice.last_day < today:
        return Look("期满待结束", "warn", "clock")
    return Look(f"第 {max((today - notice.posted_on).days, 0)} 天 / 共 {notice.days} 天", "info")


def listing(request: HttpRequest) -> HttpResponse:
    """Notices in range; `show` chooses running (default), with objections to handle, or all."""
    chosen = request.GET.get("show", "")
    rows = Notice.objects.select_related("case__applicant").order_by("-posted_on", "-id")
    today = clock.today()
    running = rows.filter(result="", days__gt=0, taken_down_on__isnull=True)
    waiting = rows.filter(objections__state__in=("new", "taken")).distinct()
    found = {"": running, "objections": waiting, "all": rows}.get(chosen, running)
    if chosen == "":
        found = found.order_by("last_day", "id")
    page = pages.page_of(request, lambda start, stop: list(found[start:stop]))
    counts = _open_objections([one.pk for one in page.items])
    shown = [one.case for one in page.items]
    reading.note_reading(
        request, "公示", [case.household_id for case in shown], [case.applicant_id for case in shown], listed=True
    )
    page = Page([_line(one, counts) for one in page.items], page.number, None, page.previous, page.next)
    choices = [
        {"label": "公示中", "href": reverse("web:notices"), "current": chosen not in ("objections", "all")},
        {
            "label": "有异议待处理",
            "href": f"{reverse('web:notices')}?show=objections",
            "current": chosen == "objections",
        },
        {"label": "全部", "href": f"{reverse('web:notices')}?show=all", "current": chosen == "all"},
    ]
    return render(request, "board/listing.html", {"page": page, "choices": choices, "today": today})


def _open_objections(ids: list[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    rows = NoticeObjection.objects.filter(notice__in=ids, state__in=("new", "taken"))
    for pk in rows.values_list("notice_id", flat=True):
        counts[pk] = counts.get(pk, 0) + 1
    return counts


def _line(one: Notice, counts: dict[int, int]) -> dict[str, Any]:
    return {
        "href": reverse("web:notice", args=[one.pk]),
        "no": one.no,
        "name": one.case.applicant.name,
        "case_no": one.case.no,
        "stage": STAGES.get(one.stage, one.stage),
        "programme": work.programme_label(one.case.programme),
        "place": places.path(one.region),
        "posted": one.posted_on,
        "last": "长期" if not one.days else f"{one.last_day:%Y-%m-%d}" if one.last_day else "待定",
        "look": look(one),
        "objections": counts.get(one.pk, 0),
    }


class AnswerForm(forms.Form):
    """What is told to who objected."""

    answer = forms.CharField(
        label="答复内容",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        help_text="提出人可以看到。写核实的结果和理由，不写家庭的收入、病情、号码等信息",
    )


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One notice as the public reads it, its days, its objections; a POST handles one objection."""
    rows = Notice.objects.select_related("case__applicant", "step", "posted_by__office", "closed_by")
    notice = access.one(rows, user=request.user, what="公示", pk=pk)
    if request.method == "POST":
        return _answer(request, notice)
    (sheet,) = sheets([notice])
    board = board_of(notice.region)
    may = navigation.may(request, (notice.step.duty, "review"), notice.region)
    context = {
        "notice": notice,
        "look": look(notice),
        "stage": STAGES.get(notice.stage, notice.stage),
        "place": places.path(notice.region),
        "sheet": public.shown(sheet, notice.region),
        "fields": len(notice.content),
        "board_href": reverse("web:board", args=[board.token]) if board else "",
        "objections": [_objection(one) for one in notice.objections.order_by("id")],
        "may": may,
        "may_object": may and not notice.result and not notice.taken_down_on and notice.days,
        "form": AnswerForm(),
    }
    reading.note_reading(request, "公示", [notice.case.household_id], [notice.case.applicant_id], region=notice.region)
    return render(request, "board/notice.html", context)


def _objection(row: NoticeObjection) -> dict[str, Any]:
    return {
        "row": row,
        "look": _OBJECTIONS[NoticeObjection.State(row.state)],
        "who": mask_name(row.from_name) if row.from_name else "没有留姓名",
        "new": row.state == NoticeObjection.State.NEW,
        "taken": row.state == NoticeObjection.State.TAKEN,
    }


def _answer(request: HttpRequest, notice: Notice) -> HttpResponse:
    user: Any = request.user
    here = reverse("web:notice", args=[notice.pk])
    what = posting.text(request, "do", 12)
    if what == "object":
        posting.attempt(
            request,
            lambda: cases.object_to_notice(
                notice,
                acting_user=user,
                text=posting.text(request, "text", 1001),
                from_name=posting.text(request, "name", 60),
            ),
            "异议已登记，结束公示后重新调查。",
        )
        return posting.back(here)
    number = posting.text(request, "objection", 20)
    row = notice.objections.filter(pk=number).first() if number.isdigit() else None
    words = posting.text(request, "answer", 1001)
    if row is None:
        posting.refuse(request, "没有找到这条异议，请刷新后再看。")
    elif what == "take":
        posting.attempt(
            request, lambda: notice_actions.take_up_objection(row, acting_user=user), "已受理，结束公示后重新调查。"
        )
    elif what == "dismiss":
        posting.attempt(
            request,
            lambda: notice_actions.dismiss_objection(row, words, acting_user=user),
            "已登记不予受理，提出人可以看到理由。",
        )
    elif what in ("uphold", "reject"):
        posting.attempt(
            request,
            lambda: notice_actions.answer_objection(row, words, upheld=what == "uphold", acting_user=user),
            "已答复。",
        )
    else:
        posting.refuse(request, "这个操作现在不能办理，请刷新后再看。")
    return posting.back(here)


def sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """The A4 sheet a notice hangs on, with all families posted with it; each print is on record.

    Raises: NoticeContentError once it is over: what has come down is not printed again.
    """
    notice = access.one(Notice.objects.select_related("case"), user=request.user, what="公示", pk=pk)
    board, key = board_of(notice.region), ""
    found: Sheet | None = None
    if board is not None:
        for one in standing_lists.board_sheets(notice.region):
            if any(entry.no == notice.no for entry in one.entries):
                found, key = one, one.key
    if board is None or found is None:
        raise NoticeContentError(["已撤下的公示"], ["公示期内的公示"])
    note_print(request, "notice_sheet", "notice", notice.pk, notice.region, case_no=notice.case.no)
    response = HttpResponse(public.render_sheet(request, found, board), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{key}.pdf"'
    return response


#: Late lists named at the head of the page.
LATE = 10


class StandingForm(forms.Form):
    """A village and a programme."""

    place = forms.CharField(label="村（社区）代码", max_length=12, help_text="12 位，例如 420802001001")
    programme = forms.ChoiceField(label="项目", choices=[one for one in Programme.choices if one[0] != "child"])

    def clean_place(self) -> str:
        """The padded code."""
        try:
            return pad12(self.cleaned_data["place"].strip())
        except PlaceError as error:
            raise forms.ValidationError(str(error)) from error


def standing(request: HttpRequest) -> HttpResponse:
    """Standing lists in range; who may issues one for a village or takes one down."""
    user: Any = request.user
    may = any(code in navigation.held_duties(request) for code in ISSUERS)
    form = StandingForm(request.POST or None) if may else None
    if form is not None and request.method == "POST" and form.is_valid():
        place, programme = form.cleaned_data["place"], form.cleaned_data["programme"]
        if posting.text(request, "do", 10) == "down":
            posting.attempt(
                request,
                lambda: standing_lists.take_down(place, programme, acting_user=user),
                lambda n: f"已撤下 {n} 份。",
            )
        else:
            posting.attempt(
                request,
                lambda: standing_lists.issue(place, programme, acting_user=user),
                lambda made: f"已公布 {made.no}，{made.entries.count()} 户（人）。",
            )
        return posting.back(reverse("web:standing"))
    rows = StandingList.objects.filter(taken_down_on__isnull=True).order_by("refresh_on", "region", "id")
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    tokens = dict(
        NoticeBoard.objects.filter(place_code__in=[one.region for one in found.items]).values_list(
            "place_code", "token"
        )
    )
    page = Page([_standing_line(one, tokens) for one in found.items], found.number, None, found.previous, found.next)
    late = [
        f"{places.path(one.region)} {one.get_programme_display()}" for one in standing_lists.late_lists()[: LATE + 1]
    ]
    context = {"page": page, "form": form, "late": late[:LATE], "more": len(late) > LATE}
    return render(request, "board/standing.html", context)


def _standing_line(one: StandingList, tokens: dict[str, str]) -> dict[str, Any]:
    token = tokens.get(one.region, "")
    return {
        "row": one,
        "place": places.path(one.region),
        "late": bool(one.refresh_on and one.refresh_on < clock.today()),
        "board_href": reverse("web:board", args=[token]) if token else "",
        "pdf_href": reverse("web:board-sheet", args=[token, f"standing-{one.programme}-{one.issued_on:%Y%m%d}-0"])
        if token
        else "",
    }
