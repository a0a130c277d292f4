"""Any order of building, approving, sending, recalling, answering, crashing, replaying, returning and deciding, against a small model.

The model knows one thing of a payment: whether money is at the family. The product may never say otherwise, the bank may never
be asked twice, and the books hold after each step. `TUODI_BANK_STEPS=2000` runs the long form, see docs/money.md.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from bankkit import DAY, Desk, listening, wire_up
from casekit import at
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions, bank_queries, checks, invariants
from tuodi.payments.models import BankBatch, BankItem, BankMessage, BankRecall, PayLine, PayRun, RecallLine

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = int(os.environ.get("TUODI_BANK_STEPS", "40"))
FAULTS = ("ok", "500_after", "cut_after", "500_before", "unsigned", "refuse")


class BankLine(RuleBasedStateMachine):
    """A desk, a bank, and for each payment the truth as the bank knows it."""

    desk: Desk
    months: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[
            PayRun
        ] = []  # each example makes its own months and looks at no other, so that it can be repeated
        self.laid: list[bytes] = []
        self.day = DAY

    # ---- what happens

    @precondition(lambda self: len(self.runs) < 2)
    @rule()
    def build_approve_and_send(self) -> None:
        from paykit import run_month

        type(self).months += 1
        run = run_month(self.desk.staff, Month(2017, 5) + (self.months - 1), upto="approve")
        self.runs.append(self.desk.send(run))

    @precondition(lambda self: bool(self.runs))
    @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=3), n=st.integers(0, 9))
    def bring(self, faults: list[str], n: int) -> None:
        self.desk.bank.submit_faults = list(faults)
        self.desk.deliver(self.runs[n % len(self.runs)], self.day)

    @precondition(lambda self: bool(self.runs))
    @rule(n=st.integers(0, 9), where=st.sampled_from(["ask", "send"]))
    def crash_while_bringing(self, n: int, where: str) -> None:
        """The worker dies between the try and the word: the try is committed, nothing else is."""
        from tuodi.exchange.bank_transport import HttpBank

        class Died(BaseException):
            pass

        plain = getattr(HttpBank, where)

        def dying(*args: Any) -> Any:
            plain(*args)
            raise Died

        setattr(HttpBank, where, dying)
        try:
            self.desk.deliver(self.runs[n % len(self.runs)], self.day)
        except Died:
            pass
        finally:
            setattr(HttpBank, where, plain)

    def mine(self) -> list[str]:
        """Numbers of this example's files the bank has."""
        with system_scope("420802"):
            numbers = BankMessage.objects.filter(batch__run__in=self.runs).order_by("id").values_list("no", flat=True)
            return [no for no in numbers if no in self.desk.bank.taken]

    @rule(slow=st.booleans(), gives_back=st.booleans())
    def bank_changes_its_ways(self, slow: bool, gives_back: bool) -> None:
        self.desk.bank.slow, self.desk.bank.gives_back = slow, gives_back

    @rule(n=st.integers(0, 9), seqs=st.sets(st.integers(1, 3), min_size=1))
    def bank_executes(self, n: int, seqs: set[int]) -> None:
        known = self.mine()
        if known:
            self.desk.bank.execute(known[n % len(known)], sorted(seqs))

    @precondition(lambda self: bool(self.runs))
    @rule(
        n=st.integers(0, 9),
        seqs=st.sets(st.integers(1, 3)),
        purpose=st.sampled_from(["stop", "again"]),
        fault=st.sampled_from(FAULTS),
    )
    def ask_back(self, n: int, seqs: set[int], purpose: str, fault: str) -> None:
        """Some payments of a file, or all; the request may meet any fault on its way, and may be brought again by `bring`."""
        from tuodi.payments.errors import RecallError

        with system_scope("420802"):
            batches = list(BankBatch.objects.filter(run__in=self.runs).order_by("id"))
        if not batches:
            return
        self.desk.bank.submit_faults = [fault]
        with suppress(RecallError):
            self.desk.ask_back(batches[n % len(batches)], *sorted(seqs), purpose=purpose, day=self.day)

    @rule(n=st.integers(0, 9), pending=st.booleans())
    def answer_request(self, n: int, pending: bool) -> None:
        bank = self.desk.bank
        with system_scope("420802"):
            mine = BankRecall.objects.filter(batch__run__in=self.runs).order_by("id").values_list("no", flat=True)
            known = [no for no in mine if no in bank.asked]
        if not known:
            return
        no = known[n % len(known)]
        for one in [bank.answer_request(no, pending=True)] if pending else bank.answers_to(no):
            self.lay(one)

    @precondition(lambda self: bool(self.runs))
    @rule(n=st.integers(0, 9))
    def stop_waiting(self, n: int) -> None:
        with system_scope("420802"):
            asked = list(BankRecall.objects.filter(batch__run__in=self.runs, state="asked").order_by("id"))
        approve = self.desk.staff.approve
        if asked:
            with at(approve, self.day):
                actions.give_up_recall(asked[n % len(asked)], acting_user=approve, reason="银行没有答复")

    @rule(n=st.integers(0, 9), seqs=st.sets(st.integers(1, 3), min_size=1))
    def answer(self, n: int, seqs: set[int]) -> None:
        known = self.mine()
        if not known:
            return
        no = known[n % len(known)]
        here = {one.seq for one in self.desk.bank.taken[no].payments} & seqs
        if here:
            self.lay(self.desk.bank.report(no, seqs=sorted(here)))

    @rule(n=st.integers(0, 9), seq=st.integers(1, 3))
    def give_back(self, n: int, seq: int) -> None:
        known = self.mine()
        no = known[n % len(known)] if known else ""
        if no and seq in self.desk.bank.taken[no].paid:
            self.lay(self.desk.bank.give_back(no, [seq]))

    @rule(forge=st.sampled_from(["amount", "account", "unknown", "other_batch", "sum", "count"]))
    def forge(self, forge: str) -> None:
        for no in self.mine()[:1]:
            self.lay(self.desk.bank.report(no, forge=forge))

    @precondition(lambda self: bool(self.laid))
    @rule(n=st.integers(0, 99))
    def replay(self, n: int) -> None:
        self.desk.bank.lay("again", self.laid[n % len(self.laid)])

    @rule()
    def collect(self) -> None:
        self.desk.collect(self.day)

    @rule()
    def state(self) -> None:
        bank = self.desk.bank
        bank.lay("statement", bank.write_statement(bank.statement()))
        self.desk.collect(self.day)
        with system_scope("420802"):
            assert list(bank_queries.leftovers(self.desk.link)) == []

    @precondition(lambda self: bool(self.runs))
    @rule(n=st.integers(0, 9))
    def send_again(self, n: int) -> None:
        from tuodi.payments.errors import NothingToSendError

        staff = self.desk.staff
        with at(staff.check, self.day), suppress(NothingToSendError):
            actions.reissue(self.runs[n % len(self.runs)], acting_user=staff.check, profile="iso20022")

    @rule()
    def a_day_passes(self) -> None:
        self.day += timedelta(days=1)

    def lay(self, data: bytes) -> None:
        self.laid.append(data)
        self.desk.bank.lay("answer", data)

    # ---- what must hold

    @invariant()
    def nothing_contradicts_the_bank(self) -> None:
        bank = self.desk.bank
        with system_scope("420802"):
            for item in BankItem.objects.select_related("batch"):
                taken = bank.taken.get(item.batch.no)
                if item.status == "paid":
                    assert item.seq in (taken.paid if taken else ()), item.batch.no
                elif item.status == "returned":
                    assert item.seq in (taken.returned if taken else ()), item.batch.no
                elif item.status == "failed":
                    assert taken is None or item.seq not in taken.paid
            # What was stopped is not with the family: it never left, or it came back, and it never goes out again.
            for line in PayLine.objects.filter(status="withheld").prefetch_related("items__batch"):
                for item in line.items.all():
                    taken = bank.taken.get(item.batch.no)
                    assert taken is None or item.seq not in taken.paid - taken.returned, line.key
            for one in RecallLine.objects.filter(word="cancelled").select_related("item__batch"):
                assert one.item.seq in bank.taken[one.item.batch.no].cancelled
            for message in BankMessage.objects.filter(no__in=list(bank.taken)):
                assert bank.taken[message.no].sha256 == message.sha256
            # At most one payment of a line that has not come back, whatever was sent again.
            twice: dict[int, int] = {}
            for item in BankItem.objects.select_related("batch"):
                taken = bank.taken.get(item.batch.no)
                if taken and item.seq in taken.paid and item.seq not in taken.returned:
                    twice[item.line_id] = twice.get(item.line_id, 0) + 1
            assert all(n == 1 for n in twice.values()), twice

    @invariant()
    def no_file_is_taken_twice(self) -> None:
        bank = self.desk.bank
        assert {one.copies for one in [*bank.taken.values(), *bank.asked.values()]} <= {1}

    @invariant()
    def the_books_hold(self) -> None:
        with system_scope("420802"):
            for run in self.runs:
                assert [one for one in checks.ledger(PayRun.objects.get(pk=run.pk)) if not one.ok] == []
        with system_scope(NATION):
            report = invariants.check()
        assert report.ok, str(report)


def test_any_order_of_events_ends_with_the_truth(make_user, settings, tmp_path) -> None:
    from hypothesis import seed as fixed
    from paykit import family

    bank = wire_up(settings, tmp_path)
    seed = int(os.environ.get("TUODI_SEED", "2017"))
    print(f"seed {seed}, {STEPS} steps")
    with listening(bank) as address:
        desk = Desk(make_user, bank, address)
        for n in (1, 2, 3):
            family(village=f"42080200100{n}")

        class Machine(BankLine):
            pass

        Machine.desk = desk
        run_state_machine_as_test(fixed(seed)(Machine), settings=_settings())


def _settings() -> Any:
    return settings(
        max_examples=max(1, STEPS // 40), stateful_step_count=min(STEPS, 40), deadline=None, database=None, derandomize=False,
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
