"""The clue ledger: who must act on what first, many at once, and the list as a sheet."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.monitoring import ledger
from tuodi.monitoring.clue_queues import my_queues
from tuodi.monitoring.ledger import Position, Wanted
from tuodi.monitoring.models import Clue
from tuodi.org.models import DutyCode
from tuodi.web.components import clue_words, navigation, places, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.county import clue_bulk, sheets

SIZE = 50
TABS = (("mine", "我的"), ("overdue", "逾期"), ("all", "全部"))
DUES = (("late", "已逾期"), ("soon", "三个工作日内到期"), ("pending", "期限待定"))
VERDICTS = (("open", "未结"), ("confirmed", "查实"), ("refuted", "查否"))
_NAMES = (
    "tab",
    "state",
    "verdict",
    "rule",
    "severity",
    "place",
    "responsible",
    "due",
    "source",
    "run",
    "why",
    "queue",
    "q",
)


def listing(request: HttpRequest) -> HttpResponse:
    """The ledger. A fixed number of queries, whatever it holds; a page starts after a position and skips nothing."""
    today = clock.today()
    query, wanted, problem = read(request)
    if problem:  # the number must leave the address, too
        posting.refuse(request, problem)
        return posting.back(f"{request.path}?{_only(query)}")
    user: Any = request.user
    wide = ledger.select(wanted, user=user, today=today, narrow=False)
    rows = ledger.narrowed(wide, wanted, user=user, today=today)
    after, before = position(query.get("after", "")), position(query.get("before", ""))
    part = ledger.slice_of(rows, size=SIZE, after=after, before=before)
    found = ledger.counts(wide, today)
    tabs = ledger.tab_counts(user, today)
    choices = ledger.choices()
    people = [one for clue in part.items for one in (clue.person_id, clue.household.head_id)]
    reading.note_list(request, "线索台账", [clue.household_id for clue in part.items], people)
    context: dict[str, Any] = {
        "wanted": wanted,
        "query_text": wanted.text,
        "items": [line(clue, today) for clue in part.items],
        "counts": found,
        "balance": f"查实 {found.confirmed:,} ＋ 查否 {found.refuted:,} ＋ 未结 {found.open:,} ＝ {found.total:,}",
        "figures": _figures(found, query),
        "queues": [
            {
                "label": one.label,
                "n": one.count,
                "href": f"?{urlencode({'tab': 'all', 'queue': one.code})}",
                "current": wanted.queue == one.code,
            }
            for one in my_queues(user)
        ],
        "tabs": [_tab(code, label, wanted, query, tabs) for code, label in TABS],
        "filters": _filters(wanted, choices, query),
        "filtered": any(query.get(name) for name in _NAMES if name != "tab"),
        "keep": urlencode([(name, query[name]) for name in _NAMES if query.get(name)]),
        "previous": _at(query, before=part.first) if part.more_before and part.first else "",
        "next": _at(query, after=part.last) if part.more_after and part.last else "",
        "bulk": clue_bulk.offers(request),
        "export_href": f"{reverse('web:clue-export')}?{_only(query)}",
        "place_names": places.names(user.office.place_code),
    }
    return render(request, "county/clues.html", context)


def read(request: HttpRequest, given: QueryDict | None = None) -> tuple[dict[str, str], Wanted, str]:
    """What the address asks for: as text, as a filter, and a sentence where it cannot be taken."""
    source = request.GET if given is None else given
    query = {name: source.get(name, "").replace("\x00", "").strip()[:60] for name in (*_NAMES, "after", "before")}
    problem = ""
    if sum(sign.isdigit() for sign in query["q"]) >= 15 and "-" not in query["q"]:
        problem = "证件号码不要放在网址里：网址会被浏览器和日志记住。请输入姓名或线索号，或到家庭档案里用号码查找。"
        query["q"] = ""
    if query["tab"] not in dict(TABS):
        mine = DutyCode.CLUE in navigation.held_duties(request)
        query["tab"] = "mine" if mine and not any(query[name] for name in _NAMES if name != "tab") else "all"
    if query["state"] not in Clue.State.values:
        query["state"] = ""
    if query["verdict"] not in dict(VERDICTS):
        query["verdict"] = ""
    if query["severity"] not in Clue.Severity.values:
        query["severity"] = ""
    if query["due"] not in dict(DUES):
        query["due"] = ""
    if not (query["place"].isascii() and query["place"].isalnum() and len(query["place"]) in (2, 4, 6, 9, 12)):
        query["place"] = ""
    return query, _wanted(query), problem


def _wanted(query: dict[str, str]) -> Wanted:
    return Wanted(
        tab=query["tab"],
        state=query["state"],
        verdict=query["verdict"],
        rule=query["rule"],
        severity=query["severity"],
        place=query["place"],
        responsible=_number(query["responsible"]),
        due=query["due"],
        source=query["source"],
        run=_number(query["run"]),
        why=query["why"],
        queue=query["queue"],
        text=query["q"],
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def position(text: str) -> Position | None:
    """`1.2017-10-09.4711` as a position; None for anything that is none."""
    rank, _, rest = text.partition(".")
    day, _, key = rest.rpartition(".")
    try:
        return Position(int(rank), date.fromisoformat(day), int(key)) if len(text) < 40 else None
    except ValueError:
        return None


def _at(query: dict[str, str], *, after: Position | None = None, before: Position | None = None) -> str:
    found = after or before
    assert found is not None
    where = f"{found.rank}.{found.due.isoformat()}.{found.pk}"
    kept = {name: query[name] for name in _NAMES if query[name]}
    return "?" + urlencode({**kept, ("after" if after else "before"): where})


def _only(query: dict[str, str], **change: str) -> str:
    kept = {name: query[name] for name in _NAMES if query[name]} | change
    return urlencode({name: value for name, value in kept.items() if value})


def _tab(code: str, label: str, wanted: Wanted, query: dict[str, str], counts: dict[str, int]) -> dict[str, Any]:
    return {
        "label": label,
        "n": counts[code],
        "css": "bad" if code == "overdue" and counts[code] else "",
        "href": f"?{_only(query, tab=code)}",
        "current": wanted.tab == code,
    }


def _figures(found: ledger.Counts, query: dict[str, str]) -> list[dict[str, Any]]:
    def one(label: str, number: int | None, css: str = "", **change: str) -> dict[str, Any]:
        blank = {"state": "", "verdict": "", "due": "", "queue": "", "tab": "all"}
        return {
            "label": label,
            "n": number,
            "css": css if number else "",
            "href": f"?{_only(query, **(blank | change))}",
        }

    return [
        one("全部", found.total),
        one("未结", found.open, verdict="open"),
        one("待派发", found.unassigned, "is-warn", state="generated"),
        one("逾期", found.overdue, "is-bad", due="late"),
        one("将到期", found.soon, "is-warn", due="soon"),
        one("查实", found.confirmed, verdict="confirmed"),
        one("查否", found.refuted, verdict="refuted"),
        one("已销号", found.closed, state="closed"),
    ]


def _filters(wanted: Wanted, choices: ledger.Choices, query: dict[str, str]) -> list[dict[str, Any]]:
    """The controls of the filter, with what is chosen; a chosen value the lists do not offer stays offered."""
    towns = [(code, f"{places.name(code)}　{n:,}") for code, n in choices.counties if len(choices.counties) > 1]
    for code, n in choices.towns:
        towns.append((code, f"{'　' if len(choices.counties) > 1 else ''}{places.name(code)}　{n:,}"))
    fields: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("state", "状态", [(code, clue_words.state(code).word) for code in Clue.State.values]),
        ("verdict", "结论", list(VERDICTS)),
        ("rule", "规则", [(code, f"{label}　{n:,}") for code, label, n in choices.rules]),
        (
            "severity",
            "级别",
            [
                (code, f"{look.word}（{clue_words.SEVERITY_DOES[code]}）")
                for code, look in clue_words.SEVERITIES.items()
            ],
        ),
        ("place", "县市区、乡镇", sorted(towns)),
        ("responsible", "责任人", [(str(pk), f"{label}　{n:,}") for pk, label, n in choices.responsible]),
        ("due", "期限", list(DUES)),
        ("source", "来源", [(code, f"{clue_words.source(code)}　{n:,}") for code, n in choices.sources]),
        ("run", "比对批次", [(str(pk), f"{no}　{n:,}") for pk, no, n in choices.runs]),
    ]
    if wanted.why:
        fields.append(("why", "查否原因", [(wanted.why, clue_words.reason(wanted.why))]))
    shown = []
    for name, label, options in fields:
        value = query[name]
        if value and value not in dict(options):
            options = [(value, places.name(value) if name == "place" else value), *options]
        shown.append({"name": name, "label": label, "options": options, "value": value})
    return shown


def line(clue: Clue, today: date) -> dict[str, Any]:
    """A clue in the ledger."""
    return {
        "pk": clue.pk,
        "no": clue.no,
        "href": reverse("web:clue", args=[clue.no]),
        "label": clue_words.rule_label(clue.rule_text, clue.rule_code),
        "severity": clue_words.SHORT.get(clue.severity, Look(clue.severity)),
        "does": clue_words.SEVERITY_DOES.get(clue.severity, ""),
        "name": clue.person.name,
        "id_masked": clue.person.id_masked,
        "head": "" if clue.household.head_id == clue.person_id else clue.household.head.name,
        "place": places.path(clue.region),
        "source": clue_words.source(clue.source),
        "responsible": clue.responsible.name if clue.responsible else "",
        "office": clue.office.name if clue.office else "",
        "due": clue_words.due_look(clue, today),
        "deadline": clue.deadline,
        "look": clue_words.verdict_or_state(clue),
        "monthly_fen": clue.monthly_fen,
        "level": clue_words.LEVELS.get(clue.level, "") if clue.level in ("PREF", "PROV") else "",
    }


def export(request: HttpRequest) -> HttpResponse | FileResponse:
    """The clues of the present filter as a sheet; masked, marked with who took it out, logged."""
    today = clock.today()
    query, wanted, problem = read(request)
    user: Any = request.user
    chosen = ledger.select(wanted, user=user, today=today).order_by("region", "id")
    total = chosen.count()
    if problem or total > sheets.MOST_ROWS:
        posting.refuse(
            request, problem or f"共 {total:,} 条，超过一次导出的 {sheets.MOST_ROWS:,} 条。请缩小范围，或办理数据移交。"
        )
        return posting.back(f"{reverse('web:clues')}?{_only(query)}")
    columns = [
        ("线索号", 24), ("规则", 22), ("级别", 8), ("来源", 14), ("姓名", 10), ("证件号码", 22), ("户主", 10), ("家庭编号", 20), ("住地", 28),
        ("项目", 14), ("城乡", 8), ("月金额（元）", 12), ("发现日期", 12), ("责任人", 10), ("承办机构", 22), ("期限", 12), ("状态", 12),
        ("结论", 8), ("查否原因", 18), ("应追回（元）", 12), ("已追回（元）", 12), ("销号时间", 18),
    ]  # fmt: skip
    return sheets.sheet(
        request,
        name=f"线索台账-{today:%Y%m%d}",
        title=f"线索台账　{' '.join(places.names(user.office.place_code))}　{today:%Y-%m-%d}",
        columns=columns,
        rows=(_cells(clue) for clue in chosen.iterator(chunk_size=2000)),
        action="web.export_clues",
        subject="clues",
        subject_id=_only(query)[:200],
        what={"filter": {name: value for name, value in query.items() if value and name in _NAMES}},
    )


def _cells(clue: Clue) -> list[Any]:
    return [
        clue.no, clue_words.rule_label(clue.rule_text, clue.rule_code), clue.get_severity_display(), clue_words.source(clue.source), clue.person.name,
        clue.person.id_masked, clue.household.head.name, clue.household.no, places.path(clue.region, 3), clue.programme, clue.category,
        _yuan(clue.monthly_fen), clue.found_on, clue.responsible.name if clue.responsible else "",
        clue.office.name if clue.office else "", clue.deadline or ("待定" if clue.deadline_pending else ""), clue.get_state_display(),
        clue_words.VERDICTS[clue.verdict].word, clue_words.reason(clue.refuted_why), _yuan(clue.to_recover_fen),
        _yuan(clue.recovered_fen), clue.closed_at,
    ]  # fmt: skip


def _yuan(fen: int | None) -> Decimal | None:
    return None if fen is None else Decimal(fen) / 100
