"""Every rule of the ledger, broken on purpose past the guards, is named."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from casekit import at
from django.db import DatabaseError, connection, transaction
from fundkit import Treasury, clean
from paykit import LATER, Staff, family, run_month

from tuodi.cli.verbs import ledger as verb
from tuodi.funds.models import EntrySeal, LedgerCheck, LedgerEntry
from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import invariants
from tuodi.payments.models import BankBatch, PayLine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid(make_user):
    """A county with a fund book and a month paid in full."""
    staff, treasury = Staff(make_user), Treasury(make_user)
    family()
    treasury.do("appropriation", 1000)
    treasury.do("appropriation", 300, programme="tekun")
    return run_month(staff, Month(2017, 5))


@pytest.fixture
def break_it(as_owner):
    """Runs statements as the owner with all triggers of the tables off, as who restores a doctored dump would."""

    def run(*statements: str) -> None:
        with as_owner(), connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"alter table {table} disable trigger user")
        for statement in statements:
            with as_owner(), connection.cursor() as cursor:
                cursor.execute(statement)
        with as_owner(), connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"alter table {table} enable trigger user")

    return run


TABLES = (
    "funds_ledgerentry", "funds_posting", "funds_entryseal", "funds_balance", "payments_bankbatch", "payments_payline", "payments_lineevent",
)  # fmt: skip


def found() -> dict[str, list[str]]:
    with system_scope(NATION):
        report = invariants.check()
    named: dict[str, list[str]] = {}
    for one in report.findings:
        named.setdefault(one.rule, []).append(f"{one.what}：{one.detail}")
    assert {rule: len(rows) for rule, rows in named.items()} == {r: n for r, n in report.counts.items() if n}
    return named


@contextmanager
def seen() -> Iterator[None]:
    with system_scope(NATION):
        yield


def test_a_sound_ledger_passes_and_the_verb_keeps_what_it_saw(paid, capsys) -> None:
    clean()
    assert verb.run(argparse.Namespace(what="check")) == 0
    assert "账务校验通过" in capsys.readouterr().out
    kept = LedgerCheck.objects.get()
    assert kept.ok
    assert list(kept.heads) == ["420802"]


def test_l1_an_entry_that_does_not_balance(paid, break_it) -> None:
    with seen():
        entry = LedgerEntry.objects.order_by("id").first()
        side = entry.postings.order_by("id").first()
    break_it(f"update funds_posting set debit_fen = debit_fen + 1 where id = {side.pk}")
    named = found()
    assert [text.startswith(f"凭证 {entry.pk}：借") for text in named["L1"]] == [True]
    assert "内容与封签不符" in named["L7"][0]


def test_l2_a_batch_that_is_not_its_lines(paid, break_it) -> None:
    with seen():
        no = BankBatch.objects.get().no
    break_it("update payments_bankbatch set amount_fen = amount_fen + 100")
    assert [text.startswith(f"银行批次 {no}：") for text in found()["L2"]] == [True]


def test_l3_money_that_changed_its_source_and_sums_that_are_not_the_postings(paid, break_it) -> None:
    break_it(
        "update funds_posting set source = 'county' where account = 'available' and programme = 'tekun'",
        "update funds_balance set debit_fen = debit_fen + 5 where account = 'available' and programme = 'dibao'",
    )
    named = "\n".join(found()["L3"])
    assert "子账户 420802/tekun/central" in named
    assert "子账户 420802/tekun/county" in named
    assert "余额 420802000000/dibao/central/available/0" in named


def test_l4_two_live_lines_of_one_unit(paid, break_it) -> None:
    break_it(
        "drop index payments_line_live_once",
        "insert into payments_payline select (jsonb_populate_record(null::payments_payline, to_jsonb(l) || "
        "jsonb_build_object('id', l.id + 1000000, 'key', l.key || '-2'))).* from payments_payline l",
    )
    assert "2 行" in found()["L4"][0]
    break_it(
        "delete from payments_payline where id > 1000000",
        "create unique index payments_line_live_once on payments_payline (month, programme, household_id, coalesce(person_id, 0)) where live",
    )


def test_l5_a_state_without_its_event(paid, break_it) -> None:
    with seen():
        key = PayLine.objects.get().key
    break_it("update payments_payline set status = 'failed'")
    assert found()["L5"] == [f"发放行 {key}：状态 failed，最后事件 paid"]


def test_l6_an_event_without_its_actor(paid, break_it) -> None:
    break_it(
        "alter table payments_lineevent alter column by_id drop not null",
        "update payments_lineevent set by_id = null where kind = 'paid'",
    )
    assert "没有经办人" in found()["L6"][0]
    break_it(
        "delete from payments_lineevent where by_id is null",
        "alter table payments_lineevent alter column by_id set not null",
    )


def test_l7_changes_deletions_a_missing_tail_and_guards_that_are_off(paid, break_it, as_owner) -> None:
    with seen():
        first, *_, last = LedgerEntry.objects.order_by("id")
        invariants.keep(invariants.check())
    break_it(f"update funds_ledgerentry set memo = '改' where id = {first.pk}")
    assert found()["L7"] == [f"凭证 {first.pk}：内容与封签不符"]
    break_it(
        f"delete from funds_posting where entry_id = {last.pk}", f"delete from funds_entryseal where entry_id = {last.pk}",
        f"delete from funds_ledgerentry where id = {last.pk}",
    )  # fmt: skip
    assert any(text.startswith("链 420802：上次校验时有") for text in found()["L7"])
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("alter table funds_posting disable trigger tuodi_append_only")
    assert any(text.startswith("触发器 tuodi_append_only") for text in found()["L7"])
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("alter table funds_posting enable trigger tuodi_append_only")
    assert verb.run(argparse.Namespace(what="check")) == 1


def test_the_product_itself_can_write_neither_seals_nor_sums_nor_late_postings(paid, make_user) -> None:
    with seen():
        entry = LedgerEntry.objects.order_by("id").first()
        seal = EntrySeal.objects.get(entry=entry)
    keeper = Treasury(make_user).keep
    for statement in (
        "update funds_balance set debit_fen = 0",
        f"insert into funds_entryseal (entry_id, region, chain, seq, prev_hash, hash) values ({entry.pk}, '{entry.region}', 'x', 1, '', '{seal.hash}')",
        "insert into funds_posting (entry_id, region, account, programme, source, debit_fen, credit_fen) "
        f"values ({entry.pk}, '{entry.region}', 'available', 'dibao', 'central', 5, 0), ({entry.pk}, '{entry.region}', 'appropriated', 'dibao', 'central', 0, 5)",
    ):
        with at(keeper, LATER), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    clean()
