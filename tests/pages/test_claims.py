"""A claim through its page: found by the list, cash entered, an agreement with its paper, a write-off by two people."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from casekit import at
from paykit import Staff, family, run_month
from playwright.sync_api import expect

from tuodi.kernel.periods import Month
from tuodi.people import actions as people

PHONE = {"width": 360, "height": 760}
Check = Callable[[], None]


def picture(page: Any, name: str) -> None:
    """Kept where somebody wants to look at the pages."""
    if folder := os.environ.get("TUODI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.fixture
def owed(make_user: Callable[..., Any]) -> None:
    """575.00 too much in April and May of 2017; June has kept back 87.50."""
    staff = Staff(make_user)
    home = family(names=("林桂兰", "周建军"), income=400)
    for month in (Month(2017, 4), Month(2017, 5)):
        run_month(staff, month)
    with at(staff.check, date(2017, 5, 25)):
        dead = home.memberships.order_by("id").last().person
        people.record_death(acting_user=None, person=dead, died_on=date(2017, 3, 18))
    run_month(staff, Month(2017, 6))
    make_user("420802", "pay_check", username="checker")
    make_user("420802", "pay_approve", username="approver")


def test_a_claim_comes_back_in_cash_by_agreement_and_is_given_up_by_two(
    page: Any, live_server: Any, quiet: list[str], owed: None, tmp_path: Path, sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    sign_in("checker")
    page.goto(f"{live_server.url}/claims/")
    expect(page.locator(".figures")).to_contain_text("1,062.50")
    axe()
    fits()
    picture(page, "list-1366")
    page.get_by_label("姓名、户编号或事项编号").fill("林桂")
    page.get_by_role("button", name="筛选").click()
    page.get_by_role("link", name="林桂兰").click()
    expect(page.get_by_text("每月抵扣不超过当月应发的 50%")).to_be_visible()
    expect(page.locator("section", has=page.get_by_role("heading", name="从哪里来"))).to_contain_text("2017-05")
    claim = page.url

    page.get_by_label("金额（元）", exact=True).first.fill("500")
    page.get_by_label("收据号").fill("SJ-1")
    page.get_by_role("button", name="登记并记账").click()
    expect(page.get_by_text("已收回 500.00 元")).to_be_visible()
    page.get_by_text("登记分期归还协议").click()
    page.get_by_label("每月金额（元）").fill("80")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.4 signed")
    page.get_by_label("签字的协议").set_input_files(tmp_path / "paper.pdf")
    page.get_by_role("button", name="登记协议").click()
    expect(page.get_by_text("协议已登记")).to_be_visible()
    expect(page.get_by_text("每月抵扣 80.00 元")).to_be_visible()
    page.get_by_text("提出核销", exact=True).click()
    page.get_by_label("核销金额（元）").fill("562.50")
    page.get_by_label("依据").fill("重病，无劳动能力，社区证明")
    axe()
    picture(page, "claim-1366")
    page.get_by_role("button", name="提出，由另一人审批").click()
    expect(page.get_by_text("您提出的核销，由另一人审批")).to_be_visible()
    page.set_viewport_size(PHONE)
    fits()
    picture(page, "claim-360")
    page.evaluate("document.documentElement.style.fontSize = '150%'")
    fits()
    picture(page, "claim-large")
    page.set_viewport_size({"width": 1366, "height": 800})

    page.context.clear_cookies()
    sign_in("approver")
    page.goto(claim)
    page.get_by_role("button", name="同意核销").click()
    expect(page.get_by_text("已核销 562.50 元，已记账")).to_be_visible()
    expect(page.locator("h1")).to_contain_text("已结清")
    axe()
    page.goto(f"{live_server.url}/claims/?show=settled")
    page.set_viewport_size(PHONE)
    expect(page.get_by_role("link", name="林桂兰")).to_be_visible()
    fits()
    picture(page, "list-360")
