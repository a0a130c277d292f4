"""In the browser: an order turned to the treasury, a refund found on a statement, and an account a bank proposes."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from casekit import at, hire
from fundkit import Treasury, clean
from hospitalkit import Ward, lay_rules
from paykit import LATER, Staff, family, line, run_month
from playwright.sync_api import expect

from tuodi.crypto.fields import encrypt
from tuodi.funds import hospital, refunds
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.payments.models import AccountCheck, AccountProposal

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}
Check = Callable[[], None]
rules = pytest.fixture(lay_rules)


@pytest.fixture
def look(page: Any, axe: Check, fits: Check) -> Callable[[str], None]:
    """Checks the page in both widths, and keeps pictures where somebody wants to look."""

    def looked(name: str) -> None:
        axe()
        folder = os.environ.get("TUODI_PICTURES")
        if folder:
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        page.set_viewport_size(PHONE)
        fits()
        if folder:
            page.screenshot(path=f"{folder}/{name}-phone.png", full_page=True)
        page.set_viewport_size(DESK)

    return looked


@pytest.mark.usefixtures("rules")
def test_an_order_is_turned_to_the_treasury_and_its_money_comes_back(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Callable[[str], None], look: Callable[[str], None]
) -> None:  # fmt: skip
    money, today = Treasury(make_user), clock.today()
    money.do("appropriation", 60_000, programme="medical")
    ward = Ward(money, way="bank")
    money.do("hospital", 3_000, programme="medical", hospital=ward.agreement, on=today)
    with at(money.keep, today):
        (order,) = ward.agreement.orders.all()

    def who(user: Any, path: str) -> None:
        page.context.clear_cookies()
        sign_in(user.username)
        page.goto(f"{live_server.url}{path}")

    page.set_viewport_size(DESK)
    who(money.keep, f"/orders/{order.no}/")
    page.get_by_text("银行付不了，改由国库支付").click()
    page.get_by_label("国库支付凭证号").fill("GK-2019-7")
    page.get_by_label("理由").fill("收款行不在清算系统")
    look("turn-form")
    page.get_by_role("button", name="提出", exact=True).click()
    expect(page.get_by_text("已提出改由国库支付，待财政审核")).to_be_visible()
    who(money.review, f"/orders/{order.no}/")
    look("turn-decide")
    page.get_by_role("button", name="同意并入账").click()
    expect(page.get_by_text("国库已支付").first).to_be_visible()
    with at(money.keep, today):
        assert hospital.balance(ward.agreement) == 3_000_00
        refunds.propose(
            [
                refunds.Credit(n, "DZ0001000042", fen, today - timedelta(days=1), f"B{n}", order.region, order.code, order.name, named)
                for n, fen, named in ((1, 1_000_00, order), (2, 88_00, None))
            ]
        )  # fmt: skip

    who(money.keep, "/orders/")
    page.get_by_role("link", name="机构退款 2").click()
    expect(page.get_by_role("heading", name="待确认")).to_be_visible()
    look("refunds")
    row = page.get_by_role("row").filter(has_text="流水 B2")
    row.get_by_text("不是退款", exact=True).click()
    row.get_by_label("理由").fill("医院误转的餐费")
    row.get_by_role("button", name="记为不是退款").click()
    expect(page.get_by_text("已记为不是退款")).to_be_visible()
    page.get_by_role("button", name="提出收回单据").click()
    expect(page.get_by_text("财政审核后入账")).to_be_visible()
    page.goto(f"{live_server.url}/refunds/?show=all")
    expect(page.get_by_role("row").filter(has_text="流水 B1")).to_contain_text("待财政审核")
    look("refunds-all")
    page.get_by_role("link", name="资金单据").click()
    expect(page.get_by_text("流水 B1").first).to_be_visible()
    assert quiet == []
    clean()


def test_what_a_bank_proposes_is_seen_beside_what_we_hold_and_taken_over_by_a_person(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Callable[[str], None], look: Callable[[str], None]
) -> None:  # fmt: skip
    staff = Staff(make_user)
    home = family(names=("向桂英",))
    run = run_month(staff, Month(2017, 5), upto="calculate")
    officer = hire(make_user, "420802", "pay_send", "review")
    mine = line(staff, run, home)
    with at(staff.check, LATER):
        check = AccountCheck.objects.create(
            run=run, line=mine, region=mine.region, account_id=mine.account_id, no="YM1", ok=False, code="AC04", message="账户已销户",
            at=clock.now(), by=staff.check,
        )  # fmt: skip
        made = AccountProposal(check_of=check, region=mine.region, holder="向桂英", last4="0012")
        made.account_cipher = encrypt("6217000077770000012", f"people.account|{made.account_uid}")
        made.save()
    with clock.frozen(LATER):
        sign_in(officer.username)
        page.goto(f"{live_server.url}/runs/{run.pk}/accounts/")
        expect(page.get_by_text("账号尾号 0012")).to_be_visible()
        look("accounts")
        page.get_by_role("button", name="登记账户变化").click()
        expect(page.get_by_text("已把银行提议的账户填入办结表")).to_be_visible()
        expect(page.get_by_label("新账号")).to_have_value("6217000077770000012")
        look("account-change")
        with at(officer, LATER):  # nothing is changed before a person closes it
            assert home.head.accounts.get(until__isnull=True).last4 == mine.account_last4
        page.get_by_label("答复").fill("核对身份证和新存折")
        page.get_by_role("button", name="办结", exact=True).click()
        expect(page.get_by_text("已办理。")).to_be_visible()
        expect(page.get_by_text("银行提议的账户")).to_have_count(0)
    with at(officer, LATER):
        assert home.head.accounts.get(until__isnull=True).last4 == "0012"
    assert quiet == []
