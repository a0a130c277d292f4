"""One-stop settlement: bills in, judged by the rules of the day, judged by people, cleared against the advance."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from django.db import DatabaseError, connection, transaction
from fundkit import Treasury, clean
from hospitalkit import AFTER, MARCH, Ward, row, sheet
from paykit import family

from tuodi.exchange.errors import FileRefusedError
from tuodi.funds import hospital as reads
from tuodi.funds import ledger
from tuodi.funds.actions import clearing, hospital, reversal
from tuodi.funds.errors import FundHandsError, FundInputError, FundShortError, FundStateError
from tuodi.funds.models import HospitalAgreement, HospitalBill, HospitalClearing
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import Duty
from tuodi.people import actions as people
from tuodi.people.models import RollEntry
from tuodi.verification import rulebook

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("medical_rules")]


@pytest.fixture
def treasury(make_user):
    found = Treasury(make_user)
    found.do("appropriation", 60_000, programme="medical")
    return found


@pytest.fixture
def ward(treasury):
    return Ward(treasury, advance=3_000)


def test_good_and_bad_rows_are_both_accounted_for(ward) -> None:
    home = family()
    batch = ward.send(
        row("A1", home.head),
        row("A1", home.head),
        row("A2", home.head, claimed=1500, own=1600),
        row("A3", home.head, 身份证号="420899199001011234"),
        row("A4", home.head, 总费用="八千", 出院日期="2018-02-31"),
        row("A5", home.head, 出院日期="2018-04-02"),
        row("A6", home.head, 入院日期="2017-12-01", 出院日期="2017-12-08"),
        row("A7", home.head, total=8000, basic=7000, claimed=200, outside=900),
        {"单据号": "合计"},
    )
    assert (batch.rows, batch.bad) == (8, 7)
    faults = {(one["row"], one["field"]): one["reason"] for one in batch.faults}
    assert faults[3, "单据号"] == "单据号与第 2 行重复"
    assert faults[4, "总费用"] == "8,000.00 元，各项支付合计 8,100.00 元，不相等"
    assert "校验码不对" in faults[5, "身份证号"]
    assert "420899199001011234" not in str(batch.faults)
    assert {faults[6, "总费用"], faults[6, "出院日期"]} == {"不是数字", "没有这一天"}
    assert faults[7, "出院日期"] == "在2018年3月以后"
    assert faults[8, "出院日期"].startswith("不在协议期")
    assert faults[9, "目录外自费"].startswith("大于个人支付")
    assert {one["row"] for one in batch.faults} == set(range(3, 10))
    # Sent again in another file the number is refused; the same file as a whole.
    again = ward.send(row("A1", home.head), row("A9", home.head))
    assert (again.rows, again.bad) == (2, 1)
    assert batch.no in again.faults[0]["reason"]
    with pytest.raises(FundInputError, match="已经导入为"):
        ward.send(row("A1", home.head), row("A9", home.head))
    with pytest.raises(FileRefusedError, match="单据号"), at(ward.money.keep, AFTER):
        hospital.import_bills(
            ward.agreement, acting_user=ward.money.keep, month=MARCH, data="姓名,金额\n甲,1\n".encode(), name="x.csv"
        )
    with at(ward.money.keep, AFTER):
        hospital.withdraw_batch(batch, acting_user=ward.money.keep, reason="医院重报")
        assert ward.agreement.bills.exclude(state="withdrawn").count() == 1
    assert ward.send(row("A1", home.head), name="again.csv").bad == 0


def test_the_rules_of_the_day_judge_to_the_fen_and_share_the_ceiling(ward) -> None:
    home = family()
    other = family(names=("周小满",), programme="edge")
    tekun = family(names=("何立春",), programme="tekun")
    ended = family(names=("祝清明",))
    with at(ward.money.keep, AFTER):
        RollEntry.objects.filter(household=ended).update(end_month=201802)
        spouse = home.memberships.exclude(person=home.head).get().person
    ward.send(
        row("B1", home.head),
        row("B2", home.head, claimed=1500),
        row(
            "B3",
            spouse,
            total=30_000,
            basic=12_000,
            catastrophic=2_000.55,
            outside=1_000,
            claimed=10_000,
            出院日期="2018-03-20",
        ),
        row("B4", spouse, claimed=700, 疾病类别="精神病", 出院日期="2018-03-25"),
        row("B5", other.head),
        row("B6", tekun.head, claimed=2_500),
        row("B7", ended.head),
        row("B8", home.head, claimed=1000.01, 疾病类别="传染病", 出院日期="2018-03-28"),
        row("B9", home.head, 姓名="向桂花"),
    )
    found = {
        no: (one.verdict, one.computed_fen, one.used_fen, one.state)
        for no in ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9")
        if (one := ward.bill(no))
    }
    assert found == {
        "B1": ("agree", 1_400_00, 0, "settled"),
        "B2": ("over", 1_400_00, 1_400_00, "pre_settled"),
        # compliant 14,999.45; (14,999.45 - 500) x 70 % = 10,149.62, the year gives 10,000
        "B3": ("agree", 10_000_00, 0, "settled"),
        # the year is used up
        "B4": ("over", 0, 10_000_00, "pre_settled"),
        "B5": ("not_object", 0, 0, "pre_settled"),
        "B6": ("agree", 2_500_00, 0, "settled"),
        "B7": ("not_object", 0, 0, "pre_settled"),
        # infectious: 2,500 x 80 %, no deductible of its own
        "B8": ("under", 2_000_00, 4_200_00, "pre_settled"),
        # what people may still accept of it counts for the bills after it
        "B9": ("unknown", None, 2_800_00, "pre_settled"),
    }
    assert ward.bill("B1").basis == "最低生活保障"
    assert "救助比例 70%（" in ward.bill("B1").clauses
    assert "姓名" in ward.bill("B9").missing


def test_what_no_pack_says_is_unknown_and_never_zero(treasury, monkeypatch) -> None:
    monkeypatch.delenv("TUODI_POLICIES")
    rulebook.reload()
    ward = Ward(treasury)
    ward.send(row("C1", family().head))
    bill = ward.bill("C1")
    assert (bill.verdict, bill.computed_fen, bill.accepted_fen) == ("unknown", None, None)
    assert "救助比例" in bill.missing
    assert "年度封顶线" in bill.missing
    assert ward.rules() == 0
    with pytest.raises(FundInputError, match="1 张没有核定"):
        ward.propose()
    keep = treasury.keep
    with at(keep, AFTER):
        with pytest.raises(FundInputError, match="核定理由"):
            hospital.decide_bill(bill, acting_user=keep, accepted_fen=100, reason=" ")
        with pytest.raises(FundInputError, match="申报"):
            hospital.decide_bill(bill, acting_user=keep, accepted_fen=1_400_01, reason="x")
        done = hospital.decide_bill(bill, acting_user=keep, accepted_fen=1_200_00, reason="县政府专题会纪要〔2018〕3号")
    assert (done.state, done.accepted_fen) == ("settled", 1_200_00)


def test_a_patient_unknown_here_is_found_again_and_a_late_change_is_judged_anew(ward) -> None:
    home = family()
    number = row("D1", family(village="420804001001", names=("外乡人",)).head)
    ward.send(number, row("D2", home.head, claimed=1500))
    assert (ward.bill("D1").verdict, ward.bill("D1").computed_fen) == ("not_found", 0)
    assert "*" in ward.bill("D1").id_masked
    assert ward.rules() == 2
    assert (ward.bill("D2").accepted_fen, ward.bill("D1").accepted_fen) == (1_400_00, 0)
    with at(ward.money.keep, AFTER):
        people.register_person(
            acting_user=None, region="420802001001", name="外乡人", id_text=number["身份证号"], is_demo=True
        )
        RollEntry.objects.filter(household=home).update(end_month=201802)
    with pytest.raises(FundInputError, match="核对结果已变化"):
        ward.propose()
    with at(ward.money.keep, AFTER):
        assert hospital.recheck(ward.agreement, acting_user=ward.money.keep, month=MARCH) == 2
    assert (ward.bill("D1").verdict, ward.bill("D2").verdict) == ("not_object", "not_object")
    assert (ward.bill("D2").accepted_fen, ward.bill("D2").state) == (None, "pre_settled")


def test_a_month_is_cleared_against_the_advance_by_two_people(ward, make_user) -> None:
    money = ward.money
    home = family()
    ward.send(
        row("E1", home.head),
        row("E2", home.head, claimed=1500, 出院日期="2018-03-20"),
        row("E3", home.head, total=9_000, claimed=2_100, 出院日期="2018-03-25"),
        row("E4", family(names=("周小满",), programme="edge").head),
    )
    assert ward.rules() == 2
    with pytest.raises(FundInputError, match="还没有结束"):
        ward.propose(on=date(2018, 3, 30))
    with pytest.raises(FundInputError, match="超过协议上限"):
        ward.propose(replenish=50_001)
    waiting = ward.propose(replenish=3_000)
    assert (waiting.bills, waiting.claimed_fen, waiting.accepted_fen, waiting.refused_fen) == (
        4,
        6_400_00,
        4_900_00,
        1_500_00,
    )
    with pytest.raises(FundStateError, match="待审核"):
        ward.send(row("E9", home.head), name="late.csv")
    with pytest.raises(FundStateError, match="待审核"), at(money.keep, AFTER):
        hospital.decide_bill(ward.bill("E2"), acting_user=money.keep, accepted_fen=0, reason="x")
    with pytest.raises(AccessDeniedError), at(money.keep, AFTER):
        clearing.decide_clearing(waiting, acting_user=money.keep, approve=True)
    both = hire(make_user, "420802", "fund_review")
    with at(both, AFTER), pytest.raises(DatabaseError, match="four_eyes"), transaction.atomic():
        HospitalBill.objects.filter(bill_no="E2").update(confirmed_by=money.keep)
    with pytest.raises(FundInputError, match="审核意见"):
        ward.decide(waiting, approve=False)
    ward.decide(waiting, approve=False, note="E3 附病历")
    with at(money.keep, AFTER):
        assert HospitalBill.objects.filter(agreement=ward.agreement, clearing__isnull=True).count() == 4
    done = ward.decide(ward.propose(replenish=3_000))
    assert (done.state, done.advance_fen, done.paid_fen) == ("approved", 3_000_00, 1_900_00)
    with at(money.keep, AFTER):
        assert reads.balance(ward.agreement) == 3_000_00
        assert set(HospitalBill.objects.filter(agreement=ward.agreement).values_list("state", flat=True)) == {"cleared"}
    held = money.held(programme="medical", on=AFTER)
    assert held == {"available": (60_000 - 3_000 - 1_900 - 3_000) * 100, "hospital": 3_000_00, "paid": 4_900_00}
    with at(both, AFTER), pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
        HospitalBill.objects.filter(bill_no="E1").update(accepted_fen=1)
    with pytest.raises(FundStateError, match="已清算"):
        ward.send(row("E9", home.head), name="late.csv")
    with pytest.raises(FundStateError):
        ward.decide(done)
    late = ward.send(row("E9", home.head), month=Month.parse("2018-04"), name="late.csv")
    assert late.bad == 0
    clean()


def test_an_advance_keeps_its_limit_and_comes_back_before_the_end(ward, treasury) -> None:
    with pytest.raises(FundInputError, match="超过协议上限"):
        treasury.propose("hospital", 47_001, programme="medical", hospital=ward.agreement, on=AFTER)
    # A second proposal made while the first waits is held to the limit when it is decided.
    first, second = (
        treasury.propose("hospital", 40_000, programme="medical", hospital=ward.agreement, on=AFTER) for _ in range(2)
    )
    treasury.decide(first, on=AFTER)
    with pytest.raises(FundInputError, match="超过协议上限"):
        treasury.decide(second, on=AFTER)
    with at(treasury.keep, AFTER), pytest.raises(FundInputError, match="先提出“收回医院预付款”"):
        hospital.end_agreement(ward.agreement, acting_user=treasury.keep, reason="到期")
    with pytest.raises(FundInputError, match="不足收回"):
        treasury.propose("hospital_back", 43_001, programme="medical", hospital=ward.agreement, on=AFTER)
    treasury.do("hospital_back", 43_000, programme="medical", hospital=ward.agreement, on=AFTER)
    with at(treasury.keep, AFTER):
        assert hospital.end_agreement(ward.agreement, acting_user=treasury.keep, reason="到期").state == "ended"
    with pytest.raises(FundInputError, match="没有生效"):
        treasury.propose("hospital", 1, programme="medical", hospital=ward.agreement, on=AFTER)
    assert treasury.held(programme="medical", on=AFTER) == {"available": 60_000_00}
    clean()


def test_no_hospital_spends_what_another_holds(ward, treasury) -> None:
    """The database's own word: the advance of a hospital is the sum of its own entries."""
    other = Ward(treasury, advance=500, code="H42080200002")
    with at(treasury.keep, AFTER):
        sides = ledger.pair("420802000000", "medical", "central", "available", "hospital", 600_00)
        for origin, number, message in (("hospital", other.agreement.pk, "低于零"), ("paper", 1, "没有写明医院")):
            with pytest.raises(DatabaseError, match=message):
                _book(sides, treasury, origin, number)
    treasury.do("transfer", 56_000, programme="medical", to_programme="dibao", source="central", on=AFTER)
    with pytest.raises(FundShortError, match=r"缺口 1\.00 元"):
        treasury.do("hospital", 501, programme="medical", hospital=other.agreement, on=AFTER)
    clean()


def test_an_advance_half_gone_is_not_taken_back_out_of_another_hospitals(ward, treasury) -> None:
    Ward(treasury, advance=5_000, code="H42080200002")
    treasury.do("hospital_back", 1_000, programme="medical", hospital=ward.agreement, on=AFTER)
    with at(treasury.keep, AFTER):
        advance = reads.entries(ward.agreement).earliest("id")
        with pytest.raises(FundShortError, match=r"缺口 1,000\.00 元"):
            reversal.propose_reversal(advance, acting_user=treasury.keep, reason="金额录错")
    clean()


def _book(sides, treasury, origin: str, number: int) -> None:
    with transaction.atomic():
        ledger.book(
            sides, kind="hospital_back", region="420802000000", origin=origin, origin_id=number, user=treasury.keep, memo="x"
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")


def test_agreements_and_bills_are_the_countys_own(ward, make_user) -> None:
    ward.send(row("F1", family().head))
    with scope(hire(make_user, "420804", "fund_keep")):
        assert not HospitalAgreement.objects.exists()
        assert not HospitalBill.objects.exists()
        assert not HospitalClearing.objects.exists()
    stranger = hire(make_user, "420804", "fund_keep")
    with at(stranger, AFTER), pytest.raises(NotFoundError):
        hospital.import_bills(ward.agreement, acting_user=stranger, month=MARCH, data=sheet(), name="x.csv")
    with at(ward.money.keep, AFTER), pytest.raises(FundInputError, match="已有协议"):
        Ward(ward.money)
    with at(ward.money.keep, date(2018, 1, 9)):
        mine = hospital.propose_agreement(
            acting_user=ward.money.keep, county="420802", name="二院", code="H2", payee="x", advance_limit_fen=0,
            signed_on=date(2018, 1, 9), starts_on=date(2018, 1, 9), ends_on=date(2018, 12, 31),
        )  # fmt: skip
        with pytest.raises(AccessDeniedError):
            hospital.decide_agreement(mine, acting_user=ward.money.keep, approve=True)
        with pytest.raises(DatabaseError, match="four_eyes"), transaction.atomic():
            HospitalAgreement.objects.filter(pk=mine.pk).update(state="active", decided_by=ward.money.keep)
    with at(ward.money.keep, date(2018, 1, 9)):
        Duty.objects.create(user=ward.money.keep, code="fund_review", place_code="420802", since=date(2010, 1, 4))
        with pytest.raises(FundHandsError):
            hospital.decide_agreement(mine, acting_user=ward.money.keep, approve=True)
