"""Applying on the phone: for a neighbour up to the next month's pay, for oneself without scripts; nothing of the last client left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from applykit import new_member
from builders import make_family
from casekit import Office, at
from decisionkit import paid_next_month
from fieldkit import png, shot
from phonekit import PHONE, account_for, draw, enter
from playwright.sync_api import expect

from tuodi.cases.models import Case
from tuodi.intake.models import Application, OnlineApplication
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.verification.actions import enter_facts, freeze
from tuodi.verification.queries import draft_of

Check = Callable[[], None]
VILLAGE = "420804001001"
DAY = date(2021, 9, 13)


@pytest.fixture(autouse=True)
def _september() -> Any:
    with clock.frozen(DAY):
        yield


@pytest.fixture
def neighbour(transactional_db: Any) -> Any:
    """A resident of the village who helps."""
    household = make_family("林桂兰", "周大山")
    account_for(household.head)
    return household.head


def answer(page: Any, *labels: str, **texts: str) -> None:
    """Answers one page and goes on."""
    for label in labels:
        page.locator(".choice", has_text=label).first.locator("input").check()
    for name, text in texts.items():
        page.locator(f"[name='{name}']").fill(text)
    with page.expect_navigation():  # the next page may hold a label of this one
        page.get_by_role("button", name="下一").click()


def test_a_neighbour_applies_and_the_family_is_paid_in_the_next_run(
    page: Any, live_server: Any, quiet: list[str], neighbour: Any, make_user: Callable[..., Any],
    sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    member = new_member("向小禾", birth=date(1958, 5, 6), serial=611)
    page.set_viewport_size(PHONE)
    enter(page, live_server, neighbour)
    page.goto(f"{live_server.url}/my/for-others/")
    axe()
    fits()
    shot(page, "others-start")
    page.get_by_label("申请人住在哪个村").select_option(VILLAGE)
    page.get_by_role("button", name="开始代办").click()
    answer(page)
    expect(page.locator(".error-summary").get_by_text("“与申请人的关系”没有选")).to_be_visible()
    answer(page, "邻居或朋友")
    answer(page, "最低生活保障")
    axe()
    fits()
    shot(page, "apply-reason")
    answer(page, "生病花钱多", "年老没有劳动能力")
    page.locator("[name='member_name']").fill(member["member_name"])
    page.locator("[name='member_id']").fill(member["member_id"])
    page.locator(".choice", has_text="户主本人").locator("input").check()
    page.get_by_role("button", name="加上申请人").click()
    page.get_by_text("加一位家人").wait_for()
    shot(page, "apply-members")
    axe()
    answer(page)
    answer(page, "干不了重活")
    answer(page, address="军马场 2 组 5 号")
    expect(page.locator("[name='work_income']")).to_be_hidden()
    page.locator(".choice", has_text="包括打零工").locator("input").check()
    expect(page.locator("[name='work_income']")).to_be_visible()
    shot(page, "apply-work")
    page.context.add_cookies([{"name": "tuodi_my_type", "value": "elder", "url": f"{live_server.url}/my/"}])
    page.reload()
    axe()
    fits()
    shot(page, "apply-work-elder")
    page.context.clear_cookies(name="tuodi_my_type")
    page.reload()
    answer(page, "包括打零工", work_income="100")
    answer(page, other_income="50")
    answer(page, medical_cost="8000")
    answer(page, "都没有")
    answer(page, "没有")
    answer(page, phone="13900007777")
    page.get_by_label("是什么材料").select_option("medical")
    page.get_by_label("拍照或选照片").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": png(40, 30)})
    page.get_by_role("button", name="上传").click()
    page.get_by_text("照片 1").first.wait_for()
    shot(page, "apply-papers")
    answer(page)
    page.get_by_role("heading", name="请核对一遍").wait_for()
    expect(page.get_by_text(member["member_id"])).to_have_count(0)  # masked even for who typed it
    axe()
    fits()
    shot(page, "apply-check")
    page.locator(".my-lines > div", has_text="自己负担的医药费").get_by_role("link").click()
    answer(page, medical_cost="9000")
    page.get_by_text("9,000.00 元").wait_for()
    page.get_by_role("link", name="去签名").click()
    page.get_by_role("button", name="提交申请").click()
    expect(page.locator(".error-summary").get_by_text("还没有签名")).to_have_count(3)
    draw(page)
    axe()
    fits()
    shot(page, "apply-sign")
    page.get_by_role("button", name="提交申请").click()
    page.get_by_role("heading", name="已经提交").wait_for()
    shot(page, "apply-sent")
    number = page.locator(".my-big").inner_text()
    assert number.startswith("420804-WS-")

    # Nothing of the family is left: not in the page, not in storage, not behind the back button, not in the session.
    page.goto(f"{live_server.url}/my/for-others/")
    expect(page.get_by_text(number)).to_be_visible()
    expect(page.get_by_text("向小禾")).to_have_count(0)
    for _ in range(3):
        with contextlib.suppress(Exception):  # a page the browser was told to forget
            page.go_back()
        page.wait_for_load_state()
        expect(page.get_by_text("向小禾")).to_have_count(0)
        assert "13900007777" not in page.content()
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert kept == "[{},{}]"
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    from django.contrib.sessions.models import Session

    held = str([one.get_decoded() for one in Session.objects.all()])
    assert "向小禾" not in held
    assert member["member_id"] not in held
    with system_scope("420804"):
        uid = OnlineApplication.objects.get(no=number).uid
    for path in ("check", "q/members", "sign", "status"):
        page.goto(f"{live_server.url}/my/apply/{uid}/{path}/")
        expect(page.get_by_text("向小禾")).to_have_count(0)

    # At the counter: the queue, the page, the acceptance.
    page.context.clear_cookies()
    page.set_viewport_size({"width": 1366, "height": 900})
    office = Office(VILLAGE, make_user)
    sign_in(office.town_accept.username)
    page.goto(f"{live_server.url}/online/")
    axe()
    shot(page, "online-queue")
    page.get_by_role("link", name="向小禾").click()
    page.get_by_text("邻居或朋友").first.wait_for()
    axe()
    shot(page, "online-one")
    page.get_by_role("button", name="受理", exact=True).click()
    page.get_by_text("已受理，业务号").wait_for()
    with system_scope("420804"):
        application = Application.objects.get()
        assert (application.agent_name, application.has_mandate, application.channel) == ("林桂兰", True, "online")
        case = Case.objects.select_related("household__head").get()
        assert case.household.head.name == "向小禾"

    # What she declared, beside what is known: adopted line by line.
    page.get_by_role("link", name="网上申报对照").click()
    expect(page.get_by_text("2 项待处理")).to_be_visible()
    axe()
    fits()
    shot(page, "declared")
    page.set_viewport_size(PHONE)
    fits()
    shot(page, "declared-phone")
    page.set_viewport_size({"width": 1366, "height": 900})
    for box in page.get_by_label("采用申报", exact=True).all():
        box.check()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("已采用 2 项").wait_for()
    axe()
    shot(page, "declared-adopted")

    with at(office.town_review, DAY):
        draft = draft_of(case)
        assert draft.facts["household"]["income_year"] == "1800.00"  # (100 + 50) × 12
        enter_facts(draft, acting_user=office.town_review, household={"assets_ok": True}, source="finding")
        freeze(draft, acting_user=office.town_review)
    decided, paid = paid_next_month(office, case, make_user, DAY)
    assert (decided.outcome, decided.start_month) == ("pass", 202110)
    assert (paid.amount_fen, paid.status) == (22_500, "paid")  # 375 − 150


def test_without_scripts_one_applies_with_a_signed_sheet_and_comes_back_to_a_draft(
    browser: Any, live_server: Any, neighbour: Any, make_user: Callable[..., Any]
) -> None:
    from tuodi.intake import online_desk
    from tuodi.kernel import clock
    from tuodi.org.access import scope

    with system_scope("420804"):
        from tuodi.people.models import RollEntry

        RollEntry.objects.all().delete()
    context = browser.new_context(java_script_enabled=False, locale="zh-CN", viewport=PHONE)
    page = context.new_page()
    page.set_default_timeout(15_000)
    enter(page, live_server, neighbour)
    page.goto(f"{live_server.url}/my/apply/")
    page.get_by_role("button", name="开始申请").click()
    answer(page, "最低生活保障")
    page.goto(f"{live_server.url}/my/apply/")
    page.get_by_role("link", name="接着填").click()
    answer(page, "生病花钱多")
    expect(page.locator(".my-people li")).to_have_count(2)
    answer(page)
    answer(page, "得了大病")
    answer(page, "都没有")
    if page.locator("[name='address']").count():
        answer(page, address="军马场 1 组 2 号")
    answer(page, "没有")
    answer(page, other_income="0")
    answer(page, medical_cost="0")
    answer(page, "都没有")
    answer(page, "没有")
    answer(page)
    expect(page.get_by_text("138****1234")).to_be_visible()
    page.get_by_role("link", name="去签名").click()
    page.get_by_label("在纸上签的").set_input_files({"name": "s.png", "mimeType": "image/png", "buffer": png(50, 60)})
    page.get_by_role("button", name="提交申请").click()
    page.get_by_role("heading", name="已经提交").wait_for()
    page.get_by_role("link", name="看办到哪一步").click()
    with system_scope("420804"):
        online = OnlineApplication.objects.get()
    officer = make_user("420804001", "accept")
    with scope(officer):
        online_desk.ask_missing(
            online,
            acting_user=officer,
            items=["大病诊断证明"],
            until=clock.today().replace(year=clock.today().year + 1),
        )
    page.reload()
    page.get_by_text("大病诊断证明").wait_for()
    page.get_by_label("拿不出的").fill("医院说下周才能开")
    page.get_by_role("button", name="补交").click()
    page.get_by_text("您补的材料已经收到").wait_for()
    context.close()
