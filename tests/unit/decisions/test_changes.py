"""Late facts, gradual exit, a rise loaded late, persons decided one by one. Figures are those of the worked examples."""

from __future__ import annotations

from datetime import date

import pytest
from carekit import assessed
from casekit import Office, at, family, hire
from decisionkit import FACTS, changed_facts, granted, imported

from tuodi.cases import queries as cases
from tuodi.cases.actions import complete_step
from tuodi.cases.errors import DutySeparationError
from tuodi.decisions import actions, queries
from tuodi.decisions.changes import record_change
from tuodi.decisions.errors import LaterDecisionError, NothingInForceError
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.kernel.periods import Month
from tuodi.people.models import HouseholdFacts, RollEntry
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models.self_care import ITEMS


def test_a_late_death_holds_from_the_month_after_and_leaves_the_old_decision_alone(office, db):
    """E32: 575; two persons; member died 2017-03-18, told in June: from April 575 − 400 = 175."""

    from tuodi.people.actions import record_death
    from tuodi.verification.models import FactSet

    household = family("420802001001", names=("欧阳建", "单晓月"))
    old = imported(household, amount_fen=75_000, start=201704)
    told = date(2017, 6, 6)
    with at(office.town_review, told):
        spouse = household.memberships.last().person
        record_death(acting_user=None, person=spouse, died_on=date(2017, 3, 18))
        draft = start_fact_set(acting_user=office.town_review, household=household)
        enter_facts(draft, acting_user=office.town_review, household={"income_year": "4800.00", "assets_ok": True})
        facts = freeze(draft, acting_user=office.town_review)
        assert len(facts.person_ids) == 1
    with at(office.county_confirm, told):
        row = record_change(
            facts,
            acting_user=office.county_confirm,
            programme="dibao",
            effective=Month(2017, 4),
            cause="death",
            reasons="成员 2017-03-18 死亡",
        )
        assert (row.amount_fen, row.start_month, row.follows_id) == (17_500, 201704, old.pk)
        old.refresh_from_db()
        assert (old.amount_fen, old.end_month) == (75_000, None)
        (entry,) = RollEntry.objects.filter(household=household)
        assert (entry.start_month, entry.amount_fen, entry.determination_id) == (201704, 17_500, row.pk)
        assert FactSet.objects.count() == 1


def test_more_income_lowers_the_amount_and_the_comparison_names_the_cause(office, household):
    granted(office, household)
    facts = changed_facts(office, household, date(2021, 12, 6), income_year="14400.00")
    with at(office.county_confirm, date(2021, 12, 7)):
        row = record_change(
            facts, acting_user=office.county_confirm, programme="dibao", effective=Month(2022, 1), cause="income",
            reasons="新增打零工收入",
        )  # fmt: skip
        assert row.amount_fen == 52_500  # 575 × 3 − 1200
        spans = list(RollEntry.objects.order_by("start_month").values_list("start_month", "end_month", "amount_fen"))
        assert spans == [(202110, 202112, 82_500), (202201, None, 52_500)]
        found = queries.what_changed(household, Month(2022, 1))
        assert (found.before_fen, found.after_fen, found.difference_fen) == (82_500, 52_500, -30_000)
        assert found.cause == "income"
        assert any(change.leaf and change.label == "核定的家庭年收入（扣减前）" for change in found.changes)
        assert queries.what_changed(household, Month(2021, 12)).difference_fen == 0


def change(office, facts, effective, on, **more):
    with at(office.county_confirm, on):
        return record_change(
            facts, acting_user=office.county_confirm, programme="dibao", effective=effective, cause="income",
            reasons="收入变化", **more,
        )  # fmt: skip


def spans(office):
    with at(office.county_confirm, date(2022, 6, 1)):
        rows = RollEntry.objects.order_by("start_month")
        return list(rows.values_list("start_month", "end_month", "amount_fen"))


def test_a_change_never_runs_over_a_later_decision(office, household):
    granted(office, household)
    day = date(2022, 3, 7)
    change(office, changed_facts(office, household, day, income_year="14400.00"), Month(2022, 3), day)
    earlier = changed_facts(office, household, day, income_year="12000.00")
    with pytest.raises(LaterDecisionError, match=r"2022-03 起已有更晚的决定.*止于 2022-02"):
        change(office, earlier, Month(2022, 1), day)
    with pytest.raises(LaterDecisionError):
        change(office, earlier, Month(2022, 1), day, last=Month(2022, 3))
    row = change(office, earlier, Month(2022, 1), day, last=Month(2022, 2))
    assert (row.start_month, row.end_month, row.amount_fen) == (202201, 202202, 72_500)
    assert spans(office) == [(202110, 202112, 82_500), (202201, 202202, 72_500), (202203, None, 52_500)]
    with at(office.county_confirm, day):
        facts = HouseholdFacts.objects.order_by("valid_from").values_list("valid_from", "income_year_fen")
        assert list(facts) == [
            (date(2021, 10, 1), 1_080_000),
            (date(2022, 1, 1), 1_200_000),
            (date(2022, 3, 1), 1_440_000),
        ]


def test_a_bounded_change_lets_the_old_amount_go_on_after_it(office, household):
    granted(office, household)
    day = date(2022, 3, 7)
    facts = changed_facts(office, household, day, income_year="12000.00")
    change(office, facts, Month(2022, 1), day, last=Month(2022, 2))
    assert spans(office) == [(202110, 202112, 82_500), (202201, 202202, 72_500), (202203, None, 82_500)]
    with at(office.county_confirm, day):
        assert queries.what_changed(household, Month(2022, 3)).difference_fen == 10_000
        latest = HouseholdFacts.objects.latest("valid_from")
        assert (latest.valid_from, latest.income_year_fen) == (date(2022, 3, 1), 1_080_000)


def test_a_member_who_left_between_facts_and_entry_does_not_block_the_roll(office, household):
    from decisionkit import ACCEPTED, to_confirm

    from tuodi.people.actions import remove_member

    case, after = to_confirm(office, household)
    with at(office.county_confirm, after):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        spouse = household.memberships.order_by("id")[1].person
        remove_member(acting_user=None, household=household, person=spouse, on=ACCEPTED)
        assert put_on_roll(row, acting_user=office.county_confirm).amount_fen == 82_500


def test_late_facts_may_be_of_an_earlier_day_with_the_members_of_that_day(office, household):
    from tuodi.people.actions import remove_member

    with at(office.town_review, date(2021, 12, 6)):
        spouse = household.memberships.order_by("id")[1].person
        remove_member(acting_user=None, household=household, person=spouse, on=date(2021, 11, 15))
        now = start_fact_set(acting_user=office.town_review, household=household)
        then = start_fact_set(acting_user=office.town_review, household=household, on=date(2021, 11, 1))
        assert (len(now.person_ids), len(then.person_ids)) == (2, 3)
        assert then.as_of == date(2021, 11, 1)


def test_income_over_the_standard_stops_from_the_month_said(office, household):
    granted(office, household)
    facts = changed_facts(office, household, date(2021, 12, 6), income_year="30000.00")
    with at(office.county_confirm, date(2021, 12, 7)):
        row = record_change(
            facts, acting_user=office.county_confirm, programme="dibao", effective=Month(2022, 1), cause="income",
            reasons="子女就业",
        )  # fmt: skip
        assert (row.outcome, row.start_month) == ("fail", 202201)
        assert "月人均收入不低于" in row.reasons
        (entry,) = RollEntry.objects.all()
        assert entry.end_month == 202112
        assert queries.in_force(household, "dibao", Month(2022, 1)) is None
        assert queries.in_force(household, "dibao", Month(2021, 12)) is not None
        with pytest.raises(NothingInForceError):
            queries.what_changed(household, Month(2022, 3))


def test_who_collected_the_facts_of_a_change_cannot_decide_it(office, household):
    granted(office, household)
    facts = changed_facts(office, household, date(2021, 12, 6), income_year="14400.00")
    both = hire(office._make, "420802", "confirm", "review")
    with at(both, date(2021, 12, 7)):
        draft = start_fact_set(acting_user=both, household=household, base=facts)
        own = freeze(draft, acting_user=both)
        with pytest.raises(DutySeparationError, match="不能再由您确认"):
            record_change(
                own, acting_user=both, programme="dibao", effective=Month(2022, 1), cause="income", reasons="复核"
            )


def test_gradual_exit_keeps_the_old_amount_for_six_months(make_user, db):
    """E08 in 宽城: 830; two persons had 600.00; new income 2400 a month, decided 2021-05-20; paid to 2021-11."""
    village = "220103001001"
    office, household = Office(village, make_user), family(village, names=("欧阳建", "单晓月"))
    imported(household, amount_fen=60_000, start=202101)
    with at(office.town_review, date(2021, 5, 19)):
        draft = start_fact_set(acting_user=office.town_review, household=household)
        enter_facts(draft, acting_user=office.town_review, household={"income_year": "28800.00", "assets_ok": True})
        facts = freeze(draft, acting_user=office.town_review)
    with at(office.town_confirm, date(2021, 5, 20)):
        row = record_change(
            facts, acting_user=office.town_confirm, programme="dibao", effective=Month(2021, 6), cause="income",
            reasons="就业",
        )  # fmt: skip
        assert (row.outcome, row.amount_fen, row.components) == ("pass", 60_000, {"grace": 60_000})
        assert (row.start_month, row.end_month) == (202106, 202111)
        spans = list(RollEntry.objects.order_by("start_month").values_list("start_month", "end_month", "amount_fen"))
        assert spans == [(202101, 202105, 60_000), (202106, 202111, 60_000)]
        assert HouseholdFacts.objects.latest("valid_from").extra["paid_until"] == "2021-11-30"
        assert queries.in_force(household, "dibao", Month(2021, 12)) is None


def test_a_month_without_news_shows_no_change(office, db):
    from tuodi.people.facts import put_facts

    household = family("420802001001")
    imported(household, amount_fen=82_500, start=201704)
    with at(office.town_review, date(2017, 6, 1)):
        put_facts(household, {"household": {"income_year": "10800", "assets_ok": True}}, date(2017, 1, 1))
        found = queries.what_changed(household, Month(2017, 5))
        assert (found.before_fen, found.after_fen, found.changes) == (82_500, 82_500, ())
        assert found.cause == ""


EARLIER = """\
instruments:
  假设: {title: 假设的较早标准, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
---
pack: {place: "4208", programme: dibao}
parameters:
  standard:
    values:
      - {place: "420802", area_kind: urban, from: 2016-01-01, value: 500, clause: 假设 一}
"""


@pytest.fixture
def earlier_standard(tmp_path, monkeypatch):
    """An overlay with a standard of 500 before the 575 of 2017-04-01."""
    from tuodi.cases import procedures
    from tuodi.verification import rulebook

    (tmp_path / "earlier.yaml").write_text(EARLIER, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    yield
    procedures.reload()
    rulebook.reload()


def test_a_rise_that_was_loaded_late_holds_from_its_month(office, household, earlier_standard):
    """E31: 500 → 575 from 2017-04-01, loaded in June; two persons of three here: 75 × 3 a month."""
    imported(household, amount_fen=60_000, start=201607)
    with at(office.town_review, date(2017, 6, 1)):
        draft = start_fact_set(acting_user=None, household=household)
        facts = freeze(enter_facts(draft, acting_user=None, household=FACTS), acting_user=None)
    with at(office.county_confirm, date(2017, 6, 5)):
        row = record_change(
            facts, acting_user=None, programme="dibao", effective=Month(2017, 4), cause="standard",
            reasons="标准从 2017-04-01 起提高",
        )  # fmt: skip
        assert (row.amount_fen, row.start_month, row.decided_by) == (82_500, 201704, None)
        spans = list(RollEntry.objects.order_by("start_month").values_list("start_month", "end_month", "amount_fen"))
        assert spans == [(201607, 201703, 60_000), (201704, None, 82_500)]
        found = queries.what_changed(household, Month(2017, 4))
        assert found.cause == "standard"
        found = queries.explain_month(household, "dibao", Month(2017, 4)).explain().to_json()
        standard = next(node for node in found["nodes"] if node["id"].startswith("dibao.standard"))
        assert standard["clause"].startswith("荆门2017")


def test_tekun_decides_and_enters_each_person_by_himself(make_user, db):
    """云南 2021: centralised, six items failed: 832 + 835; a second member of 40 with work is refused."""
    from tuodi.people.actions import form_household, register_person

    office = Office("530102001001", make_user)
    from tuodi.org.access import system_scope

    with system_scope("530102"):
        old, young = (
            register_person(acting_user=None, region="530102001001", name=name, birth=birth, is_demo=True)
            for name, birth in (("仇老", date(1950, 1, 1)), ("仇小", date(1980, 1, 1)))
        )
        household = form_household(
            acting_user=None, region="530102001001", head=old, area_kind="rural", on=date(2015, 1, 1),
            members=[(young, "sibling")],
        )  # fmt: skip
    day = date(2021, 8, 2)
    with at(office.town_accept, day):
        case = accept_application(acting_user=office.town_accept, household=household, programme="tekun").case
    with at(office.county_review, day):
        complete_step(cases.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, day):
        complete_step(
            cases.open_step(case, "visit"), acting_user=office.town_review, people=[office.town_visit], opinion="属实"
        )
        draft = start_fact_set(acting_user=office.town_review, household=household, case=case)
        common = {"own_income_year": "0", "supporters_listed": True, "support_form": "centralised"}
        enter_facts(
            draft,
            acting_user=office.town_review,
            household={"assets_ok": True},
            members={
                old.pk: common,
                young.pk: {**common, "assessed_self_care": "able"},
            },
        )
        freeze(draft, acting_user=office.town_review)
    assessed(office, household, case, failed=tuple(ITEMS), on=day)
    with at(office.county_review, day):
        complete_step(cases.open_step(case, "self_care"), acting_user=office.county_review)
    with at(office.town_review, day):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意")
        notice = actions.post_notice(case, acting_user=office.town_review)
        assert "amount" not in notice.content  # 43 lists none
    with at(office.town_review, date(2021, 8, 10)):
        actions.close_notice(case, acting_user=office.town_review)
    with at(office.county_visit, date(2021, 8, 10)):
        from tuodi.cases.actions import skip_step

        skip_step(cases.open_step(case, "spot_check"), acting_user=office.county_visit, reason="未抽中")
    with at(office.county_confirm, date(2021, 8, 11)):
        rows = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        found = {row.person_id: (row.outcome, row.amount_fen) for row in rows}
        assert found == {old.pk: ("pass", 166_700), young.pk: ("fail", None)}
        entry = put_on_roll(rows[0], acting_user=office.county_confirm)
        assert (entry.person_id, entry.form, entry.self_care) == (old.pk, "centralised", "complete_loss")
        assert queries.explain_month(household, "tekun", Month(2021, 9), person=old).rows[0].amount_fen == 166_700
