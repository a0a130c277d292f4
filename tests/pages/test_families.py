"""Finding a family and reading its page, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from builders import make_family
from playwright.sync_api import expect

PHONE = {"width": 360, "height": 760}
Check = Callable[[], None]


def test_family_is_found_by_initials_and_explained(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    make_family("林桂兰", "周建军")
    make_user("420804001", "accept", username="finder")
    sign_in("finder")
    page.get_by_placeholder("姓名、拼音").first.fill("lgl")
    page.keyboard.press("Enter")
    page.wait_for_url("**/families/?q=lgl")
    row = page.get_by_role("row", name="林桂兰")
    expect(row).to_contain_text("420899********")
    axe()

    row.get_by_role("link").click()
    page.wait_for_url(re.compile("/families/\\d"))
    page.goto(page.url + "?month=2017-05")
    expect(page.get_by_role("heading", name="林桂兰家庭")).to_be_visible()
    total = page.locator("tr.total").first
    # Two members, urban standard 575.00 from 2017-04-01, income 10,800 a year: 575 x 2 - 900 = 250.
    expect(total).to_contain_text("250.00")
    expect(page.get_by_text("649号令 9条").first).to_be_visible()
    axe()
    fits()


def test_folded_line_opens_and_a_reference_leads_to_the_first_showing(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None]
) -> None:
    household = make_family("欧阳建", income_year="3600.00")
    make_user("420804001", "accept", username="finder2")
    sign_in("finder2")
    page.goto(f"{live_server.url}/families/{household.pk}/?month=2017-05")
    tree = page.locator("#tree-dibao")
    closed = tree.locator("[data-fold][aria-expanded=false]:visible").first
    first = page.locator(f"#{(closed.get_attribute('aria-controls') or '').split()[0]}")
    expect(first).not_to_be_visible()
    closed.click()
    expect(first).to_be_visible()
    page.get_by_role("button", name="全部展开").click()
    reference = tree.get_by_role("link", name="见上").last
    target = page.locator(reference.get_attribute("href") or "")
    reference.click()
    expect(target).to_be_visible()


def test_family_page_fits_a_phone_in_large_type(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    household = make_family("王秀英", "李国强")
    make_user("420804001", "accept", username="finder3")
    page.set_viewport_size(PHONE)
    page.context.add_cookies([{"name": "tuodi_type", "value": "large", "url": live_server.url}])
    sign_in("finder3")
    for path in (f"/families/{household.pk}/?month=2017-05", "/families/?q=王秀英", f"/families/{household.pk}/apply/"):
        page.goto(live_server.url + path)
        fits()
        axe()


def test_family_of_another_town_reads_like_one_that_does_not_exist(
    page: Any, live_server: Any, make_user: Callable[..., Any], sign_in: Callable[[str], None]
) -> None:
    household = make_family("陈大贵")
    make_user("420802001", "accept", username="stranger")
    sign_in("stranger")
    texts = []
    for number in (household.pk, household.pk + 1000):
        answer = page.goto(f"{live_server.url}/families/{number}/")
        texts.append((answer.status, page.locator("main").inner_text()))
    assert texts[0] == texts[1]
    assert texts[0][0] == 404
    page.goto(f"{live_server.url}/families/?q=陈大贵")
    expect(page.get_by_text("没有找到")).to_be_visible()
