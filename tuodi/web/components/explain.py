"""From an Explanation (a graph of nodes, JSON) to table rows: each node once, then 「见上」.

The rules room says what was computed; this module only chooses the order and the words of the page. A group is a
direct input of the result; below it the inputs of the inputs, members one by one; the result itself comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuodi.web.components import places, words
from tuodi.web.components.words import Look

#: Deeper levels are indented no further, or a phone has no room left for the words.
DEEPEST = 4
#: Lines above this depth may start open.
OPEN_DEPTH = 3
#: 是 且 家庭财产符合规定＝否: says nothing that the lines below do not say better.
_BARE_LOGIC = re.compile(r"(?:不是)?[（(]*(?:[^＝≠＜＞≤≥×÷＋]*＝)?(?:是|否|未知)[）)]*")
_JOINT = re.compile(r"\s+[且或]\s+")


@dataclass
class Row:
    """One line of the explanation table.

    Attributes:
        anchor: element id; lines that refer back link to it.
        depth: 0 for a group, more below it.
        css: "group", "total" or "".
        label: what it is; `who`: the member, where the line is about one.
        calc: the arithmetic with the real numbers; `formula`: the rule's own text, for hovering readers.
        value, unit: the result as shown; empty when `look` says it.
        look: pass, fail or unknown as a tag.
        again: anchor of the first showing; the line then holds no more than 「见上」.
        controls: anchors of the lines folded under this one.
    """

    anchor: str
    depth: int
    css: str
    label: str
    who: str = ""
    calc: str = ""
    formula: str = ""
    value: str = ""
    unit: str = ""
    look: Look | None = None
    clause: str = ""
    clause_title: str = ""
    local: bool = False
    assumed: bool = False
    source: str = ""
    again: str = ""
    controls: list[str] = field(default_factory=list)
    open: bool = True

    @property
    def controls_text(self) -> str:
        """The anchors of the folded lines for `aria-controls`."""
        return " ".join(self.controls)


@dataclass
class Programme:
    """One programme's explanation made ready for the page."""

    code: str
    label: str
    outcome: Look
    outcome_code: str
    amount_fen: int | None
    rows: list[Row]
    total: Row | None
    unknown: list[str]
    failed: list[str]
    assumed: bool


def programme(data: Mapping[str, Any], members: Sequence[str] = (), prefix: str = "") -> Programme:
    """Lay out one programme.

    Args:
        data: the Explanation as JSON; see the rules room.
        members: names by row number, to label member-level lines.
        prefix: makes anchors unique when several programmes stand on one page.
    """
    layout = _Layout(data, members, prefix or str(data.get("programme", "")))
    rows, total = layout.lay_out()
    nodes = data.get("nodes") or []
    tests = [node for node in nodes if node.get("kind") == "test"]
    return Programme(
        code=str(data.get("programme", "")),
        label=str(data.get("label") or data.get("programme") or ""),
        outcome=words.state(data.get("outcome"), "outcome"),
        outcome_code=str(data.get("outcome") or "unknown"),
        amount_fen=data.get("amount_fen"),
        rows=rows,
        total=total,
        unknown=[str(label) for label in data.get("missing") or ()]
        or _labels(node for node in nodes if node.get("kind") == "fact" and node.get("result") == "unknown"),
        failed=_labels(node for node in tests if node.get("result") == "fail"),
        assumed=any(node.get("assumed") for node in nodes),
    )


def _labels(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(node.get("label") or node.get("id")) for node in nodes))


class _Layout:
    """Walks the graph once from the roots, depth first, in the order of the inputs."""

    def __init__(self, data: Mapping[str, Any], members: Sequence[str], prefix: str) -> None:
        self.members = members
        self.prefix = prefix
        self.amount_fen = data.get("amount_fen")
        self.roots = [str(root) for root in data.get("roots") or [data.get("root")]]
        self.by_id: dict[str, list[Mapping[str, Any]]] = {}
        for node in data.get("nodes") or []:
            self.by_id.setdefault(str(node["id"]), []).append(node)
        self.seen: dict[tuple[str, Any], str] = {}
        self.serial = 0
        self.rows: list[Row] = []

    def lay_out(self) -> tuple[list[Row], Row | None]:
        """The lines above the result, and the result.

        A household's result is the first root; where each member has a result of his own, they are groups and the
        sum is the result. Further roots (whether entitled, from when) are groups unless already shown.
        """
        tops = [node for root in self.roots for node in self.by_id.get(root, [])]
        if not tops:
            return [], None
        first = tops[0]
        if first.get("row") is not None:
            for top in tops:
                self._visit(top, 0)
            return self.rows, self._sum()
        anchor = self._anchor()
        self.seen[_key(first)] = anchor
        for child in self._inputs(first):
            self._visit(child, 0)
        for top in tops[1:]:
            if _key(top) not in self.seen:
                self._visit(top, 0)
        total = self._row(first, 0, anchor)
        total.css = "total"
        return self.rows, total

    def _sum(self) -> Row:
        """The sum over members; unknown while one of them is."""
        total = Row(anchor=self._anchor(), depth=0, css="total", label="合计")
        if self.amount_fen is None:
            total.look = words.state("unknown")
        else:
            total.value, total.unit = words.yuan(self.amount_fen), "元/月"
        return total

    def _anchor(self) -> str:
        self.serial += 1
        return f"n-{self.prefix}-{self.serial}"

    def _inputs(self, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The nodes this one was computed from; a member's line takes the same member's inputs."""
        found: list[Mapping[str, Any]] = []
        for name in node.get("inputs") or []:
            candidates = self.by_id.get(str(name), [])
            row = node.get("row")
            same = [one for one in candidates if one.get("row") == row] if row is not None else []
            found.extend(same or candidates)
        return found

    def _visit(self, node: Mapping[str, Any], depth: int) -> str:
        anchor = self._anchor()
        key = _key(node)
        row = self._row(node, depth, anchor)
        self.rows.append(row)
        if key in self.seen:
            row.again = self.seen[key]
            row.calc = row.formula = row.source = ""
            return anchor
        self.seen[key] = anchor
        inputs = self._inputs(node)
        row.controls = [self._visit(child, depth + 1) for child in inputs]
        row.open = depth < OPEN_DEPTH and _worth_opening(node, inputs)
        return anchor

    def _row(self, node: Mapping[str, Any], depth: int, anchor: str) -> Row:
        kind, result = node.get("kind"), node.get("result")
        value, unit = words.value(node.get("value"), node.get("unit"))
        if node.get("value") is None and node.get("note") == "none":
            value, result = "未发生", None
        look = words.state(result) if result == "unknown" or (result and kind in {"test", "rule"}) else None
        if look is None and node.get("value") is None and value == words.DASH and kind == "fact":
            look = words.state("unknown")
        clause = str(node.get("instrument") or node.get("clause") or "")
        assumed = bool(node.get("assumed"))
        return Row(
            anchor=anchor,
            depth=min(depth, DEEPEST),
            css="group" if depth == 0 else "",
            label=str(node.get("label") or node["id"]),
            who=str(node.get("row_name") or "") or self._who(node.get("row")),
            calc=_arithmetic(node),
            formula=str(node.get("formula") or ""),
            value="" if look else value,
            unit="" if look else unit,
            look=look,
            clause=clause or ("假设" if assumed else ""),
            clause_title=clause,
            local=bool(node.get("local")),
            assumed=assumed,
            source=str(node.get("source") or "") if kind == "fact" else "",
        )

    def _who(self, row: Any) -> str:
        if row is None:
            return ""
        if isinstance(row, int) and 0 <= row < len(self.members):
            return self.members[row]
        return f"第 {row + 1} 人" if isinstance(row, int) else str(row)


def _key(node: Mapping[str, Any]) -> tuple[str, Any]:
    return (str(node["id"]), node.get("row"))


def _arithmetic(node: Mapping[str, Any]) -> str:
    """The line of arithmetic; for a parameter where and since when; for a failed condition its reason."""
    if node.get("kind") == "parameter":
        where = places.name(str(node.get("place") or "")) if node.get("place") else ""
        since = str(node.get("since") or "")
        return words.calc(node.get("calc")) or "，".join(part for part in (where, since) if part)
    if node.get("result") == "fail" and node.get("kind") == "test" and node.get("note"):
        return str(node["note"])
    text = words.calc(node.get("calc"))
    if text == node.get("value") or all(_BARE_LOGIC.fullmatch(part) for part in _JOINT.split(text)):
        return ""
    return text


def _worth_opening(node: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> bool:
    """Open what decided: amounts that are not zero, conditions that failed or lack a fact, lists of conditions."""
    result = node.get("result")
    if result in {"fail", "unknown"}:
        return True
    if result == "pass":
        return any(one.get("kind") == "test" for one in inputs)
    return str(node.get("value") or "0").strip("0.") != ""
