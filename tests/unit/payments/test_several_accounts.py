"""A second account at one bank, and accounts asked about by message."""

from __future__ import annotations

import pytest
from bankkit import ACCOUNT, DAY, MAY, Desk, listening, wire_up
from casekit import at
from django.db import DatabaseError, transaction
from fundkit import clean
from paykit import family, run_month

from simulators.bank.core import Bank
from tuodi.org.access import system_scope
from tuodi.payments import actions, bank_queries, withholding
from tuodi.payments.errors import AccountCheckError, RunInputError
from tuodi.payments.models import (
    AccountCheck,
    AccountInquiry,
    AccountProposal,
    BankLink,
    BankMessage,
    BankReturn,
    PayRun,
)

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "4200017000000022"


@pytest.fixture
def desk(make_user, settings, tmp_path):
    bank = wire_up(settings, tmp_path)
    with listening(bank) as address:
        yield Desk(make_user, bank, address)


def register(desk: Desk, account: str, *programmes: str) -> BankLink:
    with system_scope("420802"):
        return actions.register_link(
            acting_user=None, place="420802", label=f"账户{account[-2:]}", profile="iso20022", way="http", address=desk.link.address,
            payer_name="东宝区民政局特困专户", payer_account=account, bank_key=desk.bank.pair.public.hex(), programmes=programmes,
        )  # fmt: skip


def test_two_accounts_at_one_bank_pay_their_own_programmes_and_each_file_finds_its_account(desk: Desk) -> None:
    second = register(desk, OTHER, "tekun")
    family(village="420802001001")
    family(
        village="420802001002", programme="tekun", names=("陈桂兰",), imported=True, amount_fen=800_00, area_kind="rural"
    )  # fmt: skip
    run = desk.send(run_month(desk.staff, MAY, upto="approve", programmes=("dibao", "tekun")))
    with system_scope("420802"):
        messages = list(BankMessage.objects.filter(batch__run=run).select_related("link").order_by("id"))
        found = {
            one.link.payer_account: set(one.batch.items.values_list("line__programme", flat=True)) for one in messages
        }
    assert found == {ACCOUNT: {"dibao"}, OTHER: {"tekun"}}
    first_no, second_no = (
        next(one.no for one in messages if one.link.payer_account == account) for account in (ACCOUNT, OTHER)
    )
    # One bank, one door, two accounts of ours: the simulator keeps books for one, so the other's are beside it.
    beside = Bank(profile="iso20022", pair=desk.bank.pair, client=desk.bank.client, account=OTHER)
    plain = desk.bank.submit

    def submit(no: str, data: bytes, signature: str) -> tuple[str, str]:
        return (beside.submit if no == second_no else plain)(no, data, signature)

    desk.bank.submit = submit  # type: ignore[method-assign]
    assert [one.state for one in desk.deliver(run)] == ["acknowledged"] * 2
    desk.bank.lay("a", desk.bank.report(first_no))
    desk.bank.lay("b", beside.report(second_no))
    desk.bank.lay("c", desk.bank.write_statement(desk.bank.statement()))
    desk.bank.lay("d", beside.write_statement(beside.statement()))
    got = desk.collect()  # all fetched by the first account's line
    assert [(one.state, one.link_id) for one in got] == [
        ("applied", desk.link.pk), ("applied", second.pk), ("applied", desk.link.pk), ("applied", second.pk),
    ]  # fmt: skip
    assert desk.statuses(run) == ["paid"] * 2
    with system_scope("420802"):
        assert list(bank_queries.leftovers()) == []
    desk.clean(run)
    clean()


def test_which_account_pays_what_is_never_in_doubt(desk: Desk) -> None:
    second = register(desk, OTHER, "tekun")
    with pytest.raises(RunInputError, match="付款项目"):
        register(desk, OTHER, "nix")
    third = register(desk, "4200017000000033", "tekun", "temporary")  # takes over from the second
    with system_scope("420802"):
        active = set(BankLink.objects.filter(is_active=True).values_list("pk", flat=True))
        assert active == {desk.link.pk, third.pk}
        with pytest.raises(DatabaseError, match="已有账户付这些项目"), transaction.atomic():
            BankLink.objects.filter(pk=second.pk).update(is_active=True)
        with pytest.raises(DatabaseError, match="已有账户付这些项目"), transaction.atomic():
            BankLink.objects.filter(pk=third.pk).update(programmes=[])


@pytest.mark.parametrize("profile", ["iso20022", "iso20022-2009"])
def test_accounts_are_asked_about_by_message_and_a_bad_one_is_not_sent(
    make_user, settings, tmp_path, profile: str
) -> None:
    bank = wire_up(settings, tmp_path, profile=profile)
    with listening(bank) as address:
        desk = Desk(make_user, bank, address)
        for n in range(3):
            family(village=f"42080200100{n + 1}")
        run = run_month(desk.staff, MAY, upto="approve")
        with at(desk.staff.check, DAY):
            asked = actions.send_account_check(run, acting_user=desk.staff.check, profile=profile)
            assert actions.send_account_check(run, acting_user=desk.staff.check, profile=profile).pk == asked.pk
        desk.bank.submit_faults = ["500_after"]
        (lost,) = desk.deliver(run)
        assert lost.state == "sent"
        assert [one.state for one in desk.deliver(run)] == ["acknowledged"]
        assert bank.totals()[asked.no] == {"copies": 1, "asked": 3}
        bad_account = bank.asked[asked.no].accounts[1][1]
        bank.bad_accounts = {bad_account: "AC04"}
        bank.right_accounts = {bad_account: ("向桂英", "6217000077770000012")}
        answer = bank.answer_request(asked.no)
        mangled = answer.replace(b"6217000077770000012", b"62X")
        wrong = answer.replace(f"{asked.no}-3<".encode(), f"{asked.no}-9<".encode())
        named = answer.replace("向桂英".encode(), "别的人".encode(), 1)
        for one in (wrong, named, mangled, answer, answer):
            bank.lay("accounts", one)
        bank.lay("again", bank.answer_request(asked.no))
        got = desk.collect()
        assert [(one.state, one.kind) for one in got] == [
            *[("refused", "acmt.024")] * 3, *[("applied", "acmt.024")] * 2, ("refused", "acmt.024"),
        ]  # fmt: skip
        assert "已答复过" in got[-1].faults[0]
        with system_scope("420802"):
            assert BankReturn.objects.filter(run=run, state="applied").count() == 1
            assert bank_queries.account_check_totals(run) == {"ok": 2, "bad": 1, "open": 0}
            (bad,) = AccountCheck.objects.filter(ok=False)
            assert (bad.code, bad.message, bad.no) == ("AC04", "账户已销户", asked.no)
            # What it proposes is kept beside what we hold, and changes nothing.
            proposal = AccountProposal.objects.get()
            assert (proposal.check_of_id, proposal.holder, proposal.number()) == (
                bad.pk,
                "向桂英",
                "6217000077770000012",
            )
            home = bad.line.household
            assert bank_queries.account_proposal(home, home.head).pk == proposal.pk
            assert home.head.accounts.get(until__isnull=True).last4 == bad_account[-4:]
            with pytest.raises(DatabaseError), transaction.atomic():
                AccountProposal.objects.update(holder="别人")
            assert withholding.stopped_lines(PayRun.objects.get(pk=run.pk)) == {bad.line_id: "precheck"}
        run = desk.send(run)
        assert desk.lines(run) == ["sent", "sent", "withheld"]
        desk.clean(run)


def test_without_a_line_or_after_a_new_calculation_no_question_is_kept_open(desk: Desk) -> None:
    family()
    run = run_month(desk.staff, MAY, upto="calculate")
    staff = desk.staff
    with at(staff.check, DAY):
        with pytest.raises(AccountCheckError, match="没有登记"):
            actions.send_account_check(run, acting_user=staff.check, profile="iso20022-2009")
        first = actions.send_account_check(run, acting_user=staff.check)
    desk.deliver(run)
    answer = desk.bank.answer_request(first.no)
    with at(staff.prepare, DAY):
        run = actions.calculate(run, acting_user=staff.prepare)
    desk.bank.lay("old", answer)
    (old,) = desk.collect()
    assert (old.state, "重新计算" in old.faults[0]) == ("refused", True)
    with at(staff.check, DAY):
        again = actions.send_account_check(run, acting_user=staff.check)
    with system_scope("420802"):
        assert (again.no == first.no, AccountInquiry.objects.count()) == (False, 2)
