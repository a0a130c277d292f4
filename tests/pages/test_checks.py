"""From consent to report and facts through the pages, with real departments at the other end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import make_family
from gatewaykit import Gateway, gateway, registers, sources
from playwright.sync_api import expect

from tuodi.crypto.sm2 import load_or_make
from tuodi.people import secrets
from tuodi.verification import live

Check = Callable[[], None]
PHONE = {"width": 360, "height": 760}


@pytest.fixture
def family(transactional_db: None) -> Any:
    return make_family("林桂兰", "周建军")


@pytest.fixture
def departments(family: Any, tmp_path: Path, settings: Any) -> Iterator[Gateway]:
    number = secrets.open_id(family.head)
    car = {
        "身份证号": number,
        "姓名": "林桂兰",
        "号牌号码": "鄂H12345",
        "车辆类型": "小型轿车",
        "机动车状态": "正常",
        "初次登记日期": "2013-06-07",
    }
    pension = {
        "身份证号": number,
        "姓名": "林桂兰",
        "待遇类别": "城镇职工养老保险",
        "月养老金": "1,500.00",
        "待遇状态": "正常",
    }
    folder = registers(tmp_path / "registers", vehicle=[car], social_insurance=[pension], prison=[])
    settings.GATEWAY_KEY = tmp_path / "key"
    with gateway(data=folder, pair=load_or_make(settings.GATEWAY_KEY)) as running:
        settings.GATEWAY_URL = running.url
        sources(running, "4208", "vehicle", "social_insurance", "prison")
        yield running


def test_a_family_is_checked_from_consent_to_report(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
    family: Any,
    departments: Gateway,
    tmp_path: Path,
) -> None:
    make_user("420804", "verify", username="checker")
    sign_in("checker")
    page.goto(f"{live_server.url}/families/{family.pk}/")
    page.get_by_role("link", name="核对授权").click()
    expect(page.get_by_text("2 人没有授权", exact=True)).to_be_visible()
    expect(page.get_by_text("没有一人的授权有效，不能发起核对")).to_be_visible()
    expect(page.get_by_role("button", name="发起核对")).to_have_count(0)
    axe()

    # A signed paper is needed; the form says so and keeps what was typed.
    page.get_by_role("button", name="登记授权").click()
    expect(page.get_by_text("没有上传，也没有填写纸质档号").first).to_be_visible()
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"%PDF-1.4 signed")
    page.get_by_label("授权人").select_option(label="林桂兰（本人）")
    page.get_by_label("授权书扫描件").set_input_files(paper)
    page.get_by_role("button", name="登记授权").click()
    expect(page.get_by_text("已登记授权")).to_be_visible()
    expect(page.get_by_text("1 人没有授权", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="查看授权书")).to_be_visible()

    # The traffic police answer with somebody else's car.
    departments.set("vehicle", faults=["wrong_person"])
    page.get_by_role("button", name="发起核对").click()
    expect(page.get_by_text("正在等待答复")).to_be_visible()
    expect(page.get_by_text("周建军（没有有效的核对授权）")).to_be_visible()
    live.send(int(page.url.rstrip("/").rsplit("/", 1)[-1]), place="420804001001")
    page.get_by_role("button", name="生成报告").wait_for()  # the page has noticed by itself
    expect(page.get_by_text("答复的不是所问的人")).to_be_visible()
    expect(page.get_by_text("城镇职工养老保险，单位 —，缴费基数 —，月养老金 1,500.00 元，正常")).to_be_visible()
    axe()
    fits()

    page.get_by_role("button", name="生成报告").click()
    expect(page.get_by_text("缺 1 项答复：")).to_be_visible()
    row = page.get_by_role("row", name="离退休金、养老金")
    # 1,500.00 a month are 18,000.00 a year, more than the 10,800.00 the family declared in all.
    expect(row).to_contain_text("18,000.00 元/年")
    expect(row.get_by_text("不一致", exact=True)).to_be_visible()
    axe()
    href = page.get_by_role("link", name="打印报告").get_attribute("href")
    answer = page.request.get(live_server.url + (href or ""))
    assert answer.ok
    assert answer.body().startswith(b"%PDF")

    # Asked again, the police answer rightly; the request opens again, another report is made.
    page.get_by_label("异议内容").fill("养老金已停发")
    page.get_by_role("button", name="登记异议").click()
    expect(page.get_by_text("养老金已停发")).to_be_visible()
    page.get_by_role("button", name="重新核对").click()
    expect(page.get_by_text("正在等待答复")).to_be_visible()
    live.send(int(page.url.rstrip("/").rsplit("/", 1)[-1]), place="420804001001")
    page.get_by_role("button", name="生成报告").click()
    expect(page.get_by_text("小型轿车 鄂H12345").first).to_be_visible()
    expect(page.get_by_text("未申报", exact=True).first).to_be_visible()
    expect(page.get_by_text("以前的报告")).to_be_visible()

    page.set_viewport_size(PHONE)
    page.context.add_cookies([{"name": "tuodi_type", "value": "large", "url": live_server.url}])
    for path in (
        page.url.removeprefix(live_server.url),
        f"/families/{family.pk}/consents/",
        "/checks/",
        "/checks/unconsented/",
    ):
        page.goto(live_server.url + path)
        fits()
    expect(page.get_by_text("周建军")).to_be_visible()
    expect(page.get_by_text("林桂兰")).to_have_count(0)  # she has consented


def test_forms_to_sign_are_printed_and_who_has_no_duty_sees_no_door(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    family: Any,
) -> None:
    make_user("420804001", "accept", username="counter7")
    sign_in("counter7")
    for path in ("/checks/consent-form.pdf", f"/families/{family.pk}/consents/form.pdf"):
        answer = page.request.get(live_server.url + path)
        assert answer.ok
        assert answer.body().startswith(b"%PDF")
    page.context.clear_cookies()
    make_user("420804001", "file", username="filer7")
    sign_in("filer7")
    page.goto(f"{live_server.url}/families/{family.pk}/")
    expect(page.get_by_role("link", name="核对授权")).to_have_count(0)
    assert page.request.get(f"{live_server.url}/families/{family.pk}/consents/").status == 403
