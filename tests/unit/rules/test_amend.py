"""Rules laid over the packs: from their day on, at their place, with their document; looked at before anybody is asked."""

from __future__ import annotations

from datetime import date

import pytest
from rulekit import FIRST, MEDICAL, text

from tuodi.kernel.periods import Month
from tuodi.policy.adopted import Adopted, with_adopted
from tuodi.policy.amended import AdoptedText, with_texts
from tuodi.rules import load_book, plan_for
from tuodi.rules.amend import review
from tuodi.rules.wording import differing, in_words

HOME = {
    "household": {"area_kind": "urban", "income_year": "10800", "cost_medical": "1200", "assets_ok": True},
    "members": [{}, {}],
}


@pytest.fixture(scope="module")
def book():
    return load_book(check=False)


def due(book, on: date, place: str = "420802") -> int | None:
    return plan_for(book, place, on, Month.of(on)).decide(HOME, "dibao")[0].amount_fen


def test_it_holds_from_its_day_at_its_place_and_says_its_document(book):
    new = with_texts(book, [text()])
    assert [due(one, date(2017, 9, 30)) for one in (book, new)] == [25000, 25000]
    assert [due(one, FIRST) for one in (book, new)] == [25000, 35000]
    assert due(new, FIRST, "420804") == due(book, FIRST, "420804")  # the district beside it
    held = new.rule_texts(new.chain("420802001"), FIRST)["dibao.deduction"]
    assert (held.label, held.unit_text) == ("按规定扣减", book.draft.rules["dibao.deduction"][0].unit_text)
    assert new.clause(held.clause).text == "东民发〔2017〕9号 二"
    assert (held.where.file, held.where.line) == ("规则 TB-420802-2017-01", 3)
    answer = plan_for(new, "420802", FIRST, Month.of(FIRST)).decide(HOME, "dibao")[0]
    assert "东民发〔2017〕9号" in answer.explain().text()


def test_book_and_plans_are_told_apart_by_their_prints(book):
    new, again = with_texts(book, [text()]), with_texts(book, [text()])
    assert new.digest == again.digest != book.digest
    assert with_texts(book, []) is book
    prints = {
        (name, day): plan_for(one, "420802", day, Month.of(day)).model(("dibao.due",)).fingerprint
        for name, one in (("old", book), ("new", new))
        for day in (date(2017, 9, 30), FIRST)
    }
    assert prints["old", date(2017, 9, 30)] == prints["new", date(2017, 9, 30)]  # months before are as they were
    assert prints["old", FIRST] != prints["new", FIRST]


def test_it_wins_over_a_file_at_its_place_and_a_nearer_place_wins_over_it(book):
    file_first = text(MEDICAL.replace("cost_medical", "0", 1).replace('"350.00"', '"250.00"'))
    upper = text(MEDICAL.replace("420802", "4208").replace('formula: "cost_medical"', 'formula: "0"'), place="4208")
    both = with_texts(book, [upper, text()])
    assert due(both, FIRST) == 35000
    assert due(with_texts(book, [text(), file_first]), FIRST) == 25000  # the later of the same place and day
    ended = text(MEDICAL.replace("clause: 本文件 二", "to: 2017-11-30, clause: 本文件 二"))
    until = with_texts(book, [ended])
    assert [due(until, one) for one in (date(2017, 11, 30), date(2017, 12, 1))] == [35000, 25000]
    assert review(book, upper).changes[0].nearer == []
    assert review(both, AdoptedText(**{**upper.__dict__, "source": "规则 另一"})).changes[0].nearer == ["420802"]


def test_values_and_rules_go_together(book):
    rise = Adopted(
        "420802",
        "dibao.standard",
        ("urban",),
        FIRST,
        "600",
        "",
        "东民发〔2017〕9号",
        "关于医疗支出抵扣的通知",
        "一",
        "标准 1",
    )
    assert due(with_adopted(with_texts(book, [text()]), [rise]), FIRST) == 40000


def test_a_new_parameter_comes_with_its_rule(book):
    body = """pack: {place: "420802", programme: dibao}
parameters:
  medical_share: {label: 医疗支出抵扣比例, unit: 比例, value: 0.5, clause: 本文件 三}
rules:
  deduction: {clause: 本文件 二, formula: "medical_share * cost_medical"}
cases:
  - id: 测试-一半
    name: 医疗支出抵扣一半
    on: 2017-10-10
    family: {household: {area_kind: urban, income_year: 10800, cost_medical: 1200, assets_ok: true}, members: 2}
    expect: {dibao.due: "300.00"}
"""
    found = review(book, text(body))
    assert found.faults == []
    once = with_texts(book, [text(body)])
    assert (
        due(once, FIRST) == due(with_texts(once, [text(body)]), FIRST) == 30000
    )  # simulated once more after publication


FAULTS = {
    "a name that is none": (("cost_medical", "cost_medcal"), 3, "是否想写“cost_medical”"),
    "units": (('"cost_medical"', '"n"'), 3, "单位"),
    "a decimal": (('"cost_medical"', '"cost_medical * 0.5"'), 3, "不能写小数"),
    "a document nobody knows": (("本文件 二", "东发1 二"), 3, "没有对应的文件"),
    "another place": (('"420802"', '"420804"'), 3, "不在 420802 之内"),
    "an earlier day": (("{clause", "{from: 2017-09-01, clause"), 3, "早于执行日"),
    "what is no rule": (("rules:", "facts: {}\nrules:"), 2, "不能在屏上采用"),
    "an example that does not come out": (("350.00", "351.00"), 5, "应为 351.00，按新规则算得 350.00"),
    "an anchor": (("rules:", "note: &a x\nx: *a\nrules:"), 3, "不用锚点"),
    "no YAML": (("rules:", "rules: ["), 4, "YAML 写法有误"),
    "a value of the packs": (("rules:", "parameters: {grace_months: {value: 9, clause: 本文件}}\nrules:"), 2, "填在“数值”表里",
    ),
    "the level": (("{clause", "{level: members, clause"), 3, "不能改成 members"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_faults_name_line_and_remedy(book, name):
    (old, new), line, word = FAULTS[name]
    assert old in MEDICAL
    found = review(book, text(MEDICAL.replace(old, new, 1 if old != "cost_medical" else -1)))
    told = [(one.line, one.message) for one in found.faults]
    assert any(word in message for _, message in told), told
    assert line in [at for at, message in told if word in message], told


def test_without_an_example_nothing_goes_out(book):
    found = review(book, text(MEDICAL.split("cases:")[0]))
    assert [one.message for one in found.faults] == [
        "规则“dibao.deduction”没有算例；在 cases 里写一个 420802 在 2017-10-01 或以后的家庭和应得的结果"
    ]


def test_the_review_shows_both_wordings_and_whose_examples_move(book):
    inclusive = """pack: {place: "4208", programme: dibao}
rules:
  income_below: {clause: 本文件 一, formula: "percap <= standard[area_kind]"}
cases:
  - {id: 测试-恰为标准, name: 恰为标准, place: "420802", on: 2017-10-10, family: {household: {area_kind: urban, income_year: 13800, assets_ok: true}, members: 2}, expect: {dibao.eligible: pass}}
"""
    found = review(book, text(inclusive, place="4208", start=date(2017, 4, 1)))
    assert found.faults == []
    (change,) = found.changes
    assert (change.label, change.place_name, change.role) == ("月人均收入低于低保标准", "荆门市", "test")
    assert change.now is not None
    assert change.now.words == "月人均收入 ＜ 低保标准（按城乡）"
    assert change.segments == [("same", "月人均收入 "), ("out", "＜"), ("in", "≤"), ("same", " 低保标准（按城乡）")]
    assert change.reason  # what people are told is inherited
    assert found.examples == ["测试-恰为标准 恰为标准"]
    assert found.kept > 0


def test_every_formula_of_the_packs_can_be_said_in_words(book):
    """No formula is left as it is written, and none loses a name: what is said holds no identifier of the language."""
    raw = []
    for rule in book.rules.values():
        for one in rule.texts:
            on = min(max(one.start, date(2017, 6, 1)), one.end)
            said = in_words(book, one.formula, place=one.place, on=on, programme=one.name.split(".")[0])
            if any(part.isascii() and "_" in part for part in said.replace("（", " ").replace("）", " ").split()):
                raw.append((one.name, said))
    assert raw == []


def test_what_stays_and_what_goes_make_both_texts():
    a, b = "如果 甲，则 乙；否则 0", "如果 甲 且 丙，则 乙；否则 丁"
    parts = differing(a, b)
    assert "".join(words for kind, words in parts if kind != "in") == a
    assert "".join(words for kind, words in parts if kind != "out") == b
