"""One monthly run as its page shows it: steps, figures, differences by cause, towns, checks, what blocks, banks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.kernel.periods import Month
from tuodi.payments import queries
from tuodi.payments.history import PaidMonth
from tuodi.payments.labels import pay_label
from tuodi.payments.models import BankBatch, PayLine, PayRun, RunSignature
from tuodi.payments.models.run import COMPONENTS
from tuodi.payments.queries import DifferenceLine, Summary
from tuodi.payments.states import BOOKED, Cause, Held, LineStatus, RunState
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
    LineStatus.WITHHELD: Look("发前扣留", "warn"),
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
#: In the order they are named in.
_SHORT = {
    "dibao": "低保", "tekun": "特困供养", "care": "照料服务", "temporary": "临时救助", "child": "困境儿童", "family_planning": "计生扶助",
}  # fmt: skip
_CHART_TOWNS = 16
#: Files to banks named one by one; more are told by bank, the files folded.
_FILES_SHOWN = 6


@dataclass
class RunPage:
    """Everything the page says. Amounts in fen."""

    pk: int
    no: str
    month: int
    label: str
    place: str
    look: Look
    before_month: Month
    head: Summary | None = None
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
    component_sums: list[dict[str, Any]] = field(default_factory=list)
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
    bank_sums: list[dict[str, Any]] = field(default_factory=list)
    bank_total: dict[str, int] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)
    progress: dict[str, Any] | None = None
    changes_href: str = ""
    signing: dict[str, Any] | None = None


def label_of(run: PayRun) -> str:
    """The programmes of a run in words."""
    order = list(_SHORT)
    known = sorted(run.programmes, key=lambda code: order.index(code) if code in order else len(order))
    return "、".join(_SHORT.get(code) or pay_label(code) for code in known)


def page_of(run: PayRun) -> RunPage:
    """Read a run by the room's own queries: a fixed number of aggregates, whatever the roll's size."""
    computed = run.state not in (RunState.OPEN, RunState.CANCELLED)
    page = RunPage(
        pk=run.pk,
        no=run.no,
        month=run.month,
        label=label_of(run),
        place=places.path(run.region),
        look=LOOKS[RunState(run.state)],
        before_month=queries.month_of(run).prev(),
        steps=steps_of(run),
        events=events_of(run),
        progress=progress_of(run),
        changes_href=reverse("web:run-changes", args=[run.pk]),
    )
    if not computed:
        return page
    page.head = queries.summary(run)
    page.figures = _figures(page.head)
    _differences(page, run)
    _components(page, run)
    _towns(page, run)
    _blockers(page, run)
    _banks(page, run)
    page.signing = signing_of(run)
    page.checks = [_check(found) for found in run.checks]
    page.checks_ok = bool(run.checks) and all(found.get("ok") for found in run.checks)
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


def signing_of(run: PayRun) -> dict[str, Any] | None:
    """Who has signed the approval, how many are missing, and signatures a new calculation made void; None before the check."""
    rows = list(RunSignature.objects.filter(run=run).select_related("user").order_by("id"))
    valid = [one for one in rows if one.voided_at is None]
    needed = run.state in (RunState.CHECKED, *BOOKED)
    # Runs approved before signatures were kept have their approver alone.
    if not rows and run.state != RunState.CHECKED:
        return None
    return {
        "valid": [{"name": one.user.name, "at": one.at, "fen": one.amount_fen} for one in valid],
        "void": [{"name": one.user.name, "at": one.voided_at} for one in rows if one.voided_at is not None],
        "needed": run.approvers if needed else 0,
        "missing": max(run.approvers - len(valid), 0) if needed else 0,
    }


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
    found = queries.difference_tree(run)
    largest = max((abs(row.amount_fen) for row in found), default=0)
    page.causes = [
        {
            "label": row.label,
            "once": row.one_off,
            "households": row.households,
            "persons": row.persons,
            "fen": row.amount_fen,
            "width": max(2, abs(row.amount_fen) * 48 // largest) if largest else 0,
            "href": f"{page.changes_href}?cause={row.cause}",
        }
        for row in found
    ]
    explained = sum(row.amount_fen for row in found)
    signed = " ".join(("＋ " if row.amount_fen >= 0 else "− ") + words.yuan(abs(row.amount_fen)) for row in found)
    left = page.head.amount_fen - page.head.before_fen - explained if page.head else 0
    before, after = (words.yuan(page.head.before_fen), words.yuan(page.head.amount_fen)) if page.head else ("", "")
    page.balance = f"{before} {signed} ＝ {after}，未解释 {words.yuan(left)}"


def _components(page: RunPage, run: PayRun) -> None:
    found = queries.by_component(run)
    used = [name for name in COMPONENTS if any(row.parts[name] for row in found)]
    page.component_names = [_PARTS[name] for name in used]
    page.component_sums = [{"name": _PARTS[name], "fen": sum(row.parts[name] for row in found)} for name in used]
    page.components = [
        {
            "label": row.label,
            "households": row.households,
            "persons": row.persons,
            "parts": [{"name": _PARTS[name], "fen": row.parts[name]} for name in used],
            "total_fen": row.amount_fen,
        }
        for row in found
    ]


def _towns(page: RunPage, run: PayRun) -> None:
    """By town; a run of a prefecture by county, or the table would hold hundreds of rows."""
    digits = 9 if len(run.place) >= 6 else 6
    if digits == 6:
        page.towns_label = "各县（市、区）"
    page.towns = [
        {
            "label": row.name,
            "households": row.households,
            "persons": row.persons,
            "total_fen": row.amount_fen,
            "change_fen": row.difference_fen,
        }
        for row in sorted(queries.by_town(run, digits=digits), key=lambda row: -row.amount_fen)
    ]
    _chart(page)


def _chart(page: RunPage) -> None:
    shown = page.towns[:_CHART_TOWNS]
    if len(shown) < 2:
        return
    page.chart = {
        "labels": [town["label"] for town in shown],
        "series": [{"name": "应发（元）", "data": [town["total_fen"] / 100 for town in shown]}],
        "unit": "元",
        "horizontal": True,
    }
    page.chart_height = 40 + 30 * len(shown)
    first = shown[0]
    page.chart_text = (
        f"各地应发柱形图，共 {len(shown)} 个，最多的是{first['label']}，{words.yuan(first['total_fen'])} 元；数字见下表"
    )


_SEVERITY = {"block": ("warn", "暂缓"), "unknown": ("unknown", "未知"), "remind": ("warn", "提醒")}
#: Answers of the bank that somebody must see to, with what to do.
_ANSWERS = (
    (LineStatus.FAILED, "bad", "更正账户后重发"),
    (LineStatus.RETURNED, "bad", "更正账户后重发"),
    (LineStatus.UNKNOWN, "unknown", "结果未知，不当失败，不重发"),
)


def _blockers(page: RunPage, run: PayRun) -> None:
    here = reverse("web:run-lines", args=[run.pk])
    failing = [found for found in run.checks if not found.get("ok")]
    for found in failing:
        page.blockers.append(
            {
                "css": "bad",
                "word": "拦住",
                "title": str(found.get("label", "")),
                "text": str(found.get("detail", "")),
                "href": "",
            }
        )
    totals = queries.status_totals(run)
    for status, css, todo in _ANSWERS:
        lines, fen = totals.get(status, (0, 0))
        if lines:
            title = f"{lines:,} 笔{LineStatus(status).label}，{words.yuan(fen)} 元"
            page.blockers.append(
                {
                    "css": css,
                    "word": LineStatus(status).label[:2],
                    "title": title,
                    "text": todo,
                    "href": f"{here}?status={status}",
                }
            )
    for one in queries.blockers(run):
        css, word = ("unknown", "未知") if one.code == Held.UNKNOWN else _SEVERITY[one.severity]
        amount = f"，{words.yuan(one.amount_fen)} 元" if one.amount_fen else ""
        # Lines of earlier months are seen to in the one queue of exceptions.
        href = f"{here}?held={one.code}" if one.code in Held.values else reverse("web:bank-todo")
        page.blockers.append(
            {
                "css": css,
                "word": word,
                "title": f"{one.count:,} 笔{one.label}{amount}",
                "text": one.detail,
                "href": href,
            }
        )
    page.blocking = len(failing)
    page.blocker_note = f"{len(failing)} 项拦住，{page.head.held_lines if page.head else 0:,} 笔暂缓"


def _banks(page: RunPage, run: PayRun) -> None:
    """The files once they are made; before, what each bank would get."""
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
            "batch_href": reverse("web:bank-batch", args=[run.pk, batch.pk]),
        }
        for batch in batches.order_by("id")
    ] or [
        {
            "label": words.BANKS.get(one.bank_code, one.bank_code) or "未分银行",
            "lines": one.lines,
            "total_fen": one.amount_fen,
            "state": "预览",
        }
        for one in queries.bank_totals(run)
    ]
    if len(page.banks) > _FILES_SHOWN:
        _bank_sums(page)


def _bank_sums(page: RunPage) -> None:
    """Many files told by bank, the largest first."""
    sums: dict[str, dict[str, Any]] = {}
    for one in page.banks:
        found = sums.setdefault(
            one["label"], {"label": one["label"], "files": 0, "lines": 0, "total_fen": 0, "failed": 0}
        )
        found["files"] += 1
        for name in ("lines", "total_fen", "failed"):
            found[name] += one.get(name, 0)
    page.bank_sums = sorted(sums.values(), key=lambda one: -one["total_fen"])
    page.bank_total = {
        "lines": sum(one["lines"] for one in page.bank_sums),
        "fen": sum(one["total_fen"] for one in page.bank_sums),
    }


def _check(found: Mapping[str, Any]) -> dict[str, Any]:
    look = Look("通过", "ok", "check") if found.get("ok") else Look("不通过", "bad", "x")
    return {"label": found.get("label", ""), "note": found.get("detail", ""), "look": look}


def _figures(head: Summary) -> list[dict[str, Any]]:
    def against(now: int, before: int) -> str:
        change = now - before
        return f"上月 {before:,}，" + (f"+{change:,}" if change > 0 else f"{change:,}".replace("-", words.MINUS))

    return [
        {
            "label": "户数",
            "value": f"{head.households:,}",
            "unit": "户",
            "foot": against(head.households, head.before_households),
        },
        {
            "label": "人数",
            "value": f"{head.persons:,}",
            "unit": "人",
            "foot": against(head.persons, head.before_persons),
        },
        {
            "label": "本月应发",
            "value": words.yuan(head.amount_fen),
            "unit": "元",
            "foot": f"其中一次性补发 {words.yuan(head.back_pay_fen)}",
        },
        {
            "label": "较上月",
            "value": words.signed_yuan(head.difference_fen),
            "unit": "元",
            "foot": f"{head.causes} 项原因",
        },
        {"label": "暂缓", "value": f"{head.held_lines:,}", "unit": "笔", "foot": "本月不发，补齐后补发"},
    ]


def difference_line(row: DifferenceLine, month: Month) -> dict[str, Any]:
    """One difference as a table row."""
    return {
        "name": row.person or row.head,
        "place": row.town,
        "cause": Cause(row.cause).label,
        "text": row.note,
        "persons": row.persons,
        "fen": row.amount_fen,
        "href": reverse("web:family", args=[row.household_id]) + f"?month={month}",
    }


def payment_lines(lines: Sequence[PayLine]) -> list[dict[str, Any]]:
    """Lines as the family page and the list of a run show them."""
    return [
        {
            "month": line.month,
            "label": line.what,
            "amount_fen": line.amount_fen,
            "look": LINE_LOOKS[LineStatus(line.status)],
            "note": Held(line.held).label if line.held else "",
            "held_note": line.held_note,
            "href": reverse("web:run", args=[line.run_id]),
        }
        for line in lines
    ]


def paid_months(found: Sequence[PaidMonth]) -> list[dict[str, Any]]:
    """A family's lines with what each is made of, the corrections of earlier months in it and the bank's last word."""
    return [
        shown
        | {
            "parts": one.parts if len(one.parts) > 1 else [],
            "corrections": [
                {
                    "month": arrear.for_month,
                    "amount_fen": arrear.amount_fen,
                    "cause": Cause(arrear.cause).label,
                    "note": arrear.note if arrear.cause == Cause.PRICE_BACK else "",
                }
                for arrear in one.corrections
            ],
            "message": one.last_message,
        }
        for one, shown in zip(found, payment_lines([one.line for one in found]), strict=True)
    ]
