"""A county that goes on by itself after a run of its whole prefecture, whose run it may not see, looks back at its lines all the same."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from paykit import LATER, Staff, balanced, family, line, run_month

from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions
from tuodi.payments.errors import EarlierRunError
from tuodi.payments.models import PayRun
from tuodi.people.facts import put_facts

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_county_pays_back_what_the_prefectures_month_fell_short(make_user) -> None:
    whole, county = Staff(make_user, "4208"), Staff(make_user)
    home = family()
    may = run_month(whole, Month(2017, 5), place="4208")
    was = line(whole, may, home).amount_fen
    with system_scope("420802"):
        told = {"area_kind": "urban", "assets_ok": True, "income_year": "4800.00"}
        put_facts(home, {"household": told, "members": []}, date(2017, 5, 1))
    june = run_month(county, Month(2017, 6))
    paid = line(county, june, home)
    # 200.00 less of income a month, in May as in June: 600.00 a month were counted, 400.00 are so.
    assert (paid.base_fen - was, paid.back_pay_fen) == (200_00, 200_00)
    balanced(county, june)
    with at(county.check, LATER):
        assert not PayRun.objects.filter(pk=may.pk).exists()  # its sums are the prefecture's alone
        assert {one.cause for one in june.differences.all()} == {"income", "back"}


def test_a_month_the_prefecture_has_in_hand_comes_first(make_user) -> None:
    whole, county = Staff(make_user, "4208"), Staff(make_user)
    family()
    run_month(whole, Month(2017, 5), place="4208", upto="calculate")
    with at(county.prepare, date(2017, 6, 2)):
        run = actions.open_run(acting_user=county.prepare, place="420802", month=Month(2017, 6))
        with pytest.raises(EarlierRunError, match="FF-4208-201705"):
            actions.calculate(run, acting_user=county.prepare)
