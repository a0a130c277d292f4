"""The audit log for its reader: who did what to whom, when and where; whether the chain is whole; an export that is logged."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit import queries
from tuodi.audit.actions import record
from tuodi.audit.models import AuditEntry
from tuodi.audit.queries import Wanted
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org.models import User
from tuodi.web.accounts import action_words
from tuodi.web.components import pages, places, posting
from tuodi.web.county import sheets

SIZE = 50
_NAMES = ("who", "action", "subject", "subject_id", "case_no", "since", "until", "place")


def listing(request: HttpRequest) -> HttpResponse:
    """The log, newest first; a page begins after a row, so that new rows push nothing twice."""
    query, wanted, problems = read(request)
    before = request.GET.get("before", "")
    rows = queries.select(wanted)
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: SIZE + 1])
    shown = found[:SIZE]
    user: Any = request.user
    context = {
        "items": [_line(row) for row in shown],
        "query": query,
        "problems": problems,
        "rooms": action_words.ROOMS.items(),
        "actions": sorted(action_words.ACTIONS.items(), key=lambda one: one[1]),
        "subjects": action_words.SUBJECTS.items(),
        "next": f"?{_kept(query, before=str(shown[-1].pk))}" if len(found) > SIZE else "",
        "first": f"?{_kept(query)}" if before else "",
        "export_href": f"{reverse('web:audit-export')}?{_kept(query)}",
        "filtered": any(query.values()),
        "place_names": places.names(user.office.place_code),
        "checks": AuditEntry.objects.filter(action="audit.check_chain").order_by("-id")[:3],
    }
    return render(request, "accounts/log.html", context)


def read(request: HttpRequest) -> tuple[dict[str, str], Wanted, list[str]]:
    """What the address asks for, and sentences for what of it cannot be taken."""
    query = {name: pages.text_of(request, name, 64) for name in _NAMES}
    problems: list[str] = []
    actors, actor_name = None, ""
    if query["who"]:
        found = User.objects.filter(Q(username=query["who"].lower()) | Q(name=query["who"]))
        actors = tuple(found.values_list("pk", flat=True)[:100]) or None
        actor_name = "" if actors else query["who"]  # the system itself, or somebody whose name has changed
    days: dict[str, date | None] = {}
    for name, label in (("since", "起始日"), ("until", "终止日")):
        try:
            days[name] = date.fromisoformat(query[name]) if query[name] else None
        except ValueError:
            days[name] = None
            problems.append(f"{label}“{query[name]}”不是日期，请按 2017-09-11 的写法填写。")
    place = query["place"].upper() if query["place"] != "cn" else ""
    if not (place.isascii() and (place.isalnum() or not place) and len(place) <= 12):
        place = ""
        problems.append("地点应为区划代码的前几位，例如 420802。")
    action = query["action"]
    if action and action not in action_words.ROOMS and not action.replace("_", "").replace(".", "").isalnum():
        action = ""
    wanted = Wanted(
        actor_ids=actors, actor_name=actor_name, action=action, subject_type=query["subject"],
        subject_id=query["subject_id"], case_no=query["case_no"], since=days["since"], until=days["until"], place=place,
    )  # fmt: skip
    return query, wanted, problems


def _kept(query: dict[str, str], **more: str) -> str:
    return urlencode({name: value for name, value in (query | more).items() if value})


def _line(row: AuditEntry) -> dict[str, Any]:
    return {
        "row": row,
        "action": action_words.action(row.action),
        "subject": action_words.subject(row.subject_type),
        "place": places.path(row.region),
        "before": _text(row.before),
        "after": _text(row.after),
    }


def _text(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def check(request: HttpRequest) -> HttpResponse:
    """Recomputes every chain in range; the result is a row of the log, and the page shows the newest."""
    user: Any = request.user
    verdict = queries.verify()
    record(
        "audit.check_chain",
        actor=user,
        subject_type="audit",
        subject_id="",
        region=pad12(user.office.place_code),
        after={"ok": verdict.ok, "rows": verdict.rows, "chains": verdict.chains, "said": str(verdict)},
    )
    return posting.back(reverse("web:audit"))


def export(request: HttpRequest) -> HttpResponse | FileResponse:
    """The rows of the present filter as a sheet, logged."""
    query, wanted, problems = read(request)
    rows = queries.select(wanted)
    total = rows[: sheets.MOST_ROWS + 1].count()
    if problems or total > sheets.MOST_ROWS:
        posting.refuse(
            request, problems[0] if problems else f"超过一次导出的 {sheets.MOST_ROWS:,} 条，请用日期或地点缩小范围。"
        )
        return posting.back(f"{reverse('web:audit')}?{_kept(query)}")
    user: Any = request.user
    today = clock.today()
    return sheets.sheet(
        request,
        name=f"审计日志-{today:%Y%m%d}",
        title=f"审计日志　{' '.join(places.names(user.office.place_code))}　{today:%Y-%m-%d}",
        columns=[
            ("编号", 10), ("时间", 18), ("人员", 12), ("动作", 18), ("动作代码", 26), ("对象", 10), ("对象编号", 24), ("案号", 20),
            ("区划", 16), ("地点", 24), ("前", 40), ("后", 60), ("来源地址", 16), ("请求编号", 34), ("链日", 12), ("序号", 8), ("校验值", 66),
        ],
        rows=(_cells(row) for row in rows.iterator(chunk_size=2000)),
        action="web.export_audit",
        subject="audit",
        subject_id="",
        what={"filter": {name: value for name, value in query.items() if value}},
    )  # fmt: skip


def _cells(row: AuditEntry) -> list[Any]:
    return [
        row.pk, row.at, row.actor_name, action_words.action(row.action), row.action, action_words.subject(row.subject_type), row.subject_id,
        row.case_no, row.region, places.path(row.region), _text(row.before), _text(row.after), row.address, row.request_id, row.day, row.seq,
        row.hash,
    ]  # fmt: skip
