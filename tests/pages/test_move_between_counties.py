"""A family moves to another county with its file, in the browser: both offices act, and the new county pays the next month."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from casekit import hire
from lifekit import on_roll
from paykit import Staff, run_month
from playwright.sync_api import expect

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import national_tree
from tuodi.org.access import system_scope
from tuodi.payments.models import PayLine

OLD, NEW = "420802001001", "420881100001"
Check = Callable[[], None]


@pytest.fixture(autouse=True)
def _june() -> Any:
    with clock.frozen(date(2017, 6, 12)):
        yield


@pytest.fixture
def officers(make_user: Callable[..., Any]) -> None:
    """Two people on each side, and who prepares the new county's payments."""
    jobs = {
        "old-town": (OLD[:9], "review"), "old-county": (OLD[:6], "confirm"), "new-town": (NEW[:9], "review"),
        "new-county": (NEW[:6], "confirm"), "new-pay": (NEW[:6], "pay_prepare"),
    }  # fmt: skip
    for name, (place, duty) in jobs.items():
        hire(lambda *a, name=name: make_user(*a, username=name), place, duty)


def test_a_move_between_counties_ends_in_the_next_months_run(
    page: Any, live_server: Any, quiet: list[str], officers: None, make_user: Callable[..., Any],
    sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    url = live_server.url
    sign_in("old-town")
    page.goto(f"{url}/families/{household.pk}/")
    page.get_by_role("link", name="迁移", exact=True).last.click()
    page.get_by_label("县（市、区）或乡镇（街道）").fill("zhongxiang")
    page.get_by_role("button", name="查找").click()
    page.get_by_role("link", name="湖北省 荆门市 钟祥市", exact=True).click()
    axe()
    page.get_by_role("link", name=national_tree().name(NEW[:9]), exact=True).click()
    page.get_by_label("新住址").fill("西环路 8 号")
    page.get_by_role("button", name="提出迁移").click()
    expect(page.get_by_role("link", name="原因：请填写原因。")).to_be_visible()  # what was chosen is still there
    page.get_by_label("原因").fill("随女儿居住")
    page.get_by_label("迁入村（社区）").select_option(NEW)
    page.get_by_role("button", name="提出迁移").click()
    page.wait_for_url("**/moves/*/")
    move = page.url
    expect(page.locator(".locked-why").get_by_text("确认")).to_be_visible()  # who proposed does not hand over

    _as(page, "old-county", sign_in)
    page.goto(move)
    page.get_by_role("button", name="移交", exact=True).click()
    expect(page.get_by_text("已移交，待接收").first).to_be_visible()

    _as(page, "new-town", sign_in)
    page.goto(f"{url}/moves/")
    page.get_by_role("link", name="欧阳建家庭").click()
    expect(page.get_by_text(re.compile("花名册导入|决定 420802-")).first).to_be_visible()
    expect(page.get_by_text("420899********").first).to_be_visible()  # the copy is masked
    axe()
    page.get_by_label("核实情况").fill("已入户，三楼，两口人")
    page.get_by_role("button", name="接收").click()
    expect(page.get_by_text("已核实，待确认").first).to_be_visible()

    _as(page, "new-county", sign_in)
    page.goto(move)
    page.get_by_label("书面理由").fill("符合迁入地规定")
    page.get_by_role("button", name="确认迁入").click()
    page.get_by_text("2017-07 起每月 400.00 元").wait_for()  # 500 × 2 − 600
    page.set_viewport_size({"width": 360, "height": 760})
    fits()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="迁入后家庭档案").click()
    expect(page.get_by_text("自 420802001001 迁来")).to_be_visible()

    with clock.frozen(date(2017, 7, 3)):
        _as(page, "new-pay", sign_in)
        page.goto(f"{url}/runs/")
        page.get_by_label("月份").fill("2017-07")
        page.get_by_label("特困").uncheck()
        page.get_by_role("button", name="开账并计算").click()
        page.wait_for_url("**/runs/*/")
        expect(page.locator(".figures")).to_contain_text("400.00")
    run_month(Staff(make_user, OLD[:6]), Month(2017, 6), programmes=["dibao"])
    run_month(Staff(make_user, OLD[:6]), Month(2017, 7), programmes=["dibao"])
    with system_scope("cn"):
        lines = PayLine.objects.filter(live=True).order_by("month").values_list("month", "region", "amount_fen")
        assert list(lines) == [(201706, OLD, 55_000), (201707, NEW, 40_000)]


def _as(page: Any, username: str, sign_in: Callable[[str], None]) -> None:
    page.context.clear_cookies()
    sign_in(username)
