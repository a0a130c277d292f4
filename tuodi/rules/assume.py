"""Supposed parameter values of a family file or a worked example: `{"dibao.standard": 500}` or a list of value rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuodi.policy.book import ASSUMED, Book
from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import Instrument, ParamValue
from tuodi.policy.reader import Reader
from tuodi.policy.values import read_values
from tuodi.policy.yamltext import Map, Seq, Text
from tuodi.rules.family import FamilyErrors, InputFault

__all__ = ["ASSUMPTION", "read_assumptions"]

ASSUMPTION = "假设"


def _text(value: Any) -> Any:
    if isinstance(value, Text | Map | Seq):
        return value
    if isinstance(value, Mapping):
        out = Map((k, _text(v)) for k, v in value.items())
        out.line, out.lines = 1, dict.fromkeys(value, 1)
        return out
    if isinstance(value, list):
        seq = Seq(_text(v) for v in value)
        seq.line = 1
        return seq
    text = Text(
        "null"
        if value is None
        else {True: "true", False: "false"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value)
    )
    text.line, text.plain = 1, True
    return text


def read_assumptions(book: Book, assume: Mapping[str, Any]) -> dict[str, list[ParamValue]]:
    """Parameter name -> values that win over every pack. Raises FamilyErrors with every fault."""
    book.draft.instruments.setdefault(ASSUMPTION, Instrument(ASSUMPTION, "假设", "-", "hypothetical", "-", "-"))
    found: dict[str, list[ParamValue]] = {}
    errors: list[InputFault] = []
    if not isinstance(assume, Mapping):
        raise FamilyErrors([InputFault("assume", '这里应是“参数: 值”的对象；如 {"dibao.standard": 500}')])
    for name, raw in assume.items():
        param = book.params.get(name)
        if param is None:
            errors.append(
                InputFault(
                    f"assume.{name}", f"没有这个参数{did_you_mean(name, book.params)}；写全名，如 dibao.standard"
                )
            )
            continue
        rows = (
            raw
            if isinstance(raw, list) and raw and isinstance(raw[0], Mapping)
            else [raw if isinstance(raw, Mapping) else {"value": raw}]
        )
        body = _text([{"clause": ASSUMPTION, **row} for row in rows])
        node = Map({"values": body})
        node.line, node.lines = 1, {"values": 1}
        faults: list[Fault] = []
        found[name] = read_values(
            param, Reader(node, f"assume.{name}", 1, f"参数“{name}”", faults), ASSUMED, book.draft, faults
        )
        errors += [InputFault(f"assume.{name}", f.message) for f in faults]
    if errors:
        raise FamilyErrors(errors)
    return found
