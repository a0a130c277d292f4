"""A township confirms, the county files, draws, visits, finds otherwise, and the amount is put right from the next month."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, family
from spotkit import LATER, PERIOD, confirmed, differs, facts, filed, visited

from tuodi.decisions.corrections import correct_filed, corrections_of
from tuodi.decisions.errors import CorrectionError
from tuodi.people.models import RollEntry
from tuodi.verification.spot_actions import draw
from tuodi.verification.visit_errors import SpotCheckError


def test_what_the_county_finds_after_filing_is_put_right_by_the_township_once(make_user, db):
    office = Office("220103001001", make_user)
    household = family("220103001001")
    case = confirmed(office, household)
    county = office.county_review
    with at(county, LATER), pytest.raises(SpotCheckError, match="没有由乡镇（街道）确认、已备案"):
        draw(acting_user=county, percent=30, filed=True, **PERIOD)
    filed(office, case)
    with at(county, LATER), pytest.raises(SpotCheckError, match="没有规定抽查比例"):
        draw(acting_user=county, filed=True, **PERIOD)
    item = visited(office, make_user)
    early = facts(household, county, LATER, "21600.00")
    differs(office, item)
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
