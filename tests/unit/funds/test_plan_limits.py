"""用款计划 hold what leaves a county without a run too: advances to towns and hospitals, clearings, bodies."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at
from fundkit import Treasury, clean
from hospitalkit import AFTER, Ward, lay_rules, row
from packkit import laid_over
from paykit import Staff, family, run_month
from reliefkit import relieved

from tuodi.funds import plans
from tuodi.funds.actions.reversal import propose_reversal
from tuodi.funds.errors import PlanError
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions
from tuodi.payments import plans as run_plans

pytestmark = pytest.mark.django_db(transaction=True)
TOWN, VILLAGE = "420802001", "420802001001"
MAY, DAY = Month(2017, 5), date(2017, 5, 10)
BLOCKS = """pack: {place: "420802", programme: profile}
instruments:
  测试: {title: 测试, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  plan_excess_blocks:
    values:
      - {place: "420802", from: 2016-01-01, value: true, clause: 测试}
"""
laid = pytest.fixture(lay_rules)


@pytest.fixture
def treasury(make_user) -> Treasury:
    found = Treasury(make_user)
    found.float(TOWN, 0)
    found.do("appropriation", 20_000, programme="temporary", doc_no="临时1号")
    return found


def advance(treasury: Treasury, yuan: int, *, note: str = "", on: date = DAY):
    paper = treasury.propose("advance", yuan, programme="temporary", town=TOWN, on=on)
    return treasury.decide(paper, on=on, note=note)


def test_advances_to_a_town_use_the_plan_of_their_month(treasury) -> None:
    first = advance(treasury, 500, on=date(2017, 4, 28))
    assert first.state == "approved"  # April has no plan: nothing limits it
    treasury.do("plan", 3000, programme="temporary", month=MAY)
    kept = advance(treasury, 2000)  # April's advance does not count
    for note in ("", " 急 "):
        with pytest.raises(
            PlanError, match=r"临时救助 2017.*3,000\.00 元.*3,500\.00 元，超 500\.00 元.*审核意见里写明"
        ):
            advance(treasury, 1500, note=note)
    assert treasury.held(programme="temporary", on=DAY)["float"] == 2500_00
    assert advance(treasury, 1500, note="洪灾，已报分管领导").decision_note == "洪灾，已报分管领导"
    # What is taken back is used no more.
    with at(treasury.keep, DAY):
        asked = propose_reversal(kept.entry, acting_user=treasury.keep, reason="拨错乡镇")
    treasury.decide(asked, on=DAY)
    assert advance(treasury, 1500).state == "approved"
    clean()


def test_a_place_that_lets_nothing_pass_takes_no_reason(treasury, tmp_path, monkeypatch) -> None:
    with laid_over(tmp_path, monkeypatch, BLOCKS):
        with pytest.raises(PlanError, match="请先提出用款计划"):
            advance(treasury, 100, note="很急，先拨了再说")
        treasury.do("plan", 100, programme="temporary", month=MAY)
        assert advance(treasury, 100).state == "approved"


def test_runs_and_advances_share_a_plan(treasury, make_user) -> None:
    office, staff = Office(VILLAGE, make_user), Staff(make_user)
    relieved(office, family(names=("王秀英",)), 800_00, on=date(2017, 8, 14))
    september, day = Month(2017, 9), date(2017, 9, 6)
    run = run_month(staff, september, programmes=["temporary"], upto="check")
    treasury.do("plan", 3000, programme="temporary", month=september)
    with system_scope("420802"):
        assert run_plans.excess(run) == []
    advance(treasury, 2500, on=day)
    with system_scope("420802"):
        assert [(one.planned, one.wanted) for one in run_plans.excess(run)] == [(3000_00, 3300_00)]
    treasury.do("plan", 300, programme="temporary", month=september)
    with at(staff.approve, day):
        actions.approve(run, acting_user=staff.approve)
    with pytest.raises(PlanError, match=r"3,300\.00 元，连同本笔要用 3,301\.00 元"):  # the run's 800 count now
        advance(treasury, 1, on=day)
    clean()


def test_what_hospitals_are_paid_uses_the_medical_plan(laid, treasury) -> None:
    april = Month(2018, 4)
    treasury.do("appropriation", 30_000, programme="medical", doc_no="医1号", on=date(2018, 1, 5))
    treasury.do("plan", 4600, programme="medical", month=april, on=date(2018, 1, 5))
    ward = Ward(treasury, advance=1000)  # January's
    patient = family(names=("向桂英",)).head
    ward.send(row("A1", patient))
    made = ward.propose(replenish=4000)  # 1400 accepted: 1000 of the advance, 400 and the filling up from available
    with at(treasury.review, AFTER):
        assert plans.excess_of("420802", "medical", 4400_00) == []
    treasury.do("hospital", 700, programme="medical", hospital=ward.agreement, on=AFTER)
    with pytest.raises(PlanError, match=r"医疗救助 2018.*4,600\.00 元.*4,700\.00 元，超 100\.00 元"):
        ward.decide(made, approve=True)
    assert ward.decide(made, approve=True, note="季末集中清算，已报财政").state == "approved"
    clean()
