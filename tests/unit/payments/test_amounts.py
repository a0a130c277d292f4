"""Fault 27: thirds, three decimals and sums of a whole nation are whole fen, split to the last one, by the rounding the pack states."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from fundkit import Treasury, clean
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packkit import laid_over
from paykit import Staff, family, run_month

from tuodi.funds.ledger import share
from tuodi.kernel.money import MAX_FEN, format_yuan, split_exact
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments.models import PayLine

MAY = Month(2017, 5)
fen = st.integers(0, 10**16)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fen, st.lists(fen, max_size=6))
def test_what_is_drawn_of_sources_and_what_is_left_are_the_amount(amount: int, there: list[int]) -> None:
    drawn, rest = share(amount, [(f"s{n}", one) for n, one in enumerate(there)])
    assert sum(part for _, part in drawn) + rest == amount
    assert all(0 < part <= there[int(name[1:])] for name, part in drawn)
    assert rest == max(0, amount - sum(there))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fen, st.integers(1, 500))
def test_a_split_loses_no_fen_and_is_as_even_as_can_be(amount: int, among: int) -> None:
    parts = split_exact(amount, among)
    assert (sum(parts), len(parts)) == (amount, among)
    assert max(parts) - min(parts) <= 1
    assert split_exact(10 + 20, 3) == [10, 10, 10]


PACK = """pack: {place: "420802001", programme: dibao}
instruments:
  测试: {title: 测试, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  standard:
    values:
      - {place: "420802001", area_kind: urban, from: 2016-01-01, value: 533.335, clause: 测试}
  pay_unit: {place: "420802001", from: 2016-01-01, value: UNIT, clause: 测试}
  pay_mode: {place: "420802001", from: 2016-01-01, value: MODE, clause: 测试}
"""
#: Yuan a year of the family, and its members: a third, a seventh, and one that ends on half a fen.
FAMILIES = ((1000, 3), (777, 7), (1, 1), (3600, 2))


def due(yuan_a_year: int, members: int, unit: Fraction, mode: str) -> int:
    """(standard less income a head and month) times members, in fen, by the rounding: computed here with fractions alone."""
    exact = (Fraction("533.335") - Fraction(yuan_a_year, 12 * members)) * members / unit
    whole = exact.numerator // exact.denominator
    up = {"down": False, "up": exact > whole, "half_up": exact - whole >= Fraction(1, 2)}[mode]
    return int((whole + up) * unit * 100)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("unit", "mode"), [("0.01", "half_up"), ("0.1", "up")])
def test_thirds_and_three_decimals_end_as_whole_fen_by_the_stated_rounding(
    make_user, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unit: str, mode: str
) -> None:
    with laid_over(tmp_path, monkeypatch, PACK.replace("UNIT", unit).replace("MODE", mode)):
        staff, wanted = Staff(make_user), {}
        for yuan, members in FAMILIES:
            names = tuple("向刘欧袁周吴郑"[n] + "桂英" for n in range(members))
            home = family(names=names, income=None, income_year=f"{yuan}.00")
            wanted[home.pk] = due(yuan, members, Fraction(unit), mode)
        run = run_month(staff, MAY, upto="return")
        with system_scope("420802"):
            paid = dict(PayLine.objects.filter(run=run).values_list("household_id", "amount_fen"))
            assert {row.status for row in PayLine.objects.filter(run=run)} == {"paid"}
    assert paid == wanted
    assert run.amount_fen == sum(wanted.values())
    clean()


@pytest.mark.django_db(transaction=True)
def test_the_money_of_a_thousand_million_people_is_booked_and_said_exactly(make_user) -> None:
    """10^9 people at 5,000.01 yuan a month, and the largest amount there can be stays below what a sum can hold."""
    treasury = Treasury(make_user)
    whole = 10**9 * 5000  # yuan
    treasury.do("appropriation", whole)
    treasury.do("transfer", whole - 1, source="central", to_programme="tekun")
    assert treasury.held() == {"available": 100}
    assert treasury.held(programme="tekun") == {"available": (whole - 1) * 100}
    assert format_yuan((whole - 1) * 100) == "4,999,999,999,999.00"
    assert whole * 100 < MAX_FEN == 2**63 - 1
    clean()
