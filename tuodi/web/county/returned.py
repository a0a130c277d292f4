"""Lists the discipline body sent back (返回线索): take one in, and see what became of each row."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit.actions import record
from tuodi.files import store
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import trim
from tuodi.monitoring import returned_actions, returned_queries
from tuodi.monitoring.models import HandOver, ReturnedList, ReturnedRow
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.form_parts import PlaceOrOwn
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look

MAX_BYTES = 20 * 2**20
HAND_OVERS = 50
Result = ReturnedRow.Result
LOOKS = {
    Result.RAISED: Look("生成线索", "ok", "check"),
    Result.KNOWN: Look("已有线索", "info"),
    Result.UNMATCHED: Look("不在册", "warn"),
    Result.REJECTED: Look("未采用", "bad", "x"),
}


class UploadForm(PlaceOrOwn, forms.Form):
    """A list and where it comes from."""

    file = UploadField(most=MAX_BYTES, refusal="文件有 {mb} MB，超过 20 MB。请分成几个文件。",
        label="清单文件", help_text="xlsx、xls 或 csv，不超过 20 MB；表头须有 姓名、身份证号、问题，可有 说明",
        error_messages={"required": "请选择文件。", "empty": "文件是空的，请重新选择。"},
    )  # fmt: skip
    sender = forms.CharField(
        label="来文单位", max_length=80, help_text="例如 荆门市纪委", error_messages={"required": "请填写来文单位。"}
    )
    document = forms.CharField(label="文号", max_length=80, required=False, help_text="例如 荆纪函〔2017〕12号")
    hand_over = forms.ModelChoiceField(
        label="对应的移交", queryset=HandOver.objects.none(), required=False, empty_label="不对应某次移交"
    )
    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    sheet = forms.CharField(label="工作表", max_length=60, required=False, help_text="有多个工作表时填写名称")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = HandOver.objects.exclude(made_at=None).order_by("-id")
        self.fields["hand_over"].queryset = HandOver.objects.filter(
            pk__in=list(found.values_list("pk", flat=True)[:HAND_OVERS])
        )
        self.fields["hand_over"].label_from_instance = lambda row: f"{row.no}（{row.receiver}）"


def listing(request: HttpRequest) -> HttpResponse:
    """Lists in the reader's range; a POST takes one in."""
    user: Any = request.user
    own = trim(user.office.place_code)
    may = DutyCode.SWEEP in navigation.held_duties(request)
    form = UploadForm(request.POST or None, request.FILES or None) if may else None
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            made = _take(user, own, form.cleaned_data)
        except TuodiError as error:
            form.add_error("file", str(error))
        else:
            return posting.back(reverse("web:returned-list", args=[made.pk]))
    rows = returned_queries.returned_lists()
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=20)
    context = {
        "page": Page([_line(one) for one in found.items], found.number, None, found.previous, found.next),
        "form": form,
        "place_names": places.names(user.office.place_code),
    }
    return render(request, "county/returned.html", context)


def _take(user: Any, own: str, data: dict[str, Any]) -> ReturnedList:
    """The upload as a file of its own name, read and forgotten."""
    given: UploadedFile = data["file"]
    name = store.safe_name(given.name or "清单.xlsx")
    with tempfile.TemporaryDirectory(prefix="tuodi-returned-") as folder:
        path = Path(folder) / f"list{Path(name).suffix.lower()}"
        with path.open("wb") as out:
            for chunk in given.chunks():
                out.write(chunk)
        return returned_actions.import_returned(
            path, acting_user=user, place=data["place"] or own, sender=data["sender"], document=data["document"],
            sheet=data["sheet"].strip() or None, name=name, hand_over=data["hand_over"],
        )  # fmt: skip


def _line(row: ReturnedList) -> dict[str, Any]:
    return {
        "href": reverse("web:returned-list", args=[row.pk]),
        "no": row.no,
        "sender": row.sender,
        "document": row.document,
        "place": places.path(row.place_code),
        "rows": row.rows,
        "raised": row.raised,
        "known": row.known,
        "left": row.unmatched + row.rejected,
        "at": row.received_at,
        "by": row.received_by.name if row.received_by else "",
    }


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One list, row by row; `result` in the address chooses which."""
    user: Any = request.user
    row = returned_queries.access_returned(user, pk)
    chosen = request.GET.get("result", "")
    chosen = chosen if chosen in Result.values else ""
    rows = returned_queries.lines_of(row, chosen)
    counts = {"": row.rows, **{code: getattr(row, code) for code in Result.values}}
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[chosen])
    opens = bool(navigation.LEDGER & set(navigation.held_duties(request)))
    context = {
        "row": row,
        "place": places.path(row.place_code),
        "page": Page([_row(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "tabs": [
            {"label": "全部" if not code else LOOKS[Result(code)].word, "n": n, "href": f"?result={code}", "current": code == chosen, "css": ""}
            for code, n in counts.items()
        ],
        "balance": f"生成线索 {row.raised:,} ＋ 已有线索 {row.known:,} ＋ 不在册 {row.unmatched:,} ＋ 未采用 {row.rejected:,} ＝ {row.rows:,} 行",
        "opens": opens,
        "ledger_href": f"{reverse('web:clues')}?tab=all&source=discipline" if opens and row.raised else "",
        "handed": {"no": row.hand_over.no, "href": reverse("web:hand-over", args=[row.hand_over.pk])} if row.hand_over else None,
        "may_handed": DutyCode.HAND_OVER in navigation.held_duties(request),
    }  # fmt: skip
    return render(request, "county/returned_list.html", context)


def _row(one: ReturnedRow) -> dict[str, Any]:
    return {
        "no": one.row_no,
        "name": one.name,
        "id_masked": one.id_masked,
        "matter": one.matter,
        "look": LOOKS[Result(one.result)],
        "why": one.why,
        "remedy": returned_actions.REMEDY.get(one.result, ""),
        "clue": {"no": one.clue.no, "href": reverse("web:clue", args=[one.clue.no])} if one.clue else None,
    }


def faults(request: HttpRequest, pk: int) -> FileResponse | HttpResponse:
    """The rows that made no clue, as a sheet to answer the sender with; each download is logged."""
    user: Any = request.user
    row = returned_queries.access_returned(user, pk)
    if row.faults is None:
        posting.refuse(request, "每一行都生成了线索，没有要退回的行。")
        return posting.back(reverse("web:returned-list", args=[row.pk]))
    record(
        "web.open_returned_faults", actor=user, subject_type="returnedlist", subject_id=row.pk, region=row.region,
        after={"no": row.no, "sha256": row.faults.sha256},
    )  # fmt: skip
    body = io.BytesIO(store.open_plain(row.faults).read())
    return FileResponse(body, as_attachment=True, filename=row.faults.name, content_type="text/csv; charset=utf-8")
