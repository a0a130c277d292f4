"""Premiums paid for recipients and the emergency fund: list, decision, payment, the collector's answer, what comes back."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client
from fundkit import Treasury, clean
from hospitalkit import AFTER, Ward
from hospitalkit import premium_answer as answer
from paykit import family

from tuodi.funds import emergencies as fund
from tuodi.funds import premiums as reads
from tuodi.funds.actions import emergencies, papers, premiums
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import EmergencyCase, PremiumItem, PremiumList
from tuodi.kernel import clock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("premium_rules")]


@pytest.fixture
def treasury(make_user):
    found = Treasury(make_user)
    found.do("appropriation", 60_000, programme="medical")
    found.do("appropriation", 9_000, programme="emergency")
    with at(found.review, AFTER):
        papers.set_pay_way(acting_user=found.review, county="420802", way="treasury")
    return found


def propose(treasury: Treasury, *, on: date = AFTER) -> tuple[PremiumList, list[reads.Candidate]]:
    with at(treasury.keep, on):
        return premiums.propose_premiums(
            acting_user=treasury.keep, county="420802", year=2018, on=on, code="SW420802", collector="测试区税务局"
        )


def test_a_years_premiums_are_listed_paid_answered_and_the_difference_comes_back(treasury) -> None:
    homes = [family() for _ in range(3)]
    row, left = propose(treasury)
    with at(treasury.keep, AFTER):
        items = list(row.items.select_related("person").order_by("pk"))
    assert {one.person_id for one in items} >= {home.head_id for home in homes}
    assert {one.amount_fen for one in items} == {18_000}
    assert (row.persons, row.amount_fen) == (len(items), len(items) * 18_000)
    assert "基本医疗保险个人缴费 180" in items[0].clauses
    assert not left
    # Once a year, whoever asks.
    with pytest.raises(FundInputError, match="没有可以资助的人"):
        propose(treasury)
    one = items[0]
    double = PremiumItem(
        listed=row, region=row.region, year=2018, person=one.person, name=one.name, id_masked=one.id_masked, basis="", amount_fen=1
    )  # fmt: skip
    with at(treasury.keep, AFTER), pytest.raises(DatabaseError, match="funds_premium_once"), transaction.atomic():
        double.save()
    with at(treasury.review, AFTER):
        premiums.decide_premiums(row, acting_user=treasury.review, approve=True)
    spent = row.amount_fen
    assert treasury.held(programme="medical", on=AFTER) == {"available": 6_000_000 - spent, "paid": spent}
    clean()

    stranger = family(village="420804001001").head
    with at(treasury.keep, AFTER):
        with pytest.raises(FundStateError, match="没有应退回"):
            premiums.receive_refund(row, acting_user=treasury.keep, amount_fen=1, voucher="T1", received_on=AFTER)
        done = premiums.import_answer(
            row, acting_user=treasury.keep, name="回执.csv",
            data=answer((items[0].person, "已参保"), (items[1].person, "未参保"), (items[2].person, "重复参保"), (stranger, "已参保")),
        )  # fmt: skip
        assert [(one["row"], one["reason"]) for one in done.faults] == [(5, "不在本名单")]
        assert reads.due_back(done) == 36_000
        with pytest.raises(FundInputError, match="不超过应退回"):
            premiums.receive_refund(row, acting_user=treasury.keep, amount_fen=36_001, voucher="T1", received_on=AFTER)
        premiums.receive_refund(row, acting_user=treasury.keep, amount_fen=20_000, voucher="T1", received_on=AFTER)
        with pytest.raises(FundInputError, match="已登记过"):
            premiums.receive_refund(row, acting_user=treasury.keep, amount_fen=1_000, voucher="T1", received_on=AFTER)
        premiums.receive_refund(row, acting_user=treasury.keep, amount_fen=16_000, voucher="T2", received_on=AFTER)
        assert reads.due_back(row) == 0
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            PremiumItem.objects.filter(pk=items[0].pk).update(amount_fen=1)
    assert treasury.held(programme="medical", on=AFTER) == {
        "available": 6_000_000 - spent + 36_000,
        "paid": spent - 36_000,
    }
    clean()
    # Who was not insured may be listed again; who was, or is not answered yet, may not.
    again, out = propose(treasury)
    with at(treasury.keep, AFTER):
        assert {one.person_id for one in again.items.all()} == {items[1].person_id, items[2].person_id}
        assert items[0].person_id in {one.person.pk for one in out}


def test_two_people_decide_a_list_and_a_refused_one_frees_its_people(treasury) -> None:
    family()
    row, _ = propose(treasury)
    with at(treasury.review, AFTER):
        with pytest.raises(FundInputError, match="理由"):
            premiums.decide_premiums(row, acting_user=treasury.review, approve=False)
        premiums.decide_premiums(row, acting_user=treasury.review, approve=False, note="名单日期不对")
    again, _ = propose(treasury)
    assert again.persons == row.persons
    with at(treasury.keep, AFTER), pytest.raises(DatabaseError, match="funds_premium_four_eyes"), transaction.atomic():
        PremiumList.objects.filter(pk=again.pk).update(
            state="approved", decided_by=treasury.keep, decided_at="2018-04-09T08:00:00+08:00"
        )


def test_emergency_money_follows_the_rule_and_is_claimed_once_the_patient_is_known(treasury) -> None:
    ward = Ward(treasury, code="H42080200009")

    def ask(cost: int, other: int, asked: int) -> EmergencyCase:
        with at(treasury.keep, AFTER):
            return emergencies.propose_emergency(
                ward.agreement, acting_user=treasury.keep, label="无名氏（男，约五十岁）", reason="unidentified",
                found="路人报警，120 送治", admitted_on=date(2018, 3, 2), ended_on=date(2018, 3, 9), cost_fen=cost * 100,
                other_fen=other * 100, asked_fen=asked * 100, evidence=b"scan", evidence_name="病历.pdf",
            )  # fmt: skip

    with pytest.raises(FundInputError, match="申请金额"):
        ask(5_000, 1_000, 4_001)
    small, large = ask(5_000, 1_000, 4_000), ask(20_000, 0, 20_000)
    assert (small.most_fen, large.most_fen) == (320_000, 500_000)
    with at(treasury.review, AFTER):
        with pytest.raises(FundInputError, match="不超过 3,200"):
            emergencies.decide_emergency(small, acting_user=treasury.review, approve=True, granted_fen=320_001)
        small = emergencies.decide_emergency(small, acting_user=treasury.review, approve=True)
        with pytest.raises(FundInputError, match="少付"):
            emergencies.decide_emergency(large, acting_user=treasury.review, approve=True, granted_fen=100_000)
        emergencies.decide_emergency(large, acting_user=treasury.review, approve=False, note="已由保险支付")
    assert treasury.held(programme="emergency", on=AFTER) == {"available": 580_000, "paid": 320_000}
    clean()
    with at(treasury.keep, AFTER):
        with pytest.raises(FundInputError, match="要么都写"):
            emergencies.identify(small, acting_user=treasury.keep, identity="测试甲", claim_fen=1)
        small = emergencies.identify(
            small, acting_user=treasury.keep, identity="测试甲，公安比对指纹", claim_from="insurance", claim_fen=250_000
        )
        emergencies.receive(
            small, acting_user=treasury.keep, amount_fen=200_000, payer="医保中心", voucher="Y1", received_on=AFTER
        )
        assert fund.left(small) == 50_000
        with pytest.raises(FundInputError, match="不超过未追回"):
            emergencies.receive(
                small, acting_user=treasury.keep, amount_fen=50_001, payer="医保中心", voucher="Y2", received_on=AFTER
            )
    with at(treasury.review, AFTER):
        small = emergencies.write_off(small, acting_user=treasury.review, reason="医保认定不予支付")
        assert fund.left(small) == 0
    assert treasury.held(programme="emergency", on=AFTER) == {"available": 780_000, "paid": 120_000}
    clean()
    with at(treasury.keep, AFTER), pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
        EmergencyCase.objects.filter(pk=small.pk).update(claim_fen=1)


def test_whom_the_collector_forgot_is_told_by_a_later_answer_that_overwrites_nothing(treasury) -> None:
    homes = [family() for _ in range(4)]
    heads = [one.head for one in homes]
    row, _ = propose(treasury)
    with at(treasury.review, AFTER):
        premiums.decide_premiums(row, acting_user=treasury.review, approve=True)
    keep = treasury.keep
    with at(keep, AFTER):
        with pytest.raises(FundStateError, match="还没有回执"):
            premiums.import_supplement(row, acting_user=keep, data=answer((heads[0], "已参保")), name="补.csv")
        row = premiums.import_answer(
            row, acting_user=keep, data=answer((heads[0], "已参保"), (heads[1], "未参保")), name="回执.csv"
        )
        forgotten = row.persons - 2
        data = answer((heads[0], "已参保"), (heads[1], "已参保"), (heads[2], "重复参保"))
        later = premiums.import_supplement(row, acting_user=keep, data=data, name="补.csv")
        assert (later.rows, later.told) == (3, 1)
        assert [(one["row"], one["reason"]) for one in later.faults] == [
            (2, "已有回执“已参保”，内容相同"), (3, "已有回执“未参保”，与本行“已参保”不同，没有改动"),
        ]  # fmt: skip
        assert reads.sums_of(row)[""][0] == forgotten - 1
        assert PremiumItem.objects.get(listed=row, person=heads[1]).result == "not_insured"
        assert reads.due_back(row) == 36_000
    with clock.frozen(AFTER):
        client = Client()
        client.force_login(keep, backend="tuodi.org.backends.StaffBackend")
        text = client.get(f"/premiums/{row.no}/?show=open").content.decode()
        assert "导入补充回执" in text
        assert "已有回执“未参保”，与本行“已参保”不同，没有改动" in text
        assert heads[3].name in text
        client.post(f"/premiums/{row.no}/", {"do": "answer", "file": SimpleUploadedFile("补.csv", data)})
        assert "没有一行与名单中尚无回执的人相符" in client.get(f"/premiums/{row.no}/").content.decode()
    with at(keep, AFTER):
        with pytest.raises(FundInputError, match="没有一行与名单中尚无回执的人相符"):
            premiums.import_supplement(row, acting_user=keep, data=data, name="补.csv")
        rest = PremiumItem.objects.filter(listed=row, result="").select_related("person")
        premiums.import_supplement(
            row, acting_user=keep, data=answer(*((one.person, "已参保") for one in rest)), name="再补.csv"
        )
        assert "" not in reads.sums_of(row)
        with pytest.raises(FundStateError, match="全部已有回执"):
            premiums.import_supplement(row, acting_user=keep, data=data, name="补.csv")
        with pytest.raises(DatabaseError), transaction.atomic():
            row.later_answers.update(told=9)
    clean()
