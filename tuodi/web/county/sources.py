"""Data sources: each department's register with its agreement and health, its deliveries, and taking in a new one."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.crypto.sm2 import key_id
from tuodi.exchange.registers import KINDS, register_profiles
from tuodi.files import store
from tuodi.files.models import StoredFile
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.verification import register_actions, source_states, tasks
from tuodi.verification.models import DataSource, RegisterBatch
from tuodi.verification.register_queries import Health, access_batch, access_source, health, sources_of, with_newest
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.county.source_form import SourceForm, save

MAX_BYTES = 200 * 2**20
#: A delivery up to this size is read while the clerk waits; a larger one by a job.
SMALL = 4 * 2**20
#: Lines of the faults file shown on the page; all are in the download.
SHOWN = 50
_HEALTH = {
    "fresh": Look("正常", "ok", "check"),
    "late": Look("偏旧", "warn"),
    "overdue": Look("逾期", "bad"),
    "failing": Look("故障", "bad", "x"),
    "off": Look("未启用"),
}
_ORDER = ("failing", "overdue", "late", "fresh", "off")
_BATCHES = {
    RegisterBatch.State.IMPORTING: Look("导入中", "info", "loader-2"),
    RegisterBatch.State.READY: Look("可用", "ok", "check"),
    RegisterBatch.State.REFUSED: Look("未通过", "bad", "x"),
    RegisterBatch.State.SUPERSEDED: Look("已替代"),
    RegisterBatch.State.PURGED: Look("已销毁"),
}


class DeliveryForm(forms.Form):
    """One file of one delivery."""

    file = UploadField(
        most=MAX_BYTES,
        refusal="文件有 {mb} MB，超过 200 MB。请用命令导入。",
        label="数据文件",
        help_text="不超过 200 MB；更大的用命令 tuodi register import 导入",
    )
    batch_no = forms.RegexField(
        r"^[0-9A-Za-z._-]{1,40}$", label="批次号", help_text="如 2017-08",
        error_messages={"invalid": "批次号只能用字母、数字、点、短横和下划线。"},
    )  # fmt: skip
    as_of = forms.DateField(
        label="数据日期", required=False, help_text="部门给出的截止日期；文件开头写明的可以不填",
        widget=forms.DateInput(attrs={"type": "date"}), error_messages={"invalid": "请填写日期，如 2017-08-31。"},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].error_messages.update({"required": "请选择文件。", "empty": "文件是空的，请重新选择。"})


def listing(request: HttpRequest) -> HttpResponse:
    """Every source of the user's places with its health, what needs a hand first; a POST adds one."""
    place = request.user.office.place_code  # type: ignore[union-attr]
    keeps = navigation.may(request, [DutyCode.SWEEP], pad12(place))
    form = SourceForm(request.POST or None) if keeps else None
    if request.method == "POST" and form is not None and form.is_valid():
        made = save(request, form)
        if made is not None:
            posting.succeed(request, "已添加。签订协议后请更改状态，再导入数据。")
            return posting.back(reverse("web:source", args=[made.pk]))
    rows = [_line(source, health(source)) for source in with_newest(sources_of(request.user))]
    rows.sort(key=lambda row: _ORDER.index(row["state"]))
    counts = {state: sum(row["state"] == state for row in rows) for state in _ORDER}
    context = {
        "rows": rows,
        "form": form,
        "figures": [
            {"label": _HEALTH[state].word, "value": f"{counts[state]:,}", "unit": "个"} for state in reversed(_ORDER)
        ]
        if rows
        else [],
        "place_names": places.names(place),
    }
    return render(request, "county/sources.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One source with its deliveries; a POST takes a file in."""
    source = access_source(request.user, pk)
    keeps = navigation.may(request, [DutyCode.SWEEP], pad12(source.place_code))
    takes = keeps and source.state in source_states.IMPORTING and bool(source.profile)
    form = DeliveryForm(request.POST or None, request.FILES or None) if takes else None
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            batch = _receive(request.user, source, form)
        except TuodiError as error:
            form.add_error("file", str(error))
        else:
            return posting.back(reverse("web:source-batch", args=[batch.pk]))
    batches = source.batches.order_by("-received_at", "-pk")
    found = pages.page_of(request, lambda start, stop: list(batches[start:stop]), size=20)
    how = health(source)
    moves = [
        {"code": code, "label": DataSource.State(code).label}
        for code in DataSource.State.values
        if code in source_states.MOVES.get(source.state, ())
    ]
    context = {
        "source": _line(source, how) | {"terms": _terms(source, how)},
        "page": Page([_batch(row) for row in found.items], found.number, None, found.previous, found.next),
        "form": form,
        "moves": moves if keeps else [],
        "state_href": reverse("web:source-state", args=[source.pk]),
        "change_href": reverse("web:source-change", args=[source.pk]) if keeps else "",
    }
    return render(request, "county/source.html", context)


def change_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Move the agreement on."""
    source = access_source(request.user, pk)
    posting.attempt(
        request,
        lambda: register_actions.change_source(
            source, acting_user=request.user, state=posting.text(request, "state", 20)
        ),
        lambda done: f"状态已改为“{done.get_state_display()}”。",
    )
    return posting.back(reverse("web:source", args=[source.pk]))


def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery: what became of its rows, and why."""
    row = access_batch(request.user, pk)
    faults, more = _faults(row)
    reasons = [{"label": label, "count": count, "kind": _kind(code)} for code, (label, count) in row.reasons.items()]
    context = {
        "batch": _batch(row) | {"source": row.source.label, "source_href": reverse("web:source", args=[row.source_id])},
        "figures": _figures(row),
        "balance": f"采用 {row.accepted:,} ＋ 重复 {row.duplicates:,} ＋ 未采用 {row.rejected:,} ＝ {row.rows:,} 行",
        "reasons": sorted(reasons, key=lambda one: (one["kind"], -one["count"])),
        "faults": faults,
        "more": more,
        "faults_href": reverse("web:source-faults", args=[row.pk]) if row.faults_id else "",
        "waiting": row.state == RegisterBatch.State.IMPORTING,
    }
    return render(request, "county/source_batch.html", context)


def faults(request: HttpRequest, pk: int) -> HttpResponse:
    """The faults file, for the department."""
    row = access_batch(request.user, pk)
    if row.faults is None:
        raise NotFoundError("问题行")
    response = HttpResponse(store.open_plain(row.faults).read(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="register-{row.pk}-faults.csv"'
    return response


def _receive(user: Any, source: DataSource, form: DeliveryForm) -> RegisterBatch:
    given: UploadedFile = form.cleaned_data["file"]
    as_of: date | None = form.cleaned_data["as_of"]
    ending = Path(given.name or "").suffix.lower()[:6]
    with tempfile.NamedTemporaryFile(prefix="tuodi-register-", suffix=ending) as copy:
        for chunk in given.chunks():
            copy.write(chunk)
        copy.flush()
        made = register_actions.receive_register(
            source, Path(copy.name), batch_no=form.cleaned_data["batch_no"], name=given.name or "", as_of=as_of,
            acting_user=user,
        )  # fmt: skip
    if (given.size or 0) <= SMALL:
        register_actions.resume_imports(made.pk)
    else:
        tasks.import_received.defer(number=made.pk)
    return made


def _line(source: DataSource, how: Health) -> dict[str, Any]:
    return {
        "href": reverse("web:source", args=[source.pk]),
        "label": source.label,
        "kind": KINDS.get(source.kind, source.kind),
        "department": source.department,
        "agreement": source.agreement_no,
        "agreement_state": source.get_state_display(),
        "mode": source.get_mode_display(),
        "state": how.state,
        "look": _HEALTH[how.state],
        "why": how.why,
        "days": how.days,
        "freshness": source.freshness_days,
        "as_of": how.ready.as_of if how.ready else None,
        "rows": how.ready.accepted if how.ready else None,
        "coverage": None if how.coverage is None else f"{how.coverage / 10:.1f}%",
        "quota": "不限" if source.quota_per_day is None else f"{how.quota_left:,} / {source.quota_per_day:,}",
        "last_success": source.last_success_at,
        "place": places.path(pad12(source.place_code)),
    }


def _terms(source: DataSource, how: Health) -> list[tuple[str, Any]]:
    profile = register_profiles().get(source.profile) if source.profile else None
    return [
        ("部门", source.department),
        ("协议", f"{source.agreement_no or '无文号'}（{source.get_state_display()}）"),
        ("方式", source.get_mode_display()),
        ("签订日期", f"{source.agreed_on:%Y-%m-%d}" if source.agreed_on else ""),
        ("文件模板", profile.label if profile else source.profile),
        ("接口名", source.service),
        ("验签公钥", f"{key_id(bytes.fromhex(source.reply_key))}（编号）" if source.reply_key else _unsigned(source)),
        ("有效天数", f"{source.freshness_days} 天"),
        ("保存天数", f"{source.retention_days} 天"),
        ("今日限额", "不限" if how.quota_left is None else f"余 {how.quota_left:,} / {source.quota_per_day:,}"),
        ("核对授权", "须授权" if source.needs_consent else "依法核对"),
        ("联系方式", source.contact),
        ("说明", source.note),
        ("模板说明", profile.note if profile else ""),
    ]


def _unsigned(source: DataSource) -> str:
    return "答复不签名（协议约定）" if source.mode == DataSource.Mode.REAL_TIME else ""


def _batch(row: RegisterBatch) -> dict[str, Any]:
    who = User.objects.filter(pk=row.received_by_id).values_list("name", flat=True).first()
    return {
        "href": reverse("web:source-batch", args=[row.pk]),
        "no": row.batch_no,
        "as_of": row.as_of,
        "look": _BATCHES[RegisterBatch.State(row.state)],
        "rows": row.rows if row.state != RegisterBatch.State.REFUSED else None,
        "accepted": row.accepted if row.state != RegisterBatch.State.REFUSED else None,
        "duplicates": row.duplicates,
        "rejected": row.rejected,
        "unkeyed": row.unkeyed,
        "when": row.received_at,
        "who": who or "系统",
        "files": "、".join(row.file_names),
        "hashes": row.file_hashes,
        "note": row.note,
        "until": row.retain_until,
        "seconds": row.seconds,
    }


def _figures(row: RegisterBatch) -> list[dict[str, Any]]:
    if not row.rows:
        return []
    return [
        {"label": "读到", "value": f"{row.rows:,}", "unit": "行"},
        {"label": "采用", "value": f"{row.accepted:,}", "unit": "行", "foot": "参加比对"},
        {"label": "待人工", "value": f"{row.unkeyed:,}", "unit": "行", "foot": "采用，但号码不能比对"},
        {"label": "重复", "value": f"{row.duplicates:,}", "unit": "行", "foot": "内容相同，只计一次"},
        {"label": "未采用", "value": f"{row.rejected:,}", "unit": "行", "foot": "每行都有原因"},
    ]


def _kind(code: str) -> str:
    if code.startswith(("note.", "state.converted")):
        return "已规范"
    return "号码" if code.startswith("state.") else "问题"


def _faults(row: RegisterBatch) -> tuple[list[dict[str, str]], bool]:
    """The first lines of the faults file."""
    stored: StoredFile | None = row.faults
    if stored is None:
        return [], False
    reader = csv.reader(io.StringIO(store.open_plain(stored).read().decode("utf-8-sig"), newline=""))
    next(reader, None)
    lines = [line for _, line in zip(range(SHOWN + 1), reader, strict=False)]
    names = ("file", "line", "verdict", "field", "shown", "reason", "remedy")
    return [dict(zip(names, line, strict=True)) for line in lines[:SHOWN]], len(lines) > SHOWN
