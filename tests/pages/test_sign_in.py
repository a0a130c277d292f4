"""Signing in, the frame around every page, large type."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

PHONE = {"width": 360, "height": 760}


def test_officer_signs_in_sees_his_place_and_signs_out(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Callable[[], None],
) -> None:
    make_user("420804", "accept", username="counter")
    page.goto(f"{live_server.url}/families/")
    expect(page).to_have_url(re.compile("/login/"))
    axe()
    sign_in("counter")
    expect(page.get_by_role("heading", name="工作台")).to_be_visible()
    expect(page.locator(".topbar-place")).to_contain_text("掇刀区")
    axe()
    page.locator(".me > summary").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/login/")


def test_wrong_password_says_what_to_do_and_keeps_the_name(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any]
) -> None:
    make_user("420804", username="counter2")
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("账号").fill("counter2")
    page.get_by_label("密码").fill("wrong")
    page.get_by_role("button", name="登录").click()
    expect(page.locator(".error-summary")).to_contain_text("账号或密码不正确")
    expect(page.get_by_label("账号")).to_have_value("counter2")


def test_phone_has_a_drawer_and_no_sideways_scroll_even_in_large_type(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    fits: Callable[[], None],
    axe: Callable[[], None],
) -> None:
    make_user("420804", "accept", username="counter3")
    page.set_viewport_size(PHONE)
    sign_in("counter3")
    fits()
    expect(page.locator("#menu")).not_to_be_visible()
    page.locator(".tabbar").get_by_role("link", name="更多").click()
    expect(page.locator("#menu")).to_be_visible()
    page.get_by_label("关闭菜单").click()
    expect(page.locator("#menu")).not_to_be_visible()
    page.locator(".me > summary").click()
    page.get_by_role("button", name="大字号").click()
    expect(page.locator("html")).to_have_attribute("data-mode", "large")
    fits()
    axe()
