"""A caregiver's own page: his agreements and his money, of the household only whom he looks after, and no one else's rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
import residentkit
from casekit import Office, at
from django.db import connection
from django.test import Client
from paykit import LATER, Staff, family, run_month

from tuodi.decisions import care_actions as care
from tuodi.decisions.care_kept import kept_by
from tuodi.decisions.care_payees import Card, register_payee
from tuodi.decisions.models import CareAgreement
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.payments.models import PayLine
from tuodi.people import residents
from tuodi.people.actions import register_person
from tuodi.people.models import Person

pytestmark = pytest.mark.django_db(transaction=True)
VILLAGES = ("420802001001", "420802001002")
MAY, JUNE = Month(2017, 5), Month(2017, 6)


def look_after(make_user, village: str, ward: str, carer: str, serial: int, card: str, yuan: int):
    """A tekun person at home, his agreement, and who is paid by it."""
    user = Office(village, make_user).town_review
    home = family(
        names=(ward,), programme="tekun", imported=True, amount_fen=626_00, area_kind="rural", village=village
    )
    terms = care.Terms(
        form="dispersed", party=carer, relation="邻居", services="一日三餐", subsidy_fen=yuan * 100,
        since=date(2017, 5, 1), until=date(2017, 12, 31), signed_on=date(2017, 4, 28),
    )  # fmt: skip
    with at(user, date(2017, 5, 1)):
        agreement = care.make_agreement(home.head, home, terms, acting_user=user)
        payee = register_payee(
            agreement, Card(make_id("420899", date(1970, 3, 4), serial), card), acting_user=user
        )  # fmt: skip
    return home, agreement, payee


def subject_of(person: Person) -> access.Subject:
    with access.system_scope("420802"):
        account = residents.register_phone(acting_user=None, person=person, phone="13900001234")
    return residents.subject_of(account)


def test_a_caregiver_reads_his_own_and_nobody_else_s(make_user) -> None:
    staff = Staff(make_user)
    first, agreed, payee = look_after(make_user, VILLAGES[0], "甲明", "单晓月", 7, "6217000088880000301", 200)
    second, other_agreed, again = look_after(make_user, VILLAGES[1], "乙明", "单晓月", 7, "6217000088880000302", 150)
    third, strange, stranger = look_after(make_user, VILLAGES[0], "丙明", "荆小雨", 9, "6217000088880000303", 180)
    assert again.person_id == payee.person_id
    run_month(staff, MAY, failing=1.0)
    run_month(staff, JUNE, upto="calculate")  # still being worked on: not shown

    me = subject_of(payee.person)
    assert me.household_ids == ()
    with clock.frozen(LATER), access.wherever(me):
        assert set(CareAgreement.objects.values_list("pk", flat=True)) == {agreed.pk, other_agreed.pk}
        seen = set(PayLine.objects.values_list("programme", "household", "person"))
        assert {one[1] for one in seen} == {first.pk, second.pk}
        assert {(one[0], one[2]) for one in seen} == {("care", payee.person_id)}
        assert set(Person.objects.values_list("pk", flat=True)) == {payee.person_id}
        with connection.cursor() as cursor:
            for table in (
                "people_household",
                "people_membership",
                "people_rollentry",
                "payments_bankitem",
                "decisions_carepayee",
            ):
                cursor.execute(f"select count(*) from {table}")
                assert cursor.fetchone() == (0,), table
    assert [(one.ward, one.last4) for one in kept_by(me)] == [("乙明", "0302"), ("甲明", "0301")]
    # The cared-for person reads neither the agreement nor the card of who looks after him.
    assert kept_by(subject_of(first.head)) == []
    assert [one.agreement.pk for one in kept_by(subject_of(stranger.person))] == [strange.pk]

    with clock.frozen(LATER):
        client = Client()
        residentkit.enter_person(client, payee.person, "13900005678")
        assert "我照料的人" in client.get("/my/").content.decode()
        text = client.get("/my/care/").content.decode()
        assert text.count("银行没有发成") == 2
        for told in (
            "甲明",
            "乙明",
            agreed.no,
            other_agreed.no,
            "0301",
            "0302",
            "200.00",
            "150.00",
            "国务院令第649号 第15条(2)",
            "怎么办",
            "银行的说明",
        ):
            assert told in text, told
        for hidden in ("丙明", strange.no, "0303", "荆小雨", "626.00", first.no, "6217"):
            assert hidden not in text, hidden
        assert "2017 年 6 月" not in text
        outsider = Client()
        residentkit.enter(outsider, third)
        assert "我照料的人" not in outsider.get("/my/").content.decode()
        assert "没有登记在您名下的照料服务协议" in outsider.get("/my/care/").content.decode()


def test_who_is_taken_back_no_longer_reads_and_a_namesake_of_the_number_never_did(make_user) -> None:
    user = Office(VILLAGES[0], make_user).town_review
    _, agreed, payee = look_after(make_user, VILLAGES[0], "甲明", "单晓月", 7, "6217000088880000301", 200)
    before = subject_of(payee.person)
    assert len(kept_by(before)) == 1
    with at(user, date(2017, 6, 1)):
        register_payee(agreed, Card(make_id("420899", date(1971, 3, 4), 11), "6217000088880000304"), acting_user=user)
    assert kept_by(before) == []
    with access.system_scope("420802"):
        newer = CareAgreement.objects.get(pk=agreed.pk).payees.order_by("-id").first().person
    # The same number in another county is he himself if the name is his, and a slip of the pen if it is not.
    number = make_id("420899", date(1971, 3, 4), 11)
    elsewhere = []
    for region, name in (("420881001001", newer.name), ("420822001001", "王五")):
        with access.system_scope(region[:6]):
            elsewhere.append(register_person(acting_user=None, region=region, name=name, id_text=number, is_demo=True))
    same, slip = elsewhere
    assert [one.ward for one in kept_by(replace(subject_of(newer), person_id=same.pk, person_ids=(same.pk,)))] == [
        "甲明"
    ]
    assert kept_by(replace(before, person_id=slip.pk, person_ids=(slip.pk,))) == []
