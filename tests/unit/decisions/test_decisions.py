"""Confirming, refusing, the roll, late facts, imported rolls. Figures are those of the worked examples."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from casekit import at, days, hire
from decisionkit import ACCEPTED, granted, investigated, to_confirm
from django.db import DatabaseError, connection, transaction

from tuodi.cases import queries as cases
from tuodi.cases.errors import DutySeparationError
from tuodi.decisions import actions, queries
from tuodi.decisions.appeal_time import last_day_of, last_day_to_appeal, told_days, told_on
from tuodi.decisions.errors import (
    DoubleBenefitError,
    NotDecidedError,
    NotEligibleError,
    ReasonsMissingError,
    RollConflictError,
    UnknownOutcomeError,
)
from tuodi.decisions.models import Determination
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.intake.errors import AlreadyOnRollError
from tuodi.people.models import HouseholdFacts, RollEntry


def on_day(office, day):
    return at(office.county_confirm, day)


# ---- notice, confirmation, refusal


def test_the_notice_shows_name_number_and_amount_and_nothing_else(office, household):
    case = investigated(office, household)
    with at(office.town_review, ACCEPTED):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意")
        notice = actions.post_notice(case, acting_user=office.town_review, phone="0724-0000000")
    assert set(notice.content) <= {
        "applicant_name", "member_count", "amount", "programme", "village", "period", "phone", "opinion",
    }  # fmt: skip
    assert (notice.content["applicant_name"], notice.content["member_count"]) == ("欧阳建", 3)
    assert notice.content["amount"] == "825.00"  # E01: 575 × 3 − 900


def test_confirmation_freezes_facts_rules_result_and_explanation(office, household):
    case, after = to_confirm(office, household)
    with on_day(office, after):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
    assert (row.outcome, row.amount_fen, row.components) == ("pass", 82_500, {"base": 82_500})
    assert (row.month, row.start_month, row.case_date) == (202110, 202110, after)
    assert row.fingerprint
    assert row.fact_set.sha256
    figures = {node["id"]: node["value"] for node in row.explanation["nodes"]}
    assert figures["dibao.n"] == "3"
    assert any(node["clause"].startswith("57-") for node in row.explanation["nodes"])


def test_a_determination_cannot_be_changed_even_by_the_owner(office, household, as_owner):
    granted(office, household)
    for statement in ("update decisions_determination set amount_fen = 1", "delete from decisions_determination"):
        with pytest.raises(DatabaseError), transaction.atomic(), as_owner(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_missing_facts_refuse_review_confirmation_and_refusal_and_are_named(office, household):
    case = investigated(office, household, {"income_year": "10800.00"})
    with at(office.town_review, ACCEPTED), pytest.raises(UnknownOutcomeError, match="家庭财产符合规定"):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意")
    with at(office.town_review, ACCEPTED):
        actions.first_review(case, acting_user=office.town_review, result="refuse", opinion="财产不清")
    with on_day(office, ACCEPTED), pytest.raises(UnknownOutcomeError, match="家庭财产符合规定"):
        actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
    with on_day(office, ACCEPTED), pytest.raises(UnknownOutcomeError):
        actions.refuse(case, acting_user=office.county_confirm, reasons="资料不全")


def test_income_at_the_standard_is_refused_in_writing_with_clause_and_appeal(office, household):
    # 575 × 3 × 12: per head exactly the standard, and 低于 does not include it.
    case, _ = to_confirm(office, household, {"income_year": "20700.00", "assets_ok": True}, result="refuse")
    with on_day(office, ACCEPTED):
        assert cases.open_step(case, "notice_review").state == "skipped"
        with pytest.raises(NotEligibleError, match="月人均收入不低于当地低保标准"):
            actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        with pytest.raises(ReasonsMissingError):
            actions.refuse(case, acting_user=office.county_confirm, reasons=" ")
        (row,) = actions.refuse(case, acting_user=office.county_confirm, reasons="收入核实")
        assert row.outcome == "fail"
        assert row.reasons.startswith("收入核实；月人均收入不低于当地低保标准（649-9）")
        assert "60 日内" in row.appeal
        with pytest.raises(NotDecidedError):
            put_on_roll(row, acting_user=office.county_confirm)
    handed = ACCEPTED + timedelta(days=4)
    with at(office.town_review, handed):
        assert (told_on(row), told_days([row])) == (None, {})
        actions.inform(case, acting_user=office.town_review, how="当面送达")
        case.refresh_from_db()
        assert case.state == "closed"
        # The time to appeal runs from the day the family was told, for every page and paper alike.
        assert told_days([row]) == {row.pk: handed}
        assert last_day_of(row, told_on(row)) == last_day_to_appeal(row.region, handed)


def test_who_accepted_cannot_confirm(office, household):
    with at(office.county_confirm, ACCEPTED):
        pass
    both = hire(office._make, "420802", "confirm")
    case, after = to_confirm(office, household)
    with at(both, after):
        from tuodi.cases.models import CaseHand

        CaseHand.objects.create(case=case, region=case.region, user=both, hand="accept")
        with pytest.raises(DutySeparationError):
            actions.confirm(case, acting_user=both, opinion="同意")
        assert not Determination.objects.exists()


# ---- the roll


def test_the_roll_begins_the_month_after_the_decision_and_facts_become_the_accepted_ones(office, household):
    row = granted(office, household)
    with on_day(office, ACCEPTED):
        entry = RollEntry.objects.get(household=household)
        assert (entry.start_month, entry.end_month, entry.amount_fen) == (202110, None, 82_500)
        assert (entry.determination_id, entry.category) == (row.pk, "urban")
        facts = HouseholdFacts.objects.get(household=household)
        assert (facts.valid_from, facts.income_year_fen, facts.assets_ok) == (date(2021, 10, 1), 1_080_000, True)


def test_put_twice_it_is_one_entry(office, household):
    row = granted(office, household)
    with on_day(office, days(ACCEPTED, 9)):
        put_on_roll(row, acting_user=office.county_confirm)
        assert RollEntry.objects.count() == 1


def test_a_family_on_the_roll_cannot_apply_again_and_is_told_what_to_do(office, household):
    granted(office, household)
    with at(office.town_accept, date(2021, 11, 1)), pytest.raises(AlreadyOnRollError, match="办理“变更”"):
        accept_application(acting_user=office.town_accept, household=household, programme="dibao")


def test_an_entry_in_the_same_months_is_refused(office, household):
    row = granted(office, household)
    with on_day(office, days(ACCEPTED, 9)):
        copy = Determination.objects.get(pk=row.pk)
        copy.pk, copy.no, copy.case = None, "420802-JD-X", None
        copy.save(force_insert=True)
        with pytest.raises(RollConflictError, match="请办理变更"):
            put_on_roll(copy, acting_user=office.county_confirm)


def test_a_member_who_became_tekun_meanwhile_is_not_assisted_twice(office, household):
    case, after = to_confirm(office, household)
    with on_day(office, after):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        member = household.memberships.order_by("id")[1].person
        RollEntry.objects.create(
            household=household, person=member, region=household.region, programme="tekun", category="urban",
            amount_fen=1, start_month=202110,
        )  # fmt: skip
        with pytest.raises(DoubleBenefitError, match=r"特困人员.*请先分户"):
            put_on_roll(row, acting_user=office.county_confirm)


# ---- recomputing


def test_an_old_decision_recomputes_to_the_same_fen_and_fingerprint(office, household):
    row = granted(office, household)
    with on_day(office, date(2026, 1, 5)):  # years later, other rules and standards in force
        found = queries.recompute(row)
        assert found.same
        assert (found.amount_fen, found.fingerprint, found.facts_intact) == (82_500, row.fingerprint, True)


def test_a_decision_that_no_longer_recomputes_says_so(office, household, tmp_path, monkeypatch):
    from tuodi.verification import rulebook

    row = granted(office, household)
    changed = "instruments:\n  假设: {title: x, number: '-', issuer: x, issued: 2018-01-01, in_force: 2018-01-01, kind: hypothetical}\n"
    changed += "---\npack: {place: '4208', programme: dibao}\nparameters:\n  standard:\n    values:\n"
    changed += "      - {place: '420802', area_kind: urban, from: 2018-01-01, value: 600, clause: 假设 一}\n"
    (tmp_path / "x.yaml").write_text(changed, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    with on_day(office, date(2026, 1, 5)):
        found = queries.recompute(row)
    rulebook.reload()
    assert not found.same
    assert found.amount_fen == 90_000  # 600 × 3 − 900
