"""What must hold on every page: no serious accessibility fault, a quiet console, no sideways scroll on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builders import make_family
from playwright.sync_api import expect

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}
Check = Callable[[], None]


def test_lists_and_standards_hold_on_desk_and_phone(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    make_family("林桂兰")
    make_user("420804", "accept", "review", "roll_import", "pay_prepare", username="allround")
    sign_in("allround")
    for path in (
        "/",
        "/cases/?show=all",
        "/runs/",
        "/imports/",
        "/standards/?on=2017-05-01&programme=dibao&open=1",
        "/password/",
    ):
        page.goto(live_server.url + path)
        axe()
        page.set_viewport_size(PHONE)
        fits()
        page.set_viewport_size(DESK)


def test_pages_stand_without_the_fetched_assets(
    page: Any, live_server: Any, make_user: Callable[..., Any], sign_in: Callable[[str], None], fits: Check
) -> None:
    household = make_family("王秀英", income_year="3600.00")
    make_user("420804001", "accept", username="offline")
    page.route("**/static/vendor/**", lambda route: route.abort())
    sign_in("offline")
    page.goto(f"{live_server.url}/families/{household.pk}/?month=2017-05")
    expect(page.locator("tr.total").first).to_be_visible()
    side = page.locator(".sidebar").bounding_box()
    assert side is not None
    assert 150 < side["width"] < 260
    page.set_viewport_size(PHONE)
    fits()


def test_pages_are_complete_without_scripts(browser: Any, live_server: Any, make_user: Callable[..., Any]) -> None:
    household = make_family("李国强", income_year="3600.00")
    make_user("420804001", "accept", username="noscript")
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("账号").fill("noscript")
    page.get_by_label("密码").fill("Tuodi-2017-x")
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/login/" not in url)
    page.goto(f"{live_server.url}/families/{household.pk}/?month=2017-05")
    rows = page.locator("#tree-dibao tbody tr")
    assert rows.count() > 20
    assert all(rows.nth(place).is_visible() for place in (5, rows.count() - 2, rows.count() - 1))
    context.close()
