"""What differs between two sets of packs: values, wordings, words, programmes. Order of files and lines does not matter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.model import EVER, FOREVER, ParamValue, RuleText

__all__ = ["diff_books"]


def _span(start: date, end: date) -> str:
    left = "" if start == EVER else f"自 {start}"
    right = "" if end == FOREVER else f"至 {end}"
    return f"{left}{right}" or "一直"


def _values(rows: Iterable[ParamValue]) -> dict[Any, ParamValue]:
    return {(r.place, r.keys, r.start, r.end): r for r in rows}


def _value(row: ParamValue) -> str:
    return f"{row.printed} {row.unit}（{row.clause or '无条款'}）"


def _key(row: ParamValue) -> str:
    keys = "、".join(k for k in row.keys if k)
    return f"{row.place}{' ' + keys if keys else ''} {_span(row.start, row.end)}"


def _texts(rows: Iterable[RuleText]) -> dict[Any, RuleText]:
    return {(t.place, t.start, t.end): t for t in rows}


def diff_books(old: Book, new: Book) -> list[str]:
    """One Chinese line a difference, sorted by kind and name: ＋ added, － removed, ～ changed."""
    lines: list[str] = []
    for name in sorted({*old.params, *new.params}):
        a, b = old.params.get(name), new.params.get(name)
        label = (b or a).label  # type: ignore[union-attr]
        if a is None or b is None:
            lines.append(f"{'＋' if a is None else '－'} 参数 {name}（{label}）")
        elif (a.unit_text, a.by, a.label, a.of, a.ends) != (b.unit_text, b.by, b.label, b.of, b.ends):
            lines.append(
                f"～ 参数 {name}（{label}）的声明：{a.label} {a.unit_text} {a.by} → {b.label} {b.unit_text} {b.by}"
            )
        x, y = _values(old.draft.values.get(name, ())), _values(new.draft.values.get(name, ()))
        for key in sorted({*x, *y}, key=str):
            if key not in x:
                lines.append(f"＋ 值 {name}（{label}）{_key(y[key])}：{_value(y[key])}")
            elif key not in y:
                lines.append(f"－ 值 {name}（{label}）{_key(x[key])}：{_value(x[key])}")
            elif (x[key].value, x[key].clause) != (y[key].value, y[key].clause):
                lines.append(f"～ 值 {name}（{label}）{_key(y[key])}：{_value(x[key])} → {_value(y[key])}")
    for name in sorted({*old.draft.rules, *new.draft.rules}):
        p, q = _texts(old.draft.rules.get(name, ())), _texts(new.draft.rules.get(name, ()))
        for key in sorted({*p, *q}, key=str):
            place, start, end = key
            where = f"规则 {name} {place} {_span(start, end)}"
            if key not in p:
                lines.append(f"＋ {where}：{q[key].formula}（{q[key].clause}）")
            elif key not in q:
                lines.append(f"－ {where}：{p[key].formula}（{p[key].clause}）")
            elif (p[key].formula, p[key].clause, p[key].role, p[key].unit_text) != (
                q[key].formula,
                q[key].clause,
                q[key].role,
                q[key].unit_text,
            ):
                lines.append(f"～ {where}：{p[key].formula}（{p[key].clause}） → {q[key].formula}（{q[key].clause}）")
    for code in sorted({*old.draft.clues, *new.draft.clues}):
        c, d = ({(t.place, t.start, t.end): t for t in b.draft.clues.get(code, ())} for b in (old, new))
        for key in sorted({*c, *d}, key=str):
            where = f"线索规则 {code} {key[0]} {_span(key[1], key[2])}"
            if key not in c or key not in d:
                lines.append(f"{'＋' if key not in c else '－'} {where}")
                continue
            before, after = c[key].given, d[key].given
            changed = [k for k in sorted({*before, *after}) if before.get(k) != after.get(k)]
            if changed:
                lines.append(f"～ {where}：{'、'.join(changed)}")
    for title, left, right in (
        ("项目", old.programmes, new.programmes), ("文件", old.instruments, new.instruments), ("枚举", old.enums, new.enums),
    ):  # fmt: skip
        for name in sorted({*left, *right}):
            m, n = left.get(name), right.get(name)
            if m is None or n is None:
                lines.append(
                    f"{'＋' if m is None else '－'} {title} {name}（{(n or m).__dict__.get('label') or (n or m).__dict__.get('title')}）"
                )
            elif {k: v for k, v in m.__dict__.items() if k != "where"} != {
                k: v for k, v in n.__dict__.items() if k != "where"
            }:
                lines.append(f"～ {title} {name}")
    facts = [{(f.key, f.place): f for f in book.draft.facts} for book in (old, new)]
    for key in sorted({*facts[0], *facts[1]}):
        f, g = facts[0].get(key), facts[1].get(key)
        if f is None or g is None:
            lines.append(f"{'＋' if f is None else '－'} 事实 {key[0]}（{(g or f).label}）{key[1]}")  # type: ignore[union-attr]
        elif (f.type, f.unit, f.missing, f.lo, f.hi, f.label) != (g.type, g.unit, g.missing, g.lo, g.hi, g.label):
            lines.append(f"～ 事实 {key[0]}（{g.label}）")
    return lines
