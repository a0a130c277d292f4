"""A hospital month in the browser: agreement, advance, bills with a bad row, a difference judged, cleared by another, and an entry taken back."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from casekit import at
from fundkit import Treasury, clean
from hospitalkit import lay_rules, row, sheet
from paykit import family
from playwright.sync_api import expect

from tuodi.funds.actions import papers
from tuodi.funds.models import HospitalAgreement, HospitalClearing, LedgerEntry
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}
Check = Callable[[], None]
medical_rules = pytest.fixture(lay_rules)


def shot(page: Any, name: str) -> None:
    """A picture to look at, where somebody asked for it."""
    if folder := os.environ.get("TUODI_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.usefixtures("medical_rules")
def test_a_hospital_month(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Any,
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    money, home = Treasury(make_user), family()
    money.do("appropriation", 60_000, programme="medical")
    today = clock.today()
    with at(money.review, today):
        papers.set_pay_way(acting_user=money.review, county=money.county, way="treasury")
    month = Month.of(today).prev()

    def look(name: str) -> None:
        axe()
        shot(page, name)
        page.set_viewport_size(PHONE)
        fits()
        shot(page, f"{name}-phone")
        page.set_viewport_size(DESK)

    page.set_viewport_size(DESK)
    sign_in(money.keep.username)
    page.goto(f"{live_server.url}/hospitals/new/")
    for label, text in (
        ("医院名称", "测试区人民医院"), ("定点医药机构编码", "H42080200001"), ("收款账户", "农商行 测试账户"), ("预付款上限", "5000"),
        ("签订日期", "2018-01-05"), ("协议起始日", "2018-01-01"), ("协议截止日", date(today.year + 1, 12, 31).isoformat()),
    ):  # fmt: skip
        page.get_by_label(label).fill(text)
    look("new")
    page.get_by_role("button", name="登记，送财政审核").click()
    expect(page.get_by_text("待财政审核后生效")).to_be_visible()
    page.context.clear_cookies()
    sign_in(money.review.username)
    page.goto(f"{live_server.url}/hospitals/")
    page.get_by_role("link", name="测试区人民医院").click()
    page.get_by_role("button", name="同意，协议生效").click()
    expect(page.get_by_text("协议已生效。")).to_be_visible()
    with scope(money.keep):
        agreement = HospitalAgreement.objects.get()
    money.do("hospital", 1_500, programme="medical", hospital=agreement, on=today)

    page.context.clear_cookies()
    sign_in(money.keep.username)
    page.goto(f"{live_server.url}/hospitals/{agreement.no}/")
    days = {"入院日期": str(month.first_day), "出院日期": str(month.last_day)}
    data = sheet(
        row("S1", home.head, **days),
        row("S2", home.head, claimed=1_500, **days),
        row("S3", home.head, own=9, **days),
        row("S4", family(names=("周小满",), programme="edge").head, **days),
    )
    page.get_by_label("结算单据").set_input_files({"name": "上月结算.csv", "mimeType": "text/csv", "buffer": data})
    page.get_by_role("button", name="导入并核对").click()
    expect(page.get_by_text("3 张单据，1 行有问题")).to_be_visible()
    expect(page.get_by_text("不相等")).to_be_visible()
    look("batch")
    page.get_by_role("link", name="核定与清算").click()
    expect(page.get_by_text("还有 2 张没有核定")).to_be_visible()
    page.locator("details.judge summary").first.click()
    page.get_by_label("理由").first.fill("按规则核减，与医院核对无误")
    look("month")
    page.get_by_role("button", name="核定", exact=True).first.click()
    expect(page.get_by_text("已核定。")).to_be_visible()
    page.get_by_role("button", name="差异按规则核定").click()
    expect(page.get_by_text("已按规则核定 1 张。")).to_be_visible()
    page.get_by_label("补足预付款（元）").fill("1500")
    page.get_by_role("button", name="提出，送财政审核").click()
    expect(page.get_by_text("待财政审核。")).to_be_visible()
    page.goto(f"{live_server.url}/hospitals/{agreement.no}/")
    look("hospital")

    page.context.clear_cookies()
    sign_in(money.review.username)
    page.goto(f"{live_server.url}/hospitals/{agreement.no}/{month.yyyymm}/")
    look("review")
    page.get_by_role("button", name="同意并记账").click()
    expect(page.get_by_text("已清算并记账。")).to_be_visible()
    with scope(money.keep):
        made = HospitalClearing.objects.get()
        first = LedgerEntry.objects.get(kind="appropriation")
    assert (made.accepted_fen, made.advance_fen, made.paid_fen) == (2_800_00, 1_500_00, 1_300_00)
    shot(page, "cleared")

    page.context.clear_cookies()
    sign_in(money.keep.username)
    page.goto(f"{live_server.url}/funds/entries/{made.entry_id}/")
    expect(page.get_by_text("与医院在下月单据里更正")).to_be_visible()
    page.goto(f"{live_server.url}/funds/entries/{first.pk}/")
    page.get_by_label("理由").fill("金额录错")
    look("entry")
    page.get_by_role("button", name="提出冲正，送财政审核").click()
    expect(page.get_by_text("资金不足")).to_be_visible()
    page.goto(f"{live_server.url}/hospitals/")
    look("list")
    page.goto(f"{live_server.url}/funds/")
    shot(page, "board")
    clean()
