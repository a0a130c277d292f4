"""What the ledger does by itself each morning, and the watch over families cut off."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from casekit import at, hire
from cluekit import FOUND, Hands, clue, home, taken_to
from django.db import DatabaseError, transaction

from tuodi.cases.calendar import enter_year
from tuodi.kernel import clock
from tuodi.monitoring import clue_tasks, watch
from tuodi.monitoring.errors import ClueInputError, WatchEndedError
from tuodi.monitoring.models import ClueEvent, WatchAid, WatchEntry
from tuodi.org.errors import AccessDeniedError

pytestmark = pytest.mark.django_db


def told(hands: Hands, one) -> list[str]:
    with at(hands.county, FOUND):
        return list(
            ClueEvent.objects.filter(clue=one, kind__in=["due_soon", "overdue"])
            .order_by("id")
            .values_list("note", flat=True)
        )


def test_reminded_once_when_near_and_once_when_late(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "verifying")  # due on 25 May
    for day, found in ((19, (0, 0)), (22, (1, 0)), (23, (0, 0)), (25, (0, 0)), (26, (0, 1)), (27, (0, 0))):
        with clock.frozen(date(2017, 5, day)):
            assert clue_tasks.remind("cn") == found, day
    assert told(hands, one) == ["期限将到：2017-05-25", "期限已过：2017-05-25"]


def test_a_closed_clue_is_not_reminded(make_user) -> None:
    hands = Hands(make_user)
    taken_to(hands, clue(home()), "closed")
    with clock.frozen(date(2017, 6, 30)):
        assert clue_tasks.remind("cn") == (0, 0)


def test_a_limit_is_filled_in_once_its_year_is_entered(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "verifying", day=date(2031, 3, 3))
    with clock.frozen(date(2031, 3, 4)):
        assert clue_tasks.fill_pending("cn") == 0
    admin = hire(make_user, "42", "sysadmin")
    with at(admin, date(2031, 3, 4)):
        enter_year(
            acting_user=admin, year=2031, document="国办发明电〔2030〕-1号",
            days_off=[date(2031, 1, 1), date(2031, 4, 4), date(2031, 5, 1), date(2031, 10, 1)], days_worked=[],
        )  # fmt: skip
        assert clue_tasks.ledger_daily("cn")[0] == 1
    with at(hands.county, date(2031, 3, 4)):
        one.refresh_from_db()
    assert (one.deadline, one.deadline_pending) == (date(2031, 3, 24), False)


def watched(make_user) -> tuple[Hands, WatchEntry]:
    hands = Hands(make_user)
    one = clue(home())
    with at(hands.town, FOUND):
        return hands, watch.watch(one, acting_user=hands.town)


def test_a_watch_lasts_half_a_year_with_a_look_every_month(make_user) -> None:
    hands, entry = watched(make_user)
    assert (entry.state, entry.watch_until, entry.next_look_on) == (
        "watched",
        date(2017, 11, 4),
        FOUND + timedelta(days=30),
    )
    with at(hands.town, FOUND + timedelta(days=30)):
        assert list(watch.overdue(hands.town)) == []
    with at(hands.town, FOUND + timedelta(days=31)):
        assert list(watch.overdue(hands.town)) == [entry]
        watch.add_aid(entry, kind="look", text="生活平稳", acting_user=hands.town)
        assert (entry.state, entry.looks) == ("watched", 1)
        watch.add_aid(entry, kind="temporary", text="临时救助", amount_fen=500_00, acting_user=hands.town)
        assert (entry.state, entry.looks, entry.next_look_on) == ("aided", 2, FOUND + timedelta(days=61))
        assert list(watch.overdue(hands.town)) == []


def test_a_family_is_watched_once_to_the_later_day(make_user) -> None:
    hands, entry = watched(make_user)
    with at(hands.town, FOUND):
        again = watch.watch(entry.clue, acting_user=hands.town, watch_until=date(2018, 1, 31))
        assert (again.pk, WatchEntry.objects.count()) == (entry.pk, 1)
        assert WatchEntry.objects.get().watch_until == date(2018, 1, 31)
        with pytest.raises(ClueInputError, match="不能早于今天"):
            watch.watch(entry.clue, acting_user=hands.town, watch_until=date(2017, 5, 3))


def test_no_watch_ends_without_a_look_nor_twice(make_user) -> None:
    hands, entry = watched(make_user)
    with at(hands.town, FOUND):
        with pytest.raises(ClueInputError, match="还没有走访过"):
            watch.end_watch(entry, reason="搬走", acting_user=hands.town)
        with pytest.raises(ClueInputError, match="帮扶"):
            watch.add_aid(entry, kind="gift", text="米油", acting_user=hands.town)
        watch.add_aid(entry, kind="readmitted", text="重新纳入", acting_user=hands.town)
        assert entry.readmitted
        watch.end_watch(entry, reason="已重新纳入", acting_user=hands.town)
        with pytest.raises(WatchEndedError):
            watch.add_aid(entry, kind="look", text="走访", acting_user=hands.town)
    stranger = hire(make_user, "420802", "accept")
    with at(stranger, FOUND), pytest.raises(AccessDeniedError):
        watch.watch(entry.clue, acting_user=stranger)


def test_what_was_done_for_a_family_is_append_only(make_user, as_owner) -> None:
    hands, entry = watched(make_user)
    with at(hands.town, FOUND):
        aid = watch.add_aid(entry, kind="look", text="走访", acting_user=hands.town)
        for deed in (lambda: WatchAid.objects.filter(pk=aid.pk).update(text="别的"), lambda: aid.delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                deed()
