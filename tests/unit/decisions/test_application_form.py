"""The 申请审批表: figures taken from the frozen explanation of a decision."""

from __future__ import annotations

import pytest

from tuodi.decisions.models import Determination
from tuodi.decisions.papers.application import _gap


@pytest.mark.parametrize(("income", "gap"), [("66.67…", "508.33"), ("100.00", "475.00"), ("1,200.00", "0.00")])
def test_the_gap_is_printed_for_an_income_a_head_that_does_not_come_out_even(income: str, gap: str) -> None:
    """2400 a year for three is 66.666… a head and month."""
    nodes = [{"id": "dibao.standard[household.area_kind]", "value": "575.00"}, {"id": "dibao.percap", "value": income}]
    decided = Determination(programme="dibao", explanation={"nodes": nodes})
    assert _gap(decided) == gap
