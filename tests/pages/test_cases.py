"""From the counter's acceptance to frozen facts and the first steps, through the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builders import make_family
from playwright.sync_api import expect

Check = Callable[[], None]


def test_application_is_accepted_and_its_facts_are_frozen(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
) -> None:
    household = make_family("林桂兰", "周建军", on_roll_fen=None, income_year=None)
    make_user("420804001", "accept", "review", "visit", username="counter")
    helper = make_user("420804001", "visit", username="helper")
    sign_in("counter")
    page.goto(f"{live_server.url}/families/{household.pk}/")
    page.get_by_role("link", name="受理申请").click()
    axe()
    page.get_by_label("居民身份证").check()
    page.get_by_role("button", name="受理").click()
    expect(page.get_by_text("已受理，业务号")).to_be_visible()
    axe()

    page.get_by_role("link", name="登记事实").first.click()
    axe()
    page.get_by_label("核定的家庭年收入").fill("一万")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator(".error-summary")).to_be_visible()
    expect(page.get_by_label("核定的家庭年收入")).to_have_value("一万")

    page.get_by_label("核定的家庭年收入").fill("10,800")
    page.get_by_label("家庭财产符合规定").select_option("true")
    page.get_by_role("button", name="保存并定稿").click()
    expect(page.get_by_text("事实已定稿")).to_be_visible()
    expect(page.get_by_text("已定稿").first).to_be_visible()
    expect(page.locator("tr.total").first).to_be_visible()

    visit = page.locator("section", has=page.get_by_role("heading", name="入户调查"))
    visit.get_by_role("button", name="办理完成").click()
    expect(page.get_by_text("不少于 2 人").first).to_be_visible()
    visit.get_by_label("共同办理人账号").fill(helper.username)
    visit.get_by_role("button", name="办理完成").click()
    expect(page.get_by_text("“入户调查”已办理")).to_be_visible()


def test_same_family_is_not_accepted_twice_and_the_form_says_why(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None]
) -> None:
    household = make_family("王秀英")
    make_user("420804001", "accept", username="counter4")
    sign_in("counter4")
    page.goto(f"{live_server.url}/families/{household.pk}/apply/")
    page.get_by_label("申请理由").fill("失业")
    page.get_by_role("button", name="受理").click()
    expect(page.locator(".error-summary")).to_be_visible()
    expect(page.get_by_label("申请理由")).to_have_value("失业")
