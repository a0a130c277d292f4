"""A messy roster goes through upload, preview, confirmation and adoption; the same file again changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tuodi.kernel.identity import make_id

Check = Callable[[], None]
HEADER = "序号,乡镇（街道）,村（社区）,户主姓名,姓名,与户主关系,身份证号,保障人口,家庭年收入,月保障金额（元）,开户银行,银行账号,备注"


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    good = make_id("420804", date(1960, 1, 2), 1)
    bad = make_id("420804", date(1970, 3, 4), 2)[:-1] + "@"
    lines = [
        "掇刀区城市低保花名册（2017年8月）",
        HEADER,
        f"1,掇刀石街道,虎牙关社区,林桂兰,林桂兰,本人,{good},1,3600,275,农业银行,6228480402564896217,",
        f"2,掇刀石街道,虎牙关社区,周大,周大,本人,{bad},1,0,575,农业银行,6228480402564896217,",
        "合计,,,,,,,2,,850,,,",
    ]
    path = tmp_path / "掇刀区城市低保花名册.csv"
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    return path


def test_roster_is_previewed_confirmed_and_adopted(
    page: Any,
    live_server: Any,
    quiet: list[str],
    roster: Path,
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    make_user("420804", "roll_import", username="importer")
    sign_in("importer")
    page.goto(f"{live_server.url}/imports/")
    axe()
    page.get_by_label("名册文件").set_input_files(roster)
    page.get_by_label("模板").select_option("jingmen-urban")
    page.get_by_role("button", name="上传并预览").click()
    page.wait_for_load_state()
    expect(page.locator(".error-summary")).to_have_count(0)
    expect(page.get_by_text("待确认")).to_be_visible()
    expect(page.get_by_role("row", name="证件号待更正")).to_be_visible()
    axe()
    fits()
    page.get_by_role("button", name="确认新增 1 户").click()
    expect(page.get_by_text("已写入", exact=True)).to_be_visible()
    page.get_by_role("button", name="列入在册名册").click()
    expect(page.get_by_text("已列入在册 1 项")).to_be_visible()

    page.goto(f"{live_server.url}/imports/")
    page.get_by_label("名册文件").set_input_files(roster)
    page.get_by_label("模板").select_option("jingmen-urban")
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_text("已写入", exact=True)).to_be_visible()
    page.goto(f"{live_server.url}/families/?q=林桂兰")
    expect(page.get_by_role("row", name="林桂兰")).to_have_count(1)


def test_file_that_is_no_roster_is_refused_with_a_remedy(
    page: Any,
    live_server: Any,
    quiet: list[str],
    tmp_path: Path,
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
) -> None:
    junk = tmp_path / "notes.csv"
    junk.write_text("今天,天气\n很,好\n", encoding="utf-8")
    make_user("420804", "roll_import", username="importer2")
    sign_in("importer2")
    page.goto(f"{live_server.url}/imports/")
    page.get_by_label("名册文件").set_input_files(junk)
    page.get_by_label("地区代码").fill("420804")
    page.get_by_role("button", name="上传并预览").click()
    expect(page.locator(".error-summary")).to_be_visible()
    expect(page).to_have_url(re.compile("/imports/"))
