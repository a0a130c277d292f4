"""Accepting applications: number, receipt, agent, and who is told to go another way."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, family
from django.db import DatabaseError, connection, transaction

from tuodi.cases.actions import end_case, file_kin
from tuodi.cases.errors import DutySeparationError, WrongLevelError
from tuodi.cases.models import Case, CaseBar
from tuodi.decisions.papers.letters import acceptance_receipt
from tuodi.intake.application_actions import Agent, accept_application, receive_material
from tuodi.intake.errors import (
    AlreadyApplyingError,
    AlreadyOnRollError,
    ApplicationInputError,
    MandateMissingError,
)
from tuodi.intake.models import Application, ApplicationMember
from tuodi.kernel.identity import make_id
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.policy.procedure import NoProcedureError

DAY = date(2021, 9, 13)


def accept(office, household, *, who=None, on=DAY, **more):
    who = who or office.town_accept
    with at(who, on):
        return accept_application(acting_user=who, household=household, **{"programme": "dibao", **more})


def test_an_application_opens_a_case_and_names_the_family_of_that_day(office, household):
    application = accept(office, household, reason="子女上学")
    with at(office.town_accept, DAY):
        assert application.case.no == "420802-SL-20210913-0001"
        assert application.applicant_id == household.head_id
        assert ApplicationMember.objects.filter(application=application).count() == 3
        paper = acceptance_receipt(application)
        assert (paper["due"], paper["owed"], paper["programmes"]) == ("2021 年 10 月 29 日 前", [], ["最低生活保障"])
        assert paper["steps"][0]["label"] == "信息核对"


def test_papers_still_owed_are_told_at_once_and_ticked_off_later(office, household):
    application = accept(office, household, materials={"身份证": True, "授权书": False, "残疾证": False})
    with at(office.town_accept, DAY):
        assert acceptance_receipt(application)["owed"] == ["授权书", "残疾证"]
        receive_material(application, "授权书", acting_user=office.town_accept)
        assert acceptance_receipt(application)["owed"] == ["残疾证"]
        with pytest.raises(ApplicationInputError, match="不在清单上"):
            receive_material(application, "房产证", acting_user=office.town_accept)


def test_the_county_or_a_clerk_without_the_duty_or_a_stranger_cannot_accept(office, household, make_user):
    from casekit import hire

    with pytest.raises(WrongLevelError):
        accept(office, household, who=hire(make_user, "420802", "accept"))
    with pytest.raises(AccessDeniedError):
        accept(office, household, who=office.town_review)
    with pytest.raises(NotFoundError):
        accept(office, household, who=hire(make_user, "420804001", "accept"))


def test_a_second_application_while_one_runs_is_sent_to_the_first(office, household):
    first = accept(office, household)
    with pytest.raises(AlreadyApplyingError, match="请在原案件中继续办理") as caught:
        accept(office, household)
    assert first.case.no in str(caught.value)
    with at(office.town_review, DAY):
        end_case(first.case, acting_user=office.town_review, reason="申请人撤回")
    assert accept(office, household).case.no.endswith("0002")


def test_a_person_in_another_family_s_running_application_is_noticed(office, household):
    from tuodi.people.actions import split_household

    accept(office, household)
    with at(office.town_accept, DAY):
        spouse = household.memberships.order_by("id")[1].person
        other = split_household(acting_user=None, household=household, head=spouse, on=DAY)
    with pytest.raises(AlreadyApplyingError, match="先核实其属于哪个家庭"):
        accept(office, other)


def test_a_member_on_another_family_s_roll_is_noticed(office, household):
    from tuodi.people.models import RollEntry

    with at(office.town_accept, DAY):
        RollEntry.objects.create(
            household=household, person=household.memberships.order_by("id")[1].person, region=household.region,
            programme="tekun", category="urban", amount_fen=1, start_month=202101,
        )  # fmt: skip
    with pytest.raises(AlreadyOnRollError, match="特困人员"):
        accept(office, household)


def test_an_entry_that_has_ended_is_no_hindrance(office, household):
    from tuodi.people.models import RollEntry

    with at(office.town_accept, DAY):
        RollEntry.objects.create(
            household=household, region=household.region, programme="dibao", category="urban", amount_fen=1,
            start_month=202001, end_month=202108,
        )  # fmt: skip
    assert accept(office, household).pk


def test_an_agent_needs_a_mandate_and_his_number_is_sealed(office, household):
    with pytest.raises(MandateMissingError, match="委托书"):
        accept(office, household, agent=Agent("李四"))
    number = make_id("420899", date(1980, 1, 1), 7)
    application = accept(office, household, agent=Agent("李四", "邻居", number, has_mandate=True))
    assert number not in str(vars(application))
    assert application.agent_id_masked.startswith("420899")
    assert "*" in application.agent_id_masked


def test_staff_who_bring_a_case_or_whose_number_is_the_agent_s_are_barred(office, household):
    number = make_id("420899", date(1980, 1, 1), 9)
    from tuodi.people.secrets import id_indexes

    file_kin(acting_user=None, user=office.county_visit, id_indexes=id_indexes(number)[:1], relation="self")
    application = accept(
        office, household, agent=Agent("王五", "网格员", number, user=office.town_review), channel="village"
    )
    with at(office.town_accept, DAY):
        bars = set(CaseBar.objects.filter(case=application.case).values_list("user", "reason"))
    assert bars == {(office.town_review.pk, "agent"), (office.county_visit.pk, "agent")}


def test_who_brings_a_case_cannot_accept_it(office, household):
    with pytest.raises(DutySeparationError, match="代办"):
        accept(office, household, agent=Agent("本人", user=office.town_accept))
    with at(office.town_accept, DAY):
        assert not Case.objects.exists()
        assert not Application.objects.exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"programme": "dibo"}, "“dibo”不认识"),
        ({"channel": "fax"}, "“fax”不认识"),
        ({"applied_on": date(2021, 9, 14)}, "晚于今天"),
        ({"agent": Agent(" ")}, "没有填写姓名"),
    ],
)
def test_wrong_input_says_what_is_wrong(office, household, more, said):
    with pytest.raises(ApplicationInputError, match=said):
        accept(office, household, **more)


def test_an_applicant_from_outside_the_family_is_refused(office, household):
    other = family("420802001001")
    with pytest.raises(ApplicationInputError, match="不是该家庭成员"):
        accept(office, household, applicant=other.head)


def test_a_programme_without_procedure_on_that_day_is_refused(office, household):
    with pytest.raises(NoProcedureError, match="procedure 文件里补一份"):
        accept(office, household, programme="tekun", on=date(2020, 5, 1))


def test_an_accepted_application_is_never_changed(office, household):
    accept(office, household)
    with at(office.town_accept, DAY), connection.cursor() as cursor:
        for table in ("intake_application", "intake_applicationmember"):
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(f"delete from {table}")


def test_a_declared_relative_marks_the_case_as_kin(office, household):
    assert "kin" in accept(office, household, declares_kin=True).case.marks
