"""A small pack that uses every construct of the rule language: for random families and for the distributed engine."""

from __future__ import annotations

from datetime import date

from enginekit import ROUNDING

PARAMETERS = (
    ROUNDING
    + """
standard: {label: 标准, unit: 元/人·月, by: [area_kind]}
gift: {label: 慰问金, unit: 元/月, by: [outcome, income_kind], values: [{outcome: receive, value: 5, clause: DC}, {outcome: stop, income_kind: wage, value: 7.5, clause: DC}]}
rate: {label: 比例, unit: "%", value: 12.5, clause: DC}
no_income: {label: 不计, unit: 集合, of: income_kind, value: [aid], clause: DC}
steps: {label: 分档, unit: 元/月, table: 人, value: [[1, 10.1], [3, 20.2]], clause: DC}
"""
)
RULES = {
    "counted": "members | 是否 | not known(died) or month_no <= months(died)",
    "old": "members | 是否 | counted and age(birth) >= 60",
    "mine": "members | 元/月 | incomes.sum(0 if kind in no_income else item)",
    "gifts": "members | 元/月 | incomes.max(gift[given(state, receive), kind], 0)",
    "extra": "members | 元/月 | max(standard[area_kind] * rate if old else 0, rigid if disabled else 0) if counted else 0",
    "n": "人 | members.count(counted)",
    "income": "元/月 | max(given(income_year, 0) + members.sum(mine) - rigid, 0)",
    "percap": "元/人·月 | income / n if n > 0 else 0",
    "below": "是否 | percap < standard[area_kind]",
    "eligible": "是否 | n > 0 and below and assets_ok and not (flag_a and members.any(share > amount))",
    "share_": "元/月 | payable(max(standard[area_kind] * n - income, 0) * k / n) if n > 0 and k > 0 else 0 | payable",
    "due": "元/月 | payable(members.sum(extra) + bracket(steps, n) + members.max(gifts, rigid)) if eligible else 0 | payable",
    "all_old": "是否 | members.all(old) or flag_b",
    "fate": "枚举 | receive if eligible else grace if known(paid_until) and month_no <= months(paid_until) else given(state, stop)",
    "fate_gift": "元/月 | gift[fate, wage]",
    "hot": "是否 | cpi >= x and flag_a",
}
LOCAL = """
pack: {place: "4208", programme: t}
parameters:
  standard:
    values:
      - {place: "420802", area_kind: urban, from: 2017-04-01, value: 575, clause: DC}
      - {place: "420881", area_kind: urban, from: 2017-04-01, value: 500.01, clause: DC}
      - {area_kind: urban, from: 2017-01-01, value: 480, clause: DC}
      - {area_kind: rural, from: 2017-01-01, value: 4500, unit: 元/人·年, clause: DC}
"""
PLACES = ("420802", "420881", "420804")
ON = date(2017, 5, 10)
NAMES = tuple(f"t.{n}" for n in RULES)
