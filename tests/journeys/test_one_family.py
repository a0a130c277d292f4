"""One family from the counter to the roll: accepted, checked, visited, reviewed, put up in public, confirmed, filed.

Three places, three procedures: 荆门 东宝区 in 2017 (county approves, two notices), 掇刀区 in 2017 (townships approve), 宽城区
in 2021 (village reviews, town confirms, county files, no notice at the review). People are synthetic.
"""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, family

from tuodi.audit.models import AuditEntry
from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.cases.errors import DutySeparationError, NoticeRunningError, StepNotOpenError, WrongLevelError
from tuodi.decisions import actions as decisions
from tuodi.decisions.papers.letters import acceptance_receipt
from tuodi.decisions.queries import explain_month, of_case
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.kernel.periods import Month
from tuodi.org.errors import AccessDeniedError
from tuodi.people.models import RollEntry
from tuodi.verification.actions import enter_facts, freeze, start_fact_set

pytestmark = pytest.mark.django_db


class Story:
    """Steps of the story, each by the officer it names, on the day it names."""

    def __init__(self, village, make_user, *, area_kind="urban"):
        self.office = Office(village, make_user)
        self.household = family(village, area_kind=area_kind)
        self.case = None

    def accept(self, who, on, **more):
        with at(who, on):
            application = accept_application(
                acting_user=who,
                household=self.household,
                programme="dibao",
                materials={"身份证": True, "家庭经济状况核对授权书": False},
                **more,
            )
            self.case = application.case
            return acceptance_receipt(application)

    def step(self, name, who, on, **more):
        with at(who, on):
            step = queries.open_step(self.case, name)
            return cases.complete_step(step, acting_user=who, **{"opinion": "情况属实", **more})

    def facts(self, who, on, **household):
        with at(who, on):
            draft = start_fact_set(acting_user=who, household=self.household, case=self.case)
            enter_facts(draft, acting_user=who, household=household, source="visit", evidence="入户调查表")
            return freeze(draft, acting_user=who)

    def act(self, verb, who, on, **more):
        with at(who, on):
            self.case.refresh_from_db()
            return verb(self.case, acting_user=who, **more)

    def to_roll(self, row, who, on):
        with at(who, on):
            return put_on_roll(row, acting_user=who)

    def due(self, name, who):
        with at(who, date(2017, 1, 3)):
            return queries.open_step(self.case, name).due_on

    def state(self, who, on):
        with at(who, on):
            self.case.refresh_from_db()
            return self.case.state


FACTS = {"income_year": "10800.00", "assets_ok": True}


def test_jingmen_dongbao_2017_the_county_approves_after_two_notices(make_user):
    story = Story("420802001001", make_user)
    o = story.office

    paper = story.accept(o.town_accept, date(2017, 5, 10))
    assert (paper["case_no"], paper["number"]) == ("420802-SL-20170510-0001", "420802-HZ-20170510-0001")
    assert paper["owed"] == ["家庭经济状况核对授权书"]
    assert paper["due"] == "各环节分别计时"  # 220 sets no limit for the whole
    assert paper["warnings"] == []

    # First the data check by the county, then the visit (220 art 20): the visit is not open yet.
    with pytest.raises(StepNotOpenError, match="还要先完成：信息核对"):
        story.step("visit", o.town_review, date(2017, 5, 11), people=[o.town_visit])
    story.step("check", o.county_review, date(2017, 5, 12))
    assert story.due("visit", o.town_visit) == date(2017, 5, 24)  # ten working days from acceptance
    story.step("visit", o.town_review, date(2017, 5, 15), people=[o.town_visit])
    story.facts(o.town_review, date(2017, 5, 15), **FACTS)
    assert story.due("meeting", o.town_review) == date(2017, 5, 22)  # five working days
    story.step("meeting", o.town_review, date(2017, 5, 17), result="agreed")

    story.act(decisions.first_review, o.town_review, date(2017, 5, 18), result="pass", opinion="拟予批准")
    notice = story.act(decisions.post_notice, o.town_review, date(2017, 5, 19))
    assert (notice.last_day, notice.content["amount"]) == (date(2017, 5, 26), "825.00")
    with pytest.raises(NoticeRunningError):
        story.act(decisions.close_notice, o.town_review, date(2017, 5, 26))
    story.act(decisions.close_notice, o.town_review, date(2017, 5, 27))

    assert story.due("county_review", o.county_review) == date(2017, 6, 5)  # 27 May was worked, 29 and 30 were off
    story.step("county_review", o.county_review, date(2017, 5, 31))
    notice = story.act(decisions.post_notice, o.county_confirm, date(2017, 6, 1))
    assert (notice.stage, notice.last_day) == ("approval", date(2017, 6, 8))
    story.act(decisions.close_notice, o.county_confirm, date(2017, 6, 9))
    assert story.due("confirm", o.county_confirm) == date(2017, 6, 13)  # three working days after the notice

    with pytest.raises(AccessDeniedError):
        story.act(decisions.confirm, o.county_review, date(2017, 6, 12), opinion="同意")
    (row,) = story.act(decisions.confirm, o.county_confirm, date(2017, 6, 12), opinion="同意")
    assert (row.amount_fen, row.start_month) == (82_500, 201707)
    assert story.state(o.county_confirm, date(2017, 6, 12)) == "closed"

    entry = story.to_roll(row, o.county_confirm, date(2017, 6, 12))
    assert (entry.start_month, entry.amount_fen, entry.household_id) == (201707, 82_500, story.household.pk)
    with at(o.county_confirm, date(2017, 7, 3)):
        again = explain_month(story.household, "dibao", Month(2017, 7))
        assert again.amount_fen == row.amount_fen
        assert again.fingerprint == row.fingerprint
        deeds = list(AuditEntry.objects.filter(case_no=story.case.no).order_by("id").values_list("action", flat=True))
    assert deeds == [
        "cases.open_case",
        "intake.accept_application",
        "cases.complete_step",
        "cases.complete_step",
        "verification.start_fact_set",
        "verification.enter_facts",
        "verification.freeze",
        "cases.complete_step",
        "cases.complete_step",
        "cases.post_notice",
        "cases.close_notice",
        "cases.complete_step",
        "cases.post_notice",
        "cases.close_notice",
        "cases.decide_case",
        "decisions.confirm",
        "decisions.put_on_roll",
    ]


def test_duodao_2017_the_township_approves(make_user):
    story = Story("420804001001", make_user)
    o = story.office

    paper = story.accept(o.town_accept, date(2017, 5, 10))
    assert any("县级审批意见" in text and "220-26" in text for text in paper["warnings"])
    story.step("check", o.county_review, date(2017, 5, 11))
    story.step("visit", o.town_review, date(2017, 5, 12), people=[o.town_visit])
    story.facts(o.town_review, date(2017, 5, 12), **FACTS)
    story.step("meeting", o.town_review, date(2017, 5, 15), result="agreed")
    story.act(decisions.first_review, o.town_review, date(2017, 5, 16), result="pass", opinion="拟予批准")
    story.act(decisions.post_notice, o.town_review, date(2017, 5, 16))
    story.act(decisions.close_notice, o.town_review, date(2017, 5, 24))
    story.act(decisions.post_notice, o.town_confirm, date(2017, 5, 24))
    story.act(decisions.close_notice, o.town_confirm, date(2017, 6, 1))

    with pytest.raises(WrongLevelError, match="应由乡镇（街道）办理，您的机构是县（区）"):
        story.act(decisions.confirm, o.county_confirm, date(2017, 6, 2), opinion="同意")
    (row,) = story.act(decisions.confirm, o.town_confirm, date(2017, 6, 2), opinion="同意")
    assert row.amount_fen == 82_500
    story.to_roll(row, o.town_confirm, date(2017, 6, 2))
    assert story.state(o.county_file, date(2017, 6, 5)) == "confirmed"
    story.act(decisions.file_record, o.county_file, date(2017, 6, 5))
    assert story.state(o.county_file, date(2017, 6, 5)) == "closed"


def test_kuancheng_2021_the_village_reviews_the_town_confirms_the_county_files(make_user):
    story = Story("220103001001", make_user)
    o = story.office
    day = date(2021, 9, 10)

    paper = story.accept(o.town_accept, day)
    assert paper["due"] == "2021 年 9 月 25 日 前"  # 15日 read as calendar days
    assert any("初审公示" in text and "57-19" in text for text in paper["warnings"])

    # Check and visit run side by side: the visit may come first.
    story.step("visit", o.town_review, date(2021, 9, 13), people=[o.town_visit])
    with pytest.raises(StepNotOpenError, match="还要先完成：信息核对"):
        story.act(decisions.first_review, o.village_review, date(2021, 9, 13), result="pass", opinion="同意")
    story.step("check", o.county_review, date(2021, 9, 14))
    story.facts(o.town_review, date(2021, 9, 14), **FACTS)

    with pytest.raises(WrongLevelError, match="应由村（社区）办理"):
        story.act(decisions.first_review, o.town_review, date(2021, 9, 15), result="pass", opinion="同意")
    story.act(decisions.first_review, o.village_review, date(2021, 9, 15), result="pass", opinion="村居审核同意")
    (row,) = story.act(decisions.confirm, o.town_confirm, date(2021, 9, 16), opinion="同意")
    assert row.amount_fen == 83_000 * 3 - 90_000
    entry = story.to_roll(row, o.town_confirm, date(2021, 9, 16))
    assert entry.start_month == 202110

    with pytest.raises(AccessDeniedError, match="备案"):
        story.act(decisions.file_record, o.county_review, date(2021, 9, 17))
    filed = story.act(decisions.file_record, o.county_file, date(2021, 9, 17))
    assert filed.data["filing_no"].startswith("BA-220103-JD-20210917-")
    story.act(decisions.publish, o.county_confirm, date(2021, 9, 17))
    assert story.state(o.county_file, date(2021, 9, 17)) == "closed"


def test_a_refused_family_gets_reasons_in_writing_and_no_entry(make_user):
    story = Story("420802001001", make_user, area_kind="rural")
    o = story.office
    day = date(2022, 11, 7)
    paper = story.accept(o.town_accept, day)
    assert paper["due"] == "2022 年 12 月 19 日 前"  # 30 working days: the county confirms here
    story.step("check", o.county_review, day)
    story.step("visit", o.town_review, day, people=[o.town_visit])
    story.facts(o.town_review, day, income_year="13500.00", assets_ok=True)  # 4500 a head: exactly the standard
    story.act(decisions.first_review, o.town_review, day, result="refuse", opinion="收入不低于标准")
    (row,) = story.act(decisions.refuse, o.county_confirm, date(2022, 11, 8), reasons="经核实，收入不低于标准")
    assert "月人均收入不低于当地低保标准" in row.reasons
    story.act(decisions.inform, o.town_review, date(2022, 11, 9), how="邮寄送达")
    assert story.state(o.county_confirm, date(2022, 11, 9)) == "closed"
    with at(o.county_confirm, date(2022, 11, 9)):
        assert not RollEntry.objects.exists()
        assert [found.outcome for found in of_case(story.case)] == ["fail"]


def test_an_objection_sends_the_case_round_again_and_the_new_facts_decide(make_user):
    story = Story("420802001001", make_user)
    o = story.office
    day = date(2021, 9, 13)
    story.accept(o.town_accept, day)
    story.step("check", o.county_review, day)
    story.step("visit", o.town_review, day, people=[o.town_visit])
    story.facts(o.town_review, day, **FACTS)
    story.act(decisions.first_review, o.town_review, day, result="pass", opinion="同意")
    notice = story.act(decisions.post_notice, o.town_review, day)
    with at(o.town_review, date(2021, 9, 15)):
        cases.object_to_notice(notice, acting_user=o.town_review, text="孩子在外打工有收入", from_name="邻居")
    story.act(decisions.close_notice, o.town_review, date(2021, 9, 15))
    assert story.state(o.town_review, date(2021, 9, 15)) == "reinvestigating"

    story.step("visit", o.town_review, date(2021, 9, 16), people=[o.town_visit])
    story.facts(o.town_review, date(2021, 9, 16), income_year="14400.00", assets_ok=True)
    story.step("meeting", o.town_review, date(2021, 9, 17), result="agreed")
    story.act(decisions.first_review, o.town_review, date(2021, 9, 18), result="pass", opinion="按新事实")
    (row,) = story.act(decisions.confirm, o.county_confirm, date(2021, 9, 22), opinion="同意")
    assert (row.amount_fen, row.fact_set.number) == (52_500, 2)


def test_the_counter_clerk_s_own_family_is_nobody_s_secret_and_not_his_case(make_user):
    story = Story("420802001001", make_user)
    o = story.office
    index = bytes(story.household.head.id_index)
    with at(o.town_review, date(2021, 9, 13)):
        cases.file_kin(acting_user=o.town_review, user=o.town_review, id_indexes=[index], relation="父母")
    story.accept(o.town_accept, date(2021, 9, 13))
    story.step("check", o.county_review, date(2021, 9, 13))
    with pytest.raises(DutySeparationError, match="近亲属"):
        story.step("visit", o.town_review, date(2021, 9, 13), people=[o.town_visit])
    with pytest.raises(DutySeparationError, match="近亲属"):
        story.facts(o.town_review, date(2021, 9, 13), **FACTS)
    # [57] art 20: a family filed as kin is visited by the county before confirmation.
    assert "kin" in story.case.marks
