"""Why a row of a register was rejected or is odd: code, what is said, what to do. Values shown are masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from tuodi.kernel.masking import mask_id, mask_name

__all__ = ["FAULT_SCHEMA", "LABELS", "REMEDIES", "Fault", "frame_of", "masked"]

FAULT_SCHEMA = {
    "line_no": pl.Int64(),
    "level": pl.String(),
    "code": pl.String(),
    "field": pl.String(),
    "shown": pl.String(),
    "reason": pl.String(),
    "remedy": pl.String(),
}


class Fault(NamedTuple):
    """One finding about one row. ``level``: ``rejected`` (not taken) or ``warning`` (taken, the value is 未知)."""

    line_no: int
    level: str
    code: str
    field: str
    shown: str
    reason: str
    remedy: str


_AGAIN = "请数据提供部门改正后重新导出"
#: Code -> what is said of such rows; ``{}`` is the column's label.
LABELS = {
    "columns": "列数与表头不一致",
    "encoding": "有不能识别的字符",
    "nul": "含有空字符，内容可能已损坏",
    "quotes": "引号没有成对",
    "record": "不是一条完整的记录",
    "blank": "没有证件号码，也没有姓名",
    "id_damaged": "证件号码被表格软件改成了科学计数法或丢失了末尾数字",
    "missing": "{}没有填写",
    "as_of_future": "数据日期晚于收到文件的日期",
    "bad_money": "{}不是金额",
    "bad_number": "{}不是数字",
    "bad_ratio": "{}不是比例",
    "bad_date": "{}不是日期",
    "bad_month": "{}不是年月",
    "bad_bool": "{}不是“是”或“否”",
    "bad_key": "{}不是可用的证件号码",
    "bad_code": "{}不在对照表中",
    "bad_status": "{}不在对照表中，按有效处理",
    "bad_as_of": "数据日期不能识别，按批次日期处理",
}
REMEDIES = {
    "columns": "请核对分隔符和表头，或请部门重新导出",
    "encoding": "请以 UTF-8 或 GB18030 重新导出",
    "id_damaged": "请部门把该列设为文本格式后重新导出，不要手工补数字",
    "bad_code": "请在模板的对照表中补上这个写法",
    "bad_status": "请在模板的 alive 或 ended 中补上这个写法",
}
_LONG = re.compile(r"[0-9Xx]{11,}")


def remedy_of(code: str) -> str:
    """What to do about a code."""
    return REMEDIES.get(code, _AGAIN)


def masked(value: str | None, field: str) -> str:
    """A written value as lists may show it: numbers and names masked, never longer than twenty characters."""
    text = "".join(c for c in (value or "") if c.isprintable())[:60]
    if field in ("id_no", "row"):
        return mask_id(text) if len(text) > 10 else text[:2] + "*" * max(0, len(text) - 2)
    if field.endswith("name"):
        return mask_name(text[:20])
    return _LONG.sub(lambda found: mask_id(found[0]), text)[:20]


def fault(line_no: int, level: str, code: str, field: str, label: str, value: str | None) -> Fault:
    """One finding, its sentence filled in."""
    return Fault(line_no, level, code, field, masked(value, field), LABELS[code].format(label), remedy_of(code))


def frame_of(faults: Iterable[Fault]) -> pl.DataFrame:
    """Findings as a frame."""
    return pl.DataFrame(list(faults), schema=FAULT_SCHEMA, orient="row")
