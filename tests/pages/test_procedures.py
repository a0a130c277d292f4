"""Procedures as pictures: one place, two places side by side, and the sheet for the wall."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect
from pypdf import PdfReader

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1366, "height": 900}
Check = Callable[[], None]


def test_a_place_s_procedure_is_drawn_compared_and_printed_for_the_wall(
    page: Any, live_server: Any, quiet: list[str], make_user: Callable[..., Any], sign_in: Callable[[str], None],
    axe: Check, fits: Check,
) -> None:  # fmt: skip
    make_user("220103", "review", username="drawer")
    sign_in("drawer")
    page.get_by_text("标准与设置").click()
    page.get_by_role("link", name="办理程序").click()
    expect(page.get_by_label("地点代码")).to_have_value("220103")
    page.get_by_label("受理日期").fill("2021-09-10")
    page.get_by_role("button", name="查看").click()
    # lanes by level; the check and the visit stand in one row, side by side
    expect(page.locator(".flow-head")).to_have_text(["村（社区）", "乡镇（街道）", "县（区）"])
    boxes = {
        card.locator(".flow-label").first.text_content(): card.locator("rect").bounding_box()
        for card in page.locator(".flow-card").all()
    }
    assert boxes["信息核对"]["y"] == boxes["入户调查"]["y"] < boxes["村居审核"]["y"] < boxes["镇街确认"]["y"]
    assert boxes["信息核对"]["x"] > boxes["入户调查"]["x"] > boxes["村居审核"]["x"]
    expect(page.get_by_text("57-19）本地取消").first).to_be_visible()
    table = page.locator(".flow-table")
    expect(table.get_by_role("row", name="1. 受理")).to_contain_text("申请审批表、家庭经济状况核对授权书")
    axe()
    page.set_viewport_size(PHONE)
    fits()
    page.set_viewport_size(DESK)

    page.get_by_role("link", name="流程和时限上墙").click()
    expect(page.get_by_role("heading", name="最低生活保障办理流程和办理时限")).to_be_visible()
    expect(page.locator(".wall-total").get_by_text("受理起15日内")).to_be_visible()
    axe()
    for place, day in (("220103", "2021-09-10"), ("4208", "2017-05-10"), ("530102", "2020-09-04")):
        page.goto(f"{live_server.url}/procedures/wall/?place={place}&on={day}")
        sheet = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
        assert len(sheet.pages) == 1, place

    page.goto(f"{live_server.url}/procedures/?place=4208&other=220103&on=2021-05-10")
    rows = {
        row.locator("th").text_content(): row.locator("td").last.text_content().strip()
        for row in page.locator(".flow-compare tbody tr").all()
    }
    assert rows["受理"] == "相同"
    assert rows["审核公示"] == rows["区级备案"] == "只有一地有"
    assert rows["审核"] == "名称、办理层级"
    assert rows["审批"] == "名称、办理层级、期限"
    expect(page.locator(".flow")).to_have_count(2)
    axe()
    page.goto(f"{live_server.url}/procedures/?place=530102&programme=tekun&on=2020-09-04")
    expect(page.get_by_role("alert").get_by_text("没有适用的办理程序")).to_be_visible()
