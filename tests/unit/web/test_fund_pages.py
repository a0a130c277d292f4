"""Money through its pages: doors, a paper from proposal to entry, the board's sum, petty cash paid with a receipt, the check."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from casekit import Office, at, client_of, hire
from django.core.files.uploadedfile import SimpleUploadedFile
from fieldkit import jpeg
from fundkit import Treasury
from paykit import family
from reliefkit import relieved

from tuodi.funds.models import FloatCount, FundPaper, LedgerEntry, PettySpend, Population, PublicFund
from tuodi.kernel import clock

pytestmark = pytest.mark.django_db(transaction=True)
COUNTY, TOWN = "420802", "420802001"
DAY = date(2017, 8, 14)


@pytest.fixture(autouse=True)
def _on_the_day() -> Any:
    with clock.frozen(DAY):
        yield


def text(answer: Any) -> str:
    return answer.content.decode()


def test_doors(make_user: Callable[..., Any]) -> None:
    treasury = Treasury(make_user)
    accepter, auditor = hire(make_user, COUNTY, "accept"), hire(make_user, COUNTY, "audit_view")
    for path, inside in (
        ("/funds/", treasury.keep), ("/funds/papers/new/?kind=plan", treasury.keep), ("/funds/papers/", treasury.review),
        ("/funds/entries/", auditor), ("/funds/year/2017/", auditor), ("/ledger-checks/", auditor), ("/petty/", treasury.keep),
    ):  # fmt: skip
        assert client_of(inside).get(path).status_code == 200, path
        assert client_of(accepter).get(path).status_code == 403, path
    assert client_of(treasury.review).get("/funds/papers/new/").status_code == 403
    assert client_of(treasury.keep).get("/funds/?place=420804").status_code == 404
    assert client_of(treasury.keep).get("/funds/entries/4711/").status_code == 404


def test_a_paper_from_proposal_to_the_board_and_down_to_the_entry(make_user: Callable[..., Any]) -> None:
    treasury = Treasury(make_user)
    keep, review = client_of(treasury.keep), client_of(treasury.review)
    given = {
        "county": COUNTY, "programme": "dibao", "source": "central", "amount": "一千", "doc_no": "鄂财社〔2017〕1号",
        "doc_day": "2017-03-01", "reason": "低保补助<b>",
    }  # fmt: skip
    assert "不是金额" in text(keep.post("/funds/papers/new/?kind=appropriation", given))
    assert keep.post("/funds/papers/new/?kind=appropriation", given | {"amount": "1,234.50"}).status_code == 303
    with at(treasury.keep, DAY):
        paper = FundPaper.objects.get()
    path = f"/funds/papers/{paper.no}/"
    assert "低保补助&lt;b&gt;" in text(review.get(path))
    assert "没有填写" in text(review.post(path, {"do": "refuse"}, follow=True))
    assert "已同意并记账" in text(review.post(path, {"do": "approve"}, follow=True))
    board = text(keep.get("/funds/"))
    assert "1,234.50 ＝ 在手 1,234.50 ＋ 已发 0.00" in board
    listed = text(keep.get("/funds/entries/?programme=dibao&source=central&account=available"))
    with at(treasury.keep, DAY):
        entry = LedgerEntry.objects.get()
    assert f"/funds/entries/{entry.pk}/" in listed
    assert path in text(keep.get(f"/funds/entries/{entry.pk}/"))
    twice = keep.post("/funds/papers/new/?kind=appropriation", given | {"amount": "1"})
    assert f"已登记为 {paper.no}" in text(twice)


def test_population_public_fund_and_order_are_entered_on_their_pages(make_user: Callable[..., Any]) -> None:
    treasury = Treasury(make_user)
    keep, review = client_of(treasury.keep), client_of(treasury.review)
    keep.post("/funds/population/", {"county": COUNTY, "year": "2017", "residents": "36万", "basis": "公报"})
    keep.post("/funds/population/", {"county": COUNTY, "year": "2017", "residents": "365,000", "basis": "公报"})
    keep.post("/funds/public/", {"name": "爱心基金", "owner": "慈善会", "purposes": ["temporary"]})
    with at(treasury.keep, DAY):
        assert Population.objects.get().residents == 365_000
        assert PublicFund.objects.get().purposes == ["temporary"]
    treasury.do("appropriation", 10)
    refused = review.post("/funds/order/", {"county": COUNTY, "order": "central,central"}, follow=True)
    assert "各一次" in text(refused)
    review.post("/funds/order/", {"county": COUNTY, "order": "society,county,prefecture,province,central"})
    assert "社会（公益基金） → 县级" in text(keep.get("/funds/"))
    review.post("/funds/order/", {"county": COUNTY, "order": "中央、省级，县级、市级、公益基金"})
    assert "省级 → 县级 → 市级 → 社会（公益基金）" in text(keep.get("/funds/"))


def test_petty_cash_is_paid_on_its_page_with_a_receipt_and_counted(make_user: Callable[..., Any]) -> None:
    treasury, office = Treasury(make_user), Office("420802001001", make_user)
    cashier = hire(make_user, TOWN, "petty_cash")
    box = treasury.float(TOWN, 2000)
    row = relieved(office, family(), 800_00, on=DAY)
    client, path = client_of(cashier), f"/petty/{box.pk}/"
    assert client.get("/petty/")["Location"] == path
    shown = text(client.get(path))
    assert "当场支付" in shown
    assert row.determination.no in shown
    pay = {"do": "pay", "grant": row.determination.pk, "receiver": "向桂英"}
    assert "收据照片" in text(client.post(path, pay, follow=True))
    photo = SimpleUploadedFile("r.jpg", jpeg(), content_type="image/jpeg")
    assert "余额 1,200.00 元" in text(client.post(path, pay | {"receipt": photo}, follow=True))
    with at(cashier, DAY):
        spend = PettySpend.objects.get()
    assert client.get(f"/petty/receipts/{spend.no}/")["Content-Type"] == "image/jpeg"
    assert client_of(hire(make_user, "420802002", "petty_cash")).get(f"/petty/receipts/{spend.no}/").status_code == 404
    assert "备用金已付" in text(client_of(office.town_accept).get(f"/emergencies/{row.no}/"))
    with clock.frozen(date(2017, 9, 1)):
        client = client_of(cashier)  # the session of August is over
        assert "相差" in text(client.post(path, {"do": "count", "amount": "1199"}, follow=True))
        client.post(path, {"do": "count", "amount": "1200"})
    with at(cashier, date(2017, 9, 1)):
        assert FloatCount.objects.get().counted_fen == 1200_00


def test_the_year_and_the_check_on_their_pages(make_user: Callable[..., Any]) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 100, on=date(2017, 2, 1))
    auditor = client_of(hire(make_user, COUNTY, "audit_view"))
    assert "还没有校验过" in text(auditor.get("/ledger-checks/"))
    assert "全部通过" in text(auditor.post("/ledger-checks/", follow=True))
    review = client_of(treasury.review)
    assert "年度未结束" in text(review.get("/funds/year/2017/"))
    with clock.frozen(date(2018, 1, 9)):
        review = client_of(treasury.review)
        assert "还没有处理" in text(review.post("/funds/year/2017/", follow=True))
        treasury.do("carry", 100, year=2017, on=date(2018, 1, 9))
        assert "已结算" in text(review.post("/funds/year/2017/", follow=True))
