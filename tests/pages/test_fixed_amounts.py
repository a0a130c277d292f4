"""Another department's list on its page: taken in with a row that cannot be used, approved by another officer."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from paykit import family
from playwright.sync_api import expect

from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people.secrets import open_id

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}
Check = Callable[[], None]


def picture(page: Any, name: str) -> None:
    """Kept where somebody wants to look at the pages."""
    if folder := os.environ.get("TUODI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_department_s_list_is_taken_in_and_approved_by_another(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, tmp_path: Path, sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    with clock.frozen(date(2010, 1, 4)):
        make_user("150302", "pay_prepare", username="prepare")
        make_user("150302", "pay_check", username="checker")
    home = family(village="150302001001", names=("林桂兰",))
    with system_scope("150302"):
        number = open_id(home.head)
    path = tmp_path / "特别扶助名册.csv"
    path.write_text(
        "姓名,身份证号,扶助情形,发放周期,每次金额,起始月份,银行账号\n"
        f"林桂兰,{number},独生子女死亡,按月,1500,2017-05,6217000066660000011\n"
        "周建军,12,独生子女伤残,按月,0,2017-05,\n",
        encoding="utf-8",
    )
    with clock.frozen(date(2017, 5, 4)):
        page.set_viewport_size(DESK)
        sign_in("prepare")
        page.goto(f"{live_server.url}/fixed-amounts/")
        page.get_by_label("名单", exact=True).set_input_files(path)
        page.get_by_label("项目", exact=True).select_option("family_planning")
        page.get_by_label("出处").fill("区卫健局 2017 年名册")
        page.get_by_role("button", name="导入").click()
        expect(page.get_by_text("2 行：1 人待审核，1 行有问题")).to_be_visible()
        expect(page.get_by_text("由有发放校验职责的另一人审核")).to_be_visible()
        axe()
        picture(page, "fixed-1366")
        page.context.clear_cookies()
        sign_in("checker")
        page.set_viewport_size(PHONE)
        page.goto(f"{live_server.url}/fixed-amounts/")
        page.get_by_role("link", name="特别扶助名册.csv").click()
        page.get_by_role("button", name="同意，按名单发放").click()
        expect(page.get_by_text("名单已生效，从下一次计算发放起使用")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="林桂兰")).to_contain_text("1,500.00")
        fits()
        axe()
        picture(page, "fixed-360")
    assert quiet == []
