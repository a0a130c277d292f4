"""The graph of values behind an answer: each figure once, with its arithmetic, unit, clause and where it came from.

Nodes are made only when asked for; deciding keeps every value anyway. Branches not taken are folded away, an unknown
result names the leaves that would settle it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

from tuodi.policy.book import ASSUMED
from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, NO_CAP
from tuodi.rules.plan import ProgrammeResult
from tuodi.rules.render import Renderer, format_value
from tuodi.rules.slots import Slot, Val

__all__ = ["Change", "Explanation", "Node", "compare", "explain"]


@dataclass(frozen=True)
class Node:
    """One figure.

    Attributes:
        id: slot key, with the row numbers in brackets below the household.
        value: as printed (yuan, label, 是/否), None when unknown or not happened.
        exact: the figure as a fraction where the printed one is rounded or does not end.
        calc: the formula with the numbers put in, branches not taken left out.
        result: pass, fail or unknown for yes/no values.
        inputs: ids of what it was computed from.
        source: for facts: where it came from (`entered` unless said).
    """

    id: str
    kind: str  # rule test fact parameter
    label: str
    level: str
    row: int | None
    row_name: str
    value: str | None
    exact: str | None
    unit: str
    formula: str
    calc: str
    clause: str
    instrument: str
    place: str
    local: bool
    assumed: bool
    result: str | None
    inputs: tuple[str, ...]
    source: str | None
    note: str = ""
    since: str = ""
    file: str = ""


@dataclass
class Explanation:
    """All nodes of one programme's answer, roots first reached. JSON-able by `to_json`."""

    programme: str
    label: str
    place: str
    case_date: str
    month: str
    outcome: str
    amount_fen: int | None
    missing: tuple[str, ...]
    fingerprint: str
    roots: list[str]
    nodes: dict[str, Node] = field(default_factory=dict)

    @property
    def root(self) -> str | None:
        return self.roots[0] if self.roots else None

    def to_json(self) -> dict[str, Any]:
        body = {k: v for k, v in self.__dict__.items() if k != "nodes"}
        return {
            **body,
            "missing": list(self.missing),
            "root": self.root,
            "nodes": [{**asdict(n), "inputs": list(n.inputs)} for n in self.nodes.values()],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Explanation:
        """An explanation as it was stored with a determination."""
        nodes = {n["id"]: Node(**{**n, "inputs": tuple(n["inputs"])}) for n in body["nodes"]}
        rest = {k: v for k, v in body.items() if k not in ("nodes", "root", "missing")}
        return cls(**rest, missing=tuple(body["missing"]), nodes=nodes)

    def text(self) -> str:
        """An indented tree in which a figure stands once and is referred to by 见上 afterwards."""
        lines: list[str] = []
        shown: set[str] = set()

        def walk(key: str, indent: int) -> None:
            node = self.nodes[key]
            lines.append("  " * indent + node_line(node, again=key in shown))
            if key in shown:
                return
            shown.add(key)
            for child in node.inputs:
                walk(child, indent + 1)

        for root in self.roots:
            walk(root, 0)
        return "\n".join(lines)


def node_line(n: Node, *, again: bool = False) -> str:
    """One line of text for a node."""
    who = f"〔{n.row_name or f'第{n.row + 1}行'}〕" if n.row is not None else ""
    head = f"{n.label}{who}"
    value = n.value if n.value is not None else ("未发生" if n.note == "none" else "未知")
    unit = (
        f" {n.unit}"
        if n.unit not in ("是否", "枚举", "日期", "月份", "数", "", "%") and n.value is not None
        else n.unit
        if n.unit == "%" and n.value is not None
        else ""
    )
    if again:
        return f"{head}：{value}{unit}（见上）"
    tail = f"　〔{n.instrument}〕" if n.instrument else ""
    if n.kind == "fact":
        return f"{head}：{value}{unit}　［{SOURCES.get(n.source or '', n.source)}］"
    if n.kind == "parameter":
        where = f"{n.place}，" if n.place != "cn" else ""
        mark = "　假设" if n.assumed else ""
        return f"{head}：{value}{unit}　（{where}{n.since or '一直'}{'；' + n.note if n.note else ''}）{tail}{mark}"
    exact = f"（准确值 {n.exact}）" if n.exact else ""
    calc = f" ＝ {n.calc}" if n.calc and n.calc != value else ""
    return f"{head}：{value}{unit}{exact}{calc}{tail}{'　假设' if n.assumed else ''}"


SOURCES = {
    "entered": "填报", "register": "核对", "visit": "入户", "finding": "认定", "index": "统计", "ledger": "台账", "prior": "上月结果", "default": "未填，按默认",
}  # fmt: skip


class _Builder:
    def __init__(self, result: ProgrammeResult) -> None:
        self.result, self.model, self.plan, self.inputs = result, result.model, result.plan, result.inputs
        self.book = result.plan.book
        self.nodes: dict[str, Node] = {}
        self.meta = _meta(result)

    # ---- rows
    def rows(self, level: str, path: tuple[int, ...]) -> list[dict[str, Any]]:
        """The row and those above it, nearest first."""
        names: list[str] = []
        at = level
        while at not in (LEVEL_PLACE, LEVEL_ROOT):
            names.append(at)
            at = self.model.levels[at]
        out = [self.inputs.tree]
        if level == LEVEL_PLACE:
            return out
        row = self.inputs.tree["household"]
        out.insert(0, row)
        for name, i in zip(reversed(names), path, strict=False):
            row = row[name][i]
            out.insert(0, row)
        return out

    def value(self, key: str, rows: list[dict[str, Any]]) -> Any:
        for row in rows:
            if key in row:
                return row[key]
        slot = self.model.slots[key]
        if slot.kind == "builtin":
            return self.plan.builtins[slot.name]
        return None

    def number(self, v: Val, rows: list[dict[str, Any]]) -> Any:
        """A referred value: exact canonical number (money in fen), truth value, code, or None."""
        if v.node.key not in self.model.slots:  # type: ignore[attr-defined]
            # settled when the rules were compiled: the least and greatest value are one, or it could not matter
            if v.node.lo != v.node.hi:
                return None
            return bool(v.node.lo) if v.type == "bool" else v.node.lo * v.scale if v.type == "number" else v.node.lo
        raw = self.value(v.node.key, rows)  # type: ignore[attr-defined]
        if raw is None or v.type != "number":
            return raw
        if not v.factors:
            return raw * v.scale
        out = raw * v.scale
        for factor in v.factors:
            part = self.value(factor, rows)
            if part is None:
                return None
            out = out / part
        return out

    # ---- nodes
    def visit(self, key: str, path: tuple[int, ...]) -> str:
        slot = self.model.slots[key]
        depth = max(self.model.depth(slot.level) - 1, 0)
        path = path[:depth]
        ident = key + "".join(f"[{i}]" for i in path)
        if ident in self.nodes:
            return ident
        rows = self.rows(slot.level, path)
        self.nodes[ident] = None  # type: ignore[assignment]  # keeps its place before its inputs
        make = {"fact": self.fact, "param": self.param, "builtin": self.builtin}.get(slot.kind, self.rule)
        self.nodes[ident] = make(ident, slot, path, rows)
        return ident

    def who(self, slot: Slot, path: tuple[int, ...]) -> tuple[int | None, str]:
        return (path[-1], self.inputs.names.get((slot.level, path), "")) if path else (None, "")

    def fact(self, ident: str, slot: Slot, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        fact = self.meta.facts[slot.key]
        row, name = self.who(slot, path)
        raw = self.value(slot.key, rows)
        meta: Mapping[str, Any] = self.inputs.sources.get((slot.level, path, slot.name), {})
        unit = (
            fact.unit.text
            if fact.unit and fact.type in ("money", "number", "ratio")
            else {"bool": "是否", "date": "日期"}.get(fact.type, "")
        )
        value = (
            None
            if raw is None
            else format_value(
                self.book,
                slot.type,
                Fraction(raw) * slot.scale if slot.type == "number" else raw,
                money=fact.type == "money",
                dims=slot.dims,
            )
        )
        note = "、".join(str(meta[k]) for k in ("date", "evidence") if meta.get(k)) or (
            "none" if raw is None and fact.missing == "none" else ""
        )
        truth = (
            ("unknown" if raw is None else "pass" if raw else "fail")
            if slot.type == "bool"
            else "unknown"
            if raw is None and fact.missing != "none"
            else None
        )
        return Node(
            ident, "fact", fact.label, slot.level, row, name, value, None, unit, "", "", "", "", "", False, False, truth, (),
            str(meta.get("source") or fact.source), note,
        )  # fmt: skip

    def builtin(self, ident: str, slot: Slot, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        labels = {"case_date": "决定日期", "month_no": "发放月份", "month_start": "当月首日", "month_end": "当月末日"}
        value = format_value(self.book, slot.type, self.value(slot.key, rows), dims=slot.dims)
        return Node(
            ident,
            "fact",
            labels[slot.name],
            LEVEL_PLACE,
            None,
            "",
            value,
            None,
            "",
            "",
            "",
            "",
            "",
            "",
            False,
            False,
            None,
            (),
            "index",
        )

    def param(self, ident: str, slot: Slot, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        param = self.book.params[slot.name]
        names: list[str] = []
        inputs: list[str] = []
        for key, enum in zip(slot.keys, param.by, strict=True):
            code = int(key[1:]) if key.startswith("=") else self.value(key, rows)
            names.append(self.book.enums[enum].value(code) if code else "")
            if not key.startswith("=") and self.model.slots[key].kind in ("fact", "rule", "param"):
                inputs.append(self.visit(key, path))
        row = self.plan.table(slot.name).get(tuple(names)) if all(names) or not names else None
        value = None
        exact = None
        unit = param.unit_text
        if row is not None and row.value is not None:
            if row.value == NO_CAP:
                value, unit = "无上限", ""
            else:
                value = format_value(
                    self.book, "number", row.value, money=bool(param.unit and param.unit.money), dims=(("x", 1),)
                )
                if row.unit and row.unit != param.unit_text:
                    exact = f"{row.printed} {row.unit}"
        number, name = self.who(slot, path)
        label = param.label + (
            f"（{'、'.join(self.book.enums[e].values[n] for e, n in zip(param.by, names, strict=True) if n)}）"
            if any(names)
            else ""
        )
        clause = row.clause if row else ""
        place = row.place if row else param.place
        assumed = bool(row and (row.assumed or place == ASSUMED))
        note = (row.quote or row.note) if row else "来源没有给出，需补值"
        since = "" if row is None or row.start.year == 1 else f"自 {row.start}"
        where = f"{row.where.file}:{row.where.line}" if row else f"{param.where.file}:{param.where.line}"
        return Node(
            ident, "parameter", label, slot.level, number, name, value, exact, unit, "", "", clause, self.cite(clause), "假设" if place == ASSUMED else place,
            place not in ("cn", ASSUMED), assumed, "unknown" if value is None else None, tuple(inputs), None, note, since, where,
        )  # fmt: skip

    def cite(self, clause: str) -> str:
        if clause not in self.meta.clauses:
            self.meta.clauses[clause] = self.book.clause(clause).text if clause else ""
        return self.meta.clauses[clause]

    def rule(self, ident: str, slot: Slot, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        text = slot.text
        raw = self.value(slot.key, rows)
        renderer = Renderer(self.book, self.plan, slot, lambda v: self.number(v, rows), self.meta.texts)
        calc = renderer.calc() if slot.tree is not None else ""
        inputs: list[str] = []
        for source in renderer.used:
            inputs += self.input_of(slot.refs[source], path)
        value = exact = None
        money = False
        if raw is not None and slot.type == "number":
            number = Fraction(raw) * slot.scale
            for factor in slot.factors:
                part = self.value(factor, rows)
                number = number / part if part else number
            money = dict(slot.dims).get("元") == 1
            value = format_value(self.book, "number", number, money=money, dims=slot.dims)
            if money and number.denominator != 1:
                exact = f"{number / 100} 元"
            elif (
                text is not None
                and text.role == "payable"
                and renderer.before is not None
                and renderer.before != number
            ):
                exact = f"{renderer.before / 100} 元，取整后 {value}"
        elif raw is not None:
            value = format_value(self.book, slot.type, raw, dims=slot.dims)
        if text is None:  # a hidden intermediate that a rule refers to directly
            return Node(
                ident,
                "rule",
                "中间数",
                slot.level,
                *self.who(slot, path),
                value,
                exact,
                "",
                "",
                calc,
                "",
                "",
                "",
                False,
                False,
                None,
                tuple(inputs),
                None,
            )
        truth = (
            ("unknown" if raw is None else "pass" if raw else "fail")
            if slot.type == "bool"
            else "unknown"
            if raw is None
            else None
        )
        clause = text.clause
        number_row, name = self.who(slot, path)
        return Node(
            ident, "test" if text.role == "test" else "rule", text.label, slot.level, number_row, name, value, exact, text.unit_text, text.formula, calc,
            clause, self.cite(clause), text.place, text.place != "cn", self.book.clause_assumed(clause), truth, tuple(dict.fromkeys(inputs)), None,
            text.reason if text.role == "test" and raw is False else "", "" if text.start.year == 1 else f"自 {text.start}", f"{text.where.file}:{text.where.line}",
        )  # fmt: skip

    def input_of(self, v: Val, path: tuple[int, ...]) -> list[str]:
        if v.node.key not in self.model.slots:  # type: ignore[attr-defined]
            return []  # settled when the rules were compiled: a constant here
        slot = self.model.slots[v.node.key]  # type: ignore[attr-defined]
        if slot.kind == "hidden":
            return [i for d in slot.deps for i in self.input_of(Val("", _Key(d)), path)]  # type: ignore[arg-type]
        if slot.kind != "agg":
            return [self.visit(slot.key, path)]
        depth = max(self.model.depth(slot.level) - 1, 0)
        rows = self.rows(slot.level, path[:depth])
        out: list[str] = []
        for i in range(len(rows[0].get(slot.child_level, []))):
            here = (*path[:depth], i)
            renderer = Renderer(
                self.book,
                self.plan,
                slot,
                lambda x, h=here, s=slot: self.number(x, self.rows(s.child_level, h)),
                self.meta.texts,
            )  # type: ignore[misc]
            renderer.calc()
            for source in renderer.used:
                out += self.input_of(slot.refs[source], here)
        return out


@dataclass(frozen=True)
class _Key:
    key: str


@dataclass
class _Meta:
    facts: dict[str, Any]
    clauses: dict[str, str]
    texts: dict[Any, str]


def _meta(result: ProgrammeResult) -> _Meta:
    """Things that are the same for every family of a model."""
    found = result.model.compiled.get("meta")
    if not isinstance(found, _Meta):
        found = _Meta({f.key: f for f in result.plan.book.draft.facts}, {}, {})
        result.model.compiled["meta"] = found
    return found


def explain(result: ProgrammeResult) -> Explanation:
    """The explanation of one programme's answer. An answer without values (a required fact is missing) has no nodes."""
    plan, model = result.plan, result.model
    out = Explanation(
        result.programme, result.label, plan.place, plan.case_date.isoformat(), str(plan.month), result.outcome, result.amount_fen,
        result.missing, result.fingerprint, [],
    )  # fmt: skip
    if result.absent:
        return out
    builder = _Builder(result)
    p = plan.book.programmes[result.programme]
    for row in result.rows:
        path = () if row.row is None else (row.row,)
        heads = (
            [p.amount, p.eligible, *p.tests, p.start]
            if row.outcome == "pass" and p.amount
            else [p.eligible, *p.tests, p.amount]
        )
        for name in heads:
            if name in model.slots:
                ident = builder.visit(name, path)
                if ident not in out.roots and not any(
                    ident in n.inputs for n in builder.nodes.values() if n is not None
                ):
                    out.roots.append(ident)
    inner = {i for n in builder.nodes.values() for i in n.inputs}
    out.roots = [r for r in out.roots if r not in inner] or out.roots[:1]
    out.nodes = builder.nodes
    return out


@dataclass(frozen=True)
class Change:
    """One figure that differs between two explanations; `leaf` when none of its inputs explains it."""

    id: str
    label: str
    before: str | None
    after: str | None
    unit: str
    leaf: bool


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What changed between two explanations (`to_json` form) of one family, by name: causes first, then what follows from them."""
    a = {n["id"]: n for n in before["nodes"]}
    b = {n["id"]: n for n in after["nodes"]}
    changed = {k for k in {*a, *b} if (a.get(k) or {}).get("value") != (b.get(k) or {}).get("value")}
    out = []
    for key in [*b, *(k for k in a if k not in b)]:
        if key not in changed:
            continue
        node = b.get(key) or a[key]
        leaf = not any(i in changed for i in node["inputs"])
        out.append(
            Change(
                key, node["label"], (a.get(key) or {}).get("value"), (b.get(key) or {}).get("value"), node["unit"], leaf
            )
        )
    return sorted(out, key=lambda c: not c.leaf)
