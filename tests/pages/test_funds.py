"""Money through its pages: a paper proposed and agreed, a month approved, sent and paid, and seen from the place to the clause."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from builders import make_family
from playwright.sync_api import expect

from simulators.bank import answer_file

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}
Check = Callable[[], None]


def shot(page: Any, name: str) -> None:
    """A picture to look at, where somebody asked for it."""
    if folder := os.environ.get("TUODI_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def checked_run(user: Callable[[str], Any]) -> Any:
    """A month computed and checked by the room's own actions."""
    from tuodi.kernel.periods import Month
    from tuodi.org import access
    from tuodi.payments import actions

    with access.scope(user("prepare")):
        run = actions.open_run(acting_user=user("prepare"), place="420804", month=Month(2017, 5), programmes=["dibao"])
        run = actions.calculate(run, acting_user=user("prepare"))
    with access.scope(user("checker")):
        return actions.check(run, acting_user=user("checker"))


def test_money_from_its_paper_to_the_card_and_back_to_the_clause(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Callable[..., Any],
    tmp_path: Path,
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    people = {
        name: make_user("420804", *duties, username=name)
        for name, duties in {
            "keeper": ["fund_keep"], "reviewer": ["fund_review"], "prepare": ["pay_prepare"],
            "checker": ["pay_check", "pay_send"], "approver": ["pay_approve"], "watcher": ["supervise"],
        }.items()
    }  # fmt: skip

    def go(who: str, path: str) -> None:
        page.context.clear_cookies()
        sign_in(who)
        page.goto(f"{live_server.url}{path}")

    make_family("林桂兰", "周建军", account="6228480402564890001", imported=False)  # 250.00
    make_family("王秀英", region="420804002001", income_year="3600.00", account="6228480402564890002", imported=False)
    run = checked_run(people.__getitem__)

    # The paper waits for finance; nothing has moved.
    go("keeper", "/funds/papers/new/?kind=appropriation")
    page.get_by_label("项目").select_option(label="城乡低保")
    page.get_by_label("资金来源").select_option(label="中央")
    page.get_by_label("金额").fill("1000.00")
    page.get_by_label("指标文号").fill("鄂财社发〔2017〕12号")
    page.get_by_label("发文日期").fill("2017-03-01")
    page.get_by_label("用途或理由").fill("城乡低保补助资金")
    page.get_by_role("button", name="提出，送财政审核").click()
    expect(page.get_by_role("heading", name="1,000.00")).to_be_visible()
    paper = page.url.removeprefix(live_server.url)
    go("reviewer", "/")
    page.locator(".sidebar").locator("summary", has_text="资金与发放").click()
    expect(page.locator(".sidebar").get_by_role("link", name="资金看板")).to_contain_text("1")
    page.goto(f"{live_server.url}{paper}")
    page.get_by_role("button", name="同意并记账").click()
    expect(page.get_by_text("已同意并记账")).to_be_visible()

    # The month: what its next step is, who may do it; then approved, sent, answered.
    go("prepare", f"/runs/{run.pk}/")
    following = page.locator("section", has=page.get_by_role("heading", name="下一步：审批"))
    expect(following).to_contain_text(people["approver"].name)
    expect(following).to_contain_text("没有卡点")
    axe()
    go("approver", f"/runs/{run.pk}/")
    page.locator(".page-actions").get_by_role("button", name="审批").click()
    expect(page.get_by_text("已审批，明细从此不再改动")).to_be_visible()
    go("checker", f"/runs/{run.pk}/")
    page.locator(".page-actions").get_by_role("button", name="生成银行文件").click()
    following = page.locator("section", has=page.get_by_role("heading", name="下一步：回盘结清"))
    expect(following).to_contain_text("2 笔还没有银行结果")
    with page.expect_download() as taken:
        page.locator("section", has=page.get_by_role("heading", name="银行文件")).get_by_role("link").first.click()
    answer = tmp_path / "return.csv"
    answer.write_bytes(answer_file(Path(taken.value.path()).read_bytes(), posted=date(2017, 5, 8), failing=0.0))
    page.get_by_label("回盘文件").set_input_files(answer)
    page.get_by_role("button", name="导入回盘").click()
    expect(page.get_by_text("成功 2 笔")).to_be_visible()

    # From the place to the entry, from the entry to the line, from the line to the clause.
    go("watcher", "/chain/")
    expect(page.get_by_text("前后相等")).to_be_visible()
    expect(page.get_by_text("与资金账相等")).to_be_visible()
    expect(page.locator(".way li", has_text="到账")).to_contain_text("525.00")
    axe()
    shot(page, "chain")
    page.set_viewport_size(PHONE)
    fits()
    axe()
    shot(page, "chain-phone")
    page.set_viewport_size(DESK)
    page.locator(".way li", has_text="到账").get_by_role("link").click()
    expect(page.get_by_text("1 张凭证，合计 525.00 元")).to_be_visible()
    axe()
    page.locator("tbody").get_by_role("link").first.click()
    expect(page.get_by_text("与凭证相等")).to_be_visible()
    axe()
    page.get_by_role("link", name="查看明细").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="林桂兰").click()
    expect(page.get_by_role("heading", name="到卡的经过")).to_be_visible()
    expect(page.get_by_text("649号令 12条").first).to_be_visible()
    axe()
    page.set_viewport_size(PHONE)
    fits()
    shot(page, "chain-line-phone")
    page.get_by_role("link", name="这个月怎么算的").click()
    expect(page.get_by_role("heading", name="林桂兰").first).to_be_visible()
    expect(page).to_have_url(re.compile("month=2017-05"))
