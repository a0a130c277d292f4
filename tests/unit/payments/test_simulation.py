"""What-if on a frozen roll: who gains, loses, comes in and goes out, under values, under rules, two drafts side by side."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from casekit import at
from paykit import LATER, Staff, balanced, family, line, old_standard, run_month
from standardkit import Makers, adopted, drafted, value

from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions, snapshot
from tuodi.payments.errors import RunInputError
from tuodi.payments.models import Arrear, LineDifference, PayLine, Simulation
from tuodi.people.models import RollEntry
from tuodi.standards import actions as standards
from tuodi.verification import rulebook

pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2017, 9, 2)
SEPTEMBER = Month(2017, 9)


@pytest.fixture
def staff(make_user) -> Staff:
    return Staff(make_user)


@pytest.fixture
def makers(make_user) -> Makers:
    return Makers(make_user, "420802", "420802001")


def simulated(makers, run, *proposals) -> tuple[Simulation, pl.DataFrame]:
    with at(makers.drafter, DAY):
        asked = actions.ask_simulation(run, acting_user=makers.drafter, proposals=proposals)
    done = actions.do_simulation(asked, acting_user=makers.drafter)
    with system_scope("420802"):
        return done, snapshot.load(done.changed)["changed"] if done.changed else pl.DataFrame()


def off_the_roll(**more):
    found = family(**more)
    with system_scope("420802"):
        RollEntry.objects.filter(household=found).delete()
    return found


def test_a_rise_pays_more_and_lets_families_in(staff, makers):
    two = family(income=600)  # 575 × 2 − 600 = 550, then 640
    family(names=("独居",), income=100)
    outside = off_the_roll(income=1200, names=("申某", "申二"))  # 600 a head: not under 575, under 620
    off_the_roll(income=1300, names=("丁某", "丁二"))  # 650: neither
    off_the_roll(income=400, names=("戊某", "戊二"))  # entitled today, has not applied
    off_the_roll(income=1200, names=("己某", "己二"), assets_ok=None)  # not known
    run = run_month(staff, SEPTEMBER, upto="calculate")
    proposal = drafted(makers, [value("620")], DAY, date(2017, 10, 1))
    done, changed = simulated(makers, run, proposal)
    now, a = done.summary["sides"]["now"], done.summary["sides"]["a"]
    assert (done.state, done.month) == ("done", 201710)
    assert (now["units"], now["amount_fen"]) == (2, 55000 + 47500)
    assert a["counts"] == {
        "gain": 2,
        "lose": 0,
        "same": 0,
        "enter": 1,
        "leave": 0,
        "open": 0,
        "out": a["counts"]["out"],
    }
    assert a["amount_fen"] == (62000 * 2 - 60000) + (62000 - 10000) + (62000 * 2 - 120000)
    assert (done.summary["already"], done.summary["near_unknown"]) == (1, 1)
    assert done.summary["months"] == ["201710", "201711", "201712"]
    mine = dict(changed.select("household_id", "delta_a").iter_rows())
    assert mine[two.pk] == 9000
    assert mine[outside.pk] == 4000
    with at(staff.check, DAY):
        assert PayLine.objects.filter(run=run).count() == 2  # nothing of the run was touched


def test_a_cut_has_losers_and_leavers(staff, makers):
    family(income=600)
    family(income=1100, names=("甲某", "甲二"))  # 550 a head: not under 540
    run = run_month(staff, SEPTEMBER, upto="calculate")
    proposal = drafted(makers, [value("540")], DAY, date(2017, 9, 1))
    done, changed = simulated(makers, run, proposal)
    a = done.summary["sides"]["a"]
    assert {name: a["counts"][name] for name in ("gain", "lose", "leave", "enter")} == {
        "gain": 0,
        "lose": 1,
        "leave": 1,
        "enter": 0,
    }
    assert sorted(changed["delta_a"]) == [-7000, -5000]
    assert sum(a["buckets"]) == 2
    assert a["buckets"][2] == 2  # both lose up to 100 yuan


RULES = """pack: {place: "420802", programme: dibao}
instruments:
  规则草案: {title: 规则草案, number: "-", issuer: 测试, issued: 2017-09-01, in_force: 2017-09-01, kind: hypothetical}
rules:
  deduction: {clause: 规则草案, from: 2017-10-01, formula: "cost_medical"}
"""


def test_two_drafts_of_values_and_of_rules_side_by_side(staff, makers):
    ill = family(income=900, cost_medical="300.00")  # 575 × 2 − 900 = 250; 300 a year is 25 a month
    family(income=600)
    run = run_month(staff, SEPTEMBER, upto="calculate")
    first = drafted(makers, [value("620")], DAY, date(2017, 10, 1))
    second = drafted(makers, [value("600")], DAY, date(2017, 10, 1), rules_text=RULES)
    done, changed = simulated(makers, run, first, second)
    assert done.problem == ""
    row = changed.filter(pl.col("household_id") == ill.pk).row(0, named=True)
    assert (row["fen_now"], row["fen_a"], row["fen_b"]) == (25000, 34000, 60000 * 2 - 87500)
    assert set(done.summary["sides"]) == {"now", "a", "b"}


def test_rules_that_cannot_be_compiled_end_it_with_the_fault(staff, makers):
    family(income=600)
    run = run_month(staff, SEPTEMBER, upto="calculate")
    proposal = drafted(
        makers, [value("600")], DAY, date(2017, 10, 1), rules_text=RULES.replace("cost_medical", "cost_medcal")
    )
    done, _ = simulated(makers, run, proposal)
    assert done.state == "failed"
    assert "cost_medcal" in done.problem


def test_the_frozen_results_serve_as_todays_side(staff, makers):
    """The same figures, whether today's side is taken from the run's lines or computed anew."""
    family(income=600)
    family(income=None, imported=True, amount_fen=30000, names=("丙某", "丙二"))
    run = run_month(staff, SEPTEMBER, upto="calculate")
    proposal = drafted(makers, [value("620")], DAY, date(2017, 9, 1))
    with_lines, _ = simulated(makers, run, proposal)
    with at(staff.prepare, DAY):
        type(run).objects.filter(pk=run.pk).update(rules={})
    anew, _ = simulated(makers, run, proposal)
    assert with_lines.summary["sides"] == anew.summary["sides"]
    assert anew.summary["sides"]["a"]["counts"]["open"] == 1  # carried from the roll: the rules have no answer


def test_back_pay_of_a_rise_that_comes_late(staff, makers):
    family(income=600)
    for month in (Month(2017, 7), Month(2017, 8)):
        run_month(staff, month, upto="approve")
    run = run_month(staff, SEPTEMBER, upto="calculate")
    proposal = drafted(makers, [value("620")], DAY, date(2017, 7, 1))
    done, _ = simulated(makers, run, proposal)
    assert done.summary["sides"]["a"]["back_fen"] == 9000 * 2


def test_a_standard_adopted_on_screen_in_june_pays_april_and_may_back(make_user, tmp_path, monkeypatch):
    """E31: 500 → 575 from April, adopted in June, two persons: 75 × 2 × 2 months, and the new amount from June."""
    staff, town = Staff(make_user), "420802001"
    makers = Makers(make_user, town, town)
    april, may, june = Month(2017, 4), Month(2017, 5), Month(2017, 6)
    with old_standard(tmp_path, monkeypatch):
        home = family(income=600)
        for month in (april, may):
            assert line(staff, run_month(staff, month), home).amount_fen == 400_00
        proposal = adopted(makers, [value("575", town)], date(2017, 6, 1), date(2017, 4, 1))
        with at(staff.prepare, date(2017, 6, 2)):
            opened = actions.open_adoption(proposal, acting_user=staff.prepare, place="420802", month=june)
            assert opened.state == "open"
        run = run_month(staff, june, upto="check")
        assert run.pk == opened.pk
        got = line(staff, run, home)
        assert (got.base_fen, got.back_pay_fen, got.amount_fen) == (550_00, 300_00, 850_00)
        with at(staff.check, LATER):
            account = {(one.for_month, one.amount_fen, one.cause) for one in Arrear.objects.filter(run=run)}
            causes = dict(LineDifference.objects.filter(run=run).values_list("cause", "amount_fen"))
        assert account == {(201704, 150_00, "standard_back"), (201705, 150_00, "standard_back")}
        assert causes == {"standard": 150_00, "standard_back": 300_00}
        balanced(staff, run)
        # It pays nothing before somebody else has approved it.
        with at(staff.prepare, date(2017, 6, 3)), pytest.raises(AccessDeniedError):
            actions.approve(run, acting_user=staff.prepare)
        run = run_month(staff, june)
        july = run_month(staff, Month(2017, 7), upto="calculate")
        assert line(staff, july, home).amount_fen == 550_00


def test_who_may_ask_and_what_must_be_there(staff, makers):
    family(income=600)
    run = run_month(staff, SEPTEMBER, upto="open")
    with at(makers.drafter, DAY):
        empty = standards.draft(acting_user=makers.drafter, place="420802", title="空方案", effective_on=DAY)
        with pytest.raises(RunInputError, match="还没有计算"):
            actions.ask_simulation(run, acting_user=makers.drafter, proposals=[empty])
    run = run_month(staff, SEPTEMBER, upto="calculate")
    with at(makers.drafter, DAY), pytest.raises(RunInputError, match="还没有填"):
        actions.ask_simulation(run, acting_user=makers.drafter, proposals=[empty])
    with at(makers.drafter, DAY), pytest.raises(RunInputError, match="一个或两个"):
        actions.ask_simulation(run, acting_user=makers.drafter, proposals=[])
    with at(staff.approve, DAY), pytest.raises(AccessDeniedError):
        actions.ask_simulation(run, acting_user=staff.approve, proposals=[empty])


@pytest.fixture(autouse=True)
def _files_again():
    yield
    rulebook.reload()
