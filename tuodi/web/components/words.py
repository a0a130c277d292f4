"""Words and looks for states, sources and values: the one place where a code becomes Chinese on a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tuodi.kernel.money import format_yuan

MINUS = "−"
DASH = "—"

#: How a fact became known.
SOURCES = {
    "entered": "申报",
    "declared": "网上申报",
    "register": "核对",
    "visit": "入户",
    "roster": "名册",
    "finding": "认定",
    "index": "统计",
    "ledger": "台账",
    "prior": "上月",
    "default": "默认",
}


#: Banks that pay assistance out, by the short codes files carry.
BANKS = {
    "ABC": "农业银行",
    "BOC": "中国银行",
    "CCB": "建设银行",
    "HBNX": "湖北农信",
    "ICBC": "工商银行",
    "PSBC": "邮储银行",
}


@dataclass(frozen=True)
class Look:
    """How a state is shown: word, tag colour class, icon name or empty."""

    word: str
    css: str = ""
    icon: str = ""


RESULTS = {
    "pass": Look("通过", "ok", "check"),
    "fail": Look("不符合", "bad", "x"),
    "unknown": Look("缺事实", "unknown", "help"),
}
OUTCOMES = {
    "pass": Look("符合", "ok", "check"),
    "fail": Look("不符合", "bad", "x"),
    "unknown": Look("缺事实", "unknown", "help"),
}
ROWS = {
    "ok": Look("可导入", "ok", "check"),
    "new": Look("新增", "ok", "check"),
    "same": Look("无变化"),
    "changed": Look("拟变更", "info"),
    "warning": Look("可导入，有提示", "warn"),
    "quarantine": Look("隔离", "bad"),
    "error": Look("有误", "bad", "x"),
    "applied": Look("已导入", "ok", "check"),
    "duplicate": Look("重复", "warn"),
    "skipped": Look("跳过"),
}
_KINDS: dict[str, dict[str, Look]] = {"result": RESULTS, "outcome": OUTCOMES, "row": ROWS}


def state(code: str | None, kind: str = "result") -> Look:
    """The look of a state; an unlisted code shows itself in grey, a missing one is unknown."""
    if code is None or code == "":
        return RESULTS["unknown"]
    return _KINDS.get(kind, {}).get(str(code)) or Look(str(code))


_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_BARE_NUMBER = re.compile(r"(?<![\w.,-])(?:\d{5,}(?:\.\d+)?|\d{4}\.\d+)(?![\w.,-])")


def figures(value: Any) -> str:
    """A number given as text with thousands commas and a true minus; other text is left alone.

    Decimals are kept as they come, because the rules decide how many are meaningful.
    """
    if value is None or value == "":
        return DASH
    text = str(value)
    if not _NUMBER.fullmatch(text):
        return text
    sign = MINUS if text.startswith("-") else ""
    whole, point, rest = text.lstrip("-").partition(".")
    return f"{sign}{int(whole):,}{point}{rest}"


_SIGNS = (
    (" + ", " ＋ "),
    (" - ", " − "),
    (" * ", " × "),
    (" / ", " ÷ "),
    (" < ", " ＜ "),
    (" > ", " ＞ "),
    (">=", "≥"),
    ("<=", "≤"),
    ("!=", "≠"),
    ("==", "＝"),
)


def calc(text: str | None) -> str:
    """An arithmetic line as a reader expects it: full signs with spaces, commas in long numbers."""
    if not text:
        return ""
    shown = _BARE_NUMBER.sub(lambda found: figures(found[0]), text)
    for plain, proper in _SIGNS:
        shown = shown.replace(plain, proper)
    return re.sub(r"(?<![\w.])-(?=\d)", MINUS, shown)


_TRUTH = {"true": "是", "false": "否", "True": "是", "False": "否"}


def value(raw: Any, unit: str | None) -> tuple[str, str]:
    """A node's value and unit as shown.

    Returns:
        (text, unit): 是/否 for booleans, commas for numbers, 「—」 for none; the unit is empty where it says nothing.
    """
    if raw is None:
        return DASH, ""
    if isinstance(raw, bool) or str(raw) in _TRUTH:
        return _TRUTH[str(raw)], ""
    shown_unit = unit or ""
    if shown_unit in {"-", "是否", "枚举", "集合", "日期", "月份", "数"}:
        shown_unit = ""
    return figures(raw), shown_unit


_NUMBERED = re.compile(r"^(?:.*\u3015|.*第)?(\d+号)(?:令)?\s*第?(.+)$")


def clause_short(text: str) -> str:
    """A citation short enough for a chip: without the issuer and the bracketed year; 国务院令第649号 第9条 -> 649号令 9条."""
    found = _NUMBERED.match(text)
    if not found:
        return text
    number, rest = found.groups()
    return f"{number}{'令' if '令' in text.split(number)[0] else ''} {rest.strip()}"


def yuan(fen: int | None) -> str:
    """Fen as yuan with commas and a true minus; 「—」 for none."""
    return DASH if fen is None else format_yuan(fen, minus=MINUS)


def signed_yuan(fen: int | None) -> str:
    """Fen as a change in yuan: +75.00, −40.00, 0.00."""
    return ("+" if fen and fen > 0 else "") + yuan(fen)
