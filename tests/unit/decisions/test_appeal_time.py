"""The time to appeal is one and the same for the roll's notices, the letters, the resident's page and the desk."""

from __future__ import annotations

from datetime import date

import pytest

from tuodi.decisions.appeal_time import days_to_appeal, last_day_to_appeal, last_day_to_sue
from tuodi.decisions.models import RollNotice

pytestmark = pytest.mark.django_db
PLACE = "420802001001"


def test_days_come_from_the_pack_and_a_last_day_off_moves_on() -> None:
    assert days_to_appeal(PLACE, date(2021, 5, 5)) == 60
    assert last_day_to_appeal(PLACE, date(2021, 5, 4)).on == date(2021, 7, 5)  # 3 July is a Saturday
    assert last_day_to_appeal(PLACE, date(2021, 5, 6)).on == date(2021, 7, 5)  # a Monday itself
    assert last_day_to_appeal(PLACE, date(2021, 5, 7)).on == date(2021, 7, 6)
    assert last_day_to_sue(PLACE, date(2021, 8, 31)) == date(2022, 2, 28)  # no 31 February: the month's end


def test_a_notice_of_the_roll_says_the_same_day_and_none_without_a_calendar() -> None:
    for known in (date(2021, 5, 4), date(2021, 5, 7)):
        notice = RollNotice(made_on=date(2021, 4, 30), delivered_on=known, appeal_days=days_to_appeal(PLACE, known))
        assert notice.appeal_until == last_day_to_appeal(PLACE, known).on
    assert RollNotice(made_on=date(2090, 1, 1), appeal_days=60).appeal_until is None
    assert last_day_to_appeal(PLACE, date(2090, 1, 1)).pending
