"""Reads dated parameter values: number, switch, choice, set or table; converted to the declared unit exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import EVER, FOREVER, NO_CAP, Draft, Param, ParamValue, exact, lies_in
from tuodi.policy.reader import Reader
from tuodi.policy.units import Unit, show
from tuodi.policy.yamltext import Seq, Text, is_null

__all__ = ["clause_instrument", "read_values", "scaled", "to_inner"]


def scaled(text: str, scale: int, r: Reader, key: str) -> int:
    """A bound as written, times the fact's scale."""
    try:
        value = exact(text) * scale
    except (ValueError, ZeroDivisionError):
        r.fault(f"{r.what}的“{key}”不是数：{text}", r.line_at(key))
        return 0
    return int(value)


def clause_instrument(clause: str, instruments: Any) -> str:
    """The id of the cited instrument: the longest known id the clause starts with. Empty if none."""
    best = ""
    for ident in instruments:
        if (clause == ident or clause.startswith((f"{ident}-", f"{ident} "))) and len(ident) > len(best):
            best = ident
    return best


def to_inner(text: str, unit: Unit, declared: Unit) -> Fraction:
    """A printed number in `unit` as an exact number in the declared unit; money in fen.

    Raises ValueError if it is no number.
    """
    if text.rstrip().endswith("%"):
        return exact(text) / declared.factor
    value = exact(text) * unit.factor / declared.factor
    return value * 100 if declared.money else value


def _number(text: str, param: Param, r: Reader, unit: Unit) -> Fraction | None:
    assert param.unit is not None
    if text == "无上限":
        return Fraction(NO_CAP)
    try:
        return to_inner(text, unit, param.unit)
    except (ValueError, ZeroDivisionError):
        r.fault(f"{r.what}的值“{text}”不是数；金额只写数字，单位写在 unit", r.line_at("value"))
        return None


def _structural(raw: Any, param: Param, r: Reader, draft: Draft, unit: Unit | None) -> Any:
    line = r.line_at("value")
    if param.kind == "bool":
        if str(raw) not in ("true", "false", "是", "否"):
            r.fault(f"{r.what}是是否开关，值应是 true 或 false，这里是“{raw}”", line)
        return str(raw) in ("true", "是")
    if param.kind in ("enum", "set"):
        enum = draft.enums.get(param.of)
        if enum is None:
            r.fault(f"{r.what}的枚举“{param.of}”没有声明{did_you_mean(param.of, draft.enums)}", line)
            return None
        items = list(raw) if isinstance(raw, Seq) else [raw]
        for item in items:
            if str(item) not in enum.values:
                r.fault(
                    f"{r.what}的值“{item}”不在枚举 {enum.name} 里；可用: {'、'.join(enum.values)}{did_you_mean(str(item), enum.values)}",
                    line,
                )
                return None
        if param.kind == "set":
            if not isinstance(raw, Seq):
                r.fault(f"{r.what}是集合，值应写成列表 [a, b]", line)
            return tuple(str(i) for i in items)
        return str(raw)
    rows: list[tuple[Fraction, Fraction]] = []
    for pair in raw if isinstance(raw, Seq) else []:
        if not isinstance(pair, Seq) or len(pair) != 2 or not all(isinstance(p, Text) for p in pair):
            r.fault(f"{r.what}是分档表，每行写成 [下限, 值]", line)
            return None
        try:
            low = exact(str(pair[0]))
        except ValueError:
            r.fault(f"{r.what}的分档下限“{pair[0]}”不是数", line)
            return None
        number = _number(str(pair[1]), param, r, unit) if unit else None
        if number is None:
            return None
        rows.append((low, number))
    if not rows:
        r.fault(f"{r.what}是分档表，值应写成 [[下限, 值], …]", line)
        return None
    if [low for low, _ in rows] != sorted({low for low, _ in rows}):
        r.fault(f"{r.what}的分档下限要从小到大且不重复", line)
        return None
    return tuple(rows)


def _one(param: Param, r: Reader, place: str, draft: Draft, rows: list[ParamValue]) -> None:
    where = r.text("place", default=place)
    keys: list[str | None] = []
    if not lies_in(where, place, draft.areas):
        r.fault(f"{r.what}的地区“{where}”不在 {place} 之下；写到该地区自己的文件夹里", r.line_at("place"))
    for key in param.by:
        word = r.text(key)
        enum = draft.enums.get(key)
        if enum is None:
            r.fault(f"{r.what}按“{key}”取值，但没有这个枚举{did_you_mean(key, draft.enums)}")
        elif word and word != "任意" and word not in enum.values:
            r.fault(f"{r.what}按 {key} 取值，这里是“{word}”；可用: {'、'.join(enum.values)}", r.line_at(key))
        keys.append(None if word in ("", "任意") else word)
    start, end = r.day("from", EVER), r.day("to", FOREVER)
    unit_text = r.text("unit")
    unit = param.unit
    if unit_text and param.unit is not None and unit_text != param.unit_text:
        row_unit = r.unit()
        if row_unit is not None and row_unit.dims != param.unit.dims:
            r.fault(
                f"{r.what}的单位是 {param.unit_text}，这里写 {unit_text}，量纲不同（{show(param.unit.dims)} 与 {show(row_unit.dims)}）",
                r.line_at("unit"),
            )
        elif row_unit is not None:
            unit = row_unit
    raw = r.raw("value")
    clause = r.text("clause")
    value: Any = None
    if not r.has("value"):
        r.fault(f"{r.what}的这一行缺少 value；来源没写就写 value: null")
        return
    if is_null(raw):
        if not (r.text("note") or clause):
            r.fault(f"{r.what}的值空着，请用 note 写明来源没有给出什么")
    else:
        if not clause:
            r.fault(f"{r.what}的值 {raw} 没有条款（clause）；查不到出处就写 value: null，不要填数", r.line_at("value"))
        if param.kind == "number":
            if not isinstance(raw, Text):
                r.fault(f"{r.what}的值应是一个数", r.line_at("value"))
                return
            if unit is None:
                return
            value = _number(str(raw), param, r, unit)
        else:
            value = _structural(raw, param, r, draft, unit)
    instrument = clause_instrument(clause, draft.instruments) if clause else ""
    if clause and not instrument:
        r.fault(
            f"{r.what}的条款“{clause}”没有对应的文件；先在 instruments 里声明{did_you_mean(clause.split('-')[0].split(' ')[0], draft.instruments)}",
            r.line_at("clause"),
        )
    if end < start:
        r.fault(f"{r.what}的 to（{end}）早于 from（{start}）", r.line_at("to"))
    assumed = bool(instrument) and draft.instruments[instrument].kind == "hypothetical"
    printed = "空缺" if is_null(raw) else (str(raw) if isinstance(raw, Text) else "、".join(map(str, raw)))
    row = ParamValue(
        where, tuple(keys), start, end, value, clause, r.where, r.text("quote"), r.text("note"), printed,
        unit_text or param.unit_text, r.text("issued"), r.text("precision"), r.flag("expected"), assumed,
    )  # fmt: skip
    rows.append(row)


def read_values(param: Param, r: Reader, place: str, draft: Draft, faults: list[Fault]) -> list[ParamValue]:
    """The dated values under one parameter of one file; overlaps among them and with others are checked by the book."""
    rows: list[ParamValue] = []
    if r.has("values"):
        body = r.raw("values")
        if not isinstance(body, Seq):
            r.fault(f"{r.what}的 values 应是列表", r.line_at("values"))
            body = []
        r.text("unit")
        for node in body:
            child = Reader(node, r.file, r.line, r.what, faults)
            _one(param, child, place, draft, rows)
            child.done()
        if r.has("value"):
            r.fault(f"{r.what}同时写了 value 和 values；只留一个", r.line_at("value"))
            return rows
        r.done()
    elif r.has("value"):
        _one(param, r, place, draft, rows)
        r.done()
    else:
        r.text("unit")
        r.done()
        if param.where != r.where:
            r.fault(f"{r.what}既没有 value 也没有 values", r.line)
    return rows
