"""Villages are found as offices write them, and never by a guess between two."""

from __future__ import annotations

from datetime import date

import pytest

from tuodi.intake.roster_places import CountyPlaces, county_in
from tuodi.intake.roster_reading import month_in
from tuodi.kernel.periods import Month
from tuodi.org.models import Place

pytestmark = pytest.mark.django_db
DAY = date(2017, 8, 1)


@pytest.mark.parametrize(
    ("town", "village", "region"),
    [
        ("城关街道", "南门社区", "420899001001"),
        ("城关街道办事处", "南门社区居委会", "420899001001"),
        ("城关", "南门社区居民委员会", "420899001001"),
        ("城关街道", "", "420899001000"),
        ("城关街道", "没有这个村", None),
        ("没有这个镇", "南门社区", None),
        ("河口镇", "南门社区", None),
    ],
)
def test_names_as_offices_write_them(town: str, village: str, region: str | None) -> None:
    assert CountyPlaces("420899", DAY).region(town, village) == region


def test_a_village_and_a_community_of_one_name_are_told_apart_by_kind() -> None:
    Place.objects.bulk_create(
        [Place(code="420899100301", name="新建村委会"), Place(code="420899100302", name="新建社区居委会")]
    )
    places = CountyPlaces("420899", DAY)
    assert places.region("河口镇", "新建村") == "420899100301"
    assert places.region("河口镇", "新建社区") == "420899100302"
    assert places.region("河口镇", "新建") is None


@pytest.mark.parametrize(
    ("title", "county"),
    [("荆门市东宝区城市低保花名册（2017年8月）", "420802"), ("沙洋县农村五保", "420822"), ("荆门市花名册", None)],
)
def test_the_county_is_read_from_the_title(title: str, county: str | None) -> None:
    assert county_in(title, "4208", DAY) == county


def test_the_month_is_read_from_title_or_name() -> None:
    assert month_in("荆门市东宝区城市低保花名册（2017年8月）") == Month(2017, 8)
    assert month_in("roster 2017-08.csv") == Month(2017, 8)
    assert month_in("花名册") is None
