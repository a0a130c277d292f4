"""Statements against what was sent: a thousand payments, three poisoned lines, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from bankkit import DAY, Desk
from casekit import at
from paykit import family, run_month

from tuodi.crypto.fields import encrypt
from tuodi.exchange.bank_files import StatementEntry
from tuodi.exchange.iso20022 import end_to_end
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions, bank_queries
from tuodi.payments.errors import DecisionError, HoldListError
from tuodi.payments.models import LedgerEntry, LineEvent, PayLine, StatementLine
from tuodi.people.models import Household

pytestmark = pytest.mark.django_db(transaction=True)


def envelope(desk: Desk, count: int):
    """A run of one line that becomes `count` lines of 1, 2, 3 … yuan before it is checked; line 1002 has no account."""
    home = family(village="420802001001", income=600)
    run = run_month(desk.staff, Month(2017, 5), upto="calculate")
    with at(desk.staff.prepare, DAY):
        first = PayLine.objects.get(run=run)
        twin = Household.objects.get(pk=home.pk)
        homes = [
            Household(**{f.attname: getattr(twin, f.attname) for f in Household._meta.concrete_fields if f.attname not in ("id", "no")}, no=f"T{n:011d}")
            for n in range(2, count + 1)
        ]  # fmt: skip
        homes = [twin, *Household.objects.bulk_create(homes)]
        columns = {f.attname: getattr(first, f.attname) for f in PayLine._meta.concrete_fields if f.attname != "id"}
        run.state = "open"
        run.save(update_fields=["state"])
        run.differences.all().delete()
        PayLine.objects.filter(pk=first.pk).delete()
        lines = []
        for n, one in enumerate(homes, 1):
            fen = n * 100
            account = encrypt(f"621700{n:013d}", f"people.account|{first.account_uid}")
            line = PayLine(
                **columns
                | {
                    "key": f"L{n:06d}",
                    "household_id": one.pk,
                    "base_fen": fen,
                    "amount_fen": fen,
                    "account_cipher": account,
                }
            )
            line.account_index = n.to_bytes(32, "big")
            if n == 1002:
                line.status, line.held, line.account_cipher, line.account_index = "held", "no_account", None, None
            lines.append(line)
        PayLine.objects.bulk_create(lines, batch_size=500)
        run.state = "calculated"
        payable = [line for line in lines if not line.held]
        run.lines, run.amount_fen, run.persons = (
            len(payable),
            sum(one.amount_fen for one in payable),
            sum(one.persons for one in payable),
        )
        run.save()
        from tuodi.payments.models import LineDifference

        run.state = "open"
        run.save(update_fields=["state"])
        LineDifference.objects.create(
            run=run,
            region=first.region,
            household=home,
            programme="dibao",
            cause="new",
            amount_fen=run.amount_fen,
            households=1,
            persons=1,
        )
        run.state = "calculated"
        run.save(update_fields=["state"])
    with at(desk.staff.check, DAY):
        run = actions.check(run, acting_user=desk.staff.check)
    with at(desk.staff.approve, DAY):
        return actions.approve(run, acting_user=desk.staff.approve)


def test_a_thousand_payments_a_third_comes_back_and_three_lines_are_poisoned(desk: Desk) -> None:
    run = envelope(desk, 1002)
    staff = desk.staff
    with at(staff.check, DAY):
        with pytest.raises(HoldListError, match="L009999"):  # one wrong number refuses the list
            actions.hold_back(run, acting_user=staff.check, keys=["L001001", "L009999"], reason="家属申请暂缓")
        assert PayLine.objects.filter(run=run, status="withheld").count() == 0
        assert actions.hold_back(run, acting_user=staff.check, keys=["L001001"], reason="家属申请暂缓") == 1
    run = desk.send(run)
    (message,) = desk.deliver(run)
    with system_scope("420802"):
        batch = message.batch
        assert (batch.lines, batch.amount_fen) == (1000, 500_500_00)  # 1 … 1002 less 1001 less 1002
    bank, no = desk.bank, message.no
    bank.lay("report", bank.report(no))
    bank.lay("statement", bank.write_statement(bank.statement()))
    answer, statement = desk.collect()
    assert (answer.paid_lines, answer.paid_fen) == (1000, 500_500_00)
    with system_scope("420802"):
        assert (statement.state, statement.faults, statement.lines.filter(verdict="matched").count()) == (
            "applied",
            [],
            1000,
        )
        assert list(bank_queries.leftovers(desk.link)) == []
        assert list(bank_queries.missing(desk.link)) == []
    # About 30 % come back a day later; the statement tells it before any message does.
    back = [n for n in range(1, 1001) if n % 10 in (3, 6, 9)]
    bank.pass_day()
    bank.give_back(no, back)
    name = bank.taken[no].payments[0]
    poison = [
        StatementEntry(0, name.amount_fen, True, end_to_end(no, 1), "X1", bank.now.date(), name.account, name.name),
        StatementEntry(0, 1003_00, True, end_to_end(no, 1003), "X2", bank.now.date()),
        StatementEntry(0, 1002_00, False, end_to_end(no, 1002), "X3", bank.now.date()),
    ]
    bank.lay("statement", bank.write_statement(bank.statement(poison=poison)))
    with system_scope("420802"):
        before = LineEvent.objects.count()
    (second,) = desk.collect(DAY + timedelta(days=1))
    with system_scope("420802"):
        left = list(bank_queries.leftovers(desk.link).values_list("verdict", "amount_fen"))
        assert left == [("duplicate_debit", 1_00), ("unknown_debit", 1003_00), ("unknown_credit", 1002_00)]
        assert second.lines.filter(verdict="settled").count() == len(back) == 300
        assert LineEvent.objects.count() - before == 300
        returned = set(batch.items.filter(status="returned").values_list("seq", flat=True))
        assert (returned, batch.items.filter(status="paid").count()) == (set(back), 700)
        assert LedgerEntry.objects.filter(run_id=run.pk, kind="returned").count() == 1
        held = dict(PayLine.objects.filter(run=run, key__in=["L001001", "L001002"]).values_list("key", "status"))
        assert held == {"L001001": "withheld", "L001002": "held"}
    desk.clean(run)
    _explained(desk)


def _explained(desk: Desk) -> None:
    """Leftovers end by two people, and move nothing."""
    staff = desk.staff
    with system_scope("420802"):
        first = bank_queries.leftovers(desk.link)[0]
        before = (LineEvent.objects.count(), LedgerEntry.objects.count())
    with at(staff.check, DAY + timedelta(days=2)):
        made = actions.propose_leftover(first, acting_user=staff.check, reason="银行确认重复扣款，5 月 10 日冲正")
        with pytest.raises(DecisionError, match="已有说明"):
            actions.propose_leftover(first, acting_user=staff.check, reason="再说明一次")
    with at(staff.approve, DAY + timedelta(days=2)):
        actions.confirm_decision(made, acting_user=staff.approve)
    with system_scope("420802"):
        assert bank_queries.leftovers(desk.link).count() == 2
        assert (LineEvent.objects.count(), LedgerEntry.objects.count()) == before


def test_gaps_wrong_sums_other_accounts_and_what_no_statement_shows(desk: Desk) -> None:
    """Fault 14, and statements that are refused whole."""
    run = desk.month(3)
    (message,) = desk.deliver(run)
    bank = desk.bank
    bank.lay("report", bank.report(message.no))
    kept = bank.entries.pop()  # the account never shows the third
    bank.balance += kept.amount_fen
    good = bank.statement()
    for wrong in (
        replace(good, closing_fen=(good.closing_fen or 0) + 1),
        replace(good, account="4200017000000009"),
        replace(good, no=""),
    ):
        bank.lay("statement", bank.write_statement(wrong))
    bank.lay("statement", bank.write_statement(good))
    answer, *got = desk.collect()
    assert answer.state == "applied"
    assert [one.state for one in got] == ["refused"] * 3 + ["applied"]
    for one, why in zip(got, ("期末余额写", "不是本直联的付款账户", "没有对账单号"), strict=False):
        assert any(why in fault for fault in one.faults), one.faults
    with system_scope("420802"):
        assert [item.seq for item in bank_queries.missing(desk.link)] == [3]
        assert StatementLine.objects.filter(statement__in=got[:3]).count() == 0
    # The next statement is lost, the one after comes: the gap is told, and the days without one too.
    bank.pass_day()
    bank.statement()
    bank.pass_day()
    late = replace(bank.statement(), from_day=bank.now.date())
    bank.lay("statement", bank.write_statement(late))
    desk.collect(DAY + timedelta(days=2))
    with at(desk.staff.check, DAY + timedelta(days=4)):
        first, last = bank_queries.gaps(desk.link)
    assert (first.after, first.before, first.from_day) == (good.no, late.no, DAY + timedelta(days=1))
    assert (last.after, last.before, last.to_day) == (late.no, "", DAY + timedelta(days=3))
    desk.clean(run)


def test_a_statement_is_a_definite_answer_and_the_same_again_is_none(desk: Desk) -> None:
    run = desk.month(2)
    bank = desk.bank
    bank.submit_faults = ["500_after"]
    (message,) = desk.deliver(run)
    assert desk.statuses(run) == ["unknown"] * 2
    bank.give_back(message.no, [2])  # out and back within one statement
    data = bank.write_statement(bank.statement())
    bank.lay("statement", data)
    bank.lay("statement", data)
    bank.lay("report", bank.report(message.no))  # late, and no news
    got = desk.collect()
    assert [one.state for one in got] == ["applied"] * 3
    assert got[0].pk == got[1].pk
    assert desk.statuses(run) == ["paid", "returned"]
    with system_scope("420802"):
        assert LedgerEntry.objects.filter(run_id=run.pk, kind__in=["paid", "returned"]).count() == 2
        assert bank_queries.leftovers(desk.link).count() == 0
    desk.clean(run)
