"""A month's run through its page: opened, calculated, checked, approved by another, sent, answered, settled, closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from builders import make_family
from playwright.sync_api import expect

from simulators.bank import answer_file

PHONE = {"width": 360, "height": 760}
Check = Callable[[], None]


@pytest.fixture
def staff(make_user: Callable[..., Any]) -> None:
    """Three people of a county's pay office; nobody has two of their duties."""
    make_user("420804", "pay_prepare", username="prepare")
    make_user("420804", "pay_check", "pay_send", username="checker")
    make_user("420804", "pay_approve", username="approver")


def press(page: Any, label: str) -> None:
    with page.expect_navigation():
        page.locator(".page-actions").get_by_role("button", name=label).click()


def test_month_is_paid_from_opening_to_closing(
    page: Any,
    live_server: Any,
    quiet: list[str],
    staff: None,
    tmp_path: Path,
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    make_family("林桂兰", "周建军", account="6228480402564890001", imported=False)
    make_family("王秀英", region="420804002001", income_year="3600.00", account="6228480402564890002", imported=False)
    make_family("李国强", region="420804002001", income_year=None, account="6228480402564890003", imported=False)
    sign_in("prepare")
    page.goto(f"{live_server.url}/runs/")
    axe()
    page.get_by_label("月份").fill("2017-05")
    page.get_by_label("特困").uncheck()
    page.get_by_role("button", name="开账并计算").click()
    page.wait_for_url("**/runs/*/")
    run_url = page.url
    # Two members at 575.00 less 900.00 are 250.00; one at 575.00 less 300.00 is 275.00; one has no income fact.
    expect(page.locator(".figures")).to_contain_text("525.00")
    expect(page.get_by_text("1 笔金额未知")).to_be_visible()
    expect(page.locator(".page-actions [aria-disabled=true]").get_by_text("校验")).to_be_visible()
    expect(page.locator("[data-chart] svg")).to_be_visible()
    axe()
    fits()
    page.get_by_role("link", name="新增明细").click()
    page.locator("tr.detail").get_by_text("林桂兰").wait_for()
    page.set_viewport_size(PHONE)
    fits()
    page.set_viewport_size({"width": 1440, "height": 900})

    _as(page, "checker", sign_in)
    page.goto(run_url)
    press(page, "校验")
    expect(page.get_by_text("校验通过")).to_be_visible()

    _as(page, "approver", sign_in)
    page.goto(run_url)
    signing = page.locator("section", has=page.get_by_role("heading", name="审批签字"))
    expect(signing).to_contain_text("还差 1 人")
    press(page, "审批")
    expect(signing).to_contain_text("已签齐")
    expect(page.get_by_text("已审批，明细从此不再改动")).to_be_visible()

    _as(page, "checker", sign_in)
    page.goto(run_url)
    press(page, "生成银行文件")
    expect(page.locator(".page-actions [aria-disabled=true]").get_by_text("结清")).to_be_visible()
    with page.expect_download() as taken:
        page.locator("section", has=page.get_by_role("heading", name="银行文件")).get_by_role("link").first.click()
    answer = tmp_path / "return.csv"
    answer.write_bytes(answer_file(Path(taken.value.path()).read_bytes(), posted=date(2017, 5, 8), failing=0.0))

    page.get_by_label("回盘文件").set_input_files(tmp_path / "return.csv")
    page.get_by_role("button", name="导入回盘").click()
    expect(page.get_by_text("成功 2 笔")).to_be_visible()
    axe()
    press(page, "结清")
    _as(page, "approver", sign_in)
    page.goto(run_url)
    press(page, "关账")
    expect(page.get_by_text("已关账", exact=False).first).to_be_visible()


def test_forged_answer_is_refused_whole(
    page: Any, live_server: Any, quiet: list[str], staff: None, tmp_path: Path, sign_in: Callable[[str], None]
) -> None:
    make_family("欧阳建", income_year="3600.00", account="6228480402564890004", imported=False)
    run, sent = _sent_run()
    good = answer_file(sent, posted=date(2017, 5, 8), failing=0.0)
    forged = tmp_path / "return.csv"
    forged.write_bytes(good.replace(b"275.00", b"975.00"))
    assert forged.read_bytes() != good
    sign_in("checker")
    page.goto(f"{live_server.url}/runs/{run.pk}/")
    page.get_by_label("回盘文件").set_input_files(forged)
    page.get_by_role("button", name="导入回盘").click()
    expect(page.get_by_text("整份拒收，没有入账")).to_be_visible()
    expect(page.locator(".page-actions [aria-disabled=true]").get_by_text("结清")).to_be_visible()


def _sent_run() -> tuple[Any, bytes]:
    """A run whose only file is at the bank, made by the room's own actions, and that file."""
    from tuodi.files import store
    from tuodi.kernel.periods import Month
    from tuodi.org import access
    from tuodi.org.models import User
    from tuodi.payments import actions

    prepare, checker, approver = (
        User.objects.select_related("office").get(username=name) for name in ("prepare", "checker", "approver")
    )
    with access.scope(prepare):
        run = actions.open_run(acting_user=prepare, place="420804", month=Month(2017, 5), programmes=["dibao"])
        run = actions.calculate(run, acting_user=prepare)
    with access.scope(checker):
        run = actions.check(run, acting_user=checker)
    with access.scope(approver):
        run = actions.approve(run, acting_user=approver)
    with access.scope(checker):
        (batch,) = actions.make_bank_files(run, acting_user=checker)
        with store.plain_copy(batch.file) as path:
            return run, path.read_bytes()


def _as(page: Any, username: str, sign_in: Callable[[str], None]) -> None:
    page.context.clear_cookies()
    sign_in(username)
