"""A rule weighed before it is changed: what it would have spared, and what it would have missed."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from casekit import at
from cluekit import FOUND, Hands, clue, home, taken_to

from tuodi.kernel.clock import BEIJING
from tuodi.monitoring import clue_figures
from tuodi.monitoring.errors import ClueInputError
from tuodi.monitoring.ledger import Wanted
from tuodi.monitoring.models import Hit, SweepRun
from tuodi.monitoring.tuning import tuning
from tuodi.org.access import system_scope
from tuodi.verification.models import DataSource, RegisterBatch

pytestmark = pytest.mark.django_db
EXEMPT_FARM = """pack: {place: "420802", programme: clues}
instruments:
  试行: {title: 测试用的试行办法, number: "-", issuer: 测试, issued: 2017-01-01, in_force: 2017-01-01, kind: hypothetical}
parameters:
  vehicle_exempt:
    values:
      - {place: "420802", from: 2017-01-01, value: [mobility, farm], clause: 试行}
"""


@pytest.fixture
def sweep() -> tuple[SweepRun, RegisterBatch]:
    noon = datetime(2017, 5, 4, 12, tzinfo=BEIJING)
    source = DataSource.objects.create(
        code="vehicle", kind="vehicle", place_code="4208", label="车辆", department="公安交管"
    )
    batch = RegisterBatch.objects.create(
        source=source, place_code="4208", batch_no="CL-1", profile="vehicle", as_of=FOUND, state="ready", received_at=noon,
        retain_until=date(2017, 8, 1),
    )  # fmt: skip
    with system_scope("42"):
        run = SweepRun.objects.create(
            region="420800000000",
            no="BD-4208-2017-0001",
            place_code="4208",
            trigger="manual",
            as_of=FOUND,
            opened_at=noon,
        )
    return run, batch


def vehicles(hands: Hands, sweep, kind: str, verdict: str, count: int, *, stale: bool = False) -> None:
    run, batch = sweep
    for number in range(count):
        family = home()
        data = {
            "plate": f"测{kind[0]}{verdict[0]}{number:04d}",
            "vehicle_kind": kind,
            "value_fen": "12,000.00",
            "registered_on": "2012-03-04",
        }
        with system_scope("42"):
            hit = Hit.objects.create(
                region=family.region, run=run, batch=batch, kind="vehicle", household=family, person=family.head,
                fact_key=data["plate"], fact_hash=data["plate"], row_hash=data["plate"], line_no=number, data=data, as_of=FOUND,
                stale=stale, name_state="same", check_state="ok",
            )  # fmt: skip
        one = clue(family, hit=hit, run=run, registered=data, fact=data["plate"])
        taken_to(hands, one, "confirmed", verdict=verdict)


def test_what_an_exemption_would_have_spared_and_missed(make_user, sweep) -> None:
    hands = Hands(make_user)
    vehicles(hands, sweep, "小型汽车", "confirmed", 2)
    vehicles(hands, sweep, "小型汽车", "refuted", 1)
    vehicles(hands, sweep, "农用车", "refuted", 4)
    vehicles(hands, sweep, "农用车", "confirmed", 1)
    taken_to(hands, clue(home()), "confirmed", verdict="refuted")  # reported by name: no register row
    taken_to(hands, clue(home()), "verifying")  # not answered yet
    with at(hands.county, FOUND):
        as_is = tuning(hands.county, "VEHICLE")
        assert (as_is.answered, as_is.judged, as_is.spared, as_is.missed, as_is.unknown) == (9, 8, 0, 0, 0)
        found = tuning(hands.county, "VEHICLE", change=EXEMPT_FARM)
    assert (found.confirmed, found.refuted, found.spared, found.missed) == (3, 5, 4, 1)
    assert (found.rate, found.rate_after) == (3 / 8, 2 / 3)


def test_what_dropping_stale_rows_would_have_saved(make_user, sweep) -> None:
    hands = Hands(make_user)
    vehicles(hands, sweep, "小型汽车", "confirmed", 1)
    vehicles(hands, sweep, "货车", "refuted", 3, stale=True)
    with at(hands.county, FOUND):
        found = tuning(hands.county, "VEHICLE", drop_stale=True)
        assert (found.spared, found.missed, found.rate_after) == (3, 0, 1.0)
        elsewhere = tuning(hands.county, "VEHICLE", drop_stale=True, wanted=Wanted(place="420802002"))
        assert (elsewhere.answered, elsewhere.rate_after) == (0, None)
        told = {row.code: row.share for row in clue_figures.reasons(hands.county, Wanted(rule="VEHICLE"))}
        assert told == {"sold": 1.0}


def test_a_change_that_is_no_pack_names_its_faults(make_user) -> None:
    hands = Hands(make_user)
    with at(hands.county, FOUND), pytest.raises(ClueInputError, match="规则修改不能使用"):
        tuning(hands.county, "VEHICLE", change="pack: {place: '420802'}\nrules: {nonsense: {formula: '1 +'}}\n")
