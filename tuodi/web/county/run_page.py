"""One monthly run as its page shows it: steps, figures, differences by cause, towns, checks, what blocks, banks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Substr
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.kernel.periods import Month
from tuodi.payments.models import BankBatch, LineDifference, PayLine, PayRun
from tuodi.payments.models.run import COMPONENTS
from tuodi.payments.states import Cause, Held, LineStatus, RunState
from tuodi.people.enums import AreaKind, Programme
from tuodi.web.components import pages, places, words
from tuodi.web.components.words import Look

LOOKS = {
    RunState.OPEN: Look("已开账", "info"),
    RunState.CALCULATED: Look("已计算", "info"),
    RunState.CHECKED: Look("已校验", "info", "check"),
    RunState.APPROVED: Look("已审批", "ok", "check"),
    RunState.SENT: Look("已送银行", "info", "send"),
    RunState.SETTLED: Look("已结清", "ok", "check"),
    RunState.CLOSED: Look("已关账", "ok", "lock"),
    RunState.CANCELLED: Look("已撤销"),
}
LINE_LOOKS = {
    LineStatus.READY: Look("待发放"),
    LineStatus.HELD: Look("暂缓", "warn"),
    LineStatus.NOTHING: Look("无应发"),
    LineStatus.SENT: Look("已送银行", "info"),
    LineStatus.UNKNOWN: Look("结果未知", "unknown", "help"),
    LineStatus.PAID: Look("已到账", "ok", "check"),
    LineStatus.FAILED: Look("失败", "bad", "x"),
    LineStatus.RETURNED: Look("退票", "bad"),
}
#: Steps of a run with the state that ends each.
STEPS = (
    ("开账", RunState.OPEN, "opened"),
    ("计算", RunState.CALCULATED, "calculated"),
    ("校验", RunState.CHECKED, "checked"),
    ("审批", RunState.APPROVED, "approved"),
    ("送银行", RunState.SENT, "sent"),
    ("回盘结清", RunState.SETTLED, "settled"),
    ("关账", RunState.CLOSED, "closed"),
)
ORDER = [state for _, state, _ in STEPS]
#: Lines that are money of this month; held ones are shown apart.
COUNTED = ~Q(status=LineStatus.HELD)
_PARTS = {
    "base_fen": "基本",
    "increment_fen": "增发",
    "care_fen": "照料护理",
    "grace_fen": "渐退",
    "price_fen": "价格补贴",
    "other_fen": "其他",
    "back_pay_fen": "补发",
    "offset_fen": "追回抵扣",
}
_SHORT = {"dibao": "低保", "tekun": "特困供养"}
_ONCE = {Cause.STANDARD_BACK, Cause.BACK, Cause.OFFSET, Cause.PRICE}
_CHART_TOWNS = 16


@dataclass
class RunPage:
    """Everything the page says. Amounts in fen."""

    pk: int
    no: str
    month: int
    label: str
    place: str
    look: Look
    households: int
    persons: int
    total_fen: int
    before_month: Month
    before_households: int | None = None
    before_persons: int | None = None
    before_fen: int | None = None
    change_fen: int | None = None
    blocking: int = 0
    notes: list[str] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, str]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    causes: list[dict[str, Any]] | None = None
    balance: str = ""
    components: list[dict[str, Any]] = field(default_factory=list)
    component_names: list[str] = field(default_factory=list)
    towns: list[dict[str, Any]] = field(default_factory=list)
    towns_label: str = "各乡镇（街道）"
    chart: dict[str, Any] | None = None
    chart_height: int = 260
    chart_text: str = ""
    checks: list[dict[str, Any]] = field(default_factory=list)
    checks_ok: bool = False
    blockers: list[dict[str, str]] = field(default_factory=list)
    blocker_note: str = ""
    banks: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, str]] = field(default_factory=list)
    progress: dict[str, Any] | None = None
    changes_href: str = ""
    return_href: str = ""


def label_of(run: PayRun) -> str:
    """The programmes of a run in words."""
    names = dict(Programme.choices) | _SHORT
    return "、".join(names.get(code, code) for code in run.programmes)


def page_of(run: PayRun) -> RunPage:
    """Read a run. A fixed number of queries, each one aggregate over the run's rows."""
    computed = run.state not in (RunState.OPEN, RunState.CANCELLED)
    page = RunPage(
        pk=run.pk,
        no=run.no,
        month=run.month,
        label=label_of(run),
        place=places.path(run.region),
        look=LOOKS[RunState(run.state)],
        households=run.households,
        persons=run.persons,
        total_fen=run.amount_fen,
        before_month=Month.parse(str(run.month)).prev(),
        steps=steps_of(run),
        events=events_of(run),
        progress=progress_of(run),
        changes_href=reverse("web:run-changes", args=[run.pk]),
    )
    if computed:
        _differences(page, run)
        _components(page, run)
        _towns(page, run)
        _blockers(page, run)
        _banks(page, run)
        page.checks = [_check(found) for found in run.checks]
        page.checks_ok = bool(run.checks) and all(found.get("ok") for found in run.checks)
    page.figures = _figures(page, run)
    return page


def steps_of(run: PayRun) -> list[dict[str, str]]:
    """The seven steps with who did them and when."""
    reached = ORDER.index(RunState(run.state)) if run.state in ORDER else -1
    shown = []
    for number, (label, _, stem) in enumerate(STEPS):
        at, by = getattr(run, f"{stem}_at", None), getattr(run, f"{stem}_by", None)
        note = " ".join(part for part in (f"{localtime(at):%m-%d}" if at else "", by.name if by else "") if part)
        state = "done" if number <= reached else "now" if number == reached + 1 else ""
        if run.state == RunState.CANCELLED:
            state = "stopped" if number == 0 else ""
        shown.append({"label": label, "note": note, "state": state})
    return shown


def events_of(run: PayRun) -> list[dict[str, str]]:
    """What happened to the run, newest first."""
    found = []
    for label, _, stem in reversed(STEPS):
        at, by = getattr(run, f"{stem}_at", None), getattr(run, f"{stem}_by", None)
        if at:
            found.append(
                {"css": "ok", "when": f"{localtime(at):%m-%d %H:%M}", "title": label, "text": by.name if by else "系统"}
            )
    return found


def progress_of(run: PayRun) -> dict[str, Any] | None:
    """The bar of work under way; None where nothing runs."""
    told: Mapping[str, Any] = run.progress or {}
    done, total = int(told.get("done") or 0), int(told.get("total") or 0)
    if run.state != RunState.OPEN:
        return None
    return {
        "href": reverse("web:run-progress", args=[run.pk]),
        "label": str(told.get("label") or "等待计算"),
        "done": done,
        "total": total,
        "what": "户",
        "percent": pages.share(done, total),
    }


def _differences(page: RunPage, run: PayRun) -> None:
    groups = (
        LineDifference.objects.filter(run=run)
        .values("cause")
        .annotate(
            fen=Sum("amount_fen"),
            units=Count("household", distinct=True),
            in_out=Sum("households"),
            people=Sum("persons"),
        )
    )
    found = list(groups)
    largest = max((abs(one["fen"]) for one in found), default=0)
    page.change_fen = sum(one["fen"] for one in found)
    page.before_fen = run.amount_fen - page.change_fen
    page.before_households = run.households - sum(one["in_out"] for one in found)
    page.before_persons = run.persons - sum(one["people"] for one in found)
    page.causes = [
        {
            "label": Cause(one["cause"]).label,
            "once": one["cause"] in _ONCE,
            "households": one["units"],
            "persons": one["people"],
            "fen": one["fen"],
            "width": max(2, abs(one["fen"]) * 48 // largest) if largest else 0,
            "href": f"{page.changes_href}?cause={one['cause']}",
        }
        for one in sorted(found, key=lambda one: -one["fen"])
    ]
    signed = " ".join(("＋ " if one["fen"] >= 0 else "− ") + words.yuan(abs(one["fen"])) for one in page.causes)
    page.balance = f"{words.yuan(page.before_fen)} {signed} ＝ {words.yuan(run.amount_fen)}，未解释 0.00"


def _components(page: RunPage, run: PayRun) -> None:
    sums = {name: Sum(name, default=0) for name in COMPONENTS}
    groups = list(
        PayLine.objects.filter(COUNTED, run=run)
        .values("programme", "category")
        .annotate(
            units=Count("household", distinct=True), people=Sum("persons"), total=Sum("amount_fen", default=0), **sums
        )
        .order_by("programme", "category")
    )
    used = [name for name in COMPONENTS if any(one[name] for one in groups)]
    page.component_names = [_PARTS[name] for name in used]
    page.components = [
        {
            "label": f"{Programme(one['programme']).label} · {AreaKind(one['category']).label}",
            "households": one["units"],
            "persons": one["people"],
            "parts": [{"name": _PARTS[name], "fen": one[name]} for name in used],
            "total_fen": one["total"],
        }
        for one in groups
    ]


def _towns(page: RunPage, run: PayRun) -> None:
    """By town; a run of a prefecture by county, or the table would hold hundreds of rows."""
    digits = 9 if len(run.place) >= 6 else 6
    if digits == 6:
        page.towns_label = "各县（市、区）"
    area = Substr("region", 1, digits)
    changes = dict(
        LineDifference.objects.filter(run=run).annotate(area=area).values_list("area").annotate(fen=Sum("amount_fen"))
    )
    groups = (
        PayLine.objects.filter(COUNTED, run=run)
        .annotate(area=area)
        .values("area")
        .annotate(units=Count("household", distinct=True), people=Sum("persons"), total=Sum("amount_fen", default=0))
        .order_by("-total")
    )
    page.towns = [
        {
            "label": places.name(one["area"]),
            "households": one["units"],
            "persons": one["people"],
            "total_fen": one["total"],
            "change_fen": changes.get(one["area"], 0),
        }
        for one in groups
    ]
    _chart(page)


def _chart(page: RunPage) -> None:
    shown = page.towns[:_CHART_TOWNS]
    if len(shown) < 2:
        return
    page.chart = {
        "labels": [town["label"] for town in shown],
        "series": [{"name": "应发（元）", "data": [town["total_fen"] // 100 for town in shown]}],
        "unit": "元",
        "horizontal": True,
    }
    page.chart_height = 40 + 30 * len(shown)
    first = shown[0]
    page.chart_text = (
        f"各地应发柱形图，共 {len(shown)} 个，最多的是{first['label']}，{words.yuan(first['total_fen'])} 元；数字见下表"
    )


def _blockers(page: RunPage, run: PayRun) -> None:
    held = (
        PayLine.objects.filter(run=run, status=LineStatus.HELD)
        .values("held")
        .annotate(units=Count("id"), total=Sum("amount_fen", default=0))
        .order_by("held")
    )
    here = reverse("web:run-lines", args=[run.pk])
    for one in held:
        unknown = one["held"] == Held.UNKNOWN
        text = (
            "金额未知，补齐事实后补发"
            if unknown
            else f"计 {words.yuan(one['total'])} 元，恢复时补发"
            if one["total"]
            else "恢复时补发"
        )
        page.blockers.append(
            {
                "css": "unknown" if unknown else "warn",
                "word": "未知" if unknown else "暂缓",
                "title": f"{one['units']:,} 项{Held(one['held']).label}",
                "text": text,
                "href": f"{here}?held={one['held']}",
            }
        )
    failing = [found for found in run.checks if not found.get("ok")]
    for found in failing:
        page.blockers.insert(
            0,
            {
                "css": "bad",
                "word": "拦住",
                "title": str(found.get("label", "")),
                "text": str(found.get("detail", "")),
                "href": "",
            },
        )
    for status, word, css in (
        (LineStatus.FAILED, "失败", "bad"),
        (LineStatus.UNKNOWN, "未知", "unknown"),
        (LineStatus.RETURNED, "退票", "bad"),
    ):
        number = PayLine.objects.filter(run=run, status=status).count()
        if number:
            note = "结果未知，不当失败，不重发" if status == LineStatus.UNKNOWN else "更正账户后重新送盘"
            page.blockers.append(
                {
                    "css": css,
                    "word": word,
                    "title": f"{number:,} 行{word}",
                    "text": note,
                    "href": f"{here}?status={status}",
                }
            )
    page.blocking = len(failing)
    page.blocker_note = f"{len(failing)} 项拦住，{run.held_lines:,} 行暂缓"


def _banks(page: RunPage, run: PayRun) -> None:
    batches = BankBatch.objects.filter(run=run).annotate(
        paid=Count("items", filter=Q(items__status=LineStatus.PAID)),
        failed=Count("items", filter=Q(items__status=LineStatus.FAILED)),
    )
    page.banks = [
        {
            "label": words.BANKS.get(batch.bank_code, batch.bank_code) or "未分银行",
            "no": batch.no,
            "state": batch.get_state_display(),
            "lines": batch.lines,
            "total_fen": batch.amount_fen,
            "paid": batch.paid,
            "failed": batch.failed,
            "href": reverse("web:run-file", args=[run.pk, batch.pk]),
        }
        for batch in batches.order_by("id")
    ]


def _check(found: Mapping[str, Any]) -> dict[str, Any]:
    look = Look("通过", "ok", "check") if found.get("ok") else Look("不通过", "bad", "x")
    return {"label": found.get("label", ""), "note": found.get("detail", ""), "look": look}


def _figures(page: RunPage, run: PayRun) -> list[dict[str, Any]]:
    def against(now: int, before: int | None) -> str:
        if before is None:
            return ""
        change = now - before
        return f"上月 {before:,}，" + (f"+{change:,}" if change > 0 else f"{change:,}".replace("-", words.MINUS))

    return [
        {
            "label": "户数",
            "value": f"{run.households:,}",
            "unit": "户",
            "foot": against(run.households, page.before_households),
        },
        {"label": "人数", "value": f"{run.persons:,}", "unit": "人", "foot": against(run.persons, page.before_persons)},
        {"label": "本月应发", "value": words.yuan(run.amount_fen), "unit": "元", "foot": f"{run.lines:,} 行"},
        {
            "label": "较上月",
            "value": words.signed_yuan(page.change_fen) if page.change_fen is not None else words.DASH,
            "unit": "元",
            "foot": f"{len(page.causes or [])} 项原因，已解释到 0.00" if page.causes is not None else "",
        },
        {"label": "暂缓", "value": f"{run.held_lines:,}", "unit": "行", "foot": "本月不发，补齐后补发"},
    ]


def difference_rows(run: PayRun, cause: str = "") -> Any:
    """Differences of a run, household by household, the largest first."""
    rows = LineDifference.objects.filter(run=run).select_related("household__head", "person")
    if cause in Cause.values:
        rows = rows.filter(cause=cause)
    return rows.order_by(F("amount_fen").desc() if cause != Cause.OFFSET else F("amount_fen").asc(), "id")


def difference_line(row: LineDifference) -> dict[str, Any]:
    """One difference as a table row."""
    who = row.person.name if row.person else row.household.head.name
    return {
        "name": who,
        "place": places.path(row.region),
        "cause": Cause(row.cause).label,
        "text": row.note,
        "persons": row.persons,
        "fen": row.amount_fen,
        "href": reverse("web:family", args=[row.household_id]) + f"?month={Month.parse(str(row.run.month))}",
    }


def payment_lines(lines: Sequence[PayLine]) -> list[dict[str, Any]]:
    """Lines as the family page and the list of a run show them."""
    return [
        {
            "month": line.month,
            "label": line.get_programme_display(),
            "amount_fen": line.amount_fen,
            "look": LINE_LOOKS[LineStatus(line.status)],
            "note": Held(line.held).label if line.held else "",
            "held_note": line.held_note,
            "href": reverse("web:run", args=[line.run_id]),
        }
        for line in lines
    ]
