"""One clue from its generation to close-out: a car at a dibao family, suspended first, stopped, recovered, looked after."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, days, hire
from cluekit import Hands, clue, determined, home, taken_to
from paykit import LATER, Staff, balanced, line, run_month

from tuodi.decisions.models import Determination, Suspension
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring import clue_figures, watch
from tuodi.monitoring.models import WatchEntry
from tuodi.monitoring.recovery import proposal
from tuodi.payments import queries as money
from tuodi.payments.models import PayLine
from tuodi.verification.actions import enter_facts, freeze, start_fact_set

pytestmark = pytest.mark.django_db(transaction=True)
APRIL, MAY, JUNE, JULY = (Month(2017, n) for n in (4, 5, 6, 7))


def test_a_clue_from_its_generation_to_close_out(make_user) -> None:
    staff, hands = Staff(make_user), Hands(make_user)
    hands.county = hire(make_user, "420802", "clue_decide", "confirm")
    review = hire(make_user, "420802001", "review")
    family = determined(home(income=600))
    neighbour = home(income=600)
    for month in (APRIL, MAY):
        run_month(staff, month)

    # Raised, sent out, visited, confirmed by another person, suspended by written notice.
    one = taken_to(hands, clue(family), "suspended", day=date(2017, 5, 22))
    assert one.deadline == date(2017, 6, 13)  # Saturday 27 May was worked, 28 to 30 were off

    # The month after is held, and told as what it is.
    june = run_month(staff, JUNE)
    assert line(staff, june, family).held == "suspended"
    with at(staff.check, LATER):
        assert {row.cause: row.amount_fen for row in money.difference_tree(june)} == {"clue": -550_00}

    # What was paid since the car was registered on 10 February: April and May (the roll was paid from April).
    with at(hands.county, date(2017, 6, 12)):
        worked = proposal(one)
    assert [(row.month.yyyymm, row.paid_fen, row.due_fen) for row in worked.months] == [
        (201704, 550_00, 0),
        (201705, 550_00, 0),
    ]
    assert (worked.total_fen, "已发 1100.00 − 应发 0.00 = 1100.00 元" in worked.text.replace(",", "")) == (
        1100_00,
        True,
    )

    # Handled: facts entered by the township, the stop decided at the county from the first month held.
    with at(review, date(2017, 6, 12)):
        draft = start_fact_set(acting_user=review, household=family, reason=f"线索 {one.no}")
        enter_facts(draft, acting_user=review, household={"income_year": "7200.00", "assets_ok": False})
        facts = freeze(draft, acting_user=review)
    with at(hands.county, date(2017, 6, 13)):
        one = ledger.handle(
            one, action="stop", text="名下有非豁免机动车，财产不符合规定", fact_set=facts, acting_user=hands.county
        )
        made = Determination.objects.get(pk=one.determination_id)
        assert (made.outcome, made.start_month, made.cause) == ("fail", 201706, "clue")
        assert one.no in made.reasons
        assert "行政复议" in made.appeal
        assert Suspension.objects.get(pk=one.suspension_id).lifted_at is not None
    assert (one.state, one.to_recover_fen, one.recovery["text"]) == ("handled", 1100_00, worked.text)

    # The next run drops the family, pays nothing back, and the month balances.
    july = run_month(staff, JULY)
    with at(staff.check, LATER):
        assert not PayLine.objects.filter(run=july, household=family).exists()
        assert list(july.arrears.all()) == []
    assert line(staff, july, neighbour).amount_fen == 550_00
    balanced(staff, june)
    balanced(staff, july)

    # Money comes back in two parts; a second person checks, and strikes it off.
    with at(hands.county, date(2017, 7, 3)):
        for fen, receipt in ((600_00, "SJ-0001"), (500_00, "SJ-0002")):
            one = ledger.record_recovery(one, amount_fen=fen, receipt=receipt, acting_user=hands.county)
    with at(hands.second, date(2017, 7, 4)):
        ledger.check(one, note="已停发、已全额追回，名册核对无误", acting_user=hands.second)
        one = ledger.close(one, follow_up="纳入软着陆关注", acting_user=hands.second)
    assert (one.state, one.recovered_fen, one.closed_by) == ("closed", 1100_00, hands.second)

    # Soft landing: the family is watched, and helped otherwise.
    with at(hands.town, date(2017, 7, 14)):
        (entry,) = watch.overdue(hands.town)
        assert (entry.household, entry.state, entry.watch_until) == (family, "watched", date(2017, 12, 13))
        watch.add_aid(entry, kind="medical", text="住院，转医疗救助", amount_fen=800_00, acting_user=hands.town)
        assert list(watch.overdue(hands.town)) == []
    with at(hands.town, days(date(2017, 7, 14), 31)):
        assert [row.state for row in watch.overdue(hands.town)] == ["aided"]
        watch.end_watch(entry, reason="家庭生活稳定", acting_user=hands.town)
        assert WatchEntry.objects.get(pk=entry.pk).state == "ended"

    with at(hands.county, LATER):
        kinds = list(one.events.order_by("id").values_list("kind", flat=True))
        assert kinds == [
            "raise", "assign", "start", "evidence", "propose", "confirm", "suspend", "handle", "recover", "recover", "check", "close",
        ]  # fmt: skip
        total = clue_figures.report_total(hands.county)
        assert (total.found, total.confirmed, total.refuted, total.open) == (1, 1, 0, 0)
        assert (total.suspended, total.stopped, total.to_recover_fen, total.recovered_fen) == (1, 1, 1100_00, 1100_00)
        assert [check for check in clue_figures.balance(hands.county) if not check.ok] == []
