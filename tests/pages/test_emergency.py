"""An emergency on the spot, from the family's page to the next pay run: relief first on a phone, papers after, the approver."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from builders import make_family
from casekit import at
from fieldkit import png, shot
from paykit import Staff, run_month
from playwright.sync_api import expect

from tuodi.decisions.models import Relief
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments.models import PayLine

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}
Check = Callable[[], None]


def draw(page: Any, key: str) -> None:
    """A signature, drawn with the pointer."""
    box = page.locator(f"canvas[data-sign='{key}']")
    box.scroll_into_view_if_needed()
    found = box.bounding_box()
    x, y = found["x"], found["y"]
    page.mouse.move(x + 20, y + 40)
    page.mouse.down()
    for step in range(1, 8):
        page.mouse.move(x + 20 + step * 20, y + 40 + (step % 3) * 10)
    page.mouse.up()


def test_relief_on_the_spot_papers_after_and_paid_in_the_next_run(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Any, axe: Check, fits: Check
) -> None:
    home = make_family("林桂兰", "周小禾", imported=True)
    clerk = make_user("420804001", "accept", username="town")
    make_user("420804", "confirm", username="county")
    staff = Staff(make_user, "420804")
    sign_in("town")
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/families/{home.pk}/")
    page.get_by_role("link", name="急难救助").first.click()
    page.get_by_label("事由").select_option("fire")
    page.get_by_role("button", name="登记，去救助").click()
    expect(page.locator(".error-summary").get_by_text("请写明发生了什么")).to_be_visible()
    page.get_by_label("情况").fill("昨夜厨房起火，被褥和粮食烧毁，当晚无处住宿")
    fits()
    axe()
    shot(page, "emergency-new-phone")
    page.get_by_role("button", name="登记，去救助").click()
    expect(page.get_by_text("可以马上先行救助")).to_be_visible()
    page.get_by_label("救助金额").fill("八百")
    page.get_by_label("同意先行救助的负责人").fill("王镇长")
    page.get_by_role("button", name="先行救助").click()
    expect(page.locator(".error-summary").get_by_text("不是金额")).to_be_visible()
    page.get_by_label("救助金额").fill("800")
    page.get_by_label("地点").fill("长山社区 3 组")
    page.locator("#spot-photo").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": png(64, 48)})
    draw(page, "sig-family")
    fits()
    axe()
    shot(page, "emergency-relieve-phone")
    page.get_by_role("button", name="先行救助").click()
    expect(page.get_by_text("已先行救助 800.00 元")).to_be_visible()
    expect(page.get_by_text("本乡镇没有备用金")).to_be_visible()
    fits()
    shot(page, "emergency-owed-phone")
    page.get_by_label("补充说明").fill("对象林桂兰家庭，事由火灾，金额 800 元；当晚无处住宿，先行救助")
    page.get_by_role("button", name="手续补齐，转审批").click()
    expect(page.locator(".error-summary").get_by_text("还缺：经办人")).to_be_visible()
    expect(page.get_by_label("补充说明")).to_have_value(re.compile("当晚无处住宿"))
    draw(page, f"sig-{clerk.pk}")
    page.get_by_role("button", name="手续补齐，转审批").click()
    expect(page.get_by_text("手续已补齐，案件转审批。")).to_be_visible()
    page.set_viewport_size(DESK)
    axe()
    shot(page, "emergency-completed")
    page.goto(f"{live_server.url}/emergencies/?show=approval")
    expect(page.get_by_role("link", name="林桂兰")).to_be_visible()
    axe()
    shot(page, "emergencies-approval")
    with system_scope("420804"):
        row = Relief.objects.select_related("case", "determination").get()
    assert [one["role"] for one in row.signatures] == ["respondent", "investigator"]
    page.context.clear_cookies()
    sign_in("county")
    page.goto(f"{live_server.url}/cases/{row.case_id}/")
    page.get_by_label("意见").fill("情况属实，同意")
    page.get_by_role("button", name="予以确认", exact=True).click()
    expect(page.get_by_text("已办理").first).to_be_visible()
    page.goto(f"{live_server.url}/emergencies/{row.no}/")
    expect(page.get_by_text("已审批").first).to_be_visible()
    axe()
    shot(page, "emergency-confirmed")
    month = Month.of(clock.today()).next()
    run = run_month(staff, month, place="420804")
    with at(staff.check, date(month.year, month.month, 28)):
        (paid,) = PayLine.objects.filter(run=run, programme="temporary")
        assert (paid.household_id, paid.amount_fen, paid.status) == (home.pk, 800_00, "paid")
    with system_scope("420804"):
        assert Relief.objects.get().state == "confirmed"


@pytest.fixture
def village(make_user: Any) -> Any:
    return make_user("420804001001", "visit", username="grid")


def test_a_grid_worker_looks_in_and_the_township_takes_the_emergency_up(
    page: Any,
    live_server: Any,
    quiet: list[str],
    transactional_db: Any,
    village: Any,
    make_user: Any,
    sign_in: Any,
    axe: Check,
    fits: Check,
    tmp_path: Any,
) -> None:
    from tuodi.people.secrets import open_id

    home = make_family("向桂英", "刘德福", on_roll_fen=None)
    make_user("420804001", "accept", "review", username="town")
    with system_scope("420804"):
        people = [row.person for row in home.memberships.select_related("person").order_by("id")]
        lines = [
            "姓名,身份证号,类别,网格",
            *(f"{one.name},{open_id(one)},大病,一网格" for one in people),
            "王五,123,大病,",
        ]
    sign_in("grid")
    page.goto(f"{live_server.url}/patrols/at-risk/")
    page.get_by_label("名单文件").set_input_files(
        {"name": "名单.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    )
    page.get_by_label("来源").fill("9月排查")
    page.get_by_role("button", name="导入").click()
    expect(page.get_by_text("共 3 行：列入 2")).to_be_visible()
    expect(page.get_by_role("cell", name="身份证号", exact=True)).to_be_visible()
    axe()
    shot(page, "at-risk")
    page.goto(f"{live_server.url}/patrols/")
    page.get_by_role("button", name="排本月巡查").click()
    expect(page.get_by_text("新排 2 人")).to_be_visible()
    axe()
    shot(page, "patrols")
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="我的巡查").first.click()
    fits()
    axe()
    shot(page, "patrols-mine-phone")
    page.get_by_role("link", name="刘德福").click()
    page.get_by_role("button", name="看过了，没有异常").click()
    expect(page.get_by_text("刘德福：已巡查，无异常。")).to_be_visible()
    page.get_by_role("link", name="向桂英").click()
    page.get_by_text("发现困难，上报").click()
    page.locator("#found").get_by_label("困难", exact=True).select_option("sudden_illness")
    page.locator("#found").get_by_label("情况").fill("突发脑梗，无钱住院")
    page.get_by_label("急难，要马上救助").check()
    fits()
    axe()
    shot(page, "patrol-phone")
    page.get_by_role("button", name="上报", exact=True).click()
    expect(page.get_by_text("已进入急难救助队列")).to_be_visible()
    page.context.clear_cookies()
    page.set_viewport_size(DESK)
    sign_in("town")
    expect(page.get_by_text("主动发现还没有人接 1 件")).to_be_visible()
    shot(page, "workbench-urgent")
    page.goto(f"{live_server.url}/emergencies/")
    axe()
    shot(page, "emergencies")
    page.get_by_role("link", name="向桂英").click()
    axe()
    shot(page, "discovery")
    page.get_by_role("button", name="转急难救助").click()
    expect(page.get_by_text("突发重大疾病").first).to_be_visible()
    shot(page, "emergency-waiting")
    page.goto(f"{live_server.url}/patrols/?show=coverage")
    expect(page.get_by_role("region").get_by_text("100%")).to_be_visible()
