"""One sweep as its page shows it: the funnel, sources, rules, places, and what tuning a noisy rule would have saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.kernel import clock
from tuodi.monitoring.models import SweepFinding, SweepRun
from tuodi.monitoring.sweep_reports import Noise, Outcome, PlaceRow, Report, RuleRow, SourceRow
from tuodi.people.enums import AreaKind, Programme
from tuodi.verification.models import DataSource
from tuodi.web.components import clue_words, pages, places, words
from tuodi.web.components.words import Look

LOOKS = {
    SweepRun.State.OPEN: Look("等待", "info", "clock"),
    SweepRun.State.MATCHING: Look("比对中", "info", "loader-2"),
    SweepRun.State.JUDGING: Look("判断中", "info", "loader-2"),
    SweepRun.State.RAISING: Look("生成线索", "info", "loader-2"),
    SweepRun.State.DONE: Look("已完成", "ok", "check"),
    SweepRun.State.FAILED: Look("失败", "bad", "x"),
}
RUNNING = (SweepRun.State.OPEN, SweepRun.State.MATCHING, SweepRun.State.JUDGING, SweepRun.State.RAISING)
_SHORT = {"dibao": "低保", "tekun": "特困供养", "child": "困境儿童", "edge": "低保边缘", "rigid_expense": "刚性支出"}
#: Places of the old programme names that a payment ledger of its time used.
_WUBAO = "五保"
#: How a town table may be sorted: column -> (label, key of a row, descending first).
SORTS = {
    "place": ("地区", lambda row: row.code),
    "total": ("线索", lambda row: -row.total),
    "confirmed": ("查实", lambda row: (-row.confirmed, -row.total)),
    "refuted": ("查否", lambda row: -row.refuted),
    "open": ("未结", lambda row: -row.open),
    "overdue": ("逾期", lambda row: -row.overdue),
    "percent": ("查实率", lambda row: -(row.percent if row.percent is not None else -1)),
    "days": ("平均办结", lambda row: -(row.days or 0)),
}
TOWNS_SHOWN = 24


def label_of(run: SweepRun) -> str:
    """What a sweep is called."""
    return f"{places.name(run.place_code, run.as_of)} {run.as_of:%Y-%m-%d} 大数据比对"


def line(run: SweepRun, outcome: Outcome | None) -> dict[str, Any]:
    """A sweep in the list."""
    rows = sum(int(n) for n in run.rows.values())
    return {
        "href": reverse("web:sweep", args=[run.pk]),
        "no": run.no,
        "as_of": run.as_of,
        "place": places.path(run.place_code),
        "trigger": run.get_trigger_display(),
        "look": look_of(run, outcome),
        "rows": rows,
        "register_rows": run.register_rows,
        "outcome": outcome or Outcome(),
        "percent": percent(outcome.percent if outcome else None),
        "seconds": seconds(run),
    }


def look_of(run: SweepRun, outcome: Outcome | None) -> Look:
    """A finished sweep says whether its clues are closed out."""
    if run.state == SweepRun.State.DONE and outcome and outcome.total:
        if outcome.closed == outcome.total:
            return Look("已全部销号", "ok", "check")
        return Look(f"销号 {outcome.closed * 100 // outcome.total}%", "info")
    return LOOKS[SweepRun.State(run.state)]


def seconds(run: SweepRun) -> str:
    """How long it took, in seconds or minutes; empty while it runs."""
    if run.finished_at is None:
        return ""
    # What the phases measured: between opening and end a sweep may have waited for its turn.
    took = float(run.timings.get("all") or (run.finished_at - run.opened_at).total_seconds())
    return f"{took:,.1f} 秒" if took < 120 else f"{took / 60:,.1f} 分"


def percent(value: float | None) -> str:
    """A share with one decimal; 「—」 while nothing is answered."""
    return words.DASH if value is None else f"{value:.1f}%"


def meta_of(run: SweepRun) -> list[str]:
    """The line under the title."""
    found = [f"编号 {run.no}"]
    if run.first_month and run.last_month:
        first, last = (f"{month // 100}-{month % 100:02d}" for month in (run.first_month, run.last_month))
        found += [f"数据期 {first} 至 {last}", "一行 = 一户一月一项目，不是人数"]
    else:
        found.append(f"在册 {run.as_of:%Y-%m-%d}")
    found.append(run.get_trigger_display() + (f" {run.opened_by.name}" if run.opened_by else ""))
    found.append(f"{localtime(run.opened_at):%Y-%m-%d %H:%M} 发起")
    if took := seconds(run):
        found.append(f"用时 {took}")
    if run.fingerprint:
        found.append(f"规则指纹 {run.fingerprint[:4]}…{run.fingerprint[-4:]}")
    return found


def progress_of(run: SweepRun) -> dict[str, Any] | None:
    """The bar of a sweep under way; None where nothing runs."""
    if run.state not in RUNNING:
        return None
    waited = (clock.now() - run.opened_at).total_seconds()
    return {
        "href": reverse("web:sweep-progress", args=[run.pk]),
        "label": {SweepRun.State.OPEN: "等待开始"}.get(SweepRun.State(run.state), run.get_state_display()),
        "percent": max(0, min(100, run.done)),
        "seconds": max(0, int(waited)),
    }


def row_parts(run: SweepRun) -> list[dict[str, Any]]:
    """Rows compared by programme and area, with the width of each in the bar; widths add up to 100."""
    total = sum(int(n) for n in run.rows.values())
    found = []
    for place, (key, number) in enumerate(sorted(run.rows.items(), key=_roll_order)):
        found.append(
            {
                "label": row_label(key),
                "n": int(number),
                "width": 100 * int(number) / total if total else 0,
                "css": f"hue{min(place, 3) + 1}",
            }
        )
    return found


def _roll_order(pair: tuple[str, Any]) -> tuple[int, int]:
    programme, _, area = pair[0].partition("/")
    return (list(_SHORT).index(programme) if programme in _SHORT else 9, 0 if area == AreaKind.URBAN else 1)


def row_label(key: str) -> str:
    """dibao/urban -> 城市低保."""
    programme, _, area = key.partition("/")
    name = _SHORT.get(programme) or dict(Programme.choices).get(programme, programme)
    return {AreaKind.URBAN: "城市", AreaKind.RURAL: "农村"}.get(area, "") + name  # type: ignore[call-overload,no-any-return]


def balances(run: SweepRun, outcome: Outcome) -> list[str]:
    """The sums under the funnel, written out."""
    parts = [f"{part['n']:,}" for part in row_parts(run)]
    total = sum(int(n) for n in run.rows.values())
    found = [f"{' ＋ '.join(parts)} ＝ {total:,}"] if len(parts) > 1 else []
    found.append(
        f"查实 {outcome.confirmed:,} ＋ 查否 {outcome.refuted:,} ＋ 未结 {outcome.open:,} ＝ {outcome.total:,}"
    )
    return found


def funnel(run: SweepRun, outcome: Outcome) -> dict[str, Any]:
    """Rows, clues, verdicts, what was done; shares for the bars."""
    rows = sum(int(n) for n in run.rows.values())
    return {
        "rows": rows,
        "parts": row_parts(run),
        "unit": "行" if run.first_month else "户（人）",
        "clues": outcome.total,
        "per_thousand": f"{1000 * outcome.total / rows:.1f}" if rows else words.DASH,
        "assigned": outcome.total - outcome.unassigned,
        "unassigned": outcome.unassigned,
        "verdicts": [
            _verdict("查实", "is-bad", "bad", outcome.confirmed, outcome.total, "confirmed"),
            _verdict("查否", "", "grey", outcome.refuted, outcome.total, "refuted"),
            _verdict("未结", "", "open", outcome.open, outcome.total, "open"),
        ],
        "stopped": outcome.stopped,
        "stopped_percent": percent(100 * outcome.stopped / outcome.confirmed if outcome.confirmed else None),
        "rectified": outcome.rectified,
        "overdue": outcome.overdue,
        "reopened": outcome.reopened,
        "href": ledger_href(run=run.pk),
    }


def _verdict(label: str, text: str, css: str, number: int, total: int, code: str) -> dict[str, Any]:
    width = 100 * number / total if total else 0
    return {
        "label": label,
        "text": text,
        "css": css,
        "n": number,
        "width": width,
        "percent": percent(width if total else None),
        "code": code,
    }


def ledger_href(**wanted: Any) -> str:
    """The ledger with filters set."""
    return f"{reverse('web:clues')}?{urlencode({name: value for name, value in wanted.items() if value not in ('', None)})}"


_STATE_CSS = {
    DataSource.State.LIVE: "ok", DataSource.State.SUSPENDED: "bad", DataSource.State.TESTING: "info",
}  # fmt: skip


def source_lines(run: SweepRun, rows: Sequence[SourceRow], found: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    """Each source with what it gave; those not connected last, in grey, without numbers."""
    return [_source(run, row, found) for row in rows]


def _source(run: SweepRun, row: SourceRow, found: Mapping[str, Outcome]) -> dict[str, Any]:
    source, given = row.source, row.given
    shown: dict[str, Any] = {"label": source.label, "given": given, "health": _health(source, row)}
    if given is None or row.batch is None:
        return shown | {
            "note": source.get_state_display(),
            "look": Look("未接入" if source.state != DataSource.State.LIVE else "本次未用", "unknown"),
        }
    outcome = found.get(given.kind, Outcome())
    age = (run.as_of - row.batch.as_of).days
    shown |= {
        "note": f"数据日 {row.batch.as_of:%Y-%m-%d}",
        "stale": age > source.freshness_days,
        "age": age,
        "href": ledger_href(run=run.pk, source=given.kind),
        "outcome": outcome,
        "percent": percent(outcome.percent),
        "done": 100 * outcome.answered // outcome.total if outcome.total else 100,
        "done_label": "已完成" if not outcome.open else f"已答 {outcome.answered:,} / {outcome.total:,}",
    }
    return shown


def _health(source: DataSource, row: SourceRow) -> Look | None:
    """What is wrong with a source; None where nothing is."""
    if source.state == DataSource.State.SUSPENDED:
        return Look("暂停", "bad")
    if source.failures:
        return Look(f"连续失败 {source.failures} 次", "bad")
    if row.batch and row.batch.unkeyed:
        return Look(f"号码不可用 {row.batch.unkeyed:,} 行", "warn")
    return None


def source_totals(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The foot of the sources' table."""
    given = [line["given"] for line in lines if line["given"] is not None]
    return {
        name: sum(getattr(one, name) for one in given)
        for name in ("rows", "matched", "name_conflicts", "hits", "declared", "known", "raised")
    } | {"used": len(given), "unused": len(lines) - len(given)}


def rule_lines(run: SweepRun, rows: Sequence[RuleRow]) -> list[dict[str, Any]]:
    """Rules with one stacked bar each, all to the scale of the largest."""
    largest = max((row.total for row in rows), default=0) or 1
    return [
        {
            "label": row.label,
            "code": row.code,
            "look": clue_words.SHORT.get(row.severity, Look(row.severity)),
            "does": clue_words.SEVERITY_DOES.get(row.severity, ""),
            "row": row,
            "percent": percent(row.percent),
            "confirmed_width": 100 * row.confirmed / largest,
            "refuted_width": 100 * row.refuted / largest,
            "open_width": 100 * row.open / largest,
            "href": ledger_href(run=run.pk, rule=row.code),
        }
        for row in rows
    ]


def tuning_href(run: SweepRun, rule: str = "") -> str:
    """Where a change of a rule is weighed against the sweep's answered clues."""
    return f"{reverse('web:clue-tuning')}?{urlencode({'run': run.pk, 'rule': rule})}"


def noise_lines(run: SweepRun, found: Sequence[Noise]) -> list[dict[str, str]]:
    """What tuning would have saved, in a sentence each, largest saving first."""
    return [
        {
            "title": f"{one.rule.label}：每百条已答线索查否 {100 - one.before:.0f} 条",
            "text": (
                f"查否最多的原因是「{clue_words.reason(one.why)}」（{one.saved:,} 条）。"
                f"如事先剔除，少派 {one.saved:,} 条，查实率由 {one.before:.1f}% 升到 {one.after:.1f}%。"
            ),
            "href": ledger_href(run=run.pk, rule=one.rule.code, verdict="refuted", why=one.why),
            "tuning": tuning_href(run, one.rule.code),
        }
        for one in sorted(found, key=lambda one: -one.saved)
    ]


def place_lines(rows: Sequence[PlaceRow], run: SweepRun) -> list[dict[str, Any]]:
    """Towns or counties as table rows."""
    return [
        {
            "name": places.name(row.code, run.as_of),
            "county": places.name(row.code[:6], run.as_of),
            "row": row,
            "percent": percent(row.percent),
            "days": f"{row.days:.1f} 日" if row.days is not None else words.DASH,
            "href": ledger_href(run=run.pk, place=row.code),
        }
        for row in rows
    ]


def sorted_towns(rows: Sequence[PlaceRow], by: str, county: str) -> list[PlaceRow]:
    """Towns of a county (empty: all) in the order asked for."""
    chosen = [row for row in rows if not county or row.code.startswith(county)]
    return sorted(chosen, key=SORTS[by][1])  # type: ignore[arg-type]


def rest_of(rows: Sequence[PlaceRow]) -> Outcome | None:
    """The towns that the table leaves out, as one line; None where there are none."""
    if not rows:
        return None
    rest = Outcome()
    for row in rows:
        for name in ("total", "confirmed", "refuted", "open", "overdue", "closed"):
            setattr(rest, name, getattr(rest, name) + getattr(row, name))
    weighed = [(row.days, row.closed) for row in rows if row.days is not None and row.closed]
    closed = sum(n for _, n in weighed)
    rest.days = sum(days * n for days, n in weighed) / closed if closed else None
    return rest


def county_chart(run: SweepRun, rows: Sequence[PlaceRow]) -> dict[str, Any] | None:
    """Confirmed rate by county, ranked; rates, not counts, so that large counties do not look guilty."""
    shown = [row for row in rows if row.percent is not None]
    if len(shown) < 2:
        return None
    return {
        "labels": [places.name(row.code, run.as_of) for row in shown],
        "series": [{"name": "查实率", "data": [round(row.percent or 0, 1) for row in shown]}],
        "unit": "%",
        "horizontal": True,
    }


def lists_of(run: SweepRun, findings: Mapping[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """What the sweep could not decide by itself, for a person to look at; then what it passed over on purpose.

    Args:
        findings: kind -> (found, still to be looked at).
    """

    def listed(which: str) -> str:
        return reverse("web:sweep-list", args=[run.pk, which])

    found = []
    for kind, label in SweepFinding.Kind.choices:
        n, open_now = findings.get(kind, (0, 0))
        text = f"待核对 {open_now:,}，已核对 {n - open_now:,}" if n else "没有"
        found.append({"label": label, "n": n, "warn": bool(open_now), "text": text, "href": listed(kind) if n else ""})
    for which, label, n, text in (
        ("unconsented", "无授权", run.unconsented, "没有有效核对授权书，未比对"),
        ("unkeyed", "无法比对", run.unkeyed, "没有可用的证件号码，未比对"),
    ):
        found.append({"label": label, "n": n, "warn": bool(n), "text": text, "href": listed(which) if n else ""})
    for label, n, text in (
        ("已申报", run.declared, "与家庭申报一致，不生成线索"),
        ("已有结论", run.known, "以前答复过且没有变化，不重复派发"),
    ):
        found.append({"label": label, "n": n, "warn": False, "text": text, "href": ""})
    return found


def choose(request: Any, report: Report) -> tuple[str, str]:
    """Sort column and county from the address; the usual ones where they are none."""
    by = request.GET.get("sort", "confirmed")
    county = pages.text_of(request, "county", 6)
    return (by if by in SORTS else "confirmed", county if any(row.code == county for row in report.counties) else "")
