"""Consents: who may give one, what ends one, whole rolls at once, and who is listed without one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from casekit import at, family
from django.db import IntegrityError, transaction

from tuodi.audit.models import AuditEntry
from tuodi.cases.actions import end_case
from tuodi.files.store import open_plain
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode
from tuodi.people import actions as people_actions
from tuodi.people import secrets
from tuodi.people.models import RollEntry
from tuodi.people.queries import members_on
from tuodi.verification.check_errors import ConsentInputError
from tuodi.verification.consent_actions import add_supporter, end_consent, end_outdated, end_supporter, record_consent
from tuodi.verification.consent_bulk import import_consents, import_for_roll
from tuodi.verification.consent_queries import consents_of, without_consent
from tuodi.verification.models import Consent, Supporter

pytestmark = pytest.mark.django_db
DAY = date(2017, 5, 10)
PDF = b"%PDF-1.4 signed"


@pytest.fixture
def verifier(make_user: Any) -> Any:
    with clock.frozen(date(2010, 1, 4)):
        return make_user("420802", DutyCode.VERIFY)


@pytest.fixture
def people(household: Any) -> list[Any]:
    with system_scope("420802"):
        return [one.person for one in members_on(household, DAY)]


def give(verifier: Any, household: Any, person: Any = None, **more: Any) -> Consent:
    with at(verifier, more.pop("on", DAY)):
        return record_consent(
            acting_user=verifier, household=household, person=person, **({"paper_ref": "第 1 盒"} | more)
        )


def held(household: Any, on: date = DAY) -> dict[str, bool]:
    with system_scope("420802"):
        return {line.name: line.consent is not None for line in consents_of(household, on)}


def test_a_signed_consent_keeps_its_paper_and_holds_from_its_day(
    verifier: Any, household: Any, people: list[Any]
) -> None:
    row = give(verifier, household, people[0], document=PDF, document_name="授权书.pdf", valid_to=date(2018, 5, 9))
    with at(verifier, DAY):
        assert open_plain(row.document).read() == PDF
        assert (row.role, row.basis, row.document.media_type) == ("member", "signed", "application/pdf")
        assert AuditEntry.objects.filter(action="verification.record_consent").count() == 1
    assert held(household, date(2017, 5, 9)) == {"欧阳建": False, "单晓月": False, "欧阳春": False}
    assert held(household, DAY)["欧阳建"]
    assert held(household, date(2018, 5, 9))["欧阳建"]
    assert not held(household, date(2018, 5, 10))["欧阳建"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"signed_on": DAY + timedelta(days=1)}, "授权日期"),
        ({"valid_to": DAY - timedelta(days=1)}, "有效期至"),
        ({"paper_ref": ""}, "授权书"),
        ({"paper_ref": "", "basis": "statutory"}, "依据条款"),
        ({"document": b"GIF89a"}, "授权书"),
    ],
)
def test_what_cannot_be_recorded_says_which_field(
    verifier: Any, household: Any, people: list[Any], more: dict[str, Any], field: str
) -> None:
    with pytest.raises(ConsentInputError) as caught:
        give(verifier, household, people[0], **more)
    assert caught.value.fields["field"] == field
    assert not any(held(household).values())


def test_a_guardian_signs_for_a_minor(verifier: Any, household: Any, people: list[Any]) -> None:
    with pytest.raises(ConsentInputError, match="未满 18 周岁"):
        give(verifier, household, people[2])
    assert give(verifier, household, people[2], guardian_name="欧阳建").guardian_name == "欧阳建"


def test_a_stranger_gives_none_and_a_new_one_replaces_the_old(verifier: Any, household: Any, people: list[Any]) -> None:
    other = family("420802001002", names=("王明",))
    with system_scope("420802"):
        stranger = members_on(other, DAY)[0].person
    with pytest.raises(ConsentInputError, match="不是该家庭的现有成员"):
        give(verifier, household, stranger)
    with pytest.raises(ConsentInputError, match="须选择"):
        give(verifier, household)
    first = give(verifier, household, people[0])
    second = give(verifier, household, people[0], on=DAY + timedelta(days=5))
    with at(verifier, DAY):
        first.refresh_from_db()
        assert (first.ended_on, first.end_reason) == (DAY + timedelta(days=5), "重新签署")
        assert second.ended_on is None


def test_a_withdrawn_consent_ends_that_day_once_and_with_a_reason(
    verifier: Any, household: Any, people: list[Any]
) -> None:
    row = give(verifier, household, people[0])
    with at(verifier, DAY):
        with pytest.raises(ConsentInputError, match="终止原因"):
            end_consent(row, acting_user=verifier, reason=" ")
        end_consent(row, acting_user=verifier, reason="本人撤回")
        with pytest.raises(ConsentInputError, match="已于"):
            end_consent(row, acting_user=verifier, reason="本人撤回")
    assert not held(household)["欧阳建"]


def test_doors(office: Any, make_user: Any, household: Any, people: list[Any]) -> None:
    with pytest.raises(AccessDeniedError):
        give(office.town_review, household, people[0])
    with clock.frozen(date(2010, 1, 4)):
        elsewhere = make_user("420804", DutyCode.VERIFY)
    with pytest.raises(NotFoundError):
        give(elsewhere, household, people[0])
    give(office.town_accept, household, people[0])
    with system_scope("420804"):
        assert Consent.objects.count() == 0


def test_a_supporter_outside_is_sealed_and_needs_a_consent_too(
    verifier: Any, household: Any, people: list[Any]
) -> None:
    number = make_id("420899", date(1985, 3, 4), 21)
    with at(verifier, DAY):
        row = add_supporter(
            acting_user=verifier,
            household=household,
            person=people[0],
            relation="子女",
            name="欧阳 远",
            id_text=number.lower(),
        )
        assert (row.name, secrets.open_id(row)) == ("欧阳远", number)
        assert number not in str({key: value for key, value in row.__dict__.items() if key != "_state"})
        with pytest.raises(ConsentInputError, match="不必重复"):
            add_supporter(
                acting_user=verifier,
                household=household,
                person=people[0],
                relation="子女",
                name="欧阳远",
                id_text=number,
            )
    assert held(household)["欧阳远"] is False
    consent = give(verifier, household, supporter=row)
    assert held(household)["欧阳远"] is True
    with at(verifier, DAY + timedelta(days=9)):
        end_supporter(row, acting_user=verifier, on=DAY + timedelta(days=9), reason="去世")
        consent.refresh_from_db()
        assert consent.ended_on == DAY + timedelta(days=9)
    assert "欧阳远" not in held(household, DAY + timedelta(days=10))


def test_the_database_refuses_a_consent_of_nobody(verifier: Any, household: Any, as_owner: Any) -> None:
    with as_owner(), pytest.raises(IntegrityError, match="verification_consent_who"), transaction.atomic():
        Consent.objects.create(
            region=household.region,
            household=household,
            role="member",
            basis="signed",
            signed_on=DAY,
            recorded_at=clock.now(),
        )


def test_members_change_and_the_family_signs_again(verifier: Any, household: Any, people: list[Any]) -> None:
    give(verifier, household, people[0])
    later = DAY + timedelta(days=30)
    with at(verifier, DAY + timedelta(days=1)):
        assert end_outdated() == 0
    with clock.frozen(later), system_scope("420802"):
        people_actions.record_death(acting_user=None, person=people[1], died_on=later)
        assert end_outdated(household=household) == 0  # a death shows nobody's data that was not shown before
        newborn = people_actions.register_person(
            acting_user=None, region=household.region, name="欧阳新", id_text=make_id("420899", date(2016, 1, 2), 31)
        )
        people_actions.add_member(acting_user=None, household=household, person=newborn, relation="child", on=later)
        assert end_outdated(household=household) == 1
        assert end_outdated(household=household) == 0
        row = Consent.objects.get(household=household)
        assert row.end_reason == "家庭成员变化，须重新签署"


def test_a_new_application_after_a_closed_one_is_signed_anew(
    verifier: Any, office: Any, household: Any, people: list[Any]
) -> None:
    apply = {
        "acting_user": office.town_accept,
        "household": household,
        "programme": "dibao",
        "materials": {"身份证": True},
    }
    with at(office.town_accept, DAY):
        first = accept_application(**apply).case
    give(verifier, household, people[0], on=DAY + timedelta(days=1))
    with at(verifier, DAY + timedelta(days=2)):
        assert end_outdated() == 0  # its own application
    with at(office.town_review, DAY + timedelta(days=5)):
        end_case(first, acting_user=office.town_review, reason="申请人撤回")
        assert end_outdated() == 0
    with at(office.town_accept, DAY + timedelta(days=20)):
        accept_application(**apply)
    give(verifier, household, people[1], on=DAY + timedelta(days=20))
    with at(verifier, DAY + timedelta(days=21)):
        assert end_outdated() == 1
        assert Consent.objects.get(person=people[0]).end_reason == "重新申请，须重新签署"
        assert Consent.objects.get(person=people[1]).ended_on is None


def roll(household: Any) -> None:
    with system_scope("420802"):
        RollEntry.objects.create(
            household=household,
            region=household.region,
            programme="dibao",
            category="urban",
            amount_fen=1,
            start_month=201701,
        )


def test_people_without_one_are_listed_from_the_roll_of_the_place(
    verifier: Any, household: Any, people: list[Any]
) -> None:
    other = family("420802001002", names=("王明",))
    roll(household)
    give(verifier, household, people[0])
    with at(verifier, DAY):
        assert [row.person.name for row in without_consent("420802", DAY)] == ["单晓月", "欧阳春"]
        assert [row.person.name for row in without_consent("420802", DAY, on_roll=False)] == [
            "单晓月",
            "欧阳春",
            "王明",
        ]
        assert without_consent("420802001002", DAY, on_roll=False).get().household_id == other.pk
        assert not without_consent("420804", DAY, on_roll=False).exists()


def test_papers_of_a_whole_roll_are_recorded_in_one_statement(verifier: Any, household: Any) -> None:
    family("420802001002", names=("王明",))  # not on the roll
    roll(household)
    with at(verifier, DAY):
        more = {"acting_user": verifier, "place_code": "420802", "signed_on": date(2016, 12, 1)}
        with pytest.raises(ConsentInputError, match="档号"):
            import_for_roll(**more, paper_ref=" ")
        assert import_for_roll(**more, paper_ref="2016 档 1-40 盒") == 2  # the child's guardian is not known
        assert import_for_roll(**more, paper_ref="2016 档 1-40 盒") == 0
    assert held(household) == {"欧阳建": True, "单晓月": True, "欧阳春": False}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_list_of_papers_is_taken_in_row_by_row(
    verifier: Any, household: Any, people: list[Any], encoding: str
) -> None:
    ids = [secrets.open_id(one) for one in people]
    lines = [
        "姓名,身份证号,授权日期,有效期至,档号,监护人",
        f"欧阳建,{ids[0]},2017-05-01,,A-1,",
        f"欧阳建,{ids[0]},2017-05-01,,A-1,",  # twice
        f"别人,{ids[1]},2017/5/1,,A-2,",
        f"欧阳春,{ids[2]},20170501,,A-3,",
        f"无名,{make_id('420899', date(1990, 1, 1), 9)},2017-05-01,,,",
        "坏,4208991960,2017-05-01,,,",
        f"单晓月,{ids[1]},2018-01-01,,,",
        f"单晓月,{ids[1]},五月,,,",
        ",,,,,",
    ]
    with at(verifier, DAY):
        result = import_consents("\r\n".join(lines).encode(encoding), acting_user=verifier, place_code="420802")
    assert (result.rows, result.accepted, result.known, len(result.faults)) == (8, 1, 1, 6)
    assert result.rows == result.accepted + result.known + len(result.faults)
    reasons = {number: why for number, _, why in result.faults}
    assert sorted(reasons) == [4, 5, 6, 7, 8, 9]
    assert "姓名与登记的" in reasons[4]
    assert "监护人" in reasons[5]
    assert "没有这个证件号码" in reasons[6]
    assert "在将来" in reasons[8]
    assert "不是日期" in reasons[9]
    assert not any(one in str(result.faults) for one in ids)
    assert held(household)["欧阳建"]


def test_a_list_without_its_columns_is_refused_whole(verifier: Any, household: Any) -> None:
    with at(verifier, DAY), pytest.raises(ConsentInputError, match="缺少列：证件号码、授权日期"):
        import_consents("姓名,号码\n甲,1".encode(), acting_user=verifier, place_code="420802")


def test_nothing_of_a_supporter_is_seen_from_another_place(verifier: Any, household: Any, people: list[Any]) -> None:
    with at(verifier, DAY):
        add_supporter(acting_user=verifier, household=household, person=people[0], relation="子女", name="欧阳远")
    with system_scope("4209"):
        assert Supporter.objects.count() == 0


def test_the_question_who_has_none_is_one_query(verifier: Any, household: Any, django_assert_num_queries: Any) -> None:
    roll(household)
    with at(verifier, DAY), django_assert_num_queries(1):
        assert len(without_consent("420802", DAY)) == 3
