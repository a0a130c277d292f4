"""A family is suspended over a car that turns out to be another man's: held in one month's run, paid back in the next."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from cluekit import Hands, clue, home, taken_to
from paykit import LATER, Staff, balanced, line, run_month

from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring import clue_figures
from tuodi.payments import queries

pytestmark = pytest.mark.django_db(transaction=True)
MAY, JUNE, JULY, AUGUST = (Month(2017, n) for n in (5, 6, 7, 8))


def test_held_in_june_refuted_and_paid_back_in_july_to_the_fen(make_user) -> None:
    staff, hands = Staff(make_user), Hands(make_user)
    family, neighbour = home(income=433), home(income=600)
    may = run_month(staff, MAY)
    drawn = line(staff, may, family).amount_fen
    assert drawn == 717_00  # (575 − 216.50) × 2
    one = taken_to(hands, clue(family, monthly_fen=drawn), "suspended", day=date(2017, 5, 22))

    june = run_month(staff, JUNE)
    held = line(staff, june, family)
    assert (held.held, held.status, held.held_note.startswith(f"告知书 {one.notice_no}")) == ("suspended", "held", True)
    assert line(staff, june, neighbour).status == "paid"
    with at(staff.check, LATER):
        assert {row.cause: row.amount_fen for row in queries.difference_tree(june)} == {"clue": -drawn}

    with at(hands.county, date(2017, 6, 26)):
        ledger.add_evidence(
            one, kind="register", title="车管所更正函", text="号码录错一位，车主另有其人", acting_user=hands.county
        )
        one = ledger.refute(
            one, refuted_why="namesake", conclusion="车管所更正：车主另有其人", acting_user=hands.county
        )
    assert (one.state, one.verdict) == ("closed", "refuted")

    july = run_month(staff, JULY)
    got = line(staff, july, family)
    assert (got.base_fen, got.back_pay_fen, got.offset_fen, got.amount_fen, got.status) == (
        drawn, drawn, 0, 2 * drawn, "paid",
    )  # fmt: skip
    with at(staff.check, LATER):
        (back,) = july.arrears.all()
        assert (back.for_month, back.amount_fen, back.cause) == (201706, drawn, "resumed")
        tree = {row.cause: row.amount_fen for row in queries.difference_tree(july)}
    assert tree == {"resumed": drawn, "back": drawn}

    august = run_month(staff, AUGUST)
    assert line(staff, august, family).amount_fen == drawn
    for run in (june, july, august):
        balanced(staff, run)
    with at(hands.county, LATER):
        total = clue_figures.report_total(hands.county)
        assert [check for check in clue_figures.balance(hands.county) if not check.ok] == []
    assert (total.found, total.refuted, total.suspended, total.held_now) == (1, 1, 1, 0)
