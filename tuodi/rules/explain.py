"""The graph of values behind an answer: each figure once, with its arithmetic, unit, clause and where it came from.

Nodes are made only when asked for; deciding keeps every value anyway. Branches not taken are folded away, an unknown
result names the leaves that would settle it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any

from tuodi.policy.book import ASSUMED
from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, NO_CAP, Fact
from tuodi.rules.plan import ProgrammeResult
from tuodi.rules.render import Calc, Row
from tuodi.rules.shown import format_value, formatter
from tuodi.rules.slots import Slot

__all__ = ["Change", "Explanation", "Node", "compare", "explain", "explain_rules"]


@dataclass(slots=True)
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


_NODE_KEYS = tuple(f.name for f in fields(Node))


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
            "nodes": [
                {**{k: getattr(n, k) for k in _NODE_KEYS}, "inputs": list(n.inputs)} for n in self.nodes.values()
            ],
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


_NO_UNIT = frozenset(("是否", "枚举", "日期", "月份", "数", ""))


def node_line(n: Node, *, again: bool = False) -> str:
    """One line of text for a node."""
    if n.row is None:
        head = n.label
    else:
        head = f"{n.label}〔{n.row_name or f'第{n.row + 1}行'}〕"
    value, unit = n.value, n.unit
    if value is None:
        head += "：未发生" if n.note == "none" else "：未知"
    elif unit in _NO_UNIT:
        head = f"{head}：{value}"
    elif unit == "%":
        head = f"{head}：{value}%"
    else:
        head = f"{head}：{value} {unit}"
    if again:
        return f"{head}（见上）"
    if n.kind == "fact":
        return f"{head}　［{SOURCES.get(n.source or '', n.source)}］"
    tail = f"　〔{n.instrument}〕" if n.instrument else ""
    if n.assumed:
        tail += "　假设"
    if n.kind == "parameter":
        where = f"{n.place}，" if n.place != "cn" else ""
        return f"{head}　（{where}{n.since or '一直'}{'；' + n.note if n.note else ''}）{tail}"
    exact = f"（准确值 {n.exact}）" if n.exact else ""
    shown = value if value is not None else "未知"
    calc = f" ＝ {n.calc}" if n.calc and n.calc != shown else ""
    return f"{head}{exact}{calc}{tail}"


SOURCES = {
    "entered": "填报", "declared": "网上申报", "register": "核对", "visit": "入户", "finding": "认定", "index": "统计", "ledger": "台账", "prior": "上月结果", "default": "未填，按默认",
}  # fmt: skip


class _Builder:
    def __init__(self, result: ProgrammeResult) -> None:
        self.result, self.model, self.plan, self.inputs = result, result.model, result.plan, result.inputs
        self.book = result.plan.book
        self.builtins = result.plan.builtins
        self.nodes: dict[str, Node] = {}
        self.meta = _meta(result)
        self.views = self.meta.views
        self.seen_rows: dict[tuple[str, tuple[int, ...]], list[dict[str, Any]]] = {}
        self.seen_sums: dict[tuple[str, tuple[int, ...]], dict[str, None]] = {}

    # ---- rows
    def rows(self, level: str, path: tuple[int, ...]) -> list[dict[str, Any]]:
        """The row and those above it, nearest first."""
        found = self.seen_rows.get((level, path))
        if found is not None:
            return found
        names: list[str] = []
        at = level
        while at not in (LEVEL_PLACE, LEVEL_ROOT):
            names.append(at)
            at = self.model.levels[at]
        out = [self.inputs.tree]
        if level != LEVEL_PLACE:
            row = self.inputs.tree["household"]
            out.insert(0, row)
            for name, i in zip(reversed(names), path, strict=False):
                row = row[name][i]
                out.insert(0, row)
        self.seen_rows[level, path] = out
        return out

    def value(self, key: str, rows: list[dict[str, Any]]) -> Any:
        for row in rows:
            if key in row:
                return row[key]
        slot = self.model.slots[key]
        return self.builtins[slot.name] if slot.kind == "builtin" else None

    # ---- nodes
    def visit(self, key: str, path: tuple[int, ...]) -> str:
        view = self.views.get(key)
        if view is None:
            view = self.views[key] = _view(self.result, self.model.slots[key])
        if path:
            path = path[: view.depth]
            ident = key + "".join([f"[{i}]" for i in path])
        else:
            ident = key
        if ident not in self.nodes:
            self.nodes[ident] = None  # type: ignore[assignment]  # keeps its place before its inputs
            self.nodes[ident] = view.make(self, ident, view, path, self.rows(view.slot.level, path))
        return ident

    def who(self, slot: Slot, path: tuple[int, ...]) -> tuple[int | None, str]:
        return (path[-1], self.inputs.names.get((slot.level, path), "")) if path else (None, "")

    def fact(self, ident: str, view: _View, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        slot, fact = view.slot, view.fact
        assert fact is not None
        row, name = self.who(slot, path)
        raw = rows[0].get(slot.key)
        meta = self.inputs.sources.get((slot.level, path, slot.name)) if self.inputs.sources else None
        note, source = "", fact.source
        if meta is not None:
            note, source = (
                "、".join(str(meta[k]) for k in ("date", "evidence") if meta.get(k)),
                meta.get("source") or source,
            )
        if raw is None:
            value, truth = None, None if fact.missing == "none" and slot.type != "bool" else "unknown"
            note = note or ("none" if fact.missing == "none" else "")
        else:
            value = view.write(raw * slot.scale if view.numeric and slot.scale != 1 else raw)
            truth = ("pass" if raw else "fail") if slot.type == "bool" else None
        return Node(
            ident, "fact", fact.label, slot.level, row, name, value, None, view.unit, "", "", "", "", "", False, False, truth,
            (), str(source), note,
        )  # fmt: skip

    def builtin(self, ident: str, view: _View, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        labels = {"case_date": "决定日期", "month_no": "发放月份", "month_start": "当月首日", "month_end": "当月末日"}
        return Node(
            ident, "fact", labels[view.slot.name], LEVEL_PLACE, None, "", view.write(self.builtins[view.slot.name]), None, "", "",
            "", "", "", "", False, False, None, (), "index",
        )  # fmt: skip

    def param(self, ident: str, view: _View, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        slot = view.slot
        param = self.book.params[slot.name]
        names: list[str] = []
        inputs: list[str] = []
        for key, enum in zip(slot.keys, param.by, strict=True):
            code = int(key[1:]) if key.startswith("=") else self.value(key, rows)
            names.append(self.book.enums[enum].value(code) if code else "")
            if not key.startswith("=") and self.model.slots[key].kind in ("fact", "rule", "param"):
                inputs.append(self.visit(key, path))
        seen = (id(self.model), ident, tuple(names))
        if not path and seen in self.plan.shown:
            known: Node = self.plan.shown[seen]  # the same for every family of the place
            return known
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
        node = Node(
            ident, "parameter", label, slot.level, number, name, value, exact, unit, "", "", clause, self.cite(clause), "假设" if place == ASSUMED else place,
            place not in ("cn", ASSUMED), assumed, "unknown" if value is None else None, tuple(inputs), None, note, since, where,
        )  # fmt: skip
        if not path:
            self.plan.shown[seen] = node
        return node

    def cite(self, clause: str) -> str:
        if clause not in self.meta.clauses:
            self.meta.clauses[clause] = self.book.clause(clause).text if clause else ""
        return self.meta.clauses[clause]

    def rule(self, ident: str, view: _View, path: tuple[int, ...], rows: list[dict[str, Any]]) -> Node:
        slot, calc = view.slot, view.calc
        raw = rows[0].get(slot.key)
        row = Row(calc, rows, self.builtins)
        line = calc.show(row)
        inputs = self.taken(calc, row, path)
        value = exact = None
        if raw is not None:
            number_ = raw
            if view.numeric:
                number_ = raw if slot.scale == 1 else raw * slot.scale
                for factor in slot.factors:
                    part = self.value(factor, rows)
                    number_ = Fraction(number_) / part if part else number_
            value = view.write(number_)
            if view.money and number_.denominator != 1:
                exact = f"{number_ / 100} 元"
            elif view.payable and row.before is not None and row.before != number_:
                exact = f"{Fraction(row.before) / 100} 元，取整后 {value}"
        who, name = self.who(slot, path)
        text = slot.text
        truth = ("unknown" if raw is None else "pass" if raw else "fail") if slot.type == "bool" else None
        if text is None:  # a hidden intermediate that a rule refers to directly
            return Node(
                ident, "rule", "中间数", slot.level, who, name, value, exact, "", "", line, "", "", "", False, False, None,
                tuple(inputs), None,
            )  # fmt: skip
        if raw is None:
            truth = "unknown"
        return Node(
            ident, view.kind, text.label, slot.level, who, name, value, exact, text.unit_text, text.formula, line, text.clause,
            view.instrument, text.place, text.place != "cn", view.assumed, truth, tuple(inputs), None,
            text.reason if raw is False and view.kind == "test" else "", view.since, view.file,
        )  # fmt: skip

    def taken(self, calc: Calc, row: Row, path: tuple[int, ...]) -> dict[str, None]:
        """Ids of what took part in a row's arithmetic, in order, each once."""
        out: dict[str, None] = {}
        for number in row.used:
            for key, is_sum in calc.sources[number]:
                if is_sum:
                    out.update(self.summed(key, path))
                else:
                    out[self.visit(key, path)] = None
        return out

    def summed(self, key: str, path: tuple[int, ...]) -> dict[str, None]:
        """Ids of what an aggregate's rows rest on."""
        slot = self.model.slots[key]
        above = path[: max(self.model.depth(slot.level) - 1, 0)]
        out = self.seen_sums.get((key, above))
        if out is None:
            out = self.seen_sums[key, above] = {}
            view = self.views.get(key)
            if view is None:
                view = self.views[key] = _view(self.result, slot)
            for i in range(len(self.rows(slot.level, above)[0].get(slot.child_level, []))):
                here = (*above, i)
                row = Row(view.calc, self.rows(slot.child_level, here), self.builtins)
                view.calc.show(row)
                out.update(self.taken(view.calc, row, here))
        return out


@dataclass(frozen=True, slots=True)
class _View:
    """What is the same for every family about one slot."""

    slot: Slot
    make: Any
    fact: Fact | None
    unit: str
    depth: int
    calc: Calc
    write: Any
    numeric: bool
    money: bool
    payable: bool
    kind: str
    instrument: str
    assumed: bool
    since: str
    file: str


@dataclass
class _Meta:
    facts: dict[str, Fact]
    clauses: dict[str, str]
    views: dict[str, _View]


def _meta(result: ProgrammeResult) -> _Meta:
    """Things that are the same for every family of a model."""
    found = result.model.compiled.get("meta")
    if not isinstance(found, _Meta):
        found = _Meta({f.key: f for f in result.plan.book.draft.facts}, {}, {})
        result.model.compiled["meta"] = found
    return found


def _view(result: ProgrammeResult, slot: Slot) -> _View:
    book, model, text = result.plan.book, result.model, slot.text
    numeric = slot.type == "number"
    money = numeric and dict(slot.dims).get("元") == 1
    clause = text.clause if text is not None else ""
    fact = _meta(result).facts.get(slot.key) if slot.kind == "fact" else None
    unit = ""
    if fact is not None:
        worded = {"bool": "是否", "date": "日期"}.get(fact.type, "")
        unit = fact.unit.text if fact.unit and fact.type in ("money", "number", "ratio") else worded
        money = fact.type == "money"
    makers = {"fact": _Builder.fact, "param": _Builder.param, "builtin": _Builder.builtin}
    return _View(
        slot, makers.get(slot.kind, _Builder.rule), fact, unit, max(model.depth(slot.level) - 1, 0), Calc(book, model, slot),
        formatter(book, slot.type, money=money, dims=slot.dims), numeric, money, text is not None and text.role == "payable",
        "test" if text is not None and text.role == "test" else "rule", book.clause(clause).text if clause else "",
        book.clause_assumed(clause) if clause else False, "" if text is None or text.start.year == 1 else f"自 {text.start}",
        f"{text.where.file}:{text.where.line}" if text is not None else "",
    )  # fmt: skip


def _opened(result: ProgrammeResult) -> Explanation:
    plan = result.plan
    return Explanation(
        result.programme, result.label, plan.place, plan.case_date.isoformat(), str(plan.month), result.outcome, result.amount_fen,
        result.missing, result.fingerprint, [],
    )  # fmt: skip


def explain_rules(result: ProgrammeResult, names: Sequence[str], path: tuple[int, ...]) -> Explanation:
    """The explanation of single rules on one row (`tuodi.rules.single`); the first is the root, the others stand beside it."""
    out = _opened(result)
    if not result.absent:
        builder = _Builder(result)
        out.roots = list(dict.fromkeys(builder.visit(n, path) for n in names))
        inner = {i for n in builder.nodes.values() for i in n.inputs}
        out.roots = [r for r in out.roots if r not in inner or r == out.roots[0]]
        out.nodes = builder.nodes
    return out


def explain(result: ProgrammeResult) -> Explanation:
    """The explanation of one programme's answer. An answer without values (a required fact is missing) has no nodes."""
    plan, model = result.plan, result.model
    out = _opened(result)
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
                if ident not in out.roots:
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
