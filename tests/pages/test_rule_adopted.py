"""A rule is written anew on screen: begun from the present one, mended, compared, simulated, approved by another, published."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from casekit import at
from paykit import Staff, family, run_month
from playwright.sync_api import expect
from rulekit import FIRST, MEDICAL
from standardkit import Makers

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.standards import actions
from tuodi.standards.models import Opinion, Proposal
from tuodi.standards.states import Stance
from tuodi.verification import rulebook

PHONE = {"width": 360, "height": 760}
Check = Callable[[], None]


def picture(page: Any, name: str) -> None:
    """Kept where somebody wants to look at the pages."""
    if folder := os.environ.get("TUODI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.fixture
def begun(make_user: Callable[..., Any]) -> Iterator[Makers]:
    """A family with medical costs on a roll that is frozen, and a proposal without content."""
    staff, makers = Staff(make_user), Makers(make_user, "420802", "420802001")
    family(income=900, cost_medical="1200.00")
    run_month(staff, Month(2017, 9), upto="calculate")
    make_user("420802", "standards", username="drafter")
    make_user("420802", "standards_approve", username="approver")
    with at(makers.drafter, clock.today()):
        actions.draft(acting_user=makers.drafter, place="420802", title="医疗支出抵扣办法", effective_on=FIRST)
    yield makers
    rulebook.reload()


def heard(makers: Makers, proposal: Proposal) -> None:
    """Everybody who must be heard agrees."""
    for one in Opinion.objects.filter(proposal=proposal):
        with at(makers.finance, clock.today()):
            actions.answer(one, acting_user=makers.finance, stance=Stance.AGREE)


def test_a_rule_is_written_anew_on_screen(
    page: Any, live_server: Any, quiet: list[str], begun: Makers, sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    sign_in("drafter")
    page.set_viewport_size({"width": 1366, "height": 900})
    page.goto(f"{live_server.url}/standards/proposals/")
    page.get_by_role("link", name="医疗支出抵扣办法").click()
    here = page.url
    page.get_by_text("修改规则", exact=True).click()
    page.get_by_label("从现行规则开始改").select_option("dibao.deduction")
    page.get_by_role("button", name="写进文本").click()
    expect(page.locator("#rule-faults")).to_be_visible()  # the example begun with says nothing yet
    picture(page, "begun-1366")
    page.get_by_label("规则文本").fill(MEDICAL.replace('"cost_medical"', '"cost_medcal"'))
    page.get_by_role("button", name="保存并检查").click()
    expect(page.locator("#rule-faults")).to_contain_text("第 3 行")
    expect(page.locator("#rule-faults")).to_contain_text("是否想写“cost_medical”")
    expect(page.get_by_role("button", name="送出征求意见")).to_have_count(0)
    picture(page, "faults-1366")
    page.get_by_label("规则文本").fill(MEDICAL)
    page.get_by_role("button", name="保存并检查").click()
    expect(page.locator("#rule-changes del").first).to_be_visible()
    expect(page.locator("#rule-changes")).to_contain_text("医疗刚性支出")
    expect(page.locator("#rule-faults")).to_have_count(0)
    axe()
    fits()
    picture(page, "draft-1366")
    page.get_by_role("button", name="送出征求意见").click()
    expect(page.get_by_text("数值和规则从此不改")).to_be_visible()
    heard(begun, Proposal.objects.get())

    page.get_by_role("link", name="测算").first.click()
    page.get_by_role("button", name="开始测算").click()
    expect(page.get_by_role("heading", name="现行与方案")).to_be_visible()
    expect(page.get_by_text("含规则草案")).to_be_visible()
    expect(page.get_by_text("+100.00").first).to_be_visible()

    page.context.clear_cookies()
    sign_in("approver")
    page.goto(here)
    expect(page.locator("section", has=page.get_by_role("heading", name="测算", exact=True))).to_contain_text(
        "现在的内容"
    )
    page.get_by_label("缺数的底线，为什么可以先批准").fill("与底线无关")
    page.get_by_role("button", name="批准", exact=True).click()
    expect(page.get_by_text("已批准").first).to_be_visible()

    page.context.clear_cookies()
    sign_in("drafter")
    page.goto(here)
    page.get_by_label("文号").fill("东民发〔2017〕9号")
    page.get_by_label("文件名").fill("关于医疗支出抵扣的通知")
    page.get_by_role("button", name="登记公布").click()
    expect(page.get_by_text("已执行").first).to_be_visible()
    picture(page, "in-force-1366")
    book = rulebook.book(fresh=True)
    assert book.rule_texts(book.chain("420802"), date(2017, 10, 1))["dibao.deduction"].adopted
    page.set_viewport_size(PHONE)
    fits()
    axe()
    picture(page, "in-force-360")
    page.context.add_cookies([{"name": "tuodi_type", "value": "large", "url": live_server.url}])
    page.goto(here)
    fits()
    picture(page, "in-force-large")
