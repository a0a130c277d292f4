"""The clue ledger by keyboard and in bulk, a clue's page, the sweep and the supervisor's view, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from builders import make_family
from playwright.sync_api import expect

from tuodi.kernel import clock

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}
COUNTY = "420804"
Check = Callable[[], None]
NAMES = ("林桂兰", "王秀英", "李国强", "欧阳建")


@pytest.fixture
def clues(make_user: Callable[..., Any], live_server: Any) -> list[Any]:
    """Four clues about four families, not yet sent out, and the people of the ledger: `county`, `second`, `town`."""
    from tuodi.monitoring.clue_actions import new_clue
    from tuodi.org import access

    make_user(COUNTY, "clue_decide", "verify", username="county")
    make_user(COUNTY, "clue_close", username="second")
    make_user("420804001", "clue", "visit", username="town")
    make_user(COUNTY, "supervise", "sweep", username="watcher")
    found = []
    for place, name in enumerate(NAMES):
        household = make_family(name, account=f"622848040256489{place:04d}")
        with access.system_scope(COUNTY):
            found.append(
                new_clue(
                    source="vehicle", rule_code="VEHICLE", severity="R", household=household, person=household.head, programme="dibao",
                    acting_user=None, rule_text={"label": "名下有在用机动车", "clause": "荆民发〔2016〕31号 第8条", "evidence": {"visit": "入户调查记录"}},
                    fact=f"机动车 {place}", registered={"plate": f"测A{place:05d}", "first_registered": "2016-05-18"},
                    stated={"plate": f"测A{place:05d}"}, required=["visit"], outcomes=["stop", "keep"], monthly_fen=82_500,
                )
            )  # fmt: skip
    return found


def test_ledger_by_keyboard_and_in_bulk(
    page: Any,
    live_server: Any,
    quiet: list[str],
    clues: list[Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    sign_in("county")
    page.goto(f"{live_server.url}/clues/")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(4)
    expect(page.get_by_text("查实 0 ＋ 查否 0 ＋ 未结 4 ＝ 4")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("已选 2 条")).to_be_visible()
    page.keyboard.press("k")
    expect(rows.first).to_have_class(re.compile(r"\bat\b"))
    axe()
    page.keyboard.press("a")
    expect(page.get_by_label("责任人").nth(1)).to_be_focused()
    axe()
    page.locator("#b-who").select_option("nearest")
    page.get_by_role("button", name="派发选中的").click()
    page.get_by_text("办成 2 ＋ 未办 0 ＝ 2").wait_for()
    axe()
    page.set_viewport_size(PHONE)
    fits()
    page.set_viewport_size(DESK)
    page.get_by_role("link", name="回台账").click()
    page.wait_for_url("**/clues/?tab=all")  # its script listens once it is loaded
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("欧阳jx")
    expect(page.locator("#q")).to_have_value("欧阳jx")
    page.locator("#q").fill("欧阳建")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=*")
    expect(rows).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/clues/XS-*/")
    page.goto(f"{live_server.url}/clues/?tab=all&severity=R&q=欧阳建")
    page.set_viewport_size(PHONE)
    page.reload()
    expect(page.get_by_label("级别", exact=True)).not_to_be_visible()
    page.locator("[data-fold] summary").click()
    expect(page.get_by_label("级别", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_label("级别", exact=True)).to_be_visible()  # as it was left
    axe()
    page.get_by_role("link", name="去掉 级别").click()
    page.wait_for_url(lambda url: "severity" not in url and "q=" in url)
    expect(page.locator(".chip")).to_have_count(1)
    page.locator("[data-fold] summary").click()
    page.set_viewport_size(DESK)
    expect(page.get_by_label("级别", exact=True)).to_be_visible()
    for path in ("/clues/", "/clues/?tab=overdue"):
        page.goto(live_server.url + path)
        page.set_viewport_size(PHONE)
        fits()
        axe()
        page.set_viewport_size(DESK)


def test_clue_is_looked_into_and_decided(
    page: Any,
    live_server: Any,
    quiet: list[str],
    clues: list[Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    here = f"{live_server.url}/clues/{clues[0].no}/"
    _as(page, "county", sign_in)
    page.goto(here)
    axe()
    page.locator("#do-assign summary").click()
    page.get_by_label("责任人").select_option(index=1)
    page.get_by_role("button", name="派发", exact=True).click()
    page.get_by_text("已派发。").wait_for()
    _as(page, "town", sign_in)
    page.goto(here)
    page.get_by_role("button", name="开始核实").click()
    page.get_by_text("已开始核实").wait_for()
    expect(page.locator(".verb.locked", has_text="提出结论").get_by_text("还缺：入户调查记录")).to_be_visible()
    expect(page.locator(".strip .due")).to_have_count(1)
    assert page.locator(".strip .off").count() >= 4
    axe()
    page.set_viewport_size(PHONE)
    fits()
    axe()
    page.set_viewport_size(DESK)
    page.locator("#do-evidence summary").click()
    page.get_by_label("名称").fill("入户调查")
    page.get_by_label("内容").fill("院内停放本人车辆")
    page.get_by_role("button", name="补充证据", exact=True).click()
    page.get_by_text("证据已入卷").wait_for()
    page.locator("#do-propose summary").click()
    page.locator("#propose-verdict").select_option("confirmed")
    page.locator("#propose-conclusion").fill("车辆为本人所有并使用")
    axe()
    page.get_by_role("button", name="提出结论", exact=True).click()
    page.get_by_text("结论已提出").wait_for()
    _as(page, "county", sign_in)
    page.goto(here)
    page.locator("#do-decide summary").click()
    page.get_by_role("button", name="下结论", exact=True).click()
    page.get_by_text("结论已下").wait_for()
    expect(page.locator(".verb.locked", has_text="处理").get_by_text("先停保、再处理")).to_be_visible()


def test_sweep_warnings_and_supervision_hold_on_desk_and_phone(
    page: Any,
    live_server: Any,
    quiet: list[str],
    clues: list[Any],
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    from tuodi.monitoring.models import Clue, SweepRun
    from tuodi.org import access

    with access.system_scope(COUNTY):
        run = SweepRun.objects.create(
            region=f"{COUNTY}000000", no=f"BD-{COUNTY}-2017-0001", place_code=COUNTY, trigger="manual", state="done", as_of=date(2017, 8, 31),
            rows={"dibao/urban": 183_028, "dibao/rural": 218_580}, unconsented=3, opened_at=clock.now(), finished_at=clock.now(),
        )  # fmt: skip
        Clue.objects.update(run=run, pushed_at=clock.now(), deadline=date(2017, 9, 8))
        going = SweepRun.objects.create(
            region=f"{COUNTY}000000", no=f"BD-{COUNTY}-2017-0002", place_code=COUNTY, trigger="manual", state="matching", done=40,
            as_of=date(2017, 8, 31), opened_at=clock.now(),
        )  # fmt: skip
    sign_in("watcher")
    page.goto(f"{live_server.url}/sweeps/{run.pk}/")
    expect(page.get_by_text("183,028 ＋ 218,580 ＝ 401,608")).to_be_visible()
    expect(page.get_by_text("线索是证据，不是结论；未经核实不得停保。")).to_be_visible()
    page.get_by_role("link", name="查实率", exact=True).click()
    page.locator("#towns th a[aria-current]", has_text="查实率").wait_for()
    page.goto(f"{live_server.url}/sweeps/{going.pk}/")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")
    with access.system_scope(COUNTY):
        SweepRun.objects.filter(pk=going.pk).update(state="done", done=100, finished_at=clock.now())
    page.locator(".funnel").wait_for()
    for path in (
        "/sweeps/", f"/sweeps/{run.pk}/", "/sweeps/new/", f"/sweeps/{run.pk}/name_conflict/", "/warnings/", "/supervision/clues/", "/third-party/",
    ):  # fmt: skip
        page.goto(live_server.url + path)
        axe()
        page.set_viewport_size(PHONE)
        fits()
        page.set_viewport_size(DESK)


def _as(page: Any, username: str, sign_in: Callable[[str], None]) -> None:
    page.context.clear_cookies()
    sign_in(username)
