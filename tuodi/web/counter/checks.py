"""Live checks of families: the list, one request with its answers as they come, its report, and what it brings into the facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit.actions import record
from tuodi.files.store import open_plain
from tuodi.kernel.places import trim
from tuodi.org.models import DutyCode
from tuodi.verification import request_actions, tasks
from tuodi.verification.check_states import RequestState
from tuodi.verification.comparing import MARKS
from tuodi.verification.models import CheckAnswer, CheckReport, CheckRequest
from tuodi.verification.queries import draft_of
from tuodi.verification.request_queries import access_report, access_request
from tuodi.web.components import law, navigation, pages, places, posting, reading
from tuodi.web.components.words import Look

DUTIES = (DutyCode.VERIFY, DutyCode.ACCEPT)
LOOKS = {
    RequestState.OPENED: Look("已发起", "info"),
    RequestState.PARTLY: Look("部分答复", "warn", "clock"),
    RequestState.COMPLETE: Look("答复齐全", "ok", "check"),
    RequestState.REPORTED: Look("已出报告", "ok", "file-certificate"),
    RequestState.DISPUTED: Look("有异议", "bad", "hand-stop"),
    RequestState.RECHECKED: Look("重新核对", "info", "refresh"),
}
_ANSWERS = {
    CheckAnswer.Status.WAITING: Look("等待答复", "unknown", "clock"),
    CheckAnswer.Status.FOUND: Look("查有记录", "info", "file-text"),
    CheckAnswer.Status.NOT_FOUND: Look("查无记录"),
    CheckAnswer.Status.MULTI: Look("一号多人", "warn", "users"),
    CheckAnswer.Status.ERROR: Look("答复有误", "bad", "alert-triangle"),
    CheckAnswer.Status.TIMEOUT: Look("未答复", "unknown", "help"),
}
_MARKS = {
    "agree": Look("一致", "ok", "check"),
    "differ": Look("不一致", "bad", "alert-triangle"),
    "undeclared": Look("未申报", "bad", "alert-triangle"),
    "only_declared": Look("申报而未查得", "warn"),
    "stale": Look("数据过期", "warn", "clock"),
    "several": Look("多源不一致", "warn", "alert-triangle"),
    "none": Look("供参考"),
}
_SIGNATURES = {
    "ok": "签名已验证", "unsigned": "约定不签名", "missing": "没有签名", "wrong": "签名不对", "expired": "签名过期",
    "replayed": "重复发送的旧答复", "none": "",
}  # fmt: skip
_ASKABLE = (RequestState.OPENED, RequestState.RECHECKED, RequestState.PARTLY, RequestState.REPORTED)
_RUNNING = (RequestState.OPENED, RequestState.RECHECKED)


def listing(request: HttpRequest) -> HttpResponse:
    """Requests of the reader's place, newest first; `state` in the address chooses."""
    chosen = request.GET.get("state", "")
    rows = CheckRequest.objects.select_related("household__head").order_by("-id")
    if chosen in RequestState.values:
        rows = rows.filter(state=chosen)
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=30)
    households = [row.household for row in page.items]
    reading.note_list(request, "经济核对列表", [one.pk for one in households], [one.head_id for one in households])
    page.items = [_line(row) for row in page.items]
    here = reverse("web:checks")
    choices = [{"label": "全部", "href": here, "current": not chosen}] + [
        {"label": look.word, "href": f"{here}?state={state.value}", "current": chosen == state, "css": look.css}
        for state, look in LOOKS.items()
    ]
    return render(request, "counter/checks.html", {"page": page, "choices": choices})


def _line(row: CheckRequest) -> dict[str, Any]:
    return {
        "href": reverse("web:check", args=[row.pk]),
        "no": row.no,
        "head": row.household.head.name,
        "place": places.path(row.region),
        "purpose": row.get_purpose_display(),
        "opened": row.opened_at,
        "look": LOOKS[RequestState(row.state)],
    }


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One request; a POST does what its button says."""
    found = access_request(request.user, pk)
    if request.method == "POST":
        return _do(request, found)
    _note(request, found, "经济核对")
    return render(request, "counter/check.html", _context(request, found))


def _note(request: HttpRequest, found: CheckRequest, what: str) -> None:
    people = found.answers.values_list("person_id", flat=True).distinct()
    reading.note_reading(request, what, [found.household_id], people, region=found.region)


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The answers alone, while they come in; when all have, the whole page is asked for again."""
    found = access_request(request.user, pk)
    if found.state not in _RUNNING:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "counter/check_answers.html", {"check": _check(found)})


def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The report as PDF. Every opening is on record."""
    found = access_report(request.user, pk)
    record(
        "verification.open_report", actor=request.user, subject_type="checkreport", subject_id=found.pk,
        region=found.region, after={"no": found.no},
    )  # fmt: skip
    _note(request, found.request, "经济核对报告")
    response = HttpResponse(open_plain(found.file).read(), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{found.no}.pdf"'
    return response


def _context(request: HttpRequest, found: CheckRequest) -> dict[str, Any]:
    report = found.reports.order_by("-version").first()
    may = navigation.may(request, DUTIES, found.region)
    draft = draft_of(found.case) if found.case else None
    applies = bool(report and draft and may and found.state == RequestState.REPORTED)
    check = _check(found)
    return {
        "check": check,
        "report": _report(report) if report else None,
        "older": [_older(one) for one in found.reports.order_by("-version")[1:6]],
        "applies": applies,
        "wants_draft": bool(report and found.case_id and not draft and found.case and found.case.is_running),
        "may": may,
        "may_send": may and found.state in _ASKABLE and check["answered"] < check["asked"],
        "may_report": may and found.state in (RequestState.PARTLY, RequestState.COMPLETE),
        "may_dispute": may and found.state == RequestState.REPORTED,
        "may_recheck": may and found.state == RequestState.DISPUTED,
    }


def _check(found: CheckRequest) -> dict[str, Any]:
    rows = list(
        found.answers.filter(round=found.round)
        .select_related("source", "person", "supporter")
        .order_by("source__label", "id")
    )
    answered = sum(1 for row in rows if row.is_usable)
    sources: dict[int, dict[str, Any]] = {}
    for row in rows:
        group = sources.setdefault(row.source_id, {"label": row.source.label, "who": row.source.department, "rows": []})
        group["rows"].append(_answer(row))
    running = found.state in _RUNNING and found.sent_at is not None
    return {
        "pk": found.pk,
        "no": found.no,
        "head": found.household.head.name,
        "family_href": reverse("web:family", args=[found.household_id]),
        "consents_href": reverse("web:consents", args=[found.household_id]),
        "case_href": reverse("web:case", args=[found.case_id]) if found.case_id else "",
        "place": places.path(found.region),
        "look": LOOKS[RequestState(found.state)],
        "round": found.round,
        "purpose": found.get_purpose_display(),
        "opened": found.opened_at,
        "who": found.opened_by.name if found.opened_by else "系统",
        "valid_to": found.valid_to,
        "sources": list(sources.values()),
        "left_out": found.left_out,
        "not_asked": found.not_asked,
        "dispute": found.dispute,
        "running": running,
        "progress_href": reverse("web:check-progress", args=[found.pk]),
        "answered": answered,
        "asked": len(rows),
        "percent": pages.share(answered, len(rows)),
    }


def _answer(row: CheckAnswer) -> dict[str, Any]:
    holder: Any = row.person or row.supporter
    return {
        "name": holder.name,
        "outside": row.supporter_id is not None,
        "look": _ANSWERS[CheckAnswer.Status(row.status)],
        "texts": [{"text": one["text"], "past": not one["active"]} for one in row.rows],
        "note": row.note,
        "stale": row.stale,
        "late": row.late,
        "as_of": row.as_of,
        "answered": row.answered_at,
        "attempts": row.attempts,
        "signature": _SIGNATURES.get(row.signature, ""),
    }


def _report(report: CheckReport) -> dict[str, Any]:
    items = [
        item
        | {
            "look": _MARKS[item["mark"]],
            "conflict": item["mark"] in ("differ", "several") and item["value"] is not None,
        }
        for item in report.content["items"]
    ]
    counted = {name: sum(1 for item in items if item["mark"] == name) for name in MARKS}
    return {
        "no": report.no,
        "version": report.version,
        "made": report.made_at,
        "who": report.made_by.name if report.made_by else "系统",
        "complete": report.complete,
        "href": reverse("web:check-report", args=[report.pk]),
        "pk": report.pk,
        "items": items,
        "missing": report.content["missing"],
        "counts": [{"look": _MARKS[name], "number": number} for name, number in counted.items() if number],
        "sha256": report.sha256,
    }


def _older(report: CheckReport) -> dict[str, Any]:
    return {"no": report.no, "made": report.made_at, "href": reverse("web:check-report", args=[report.pk])}


def _do(request: HttpRequest, found: CheckRequest) -> HttpResponse:
    here = reverse("web:check", args=[found.pk])
    verb = _VERBS.get(posting.text(request, "do", 20))
    if verb is None:
        posting.refuse(request, "没有这个操作，请刷新页面后重试。")
    else:
        verb(request, found)
    return posting.back(here)


def send(request: HttpRequest, found: CheckRequest) -> None:
    """Puts the questions to the departments, as a job: the page follows the answers."""
    if not navigation.may(request, DUTIES, found.region):
        posting.refuse(request, "发出询问需要“经济状况核对”或“受理”职责。")
        return
    found.sent_at = found.opened_at
    found.save(update_fields=["sent_at"])
    tasks.send_request.defer(number=found.pk, place=trim(found.region))
    posting.succeed(request, "已发出询问，答复到达后自动显示。")


def _make(request: HttpRequest, found: CheckRequest) -> None:
    posting.attempt(
        request,
        lambda: request_actions.make_report(found, acting_user=request.user),
        lambda report: (
            f"已生成报告 {report.no}" + ("。" if report.complete else f"，缺 {len(report.missing)} 项答复。")
        ),
    )


def _dispute(request: HttpRequest, found: CheckRequest) -> None:
    text = posting.text(request, "text", 500)
    posting.attempt(
        request,
        lambda: request_actions.dispute(found, acting_user=request.user, text=text),
        "已登记异议，可以重新核对。",
    )


def _recheck(request: HttpRequest, found: CheckRequest) -> None:
    ok, again = posting.attempt(
        request, lambda: request_actions.recheck(found, acting_user=request.user), "已发起重新核对。"
    )
    if ok and again is not None:
        send(request, again)


def _apply(request: HttpRequest, found: CheckRequest) -> None:
    report = found.reports.order_by("-version").first()
    draft = draft_of(found.case) if found.case else None
    if report is None or draft is None:
        posting.refuse(request, "没有报告或没有未定稿的事实表。请先生成报告，并在案件中登记事实。")
        return
    choices = {
        item["key"]: request.POST[f"choose-{place}"]
        for place, item in enumerate(report.content["items"])
        if request.POST.get(f"choose-{place}") in ("register", "declared")
    }
    posting.attempt(
        request,
        lambda: request_actions.apply_report(report, draft, acting_user=request.user, choices=choices),
        lambda changed: f"已写入第 {draft.number} 份事实表：{_changed(changed)}。",
    )


def _changed(changed: list[str]) -> str:
    labels = {name: fact.label for (level, name), fact in law.facts().items() if level == "household"}
    words = [
        text if "：" not in text else labels.get(text.split("：")[0], text.split("：")[0]) + "待查清"
        for text in changed
    ]
    return "、".join(words) or "没有需要改动的事实"


_VERBS: dict[str, Callable[[HttpRequest, CheckRequest], None]] = {
    "send": send,
    "report": _make,
    "dispute": _dispute,
    "recheck": _recheck,
    "apply": _apply,
}
