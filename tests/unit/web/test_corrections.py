"""The page of corrections: the county enters what it found, the township decides, each sees the other's part and no more."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from casekit import Office, client_of, family
from spotkit import confirmed, differs, filed, visited

from tuodi.decisions.corrections import corrections_of
from tuodi.kernel import clock
from tuodi.org import access

pytestmark = pytest.mark.django_db
AFTER = date(2021, 10, 22)


def test_a_filed_decision_is_put_right_on_the_page_by_two_people(make_user: Any) -> None:
    office, household = Office("220103001001", make_user), family("220103001001")
    case = confirmed(office, household)
    filed(office, case)
    item = visited(office, make_user)
    differs(office, item)
    county, town = client_of(office.county_review), client_of(office.town_confirm)
    page = f"/corrections/{item.pk}/"
    with clock.frozen(AFTER):
        listed = county.get("/corrections/").content.decode()
        assert household.head.name in listed
        assert "收入少报一半" in listed
        assert "2201" not in page

        early = town.get(page).content.decode()
        assert "县级还没有按抽查所见核定事实" in early
        assert "作出纠正决定" not in early
        refused = county.post(page, {"do": "facts", "income": "", "assets": ""})
        assert "没有填写和原来不一致的内容" in refused.content.decode()
        assert county.post(page, {"do": "facts", "income": "21600", "assets": ""}).status_code == 303
        assert "作出纠正决定" not in county.get(page).content.decode(), "the county collects, it does not decide"

        ready = town.get(page).content.decode()
        assert "21600.00 元" in ready
        assert "690.00 元／月" in ready
        assert "定稿" in ready
        assert town.post(page, {"do": "correct", "reasons": ""}).status_code == 200
        assert town.post(page, {"do": "correct", "reasons": "县级抽查发现收入少报"}).status_code == 303
        with access.system_scope("cn"):
            (row,) = corrections_of(item)
        assert row.amount_fen == 69_000
        done = town.get(page).content.decode()
        assert "打印告知书" in done
        assert row.no in done
        assert town.get(f"/papers/determinations/{row.pk}.pdf").content[:5] == b"%PDF-"
        assert household.head.name not in county.get("/corrections/").content.decode()
        assert household.head.name in county.get("/corrections/?show=done").content.decode()

    elsewhere = client_of(Office("220102001001", make_user).county_review)
    with clock.frozen(AFTER):
        assert elsewhere.get(page).status_code == 404
        assert household.head.name not in elsewhere.get("/corrections/?show=all").content.decode()
