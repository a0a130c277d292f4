"""One clue as its page shows it: steps, whom it is about, what it would mean, how long is left, evidence side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.decisions.family_months import FamilyMonths
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import UnknownYearError
from tuodi.monitoring import clue_claims
from tuodi.monitoring.models import Clue, ClueEvent, ClueEvidence
from tuodi.payments.claims import finding_of
from tuodi.people.enums import PERSON_PROGRAMMES, AreaKind, Programme
from tuodi.people.models import Membership
from tuodi.web.components import clue_words, explain, law, places, words
from tuodi.web.components.words import Look
from tuodi.web.county.clue_verbs import labels_of

State = Clue.State
#: Days one strip draws; a longer limit is told in words.
_STRIP = 62
_ORDER = (
    State.GENERATED, State.ASSIGNED, State.VERIFYING, State.CONFIRMED, State.SUSPENDED, State.HANDLED, State.RECTIFIED, State.CLOSED,
)  # fmt: skip
EVENTS = {
    "raise": "生成", "assign": "派发", "reassign": "改派", "start": "开始核实", "verify": "开始核实", "evidence": "证据入卷", "extend": "延期核实",
    "propose": "提出结论", "confirm": "查实", "confirmed": "查实", "refute": "查否", "refuted": "查否", "suspend": "停保", "handle": "处理",
    "recover": "登记追回", "check": "复查", "close": "销号", "reopen": "重开", "pushed": "推送预警", "read": "签收预警", "dismissed": "不予立案",
    "escalated": "升级督办", "deadline": "补算期限", "visit": "安排入户", "statement": "家庭陈述", "opened": "转死亡减员",
}  # fmt: skip
SAME = Look("一致", "ok", "check")
DIFFERS = Look("不一致", "warn", "arrows-diff")
SUPPORTS = Look("支持陈述", "local")
OPEN = Look("待查", "unknown", "help")


def steps_of(clue: Clue, events: Sequence[ClueEvent]) -> list[dict[str, str]]:
    """The eight steps. What a refuted clue, or one that suspends nothing, passes over is said and not ticked."""
    when = {event.after: event.at for event in events}  # newest first: the first time in each state stays
    at = {code: f"{localtime(found):%m-%d}" for code, found in when.items()}
    refuted = clue.verdict == Clue.Verdict.REFUTED
    here = State.VERIFYING if clue.state == State.UNDETERMINED else State(clue.state)
    reached = _ORDER.index(here)
    suspends = clue.on_confirmed == "suspend"
    verdict_at = f"{localtime(clue.verdict_at):%m-%d}" if clue.verdict_at else ""
    plan = (
        ("生成", at.get(State.GENERATED, f"{clue.found_on:%m-%d}")),
        ("派发", f"{localtime(clue.assigned_at):%m-%d}" if clue.assigned_at else "指定责任人"),
        ("延期核实" if clue.state == State.UNDETERMINED else "核实中", f"{at[State.VERIFYING]} 起" if State.VERIFYING in at else "登记、询问、入户"),
        ("查否" if refuted else "查实" if clue.verdict else "结论", verdict_at or "查实或查否"),
        ("停保", at.get(State.SUSPENDED) or ("仅查实" if suspends else "本条不停保")),
        ("处理", f"{localtime(clue.handled_at):%m-%d} {clue.get_action_display()}" if clue.handled_at else "停、减、追、转"),
        ("整改", f"{localtime(clue.checked_at):%m-%d}" if clue.checked_at else "第二人复查"),
        ("销号", f"{localtime(clue.closed_at):%m-%d}" if clue.closed_at else "与处理人不同"),
    )  # fmt: skip
    shown = []
    for number, (label, note) in enumerate(plan):
        state = "done" if number < reached or clue.state == State.CLOSED else "now" if number == reached else ""
        passed = (refuted and 3 < number < 7) or (number == 4 and reached > 4 and clue.suspension_id is None)
        shown.append({"label": label, "note": "不需要" if passed else note, "state": "passed" if passed else state})
    return shown


def subject_of(clue: Clue, membership: Membership | None, members: int) -> dict[str, Any]:
    """Whom the clue is about; the number masked."""
    programme = dict(Programme.choices).get(clue.programme, clue.programme)
    area = dict(AreaKind.choices).get(clue.category, "")  # type: ignore[call-overload]
    return {
        "family": f"{clue.household.head.name}家庭",
        "href": reverse("web:family", args=[clue.household_id]),
        "no": clue.household.no,
        "members": members,
        "programme": f"{area}{'低保' if clue.programme == 'dibao' else programme}",
        "name": clue.person.name,
        "relation": membership.get_relation_display() if membership else "已不在户",
        "id_masked": clue.person.id_masked,
        "id_check_ok": clue.person.id_check_ok,
        "died_on": clue.person.died_on,
    }


def effect_of(clue: Clue, memberships: Sequence[Membership], today: date) -> dict[str, Any]:
    """What the family draws a month, with the arithmetic of the rules where they give the same amount."""
    found: dict[str, Any] = {"fen": clue.monthly_fen, "calc": "", "note": ""}
    try:
        months = FamilyMonths(clue.household, memberships)
        person = clue.person if clue.programme in PERSON_PROGRAMMES else None
        programme = explain.programme(months.explained(clue.programme, Month.of(today), person=person))
    except (TuodiError, KeyError):
        programme = None
    if programme is not None and programme.amount_fen is not None and programme.total is not None:
        if programme.amount_fen == clue.monthly_fen:
            found["calc"] = programme.total.calc
        elif clue.monthly_fen is not None:
            found["note"] = f"在册金额；按现有事实计算为 {words.yuan(programme.amount_fen)} 元"
    found["does"] = {
        "suspend": "查实后次月起停，书面告知",
        "recompute": "查实后重新核算，不先停保",
        "note": "查实后核实记录，不影响当月发放",
    }.get(clue.on_confirmed, "")
    return found


def strip_of(clue: Clue, events: Sequence[ClueEvent], today: date) -> dict[str, Any] | None:
    """The limit day by day: used, today, left, days off hatched, the due day; None where nothing runs."""
    if clue.deadline is None:
        return None
    extended = next((event.at for event in events if event.kind in ("extend", "reopen")), None)
    began = extended or clue.assigned_at
    # A rule may start its limit when the clue is raised, before anybody has it.
    start = localtime(began).date() if began else clue.found_on
    ended = localtime(clue.closed_at).date() if clue.closed_at else None
    last = clue.deadline if ended else max(clue.deadline, today)
    n = (last - start).days
    if not 0 < n <= _STRIP:
        return {"days": [], "start": start, **_left(clue, start, today)}
    days, used = [], 0
    for step in range(1, n + 1):
        day = start + timedelta(days=step)
        try:
            off = not clue_words.days().is_workday(day)
        except UnknownYearError:
            return {"days": [], "start": start, **_left(clue, start, today)}
        css = _day_css(day, off, clue.deadline, today, ended)
        used += not off and day <= min(today, ended or today)
        days.append({"n": day.day, "css": css, "title": f"{day:%m-%d}{'（休息）' if off else ''}"})
    text = f"{start:%m 月 %d 日}起算，已用 {used} 个工作日，{clue.deadline:%m 月 %d 日}到期"
    return {"days": days, "start": start, "text": text, **_left(clue, start, today)}


def _day_css(day: date, off: bool, due: date, today: date, ended: date | None) -> str:
    if ended is None and day == today and not off:
        return "today over" if day > due else "today"
    if day == due:
        return "due"
    if off:
        return "off"
    if day > due:
        return "over"
    return "used" if day <= (ended or today) else "left"


def _left(clue: Clue, start: date, today: date) -> dict[str, Any]:
    look = clue_words.due_look(clue, today)
    try:
        limit = clue_words.days().workdays_between(start, clue.deadline) if clue.deadline else None
    except UnknownYearError:
        limit = None
    return {"look": look, "limit": limit, "due": clue.deadline}


# ---- evidence side by side


def proof_of(clue: Clue, evidence: Sequence[ClueEvidence]) -> dict[str, Any]:
    """What the register says against what the family says, field by field."""
    lines = []
    order = {name: place for place, (level, name) in enumerate(law.facts()) if level == f"reg_{clue.source}"}
    keys = dict.fromkeys([*clue.registered, *clue.stated])
    for key in sorted(keys, key=lambda name: order.get(name, len(order))):  # a database sorts keys its own way
        registered, stated, given = _text(clue.registered.get(key)), *_stated(clue.stated.get(key))
        look = given or _compare(registered, stated)
        lines.append(
            {
                "key": key,
                "label": _label(clue, key),
                "registered": _with_unit(clue, key, registered),
                "stated": stated,
                "look": look,
                "css": "conflict" if look is DIFFERS else "",
            }
        )
    counted: dict[str, int] = {}
    for line in lines:
        word = line["look"].word  # type: ignore[union-attr]
        counted[word] = counted.get(word, 0) + 1
    statement = next((one for one in reversed(evidence) if one.kind == "statement"), None)
    return {"lines": lines, "counted": " · ".join(f"{word} {n}" for word, n in counted.items()), "statement": statement}


def _label(clue: Clue, key: str) -> str:
    """The name of a register's column: the rules' own label where they know the column, else as it stands."""
    declared = law.facts().get((f"reg_{clue.source}", key))
    return declared.label if declared else _COLUMNS.get(key, key)


def _with_unit(clue: Clue, key: str, text: str) -> str:
    """A figure with the unit the rules give its column; a share as a percentage. Words stay as they are."""
    declared = law.facts().get((f"reg_{clue.source}", key))
    if declared is None or declared.type not in ("money", "number", "ratio") or not _NUMBER.fullmatch(text):
        return text
    if declared.type == "ratio":
        return f"{(Decimal(text.replace(',', '')) * 100).normalize():f}%"
    return f"{words.figures(text.replace(',', ''))} {declared.unit.text}" if declared.unit else text


_NUMBER = re.compile(r"-?[\d,]+(\.\d+)?")
#: Columns every register has, and what people tell without one.
_COLUMNS = {"fact": "反映的事项", "name": "登记姓名", "status": "登记状态", "as_of": "数据日期", "key": "证件号码"}


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Mapping):
        return str(value.get("text", ""))
    return words.figures(value) if isinstance(value, int | float) else str(value)


def _stated(value: Any) -> tuple[str, Look | None]:
    """What the family says of one field, and how an officer judged it where he did."""
    if isinstance(value, Mapping):
        return str(value.get("text", "")), {"same": SAME, "differs": DIFFERS, "supports": SUPPORTS, "open": OPEN}.get(
            str(value.get("look", ""))
        )
    return _text(value), None


def _compare(registered: str, stated: str) -> Look:
    """Equal once spaces and commas are gone: 一致. Said by one side alone: 待查. Nothing is guessed beyond that."""
    if not registered or not stated:
        return OPEN
    strip = str.maketrans("", "", " ,，　")
    return SAME if registered.translate(strip) == stated.translate(strip) else DIFFERS


def papers_of(clue: Clue, evidence: Sequence[ClueEvidence]) -> list[dict[str, Any]]:
    """Evidence on file as tiles."""
    known = labels_of(clue)
    shown = []
    for one in evidence:
        image = one.file is not None and one.file.media_type.startswith("image/")
        icon = "photo" if image else "clipboard-check" if one.visit_id else "paperclip" if one.file else "file-text"
        shown.append(
            {
                "title": one.title,
                "kind": known.get(one.kind, one.kind),
                "when": f"{localtime(one.added_at):%m-%d}",
                "who": one.added_by.name if one.added_by else "系统",
                "text": one.text,
                "icon": icon,
                "href": reverse("web:clue-file", args=[clue.no, one.pk]) if one.file else "",
                "size": f"{max(1, one.file.size // 1024):,} KB" if one.file else "",
            }
        )
    return shown


def needs_of(clue: Clue, evidence: Sequence[ClueEvidence]) -> dict[str, Any]:
    """What must be on file before a verdict."""
    known = labels_of(clue)
    have = {one.kind for one in evidence}
    lines = [{"label": known[kind], "there": kind in have} for kind in clue.required]
    there = sum(line["there"] for line in lines)  # type: ignore[misc]
    return {
        "lines": lines,
        "there": there,
        "all": len(lines),
        "missing": [str(line["label"]) for line in lines if not line["there"]],
    }


def events_of(events: Sequence[ClueEvent]) -> list[dict[str, Any]]:
    """What was done, newest first."""
    return [
        {
            "when": f"{localtime(event.at):%Y-%m-%d %H:%M}",
            "who": event.by.name if event.by else "系统",
            "office": event.by.office.name if event.by else "",
            "label": EVENTS.get(event.kind, event.kind),
            "note": event.note,
            "before": clue_words.state(event.before).word if event.before and event.before != event.after else "",
            "after": clue_words.state(event.after).word,
        }
        for event in events
    ]


def hands_of(clue: Clue) -> list[dict[str, str]]:
    """Who did what: proposing, deciding, handling, checking and closing stay with different people."""
    rows = (
        ("责任", clue.responsible, "核实并提出结论"),
        ("提出", clue.proposed_by, "责任人"),
        ("结论", clue.verdict_by, "不能是核实、提出的人"),
        ("处理", clue.handled_by, "不能是提出结论的人"),
        ("复查", clue.checked_by, "不能是处理人"),
        ("销号", clue.closed_by, "不能是处理人"),
    )
    return [
        {"label": label, "name": f"{user.name}（{user.office.name}）" if user else "", "rule": rule}
        for label, user, rule in rows
    ]


def why_of(clue: Clue) -> dict[str, Any]:
    """Why the rule fired: its text, clause and values as they were."""
    text: Mapping[str, Any] = clue.rule_text
    values = text.get("values")
    return {
        "label": clue_words.rule_label(text, clue.rule_code),
        "code": clue.rule_code,
        "version": str(text.get("version") or "")[:8],
        "clause": str(text.get("clause") or ""),
        "clause_title": str(text.get("instrument") or text.get("clause") or ""),
        "formula": clue_words.condition(str(text.get("formula") or ""), clue.source),
        "values": [(_label(clue, str(name)), _text(value)) for name, value in values.items()]
        if isinstance(values, Mapping)
        else [],
        "local": bool(text.get("local")),
        "assumed": bool(text.get("assumed")),
        "does": clue_words.SEVERITY_DOES.get(clue.severity, ""),
    }


def precision_text(found: Mapping[str, Any]) -> str:
    """How often the rule was right in the last twelve months, in a sentence."""
    answered = found["confirmed"] + found["refuted"]
    if not answered:
        return f"本规则近 12 个月生成 {found['total']:,} 条，还没有结论。"
    text = f"本规则近 12 个月生成 {found['total']:,} 条，查实 {found['confirmed']:,} 条（已答的 {100 * found['confirmed'] / answered:.1f}%）"
    for why, n in list(found["reasons"].items())[:1]:
        text += f"；「{clue_words.reason(why)}」占查否的 {100 * n // found['refuted']}%"
    return text + "。"


def money_of(clue: Clue) -> dict[str, Any] | None:
    """What is to be recovered, with the arithmetic that was accepted; None where nothing was worked out."""
    if clue.to_recover_fen is None and not clue.recovery:
        return None
    left = (clue.to_recover_fen or 0) - clue.recovered_fen
    sums = (
        f"应追回 {words.yuan(clue.to_recover_fen)} − 已追回 {format_yuan(clue.recovered_fen)} ＝ {words.yuan(left)} 元"
    )
    return {
        "text": str(clue.recovery.get("text", "")),
        "by_hand": bool(clue.recovery.get("by_hand")),
        "sum": sums,
        "left": left,
    }


def claims_of(clue: Clue, *, may: bool) -> dict[str, Any] | None:
    """What became of a clue's money in the books: the finding that rests on it, and its claim; None = nothing was determined.

    Args:
        may: whether the reader may open claims.
    """
    found = finding_of(clue_claims.ORIGIN, clue.pk)
    if found is None:
        return None
    claim = found.claim
    return {
        "state": found.get_state_display(),  # type: ignore[attr-defined]
        "fen": found.amount_fen,
        "href": reverse("web:finding", args=[found.pk]) if may else "",
        "claim_no": claim.no if claim else "",
        "claim_left": claim.left_fen if claim else 0,
        "claim_href": reverse("web:claim", args=[claim.pk]) if claim and may else "",
    }


def sheet_of(clue: Clue, evidence: Sequence[ClueEvidence]) -> dict[str, Any]:
    """What the sheet to take along (核查单) prints; room stays for what is found."""
    proof = proof_of(clue, evidence)
    known = labels_of(clue)
    have = {one.kind for one in evidence}
    statement = proof["statement"]
    return {
        "number": clue.no,
        "office": clue.office.name if clue.office else "",
        "date": f"{clock.today():%Y-%m-%d}",
        "clue_no": clue.no,
        "rule": clue_words.rule_label(clue.rule_text, clue.rule_code),
        "severity": clue.get_severity_display(),
        "found_on": f"{clue.found_on:%Y-%m-%d}",
        "due": f"{clue.deadline:%Y-%m-%d}" if clue.deadline else "待定" if clue.deadline_pending else "",
        "source": clue.batch.source.label if clue.batch else clue_words.source(clue.source),
        "as_of": f"{clue.batch.as_of:%Y-%m-%d}" if clue.batch else "",
        "person": clue.person.name,
        "id_masked": clue.person.id_masked,
        "household_no": clue.household.no,
        "head": clue.household.head.name,
        "place": places.path(clue.region, 3),
        "programme": dict(Programme.choices).get(clue.programme, clue.programme),
        "responsible": clue.responsible.name if clue.responsible else "",
        "register_rows": [
            {"label": line["label"], "value": line["registered"]} for line in proof["lines"] if line["registered"]
        ],
        "declared": [{"label": line["label"], "value": line["stated"]} for line in proof["lines"] if line["stated"]],
        "statement": statement.text if statement else "",
        "checks": [f"{'☑' if kind in have else '☐'} {known[kind]}" for kind in clue.required],
        "finding": clue.conclusion,
        "conclusion": clue.get_verdict_display() if clue.verdict else "",
        "signatures": [{"role": role} for role in ("当事人", "核查人", "核查人", "见证人")],
    }
