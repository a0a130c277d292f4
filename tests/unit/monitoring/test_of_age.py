"""Minors near their age: raised ahead and once, told what to bring, kept while at school, looked at again, or ended."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, family
from django.db import transaction

from tuodi.decisions import end_notices
from tuodi.decisions.care_errors import EndNoticeError
from tuodi.decisions.models import Determination
from tuodi.kernel.ages import birthday
from tuodi.messages.models import Message
from tuodi.messages.outbox import read
from tuodi.monitoring import of_age
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError
from tuodi.monitoring.models import ComingOfAge
from tuodi.org.access import system_scope
from tuodi.people import secrets
from tuodi.people.facts import load_facts, put_facts
from tuodi.people.models import Person, RollEntry

pytestmark = pytest.mark.django_db
VILLAGE, COUNTY = "530102001001", "530102"
#: The child of `family` is born on 2010-01-02: eighteen on 2028-01-02.
TURNS = date(2028, 1, 2)


@pytest.fixture
def office(make_user):
    return Office(VILLAGE, make_user)


@pytest.fixture
def child(db):
    """An orphaned grandchild on the tekun roll since 2021, found by no rule that day: the entry is an office's own."""
    home = family(VILLAGE, names=("欧阳建", "单晓月", "欧阳春"), area_kind="rural")
    with system_scope(COUNTY):
        person = home.memberships.get(relation="child").person
        facts = {
            "household": {"assets_ok": True, "income_year": "0.00"},
            "members": [
                {
                    "person_id": person.pk,
                    "own_income_year": "0.00",
                    "supporters_listed": True,
                    "support_form": "centralised",
                    "assessed_self_care": "able",
                }
            ],
        }
        put_facts(home, facts, date(2021, 10, 1))
        made = Determination.objects.create(
            region=home.region, no="530102-JD-20210901-9001", kind="imported", household=home, person=person,
            programme="tekun", place=COUNTY, case_date=date(2021, 9, 1), month=202110, outcome="pass", amount_fen=108_300,
            start_month=202110, decided_on=date(2021, 9, 1), source_ref="测试",
        )  # fmt: skip
        RollEntry.objects.create(
            household=home, person=person, region=home.region, programme="tekun", category="rural", form="centralised",
            amount_fen=108_300, start_month=202110, determination_id=made.pk,
        )  # fmt: skip
    return person


def raised(on):
    return of_age.raise_due(COUNTY, on)


def only():
    with system_scope(COUNTY):
        return ComingOfAge.objects.order_by("-id").first()


def looked_at(office, row, school, on, **more):
    with at(office.town_review, on):
        return of_age.find_school(
            row, school=school, note="看了在读证明原件", acting_user=office.town_review,
            school_name="" if school == "no_school" else "五华区职业高中", **more,
        )  # fmt: skip


def test_work_is_raised_three_months_ahead_once_and_only_for_minors(child):
    assert raised(date(2027, 10, 1)) == (0, 0)
    assert raised(date(2027, 10, 2)) == (1, 0)
    assert raised(date(2027, 10, 3)) == (0, 0)
    row = only()
    assert (row.person_id, row.due_on, row.age, row.again) == (child.pk, TURNS, 18, False)
    assert row.papers == ["学校出具的在读证明", "居民户口簿"]
    with system_scope(COUNTY):  # an old person supported for his age is no such work
        assert not ComingOfAge.objects.exclude(person=child).exists()
        assert of_age.counts(date(2028, 1, 2))["overdue"] == 0
        assert of_age.counts(date(2028, 1, 3))["overdue"] == 1


def test_one_birthday_in_a_common_year():
    assert birthday(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert birthday(date(2010, 1, 2), 18) == TURNS


def test_the_family_is_told_what_to_bring_once(office, child):
    raised(date(2027, 10, 2))
    row = only()
    with at(office.town_review, date(2027, 10, 9)):
        with pytest.raises(DynamicInputError, match="没有登记手机号"):
            of_age.tell(row, how="message", acting_user=office.town_review)
        assert not Message.objects.exists()
    with system_scope(COUNTY):
        head = row.household.head
        sealed = secrets.seal("phone", "13900000001", head.uid)
        Person.objects.filter(pk=head.pk).update(phone_cipher=sealed.cipher, phone_masked=sealed.masked)
    with at(office.town_review, date(2027, 10, 9)):
        of_age.tell(only(), how="message", acting_user=office.town_review)
        with pytest.raises(DynamicInputError, match="已于 2027-10-09 告知"):
            of_age.tell(only(), how="spoken", acting_user=office.town_review)
        to, text = read(Message.objects.get())
    assert to == "13900000001"
    assert "2028-01-02" in text
    assert "学校出具的在读证明、居民户口簿" in text


def test_who_is_at_school_stays_and_is_looked_at_again_before_school_ends(office, child):
    raised(date(2027, 10, 2))
    row = looked_at(office, only(), "vocational", date(2027, 12, 1), until=date(2028, 7, 10))
    with at(office.county_confirm, date(2027, 12, 5)):
        done = of_age.settle(row, reasons="在读证明属实", acting_user=office.county_confirm)
        assert (done.state, done.determination) == ("kept", None)
        kept = [one for one in load_facts(done.household, date(2028, 1, 2))["members"] if one.get("school")]
        assert [one["school"] for one in kept] == ["vocational"]
        assert RollEntry.objects.get(programme="tekun").end_month is None
    assert raised(date(2028, 4, 9)) == (0, 0)
    assert raised(date(2028, 4, 10)) == (1, 0)
    assert (only().again, only().due_on) == (True, date(2028, 7, 10))


def test_who_left_school_ends_only_after_the_public_notice(office, child):
    raised(date(2027, 10, 2))
    row = looked_at(office, only(), "no_school", date(2027, 12, 1))
    with (
        at(office.county_confirm, date(2028, 1, 10)),
        pytest.raises(EndNoticeError, match="还没有按这次"),
        transaction.atomic(),
    ):
        of_age.settle(row, reasons="已离校", acting_user=office.county_confirm)
    with at(office.town_review, date(2028, 1, 10)):
        end_notices.post_end_notice(row.fact_set, child, place="社区公示栏", acting_user=office.town_review)
    with at(office.county_confirm, date(2028, 1, 18)):
        done = of_age.settle(row, reasons="已离校", acting_user=office.county_confirm)
        assert (done.state, done.determination.start_month) == ("ended", 202802)
        assert RollEntry.objects.get(programme="tekun").end_month == 202801
    assert raised(date(2028, 2, 1)) == (0, 0)


def test_who_is_off_the_roll_needs_no_look_and_hands_are_two(office, child):
    raised(date(2027, 10, 2))
    row = looked_at(office, only(), "senior", date(2027, 12, 1))
    both = office.town_review
    with at(office.county_confirm, date(2027, 12, 2)):
        ComingOfAge.objects.filter(pk=row.pk).update(found_by=office.county_confirm)
        with pytest.raises(DynamicHandsError), transaction.atomic():
            of_age.settle(row, reasons="属实", acting_user=office.county_confirm)
        ComingOfAge.objects.filter(pk=row.pk).update(found_by=both)
        RollEntry.objects.filter(programme="tekun").update(end_month=202711)
    assert raised(date(2027, 12, 3)) == (0, 1)
    assert only().state == "gone"


def test_what_is_refused(office, child):
    raised(date(2027, 10, 2))
    for bad, why in (
        ({"school": "x", "note": "看"}, "请选择"),
        ({"school": "senior", "note": " "}, "看了什么材料"),
        ({"school": "senior", "note": "看"}, "必须写明学校"),
        ({"school": "senior", "note": "看", "school_name": "一中", "until": date(2027, 1, 1)}, "早于今天"),
    ):
        with at(office.town_review, date(2027, 12, 1)), pytest.raises(DynamicInputError, match=why):
            of_age.find_school(only(), acting_user=office.town_review, **bad)
