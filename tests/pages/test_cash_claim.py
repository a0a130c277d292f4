"""Cash of a relief that was taken back: the county claims it, the town's cashier takes it in on the phone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from casekit import Office, at, hire
from fieldkit import jpeg
from fundkit import Treasury, clean
from paykit import family
from playwright.sync_api import expect
from reliefkit import relieved

from tuodi.decisions import relief
from tuodi.funds import claims
from tuodi.funds.actions import petty
from tuodi.funds.models import CashClaim
from tuodi.kernel import clock

TOWN, VILLAGE = "420802001", "420802001001"
PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}


def shot(page: Any, name: str) -> None:
    """A picture to look at, where somebody asked for it."""
    if folder := os.environ.get("TUODI_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_claimed_by_the_county_and_taken_in_by_the_town(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Callable[[str], None],
    axe: Callable[[], None], fits: Callable[[], None],
) -> None:  # fmt: skip
    money, office, cashier = Treasury(make_user), Office(VILLAGE, make_user), hire(make_user, TOWN, "petty_cash")
    box = money.float(TOWN, 5_000)
    day = clock.today()
    row = relieved(office, family(), 800_00, on=day)
    with at(cashier, day):
        petty.pay_grant(box, acting_user=cashier, determination=row.determination, receiver="本人", receipt=jpeg())
    with at(office.town_review, day):
        relief.withdraw_relief(row, acting_user=office.town_review, reason="火灾不实")

    page.set_viewport_size(DESK)
    sign_in(money.keep.username)
    page.goto(f"{live_server.url}/petty/{box.pk}/")
    page.locator("summary", has_text="提出追回").click()
    page.get_by_label("理由").first.fill("先行救助已撤回")
    axe()
    shot(page, "claim")
    page.get_by_role("button", name="提出追回").click()
    expect(page.get_by_text("已提出追回 800.00 元")).to_be_visible()
    page.context.clear_cookies()
    page.set_viewport_size(PHONE)
    sign_in(cashier.username)
    page.goto(f"{live_server.url}/petty/{box.pk}/")
    page.locator("summary", has_text="收款").click()
    page.locator("details", has_text="收款").get_by_label("金额（元）").fill("300")
    fits()
    shot(page, "claim-phone")
    page.get_by_role("button", name="收款入账").click()
    expect(page.get_by_text("已收 300.00 元")).to_be_visible()
    with at(money.keep, day):
        assert claims.left(CashClaim.objects.get()) == 500_00
    clean()
