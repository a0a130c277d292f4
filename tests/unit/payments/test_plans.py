"""用款计划 limit a run: beyond them an approval needs a written reason, or none is given at all where the place says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from casekit import at
from fundkit import Treasury, clean
from packkit import laid_over
from paykit import Staff, family, pay_day, run_month

from tuodi.funds.errors import FundInputError
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions, plans
from tuodi.payments.errors import PlanExceededError
from tuodi.payments.models import PayRun, RunSignature

pytestmark = pytest.mark.django_db(transaction=True)
MAY = Month(2017, 5)
BLOCKS = """pack: {place: "420802", programme: profile}
instruments:
  测试: {title: 测试, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  plan_excess_blocks:
    values:
      - {place: "420802", from: 2016-01-01, value: true, clause: 测试}
"""


@pytest.fixture
def blocking(monkeypatch, tmp_path) -> Iterator[None]:
    with laid_over(tmp_path, monkeypatch, BLOCKS):
        yield


def checked(make_user) -> tuple[Staff, PayRun]:
    """One family, 550 yuan."""
    staff = Staff(make_user)
    family()
    return staff, run_month(staff, MAY, upto="check")


def approve(staff: Staff, run: PayRun, reason: str = "") -> PayRun:
    with at(staff.approve, pay_day(MAY)):
        return actions.approve(run, acting_user=staff.approve, reason=reason)


def found(run: PayRun) -> list[tuple[str, int, int]]:
    with system_scope("420802"):
        return [(one.source, one.planned, one.wanted) for one in plans.excess(PayRun.objects.get(pk=run.pk))]


def test_beyond_the_plan_an_approval_says_what_and_needs_a_reason(make_user) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 1000)
    treasury.do("plan", 900, month=MAY + 1)  # another month's
    staff, run = checked(make_user)
    assert found(run) == []  # no plan, no limit
    treasury.do("plan", 300, month=MAY)
    treasury.propose("plan", 400, month=MAY)  # not approved: it does not count
    assert found(run) == [("", 300_00, 550_00)]
    with pytest.raises(
        PlanExceededError, match=r"城乡低保 2017.*300\.00 元.*550\.00 元，超 250\.00 元.*写明超计划的理由"
    ):
        approve(staff, run)
    with pytest.raises(PlanExceededError):
        approve(staff, run, " 急 ")
    assert treasury.held() == {"available": 1000_00}
    run = approve(staff, run, "提标补发，已报财政追加")
    assert run.state == "approved"
    with system_scope("420802"):
        assert [one.note for one in RunSignature.objects.filter(run=run)] == ["提标补发，已报财政追加"]
    clean()


def test_within_the_plan_nothing_is_asked_and_runs_of_a_month_share_it(make_user) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 5000)
    treasury.do("appropriation", 5000, programme="tekun", doc_no="特困1号")
    treasury.do("plan", 550, month=MAY)
    staff, run = checked(make_user)
    run = approve(staff, run, "没有超出，理由不留")
    with system_scope("420802"):
        assert [one.note for one in RunSignature.objects.filter(run=run)] == [""]
    with at(treasury.keep, date(2017, 5, 20)):
        used = plans._used(MAY, 0)
    assert used == {("420802", "dibao"): {"central": 550_00}}
    clean()


def test_a_plan_that_names_a_source_limits_that_source(make_user) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 400)
    treasury.do("appropriation", 400, source="county", doc_no="县1号")
    treasury.do("plan", 300, month=MAY, source="central")
    treasury.do("plan", 300, month=MAY, source="county")
    staff, run = checked(make_user)  # central is drawn first: 400, then 150 of the county
    assert found(run) == [("central", 300_00, 400_00)]
    with pytest.raises(PlanExceededError, match="（中央）"):
        approve(staff, run)
    treasury.do("plan", 100, month=MAY)  # of any source
    assert found(run) == []
    with at(treasury.keep, date(2016, 1, 5)), pytest.raises(FundInputError, match="资金来源"):
        treasury.propose("plan", 100, month=MAY, source="mars")
    assert approve(staff, run).state == "approved"
    clean()


def test_where_the_place_says_so_nothing_passes_without_a_plan(blocking, make_user) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 1000)
    staff, run = checked(make_user)
    assert found(run) == [("", 0, 550_00)]
    with pytest.raises(PlanExceededError, match="请先提出用款计划"):
        approve(staff, run, "很急，先发了再说")
    treasury.do("plan", 550, month=MAY)
    assert approve(staff, run).state == "approved"


def test_a_county_without_a_fund_book_has_no_plans(blocking, make_user) -> None:
    staff, run = checked(make_user)
    assert (found(run), approve(staff, run).state) == ([], "approved")
