"""A real browser for the pages: Debian's Chromium, console errors collected, axe at hand.

Skipped with a message where there is no Chromium. Each page test asserts at its end that the console stayed quiet.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright's loop lives in this thread

playwright = pytest.importorskip("playwright.sync_api", reason="页面测试需要 playwright（requirements-dev.lock）")
playwright.expect.set_options(timeout=20_000)  # a busy machine answers late, not wrongly

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}
PASSWORD = "Tuodi-2017-x"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    for item in items:
        if "tests/pages" in str(item.path):
            item.add_marker(pytest.mark.pages)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("没有 Chromium，跳过页面测试。Debian：apt-get install chromium fonts-noto-cjk")
    return found


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium_path: str) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": chromium_path, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "zh-CN", "viewport": DESK}


def settled(page: Any) -> None:
    """Waits out a page change under way: a click returns before the new page has a body, and between the two there is no document.

    Two frames are drawn first, so that a change the last click began has replaced the old page or is on its way to; a page
    that went away while it was being asked is asked again.
    """
    for _ in range(20):
        try:
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.wait_for_load_state("load")
            if page.evaluate("() => document.readyState === 'complete' && document.body !== null"):
                return
        except playwright.Error as gone:
            if "navigation" not in str(gone) and "null" not in str(gone):
                raise
    raise AssertionError(f"页面一直没有载完：{page.url}")


@pytest.fixture
def quiet(page: Any) -> Iterator[list[str]]:
    """Collects console errors and uncaught exceptions; a test that leaves any fails."""
    heard: list[str] = []
    page.set_default_timeout(30_000)
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    yield heard
    assert heard == []


@pytest.fixture
def axe(page: Any) -> Callable[[], None]:
    """Fails on any accessibility fault of serious or critical impact, naming rule and element."""
    from axe_playwright_python.sync_playwright import Axe

    def check() -> None:
        settled(page)
        found = Axe().run(page).response["violations"]
        faults = [
            f"{fault['id']}: {node['html'][:160]}"
            for fault in found
            if fault["impact"] in {"serious", "critical"}
            for node in fault["nodes"]
        ]
        assert faults == []

    return check


@pytest.fixture
def fits(page: Any) -> Callable[[], None]:
    """Fails when the page scrolls sideways."""

    def check() -> None:
        settled(page)
        wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= room, f"页面宽 {wide}，窗口宽 {room}"

    return check


@pytest.fixture
def sign_in(page: Any, live_server: Any) -> Callable[[str], None]:
    """Signs in through the page, as a person does."""

    def go(username: str) -> None:
        page.goto(f"{live_server.url}/login/")
        page.get_by_label("账号").fill(username)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(lambda url: "/login/" not in url)

    return go
