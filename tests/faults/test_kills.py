"""SIGKILL at random moments while lines are built, a message is brought, and an answer is taken in.

A few points run always; `TUODI_KILLS=50` runs the long form. The seed is printed and can be given by `TUODI_SEED`.
"""

from __future__ import annotations

import os
import random
import time
from datetime import date

import pytest
from bankkit import DAY, Desk
from casekit import at
from killkit import worker
from paykit import family, pay_day, run_month

from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions, invariants
from tuodi.payments.models import BankBatch, BankMessage, BankReturn, LedgerEntry, LineEvent, PayLine, PayRun

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("TUODI_KILLS", "2"))
SEED = int(os.environ.get("TUODI_SEED", "2017"))
MAY = Month(2017, 5)


@pytest.fixture
def luck(monkeypatch):
    print(f"seed {SEED}, {KILLS} kills a fault")
    monkeypatch.setenv("KILLKIT_DAY", DAY.isoformat())
    return random.Random(SEED)


def killed(work: str, number: int, luck: random.Random, *, point: str = "", within: float = 0.5) -> None:
    """A worker killed at a point, or without one at a random moment after it began."""
    with worker(work, at=point, number=number) as one:
        one.go()
        if point:
            one.wait_for(f"at {point}")
        else:
            time.sleep(luck.uniform(0.0, within))
        one.kill()


def points(luck: random.Random, *named: str) -> list[str]:
    """The named points first, then random moments, KILLS in all."""
    return [*named, *[""] * KILLS][:KILLS] if len(named) < KILLS else [*luck.sample(named, min(KILLS, len(named)))]


def sound() -> None:
    """L1 to L8 over all there is."""
    with system_scope(NATION):
        report = invariants.check()
    assert report.ok, str(report)


def _rows(run: PayRun) -> list[tuple[object, ...]]:
    with system_scope("420802"):
        return list(
            PayLine.objects.filter(run=run)
            .order_by("key")
            .values_list("key", "household_id", "amount_fen", "account_last4", "held")
        )


def test_lines_are_whole_or_absent_and_the_same_when_built_again(desk: Desk, luck: random.Random) -> None:
    """Fault 1."""
    for n in range(4):
        family(village=f"42080200100{n + 1}")
    staff = desk.staff
    run = run_month(staff, MAY, upto="calculate")
    wanted = _rows(run)
    assert len(wanted) == 4
    for point in points(luck, "copied", "write"):
        with at(staff.prepare, pay_day(MAY)):  # computed anew from the roll
            PayRun.objects.filter(pk=run.pk).update(state="open", progress={})
        killed("pay", run.pk, luck, point=point)
        assert _rows(run) in ([], wanted)
        sound()
        with at(staff.prepare, DAY):
            run = actions.calculate(PayRun.objects.get(pk=run.pk), acting_user=staff.prepare)
        assert (run.state, _rows(run)) == ("calculated", wanted)
    sound()


def test_a_message_leaves_once_whenever_its_worker_dies(desk: Desk, luck: random.Random, monkeypatch) -> None:
    """Fault 2: the bank took it and we did not note it; or it never got there."""
    from tuodi.exchange.bank import load_bank_profile

    small = load_bank_profile("iso20022").model_copy(update={"max_lines": 1})
    monkeypatch.setattr("tuodi.payments.actions.bank.load_bank_profile", lambda name: small)
    moments = points(luck, "send", "ask")
    run = desk.month(len(moments))
    with desk.on():
        for message, point in zip(desk.messages(run), moments, strict=True):
            killed("deliver", message.pk, luck, point=point, within=0.3)
            sound()
    found = desk.deliver(run)
    assert [one.state for one in found] == ["acknowledged"] * len(moments)
    assert {told["copies"] for told in desk.bank.totals().values()} == {1}
    assert len(desk.bank.taken) == len(moments)
    desk.clean(run)


def test_an_answer_is_applied_whole_or_not_at_all(desk: Desk, luck: random.Random, monkeypatch) -> None:
    """Fault 5."""
    run = desk.month(4)
    (message,) = desk.deliver(run)
    answer = desk.bank.report(message.no)
    desk.bank.lay("report", answer)
    with desk.on():
        for point in points(luck, "settled", "taken"):
            if not desk.bank.inbox:
                desk.bank.lay("report", answer)  # it had been taken: it comes again
            killed("collect", desk.link.pk, luck, point=point, within=0.4)
            assert desk.statuses(run) in (["sent"] * 4, ["paid"] * 4)
            with system_scope("420802"):
                applied = BankReturn.objects.filter(batch=message.batch, state="applied").count()
                assert applied == (1 if desk.statuses(run)[0] == "paid" else 0)
            desk.clean(run)
            sound()
    desk.bank.lay("report", answer)
    desk.collect()
    assert desk.statuses(run) == ["paid"] * 4
    with system_scope("420802"):
        assert LedgerEntry.objects.filter(run_id=run.pk, kind="paid").count() == 1
        assert LineEvent.objects.filter(line__run=run, kind="paid").count() == 4
    desk.clean(run)
    assert date.fromisoformat(os.environ["KILLKIT_DAY"]) == DAY


def test_a_request_to_give_back_leaves_once_and_its_answer_is_whole(
    desk: Desk, luck: random.Random, monkeypatch
) -> None:
    """Fault 28: the worker dies between asking the bank back and noting its word, and while the answer is taken in."""
    run = desk.month(3)
    desk.bank.slow = True
    desk.deliver(run)
    with system_scope("420802"):
        batch = BankBatch.objects.get(run=run)
    recall = desk.ask_back(batch, 1, 2, bring=False)
    with system_scope("420802"):
        number = BankMessage.objects.get(recall=recall).pk
    for point in points(luck, "send", "ask"):
        with desk.on():
            killed("deliver", number, luck, point=point, within=0.3)
        assert desk.statuses(run) == ["sent"] * 3
        assert desk.words(recall) == ["asked"] * 2
    assert desk.bring(recall).state == "acknowledged"
    assert desk.bank.totals()[recall.no]["copies"] == 1
    answer = desk.bank.answer_request(recall.no)
    desk.bank.lay("answer", answer)
    whole = (["failed", "failed", "sent"], ["sent", "withheld", "withheld"], ["cancelled"] * 2)
    nothing = (["sent"] * 3, ["sent"] * 3, ["asked"] * 2)
    with desk.on():
        # Once it is taken nothing settles any more: in this order.
        for point in ["settled", "taken", *[""] * max(0, KILLS - 2)]:
            if not desk.bank.inbox:
                desk.bank.lay("answer", answer)
            killed("collect", desk.link.pk, luck, point=point, within=0.4)
            assert (desk.statuses(run), desk.lines(run), desk.words(recall)) in (nothing, whole)
            desk.clean(run)
    desk.bank.lay("answer", answer)
    desk.collect()
    assert (desk.statuses(run), desk.lines(run), desk.words(recall)) == whole
    with system_scope("420802"):
        assert LedgerEntry.objects.filter(run_id=run.pk, kind="withheld").count() == 1
        assert LineEvent.objects.filter(line__run=run, kind="withheld").count() == 2
    desk.clean(run)
