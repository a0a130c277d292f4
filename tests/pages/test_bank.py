"""The bank's pages: an unknown payment is decided by two, a returned one waits in the queue, a poisoned statement is explained."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bankkit import Desk
from playwright.sync_api import expect

from tuodi.exchange.bank_files import StatementEntry

PHONE = {"width": 360, "height": 760}
Check = Callable[[], None]


def shot(page: Any, name: str) -> None:
    """A picture to look at, where somebody asked for it."""
    if folder := os.environ.get("TUODI_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_answers_queue_and_statement(
    page: Any, live_server: Any, quiet: list[str], desk: Desk, sign_in: Callable[[str], None], axe: Check, fits: Check
) -> None:
    run = desk.month(4)
    bank = desk.bank
    bank.submit_faults = ["500_after"]
    (message,) = desk.deliver(run)
    bank.lay(
        "report",
        bank.report(
            message.no,
            told=[
                replace(one, code="AC06", status="RJCT") if one.payment.seq == 3 else one
                for one in bank.told(message.no, [1, 3])
            ],
        ),
    )
    bank.lay("back", bank.give_back(message.no, [2]))
    bank.lay("forged", bank.report(message.no, forge="amount"))
    desk.collect()
    bank.taken[message.no].paid.discard(3)
    bank.entries = [one for one in bank.entries if not one.reference.endswith(("-3", "-4"))]
    poison = [StatementEntry(0, 123_45, True, f"{message.no}-77", "X1", bank.now.date())]
    bank.lay("statement", bank.write_statement(bank.statement(poison=poison)))
    (statement,) = desk.collect()
    assert statement.faults == []
    assert desk.statuses(run) == ["paid", "returned", "failed", "unknown"]

    sign_in(desk.staff.check.username)
    page.goto(f"{live_server.url}/bank/")
    expect(page.get_by_text("农商行直联").first).to_be_visible()
    axe()
    fits()
    shot(page, "links")
    page.goto(f"{live_server.url}/runs/{run.pk}/accounts/")
    expect(page.get_by_text("未校验 4")).to_be_visible()
    axe()
    page.goto(f"{live_server.url}/runs/{run.pk}/batches/{message.batch_id}/?status=unknown")
    expect(page.get_by_text("整份拒收")).to_be_visible()
    page.get_by_text("人工认定").click()
    page.get_by_label("认定为").select_option("paid")
    page.get_by_label("依据").fill("农商行 5 月 9 日书面答复已入账")
    axe()
    shot(page, "batch")
    page.get_by_role("button", name="提交，由另一人复核").click()
    page.get_by_text("认定已提交").wait_for()
    page.set_viewport_size(PHONE)
    fits()
    shot(page, "batch-phone")
    page.goto(f"{live_server.url}/bank/statements/{statement.pk}/")
    expect(page.get_by_text("本单位没有送出这一笔")).to_be_visible()
    fits()
    shot(page, "statement-phone")
    page.set_viewport_size({"width": 1366, "height": 900})
    axe()
    shot(page, "statement")
    page.get_by_label("说明", exact=True).fill("银行确认误扣，次日冲正")
    page.get_by_role("button", name="提交说明").click()
    page.get_by_text("由另一人复核").first.wait_for()
    page.goto(f"{live_server.url}/bank/todo/?todo=fix_account")
    expect(page.get_by_role("link", name="去重发")).to_be_visible()
    page.get_by_role("link", name="联系本人").or_(page.locator(".figures a").nth(1)).first.click()
    page.get_by_text("AC06").wait_for()
    axe()
    shot(page, "todo")

    page.context.clear_cookies()
    sign_in(desk.staff.approve.username)
    page.goto(f"{live_server.url}/bank/todo/?todo=unknown")
    expect(page.get_by_role("button", name="复核通过")).to_have_count(2)
    page.set_viewport_size(PHONE)
    fits()
    shot(page, "todo-phone")
    page.get_by_role("button", name="复核通过").first.click()
    page.get_by_text("认定生效").wait_for()
    assert desk.statuses(run) == ["paid", "returned", "failed", "paid"]
    desk.clean(run)


def test_payments_are_asked_back_by_two_and_the_bank_says_which(
    page: Any, live_server: Any, quiet: list[str], desk: Desk, sign_in: Callable[[str], None], axe: Check, fits: Check
) -> None:
    from tuodi.org.access import system_scope
    from tuodi.payments.models import BankRecall

    run = desk.month(3)
    bank = desk.bank
    bank.slow = True
    (message,) = desk.deliver(run)
    bank.execute(message.no, [3])
    here = f"{live_server.url}/runs/{run.pk}/batches/{message.batch_id}/"
    sign_in(desk.staff.check.username)
    page.goto(here)
    page.get_by_text("请求撤销", exact=True).click()
    page.get_by_label("序号", exact=True).fill("2至3")
    page.get_by_label("说明", exact=True).fill("审批后发现对象已死亡")
    page.get_by_role("button", name="提交，由另一人复核").click()
    expect(page.get_by_text("请写成 1、3-5 这样")).to_be_visible()
    page.get_by_text("请求撤销", exact=True).click()
    page.get_by_label("序号", exact=True).fill("2-3")
    page.get_by_label("说明", exact=True).fill("审批后发现对象已死亡")
    axe()
    page.get_by_role("button", name="提交，由另一人复核").click()
    expect(page.get_by_text("已提出撤销 2 笔")).to_be_visible()
    shot(page, "recall-proposed")

    page.context.clear_cookies()
    sign_in(desk.staff.approve.username)
    page.goto(f"{live_server.url}/bank/todo/")
    page.locator("section", has_text="撤销请求").get_by_role("link", name="查看").click()
    page.get_by_role("button", name="复核，送银行").click()
    expect(page.get_by_text("银行答复前，各笔结果不变")).to_be_visible()
    assert desk.statuses(run) == ["sent"] * 3
    with system_scope("420802"):
        recall = BankRecall.objects.get()
    desk.bring(recall)
    for one in bank.answers_to(recall.no):
        bank.lay("answer", one)
    desk.collect()
    page.goto(here)
    expect(page.get_by_text("已撤销，没有付款")).to_be_visible()
    expect(page.get_by_text("同意，款项将退回")).to_be_visible()
    axe()
    shot(page, "recall-answered")
    page.set_viewport_size(PHONE)
    fits()
    shot(page, "recall-phone")
    assert desk.statuses(run) == ["sent", "failed", "sent"]
    desk.clean(run)
