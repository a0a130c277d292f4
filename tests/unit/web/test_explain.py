"""The explanation graph becomes lines: each node once, members one by one, unknown never red."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuodi.web.components import explain

SAMPLE = json.loads((Path(explain.__file__).parents[1] / "style_sample.json").read_text(encoding="utf-8"))


@pytest.fixture
def laid_out() -> explain.Programme:
    return explain.programme(SAMPLE["explanation"], SAMPLE["members"])


def graph(*nodes: dict[str, Any], root: str) -> dict[str, Any]:
    return {"programme": "p", "outcome": "pass", "amount_fen": None, "root": root, "nodes": list(nodes)}


def test_result_comes_last_and_its_inputs_are_the_groups(laid_out: explain.Programme) -> None:
    assert laid_out.total is not None
    assert laid_out.total.label == "月保障金额"
    assert [row.label for row in laid_out.rows if row.depth == 0] == [
        "保障标准",
        "共同生活成员",
        "家庭月收入",
        "条件",
        "分类增发",
    ]


def test_node_is_shown_once_and_referred_to_afterwards(laid_out: explain.Programme) -> None:
    incomes = [row for row in laid_out.rows if row.label == "家庭月收入"]
    assert len(incomes) == 2
    assert not incomes[0].again
    assert incomes[1].again == incomes[0].anchor
    assert not incomes[1].calc
    assert not incomes[1].controls


def test_each_member_has_his_own_line(laid_out: explain.Programme) -> None:
    assert [row.who for row in laid_out.rows if row.label == "是否计入"] == ["林桂兰", "周小禾", "周建军"]


def test_member_line_takes_the_same_members_inputs() -> None:
    data = graph(
        {"id": "total", "inputs": ["share"]},
        {"id": "share", "row": 0, "inputs": ["age"]},
        {"id": "share", "row": 1, "inputs": ["age"]},
        {"id": "age", "row": 0, "value": "70", "inputs": []},
        {"id": "age", "row": 1, "value": "8", "inputs": []},
        root="total",
    )
    rows = explain.programme(data, ["甲", "乙"]).rows
    assert [(row.label, row.who, row.value) for row in rows] == [
        ("share", "甲", "—"),
        ("age", "甲", "70"),
        ("share", "乙", "—"),
        ("age", "乙", "8"),
    ]


def test_unknown_is_a_dashed_word_and_never_a_value(laid_out: explain.Programme) -> None:
    unknown = next(row for row in laid_out.rows if row.label == "医疗刚性支出")
    assert unknown.look is not None
    assert unknown.look.css == "unknown"
    assert unknown.value == ""
    assert laid_out.unknown == ["医疗刚性支出"]


def test_cycle_in_the_graph_ends(laid_out: explain.Programme) -> None:
    data = graph({"id": "a", "inputs": ["b"]}, {"id": "b", "inputs": ["a"]}, root="a")
    rows = explain.programme(data).rows
    assert [row.label for row in rows] == ["b", "a"]
    assert rows[1].again


def test_anchors_are_unique_across_programmes(laid_out: explain.Programme) -> None:
    other = explain.programme(SAMPLE["explanation"], prefix="second")
    anchors = [row.anchor for row in [*laid_out.rows, *other.rows]]
    assert len(anchors) == len(set(anchors))


def test_missing_root_gives_no_lines_instead_of_an_error() -> None:
    found = explain.programme(graph(root="nowhere"))
    assert found.rows == []
    assert found.total is None
