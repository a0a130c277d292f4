"""A caregiver's account registered on a phone, his line in the month's list, and what the family reads of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import Any

import residentkit
from casekit import at
from paykit import LATER, Staff, family, run_month
from playwright.sync_api import expect

from tuodi.decisions import care_actions as care
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}
VILLAGE = "420802001001"
Check = Callable[[], None]


def picture(page: Any, name: str) -> None:
    """Kept where somebody wants to look at the pages."""
    if folder := os.environ.get("TUODI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_caregiver_s_account_is_registered_and_the_family_reads_whom_the_money_went_to(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Callable[[str], None], axe: Check, fits: Check
) -> None:  # fmt: skip
    staff = Staff(make_user)
    with clock.frozen(date(2010, 1, 4)):
        town = make_user("420802001", "review", "visit", "accept", username="town")
        make_user("420802", "pay_check", username="checker")
    home = family(names=("林桂兰",), programme="tekun", imported=True, area_kind="rural", village=VILLAGE)
    terms = care.Terms(
        form="dispersed", party="单晓月", relation="邻居", services="一日三餐、洗衣打扫", frequency="每日", subsidy_fen=300_00,
        since=date(2017, 5, 1), until=date(2018, 4, 30), signed_on=date(2017, 4, 28),
    )  # fmt: skip
    with at(town, date(2017, 5, 1)):
        care.make_agreement(home.head, home, terms, acting_user=town)
    with clock.frozen(date(2017, 5, 4)):
        sign_in("town")
        page.goto(f"{live_server.url}/families/{home.pk}/care/{home.head_id}/")
        expect(page.get_by_text("没有登记收款账户，补贴发不出去")).to_be_visible()
        picture(page, "care-1366")
        page.set_viewport_size(PHONE)
        page.get_by_label("照料服务人身份证号码").fill(make_id("420899", date(1970, 3, 4), 7)[:-1])
        page.get_by_label("银行账号").fill("6217 0000 8888 0000 001")
        page.get_by_label("开户银行").fill("HBNX")
        page.get_by_role("button", name="登记账户").click()
        expect(page.get_by_text("照料服务人的身份证号码有误")).to_be_visible()
        page.get_by_label("照料服务人身份证号码").fill(make_id("420899", date(1970, 3, 4), 7))
        page.get_by_label("银行账号").fill("6217 0000 8888 0000 001")
        page.get_by_role("button", name="登记账户").click()
        expect(page.get_by_text("单晓月的收款账户（尾号 0001）已登记")).to_be_visible()
        fits()
        axe()
        picture(page, "care-360")
    run = run_month(staff, Month(2017, 5))
    page.context.clear_cookies()
    page.set_viewport_size(DESK)
    with clock.frozen(LATER):
        sign_in("checker")
        page.goto(f"{live_server.url}/runs/{run.pk}/lines/")
        expect(page.get_by_role("row").filter(has_text="单晓月")).to_contain_text("照料服务补贴（照料林桂兰）")
        picture(page, "lines-1366")
        page.goto(f"{live_server.url}/runs/{run.pk}/")
        picture(page, "run-1366")
    page.context.clear_cookies()
    page.set_viewport_size(PHONE)
    with clock.frozen(LATER):
        residentkit.account(home)
        page.goto(f"{live_server.url}/my/payments/")
        page.get_by_label("姓名").fill(home.head.name)
        page.get_by_label("身份证号码").fill(residentkit.number_of(home))
        page.get_by_role("button", name="获取短信验证码").click()
        page.get_by_label("短信验证码").wait_for()
        page.get_by_label("短信验证码").fill(residentkit.last_code(home))
        page.get_by_role("button", name="登录", exact=True).click()
        slip = page.locator("section", has=page.get_by_role("heading", name="照料服务补贴"))
        expect(slip).to_contain_text("付给照料服务人 单晓月")
        expect(slip).to_contain_text("国务院令第649号 第15条(2)")
        expect(slip).not_to_contain_text("0001")
        fits()
        axe()
        picture(page, "my-360")
        slip.get_by_role("link", name="这个月是怎么算的").click()
        expect(page.get_by_text("按每月 1 日在期的委托照料服务协议约定的数额发放")).to_be_visible()
    # The caregiver himself, who is of no household: his phone is put on file on the person's page, then he reads what is his.
    page.context.clear_cookies()
    with clock.frozen(LATER):
        sign_in("town")
        page.goto(f"{live_server.url}/families/{home.pk}/care/{home.head_id}/")
        page.get_by_text("登记单晓月的手机").click()
        page.get_by_label("手机号码").fill("13900001111")
        page.get_by_role("button", name="登记手机").click()
        expect(page.get_by_text("已登记单晓月的手机")).to_be_visible()
        page.context.clear_cookies()
        page.goto(f"{live_server.url}/my/care/")
        page.get_by_label("姓名").fill("单晓月")
        page.get_by_label("身份证号码").fill(make_id("420899", date(1970, 3, 4), 7))
        page.get_by_role("button", name="获取短信验证码").click()
        page.get_by_label("短信验证码").wait_for()
        page.get_by_label("短信验证码").fill(residentkit.code_to("13900001111"))
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_role("heading", name="林桂兰", exact=True)).to_be_visible()
        month = page.locator("section", has=page.get_by_role("heading", name="2017 年 5 月 · 照料林桂兰"))
        expect(month).to_contain_text("已入账，尾号 0001 的账户")
        expect(month).to_contain_text("国务院令第649号 第15条(2)")
        fits()
        axe()
        picture(page, "my-care-360")
        page.goto(f"{live_server.url}/my/")
        expect(page.get_by_role("link", name="我照料的人")).to_be_visible()
        picture(page, "my-home-360")
    assert quiet == []
