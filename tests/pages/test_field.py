"""Visits on the phone: with scripts and without, with a signal and without, alone and beside another device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from builders import make_family
from fieldkit import answers, png, shot, signed
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from tuodi.kernel import clock
from tuodi.monitoring import thirdparty_actions
from tuodi.monitoring.models import ThirdPartyTask
from tuodi.org.access import scope, system_scope
from tuodi.org.models import Office
from tuodi.verification.models import VisitPhoto, VisitRecord, VisitTask
from tuodi.verification.visit_actions import VisitForm, plan_visit, submit_visit

PHONE = {"width": 360, "height": 760}
Check = Callable[[], None]


@pytest.fixture
def pair(make_user: Callable[..., Any]) -> tuple[Any, Any]:
    return make_user("420804001", "visit", username="wang"), make_user("420804001", "visit", username="zhao")


@pytest.fixture
def task(transactional_db: Any, pair: tuple[Any, Any]) -> VisitTask:
    household = make_family("林桂兰", "周小禾", income_year=None)
    with scope(pair[0]):
        return plan_visit(household, "review", acting_user=pair[0], assigned=pair, place="长山社区 3 组")


def records(task: VisitTask) -> list[VisitRecord]:
    with system_scope("420804"):
        return list(VisitRecord.objects.filter(task=task).order_by("version"))


def fill(page: Any) -> None:
    """What a visit needs at least; pads are signed by drawing."""
    page.set_default_timeout(12_000)
    page.locator("#f-members_fit").get_by_label("一致", exact=True).check()
    page.locator("#f-house_source").get_by_label("自有").check()
    page.locator("#f-furnish").get_by_label("一般").check()
    page.locator("#f-vehicles input").fill("无")
    page.locator("#f-other_house").get_by_label("否", exact=True).check()
    page.locator("#f-income_year input").fill("10,800")
    page.locator("#f-staff_kin").get_by_label("否", exact=True).check()
    page.locator("#f-conclusion").get_by_label("情况属实").check()


def sign(page: Any) -> None:
    for place in range(page.locator("canvas[data-sign]").count()):
        canvas = page.locator("canvas[data-sign]").nth(place)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 70, steps=4)
        page.mouse.move(box["x"] + 160, box["y"] + 40, steps=4)
        page.mouse.up()


def until(page: Any, holds: str) -> None:
    """Asks again and again; the page's own policy forbids what `wait_for_function` would do."""
    for _ in range(450):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(holds)


def carried(page: Any, live_server: Any, task: VisitTask) -> str:
    """The task's page, opened and ready to go without a signal."""
    address = f"{live_server.url}/field/{task.pk}/"
    page.goto(address)
    page.get_by_text("填写时自动存本机").wait_for()
    # A page that was loading while the worker took over has no controller; what counts is who serves the next one.
    until(page, "navigator.serviceWorker.ready.then((one) => one.active.state === 'activated')")
    until(page, "TuodiStore.allTasks().then((rows) => rows.length > 0)")
    return address


def test_plain_form_with_a_sheet_of_paper_and_no_scripts(
    browser: Any, live_server: Any, task: VisitTask, pair: tuple[Any, Any]
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN", viewport=PHONE)
    page = context.new_page()
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("账号").fill("wang")
    page.get_by_label("密码").fill("Tuodi-2017-x")
    page.get_by_role("button", name="登录").click()
    page.get_by_role("link", name="入户调查").last.click()
    page.get_by_role("link", name="林桂兰家庭").click()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("#field-errors").get_by_text("“住房来源”没有填写")).to_be_visible()
    fill(page)
    picture = {"name": "x.png", "mimeType": "image/png", "buffer": png(40, 30)}
    page.locator("#photos").set_input_files(picture)
    page.locator("#paper").set_input_files({**picture, "buffer": png(50, 40)})
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_text("已提交：已签名")).to_be_visible()
    expect(page.get_by_text("10800.00 元／年")).to_be_visible()
    (row,) = records(task)
    assert len(row.photo_hashes) == 2
    assert {one["kind"] for one in row.signatures} == {"paper"}
    shown = context.request.get(f"{live_server.url}{page.locator('.field-photos a').first.get_attribute('href')}")
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    context.close()


def test_form_holds_on_phone_large_type_and_keyboard(
    page: Any,
    live_server: Any,
    quiet: list[str],
    task: VisitTask,
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    sign_in("wang")
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/field/")
    axe()
    fits()
    carried(page, live_server, task)
    axe()
    fits()
    shot(page, "form-phone")
    page.locator("#f-furnish input").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#f-furnish input").nth(1)).to_be_checked()
    page.context.add_cookies([{"name": "tuodi_type", "value": "large", "url": live_server.url}])
    page.reload()
    axe()
    fits()
    shot(page, "form-large")


def test_a_visit_goes_on_without_a_signal_and_is_sent_when_there_is_one(
    page: Any, live_server: Any, task: VisitTask, sign_in: Callable[[str], None], axe: Check, fits: Check
) -> None:
    sign_in("wang")
    page.set_viewport_size(PHONE)
    address = carried(page, live_server, task)
    page.context.set_offline(True)
    page.goto(address)
    expect(page.locator("body.field-shell")).to_have_count(1)
    page.get_by_role("heading", name="林桂兰家庭").wait_for()
    fill(page)
    page.locator("#field-camera").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": png(40, 30)})
    page.locator("#field-photos [data-kept]").wait_for()
    sign(page)
    axe()
    fits()
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_text("等待上传").wait_for()

    # A reload without a signal loses nothing, and what lies on the device cannot be read there.
    page.goto(address)
    page.get_by_text("等待上传").wait_for()
    expect(page.locator("#f-income_year input")).to_have_value("10,800")
    raw = page.evaluate(
        """async () => {
          const base = await new Promise((done) => { const asked = indexedDB.open("tuodi-field"); asked.onsuccess = () => done(asked.result); });
          const work = base.transaction(["tasks", "meta", "photos"]);
          const all = (name) => new Promise((done) => { const asked = work.objectStore(name).getAll(); asked.onsuccess = () => done(asked.result); });
          const rows = [...await all("tasks"), ...(await all("photos")).flatMap((row) => [row.picture, row.words])];
          const [device] = await all("meta");
          base.close();
          const text = rows.map((row) => new TextDecoder("latin1").decode(row.data)).join("");
          return { length: text.length, name: text.includes("income_year"), extractable: device.key.extractable };
        }"""
    )
    assert raw["length"] > 1000
    assert raw["name"] is False
    assert raw["extractable"] is False
    assert records(task) == []

    page.context.set_offline(False)
    page.get_by_role("heading", name="入户记录").wait_for()
    (row,) = records(task)
    assert (row.conclusion, len(row.photo_hashes), row.answers["income_year"]["seen"]) == ("true", 1, "10800.00")
    assert row.device_at is not None
    assert {one["kind"] for one in row.signatures} == {"drawn"}
    with system_scope("420804"):
        task.refresh_from_db()
        photo = VisitPhoto.objects.get(task=task)
    assert task.state == "signed"
    assert (photo.claim, photo.media_type) == ("device", "image/jpeg")
    left = page.evaluate("indexedDB.databases().then((all) => all.map((one) => one.name))")
    kept = page.evaluate("TuodiStore.allTasks().then((rows) => rows.length)") if left else 0
    assert kept == 0


def test_another_device_came_first_and_both_versions_are_shown(
    page: Any,
    live_server: Any,
    task: VisitTask,
    pair: tuple[Any, Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    sign_in("wang")
    page.set_viewport_size(PHONE)
    address = carried(page, live_server, task)
    page.context.set_offline(True)
    page.goto(address)
    page.locator("#field-form").wait_for()
    fill(page)
    sign(page)
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_text("等待上传").wait_for()
    with scope(pair[1]):
        form = VisitForm(answers=answers(furnish="good"), conclusion="differs", opinion="家电较新", investigators=pair)
        submit_visit(task, form, [], signed(*pair), acting_user=pair[1])

    page.context.set_offline(False)
    with suppress(PlaywrightError):  # back on the net the page sends by itself and comes anew: it may be before us
        page.goto(address)
    page.get_by_role("heading", name="两份记录，请对照").wait_for()
    beside = page.locator(".field-beside tr.conflict", has_text="装修和家电")
    expect(beside.locator("td")).to_have_text(["一般", "较好"])
    assert len(records(task)) == 1
    axe()
    fits()
    page.get_by_label("更正理由").fill("回看照片，家电是旧的")
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_text("回看照片").first.wait_for()
    first, second = records(task)
    assert (first.answers["furnish"], second.answers["furnish"]) == ("good", "ordinary")
    assert second.supersedes_id == first.pk


def test_signing_out_forgets_what_the_device_kept(
    page: Any, live_server: Any, task: VisitTask, sign_in: Callable[[str], None]
) -> None:
    sign_in("wang")
    address = carried(page, live_server, task)
    page.locator("#opinion").fill("写了一半")
    page.get_by_text("已存本机").wait_for()
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.accept()))
    page.locator("details.me summary").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/login/**")
    assert "1 户没有上传" in said[0]
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    page.context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        page.goto(address)  # the worker is gone too


def test_what_outlived_its_time_is_gone_and_said_so(
    page: Any, live_server: Any, task: VisitTask, sign_in: Callable[[str], None]
) -> None:
    sign_in("wang")
    carried(page, live_server, task)
    page.locator("#opinion").fill("三天前写的")
    page.get_by_text("已存本机").wait_for()
    page.evaluate(
        """() => new Promise((done) => { const asked = indexedDB.open("tuodi-field"); asked.onsuccess = () => {
          const work = asked.result.transaction("meta", "readwrite"), store = work.objectStore("meta");
          const got = store.get("device");
          got.onsuccess = () => { got.result.madeAt -= 73 * 3600 * 1000; store.put(got.result, "device"); };
          work.oncomplete = () => { asked.result.close(); done(); };
        }; })"""
    )
    page.reload()
    page.get_by_text("超过了保存时间，已清除").wait_for()
    expect(page.locator("#opinion")).to_have_value("")


def test_third_party_comes_to_its_own_tasks_only(
    page: Any,
    live_server: Any,
    task: VisitTask,
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
) -> None:
    make_user("420804", "third_party", username="lantian")
    sign_in("lantian")
    assert page.url == f"{live_server.url}/field/"
    expect(page.get_by_text("没有要入户的任务")).to_be_visible()
    assert [text.strip() for text in page.locator(".side-link").all_text_contents()] == [
        "工作台",
        "入户调查",
        "核查任务",
        "标准与规则",
        "办理程序",
    ]
    axe()
    answer = page.goto(f"{live_server.url}/field/{task.pk}/")
    assert answer.status == 404
    expect(page.get_by_text("没有找到该入户任务")).to_be_visible()


def test_a_provider_s_visitor_takes_his_task_along_and_says_what_he_found(
    page: Any,
    live_server: Any,
    transactional_db: Any,
    make_user: Callable[..., Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    provider = Office.objects.create(name="示例社工", place_code="420804", kind=Office.Kind.PROVIDER)
    pair = [make_user("420804", "third_party", username=name) for name in ("lan", "tian")]
    for user in pair:
        user.office = provider
        user.save()
    county, today = make_user("420804", "clue_decide"), clock.today()
    household = make_family("林桂兰", "周小禾")
    with scope(county):
        contract = thirdparty_actions.make_contract(
            acting_user=county, place="420804", provider=provider, first_day=today, last_day=today, scope="全区"
        )
        thirdparty_actions.assign(contract, acting_user=county, households=[household], visitors=pair[:1])
    sign_in("lan")
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/own-checks/")
    page.get_by_role("link", name="林桂兰家庭").click()
    page.get_by_role("button", name="入户填表").click()
    page.wait_for_url("**/field/*/")
    with system_scope("420804"):
        task = VisitTask.objects.get(purpose="third_party")
    address = carried(page, live_server, task)
    axe()
    fits()
    shot(page, "third-party-form")
    expect(page.get_by_text("登记：林**、周**")).to_be_visible()
    page.context.set_offline(True)
    page.goto(address)
    page.get_by_role("heading", name="林桂兰家庭").wait_for()
    fill(page)
    page.locator("#who_more").fill("tian")
    page.locator("#field-camera").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": png(40, 30)})
    page.locator("#field-photos [data-kept]").wait_for()
    page.locator("#paper").set_input_files({"name": "y.png", "mimeType": "image/png", "buffer": png(50, 40)})
    sign(page)
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_text("等待上传").wait_for()
    page.context.set_offline(False)
    page.get_by_role("heading", name="核查意见").wait_for(timeout=150_000)  # two pictures go up first
    (row,) = records(task)
    assert [one["name"] for one in row.investigators] == [user.name for user in pair]
    axe()
    fits()
    shot(page, "third-party-finding")
    page.get_by_label("有疑问").check()
    page.get_by_label("理由").fill("家中有两辆摩托车")
    page.get_by_role("button", name="提交核查意见").click()
    page.get_by_text("核查意见已提交").wait_for()
    with system_scope("420804"):
        found = ThirdPartyTask.objects.get(contract=contract)
    assert (found.opinion, found.visit_id, found.state) == ("doubt", row.pk, "reported")
