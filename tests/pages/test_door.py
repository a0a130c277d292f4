"""The one door in a browser: from the telephone to cases and a referral; two officers on one case; the county's phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from builders import VILLAGE, make_family
from casekit import Office, family, hire
from decisionkit import FACTS, paid_next_month, to_confirm
from playwright.sync_api import expect

from tuodi.kernel import clock
from tuodi.org import access

Check = Callable[[], None]
TOWN = "420802001001"
PHONE, DESK, PASSWORD = {"width": 360, "height": 760}, {"width": 1440, "height": 900}, "Tuodi-2017-x"


DAY = date(2021, 9, 13)


@pytest.fixture
def september() -> Any:
    with clock.frozen(DAY):
        yield


def _facts_unknown() -> Any:
    return make_family("林桂兰", "周建军", on_roll_fen=None, income_year=None)


def test_a_call_becomes_a_need_a_case_and_a_referral(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None],
    axe: Check, fits: Check,
) -> None:  # fmt: skip
    _facts_unknown()
    make_user("420804001", "accept", username="door")
    second = make_user("420804001", "accept", username="door2")
    sign_in("door")
    page.keyboard.press("/")
    expect(page.locator(":focus")).to_have_attribute("name", "q")
    page.goto(f"{live_server.url}/tickets/new/")
    axe()
    page.get_by_label("来电号码").fill("13812345678")
    page.get_by_label("事由").select_option("help")
    page.get_by_label("内容").fill("老两口没有收入")
    page.get_by_role("button", name="登记", exact=True).click()
    axe()
    page.get_by_label("承办人").select_option(label=page.get_by_label("承办人").locator("option").nth(1).inner_text())
    page.get_by_role("button", name="派单").click()
    page.get_by_label("来电人家庭的姓名").fill("linguilan")
    page.locator("main").get_by_role("button", name="查找").click()
    page.get_by_role("link", name="登记需求").click()
    page.get_by_label("基本生活困难").check()
    page.get_by_label("看病负担重").check()
    page.get_by_label("AB 岗").select_option(str(second.pk))
    page.get_by_role("button", name="登记并评估").click()
    axe()
    row = page.locator("tr", has=page.get_by_role("rowheader", name="最低生活保障"))
    expect(row.get_by_text("还不知道")).to_be_visible()
    expect(row.get_by_text("核定的家庭年收入")).to_be_visible()
    page.get_by_label("核定的家庭年收入").fill("3,600")
    page.get_by_role("button", name="重新评估").click()
    expect(row.get_by_text("可能符合")).to_be_visible()
    medical = page.locator("form.refer-line", has_text="医疗救助").first
    medical.get_by_role("button", name="转办").click()
    expect(page.get_by_text("已转 医疗保障部门").first).to_be_visible()
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="受理选中的").click()
    expect(page.get_by_text("没有发现重复")).to_be_visible()
    axe()
    page.get_by_label("居民身份证").check()
    page.get_by_role("button", name="受理", exact=True).click()
    expect(page.get_by_role("link", name="受理回执")).to_be_visible()
    missing = page.get_by_role("link", name="一次性告知书").get_attribute("href")
    assert page.request.get(f"{live_server.url}{missing}").body()[:5] == b"%PDF-"
    page.goto(f"{live_server.url}/needs/mine/")
    expect(page.get_by_text("医疗救助").first).to_be_visible()
    expect(page.get_by_role("link", name="最低生活保障")).to_be_visible()
    page.set_viewport_size(PHONE)
    for path in ("/needs/", "/needs/mine/", "/tickets/", "/tickets/roster/", "/"):
        page.goto(f"{live_server.url}{path}")
        fits()
    page.set_viewport_size(DESK)


def test_two_officers_on_one_case_the_second_is_told_and_keeps_what_he_typed(
    page: Any, browser: Any, live_server: Any, quiet: list[str], september: None, make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
) -> None:  # fmt: skip
    from tuodi.intake.application_actions import accept_application

    household = _facts_unknown()
    counter = hire(make_user, VILLAGE[:9], "accept")
    first = hire(lambda *a: make_user(*a, username="two1"), VILLAGE[:9], "review", "visit")
    hire(lambda *a: make_user(*a, username="two2"), VILLAGE[:9], "review", "visit")
    with access.scope(counter):
        case = accept_application(acting_user=counter, household=household, programme="dibao").case
    address = f"{live_server.url}/cases/{case.pk}/"
    sign_in("two2")
    page.goto(address)
    visit = page.locator("section", has=page.get_by_role("heading", name="入户调查"))
    visit.get_by_label("意见").fill("三间平房，家徒四壁，邻居证实")
    visit.get_by_label("共同办理人账号").fill("two1")

    other = browser.new_context(locale="zh-CN")
    theirs = other.new_page()
    theirs.goto(f"{live_server.url}/login/")
    theirs.get_by_label("账号").fill("two1")
    theirs.get_by_label("密码").fill(PASSWORD)
    theirs.get_by_role("button", name="登录").click()
    theirs.wait_for_url(lambda url: "/login/" not in url)
    theirs.goto(address)
    section = theirs.locator("section", has=theirs.get_by_role("heading", name="入户调查"))
    section.get_by_label("意见").fill("已入户")
    section.get_by_label("共同办理人账号").fill("two2")
    section.get_by_role("button", name="办理完成").click()
    expect(theirs.get_by_text("“入户调查”已办理")).to_be_visible()
    other.close()

    visit.get_by_role("button", name="办理完成").click()
    told = page.locator("#overtaken")
    expect(told.get_by_text(first.name)).to_be_visible()
    expect(told.get_by_text("办理环节")).to_be_visible()
    expect(page.get_by_label("意见", exact=True).first).to_have_value("三间平房，家徒四壁，邻居证实")
    assert any("409" in line for line in quiet)
    quiet.clear()  # the browser names the status of the page that told it
    with access.scope(first):
        from tuodi.cases.models import Step

        done = Step.objects.get(case=case, name="visit")
        assert (done.state, done.opinion) == ("done", "已入户")
    _, paid = paid_next_month(Office(VILLAGE, make_user), case, make_user, DAY, facts=FACTS)
    assert (paid.amount_fen, paid.status) == (25_000, "paid")  # 575 × 2 − 900


def test_the_county_confirms_on_a_phone(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None],
    axe: Check, fits: Check,
) -> None:  # fmt: skip
    office = Office(TOWN, make_user)
    case, after = to_confirm(office, family(TOWN))
    county = office.county_confirm
    with clock.frozen(after):
        page.set_viewport_size(PHONE)
        sign_in(county.username)
        page.goto(f"{live_server.url}/cases/")
        fits()
        page.get_by_role("link", name="欧阳建").first.click()
        fits()
        axe()
        page.get_by_role("link", name="去办理").click()
        page.get_by_label("意见").fill("符合条件，同意")
        page.get_by_role("button", name="予以确认").click()
        page.get_by_text("已办理。").first.wait_for()
        fits()
    with access.scope(county):
        case.refresh_from_db()
    assert case.decision == "passed"
