"""A department's register is added, agreed, delivered and looked at; a bad file is refused with its reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from registerkit import vehicle, write

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}
Check = Callable[[], None]


def shot(page: Any, name: str) -> None:
    folder = os.environ.get("TUODI_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_source_from_the_list_to_its_first_delivery(
    page: Any,
    live_server: Any,
    quiet: list[str],
    tmp_path: Path,
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    make_user("4208", "sweep", username="keeper")
    sign_in("keeper")
    page.goto(live_server.url)
    page.get_by_role("link", name="数据来源").first.click()
    page.get_by_label("登记种类").select_option("vehicle")
    page.get_by_label("代码").fill("vehicle")
    page.get_by_label("名称").fill("市车管所机动车登记")
    page.get_by_label("部门").fill("市公安局交警支队")
    page.get_by_label("文件模板").select_option("vehicle")
    page.get_by_role("button", name="添加").click()
    page.get_by_role("button", name="改为已签协议").click()
    page.get_by_role("button", name="改为接入").click()
    assert page.get_by_text("逾期", exact=True).is_visible()

    rows = [vehicle(n) for n in range(30)]
    rows[4][2] = "4.20899E+17"
    rows[5][2] = "不详"
    rows[6][6] = "约三万"
    rows.append(rows[1])
    page.get_by_label("数据文件").set_input_files(write(tmp_path / "八月机动车.csv", rows))
    page.get_by_label("批次号").fill("2017-08")
    page.get_by_label("数据日期").fill("2017-08-31")
    page.get_by_role("button", name="导入").click()
    assert page.get_by_text("采用 29 ＋ 重复 1 ＋ 未采用 1 ＝ 31 行").is_visible(), page.locator("main").inner_text()[
        :600
    ]
    assert page.get_by_role("cell", name="证件号码被表格软件改成了科学计数法").is_visible()
    for name, size in (("batch", DESK), ("batch-phone", PHONE)):
        page.set_viewport_size(size)
        axe()
        fits()
        shot(page, name)
    page.set_viewport_size(DESK)
    with page.expect_download() as got:
        page.get_by_role("link", name="下载问题行").click()
    assert "采用，待人工" in Path(got.value.path()).read_text("utf-8-sig")

    page.get_by_role("link", name="市车管所机动车登记").click()
    page.get_by_label("数据文件").set_input_files(write(tmp_path / "错.csv", [["1", "2"]], header=["序号", "备注"]))
    page.get_by_label("批次号").fill("2017-09")
    page.get_by_role("button", name="导入").click()
    assert page.locator(".error-summary").get_by_text("没有找到表头").is_visible()
    for name, size in (("source", DESK), ("source-phone", PHONE)):
        page.set_viewport_size(size)
        axe()
        fits()
        shot(page, name)
    page.goto(f"{live_server.url}/sources/")
    for name, size in (("sources-phone", PHONE), ("sources", DESK)):
        page.set_viewport_size(size)
        axe()
        fits()
        shot(page, name)
    assert not quiet


def test_who_only_verifies_sees_the_list_and_changes_nothing(
    page: Any, live_server: Any, make_user: Callable[..., Any], sign_in: Callable[[str], None]
) -> None:
    from datetime import date

    from tuodi.verification import register_actions

    made = register_actions.add_source(
        acting_user=None, code="vehicle", kind="vehicle", place_code="4208", label="市车管所", department="公安局",
        mode="batch", profile="vehicle", agreed_on=date(2017, 1, 1), state="live",
    )  # fmt: skip
    make_user("420802", "verify", username="checker")
    sign_in("checker")
    page.goto(f"{live_server.url}/sources/")
    page.get_by_role("link", name="市车管所").click()
    assert page.get_by_text("协议与约定").is_visible()
    assert page.get_by_role("button", name="导入").count() == 0
    assert page.get_by_role("button", name="添加").count() == 0
    _ = made
