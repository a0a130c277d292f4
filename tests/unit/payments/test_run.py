"""The run's states, its guards in the database, and what is held."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from casekit import at
from django.db import DatabaseError, connection, transaction
from paykit import LATER, Staff, balanced, family, indexed, line, person, run_month

from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.org.models import Duty
from tuodi.payments import actions, queries
from tuodi.payments import calculate as engine
from tuodi.payments.errors import (
    DoubleLineError,
    EarlierRunError,
    FourEyesError,
    OpenLinesError,
    RunInputError,
    StateError,
)
from tuodi.payments.models import LedgerEntry, LineEvent, PayLine, PayRun, Posting, RunSignature
from tuodi.payments.states import LINE_MOVES, RUN_MOVES, LineStatus, RunState
from tuodi.people.facts import put_facts
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db(transaction=True)
MAY, JUNE = Month(2017, 5), Month(2017, 6)

#: Verb -> who does it.
VERBS = {"check": "check", "approve": "approve", "make_bank_files": "check", "settle": "check", "close": "approve"}


@pytest.mark.parametrize(
    ("upto", "allowed"),
    [
        ("open", set()),
        ("calculate", {"check"}),
        ("check", {"approve"}),
        ("approve", {"make_bank_files"}),
        ("return", {"make_bank_files", "settle"}),  # asked again, it gives the files there are
        ("settle", {"close"}),
        ("close", set()),
    ],
)
def test_each_state_allows_only_its_next_step(make_user, upto: str, allowed: set[str]) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY, upto=upto)
    for verb, who in VERBS.items():
        if verb in allowed:
            continue
        user = getattr(staff, who)
        with at(user, LATER), pytest.raises(StateError, match="现在是"):
            getattr(actions, verb)(run, acting_user=user)


def test_the_database_holds_the_same_table_of_states(make_user) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY, upto="calculate")
    for state in RunState.values:
        if state == run.state or state in RUN_MOVES[run.state]:
            continue
        with at(staff.check, LATER), pytest.raises(DatabaseError), transaction.atomic():
            PayRun.objects.filter(pk=run.pk).update(
                state=state, approved_by=staff.approve, approved_at="2017-05-02T00:00Z"
            )


def test_who_prepared_cannot_approve_in_action_or_database(make_user) -> None:
    staff = Staff(make_user)
    with at(staff.prepare, date(2017, 1, 2)):
        # Granting both is refused; a row from elsewhere (a restored backup, plain SQL) must not help either.
        Duty.objects.create(user=staff.prepare, code="pay_approve", place_code="420802", since=date(2010, 1, 4))
    family()
    run = run_month(staff, MAY, upto="check")
    with at(staff.prepare, LATER), pytest.raises(FourEyesError, match="由您编制"):
        actions.approve(run, acting_user=staff.prepare)
    with at(staff.prepare, LATER), pytest.raises(DatabaseError, match="需要 1 人签字"), transaction.atomic():
        PayRun.objects.filter(pk=run.pk).update(
            state="approved", approved_by=staff.prepare, approved_at="2017-05-02T00:00Z"
        )
    with at(staff.prepare, LATER), pytest.raises(DatabaseError, match="编制人和校验人不能"), transaction.atomic():
        RunSignature.objects.create(
            run=run, region=run.region, user=staff.prepare, at="2017-05-02T00:00Z", amount_fen=run.amount_fen
        )
    with at(staff.check, LATER), pytest.raises(AccessDeniedError):
        actions.approve(run, acting_user=staff.check)


def test_two_threads_approve_once(make_user) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY, upto="check")
    gate, answers = threading.Barrier(6), []

    def click() -> None:
        try:
            gate.wait()
            with at_thread(staff.approve):
                actions.approve(run, acting_user=staff.approve)
            answers.append("done")
        except StateError as error:
            answers.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert answers.count("done") == 1
    assert len(answers) == 6
    with at(staff.check, LATER):
        assert LedgerEntry.objects.filter(run_id=run.pk, kind="grant").count() == 1
    balanced(staff, run)


def at_thread(user):
    """The scope alone: a frozen clock is the process's, not a thread's."""
    from tuodi.org.access import scope

    return scope(user)


def test_killed_in_the_middle_it_gives_the_same_lines(make_user, monkeypatch) -> None:
    staff = Staff(make_user)
    towns = [family(village="420802001001", income=100 * n) for n in range(3)]
    other = [family(village="420804001001", income=100 * n) for n in range(3)]
    whole = Staff(make_user, place="4208")
    copy, seen = engine._copy, []

    def dies(run, table, frame, columns, **more):
        if table == "payments_payline":
            seen.append(frame.height)
            if len(seen) == 2:
                raise KeyboardInterrupt  # as a killed worker: the second county's transaction is lost
        return copy(run, table, frame, columns, **more)

    with at(whole.prepare, date(2017, 5, 2)):
        run = actions.open_run(acting_user=whole.prepare, place="4208", month=MAY)
    monkeypatch.setattr(engine, "_copy", dies)
    with at_clock(date(2017, 5, 2)), pytest.raises(KeyboardInterrupt):
        actions.calculate(run, acting_user=whole.prepare)
    with system_scope("4208"):
        first = dict(PayLine.objects.filter(run=run).values_list("key", "pk"))
        assert len(first) == 3  # one county whole, the other absent
        # The roll changes meanwhile: the frozen inputs count.
        RollEntry.objects.filter(household=other[0]).delete()
    monkeypatch.setattr(engine, "_copy", copy)
    with at_clock(date(2017, 5, 2)):
        run = actions.calculate(run, acting_user=whole.prepare)
    with system_scope("4208"):
        again = dict(PayLine.objects.filter(run=run).values_list("key", "pk"))
    assert (run.state, run.lines) == ("calculated", 6)
    assert first.items() <= again.items()
    assert len(again) == 6
    del staff, towns


def at_clock(day: date):
    from tuodi.kernel import clock

    return clock.frozen(day)


def test_a_closed_month_refuses_every_change_even_by_the_owner(make_user, as_owner) -> None:
    staff = Staff(make_user)
    home = family()
    run = run_month(staff, MAY)
    paid = line(staff, run, home)
    statements = [
        "update payments_payrun set amount_fen = 1 where id = %s",
        "update payments_payrun set state = 'settled' where id = %s",
        "delete from payments_payrun where id = %s",
        "update payments_payline set base_fen = 1, amount_fen = 1 where run_id = %s",
        "update payments_payline set status = 'ready' where run_id = %s",
        "delete from payments_payline where run_id = %s",
        "delete from payments_arrear where run_id = %s or exists (select 1)",
        "insert into payments_arrear (run_id, region, household_id, programme, for_month, due_fen, granted_fen, amount_fen, cause, note) "
        f"select id, region, {home.pk}, 'dibao', 201704, 1, 0, 1, 'back', '' from payments_payrun where id = %s",
    ]
    with system_scope("420802"):
        for statement in statements:
            if "arrear where" in statement:
                continue  # there is none to delete
            with pytest.raises(DatabaseError), as_owner(), connection.cursor() as cursor:
                cursor.execute(statement, [run.pk])
    with at(staff.check, LATER):
        paid.refresh_from_db()
        assert (paid.amount_fen, paid.status) == (550_00, "paid")


def test_the_ledger_is_append_only_and_balances_at_commit(make_user, as_owner) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY)
    with system_scope("420802"):
        for table in ("funds_posting", "funds_ledgerentry", "funds_entryseal", "payments_lineevent"):
            for statement in (
                f"update {table} set region = region",
                f"delete from {table}",
                f"truncate {table} cascade",
            ):
                with pytest.raises(DatabaseError), as_owner(), connection.cursor() as cursor:
                    cursor.execute(statement)
    with pytest.raises(DatabaseError, match="借贷不平"):
        _one_sided(run, staff)
    balanced(staff, run)


def _one_sided(run: PayRun, staff: Staff) -> None:
    with system_scope("420802"):
        entry = LedgerEntry.objects.create(
            run_id=run.pk, origin="run", origin_id=run.pk, region=run.region, kind="paid", day="2017-05-02",
            at="2017-05-02T00:00Z", by=staff.check, memo="错账",
        )  # fmt: skip
        Posting.objects.create(entry=entry, region=run.region, account="available", programme="dibao", debit_fen=5)


def test_one_live_line_a_unit_programme_and_month(make_user) -> None:
    staff, whole = Staff(make_user), Staff(make_user, place="4208")
    family()
    run = run_month(staff, MAY, upto="calculate")
    with at(whole.prepare, date(2017, 5, 2)):
        second = actions.open_run(acting_user=whole.prepare, place="4208", month=MAY)
    with at_clock(date(2017, 5, 2)), pytest.raises(DoubleLineError, match=run.no):
        actions.calculate(second, acting_user=whole.prepare)
    with at(staff.prepare, LATER), pytest.raises(RunInputError):
        actions.cancel(run, acting_user=staff.prepare, reason=" ")
    with at(staff.prepare, LATER):
        actions.cancel(run, acting_user=staff.prepare, reason="并入全市发放")
    with at_clock(date(2017, 5, 2)):
        assert actions.calculate(second, acting_user=whole.prepare).lines == 1


def test_months_are_approved_in_order(make_user) -> None:
    staff = Staff(make_user)
    family()
    run_month(staff, MAY, upto="calculate")
    with pytest.raises(EarlierRunError, match="上一期"):
        run_month(staff, JUNE, upto="calculate")


def test_what_is_held_and_why(make_user) -> None:
    staff = Staff(make_user)
    homes = {
        "unknown": family(income=None),
        "not_eligible": family(income=5000),
        "no_account": family(account=None),
        "holder": family(holder="外人"),
        "": family(),
    }
    one, two = family(account="6217000000000009999"), family(account="6217000000000009999")
    homes |= {"shared_account": one}
    run = run_month(staff, MAY, upto="calculate")
    for held, home in homes.items():
        got = line(staff, run, home)
        assert (got.held, got.status) == (held, "held" if held else "ready"), held
    assert line(staff, run, two).held == "shared_account"
    assert "家庭年收入" in line(staff, run, homes["unknown"]).held_note
    assert line(staff, run, homes["unknown"]).amount_fen is None
    assert (run.lines, run.held_lines, run.amount_fen) == (1, 6, 550_00)
    with at(staff.check, LATER):
        found = {one.code: one.count for one in queries.blockers(run)}
    assert found == {"unknown": 1, "not_eligible": 1, "no_account": 1, "holder": 1, "shared_account": 2}


def test_a_held_month_is_paid_back_once_it_is_mended(make_user) -> None:
    staff = Staff(make_user)
    home = family(income=None)
    keeps = family(village="420802001002")
    may = run_month(staff, MAY)
    with system_scope("420802"):
        put_facts(
            home, {"household": {"area_kind": "urban", "assets_ok": True, "income_year": "7200"}}, date(2015, 1, 1)
        )
    june = run_month(staff, JUNE)
    got = line(staff, june, home)
    assert (got.base_fen, got.back_pay_fen, got.amount_fen) == (550_00, 550_00, 1100_00)
    with at(staff.check, LATER):
        tree = {row.cause: row.amount_fen for row in queries.difference_tree(june)}
        head = queries.summary(june)
    assert tree == {"resumed": 550_00, "back": 550_00}
    assert head.difference_fen == sum(tree.values())
    balanced(staff, june)
    del may, keeps


def test_an_imported_roll_is_carried_or_computed_with_its_own_findings(make_user) -> None:
    staff = Staff(make_user)
    carried = family(imported=True, income=None, assets_ok=None, amount_fen=321_00)
    computed = family(imported=True, income=600, assets_ok=None, amount_fen=321_00)
    tekun = family(
        imported=True,
        income=None,
        assets_ok=None,
        amount_fen=600_00,
        programme="tekun",
        names=("单晓月",),
        area_kind="rural",
    )
    run = run_month(staff, MAY)
    assert [
        (one.basis, one.amount_fen)
        for one in (line(staff, run, carried), line(staff, run, computed), line(staff, run, tekun))
    ] == [
        ("roll", 321_00),
        ("rules_roll", 550_00),
        ("rules_roll", 626_00),
    ]
    assert line(staff, run, tekun).person_id is not None
    balanced(staff, run)


def test_differences_by_cause_sum_to_the_fen(make_user) -> None:
    staff = Staff(make_user)
    richer, grows, leaves = family(income=600), family(income=600), family(income=600)
    run_month(staff, MAY)
    with system_scope("420802"):
        put_facts(
            richer, {"household": {"area_kind": "urban", "assets_ok": True, "income_year": "9600"}}, JUNE.first_day
        )
        from tuodi.kernel import clock
        from tuodi.people.actions import add_member

        with clock.frozen(date(2017, 5, 20)):
            add_member(
                acting_user=None,
                household=grows,
                person=person("420802001001", "刘小满", date(2017, 5, 2)),
                relation="child",
                on=date(2017, 5, 2),
            )
        RollEntry.objects.filter(household=leaves).update(end_month=201705)
    new = family(income=300, start=201706)
    june = run_month(staff, JUNE)
    with at(staff.check, LATER):
        tree = {row.cause: (row.households, row.persons, row.amount_fen) for row in queries.difference_tree(june)}
        head = queries.summary(june)
        towns = queries.by_town(june)
        lines, count = queries.difference_lines(june, "income")
    assert tree == {
        "new": (1, 2, 850_00),
        "members": (1, 1, 575_00),
        "exit": (1, -2, -550_00),
        "income": (1, 2, -200_00),
    }
    assert head.difference_fen == 675_00 == sum(row.difference_fen for row in towns)
    assert (count, lines[0].household_id) == (1, richer.pk)
    balanced(staff, june)
    del new


def test_gradual_exit_pays_the_last_amount(make_user) -> None:
    """E08: 宽城, 600.00 kept from June to November 2021."""
    staff = Staff(make_user, place="220103")
    home = family(
        village="220103001001",
        income=2400,
        start=202101,
        last_amount="600.00",
        paid_until="2021-11-30",
        job_income_rise=True,
    )
    run = run_month(staff, Month(2021, 6), place="220103")
    got = line_at(staff, run, home)
    assert (got.grace_fen, got.base_fen, got.amount_fen, got.in_grace) == (600_00, 0, 600_00, True)
    last = run_month(staff, Month(2021, 12), place="220103", upto="calculate")
    assert line_at(staff, last, home).held == "not_eligible"


def line_at(staff: Staff, run: PayRun, home) -> PayLine:
    with at(staff.check, date(2022, 1, 1)):
        return PayLine.objects.get(run=run, household=home)


def test_a_price_subsidy_is_its_own_component(make_user) -> None:
    """575 × 3.6 % = 20.70 a person."""
    staff = Staff(make_user)
    home = family()
    indexed(make_user, "420802", MAY, "3.6", "1.0")
    run = run_month(staff, JUNE)
    got = line(staff, run, home)
    assert (got.price_fen, got.amount_fen) == (41_40, 591_40)
    with at(staff.check, LATER):
        assert format_yuan(queries.by_component(run)[0].parts["price_fen"]) == "41.40"


def test_nothing_is_settled_while_the_bank_has_not_answered(make_user) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY, upto="send")
    with at(staff.check, LATER), pytest.raises(OpenLinesError, match="没有答复不等于失败"):
        actions.settle(run, acting_user=staff.check)
    with at(staff.check, LATER):
        assert LineEvent.objects.filter(line__run=run).values_list("kind", flat=True).get() == "sent"


def test_the_database_holds_the_same_moves_of_a_line(make_user) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY, upto="send")
    reached = {
        "sent": (), "unknown": ("unknown",), "paid": ("paid",), "failed": ("failed",), "returned": ("paid", "returned"),
    }  # fmt: skip
    with at(staff.check, LATER):
        line = PayLine.objects.get(run=run)
        for state, way in reached.items():
            for wanted in LineStatus.values:
                if wanted == state:
                    continue
                with transaction.atomic():
                    for step in way:
                        PayLine.objects.filter(pk=line.pk).update(status=step)
                    try:
                        with transaction.atomic():
                            PayLine.objects.filter(pk=line.pk).update(status=wanted)
                        moved = True
                    except DatabaseError:
                        moved = False
                    transaction.set_rollback(True)
                assert moved == (wanted in LINE_MOVES[state]), (state, wanted)
        with pytest.raises(DatabaseError, match="金额和账户不能修改"), transaction.atomic():
            PayLine.objects.filter(pk=line.pk).update(status="paid", holder="别人")


def test_no_line_begins_as_sent(make_user) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY, upto="calculate")
    with at(staff.prepare, LATER):
        line = PayLine.objects.get(run=run)
        with pytest.raises(DatabaseError, match="不能由 ready 变为 sent"), transaction.atomic():
            PayLine.objects.filter(pk=line.pk).update(status="sent")  # nobody has approved it
        PayRun.objects.filter(pk=run.pk).update(state="open")
        with pytest.raises(DatabaseError, match="不能由 ready 变为 sent"), transaction.atomic():
            PayLine.objects.filter(pk=line.pk).update(status="sent")  # nor while it is made
        PayLine.objects.filter(pk=line.pk).delete()
        line.pk, line.status = None, "sent"
        with pytest.raises(DatabaseError, match="只能是待发、暂缓或无应发"), transaction.atomic():
            line.save(force_insert=True)
