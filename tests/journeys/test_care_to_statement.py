"""From the agreement with a caregiver to the bank's statement: his line, his card, what came back, and the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from bankkit import DAY, Desk, listening, wire_up
from casekit import Office, at
from fundkit import Treasury, clean
from paykit import LATER, family, run_month

from tuodi.decisions import care_actions as care
from tuodi.decisions.care_payees import Card, register_payee
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions, bank_queries, chain
from tuodi.payments.models import BankItem, PayLine

pytestmark = pytest.mark.django_db(transaction=True)
VILLAGE, MAY = "420802001001", Month(2017, 5)


@pytest.fixture
def desk(make_user: Any, settings: Any, tmp_path: Any) -> Iterator[Desk]:
    bank = wire_up(settings, tmp_path)
    with listening(bank) as address:
        yield Desk(make_user, bank, address)


def test_a_caregiver_s_money_comes_back_once_and_is_sent_to_his_new_card(desk: Desk, make_user: Any) -> None:
    treasury, town = Treasury(make_user), Office(VILLAGE, make_user).town_review
    for programme in ("tekun", "care"):
        treasury.do("appropriation", 5000, programme=programme)
    home = family(names=("甲明",), programme="tekun", imported=True, area_kind="rural", village=VILLAGE)
    terms = care.Terms(
        form="dispersed", party="单晓月", relation="邻居", services="一日三餐", since=date(2017, 5, 1),
        until=date(2018, 4, 30), signed_on=date(2017, 4, 28), subsidy_fen=300_00,
    )  # fmt: skip
    card = Card(make_id("420899", date(1970, 3, 4), 7), "6217000088880000001", "农商行")
    with at(town, date(2017, 5, 1)):
        agreement = care.make_agreement(home.head, home, terms, acting_user=town)
        register_payee(agreement, card, acting_user=town)
    run = desk.send(run_month(desk.staff, MAY, upto="approve"))
    assert treasury.held(programme="care") == {"available": 4700_00, "transit": 300_00}

    desk.deliver(run)
    bank = desk.bank
    (message,) = desk.messages(run)
    with system_scope("420802"):
        line = PayLine.objects.get(run=run, programme="care")
        seq = BankItem.objects.get(line=line).seq
    bank.lay("report", bank.report(message.no))
    bank.lay("statement", bank.write_statement(bank.statement()))
    desk.collect()
    bank.pass_day()
    bank.give_back(message.no, [seq])  # the card was closed
    bank.lay("statement", bank.write_statement(bank.statement()))
    desk.collect()
    with system_scope("420802"):
        assert dict(PayLine.objects.filter(run=run).values_list("programme", "status")) == {
            "care": "returned", "tekun": "paid",
        }  # fmt: skip
    assert treasury.held(programme="care") == {"available": 4700_00, "suspense": 300_00}

    with at(town, date(2017, 5, 20)):
        register_payee(agreement, Card(card.id_text, "6217000088880000002", "农商行"), acting_user=town)
    with at(desk.staff.check, DAY):
        actions.reissue(run, acting_user=desk.staff.check, lines=[line.pk])
    desk.deliver(run)
    again = desk.messages(run)[-1]
    bank.lay("report", bank.report(again.no))
    bank.lay("statement", bank.write_statement(bank.statement()))
    desk.collect()
    with at(desk.staff.check, DAY):
        run = actions.settle(run, acting_user=desk.staff.check)
    with system_scope("420802"):
        cards = list(BankItem.objects.filter(line=line).order_by("id").values_list("account_last4", "status"))
        assert cards == [("0001", "returned"), ("0002", "paid")]
        assert list(bank_queries.leftovers(desk.link)) == []
        assert list(bank_queries.missing(desk.link)) == []
        # Seen from above: each station of the line with its entry in the ledger.
        stations = [(one.stage, one.entry is not None) for one in chain.steps(line)]
    assert stations == [
        ("granted", True), ("sent", True), ("paid", True), ("returned", True), ("sent", True), ("paid", True),
    ]  # fmt: skip
    assert treasury.held(programme="care") == {"available": 4700_00, "paid": 300_00}
    with at(desk.staff.check, LATER):
        assert PayLine.objects.get(pk=line.pk).what == "照料服务补贴（照料甲明）"
    clean()
