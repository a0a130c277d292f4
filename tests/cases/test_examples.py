"""The published examples are the worked cases of the specification, word for word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tuodi.kernel.periods import Month

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.json"))
KEYS = (
    "name",
    "place",
    "on",
    "month",
    "household",
    "members",
    "paid_months",
    "place_facts",
    "assume",
    "expect",
    "working",
)


def _plain(value: Any) -> Any:
    """Scalars as written, so that 575 and "575" are one."""
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _cases() -> dict[str, dict[str, Any]]:
    text = (ROOT / "tests" / "cases" / "e_cases.yaml").read_text(encoding="utf-8")
    documents = yaml.load_all(text, Loader=yaml.BaseLoader)  # every scalar as text
    return {case["id"]: case for document in documents for case in document.get("cases", ())}


CASES = _cases()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 40


@pytest.mark.parametrize("path", EXAMPLES, ids=[p.stem for p in EXAMPLES])
def test_example_equals_its_case(path: Path) -> None:
    body = json.loads(path.read_text(encoding="utf-8"), parse_float=str)
    case = CASES[body["case"]]
    assert path.stem == body["case"].lower()
    family = case.get("family", {})
    want = {key: case.get(key, family.get(key)) for key in KEYS}
    want["month"] = want["month"] or str(Month.parse(case["on"][:7]).next())
    got = {key: body.get(key) for key in KEYS}
    assert _plain(got) == _plain(want)
    assert set(body) - set(KEYS) <= {"case", "programme", "note"}
    assert set(family) <= set(KEYS)
