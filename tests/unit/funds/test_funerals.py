"""Basic funeral services of who was on a roll: capped by the place, decided by another, paid once, part of the books."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, client_of, hire
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from fundkit import Treasury, clean
from packkit import laid_over
from paykit import family

from tuodi.funds.actions import funerals, papers
from tuodi.funds.errors import FundInputError, FundStateError, PlanError
from tuodi.funds.models import FuneralReturn, FuneralWaiver, StatementRefund
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.people.actions import record_death
from tuodi.people.secrets import open_id

pytestmark = pytest.mark.django_db(transaction=True)
DAY, DIED = date(2017, 6, 20), date(2017, 6, 3)
BACKEND = "tuodi.org.backends.StaffBackend"
PACK = """pack: {place: "420802", programme: funeral}
instruments:
  测试殡葬: {title: 测试用的惠民殡葬办法, number: 测〔2016〕3号, issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  item_cap:
    values: [{funeral_item: cremation, from: 2016-01-01, value: 500, clause: 测试殡葬}]
"""


@pytest.fixture
def treasury(make_user, tmp_path, monkeypatch):
    with laid_over(tmp_path, monkeypatch, PACK):
        found = Treasury(make_user)
        found.do("appropriation", 3000, programme="temporary", doc_no="临1号")
        with at(found.review, DAY):
            papers.set_pay_way(acting_user=found.review, county="420802", way="treasury")
        yield found


def dead(home):
    with system_scope("420802"):
        record_death(acting_user=None, person=home.head, died_on=DIED)
        home.head.refresh_from_db()
    return home.head


def entered(treasury, person, **more):
    words = {
        "county": "420802", "code": "F420802001", "body": "测试区殡仪馆", "charged": {"transport": 300_00, "cremation": 680_00},
        "cost_fen": 2500_00, "evidence": b"%PDF-1.4 x", "evidence_name": "收费单.pdf", **more,
    }  # fmt: skip
    with at(treasury.keep, DAY):
        return funerals.propose_funeral(person, acting_user=treasury.keep, **words)


def test_a_waiver_is_capped_decided_by_another_and_paid_once(treasury) -> None:
    home = family(names=("向桂英", "刘德福"))
    with pytest.raises(FundInputError, match="还没有登记死亡"):
        entered(treasury, home.head)
    person = dead(home)
    with pytest.raises(FundInputError, match="不是基本丧葬服务项目"):
        entered(treasury, person, charged={"flowers": 100_00})
    with pytest.raises(FundInputError, match=r"不少于各项之和 980\.00"):
        entered(treasury, person, cost_fen=900_00)
    row = entered(treasury, person)
    assert (row.waived_fen, row.basis) == (800_00, "最低生活保障")
    assert "火化最多 500.00 元" in row.rule
    assert "测" in row.rule
    with pytest.raises(FundStateError):
        entered(treasury, person)
    with at(treasury.keep, DAY), pytest.raises(AccessDeniedError):
        funerals.decide_funeral(row, acting_user=treasury.keep, approve=True)
    treasury.do("plan", 500, programme="temporary", month=Month.of(DAY))
    with at(treasury.review, DAY):
        with pytest.raises(FundInputError, match="审核意见"):
            funerals.decide_funeral(row, acting_user=treasury.review, approve=False)
        with pytest.raises(PlanError, match=r"超 300\.00 元"):
            funerals.decide_funeral(row, acting_user=treasury.review, approve=True)
        done = funerals.decide_funeral(row, acting_user=treasury.review, approve=True, note="按惠民殡葬办法办理")
        assert done.entry is not None
        with pytest.raises(FundStateError):
            funerals.decide_funeral(row, acting_user=treasury.review, approve=False, note="再看")
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            FuneralWaiver.objects.filter(pk=row.pk).update(waived_fen=1)
    assert treasury.held(programme="temporary") == {"available": 2200_00, "paid": 800_00}
    clean()


def test_who_was_on_no_roll_and_who_entered_it(treasury, make_user) -> None:
    stranger = family(names=("彭庆余",), programme="edge")
    with pytest.raises(FundInputError, match="不在低保或特困名册上"):
        entered(treasury, dead(stranger))
    row = entered(treasury, dead(family(names=("王秀英",), programme="tekun")))
    assert row.basis == "特困人员救助供养"
    both = hire(make_user, "420802", "fund_keep")
    with at(both, DAY), pytest.raises(AccessDeniedError):
        funerals.decide_funeral(row, acting_user=both, approve=True)
    same = {"state": "approved", "decided_by": treasury.keep, "decided_at": clock.now()}
    with at(treasury.keep, DAY), pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
        FuneralWaiver.objects.filter(pk=row.pk).update(**same)


def test_the_pages_take_a_bill_in_and_decide_it(treasury, client: Client) -> None:
    home = family(names=("苗兰芝",))
    person = dead(home)
    with system_scope("420802"):
        number = open_id(person)
    with clock.frozen(DAY):
        client.force_login(treasury.keep, backend=BACKEND)
        words = {
            "county": "420802",
            "person": number,
            "body": "测试区殡仪馆",
            "code": "F420802001",
            "cost": "1200",
            "item_transport": "300",
            "item_cremation": "400",
        }
        wrong = client.post("/funerals/", {**words, "person": "420899190001010011", "evidence": paper()})
        assert "没有登记此人" in wrong.content.decode()
        sent = client.post("/funerals/", {**words, "evidence": paper()})
        assert sent.status_code == 303
        here = sent["Location"]
        assert number not in here
        assert "遗体接运" in client.get(here).content.decode()
        client.force_login(treasury.review, backend=BACKEND)
        shown = client.get(here).content.decode()
        assert "家庭支付 500.00 元" in shown
        done = client.post(here, {"do": "approve", "note": ""}, follow=True).content.decode()
        assert "已同意并付款" in done
        assert "国库支付" in done
        assert client.get(f"{here}evidence/").status_code == 200


def paper():
    return SimpleUploadedFile("收费单.pdf", b"%PDF-1.4 x", content_type="application/pdf")


def test_what_a_home_gives_back_is_booked_once_as_less_spent(treasury) -> None:
    row = entered(treasury, dead(family()))
    back = {"reason": "火化费多收", "voucher": "收001", "received_on": DAY}
    with at(treasury.keep, DAY), pytest.raises(FundStateError, match="还没有到账"):
        funerals.receive_back(row, acting_user=treasury.keep, amount_fen=100_00, **back)
    with at(treasury.review, DAY):
        row = funerals.decide_funeral(row, acting_user=treasury.review, approve=True)
    before = treasury.held(programme="temporary")
    with at(treasury.review, DAY), pytest.raises(AccessDeniedError):
        funerals.receive_back(row, acting_user=treasury.review, amount_fen=100_00, **back)
    with at(treasury.keep, DAY):
        with pytest.raises(FundInputError, match=r"不超过没有退回的 800\.00"):
            funerals.receive_back(row, acting_user=treasury.keep, amount_fen=800_01, **back)
        made = funerals.receive_back(row, acting_user=treasury.keep, amount_fen=300_00, **back)
        with pytest.raises(FundInputError, match="收001 已登记过"):
            funerals.receive_back(row, acting_user=treasury.keep, amount_fen=300_00, **back)
        with pytest.raises(IntegrityError, match="超过减免"), transaction.atomic():
            FuneralReturn.objects.create(
                waiver=row, region=row.region, amount_fen=500_01, reason="绕过", voucher="X", received_on=DAY,
                received_at=clock.now(), received_by=treasury.keep, entry=row.entry,
            )  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            FuneralReturn.objects.filter(pk=made.pk).update(amount_fen=1)
        # The same money on a statement waits to be confirmed there.
        StatementRefund.objects.create(
            region=row.region, line_id=4711, statement_no="DZ0620", code=row.code, name=row.body, amount_fen=200_00,
            booked_on=DAY, made_at=clock.now(),
        )  # fmt: skip
        with pytest.raises(FundInputError, match="DZ0620"):
            funerals.receive_back(row, acting_user=treasury.keep, amount_fen=200_00, **back | {"voucher": "收002"})
    assert treasury.held(programme="temporary") == {
        "available": before["available"] + 300_00,
        "paid": before["paid"] - 300_00,
    }
    with clock.frozen(DAY):
        client = client_of(treasury.keep)
        path = f"/funerals/{row.no}/"
        page = client.get(path).content.decode()
        assert "收001" in page
        assert "没有退回的 500.00" in page
        form = {"do": "receive", "amount": "500", "reason": "服务没有提供", "voucher": "收003", "received_on": str(DAY)}
        assert "已登记退款" in client.post(path, form, follow=True).content.decode()
        assert "登记机构退回" not in client.get(path).content.decode()
    clean()
