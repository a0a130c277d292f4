"""A township confirms, the county files, draws, visits, finds otherwise, and the amount is put right from the next month."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from casekit import Office, at, family, hire
from fieldkit import answers, signed

from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.decisions import actions as decisions
from tuodi.decisions.corrections import correct_filed, corrections_of
from tuodi.decisions.errors import CorrectionError
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.people.models import RollEntry
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.queries import latest_frozen
from tuodi.verification.spot_actions import draw, enter_result, plan_item
from tuodi.verification.visit_actions import VisitForm, submit_visit
from tuodi.verification.visit_errors import SpotCheckError

DAY, LATER = date(2021, 9, 10), date(2021, 10, 20)
PERIOD = {"programme": "dibao", "since": date(2021, 9, 1), "until": date(2021, 9, 30)}


def facts(household, user, day, income, case=None):
    with at(user, day):
        base = None if case else latest_frozen(household)
        draft = start_fact_set(acting_user=user, household=household, case=case, base=base)
        enter_facts(draft, acting_user=user, household={"income_year": income, "assets_ok": True})
        return freeze(draft, acting_user=user)


def confirmed(office, household):
    """宽城: reviewed in the village, confirmed in the town; not filed yet."""
    with at(office.town_accept, DAY):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    with at(office.county_review, DAY):
        cases.complete_step(queries.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, DAY):
        cases.complete_step(
            queries.open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
    facts(household, office.town_review, DAY, "10800.00", case)
    with at(office.village_review, DAY):
        decisions.first_review(case, acting_user=office.village_review, result="pass", opinion="同意")
    with at(office.town_confirm, DAY):
        (row,) = decisions.confirm(case, acting_user=office.town_confirm, opinion="同意")
        put_on_roll(row, acting_user=office.town_confirm)
    return case


def test_what_the_county_finds_after_filing_is_put_right_by_the_township_once(make_user, db):
    office = Office("220103001001", make_user)
    household = family("220103001001")
    case = confirmed(office, household)
    county = office.county_review
    with at(county, LATER), pytest.raises(SpotCheckError, match="没有由乡镇（街道）确认、已备案"):
        draw(acting_user=county, percent=30, filed=True, **PERIOD)
    with at(office.county_file, DAY):
        decisions.file_record(case, acting_user=office.county_file)
    with at(county, LATER):
        with pytest.raises(SpotCheckError, match="没有规定抽查比例"):
            draw(acting_user=county, filed=True, **PERIOD)
        check = draw(acting_user=county, percent=30, filed=True, **PERIOD)
        (item,) = check.items.all()
        two = (hire(make_user, "220103", "visit"), hire(make_user, "220103", "visit"))
        task = plan_item(item, acting_user=county, assigned=two)
    with at(two[0], LATER):
        seen = answers(income_year={"fit": "differ", "seen": "21,600"})
        form = VisitForm(
            answers=seen, conclusion="differs", opinion="年收入 21600 元", investigators=two, started_at=clock.now()
        )
        submit_visit(task, form, [], signed(*two), acting_user=two[0])
    early = facts(household, county, LATER, "21600.00")
    with clock.frozen(datetime(2021, 10, 20, 15, 0, tzinfo=clock.BEIJING)):
        from tuodi.org.access import scope

        with scope(county):
            item.refresh_from_db()
            enter_result(item, acting_user=county, agrees=False, note="收入少报一半")
    found = facts(household, county, date(2021, 10, 21), "21600.00")
    with at(office.town_confirm, date(2021, 10, 22)):
        with pytest.raises(CorrectionError, match="抽查之前定稿"):
            correct_filed(item, early, acting_user=office.town_confirm, reasons="按抽查")
        row = correct_filed(item, found, acting_user=office.town_confirm, reasons="县级抽查发现收入少报")
        assert (row.amount_fen, row.start_month) == (83_000 * 3 - 180_000, 202111)
        assert list(corrections_of(item)) == [row]
        spans = RollEntry.objects.order_by("start_month").values_list("start_month", "end_month", "amount_fen")
        assert list(spans) == [(202110, 202110, 159_000), (202111, None, 69_000)]
        with pytest.raises(CorrectionError, match="已按这次抽查纠正过"):
            correct_filed(item, found, acting_user=office.town_confirm, reasons="再来一次")
