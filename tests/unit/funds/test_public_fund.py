"""A public fund: what it paid, down to the family where the ledger tells; closed when empty, and then given nothing new."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, client_of, hire
from django.db import IntegrityError, transaction
from fieldkit import jpeg
from fundkit import EARLY, Treasury, clean
from paykit import Staff, family, run_month
from reliefkit import relieved

from tuodi.funds import public as reads
from tuodi.funds.actions import papers, petty
from tuodi.funds.actions.public import close_fund
from tuodi.funds.errors import FundHeldError, FundInputError, FundStateError
from tuodi.funds.models import FundPaper, PettySpend, PublicFund
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.errors import AccessDeniedError, NotFoundError

pytestmark = pytest.mark.django_db(transaction=True)
COUNTY, TOWN = "420802", "420802001"
DAY = date(2017, 8, 14)


@pytest.fixture
def treasury(make_user):
    return Treasury(make_user)


def open_fund(treasury: Treasury, *purposes: str) -> PublicFund:
    with at(treasury.keep, EARLY):
        return papers.open_fund(
            acting_user=treasury.keep, county=COUNTY, name="爱心基金", owner="区慈善会", purposes=list(purposes)
        )


def close(treasury: Treasury, fund: PublicFund, *, on: date = DAY, by=None) -> PublicFund:
    who = by or treasury.keep
    with at(who, on):
        return close_fund(fund, acting_user=who)


def test_closed_only_when_empty_and_then_given_nothing_new(make_user, treasury) -> None:
    fund = open_fund(treasury, "temporary", "medical")
    treasury.do("appropriation", 50, programme="temporary", fund=fund)
    treasury.do("transfer", 20, programme="temporary", to_programme="medical", fund=fund)
    with pytest.raises(
        FundHeldError, match=r"临时救助（爱心基金）可用资金 30\.00 元；.*医疗救助（爱心基金）可用资金 20\.00 元"
    ):
        close(treasury, fund)
    with at(treasury.keep, DAY), pytest.raises(IntegrityError, match="还有余额"), transaction.atomic():
        PublicFund.objects.filter(pk=fund.pk).update(closed_on=DAY, closed_by=treasury.keep)
    with pytest.raises(AccessDeniedError):
        close(treasury, fund, by=treasury.review)
    with pytest.raises(NotFoundError):
        close(treasury, fund, by=Treasury(make_user, "420804").keep)
    treasury.do("hand_back", 30, programme="temporary", fund=fund)
    treasury.do("hand_back", 20, programme="medical", fund=fund)
    late = treasury.propose("appropriation", 7, programme="medical", fund=fund)
    with pytest.raises(FundInputError, match=late.no):
        close(treasury, fund)
    treasury.decide(late, approve=False, note="不给了")
    assert close(treasury, fund).closed_on == DAY
    with pytest.raises(FundStateError, match="已停用"):
        close(treasury, fund)
    for kind, more in (
        ("appropriation", {}),
        ("transfer", {"to_programme": "temporary"}),
        ("plan", {"month": Month(2017, 9)}),
    ):
        with at(treasury.keep, DAY):
            fund = PublicFund.objects.get(pk=fund.pk)
        with pytest.raises(FundInputError, match="已于 2017-08-14 停用"):
            treasury.propose(kind, 1, on=DAY, programme="medical", fund=fund, **more)
    with at(treasury.keep, DAY):
        with pytest.raises(IntegrityError, match="不能使用"), transaction.atomic():
            FundPaper.objects.create(
                region=fund.region, no="R1", kind="appropriation", year=2017, programme="medical", source=fund.source,
                fund=fund, amount_fen=1, doc_no="再来", doc_day=EARLY, reason="绕过", proposed_at=clock.now(),
                proposed_by=treasury.keep,
            )  # fmt: skip
        for change in ({"closed_on": None, "closed_by": None}, {"purposes": ["dibao"]}):
            with pytest.raises(IntegrityError, match="不能修改"), transaction.atomic():
                PublicFund.objects.filter(pk=fund.pk).update(**change)
    clean()


def test_its_page_shows_what_came_whom_it_helped_and_what_is_left(make_user, treasury) -> None:
    fund, office = open_fund(treasury, "temporary", "dibao"), Office("420802001001", make_user)
    treasury.do("appropriation", 550, programme="dibao", fund=fund)
    treasury.do("appropriation", 2000, programme="temporary", fund=fund)
    staff = Staff(make_user)
    family(names=("周春兰", "周小满"))
    run_month(staff, Month(2017, 5))  # 550 yuan, all of it the fund's
    box = treasury.float(TOWN, 0)
    treasury.do("advance", 2000, programme="temporary", town=TOWN)
    cashier = hire(make_user, TOWN, "petty_cash")
    row = relieved(office, family(names=("向桂英",)), 800_00, on=DAY)
    with at(cashier, DAY):
        spend = petty.pay_grant(
            box, acting_user=cashier, determination=row.determination, receiver="本人", receipt=jpeg()
        )
        assert isinstance(spend, PettySpend)
    with at(treasury.keep, DAY):
        assert [(one.programme, one.fen) for one in reads.brought(fund, 0, 9)] == [
            ("temporary", 2000_00),
            ("dibao", 550_00),
        ]
        assert [(one.programme, one.fen) for one in reads.spent(fund, 0, 9)] == [
            ("temporary", spend.amount_fen),
            ("dibao", 550_00),
        ]
        assert [(one.programme, one.account, one.fen) for one in reads.left(fund)] == [
            ("temporary", "float", 2000_00 - spend.amount_fen)
        ]
    path = f"/funds/public/{fund.pk}/"
    with clock.frozen(DAY):
        for reader, named in ((hire(make_user, COUNTY, "pay_prepare"), True), (treasury.review, False)):
            answer = client_of(reader).get(path)
            assert answer.status_code == 200
            body = answer.content.decode()
            assert ("向桂英" in body) is named
            assert ("周春兰" in body) is named
            assert f"/funds/entries/{spend.entry_id}/" in body
            assert (f"/cases/{row.determination.case_id}/" in body) is named
            assert "1,200.00" in body
        keep = client_of(treasury.keep)
        assert "还有余额" in keep.get(path).content.decode()
        assert "乡镇备用金 1,200.00 元" in keep.post(path, follow=True).content.decode()
        assert client_of(Treasury(make_user, "420804").keep).get(path).status_code == 404


def test_an_entry_of_several_sources_is_not_told_by_family_and_the_empty_fund_is_closed(make_user, treasury) -> None:
    fund = open_fund(treasury, "dibao")
    treasury.do("appropriation", 100, programme="dibao", fund=fund)
    treasury.do("appropriation", 450)
    family(names=("周春兰", "周小满"))
    run_month(Staff(make_user), Month(2017, 5))
    path = f"/funds/public/{fund.pk}/"
    with clock.frozen(DAY):
        body = client_of(hire(make_user, COUNTY, "pay_prepare")).get(path).content.decode()
        assert "全部 550.00 元，其中本基金 100.00 元" in body
        assert "周春兰" not in body
        keep = client_of(treasury.keep)
        assert "停用这个基金" in keep.get(path).content.decode()
        assert "不再接受新的资金" in keep.post(path, follow=True).content.decode()
        assert "已停用" in keep.get("/funds/public/").content.decode()
        form = "/funds/papers/new/?kind="
        assert "爱心基金" not in keep.get(form + "appropriation").content.decode()
        assert "爱心基金" in keep.get(form + "hand_back").content.decode()
    clean()
