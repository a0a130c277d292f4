"""Roll entries of families that had left, ended by an office's list: imported and open ones only, once."""

from __future__ import annotations

import pytest
from casekit import family, hire
from decisionkit import granted, imported

from tuodi.audit.models import AuditEntry
from tuodi.decisions.rosters import end_entries
from tuodi.org.access import scope, system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people.models import RollEntry

PLACE, START = "420802", 201704


def end(household) -> list[int | None]:
    with system_scope("42"):
        found = RollEntry.objects.filter(household=household).order_by("id")
        return list(found.values_list("end_month", flat=True))


def noted() -> list[dict]:
    with system_scope("42"):
        found = AuditEntry.objects.filter(action="decisions.end_entries").order_by("id")
        return [row.after for row in found]


def test_an_entry_ends_with_the_month_the_list_says_and_only_once(household, village):
    other, third = family(village), family(village)
    for one in (household, other, third):
        imported(one, amount_fen=30_000, start=START)
    told = {household.pk: (201706, "外出务工"), other.pk: (START, "死亡")}  # a single month, too
    with system_scope(PLACE):
        assert end_entries(told, place=PLACE, acting_user=None) == 2
    assert [end(one) for one in (household, other, third)] == [[201706], [START], [None]]
    with system_scope(PLACE):
        assert end_entries(told, place=PLACE, acting_user=None) == 0
        # An ended entry keeps its month, whatever a later list says.
        assert end_entries({household.pk: (201709, "外出务工")}, place=PLACE, acting_user=None) == 0
        assert end_entries({}, place=PLACE, acting_user=None) == 0
    assert [end(one) for one in (household, other, third)] == [[201706], [START], [None]]
    assert [row["entries"] for row in noted()] == [2, 0, 0, 0]
    assert noted()[0]["reasons"] == {"外出务工": 1, "死亡": 1}


@pytest.mark.parametrize(("month", "ended"), [(201703, 0), (START, 1), (201705, 1)])
def test_no_entry_ends_before_it_begins(household, month, ended):
    imported(household, amount_fen=30_000, start=START)
    with system_scope(PLACE):
        assert end_entries({household.pk: (month, "退出")}, place=PLACE, acting_user=None) == ended
    assert end(household) == [month if ended else None]


def test_what_a_case_decided_what_is_unknown_and_what_is_elsewhere_stay(office, household):
    far = family("420804001001")
    granted(office, household)
    imported(far, amount_fen=30_000, start=START)
    told = {household.pk: (202206, "退出"), 10**12: (201706, "退出"), far.pk: (201706, "退出")}
    with system_scope(PLACE):
        assert end_entries(told, place=PLACE, acting_user=None) == 0
    assert (end(household), end(far)) == ([None], [None])


def test_the_list_is_handed_in_by_who_takes_rolls_over_in_this_place(make_user, household):
    imported(household, amount_fen=30_000, start=START)
    told = {household.pk: (201706, "退出")}
    for user, error in (
        (hire(make_user, PLACE, "accept"), AccessDeniedError),
        (hire(make_user, "420804", "roll_import"), NotFoundError),
    ):
        with scope(user), pytest.raises(error):
            end_entries(told, place=PLACE, acting_user=user)
    assert end(household) == [None]
    assert noted() == []
    keeper = hire(make_user, PLACE, "roll_import")
    with scope(keeper):
        assert end_entries(told, place=PLACE, acting_user=keeper) == 1
    assert end(household) == [201706]
