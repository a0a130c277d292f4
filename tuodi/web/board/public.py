"""`/notices/<key>/`: what hangs in one village now. No sign-in, no counts, nothing past its last day, nothing kept by caches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from tuodi import documents
from tuodi.cases.calendar import calendar
from tuodi.cases.models import Notice, NoticeBoard, NoticeObjection
from tuodi.cases.notice_actions import LONGEST, receive_objection
from tuodi.cases.noticeboard import Sheet, board_by_token
from tuodi.decisions.papers import notices
from tuodi.decisions.standing import board_sheets
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.workdays import UnknownYearError
from tuodi.org import access
from tuodi.org.places import full_name
from tuodi.web.board import rate
from tuodi.web.components import posting

View = Callable[..., HttpResponse]
_COLUMNS = {"applicant_name": "申请人", "programme": "项目", "member_count": "人口", "amount": "金额（元/月）"}


def _public(view: View) -> View:
    """No sign-in, bounded, nothing kept or indexed, and the key never told to another site."""

    @login_not_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait = rate.over(request, rate.READING)
        if wait:
            response = render(request, "board/wait.html", {"seconds": wait}, status=429)
            response["Retry-After"] = str(wait)
        else:
            response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


def _absent(request: HttpRequest) -> HttpResponse:
    return render(request, "board/absent.html", status=404)


def _sheets(board: NoticeBoard) -> list[Sheet]:
    with access.scope(access.range_of(board.place_code)):
        return board_sheets(board.place_code)


@require_safe
@_public
def show(request: HttpRequest, token: str) -> HttpResponse:
    """The board: notices by sheets, each with its day strip; on paper one sheet a page."""
    board = board_by_token(token)
    if board is None:
        return _absent(request)
    context = {
        "token": token,
        "place": full_name(board.place_code),
        "sheets": [shown(one, board.place_code) for one in _sheets(board)],
    }
    return render(request, "board/board.html", context)


def shown(sheet: Sheet, region: str) -> dict[str, Any]:
    """A sheet for a page: titles, strip of days, rows of allowed fields."""
    _, form = notices.sheet_form(sheet, region)
    return {
        "key": sheet.key,
        "title": form["title"],
        "number": form["number"],
        "office": sheet.office,
        "posted_on": sheet.posted_on,
        "intro": form["intro"],
        "period": form["period"],
        "where": form["where"],
        "objection": form["objection"],
        "phone": sheet.phone,
        "running": bool(sheet.days),
        "day": sheet.day,
        "days": sheet.days,
        "last_day": sheet.last_day,
        "strip": strip(sheet),
        "heads": [(name, _COLUMNS[name]) for name in sheet.columns],
        "rows": [[(name, entry.values.get(name, "")) for name in sheet.columns] for entry in sheet.entries],
        "total_people": form["total_people"],
        "total_amount": form["total_amount"],
    }


def strip(sheet: Sheet) -> list[dict[str, Any]]:
    """The days from the first to the last, with days off beyond the plain end hatched; empty for a standing one."""
    if not sheet.days:
        return []
    today = clock.today()
    last = sheet.last_day or sheet.plain_end or sheet.posted_on
    days = []
    for step in range((last - sheet.posted_on).days):
        day = sheet.posted_on + timedelta(step + 1)
        past_end = sheet.plain_end is not None and day > sheet.plain_end
        state = "end" if day == last else "off" if past_end and _is_off(day) else "past" if day < today else ""
        days.append({"n": day.day, "state": state, "now": day == today, "label": f"{day.month}月{day.day}日"})
    return days


def _is_off(day: date) -> bool:
    try:
        return not calendar().is_workday(day)
    except UnknownYearError:
        return False


@require_safe
@_public
def sheet_pdf(request: HttpRequest, token: str, key: str) -> HttpResponse:
    """One sheet as A4."""
    board = board_by_token(token)
    sheet = next((one for one in _sheets(board) if one.key == key), None) if board else None
    if board is None or sheet is None:
        return _absent(request)
    return _pdf(render_sheet(request, sheet, board), key)


def render_sheet(request: HttpRequest, sheet: Sheet, board: NoticeBoard) -> bytes:
    """The A4 sheet with the code that leads to its board."""
    link = request.build_absolute_uri(reverse("web:board", args=[board.token]))
    name, data = notices.sheet_form(sheet, board.place_code, qr=documents.qr_svg(link))
    return documents.render(name, data)


def _pdf(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


@require_safe
@_public
def as_json(request: HttpRequest, token: str) -> HttpResponse:
    """The board as plain data, for a village's display or a county's site."""
    board = board_by_token(token)
    if board is None:
        return JsonResponse({"error": "没有这个公示栏"}, status=404, json_dumps_params={"ensure_ascii": False})
    sheets = [notices.plain(one, board.place_code) for one in _sheets(board)]
    data = {"place": full_name(board.place_code), "as_of": clock.today().isoformat(), "notices": sheets}
    return JsonResponse(data, json_dumps_params={"ensure_ascii": False})


@_public
def objecting(request: HttpRequest, token: str, key: str) -> HttpResponse:
    """The form to object against one family of a running sheet, anonymous if wanted; a POST hands it in."""
    board = board_by_token(token)
    sheet = next((one for one in _sheets(board) if one.key == key and one.days), None) if board else None
    if board is None or sheet is None:
        return _absent(request)
    context: dict[str, Any] = {"token": token, "sheet": shown(sheet, board.place_code), "longest": LONGEST}
    context["families"] = [(entry.no, entry.name) for entry in sheet.entries]
    if request.method == "POST":
        wait = rate.over(request, rate.WRITING)
        if wait:
            response = render(request, "board/wait.html", {"seconds": wait}, status=429)
            response["Retry-After"] = str(wait)
            return response
        chosen = posting.text(request, "family", 40)
        given = {"text": posting.text(request, "text", LONGEST + 1), "name": posting.text(request, "name", 60)}
        context |= {"chosen": chosen, "given": given}
        try:
            made = _take_in(board, sheet, chosen, given)
        except TuodiError as error:
            context["problem"] = str(error)
            return render(request, "board/object.html", context, status=400)
        if made is None:
            context["problem"] = "请选择您要反映的是哪一户。"
            return render(request, "board/object.html", context, status=400)
        return posting.back(reverse("web:board-objection", args=[made.code]))
    return render(request, "board/object.html", context)


def _take_in(board: NoticeBoard, sheet: Sheet, chosen: str, given: dict[str, str]) -> NoticeObjection | None:
    if chosen not in {entry.no for entry in sheet.entries}:
        return None
    with access.scope(access.range_of(board.place_code)):
        notice = Notice.objects.select_related("case", "step").get(no=chosen)
        return receive_objection(notice, text=given["text"], from_name=given["name"])


@require_safe
@_public
def objection(request: HttpRequest, code: str) -> HttpResponse:
    """What became of an objection, for who holds its key: state and answer, not a word of the family."""
    with access.system_scope(access.NATION):
        row = NoticeObjection.objects.filter(code=code).first() if 20 <= len(code) <= 40 else None
    if row is None:
        return _absent(request)
    link = request.build_absolute_uri(reverse("web:board-objection", args=[code]))
    return render(request, "board/objection.html", {"row": row, "link": link})
