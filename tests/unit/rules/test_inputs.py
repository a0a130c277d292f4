"""Family files: every mistake at once with its path, what is missing named, and a schema that says the same."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from enginekit import ROUNDING, book_of, family, pack

from tuodi.policy.book import Book
from tuodi.rules import FamilyErrors, load_book, plan_for, schema, validate_family

ON = date(2017, 5, 10)
EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "docs" / "examples").glob("*.json"))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    rules = {
        "poor": "是否 | amount < line",
        "eligible": "是否 | poor and assets_ok and not members.any(disabled and share > rigid)",
        "due": "元/月 | payable(gift[area_kind] + members.sum(given(share, 0))) if eligible else 0 | payable",
    }
    parameters = ROUNDING + "line: {label: 收入线, unit: 元/月, value: 500, clause: DC}\n"
    parameters += (
        "gift: {label: 慰问金, unit: 元/月, by: [area_kind], values: [{area_kind: urban, value: 5, clause: DC}]}\n"
    )
    tail = "programme: {label: 某项目, eligible: eligible, amount: due}\n"
    return book_of(tmp_path_factory.mktemp("i"), pack(rules, parameters=parameters, tail=tail))


def test_every_mistake_comes_at_once_with_its_path(book: Book) -> None:
    faults = validate_family(
        book,
        "cn",
        {
            "houshold": {},
            "household": {
                "area_kind": "town",
                "amount": "12.345",
                "rigid": "abc",
                "assets_ok": "maybe",
                "asset_ok": True,
                "k": 101,
            },
            "members": [
                {"birth": "2017-02-30", "share": -1},
                {"birth": "1990/01/01", "disabled": 2, "incomes": [{"kind": "wages", "item": True}]},
            ],
            "place_facts": {"cpi": "3.55"},
        },
    )
    told = {f.path: f.message for f in faults}
    assert set(told) == {
        "houshold", "household.area_kind", "household.amount", "household.rigid", "household.assets_ok", "household.asset_ok",
        "household.k", "members[0].birth", "members[0].share", "members[1].birth", "members[1].disabled",
        "members[1].incomes[0].kind", "members[1].incomes[0].item", "place_facts.cpi",
    }  # fmt: skip
    assert "是否想写“household”" in told["houshold"]
    assert "是否想写“assets_ok”" in told["household.asset_ok"]
    assert "urban（城市）" in told["household.area_kind"]
    assert "最多 2 位小数" in told["household.amount"]
    assert "0 到 100" in told["household.k"]
    assert "不存在的日期" in told["members[0].birth"]
    with pytest.raises(FamilyErrors) as caught:
        plan_for(book, "cn", ON).decide({"household": {"area_kind": "town", "rigid": "abc"}})
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("written", "fen"), [("1,234.50", 123450), (1234.5, 123450), ("1234", 123400), (0.1, 10), (0, 0), (1e5, 10_000_000)]
)  # fmt: skip
def test_money_as_written(book: Book, written: Any, fen: int) -> None:
    result = plan_for(book, "cn", ON).decide(family(amount=written))[0]
    assert result.values["household.amount"] == fen


def test_too_many_members_are_refused(book: Book) -> None:
    assert "最多 30 行" in validate_family(book, "cn", family(31))[0].message
    assert validate_family(book, "cn", family(30)) == []


def test_labels_stand_for_choices_and_values_may_carry_their_source(book: Book) -> None:
    fam = {
        "household": {
            "area_kind": "城市",
            "amount": {"value": 400, "source": "register", "date": "2017-05-01"},
            "assets_ok": "是",
        }
    }
    result = plan_for(book, "cn", ON).decide(fam)[0]
    assert (result.outcome, result.amount_fen) == ("pass", 500)


def test_what_is_missing_is_named_and_nothing_else(book: Book) -> None:
    plan = plan_for(book, "cn", ON)
    assert plan.decide(family(amount=400))[0].missing == ("财产符合规定",)
    assert plan.decide(family())[0].missing == ("某金额", "财产符合规定")
    assert plan.decide(family(amount=500))[0].missing == ()  # surely refused: nothing more need be asked
    assert plan.decide(family(amount=500))[0].outcome == "fail"
    person = [{"name": "单晓月", "disabled": True}, {"disabled": False}]
    assert plan.decide(family(person, amount=400, assets_ok=True))[0].missing == ("成员份额（单晓月）",)


def test_a_parameter_without_a_value_is_named(book: Book) -> None:
    fam = {"household": {"area_kind": "rural", "amount": 400, "assets_ok": True}}
    [result] = plan_for(book, "cn", ON).decide(fam)
    assert (result.outcome, result.amount_fen, result.missing) == ("pass", None, ("参数：慰问金",))


def test_a_required_fact_left_out_gives_unknown_and_its_name(book: Book) -> None:
    [result] = plan_for(book, "cn", ON).decide({"household": {"amount": 400, "assets_ok": True}})
    assert (result.outcome, result.missing) == ("unknown", ("城乡",))


def test_an_unknown_programme_is_told_with_those_there_are(book: Book) -> None:
    with pytest.raises(FamilyErrors, match="没有项目“tt”，是否想写“t”"):
        plan_for(book, "cn", ON).decide(family(), "tt")


# ---- the schema: a small checker of the words it uses


def _wrong(value: Any, rule: dict[str, Any], path: str = "") -> list[str]:
    if "oneOf" in rule:
        return [] if sum(not _wrong(value, r) for r in rule["oneOf"]) == 1 else [f"{path} 不合 oneOf"]
    if "enum" in rule:
        return [] if value in rule["enum"] else [f"{path} {value} 不在 enum"]
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "number": (int, float),
        "integer": int,
        "null": type(None),
    }
    allowed = [rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", list(kinds))
    if not any(
        isinstance(value, kinds[k]) and not (isinstance(value, bool) and k in ("number", "integer")) for k in allowed
    ):
        return [f"{path} {value!r} 不是 {allowed}"]
    out = []
    if isinstance(value, dict) and "properties" in rule:
        for key, item in value.items():
            if key in rule["properties"]:
                out += _wrong(item, rule["properties"][key], f"{path}.{key}")
            elif rule.get("additionalProperties") is False:
                out.append(f"{path}.{key} 多余")
    if isinstance(value, list):
        out += [f"{path} 太长"] if len(value) > rule.get("maxItems", len(value)) else []
        for i, item in enumerate(value):
            out += _wrong(item, rule.get("items", {}), f"{path}[{i}]")
    if isinstance(value, str) and "pattern" in rule and not re.search(rule["pattern"], value):
        out.append(f"{path} {value} 不合 pattern")
    return out


def test_the_schema_accepts_a_good_family_and_refuses_bad_ones(book: Book) -> None:
    rule = schema(book)
    assert (
        _wrong(
            {**family([{"birth": "1990-01-01", "name": "甲"}], amount="3.5", assets_ok=None), "place": "420802"}, rule
        )
        == []
    )
    assert _wrong(family(3), rule) == []
    assert _wrong(family(income=3), rule)
    assert _wrong(family(assets_ok="yes"), rule)
    assert _wrong({"household": {"area_kind": "town"}}, rule)
    assert _wrong({"members": [{"birht": "1990-01-01"}]}, rule)


@pytest.mark.skipif(not EXAMPLES, reason="没有 docs/examples")
def test_the_schema_accepts_the_published_examples() -> None:
    book = load_book()
    schemas: dict[str, Any] = {}
    for path in EXAMPLES:
        body = json.loads(path.read_text(encoding="utf-8"))
        rule = schemas.setdefault(body["place"], schema(book, body["place"]))
        assert _wrong(body, rule) == [], path.name
