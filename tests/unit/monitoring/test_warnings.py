"""The early-warning chain: pushed, received, opened or dismissed; left lying, it climbs by working days."""

from __future__ import annotations

from datetime import date

import cluekit
import pytest
import watchkit
from casekit import at, hire
from paykit import family
from watchkit import batch, consent

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.monitoring import tasks, warning_actions, warning_queries
from tuodi.monitoring.models import Clue
from tuodi.monitoring.sweep_errors import WatchInputError, WatchStateError
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError

pytestmark = pytest.mark.django_db(transaction=True)
#: Monday.
PUSHED = date(2017, 9, 4)
SOURCES = {
    "vehicle": lambda p: watchkit.car(p),
    "social_insurance": lambda p: {"pension_kind": "employee", "monthly_pension_fen": 300_000, "insurer": "某局", "payment_base_fen": 0, "months_paid": 0},
    "housing_fund": lambda p: {"unit": "某单位", "fund_monthly_fen": 50_000},
    "estate": lambda p: {"cert_no": "鄂测0001", "use": "shop", "registered_on": date(2012, 1, 1)},
    "fiscal": lambda p: {"unit": "某局", "post": "科员", "payroll_kind": "staff"},
}  # fmt: skip


@pytest.fixture
def county(make_user):
    return hire(make_user, "420802", "verify", "clue_decide")


@pytest.fixture
def city(make_user):
    return hire(make_user, "4208", "supervise", "sweep")


@pytest.fixture
def warned():
    """One warning, pushed on a Monday."""
    home = family()
    consent(home)
    batch("vehicle", [watchkit.car(home.head)])
    with clock.frozen(PUSHED):
        tasks.sweep_arrivals()
    with system_scope("4208"):
        return Clue.objects.get()


def climb(day: date) -> list[str]:
    with clock.frozen(day):
        return [one.level for one in warning_actions.escalate("42")]


def test_each_of_the_five_sources_raises_a_warning_on_arrival(county):
    homes = {kind: family() for kind in SOURCES}
    consent(*homes.values())
    for kind, row in SOURCES.items():
        head = homes[kind].head
        batch(kind, [{"id": watchkit.number(head), "name": head.name, **row(head)}])
    with clock.frozen(PUSHED):
        assert len(tasks.sweep_arrivals()) == 1
    with at(county, PUSHED):
        found = list(warning_queries.warnings(county))
        assert {one.source for one in found} == set(SOURCES)
        assert {one.household_id for one in found} == {home.pk for home in homes.values()}
        assert warning_queries.warnings(county, unread_only=True).count() == 5


def test_a_sweep_by_hand_pushes_nothing_until_somebody_does(county, city, make_user):
    home = family()
    consent(home)
    batch("vehicle", [watchkit.car(home.head)])
    watchkit.sweep(watchkit.clerk(make_user), on=PUSHED)
    with at(county, PUSHED):
        assert list(warning_queries.warnings(county)) == []
        (clue,) = Clue.objects.all()
        with pytest.raises(WatchStateError, match="不是预警"):
            warning_actions.receive(clue, acting_user=county)
        with pytest.raises(AccessDeniedError):
            warning_actions.push(clue, acting_user=county)
    with at(city, PUSHED):
        warning_actions.push(clue, acting_user=city)
        warning_actions.push(clue, acting_user=city)
        assert clue.events.filter(kind="pushed").count() == 1


def test_the_first_receipt_counts(warned, county, make_user):
    other = hire(make_user, "420802", "verify")
    with at(county, PUSHED):
        warning_actions.receive(warned, acting_user=county)
    with at(other, date(2017, 9, 5)):
        row = warning_actions.receive(warned, acting_user=other)
    assert row.read_by_id == county.pk
    assert row.read_at.date() == PUSHED


def test_unread_past_three_working_days_it_climbs_and_after_five_more_again(warned, city):
    assert climb(date(2017, 9, 7)) == []  # the third working day
    assert climb(date(2017, 9, 8)) == ["PREF"]
    assert climb(date(2017, 9, 8)) == []
    assert climb(date(2017, 9, 15)) == []  # five working days after the climb
    assert climb(date(2017, 9, 18)) == ["PROV"]
    assert climb(date(2017, 12, 1)) == []  # nothing above
    with at(city, date(2017, 9, 18)):
        kinds = [(e.kind, e.note) for e in warned.events.order_by("id")]
        assert [kind for kind, _ in kinds] == ["raise", "pushed", "escalated", "escalated"]
        assert "未签收" in kinds[2][1]
        assert "市级" in kinds[2][1]
        assert AuditEntry.objects.filter(action="monitoring.warning_escalate").count() == 2
        (row,) = warning_queries.levels(city)
        assert (row.region, row.total, row.open, row.unread, row.province) == ("420802", 1, 1, 1, 1)
        assert [one.pk for one in warning_queries.warnings(city)] == [warned.pk]


def test_a_holiday_is_no_working_day():
    home = family()
    consent(home)
    batch("vehicle", [watchkit.car(home.head)])
    with clock.frozen(date(2017, 9, 29)):  # Friday before the October holiday; Saturday the 30th is worked
        tasks.sweep_arrivals()
    assert climb(date(2017, 10, 9)) == []
    assert climb(date(2017, 10, 10)) == []
    assert climb(date(2017, 10, 11)) == ["PREF"]


def test_received_it_climbs_only_past_its_deadline(warned, county):
    with at(county, date(2017, 9, 5)):
        warning_actions.receive(warned, acting_user=county)
    assert climb(date(2017, 9, 25)) == []
    assert climb(date(2017, 9, 26)) == ["PREF"]


def test_where_a_year_has_no_calendar_nothing_climbs(warned):
    with system_scope("4208"):
        Clue.objects.update(
            pushed_at=clock.BEIJING and warned.pushed_at.replace(year=2045), deadline=None, deadline_pending=True
        )
    assert climb(date(2045, 12, 1)) == []


def test_opened_it_is_the_ledgers(warned, make_user):
    hands = cluekit.Hands(make_user)
    with at(hands.verify, PUSHED):
        row = warning_actions.open_warning(warned, acting_user=hands.verify, responsible=hands.town)
    assert (row.state, row.responsible_id, row.read_by_id) == ("assigned", hands.town.pk, hands.verify.pk)


def test_dismissed_with_a_reason_it_counts_as_refuted(warned, county, make_user):
    town = hire(make_user, "420802001", "clue", "verify")
    with at(town, PUSHED), pytest.raises(AccessDeniedError):
        warning_actions.dismiss(warned, "车辆早已报废", acting_user=town)
    far = hire(make_user, "420804", "clue_decide")
    with at(far, PUSHED), pytest.raises(NotFoundError):
        warning_actions.dismiss(warned, "车辆早已报废", acting_user=far)
    with at(county, PUSHED):
        with pytest.raises(WatchInputError, match="理由"):
            warning_actions.dismiss(warned, " ", acting_user=county)
        row = warning_actions.dismiss(warned, "车辆早已报废", acting_user=county, why="ended")
        assert (row.state, row.verdict, row.refuted_why) == ("closed", "refuted", "ended")
        with pytest.raises(WatchStateError):
            warning_actions.dismiss(warned, "再来一次看看", acting_user=county)
        assert list(warning_queries.warnings(county)) == []
    assert climb(date(2017, 12, 1)) == []
