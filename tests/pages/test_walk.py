"""Pages that no story walks through: papers, accounts, security, the log, the board, and what a reader's keyboard meets on all.

Each is loaded once at the desk (axe, targets of 24 px), at 320 px (400 % of 1280) and on a phone in large type; the console stays quiet.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from casekit import Office, family, hire
from decisionkit import granted
from playwright.sync_api import expect
from spotkit import confirmed, differs, filed, visited

from tuodi.cases.models import Notice, NoticeBoard
from tuodi.kernel import clock
from tuodi.org.access import system_scope

VILLAGE = "420802001001"
DAY = date(2021, 10, 22)
DESK, ZOOMED, PHONE = {"width": 1366, "height": 900}, {"width": 320, "height": 256}, {"width": 360, "height": 760}
#: Things to press that are smaller than 24 px and stand in no line of text (WCAG 2.2, 2.5.8), and errors no field points to.
FAULTS = """() => {
  const found = [];
  for (const one of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    if (!box.width || !box.height || style.visibility === "hidden" || one.closest(".aside, .skip")) continue;
    if (box.width >= 24 && box.height >= 24) continue;
    const label = one.closest("label");
    if (label && label.getBoundingClientRect().height >= 24) continue;
    const around = one.parentElement.textContent.trim().length;
    if (style.display.startsWith("inline") && around > one.textContent.trim().length) continue;
    found.push(Math.round(box.width) + "x" + Math.round(box.height) + " " + one.outerHTML.slice(0, 120));
  }
  for (const one of document.querySelectorAll(".field-error")) {
    if (!document.querySelector(`[aria-describedby~="${one.id}"]`)) found.push("undescribed " + one.outerHTML.slice(0, 120));
  }
  return found;
}"""


@pytest.fixture
def look(page: Any, live_server: Any, axe: Callable[[], None], fits: Callable[[], None]) -> Callable[[list[str]], None]:
    def walk(paths: list[str]) -> None:
        faults: list[str] = []
        for path in paths:
            page.set_viewport_size(DESK)
            answer = page.goto(live_server.url + path)
            assert answer.status == 200, path
            axe()
            faults += [f"{path}: {one}" for one in page.evaluate(FAULTS)]
            page.set_viewport_size(ZOOMED)
            fits()
            page.context.add_cookies([{"name": "tuodi_type", "value": "large", "url": live_server.url}])
            page.set_viewport_size(PHONE)
            page.reload()
            fits()
            page.context.clear_cookies(name="tuodi_type")
        assert faults == []

    return walk


def test_papers_corrections_and_the_board_hold(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None],
    look: Callable[[list[str]], None],
) -> None:  # fmt: skip
    office, home = Office(VILLAGE, make_user), family(VILLAGE)
    decided = granted(office, home)
    hire(lambda *a: make_user(*a, username="papers"), VILLAGE[:6], "accept", "review", "visit", "confirm", "supervise")
    with system_scope("cn"):
        notice, board = Notice.objects.order_by("id").first(), NoticeBoard.objects.order_by("id").first()
    assert notice is not None
    assert board is not None
    with clock.frozen(DAY):
        sign_in("papers")
        look([
            f"/papers/cases/{decided.case_id}/", f"/papers/families/{home.pk}/", "/papers/rosters/", "/exports/?kind=relief",
            "/notices/", f"/notices/{notice.pk}/", "/notices/standing/", f"/notices/{board.token}/", "/corrections/",
            f"/families/{home.pk}/move/?place=zhongxiang", f"/families/{home.pk}/move/?in=420881100", "/patrols/at-risk/",
        ])  # fmt: skip


def test_accounts_security_and_the_log_hold(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None],
    look: Callable[[list[str]], None],
) -> None:  # fmt: skip
    admin = hire(lambda *a: make_user(*a, username="admin"), "420802", "sysadmin")
    hire(lambda *a: make_user(*a, username="guard"), "420802", "security")
    hire(lambda *a: make_user(*a, username="auditor"), "420802", "audit_view")
    walks = {
        "admin": ["/accounts/", f"/accounts/{admin.pk}/", "/accounts/new/", "/outbox/", "/security/me/", "/password/"],
        "guard": ["/security/", f"/accounts/{admin.pk}/"],
        "auditor": ["/", "/audit/", "/standards/"],
    }
    for name, paths in walks.items():
        page.context.clear_cookies()
        sign_in(name)
        look(paths)


def test_the_menu_folds_remembers_and_answers_the_keyboard(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None],
    browser: Any,
) -> None:  # fmt: skip
    office = Office("220103001001", make_user)
    case = confirmed(office, family("220103001001"))
    filed(office, case)
    differs(office, visited(office, make_user))
    hire(lambda *a: make_user(*a, username="menu"), "220103", "accept", "review", "visit")
    page.set_viewport_size(DESK)
    with clock.frozen(DAY):
        sign_in("menu")
        page.goto(f"{live_server.url}/changes/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("#main$"))
        menu = page.get_by_role("navigation", name="主导航")
        groups = {one.get_attribute("data-nav"): one for one in menu.locator("details").all()}
        assert [code for code, one in groups.items() if one.get_attribute("open") is not None] == ["today", "families"]
        assert menu.locator("[aria-current=page]").inner_text().strip() == "变化报告"
        assert "1 项待办" in groups["oversight"].locator("summary").text_content()

        page.goto(f"{live_server.url}/changes/")
        opener = menu.locator("[data-nav=oversight] > summary")
        opener.focus()
        page.keyboard.press("Enter")
        expect(menu.get_by_role("link", name="备案纠正")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.wait_for_function("document.cookie.includes('oversight')")
        page.goto(f"{live_server.url}/needs/")
        expect(menu.get_by_role("link", name="备案纠正")).to_be_visible()
        expect(menu.get_by_role("link", name="变化报告")).not_to_be_visible()

        page.set_viewport_size(PHONE)
        expect(menu).not_to_be_visible()
        page.get_by_role("link", name="更多").click()
        expect(menu.get_by_role("link", name="一门受理")).to_be_visible()
        page.keyboard.press("Escape")
        expect(menu).not_to_be_visible()

        plain = browser.new_context(
            java_script_enabled=False, locale="zh-CN", storage_state=page.context.storage_state()
        )
        bare = plain.new_page()
        bare.goto(f"{live_server.url}/needs/")
        bare.locator("[data-nav=families] > summary").click()
        expect(bare.get_by_role("link", name="变化报告")).to_be_visible()
        plain.close()
