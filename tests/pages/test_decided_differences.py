"""What two people decide about money that no run finds by itself, on its pages: a corrected index, a clue's money, cash given again."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import cluekit
import pytest
from casekit import Office, at, hire
from fieldkit import jpeg
from fundkit import Treasury
from paykit import Staff, family, indexed, run_month
from playwright.sync_api import expect
from reliefkit import completed, relieved

from tuodi.decisions import actions as decisions
from tuodi.decisions import appeals
from tuodi.funds.actions import claims, petty
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}
Check = Callable[[], None]


def picture(page: Any, name: str) -> None:
    """Kept where somebody wants to look at the pages."""
    if folder := os.environ.get("TUODI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.fixture
def story(make_user: Callable[..., Any]) -> dict[str, Any]:
    """July's subsidy paid with August's run, its index corrected; a confirmed clue about the same family."""
    staff = Staff(make_user)
    home = family(names=("林桂兰", "周建军"))
    run_month(staff, Month(2017, 7))
    indexed(make_user, "4208", Month(2017, 7), "3.6", "1.0")
    run_month(staff, Month(2017, 8))
    higher = indexed(make_user, "4208", Month(2017, 7), "4.6", "1.0", on=date(2017, 8, 18))
    hands = cluekit.Hands(make_user)
    clue = cluekit.taken_to(hands, cluekit.clue(home), "suspended")
    with at(hands.county, cluekit.FOUND):
        clue = clue_actions.handle(
            clue, action="recover", text="隐瞒车辆", to_recover_fen=300_00, acting_user=hands.county
        )
    make_user("420802", "pay_check", username="checker")
    make_user("420802", "pay_approve", username="approver")
    return {"index": higher, "clue": clue, "county": hands.county}


def test_a_corrected_index_and_a_clue_are_decided_by_two_on_screen(
    page: Any, live_server: Any, quiet: list[str], story: dict[str, Any], tmp_path: Path, sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.4 signed")
    sign_in("checker")
    page.goto(f"{live_server.url}/prices/{story['index'].pk}/?compare=1")
    page.get_by_text("处理少发的 2 人").click()
    page.get_by_label("依据文件").fill("荆统函〔2017〕9号")
    page.get_by_label("理由").fill("统计局更正公报")
    page.get_by_label("文件扫描件").set_input_files(tmp_path / "paper.pdf")
    axe()
    fits()
    picture(page, "price-1366")
    page.set_viewport_size(PHONE)
    fits()
    picture(page, "price-360")
    page.set_viewport_size(DESK)
    page.get_by_role("button", name="提出，由另一人审批").click()
    expect(page.get_by_text("您提出的决定，由另一人审批")).to_be_visible()
    decision = page.url
    page.context.clear_cookies()
    sign_in(story["county"].username)
    page.goto(f"{live_server.url}/clues/{story['clue'].no}/")
    page.locator("#do-claim > summary").click()
    page.locator("#claim-first").fill("2017-07")
    page.locator("#claim-last").fill("2017-08")
    page.locator("#claim-reason").fill("隐瞒车辆，不应享受")
    axe()
    picture(page, "clue-1366")
    page.locator("#do-claim button").click()
    expect(page.get_by_text("追回已提出")).to_be_visible()
    expect(page.get_by_text("追回记账")).to_be_visible()
    page.context.clear_cookies()
    sign_in("approver")
    page.goto(decision)
    axe()
    picture(page, "decision-1366")
    page.get_by_role("button", name="同意补发").click()
    expect(page.get_by_text("下一期发放自动补发")).to_be_visible()
    page.set_viewport_size(PHONE)
    fits()
    picture(page, "decision-360")
    page.evaluate("document.documentElement.style.fontSize = '150%'")
    fits()
    picture(page, "decision-large")
    page.set_viewport_size(DESK)
    page.goto(f"{live_server.url}/claims/")
    page.get_by_role("link", name="认定多发").click()
    axe()
    picture(page, "findings-1366")
    page.get_by_role("link", name="林桂兰").click()
    axe()
    picture(page, "finding-1366")
    page.set_viewport_size(PHONE)
    fits()
    picture(page, "finding-360")
    page.set_viewport_size(DESK)
    page.get_by_role("button", name="同意立追回").click()
    expect(page.get_by_text("已立追回事项")).to_be_visible()
    page.get_by_role("link", name="追回事项").first.click()
    expect(page.get_by_text(story["clue"].no)).to_be_visible()
    picture(page, "claim-1366")


def test_cash_given_again_is_put_right_by_two_on_screen(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    town, village, day = "420802001", "420802001001", date(2017, 8, 14)
    money, office, cashier = Treasury(make_user), Office(village, make_user), hire(make_user, town, "petty_cash")
    box = money.float(town, 5_000)
    home = family()
    row = relieved(office, home, 800_00, on=day)
    with at(cashier, day):
        spend = petty.pay_grant(
            box, acting_user=cashier, determination=row.determination, receiver="本人", receipt=jpeg()
        )
    completed(office, home, row, day)
    with at(office.county_confirm, day):
        (refused,) = decisions.refuse(row.case, acting_user=office.county_confirm, reasons="并无火灾")
    with at(money.keep, day):
        claim = claims.open_claim(spend, acting_user=money.keep, reason="不予确认")
    with at(cashier, day):
        claims.receive(claim, acting_user=cashier, amount_fen=300_00, payer="本人")
    above = hire(make_user, "4208", "appeal")
    with at(above, date(2017, 8, 20)):
        appeals.change(refused, acting_user=above, matter_no="FY1", reasons="有消防证明")
    page.set_viewport_size(DESK)
    sign_in(money.keep.username)
    page.goto(f"{live_server.url}/petty/{box.pk}/")
    page.locator("summary", has_text="提出更正").click()
    page.get_by_label("理由").first.fill("复议决定给予救助")
    axe()
    picture(page, "again-1366")
    page.get_by_role("button", name="提出更正").click()
    expect(page.get_by_text("更正已提出，由另一人审核")).to_be_visible()
    page.context.clear_cookies()
    sign_in(money.review.username)
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/petty/{box.pk}/")
    page.locator("summary", has_text="审核").click()
    fits()
    picture(page, "again-360")
    page.get_by_role("button", name="同意更正").click()
    expect(page.get_by_text("已更正：")).to_be_visible()
