"""What the tests of funds share."""

from __future__ import annotations

import pytest
from hospitalkit import lay_rules

from tuodi.verification import rulebook

medical_rules = pytest.fixture(lay_rules)
PREMIUM_PACK = """pack: {place: "420802", programme: premium}
instruments:
  测试参保: {title: 测试用的参保缴费通知, number: "-", issuer: 测试, issued: 2018-01-01, in_force: 2018-01-01, kind: hypothetical}
parameters:
  premium:
    values: [{from: 2018-01-01, value: 180, clause: 测试参保}]
---
pack: {place: "420802", programme: profile}
parameters:
  emergency_illness_share:
    values: [{from: 2018-01-01, value: 80%, clause: 测试参保}]
  emergency_illness_cap:
    values: [{from: 2018-01-01, value: 5000, clause: 测试参保}]
"""


@pytest.fixture
def premium_rules(tmp_path, medical_rules):
    (tmp_path / "premium.yaml").write_text(PREMIUM_PACK, encoding="utf-8")
    rulebook.reload()
