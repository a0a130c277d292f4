"""What is done about a confirmed clue: determinations that fit the deed, and what is recovered."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from cluekit import Hands, clue, determined, home, taken_to

from tuodi.decisions.errors import UnknownOutcomeError
from tuodi.decisions.models import Determination, Suspension
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring import clue_figures
from tuodi.monitoring.errors import ClueInputError, DeterminationNeededError
from tuodi.monitoring.models import WatchEntry
from tuodi.monitoring.recovery import fact_date, proposal
from tuodi.org.errors import AccessDeniedError
from tuodi.verification.actions import enter_facts, freeze, start_fact_set

pytestmark = pytest.mark.django_db
LATER = date(2017, 5, 10)


@pytest.fixture
def hands(make_user) -> Hands:
    found = Hands(make_user)
    found.county = hire(make_user, "420802", "clue_decide", "confirm")
    found.review = hire(make_user, "420802001", "review")
    return found


def facts(hands: Hands, family, **given: object):
    with at(hands.review, LATER):
        draft = start_fact_set(acting_user=hands.review, household=family)
        enter_facts(draft, acting_user=hands.review, household={"income_year": "7200.00", "assets_ok": True, **given})
        return freeze(draft, acting_user=hands.review)


def suspended(hands: Hands, **given: object):
    family = determined(home())
    return family, taken_to(hands, clue(family, **given), "suspended")


def test_a_decrease_goes_through_a_determination(hands) -> None:
    family, one = suspended(hands)
    frozen = facts(hands, family, income_year="10800.00")
    with at(hands.county, LATER):
        one = ledger.handle(one, action="decrease", text="车辆营运收入计入", fact_set=frozen, acting_user=hands.county)
        made = Determination.objects.get(pk=one.determination_id)
        assert (made.outcome, made.amount_fen, made.start_month) == ("pass", 250_00, 201706)
        assert family.roll.get(end_month=None).amount_fen == 250_00
        assert Suspension.objects.get(pk=one.suspension_id).lifted_at is not None
        assert not WatchEntry.objects.exists()


def test_facts_that_say_otherwise_undo_the_whole_deed(hands) -> None:
    family, one = suspended(hands)
    frozen = facts(hands, family)
    with at(hands.county, LATER):
        for action in ("stop", "decrease"):
            with pytest.raises(DeterminationNeededError, match="不符"):
                ledger.handle(one, action=action, text="有车", fact_set=frozen, acting_user=hands.county)
        one.refresh_from_db()
        assert (one.state, one.determination_id) == ("suspended", None)
        assert Determination.objects.filter(cause="clue").count() == 0
        assert Suspension.objects.get(pk=one.suspension_id).lifted_at is None
        assert family.roll.get().end_month is None


def test_missing_facts_are_named_and_nothing_moves(hands) -> None:
    family, one = suspended(hands)
    frozen = facts(hands, family, assets_ok=None)
    with at(hands.county, LATER), pytest.raises(UnknownOutcomeError, match="缺少"):
        ledger.handle(one, action="stop", text="有车", fact_set=frozen, acting_user=hands.county)


def test_another_familys_facts_and_an_officer_who_may_not_confirm(hands, make_user) -> None:
    family, one = suspended(hands)
    other = facts(hands, determined(home()), assets_ok=False)
    with at(hands.county, LATER), pytest.raises(DeterminationNeededError, match="另一个家庭"):
        ledger.handle(one, action="stop", text="有车", fact_set=other, acting_user=hands.county)
    only = hire(make_user, "420802", "clue_decide")
    own = facts(hands, family, assets_ok=False)
    with at(only, LATER), pytest.raises(AccessDeniedError, match="确认"):
        ledger.handle(one, action="stop", text="有车", fact_set=own, acting_user=only)


def test_a_determination_made_already_is_named_by_its_number(hands, make_user) -> None:
    from tuodi.decisions.changes import record_change

    family, one = suspended(hands)
    own = facts(hands, family, assets_ok=False)
    with at(hands.county, LATER):
        made = record_change(
            own, acting_user=hands.county, programme="dibao", effective=Month(2017, 6), cause="clue", reasons="有车"
        )
    only = hire(make_user, "420802", "clue_decide")
    with at(only, LATER):
        first = Determination.objects.get(kind="imported", household=family)
        with pytest.raises(DeterminationNeededError, match="早于查实结论"):
            ledger.handle(one, action="stop", text="有车", determination_no=first.no, acting_user=only)
        one = ledger.handle(one, action="stop", text="有车", determination_no=made.no, acting_user=only)
        assert one.determination_id == made.pk
        assert WatchEntry.objects.get().household == family


def test_a_batch_of_stops_with_some_facts_at_hand(hands) -> None:
    pairs = [suspended(hands) for _ in range(3)]
    basis = ledger.Basis(
        fact_sets={
            pairs[0][1].pk: facts(hands, pairs[0][0], assets_ok=False),
            pairs[1][1].pk: facts(hands, pairs[1][0]),  # eligible still
        }
    )
    rows = [one for _, one in pairs]
    with at(hands.county, LATER):
        done = ledger.handle_many(rows, action="stop", text="有车", basis=basis, acting_user=hands.county)
        assert done.done == (rows[0].pk,)
        assert [("不符" in one.reason, "需要决定" in one.reason) for one in done.refused] == [
            (True, False),
            (False, True),
        ]
        assert Suspension.objects.filter(lifted_at__isnull=False).count() == 1
        assert WatchEntry.objects.count() == 1


def test_an_earlier_month_needs_saying(hands) -> None:
    family, one = suspended(hands)
    own = facts(hands, family, assets_ok=False)
    with at(hands.county, LATER):
        one = ledger.handle(
            one, action="stop", text="有车", fact_set=own, effective=Month(2017, 4), acting_user=hands.county
        )
        assert Determination.objects.get(pk=one.determination_id).start_month == 201704
        assert family.roll.get().end_month == 201703
        assert (
            clue_figures.report_total(hands.county).stopped,
            clue_figures.report_total(hands.county).readmitted,
        ) == (1, 0)
        entry = family.roll.get()
        entry.pk, entry.start_month, entry.end_month, entry._state.adding = None, 201709, None, True
        entry.save()
        assert clue_figures.report_total(hands.county).readmitted == 1


def test_since_when_a_thing_is_so(hands) -> None:
    assert fact_date(clue(home(), registered={"registered_on": "2017-02-10"})) == (
        date(2017, 2, 10),
        "登记：登记日期",
    )
    assert fact_date(clue(home(), registered={"death_date": "2017-03-01", "registered_on": "2012-02-10"}))[0] == date(
        2017, 3, 1
    )
    assert fact_date(clue(home(), registered={"registered_on": "去年"})) == (None, "")
    one = clue(home(), registered={})
    with at(hands.county, LATER):
        assert proposal(one).since is None
        assert proposal(one, since=date(2017, 1, 5)).total_fen == 0
        assert "没有发放" in proposal(one, since=date(2017, 1, 5)).text


def test_words_that_cannot_be(hands) -> None:
    _, one = suspended(hands)
    with at(hands.county, LATER):
        for given in ({"action": "fine", "text": "罚"}, {"action": "keep", "text": " "}):
            with pytest.raises(ClueInputError):
                ledger.handle(one, acting_user=hands.county, **given)
        with pytest.raises(ClueInputError, match="不能小于 0"):
            ledger.handle(one, action="recover", text="追回", to_recover_fen=-1, acting_user=hands.county)
