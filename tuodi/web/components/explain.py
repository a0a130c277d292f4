"""From an Explanation (a graph of nodes, JSON) to table rows: each node once, then 「见上」.

The rules room says what was computed; this module only chooses the order and the words of the page. A group is a
direct input of the result; below it the inputs of the inputs, members one by one; the result itself comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuodi.web.components import words
from tuodi.web.components.words import Look

#: Deeper levels are indented no further, or a phone has no room left for the words.
DEEPEST = 4
_OPEN_TO = 0


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
        unknown=_labels(node for node in nodes if node.get("kind") == "fact" and node.get("result") == "unknown"),
        failed=_labels(node for node in tests if node.get("result") == "fail"),
        assumed=any(node.get("assumed") for node in nodes),
    )


def _labels(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(node.get("label") or node.get("id")) for node in nodes))


class _Layout:
    """Walks the graph once from the root, depth first, in the order of the inputs."""

    def __init__(self, data: Mapping[str, Any], members: Sequence[str], prefix: str) -> None:
        self.members = members
        self.prefix = prefix
        self.root = data.get("root")
        self.by_id: dict[str, list[Mapping[str, Any]]] = {}
        for node in data.get("nodes") or []:
            self.by_id.setdefault(str(node["id"]), []).append(node)
        self.seen: dict[tuple[str, Any], str] = {}
        self.serial = 0
        self.rows: list[Row] = []

    def lay_out(self) -> tuple[list[Row], Row | None]:
        """The lines above the result, and the result."""
        tops = self.by_id.get(str(self.root)) or []
        if not tops:
            return [], None
        top = tops[0]
        self.seen[(str(top["id"]), top.get("row"))] = self._anchor()
        for child in self._inputs(top):
            self._visit(child, 0)
        total = self._row(top, 0, self.seen[(str(top["id"]), top.get("row"))])
        total.css = "total"
        return self.rows, total

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
        key = (str(node["id"]), node.get("row"))
        anchor = self._anchor()
        if key in self.seen:
            row = self._row(node, depth, anchor)
            row.again = self.seen[key]
            row.calc = row.formula = ""
            self.rows.append(row)
            return anchor
        self.seen[key] = anchor
        row = self._row(node, depth, anchor)
        self.rows.append(row)
        row.controls = [self._visit(child, depth + 1) for child in self._inputs(node)]
        row.open = depth <= _OPEN_TO and len(row.controls) <= 8
        return anchor

    def _row(self, node: Mapping[str, Any], depth: int, anchor: str) -> Row:
        value, unit = words.value(node.get("value"), node.get("unit"))
        result = node.get("result")
        is_test = node.get("kind") == "test"
        look = words.state(result) if is_test or result == "unknown" else None
        clause = str(node.get("instrument") or node.get("clause") or "")
        assumed = bool(node.get("assumed"))
        return Row(
            anchor=anchor,
            depth=min(depth, DEEPEST),
            css="group" if depth == 0 else "",
            label=str(node.get("label") or node["id"]),
            who=self._who(node.get("row")),
            calc=words.calc(node.get("calc")),
            formula=str(node.get("formula") or ""),
            value="" if look else value,
            unit="" if look else unit,
            look=look,
            clause=clause or ("假设" if assumed else ""),
            clause_title="；".join(part for part in (clause, str(node.get("place_name") or "")) if part),
            local=bool(node.get("local")),
            assumed=assumed,
            source=str(node.get("source") or "") if node.get("kind") == "fact" else "",
        )

    def _who(self, row: Any) -> str:
        if row is None:
            return ""
        if isinstance(row, int) and 0 <= row < len(self.members):
            return self.members[row]
        return f"第 {row + 1} 人" if isinstance(row, int) else str(row)
