"""The block `clues:`: what a place leaves unsaid comes from above, and every mistake is named with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from enginekit import book_of, read

from tuodi.policy.clues import ClueRule
from tuodi.rules.check import check_habits
from tuodi.rules.diff import diff_books

WORDS = """
pack: {place: cn}
enums:
  car_kind: {label: 车型, values: {car: 汽车, chair: 代步车}}
  dibao_class: {label: 类别, values: {class_a: A类, class_b: B类}}
collections:
  reg_car: {of: members, label: 车辆, unit: 项}
  reg_home: {of: members, label: 房产, unit: 项}
facts:
  reg_car:
    plate: {type: text, label: 车牌, missing: unknown, source: register}
    car_kind: {type: car_kind, label: 车型, missing: unknown, source: register}
  reg_home:
    size: {type: number, unit: ㎡, label: 面积, missing: unknown, source: register}
---
pack: {place: cn, programme: t}
rules:
  is_car: {level: reg_car, label: 甲, unit: 是否, clause: DC, formula: "car_kind == car"}
  cars: {level: members, label: 乙, unit: 项, clause: DC, formula: "reg_car.count(is_car)"}
  any_car: {level: members, label: 丙, unit: 是否, clause: DC, formula: "cars > 0"}
  family_cars: {label: 丁, unit: 项, clause: DC, formula: "members.sum(cars)"}
  rich: {label: 戊, unit: 是否, clause: DC, formula: "family_cars > 1"}
  dibao_like: {label: 己, unit: 是否, clause: DC, role: test, reason: 否, formula: "family_cars < 1"}
  big: {level: reg_home, label: 庚, unit: 是否, clause: DC, formula: "size > 0"}
programme: {label: 样例, eligible: dibao_like, tests: [dibao_like]}
"""
GOOD = {
    "label": "有车", "rule": "t.is_car", "identity": "[plate]", "severity": "{t: R, other: O}", "evidence": "{sale: 过户凭证}",
    "outcomes": "[stop, keep]", "default_action": "stop", "deadline": "{n: 15, unit: 工作日, clause: DC}", "clause": "DC",
}  # fmt: skip


def clue(code: str = "VEHICLE", head: str = "place: cn", **changes: str) -> str:
    """A pack with one clue rule; a change of None leaves the field out. The clue stands on line 3."""
    body = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    return f"pack: {{{head}}}\nclues:\n  {code}: {{{', '.join(f'{k}: {v}' for k, v in body.items())}}}\n"


def short(place: str, body: str) -> str:
    return f'pack: {{place: "{place}"}}\nclues:\n  VEHICLE: {{{body}}}\n'


def rule_at(folder: Path, place: str, on: date, *documents: str) -> ClueRule | None:
    found = book_of(folder, WORDS, *documents).clue_rules(place, on)
    return found[0] if found else None


FAULTS = {
    "unknown kind": (clue(rule="t.rich", kinds="[cra]"), "登记种类“cra”没有集合 reg_cra", "是否想写“car”"),
    "no kinds for a family rule": (clue(rule="t.rich"), "要写 kinds"),
    "kinds beside a row rule": (clue(kinds="[car, home]"), "kinds 只能是 car"),
    "unknown severity": (clue(severity="{t: RED}"), "级别“t”是“RED”", "R（停保）"),
    "severity that is a list": (clue(severity="[R]"), "severity 应写成 项目: 级别"),
    "severity of an unknown programme": (clue(severity="{tt: R}"), "没有这个项目", "其余项目写 other"),
    "severity of an unknown class": (clue(severity="{t: {class_c: R}}"), "类别“class_c”", "是否想写"),
    "unknown outcome": (clue(outcomes="[stop, prison]"), "“prison”", "只能是 stop"),
    "default action that is no outcome": (clue(default_action="refer"), "default_action“refer”不在 outcomes 里"),
    "unknown default action": (clue(default_action="beat"), "“default_action”是“beat”"),
    "unknown on_confirmed": (clue(on_confirmed="jail"), "“on_confirmed”是“jail”", "suspend"),
    "rule that is not there": (clue(rule="t.is_cra"), "没有这条规则", "是否想写“t.is_car”"),
    "rule that is not yes or no": (clue(rule="t.family_cars", kinds="[car]"), "结果不是 是否"),
    "shown figure below its level": (clue(rule="t.rich", kinds="[car]", shows="[t.cars]"), "看不到", "先汇总到 household"),
    "rows of another register": (clue(rule="t.rich", kinds="[car]", rows="[t.big]"), "不在 reg_car 一级"),
    "rows beside a row rule": (clue(rows="[t.is_car]"), "不用写 rows"),
    "unknown identity column": (clue(identity="[plaet]"), "identity 写了“plaet”", "是否想写“plate”"),
    "unknown watched column": (clue(watch="[price]"), "watch 写了“price”"),
    "deadline without a unit": (clue(deadline="{n: 15, clause: DC}"), "工作日"),
    "deadline of nothing": (clue(deadline="{n: 0, unit: 日, clause: DC}"), "n 至少是 1"),
    "unknown clause": (clue(clause="99-1"), "条款“99-1”没有对应的文件"),
    "no clause": (clue(clause=None), "缺少 clause"),
    "no evidence": (clue(evidence=None), "没有 evidence"),
    "evidence without labels": (clue(evidence="[sale]"), "代号: 名称"),
    "code in small letters": (clue("vehicle"), "大写字母"),
    "unknown key": (clue(severty="R"), "没有“severty”这一项", "是否想写“severity”"),
    "place that is not there": (short("4299", "on_confirmed: suspend, from: 2017-01-01"), "地区“4299”"),
    "ends before it begins": (clue(**{"from": "2017-01-01", "to": "2016-01-01"}), "早于 from"),
    "two at a time": ("pack: {place: cn}\nclues:\n  VEHICLE:\n  - {" + ", ".join(f"{k}: {v}" for k, v in GOOD.items()) + "}\n  - {enabled: false}\n", "两个写法或时间重叠"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_line_and_remedy(tmp_path: Path, name: str):
    text, *words = FAULTS[name]
    _, faults = read(tmp_path, WORDS, text)
    mine = [f for f in faults if f.file.endswith("p2.yaml")]
    assert mine, "没有报出这个错误"
    assert any(all(w in f.message for w in words) for f in mine), "\n".join(map(str, mine))
    assert {f.line for f in mine} <= {3, 4, 5}


def test_a_good_rule_has_no_fault_and_reads_back(tmp_path: Path):
    rule = rule_at(tmp_path, "cn", date(2017, 1, 1), clue())
    assert rule is not None
    assert (rule.level, rule.kinds, rule.required, rule.deadline.text) == ("reg_car", ("car",), ("sale",), "15个工作日")
    assert (rule.severity_for("t"), rule.severity_for("else"), rule.severity_for("t", stale=True)) == ("R", "O", "Y")
    assert [rule.confirmed(s) for s in "ROY"] == ["suspend", "recompute", "note"]


def test_severity_by_class_and_none(tmp_path: Path):
    rule = rule_at(
        tmp_path, "cn", date(2017, 1, 1), clue(severity="{t: {class_a: Y, other: R}, other: none}", stale="keep")
    )
    assert rule is not None
    assert [rule.severity_for("t", c) for c in ("class_a", "class_b", "")] == ["Y", "R", "R"]
    assert (rule.severity_for("else"), rule.severity_for("t", stale=True)) == ("", "R")


def test_a_lower_place_writes_only_what_differs(tmp_path: Path):
    documents = (
        clue(),
        short("4208", "on_confirmed: suspend, from: 2017-01-01, clause: 57-3"),
        short("420804", "severity: {t: Y}"),
    )
    book = book_of(tmp_path, WORDS, *documents)
    nation, city, before, district = (
        book.clue_rules(p, d)[0]
        for p, d in (
            ("53", date(2017, 5, 1)),
            ("420802", date(2017, 5, 1)),
            ("420802", date(2016, 5, 1)),
            ("420804", date(2017, 5, 1)),
        )
    )
    assert [r.on_confirmed for r in (nation, city, before, district)] == ["", "suspend", "", "suspend"]
    assert (city.clause, city.severity_for("t"), city.identity) == ("57-3", "R", ("plate",))
    assert (district.severity_for("t"), district.severity_for("x"), district.place) == ("Y", "", "420804")
    assert before.fingerprint == nation.fingerprint != city.fingerprint != district.fingerprint


def test_a_place_may_switch_a_rule_off_for_a_time(tmp_path: Path):
    off = short("4208", "enabled: false, from: 2017-01-01, to: 2017-12-31")
    book = book_of(tmp_path, WORDS, clue(), off)
    found = [len(book.clue_rules("420802", date(y, 6, 1))) for y in (2016, 2017, 2018)]
    assert found == [1, 0, 1]
    assert len(book.clue_rules("53", date(2017, 6, 1))) == 1


def test_a_clue_rule_without_examples_on_both_sides_is_warned_of(tmp_path: Path):
    case = (
        "cases:\n  - {id: C1, name: 例, on: 2021-01-01, family: {household: {area_kind: urban}, members: [{reg_car: [{car_kind: car}]}]}, "
        'expect: {"t.is_car[0][0]": pass}}\n'
    )
    other = case.replace("C1", "C2").replace("car_kind: car", "car_kind: chair").replace("pass", "fail")

    def warned(*documents: str) -> bool:
        return any("没有成对的算例" in f.message for f in check_habits(book_of(tmp_path, WORDS, *documents)))

    assert warned(clue() + case)
    assert not warned(clue() + case + other.removeprefix("cases:\n"))


def test_what_changed_is_told(tmp_path: Path):
    old = book_of(tmp_path, WORDS, clue())
    new = book_of(tmp_path, WORDS, clue(severity="{t: Y}"), short("4208", "on_confirmed: suspend"))
    assert [line for line in diff_books(old, new) if "线索规则" in line] == [
        "＋ 线索规则 VEHICLE 4208 一直", "～ 线索规则 VEHICLE cn 一直：severity",
    ]  # fmt: skip
