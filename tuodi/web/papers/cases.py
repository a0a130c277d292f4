"""The papers of one case: what there is, what is missing, each to be printed; and the whole file as one PDF."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.queries import access_case
from tuodi.decisions import case_files, tasks
from tuodi.decisions.case_files import DUTIES, access_case_file
from tuodi.decisions.models import CaseFile
from tuodi.decisions.papers.catalogue import Paper, catalogue, is_large
from tuodi.kernel.errors import TuodiError
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.counter import work
from tuodi.web.papers import printing
from tuodi.web.papers.log import note_print

State = CaseFile.State
STATES = {
    "there": Look("可打印", "ok", "check"),
    "missing": Look("缺", "bad", "alert-triangle"),
    "unneeded": Look("不需要"),
}
FILE_LOOKS = {
    State.WAITING: Look("排队中", "info", "clock"),
    State.MAKING: Look("正在生成", "info", "loader-2"),
    State.READY: Look("可下载", "ok", "check"),
    State.FAILED: Look("没有生成", "bad", "x"),
    State.EXPIRED: Look("已过期"),
}


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The list; a POST asks for the whole file."""
    user: Any = request.user
    case = access_case(user, pk=pk)
    papers = catalogue(case)
    if request.method == "POST":
        return _ask(request, case, papers)
    reading.note_reading(request, "案件文书", [case.household_id], [case.applicant_id], region=case.region)
    rows = CaseFile.objects.filter(case=case).select_related("requested_by").order_by("-id")[:5]
    context = {
        "case": case,
        "head": case.household.head.name,
        "programme": work.programme_label(case.programme),
        "place": places.path(case.region),
        "papers": _lines(case, papers),
        "missing": sum(one.state == "missing" for one in papers),
        "may": navigation.may(request, DUTIES, case.region),
        "large": is_large(papers),
        "files": [{"row": one, "look": FILE_LOOKS[State(one.state)]} for one in rows],
    }
    return render(request, "papers/case.html", context)


def _lines(case: Case, papers: list[Paper]) -> list[dict[str, Any]]:
    seen: dict[str, int] = {}
    by_step = _printed_by(case)
    lines = []
    for one in papers:
        href = ""
        if one.form:
            number = seen.get(one.form, 0)
            if one.state == "there":
                href = reverse("web:case-paper", args=[case.pk, one.form, number])
                seen[one.form] = number + 1
        lines.append({"paper": one, "look": STATES[one.state], "href": href, "step": by_step.get(one.form, "")})
    return lines


def _printed_by(case: Case) -> dict[str, str]:
    """Form -> the step that prints it, where the procedure says so."""
    found: dict[str, str] = {}
    for step in case.procedure.steps:
        for form in getattr(step, "prints", ()) or ():
            found.setdefault(str(form), step.label)
    return found


def paper(request: HttpRequest, pk: int, form: str, number: int) -> HttpResponse:
    """One paper as PDF, with the printer's name over it; on record."""
    user: Any = request.user
    case = access_case(user, pk=pk)
    access.require_any(user, DUTIES, case.region)
    found = [one for one in catalogue(case) if one.form == form and one.state == "there"]
    if number >= len(found):
        raise NotFoundError("文书")
    chosen = found[number]
    with printing.printer(request) as by:
        made = printing.one_pdf(chosen.pdfs(by), f"{chosen.name} {case.no}")
    reading.note_reading(request, chosen.name, [case.household_id], [case.applicant_id], region=case.region)
    note_print(request, form, "case", case.pk, case.region, case_no=case.no, name=chosen.name)
    return printing.pdf(made, f"{case.no}-{form}")


def _ask(request: HttpRequest, case: Case, papers: list[Paper]) -> HttpResponse:
    user: Any = request.user
    here = reverse("web:case-papers", args=[case.pk])
    ok, row = posting.attempt(request, lambda: case_files.request(case, acting_user=user), "案卷已开始汇编。")
    if not ok or row is None:
        return posting.back(here)
    if is_large(papers):
        tasks.make_case_file.defer(case_file_id=row.pk, user_id=user.pk)
    else:
        posting.attempt(request, lambda: case_files.make(row, acting_user=user), "案卷已生成。")
    return posting.back(reverse("web:case-file", args=[row.pk]))


def file(request: HttpRequest, pk: int) -> HttpResponse:
    """One printing of the whole file: how far it is, its contents, its download."""
    row = access_case_file(request.user, pk)
    context = {
        "row": row,
        "case": row.case,
        "look": FILE_LOOKS[State(row.state)],
        "progress": _progress(row),
        "shell": {"progress": _progress(row)},
        "parts": [{"part": one, "look": STATES[one["state"]]} for one in row.parts],
        "missing": [one["name"] for one in row.parts if one["state"] == "missing"],
        "may_fetch": row.state == State.READY and navigation.may(request, DUTIES, row.region),
    }
    return render(request, "papers/case_file.html", context)


def _progress(row: CaseFile) -> dict[str, Any] | None:
    if row.state not in (State.WAITING, State.MAKING):
        return None
    return {
        "href": reverse("web:case-file-progress", args=[row.pk]),
        "label": row.get_state_display(),
        "done": row.progress_done,
        "total": row.progress_total,
        "what": "份",
        "percent": pages.share(row.progress_done, row.progress_total),
    }


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; when the work is over the whole page is asked for again."""
    row = access_case_file(request.user, pk)
    found = _progress(row)
    if found is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "county/run_progress.html", {"run": {"progress": found}})


def download(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """The file; each time is counted and on record."""
    row = access_case_file(request.user, pk)
    try:
        with case_files.fetch(row, acting_user=request.user) as path:
            handle = path.open("rb")  # stays readable after the plain copy is unlinked
    except TuodiError as error:
        posting.refuse(request, str(error))
        return posting.back(reverse("web:case-file", args=[row.pk]))
    case = row.case
    reading.note_reading(request, "案卷", [case.household_id], [case.applicant_id], region=case.region)
    response = FileResponse(handle, as_attachment=True, filename=f"{case.no}.pdf", content_type="application/pdf")
    response["Cache-Control"] = "no-store"
    return response
