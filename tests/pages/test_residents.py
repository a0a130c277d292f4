"""A resident's phone: in by a code, to the progress, the decision and who looked; all of it in the elder version too."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import residentkit
from casekit import Office, family
from decisionkit import granted
from playwright.sync_api import expect

from tuodi.audit.actions import record
from tuodi.kernel import clock

PHONE = {"width": 360, "height": 760}
PAGES = (
    "",
    "progress/",
    "messages/",
    "notices/",
    "decisions/",
    "payments/",
    "data/",
    "policies/",
    "policies/dibao/",
    "calculator/",
)


def test_a_resident_signs_in_reads_his_decision_and_who_looked(
    page: Any,
    browser: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    fits: Callable[[], None],
    axe: Callable[[], None],
) -> None:
    village = "420802001001"
    office, home = Office(village, make_user), family(village)
    decided = granted(office, home)
    residentkit.account(home)
    page.set_viewport_size(PHONE)
    with clock.frozen(date(2021, 10, 11)):
        record(
            "web.view",
            actor=office.town_review,
            subject_type="household",
            subject_id=home.pk,
            region=home.region,
            after={"households": [home.pk], "persons": [], "what": "家庭档案"},
        )
        page.goto(f"{live_server.url}/my/progress/")
        expect(page).to_have_url(re.compile("/my/sign-in/"))
        axe()
        page.get_by_label("姓名").fill(home.head.name)
        page.get_by_label("身份证号码").fill(residentkit.number_of(home))
        page.get_by_role("button", name="获取短信验证码").click()
        page.get_by_label("短信验证码").wait_for()
        axe()
        page.get_by_label("短信验证码").fill(residentkit.last_code(home))
        page.get_by_role("button", name="登录", exact=True).click()
        page.wait_for_url("**/my/progress/")
        page.get_by_role("link", name="看决定和怎么算的").click()
        expect(page.get_by_role("heading", name="您家符合最低生活保障")).to_be_visible()
        expect(page.locator("#appeal")).to_contain_text("2021-11-22")
        page.get_by_role("link", name="谁看过我的信息").click()
        expect(page.locator(".my-seen")).to_contain_text(office.town_review.office.name)
        for mode in ("大字版", "标准版"):
            for path in PAGES:
                page.goto(f"{live_server.url}/my/{path}")
                fits()
                axe()
            page.goto(f"{live_server.url}/my/decision/{decided.no}/")
            fits()
            axe()
            with page.expect_navigation():
                page.get_by_role("button", name=mode).click()
            if mode == "大字版":
                expect(page.locator("html")).to_have_attribute("data-mode", "elder")
                assert page.evaluate("getComputedStyle(document.body).fontSize") == "22px"
                tall = page.evaluate(
                    "[...document.querySelectorAll('.my-button, .my-mode button, .my-back')].map(e => e.offsetHeight).filter(h => h)"
                )
                assert min(tall) >= 60
        plain = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
        reading = plain.new_page()
        for path in PAGES:  # nothing that is read needs a script
            reading.goto(f"{live_server.url}/my/{path}")
            assert "/sign-in/" not in reading.url
            assert len(reading.locator("main").inner_text()) > 20, path
        plain.close()
        page.set_viewport_size({"width": 320, "height": 256})  # 400 % of 1280 × 1024
        page.goto(f"{live_server.url}/my/decision/{decided.no}/")
        fits()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.get_by_role("button", name="退出登录").click()
        page.wait_for_url("**/my/sign-in/**")
        page.goto(f"{live_server.url}/my/data/")
        expect(page).to_have_url(re.compile("/my/sign-in/"))
