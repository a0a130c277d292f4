"""Fault 18: the machine's clock jumps forward, back, and back in the midst of a batch; a month ends; a year has no list of days off.

`kernel.clock` is the only source of time (a test of the whole product forbids every other), so setting it is what a machine
with a wrong clock does. What came first is told by the order of rows, never by their times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from bankkit import DAY, Desk

from tuodi.kernel import clock
from tuodi.kernel.clock import BEIJING
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import UnknownYearError, official_calendar
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions, bank_queries, invariants
from tuodi.payments.models import LedgerEntry, LineEvent, PayRun

pytestmark = pytest.mark.django_db(transaction=True)
#: The clock while the file leaves, while the answer comes, and while the return comes.
JUMPS = {
    "forward": (DAY, DAY + timedelta(days=400), DAY + timedelta(days=401)),
    "back": (DAY, DAY - timedelta(days=40), DAY - timedelta(days=39)),
    "forward and back": (DAY + timedelta(days=400), DAY, DAY - timedelta(days=40)),
    "month's end": (date(2017, 5, 31), date(2017, 6, 1), date(2017, 6, 1)),
    "no list of days off": (date(2027, 10, 1), date(2027, 10, 8), date(2028, 2, 29)),
}


def sound() -> None:
    with system_scope(NATION):
        report = invariants.check()
    assert report.ok, str(report)


def kinds(run: PayRun) -> list[str]:
    with system_scope(NATION):
        return list(LineEvent.objects.filter(line__run=run).order_by("id").values_list("kind", flat=True))


def test_a_wrong_clock_changes_no_outcome(desk: Desk) -> None:
    for n, (name, (left, answered, returned)) in enumerate(JUMPS.items()):
        run = desk.month(1 if n == 0 else 0, month=Month(2017, 5) + n)
        (message,) = desk.deliver(run, left)
        assert message.state == "acknowledged", name
        sound()
        report = desk.bank.report(message.no)
        desk.bank.lay("report", report)
        (answer,) = desk.collect(answered)
        assert (answer.state, set(desk.statuses(run))) == ("applied", {"paid"}), name
        sound()
        desk.bank.lay("report", report)  # the same words again, under the next wrong clock
        desk.collect(returned)
        assert set(desk.statuses(run)) == {"paid"}, name
        assert kinds(run) == sorted(kinds(run), key=["ready", "sent", "paid"].index), name
        with system_scope(NATION):
            assert LedgerEntry.objects.filter(run_id=run.pk, kind="paid").count() == 1, name
        assert desk.bank.totals()[message.no]["copies"] == 1, name
        sound()


@pytest.fixture
def running() -> Iterator[None]:
    """The process's own clock may be set; it is right again afterwards."""
    yield
    clock.set_clock(None)


def test_the_clock_steps_back_between_the_try_and_the_word(
    desk: Desk, running: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is set right while the bank is spoken to; the next worker finds the try in its own future."""
    from tuodi.exchange.bank_transport import HttpBank

    run = desk.month(2)
    (message,) = desk.messages(run)
    late = datetime(2018, 6, 12, 23, 59, 59, tzinfo=BEIJING)
    plain = HttpBank.send

    def sent(*args: Any) -> Any:
        found = plain(*args)
        clock.set_clock(lambda: datetime(2017, 5, 8, 0, 0, 1, tzinfo=BEIJING))
        return found

    monkeypatch.setattr(HttpBank, "send", sent)
    clock.set_clock(lambda: late)
    desk.bank.now, desk.bank.submit_faults = late, ["500_after"]
    actions.deliver(message.pk, acting_user=desk.staff.check)
    assert desk.statuses(run) == ["unknown"] * 2
    sound()
    (message,) = desk.deliver(run, DAY)
    assert (message.state, desk.bank.totals()[message.no]["copies"]) == ("acknowledged", 1)
    desk.bank.lay("report", desk.bank.report(message.no))
    desk.collect()
    assert desk.statuses(run) == ["paid"] * 2
    sound()


def test_a_bank_that_refuses_our_clock_has_refused_no_payment(desk: Desk, running: None) -> None:
    """Requests carry their time: a machine 400 days ahead is turned away, which says nothing about the money."""
    run = desk.month(2)
    (message,) = desk.messages(run)
    desk.bank.now = datetime(2017, 5, 8, 9, tzinfo=BEIJING)
    clock.set_clock(lambda: datetime(2018, 6, 12, 9, tzinfo=BEIJING))
    actions.deliver(message.pk, acting_user=desk.staff.check)
    assert (desk.statuses(run), desk.bank.taken) == (["unknown"] * 2, {})
    sound()
    clock.set_clock(None)
    (message,) = desk.deliver(run, DAY)
    assert (message.state, desk.bank.totals()[message.no]["copies"]) == ("acknowledged", 1)
    sound()


def test_a_year_without_a_list_of_days_off_is_pending_and_never_reckoned(desk: Desk) -> None:
    run = desk.month(1)
    desk.deliver(run, date(2027, 9, 30))
    with pytest.raises(UnknownYearError, match="2027"):
        official_calendar().add_workdays(date(2027, 9, 30), 3)
    with desk.on(date(2027, 10, 9)), system_scope("420802"):
        (late,) = bank_queries.silent(desk.link)
    assert late.days is None
