"""A text of rules for 420802: medical costs alone are deducted, from October 2017 unless said otherwise."""

from __future__ import annotations

from datetime import date

from tuodi.policy.amended import AdoptedText

#: 1800 a month for two at 575 each; 1200 a year of medical costs is 100 a month: 1150 - (900 - 100) = 350.
MEDICAL = """pack: {place: "420802", programme: dibao}
rules:
  deduction: {clause: 本文件 二, formula: "cost_medical"}
cases:
  - id: 测试-医疗抵扣
    name: 两人户月收入九百元，月医疗支出一百元
    on: 2017-10-10
    family: {household: {area_kind: urban, income_year: 10800, cost_medical: 1200, assets_ok: true}, members: 2}
    expect: {dibao.due: "350.00"}
"""
FIRST = date(2017, 10, 1)


def text(
    body: str = MEDICAL, *, place: str = "420802", start: date = FIRST, document: str = "东民发〔2017〕9号"
) -> AdoptedText:
    return AdoptedText(place, start, body, document, "关于医疗支出抵扣的通知", f"规则 TB-{place}-2017-01", "2017-09-20")
