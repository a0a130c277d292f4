"""Rosters that offices send: upload, preview row by row, confirm, and follow the writing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions.rosters import adopt_roster
from tuodi.exchange.profiles import profile_names
from tuodi.intake import roster_actions
from tuodi.intake.models import RosterFamily, RosterImport, RosterRow, Verdict
from tuodi.intake.roster_queries import accepted_waiting, access_import, error_sheet, imports, proposed_changes, rows_of
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month, PeriodError
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.web.components import pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.county import import_jobs

State = RosterImport.State
MAX_BYTES = 200 * 2**20
#: Families with proposed changes shown at once; all are in the downloaded sheet.
PROPOSALS = 100
_LOOKS = {
    State.STAGED: Look("已上传"),
    State.READING: Look("正在核对", "info", "loader-2"),
    State.PREVIEWED: Look("待确认", "warn"),
    State.APPLYING: Look("正在写入", "info", "loader-2"),
    State.APPLIED: Look("已写入", "ok", "check"),
    State.DROPPED: Look("已放弃"),
}
_VERDICTS = {
    Verdict.NEW: Look("新增", "ok", "check"),
    Verdict.UNCHANGED: Look("无变化"),
    Verdict.CHANGED: Look("有变化", "info"),
    Verdict.DUPLICATE: Look("文件内重复", "warn"),
    Verdict.DOUBLE: Look("重复享受", "bad"),
    Verdict.NAME_CONFLICT: Look("同号不同名", "bad"),
    Verdict.QUARANTINE: Look("证件号待更正", "bad"),
    Verdict.ERROR: Look("有错误", "bad", "x"),
    Verdict.WAITS: Look("随户暂缓", "warn"),
    Verdict.PENDING: Look("待核对", "unknown"),
}


class UploadForm(forms.Form):
    """A file, how to read it, and what it is about where the file does not say."""

    file = UploadField(
        most=MAX_BYTES,
        refusal="文件有 {mb} MB，超过 200 MB。请按县区拆成几个文件。",
        label="名册文件",
        help_text="xlsx、xls 或 csv，不超过 200 MB、100 万行；加密或带宏的文件请先另存",
    )
    profile = forms.ChoiceField(label="模板")
    place = forms.CharField(label="地区代码", required=False, max_length=12, help_text="不填则按标题和文件名识别")
    month = forms.CharField(label="名册月份", required=False, max_length=7, help_text="例如 2017-04；不填则按标题识别")
    sheet = forms.CharField(label="工作表", required=False, max_length=60, help_text="有多个工作表时填写名称")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["profile"].choices = list(profile_names().items())
        self.fields["file"].error_messages.update({"required": "请选择文件。", "empty": "文件是空的，请重新选择。"})

    def clean_month(self) -> Month | None:
        """A month, or None where nothing was typed."""
        text = self.cleaned_data["month"].strip()
        try:
            return Month.parse(text) if text else None
        except PeriodError as error:
            raise forms.ValidationError(str(error)) from error


def listing(request: HttpRequest) -> HttpResponse:
    """Files taken in so far, and the upload; a POST stages the file and starts its preview."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            staged = _stage(request.user, form)
        except TuodiError as error:
            form.add_error("file", str(error))
        else:
            return posting.back(reverse("web:import", args=[staged.pk]))
    rows = imports()
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=20)
    names = _names([row.staged_by_id for row in found.items])
    page = Page([_line(row, names) for row in found.items], found.number, None, found.previous, found.next)
    return render(request, "county/imports.html", {"page": page, "form": form})


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One import with its rows; `verdict` in the address chooses which."""
    imported = _access(request.user, pk)
    chosen = request.GET.get("verdict", "")
    ordered = rows_of(imported, chosen) if chosen in Verdict.values else rows_of(imported).exclude(faults=[])
    found = pages.page_of(request, lambda start, stop: list(ordered[start:stop]))
    page = Page([_row(row) for row in found.items], found.number, None, found.previous, found.next)
    context = {
        "batch": _batch(imported, chosen),
        "page": page,
        "proposed": [_proposal(family) for family in proposed_changes(imported)[:PROPOSALS]]
        if chosen == Verdict.CHANGED
        else [],
        "proposed_at_most": PROPOSALS,
    }
    return render(request, "county/import.html", context)


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; when the work is over the whole page is asked for again."""
    imported = _access(request.user, pk)
    if imported.state not in (State.STAGED, State.READING, State.APPLYING):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "county/run_progress.html", {"run": {"progress": _progress(imported)}})


def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Say yes to the preview and start writing."""
    imported = _access(request.user, pk)
    ok, confirmed = posting.attempt(
        request,
        lambda: roster_actions.confirm(imported.pk, acting_user=request.user),
        "已确认。写入的是新增的家庭；有变化的只列出，不改动。",
    )
    if ok and confirmed is not None:
        import_jobs.apply(confirmed)
    return posting.back(reverse("web:import", args=[imported.pk]))


def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the accepted entitlements on the roll."""
    imported = _access(request.user, pk)
    posting.attempt(
        request,
        lambda: adopt_roster(imported, acting_user=request.user),
        lambda done: (
            f"已列入在册 {done.entries:,} 项" + (f"，{done.conflicts:,} 项已在册，未改动。" if done.conflicts else "。")
        ),
    )
    return posting.back(reverse("web:import", args=[imported.pk]))


def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the preview up."""
    imported = _access(request.user, pk)
    posting.attempt(
        request, lambda: roster_actions.drop(imported.pk, acting_user=request.user), "已放弃这次导入，名册没有改动。"
    )
    return posting.back(reverse("web:imports"))


def errors(request: HttpRequest, pk: int) -> HttpResponse:
    """The masked error sheet as CSV."""
    imported = _access(request.user, pk)
    response = HttpResponse("".join(error_sheet(imported)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="roster-{imported.pk}-errors.csv"'
    return response


def _access(user: Any, pk: int) -> RosterImport:
    found = access_import(user, pk)
    access.require(user, DutyCode.ROLL_IMPORT, found.region)
    return found


def _stage(user: Any, form: UploadForm) -> RosterImport:
    given = form.cleaned_data
    with _on_disk(given["file"]) as path:
        staged = roster_actions.stage(
            path,
            profile=given["profile"],
            acting_user=user,
            place=given["place"].strip(),
            sheet=given["sheet"].strip() or None,
            month=given["month"],
            name=given["file"].name or "",
        )
    if staged.state == State.STAGED:
        import_jobs.preview(staged)
    return staged


@contextmanager
def _on_disk(given: UploadedFile) -> Iterator[Path]:
    """The upload as a file with its own ending, deleted afterwards."""
    ending = Path(given.name or "").suffix.lower()[:6]
    with tempfile.NamedTemporaryFile(prefix="tuodi-roster-", suffix=ending) as copy:
        for chunk in given.chunks():
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


def _names(users: list[int | None]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in=[pk for pk in users if pk]).values_list("pk", "name"))


def _line(imported: RosterImport, names: dict[int, str]) -> dict[str, Any]:
    rows = imported.counts.get("rows", {})
    return {
        "href": reverse("web:import", args=[imported.pk]),
        "name": imported.file_name,
        "when": imported.staged_at,
        "who": names.get(imported.staged_by_id or 0, "系统"),
        "look": _LOOKS[State(imported.state)],
        "rows": sum(rows.values()) if rows else None,
        "good": rows.get(Verdict.NEW),
        "held": rows.get(Verdict.QUARANTINE),
    }


def _batch(imported: RosterImport, chosen: str) -> dict[str, Any]:
    line = _line(imported, _names([imported.staged_by_id]))
    rows, families = imported.counts.get("rows", {}), imported.counts.get("families", {})
    here = reverse("web:import", args=[imported.pk])
    confirmable = imported.state == State.PREVIEWED
    return line | {
        "progress": _progress(imported) if imported.state in (State.STAGED, State.READING, State.APPLYING) else None,
        "notes": [
            places.path(imported.region),
            f"{Month.parse(str(imported.month))} 名册",
            f"表头在第 {imported.header_row} 行" if imported.header_row else "",
            f"工作表 {imported.sheet}" if imported.sheet else "",
        ],
        "figures": _figures(imported, rows, families) if rows else [],
        "balance": _balance(rows),
        "problems": _problems(imported),
        "choices": [{"label": "有发现", "number": None, "href": here, "current": not chosen}]
        + [
            {
                "label": _VERDICTS[code].word,
                "css": _VERDICTS[code].css,
                "number": rows[code],
                "href": f"{here}?verdict={code}",
                "current": chosen == code,
            }
            for code in _VERDICTS
            if rows.get(code)
        ],
        "confirm_href": reverse("web:import-confirm", args=[imported.pk]) if confirmable else "",
        "drop_href": reverse("web:import-drop", args=[imported.pk]) if confirmable else "",
        "adopt_href": reverse("web:import-adopt", args=[imported.pk])
        if imported.state == State.APPLIED and _unadopted(imported)
        else "",
        "errors_href": reverse("web:import-errors", args=[imported.pk]) if rows else "",
        "new_families": families.get(Verdict.NEW, 0),
    }


def _unadopted(imported: RosterImport) -> bool:
    return accepted_waiting(imported).exists()


def _figures(imported: RosterImport, rows: dict[str, int], families: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"label": "读到", "value": f"{sum(rows.values()):,}", "unit": "行", "foot": f"{sum(families.values()):,} 户"},
        {
            "label": "可新增",
            "value": f"{families.get(Verdict.NEW, 0):,}",
            "unit": "户",
            "foot": f"{rows.get(Verdict.NEW, 0):,} 人",
        },
        {
            "label": "有变化（待办理）",
            "value": f"{families.get(Verdict.CHANGED, 0):,}",
            "unit": "户",
            "foot": "只提出，不改动",
        },
        {"label": "暂缓", "value": f"{families.get(Verdict.HELD, 0):,}", "unit": "户", "foot": "户内有行不能用"},
        {
            "label": "在册而文件未列",
            "value": f"{imported.counts.get('absent', 0):,}",
            "unit": "户",
            "foot": "不视为退出",
        },
        {
            "label": "月金额合计",
            "value": words.yuan(imported.counts.get("amount_fen")),
            "unit": "元",
            "foot": "不含暂缓",
        },
    ]


def _balance(rows: dict[str, int]) -> str:
    if not rows:
        return ""
    parts = " ＋ ".join(f"{_VERDICTS[code].word} {rows[code]:,}" for code in _VERDICTS if rows.get(code))
    return f"{parts} ＝ {sum(rows.values()):,} 行"


def _problems(imported: RosterImport) -> list[str]:
    if imported.repeats_id:
        return [f"与第 {imported.repeats_id} 次导入内容相同，确认后不会有任何变化。"]
    return []


def _progress(imported: RosterImport) -> dict[str, Any]:
    writing = imported.state == State.APPLYING
    return {
        "href": reverse("web:import-progress", args=[imported.pk]),
        "label": "正在写入" if writing else "正在核对",
        "done": imported.progress_done,
        "total": imported.progress_total,
        "what": "户" if writing else "行",
        "percent": pages.share(imported.progress_done, imported.progress_total),
    }


def _row(row: RosterRow) -> dict[str, Any]:
    return {
        "number": row.row_no,
        "look": _VERDICTS[Verdict(row.verdict)],
        "name": row.name,
        "id_masked": row.id_masked,
        "problems": [_sentence(fault) for fault in row.faults],
    }


def _proposal(family: RosterFamily) -> dict[str, Any]:
    """What a file shows otherwise than the register: to be decided by the usual procedure, never applied here."""
    return {
        "name": family.data.get("head_name", ""),
        "row": family.first_row,
        "href": reverse("web:family", args=[family.household_id]) if family.household_id else "",
        "changes": [{"label": label, "now": now, "then": then} for _, label, now, then in family.changes],
    }


def _sentence(fault: list[Any]) -> str:
    """Level, code, field, masked value, reason, remedy -> one sentence."""
    shown, reason, remedy = (str(part or "") for part in fault[3:6])
    return "".join(part for part in (f"“{shown}”" if shown else "", reason, f"。{remedy}" if remedy else "") if part)
