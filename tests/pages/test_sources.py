"""A department's register is added, agreed, delivered and looked at; a bad file is refused with its reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect
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
    expect(page.get_by_text("逾期", exact=True)).to_be_visible()

    rows = [vehicle(n) for n in range(30)]
    rows[4][2] = "4.20899E+17"
    rows[5][2] = "不详"
    rows[6][6] = "约三万"
    rows.append(rows[1])
    page.get_by_label("数据文件").set_input_files(write(tmp_path / "八月机动车.csv", rows))
    page.get_by_label("批次号").fill("2017-08")
    page.get_by_label("数据日期").fill("2017-08-31")
    page.get_by_role("button", name="导入").click()
    expect(page.get_by_text("采用 29 ＋ 重复 1 ＋ 未采用 1 ＝ 31 行")).to_be_visible()
    expect(page.get_by_role("cell", name="证件号码被表格软件改成了科学计数法")).to_be_visible()
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
    expect(page.locator(".error-summary").get_by_text("没有找到表头")).to_be_visible()
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
    expect(page.get_by_text("协议与约定")).to_be_visible()
    expect(page.get_by_role("button", name="导入")).to_have_count(0)
    expect(page.get_by_role("button", name="添加")).to_have_count(0)
    _ = made


def test_a_live_source_is_added_and_its_terms_changed_with_faults_named_at_their_fields(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    from tuodi.audit.models import AuditEntry
    from tuodi.crypto.sm2 import KeyPair
    from tuodi.org.access import system_scope
    from tuodi.verification.models import DataSource

    make_user("4208", "sweep", username="keeper")
    sign_in("keeper")
    page.goto(f"{live_server.url}/sources/")
    page.get_by_label("登记种类").select_option("estate")
    page.get_by_label("代码").fill("Estate 1")
    page.get_by_label("名称").fill("不动产登记（实时）")
    page.get_by_label("部门").fill("市国土资源局")
    page.get_by_label("签订日期").fill("2999-01-01")
    page.get_by_label("方式", exact=True).select_option("real_time")
    key = KeyPair.generate().public.hex()
    page.get_by_label("验签公钥").fill(key[:-1] + ("0" if key[-1] != "0" else "1"))
    page.get_by_label("每日限额").fill("-1")
    page.get_by_label("有效天数").fill("0")
    page.get_by_role("button", name="添加").click()
    page.locator(".error-summary").wait_for()
    for sentence in (
        "代码只能用小写字母", "签订日期不能在今天之后", "实时接口要填写接口名", "不是有效的 SM2 公钥", "每日限额不能是负数", "天数应大于 0",
    ):  # fmt: skip
        expect(page.locator(".field-error", has_text=sentence)).to_have_count(1)
    for name, size in (("source-faults", DESK), ("source-faults-phone", PHONE)):
        page.set_viewport_size(size)
        axe()
        fits()
        shot(page, name)
    page.set_viewport_size(DESK)
    page.get_by_label("代码").fill("estate-live")
    page.get_by_label("签订日期").fill("2017-06-12")
    page.get_by_label("接口名").fill("estate")
    # As pasted from a letter: in capitals, in two lines.
    page.get_by_label("验签公钥").fill(f"{key[:70].upper()}\n {key[70:]}")
    page.get_by_label("每日限额").fill("500")
    page.get_by_label("有效天数").fill("60")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("heading", name="不动产登记（实时）")).to_be_visible()
    made = DataSource.objects.get(code="estate-live")
    assert (made.mode, made.service, made.reply_key, made.profile) == ("real_time", "estate", key, "")
    assert (made.quota_per_day, made.freshness_days, made.state, made.needs_consent) == (500, 60, "asked", True)

    page.get_by_role("link", name="更改", exact=True).click()
    expect(page.get_by_label("验签公钥")).to_have_value(key)
    page.get_by_label("方式", exact=True).select_option("batch")
    page.get_by_label("文件模板").select_option("vehicle")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".field-error", has_text="这是机动车的模板，来源是不动产")).to_be_visible()
    for name, size in (("source-change", DESK), ("source-change-phone", PHONE)):
        page.set_viewport_size(size)
        axe()
        fits()
        shot(page, name)
    page.set_viewport_size(DESK)
    page.get_by_label("方式", exact=True).select_option("real_time")
    page.get_by_label("文件模板").select_option("")
    page.get_by_label("每日限额").fill("")
    page.get_by_label("保存天数").fill("30")
    page.get_by_label("须逐人授权").uncheck()
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存")).to_be_visible()
    made.refresh_from_db()
    assert (made.quota_per_day, made.retention_days, made.needs_consent) == (None, 30, False)
    with system_scope("42"):
        entry = AuditEntry.objects.filter(action="verification.change_source").latest("pk")
    assert set(entry.after) == {"quota_per_day", "retention_days", "needs_consent"}
    assert not quiet


def test_only_a_keeper_opens_the_form(
    page: Any, live_server: Any, make_user: Callable[..., Any], sign_in: Callable[[str], None]
) -> None:
    from tuodi.verification import register_actions

    made = register_actions.add_source(
        acting_user=None, code="vehicle", kind="vehicle", place_code="4208", label="市车管所", department="公安局",
        mode="batch", profile="vehicle",
    )  # fmt: skip
    make_user("420802", "verify", username="checker")
    sign_in("checker")
    assert page.goto(f"{live_server.url}/sources/{made.pk}/change/").status in (403, 404)
    page.goto(f"{live_server.url}/sources/{made.pk}/")
    expect(page.get_by_role("link", name="更改", exact=True)).to_have_count(0)
