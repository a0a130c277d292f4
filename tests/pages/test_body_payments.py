"""Money to a hospital by the bank, in the browser: file, answer, another account, sent anew; down to the bill and put right.

Then a list of premiums and a request to the emergency fund, each decided by another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from casekit import hire
from fundkit import Treasury, clean
from hospitalkit import Ward, lay_rules, row
from paykit import family
from playwright.sync_api import expect

from tuodi.exchange.bank import BatchHead, load_bank_profile, read_payments, write_return
from tuodi.files.store import open_plain
from tuodi.funds.models import HospitalBill, PayOrder
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.payments.models import BankBatch
from tuodi.verification import rulebook

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1366, "height": 900}
Check = Callable[[], None]
PREMIUM = """pack: {place: "420802", programme: premium}
instruments:
  测试参保: {title: 测试用的参保缴费通知, number: "-", issuer: 测试, issued: 2018-01-01, in_force: 2018-01-01, kind: hypothetical}
parameters:
  premium:
    values: [{from: 2018-01-01, value: 180, clause: 测试参保}]
"""


@pytest.fixture
def rules(tmp_path: Any, monkeypatch: Any) -> Any:
    (tmp_path / "premium.yaml").write_text(PREMIUM, encoding="utf-8")
    yield from lay_rules(tmp_path, monkeypatch)
    rulebook.reload()


def answer(user: Any, word: str, code: str = "") -> bytes:
    """The bank's table about the newest file."""
    with scope(user):
        batch = BankBatch.objects.order_by("-id")[0]
        layout = load_bank_profile(batch.profile)
        with open_plain(batch.file) as plain:
            head, rows = read_payments(layout, plain.read())
    told = [(one, word, code, "", f"B{one.seq}") for one in rows]
    fen = sum(one.amount_fen for one in rows)
    return write_return(layout, BatchHead(head.no, len(rows), fen, head.month, ""), told, posted=clock.today())


@pytest.mark.usefixtures("rules")
def test_money_to_bodies(
    page: Any,
    live_server: Any,
    quiet: list[str],
    make_user: Any,
    sign_in: Callable[[str], None],
    axe: Check,
    fits: Check,
) -> None:
    money, today = Treasury(make_user), clock.today()
    money.do("appropriation", 60_000, programme="medical")
    money.do("appropriation", 9_000, programme="emergency")
    payer = hire(make_user, "420802", "pay_send")
    ward, home = Ward(money, way="bank"), family(names=("向桂英",))
    last = Month.of(today).prev()
    days = {"入院日期": "2018-12-01", "出院日期": "2018-12-12"}
    ward.send(row("S1", home.head, **days), month=last.prev(), on=today)
    ward.decide(ward.propose(month=last.prev(), on=today), on=today)
    words = load_bank_profile("generic-csv").returned

    def who(user: Any, path: str) -> None:
        page.context.clear_cookies()
        sign_in(user.username)
        page.goto(f"{live_server.url}{path}")

    def look(name: str) -> None:
        axe()
        folder = os.environ.get("TUODI_SHOTS")
        if folder:
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        page.set_viewport_size(PHONE)
        fits()
        if folder:
            page.screenshot(path=f"{folder}/{name}-phone.png", full_page=True)
        page.set_viewport_size(DESK)

    def bank_says(word: str, code: str = "") -> None:
        page.get_by_label("银行回盘").set_input_files(
            {"name": "回盘.csv", "mimeType": "text/csv", "buffer": answer(payer, word, code)}
        )
        page.get_by_role("button", name="导入", exact=True).click()
        expect(page.get_by_text("回盘已入账。")).to_be_visible()

    page.set_viewport_size(DESK)
    who(payer, "/orders/")
    expect(page.get_by_role("link", name="测试区人民医院")).to_be_visible()
    look("orders")
    page.get_by_role("button", name="生成银行文件").click()
    expect(page.get_by_text("已生成 420802")).to_be_visible()
    with scope(payer):
        order, batch = PayOrder.objects.get(), BankBatch.objects.get()
    page.goto(f"{live_server.url}/orders/batches/{batch.pk}/")
    bank_says(words.failed[0], "9")
    look("order-batch")
    page.goto(f"{live_server.url}/orders/")
    page.get_by_role("button", name="重发").click()
    expect(page.get_by_text("收款账户还没有更换")).to_be_visible()

    who(money.keep, f"/payees/?code={ward.agreement.code}")
    for label, text in (
        ("户名", "测试区人民医院"), ("开户行", "测试农商行营业部"), ("账号", "6200 0000 4208 0299"), ("依据", "医院来函〔2019〕1号"),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="登记，送财政审核").click()
    expect(page.get_by_text("账户已登记，待财政审核。")).to_be_visible()
    who(money.review, "/payees/")
    look("payees")
    page.get_by_role("button", name="同意", exact=True).click()
    expect(page.get_by_text("账户已生效")).to_be_visible()
    who(payer, "/orders/")
    page.get_by_role("button", name="重发").click()
    expect(page.get_by_text("已生成重发文件")).to_be_visible()
    with scope(payer):
        again = BankBatch.objects.order_by("-id")[0]
    page.goto(f"{live_server.url}/orders/batches/{again.pk}/")
    bank_says(words.paid[0])
    page.goto(f"{live_server.url}/orders/{order.no}/")
    expect(page.get_by_text("已到账").first).to_be_visible()
    look("order")

    # From the booking down to the bill, and the bill put right.
    who(money.keep, f"/funds/entries/{order.entry_id}/")
    expect(page.get_by_text("与清算相等")).to_be_visible()
    look("entry-bills")
    page.get_by_role("link", name="S1").click()
    expect(page.get_by_role("heading", name="钱的去向")).to_be_visible()
    page.get_by_text("登记更正单据").click()
    look("bill")
    page.get_by_label("随哪个月清算").fill(str(last))
    for label, text in (
        ("基本医保支付（元）", "5500"),
        ("医疗救助支付（元）", "1050"),
        ("个人支付（元）", "1450"),
        ("更正理由", "医保重新结算"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_label("医院来函").set_input_files(
        {"name": "来函.pdf", "mimeType": "application/pdf", "buffer": b"letter"}
    )
    page.get_by_role("button", name="登记并核对").click()
    expect(page.get_by_text("已登记更正 S1-G1")).to_be_visible()
    expect(page.get_by_text("−350.00 元")).to_be_visible()
    look("correction")
    with scope(money.keep):
        assert HospitalBill.objects.get(bill_no="S1-G1").corrects_id is not None

    page.goto(f"{live_server.url}/premiums/")
    page.get_by_label("征收机构", exact=True).fill("测试区税务局")
    page.get_by_label("征收机构编码").fill("SW420802")
    look("premiums")
    page.get_by_role("button", name="列出，送财政审核").click()
    expect(page.get_by_text("待财政审核。")).to_be_visible()
    look("premium")
    premium = page.url
    page.goto(f"{live_server.url}/emergency-fund/")
    page.get_by_text("填写申请").click()
    page.get_by_label("定点医院").select_option(label="测试区人民医院")
    for label, text in (
        ("患者称谓", "无名氏（男，约五十岁）"), ("发现经过", "路人报警，120 送治"), ("收治日期", "2018-12-02"), ("急救结束", "2018-12-09"),
        ("急救费用（元）", "5000"), ("其他渠道已付（元）", "1000"), ("申请金额（元）", "4000"),
    ):  # fmt: skip
        page.get_by_label(label).fill(text)
    page.get_by_label("证明材料").set_input_files(
        {"name": "病历.pdf", "mimeType": "application/pdf", "buffer": b"scan"}
    )
    look("emergencies")
    page.get_by_role("button", name="登记，送财政审核").click()
    expect(page.get_by_text("最多可付 4,000.00 元")).to_be_visible()
    request = page.url
    who(money.review, premium.removeprefix(live_server.url))
    page.get_by_role("button", name="同意并付款").click()
    expect(page.get_by_text("没有在用的收款账户")).to_be_visible()
    page.goto(request)
    look("emergency")
    page.get_by_role("button", name="同意并付款").click()
    expect(page.get_by_text("已同意并付款。")).to_be_visible()
    page.goto(f"{live_server.url}/funds/")
    look("board-bodies")
    clean()
