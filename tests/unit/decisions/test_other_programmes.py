"""Programmes beside dibao and tekun, each walked under its own procedure: rigid expenses, edge families, children."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, family
from decisionkit import collected

from tuodi.cases import procedures, queries
from tuodi.cases.actions import complete_step
from tuodi.decisions import actions
from tuodi.decisions.errors import NotEligibleError, UnknownOutcomeError
from tuodi.decisions.models import Determination
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.org.access import system_scope
from tuodi.people.models import RollEntry
from tuodi.verification import rulebook
from tuodi.verification.actions import enter_facts, freeze, start_fact_set

VILLAGE = "420802001001"
#: Income 12,000 a year for three; the line of expenses 60 %: 7,200.
GX_DAY, FACTS = date(2025, 3, 10), {"income_year": "36000.00", "assets_ok": True}


@pytest.fixture
def figures(tmp_path, monkeypatch):
    """What the nation leaves to the place: the share of rigid expenses, income per head, standards for children."""
    text = """pack: {place: "420802"}
instruments:
  测试数值: {title: 测试用的数值, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  rigid_expense.ratio: {from: 2016-01-01, value: 60%, clause: 测试数值}
  profile.disposable_income: {from: 2016-01-01, value: 20000, clause: 测试数值}
  child.standard:
    values:
      - {child_form: family_care, from: 2016-01-01, value: 1300, clause: 测试数值}
      - {child_form: institution, from: 2016-01-01, value: 1900, clause: 测试数值}
"""
    (tmp_path / "figures.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    rulebook.reload()
    procedures.reload()
    yield
    monkeypatch.delenv("TUODI_POLICIES")
    rulebook.reload()
    procedures.reload()


@pytest.fixture
def village() -> str:
    return VILLAGE


def looked_at(office: Office, household, programme: str, on: date):
    """Accepted, checked and visited; its facts are still to come."""
    with at(office.town_accept, on):
        case = accept_application(acting_user=office.town_accept, household=household, programme=programme).case
    with at(office.county_review, on):
        complete_step(queries.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, on):
        complete_step(
            queries.open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
    return case


def test_a_family_with_rigid_expenses_is_recognised_for_twelve_months(office, household, figures):
    case = looked_at(office, household, "rigid_expense", GX_DAY)
    assert case.procedure.key == "rigid_expense_gx"
    assert case.procedure.total_limit().n == 30
    assert case.procedure.total_limit(["hard"]).n == 45
    assert not [step for step in case.procedure.steps if step.does == "notice"]  # recognition alone is not put up
    collected(office, household, case, {**FACTS, "cost_medical": "21600.00"}, GX_DAY)
    with at(office.town_review, GX_DAY), pytest.raises(NotEligibleError, match="比例没有超出当地规定"):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="拟认定")
    collected(office, household, case, {**FACTS, "cost_medical": "21600.01"}, GX_DAY)
    with at(office.town_review, GX_DAY):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="拟认定")
    with at(office.county_confirm, date(2025, 3, 20)):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="认定")
        put_on_roll(row, acting_user=office.county_confirm)
        case.refresh_from_db()
        assert (row.outcome, row.amount_fen, row.start_month, row.end_month) == ("pass", None, 202504, 202603)
        assert case.closed_on is not None
        entry = RollEntry.objects.get(programme="rigid_expense")
        assert (entry.start_month, entry.end_month) == (202504, 202603)


def test_without_the_place_s_figures_it_is_said_which_are_missing(office, household):
    case = looked_at(office, household, "rigid_expense", GX_DAY)
    collected(office, household, case, {**FACTS, "cost_medical": "30000.00"}, GX_DAY)
    with at(office.town_review, GX_DAY), pytest.raises(UnknownOutcomeError, match="刚性支出占收入比例线"):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="拟认定")


def test_a_refusal_is_told_in_writing_with_its_reasons(office, household, figures):
    case = looked_at(office, household, "rigid_expense", GX_DAY)
    collected(office, household, case, {**FACTS, "cost_medical": "100.00"}, GX_DAY)
    with at(office.town_review, GX_DAY):
        actions.first_review(case, acting_user=office.town_review, result="refuse", opinion="占比不够")
    with at(office.county_confirm, GX_DAY):
        (row,) = actions.refuse(case, acting_user=office.county_confirm, reasons="占比不够")
        assert "GX" in row.reasons or "刚性支出" in row.reasons
    with at(office.town_review, GX_DAY):
        step = actions.inform(case, acting_user=office.town_review, how="当面送达")
        assert step.data["determination"] == row.no
        case.refresh_from_db()
        assert case.closed_on == GX_DAY


def test_an_edge_family_is_recognised_and_gets_no_money(office, household):
    """Standard 575, line 862.50: 800 a head is between."""
    day = date(2021, 9, 13)
    case = looked_at(office, household, "edge", day)
    collected(office, household, case, {"income_year": "28800.00", "assets_ok": True}, day)
    with at(office.town_review, day):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="拟认定")
        actions.post_notice(case, acting_user=office.town_review)
    with at(office.town_review, date(2021, 9, 21)):
        actions.close_notice(case, acting_user=office.town_review)
    with at(office.county_confirm, date(2021, 9, 21)):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="认定")
        put_on_roll(row, acting_user=office.county_confirm)
        assert (row.outcome, row.amount_fen, row.end_month) == ("pass", None, None)


def test_a_child_s_case_ends_with_a_decision_for_the_child_and_no_notice(office, figures):
    home, day = family(VILLAGE, names=("欧阳建", "单晓月", "欧阳春")), date(2021, 9, 13)
    with system_scope(VILLAGE[:6]):
        child = home.memberships.get(relation="child").person
    case = looked_at(office, home, "child", day)
    assert case.procedure.key == "child_common"
    with at(office.town_review, day):
        draft = start_fact_set(acting_user=office.town_review, household=home, case=case)
        enter_facts(
            draft,
            acting_user=office.town_review,
            household={"assets_ok": True},
            members={child.pk: {"is_unattended": True, "child_form": "family_care"}},
        )
        freeze(draft, acting_user=office.town_review)
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="拟确认")
    with at(office.county_confirm, day):
        rows = actions.confirm(case, acting_user=office.county_confirm, opinion="确认")
        (granted,) = [row for row in rows if row.outcome == "pass"]
        put_on_roll(granted, acting_user=office.county_confirm)
        assert (granted.person_id, granted.amount_fen, granted.start_month) == (child.pk, 130_000, 202110)
    with system_scope(VILLAGE[:6]):
        assert not Determination.objects.filter(programme="child", outcome="pass").exclude(person=child).exists()
        entry = RollEntry.objects.get(programme="child")
        assert (entry.person_id, entry.amount_fen) == (child.pk, 130_000)
