"""Words and looks of the clue ledger: states, levels, reasons, sources, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import date
from functools import lru_cache
from typing import Any

from tuodi.audit.context import origin
from tuodi.cases.calendar import calendar
from tuodi.kernel import clock
from tuodi.kernel.workdays import Calendar, UnknownYearError
from tuodi.monitoring.models import Clue
from tuodi.monitoring.states import REFUTED_WHY
from tuodi.web.components import law, words
from tuodi.web.components.words import Look

STATES = {
    Clue.State.GENERATED: Look("待派发", "warn"),
    Clue.State.ASSIGNED: Look("已派发", "info"),
    Clue.State.VERIFYING: Look("核实中", "info"),
    Clue.State.UNDETERMINED: Look("延期核实", "warn"),
    Clue.State.CONFIRMED: Look("查实", "bad"),
    Clue.State.SUSPENDED: Look("已停保", "bad"),
    Clue.State.HANDLED: Look("已处理", "info"),
    Clue.State.RECTIFIED: Look("整改到位", "ok", "check"),
    Clue.State.CLOSED: Look("已销号", "ok", "check"),
}
SEVERITIES = {"R": Look("红色", "bad", "flag"), "O": Look("橙色", "warn", "flag"), "Y": Look("黄色", "", "flag")}
#: One sign for a narrow column.
SHORT = {"R": Look("红", "bad"), "O": Look("橙", "warn"), "Y": Look("黄")}
SEVERITY_DOES = {"R": "查实即停", "O": "查实重算", "Y": "核查备案"}
VERDICTS = {"": Look("未结"), "confirmed": Look("查实", "bad"), "refuted": Look("查否")}
LEVELS = {"TOWN": "乡镇", "COUN": "县级", "PREF": "市级", "PROV": "省级"}
#: What kind of register a clue is from.
SOURCES = {
    "hukou": "公安户籍", "funeral": "民政殡葬", "marriage": "民政婚姻", "vehicle": "公安机动车", "ship": "船舶", "machine": "农机",
    "estate": "不动产", "business": "市场主体", "social": "社会保险", "social_insurance": "社会保险", "pension": "养老保险",
    "fund": "住房公积金", "hpf": "住房公积金", "tax": "税务", "fiscal": "财政供养", "bank": "银行存款", "securities": "证券",
    "insurance": "商业保险", "medical": "医疗保险", "disability": "残联", "education": "教育学籍", "prison": "司法服刑", "court": "法院",
    "health": "卫生健康", "veteran": "退役军人", "agriculture": "农业农村", "housing": "住房保障", "death": "死亡登记",
    "review": "定期复核", "report": "群众举报", "payment": "资金发放", "third_party": "第三方核查", "family": "家庭变化", "audit": "审计移交",
    "cremation": "殡葬火化", "fiscal_kin": "财政供养人员家属", "bank_deposit": "银行存款", "insurance_policy": "商业保险",
    "housing_fund": "住房公积金", "machinery": "农机船舶", "public_housing": "公租房", "land_subsidy": "惠农补贴",
    "serious_illness": "大病保险", "veterans": "退役军人", "student": "教育学籍", "kin": "近亲属备案", "roll": "在册名单",
    "discipline": "纪检监察移交", "village": "村居反映",
}  # fmt: skip
_MANY = 400


def state(code: str) -> Look:
    """A clue's state as a tag."""
    return STATES.get(Clue.State(code)) or Look(code)


def verdict_or_state(clue: Clue) -> Look:
    """What a list says of a clue: the verdict where it is refuted and closed, else how far it is."""
    if clue.state == Clue.State.CLOSED:
        return Look(f"{'查实' if clue.verdict == 'confirmed' else '查否'} · 已销号", "ok", "check")
    return state(clue.state)


def reason(code: str) -> str:
    """A reason for refusing, in words."""
    return REFUTED_WHY.get(code, code)


def source(code: str) -> str:
    """A kind of source, in words."""
    return SOURCES.get(code, code)


def rule_label(text: Mapping[str, Any], code: str) -> str:
    """What a rule is called, as it was when the clue was raised."""
    return str(text.get("label") or code)


#: The request that asked last in this thread, and its calendar: a page with fifty limits asks once.
_asked: ContextVar[tuple[str, Calendar] | None] = ContextVar("tuodi_clue_calendar", default=None)


def days() -> Calendar:
    """The working-day calendar in force, asked once a request."""
    request, asked = origin().request_id, _asked.get()
    if request and asked is not None and asked[0] == request:
        return asked[1]
    found = calendar()
    _asked.set((request, found) if request else None)
    return found


def workdays_left(due: date, today: date) -> int | None:
    """Working days from today to the limit, negative once over; None where the calendar does not reach."""
    if abs((due - today).days) > _MANY:
        return None
    try:
        return days().workdays_between(today, due)
    except UnknownYearError:
        return None


def due_look(clue: Clue, today: date) -> Look:
    """A clue's limit in words: over, near, far, pending (no official calendar), none."""
    if clue.state == Clue.State.CLOSED:
        on = clue.closed_at.date() if clue.closed_at else None
        return Look(f"{on:%m-%d} 销号" if on else "已销号")
    if clue.deadline_pending:
        return Look("期限待定", "unknown", "help")
    if clue.deadline is None:
        return Look("未起算")
    left = workdays_left(clue.deadline, today)
    if left is None:
        return Look("逾期", "bad") if clue.deadline < today else Look(f"{clue.deadline:%Y-%m-%d}")
    if clue.deadline < today:
        # A limit that ended yesterday evening is over, even where no working day has passed since.
        return Look(f"逾期 {max(-left, 1)} 个工作日", "bad")
    if left == 0 or clue.deadline == today:
        return Look("今天到期", "warn")
    return Look(f"剩 {left} 个工作日", "warn" if left <= 3 else "")


# ---- a rule's condition in words


_WORDS = ((r"\bnot in\b", "不属于"), (r"\bin\b", "属于"), (r"\bor\b", "或"), (r"\band\b", "且"), (r"\bnot\b", "不是"))
_CALLS = (
    (r"\bgiven\(([^(),]+), ?([^(),]+)\)", r"\1（没有登记按\2）"),
    (r"\bnot known\((\w+)\)", r"没有登记 \1"),
    (r"\bknown\((\w+)\)", r"登记有 \1"),
    (r"\b(\w+)\.any\(([^()]*)\)", r"\1中有\2"),
    (r"\b(\w+)\.sum\(([^()]*)\)", r"\1的\2合计"),
    (r"\b(\w+)\.count\(true\)", r"\1的条数"),
    (r"\b(\w+)\.count\(([^()]*)\)", r"\1中\2的条数"),
)


@lru_cache(maxsize=256)
def condition(formula: str, kind: str) -> str:
    """A rule's formula with the labels of what it names, for people; empty where there is none.

    Args:
        kind: kind of register the rule looks at; its columns are named before others of the same name.
    """
    text = formula
    for pattern, shown in _CALLS:
        text = re.sub(pattern, shown, text)
    for pattern, shown in _WORDS:
        text = re.sub(pattern, shown, text)
    known = _labels(kind)
    text = re.sub(
        r"(?<![A-Za-z0-9_.])[a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*", lambda found: known.get(found[0], found[0]), text
    )
    return words.calc(text.replace("==", "为").replace("!=", "不为"))


@lru_cache(maxsize=64)
def _labels(kind: str) -> dict[str, str]:
    """Identifier of the rules' language -> label."""
    book = law.book()
    found = {"members": "家庭成员", "true": "是", "false": "否", "case_date": "比对日期"}
    for enum in book.enums.values():
        found |= {str(code): str(label) for code, label in enum.values.items()}
    for name, one in book.draft.params.items():
        found[name.split(".")[-1]] = one.label
    for fact in book.draft.facts:
        if fact.level in ("household", "members"):
            found[fact.name] = fact.label
    for name, text in book.rule_texts(book.chain(""), clock.today()).items():
        if name.startswith("clues."):
            found[name.split(".")[-1]] = text.label
    for fact in book.draft.facts:
        if fact.level == f"reg_{kind}":
            found[fact.name] = fact.label
    for level in {fact.level for fact in book.draft.facts if fact.level.startswith("reg_")}:
        found[level] = f"{source(level[4:])}登记"
    return found
