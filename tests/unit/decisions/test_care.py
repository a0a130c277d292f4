"""Care agreements of tekun persons, and ending support for a ground of [43] art 24."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from carekit import LATER, supported
from casekit import at, family
from django.db import IntegrityError, transaction

from tuodi.decisions import care_actions as care
from tuodi.decisions import end_notices
from tuodi.decisions.care_errors import CareInputError
from tuodi.decisions.models import CareAgreement
from tuodi.people.models import RollEntry

TERMS = care.Terms(
    form="dispersed",
    party="单晓月",
    relation="邻居",
    services="每日三餐、洗衣、陪同就医",
    frequency="每日一次",
    since=date(2021, 10, 1),
    until=date(2022, 9, 30),
    signed_on=date(2021, 10, 8),
)


@pytest.fixture
def village() -> str:
    return "220103001001"


@pytest.fixture
def household(db):
    return family("530102001001", names=("欧阳建",), area_kind="rural")


@pytest.fixture
def office(db, make_user):
    from casekit import Office

    return Office("530102001001", make_user)


def test_a_person_in_a_facility_has_an_agreement_with_it(office, household):
    entry = supported(office, household)
    assert (entry.form, entry.self_care, entry.amount_fen) == ("centralised", "complete_loss", 166_700)
    with at(office.town_review, LATER):
        with pytest.raises(CareInputError, match="名册上是集中供养，协议写的是分散供养"):
            care.make_agreement(household.head, household, TERMS, acting_user=office.town_review)
        terms = replace(TERMS, form="centralised", party="五华区中心敬老院", relation="")
        row = care.make_agreement(household.head, household, terms, acting_user=office.town_review)
        assert (row.facility, row.caregiver, row.office) == ("五华区中心敬老院", "", office.town_review.office)
        with pytest.raises(CareInputError, match=f"与协议 {row.no}.*重叠"):
            care.make_agreement(household.head, household, terms, acting_user=office.town_review)
        assert list(care.expiring_agreements(date(2022, 9, 29))) == []
        assert list(care.expiring_agreements(date(2022, 9, 30))) == [row]
        following = replace(terms, since=date(2022, 10, 1), until=date(2023, 9, 30))
        care.make_agreement(household.head, household, following, acting_user=office.town_review, follows=row)
        assert list(care.expiring_agreements(date(2022, 9, 30))) == []


def test_every_reason_against_an_agreement_is_said_at_once(office, household):
    bad = replace(TERMS, party=" ", services="", until=date(2021, 9, 1), signed_on=date(2022, 1, 1), subsidy_fen=-1)
    with at(office.town_review, LATER), pytest.raises(CareInputError) as caught:
        care.make_agreement(household.head, household, bad, acting_user=office.town_review)
    assert {field for field, _ in caught.value.faults} == {
        "party", "services", "until", "signed_on", "subsidy", "person"
    }  # fmt: skip


def test_terms_never_change_and_an_end_is_entered_once(office, household, as_owner):
    supported(office, household)
    terms = replace(TERMS, form="centralised", party="五华区中心敬老院", relation="")
    with at(office.town_review, LATER):
        row = care.make_agreement(household.head, household, terms, acting_user=office.town_review)
        with pytest.raises(CareInputError, match="没有写解除原因"):
            care.end_agreement(row, acting_user=office.town_review, on=LATER, reason="")
        care.end_agreement(row, acting_user=office.town_review, on=LATER, reason="转为分散供养")
    with as_owner(), pytest.raises(IntegrityError, match="不能修改"), transaction.atomic():
        CareAgreement.objects.filter(pk=row.pk).update(end_reason="另写")
    with at(office.town_review, LATER):
        again = replace(terms, since=LATER)
        assert care.make_agreement(household.head, household, again, acting_user=office.town_review).since == LATER


def test_support_ends_for_a_ground_from_the_next_month_and_the_agreement_with_it(office, household):
    supported(office, household)
    terms = replace(TERMS, form="centralised", party="五华区中心敬老院", relation="")
    person = household.head
    with at(office.town_review, LATER):
        agreement = care.make_agreement(person, household, terms, acting_user=office.town_review)
        with pytest.raises(CareInputError, match="没有写依据"):
            care.state_ground(person, household, "quits", acting_user=office.town_review, evidence="")
        facts = care.state_ground(
            person, household, "quits", acting_user=office.town_review, evidence="本人书面申请 2021-10-09"
        )
        end_notices.post_end_notice(facts, person, place="五华区中心敬老院", acting_user=office.town_review)
    with at(office.county_confirm, date(2021, 10, 19)):
        row = care.end_support(facts, person, acting_user=office.county_confirm, reasons="本人自愿退出")
        assert (row.outcome, row.start_month) == ("fail", 202111)
        assert "有应当终止救助供养的情形（43-24）" in row.reasons
        assert row.appeal
        assert RollEntry.objects.get(person=person, programme="tekun").end_month == 202110
        agreement.refresh_from_db()
        assert agreement.ended_on == date(2021, 11, 1)


def test_whoever_is_still_entitled_is_not_ended(office, household):
    supported(office, household)
    with at(office.town_review, LATER):
        from tuodi.verification.actions import freeze, start_fact_set
        from tuodi.verification.queries import latest_frozen

        draft = start_fact_set(acting_user=office.town_review, household=household, base=latest_frozen(household))
        facts = freeze(draft, acting_user=office.town_review)
    with at(office.county_confirm, LATER), pytest.raises(CareInputError, match="仍符合特困供养条件"):
        care.end_support(facts, household.head, acting_user=office.county_confirm, reasons="误报")
    with at(office.county_confirm, LATER):
        assert RollEntry.objects.get(person=household.head, programme="tekun").end_month is None
