"""Self-care assessments: who assesses where, six activities to a class, evidence, and what waits for them."""

from __future__ import annotations

from datetime import date

import pytest
from carekit import DAY, FOUR, accepted, answers, assessed, investigated, to_confirm
from casekit import Office, at, family
from django.db import IntegrityError, transaction
from fieldkit import jpeg

from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.cases.calendar import calendar
from tuodi.cases.errors import MoveRefusedError, StepNotOpenError, WrongLevelError
from tuodi.decisions import actions as decisions
from tuodi.org.errors import AccessDeniedError
from tuodi.verification import self_care_actions as care
from tuodi.verification.models import SelfCareAssessment
from tuodi.verification.queries import frozen_for
from tuodi.verification.self_care_errors import SelfCareInputError, SelfCareNeededError
from tuodi.verification.self_care_queries import bodies_for, overdue_assessments


@pytest.fixture
def village() -> str:
    return "530102001001"


@pytest.fixture
def household(db, village):
    return family(village, names=("欧阳建",), area_kind="rural")


@pytest.mark.parametrize(
    ("failed", "result"),
    [((), "able"), (FOUR[:1], "partial_loss"), (FOUR[:3], "partial_loss"), (FOUR, "complete_loss")],
)
def test_the_class_follows_from_how_many_of_the_six_fail(office, household, failed, result):
    row = assessed(office, household, failed=failed)
    assert (row.result, row.failed, row.state) == (result, len(failed), "assessed")
    with at(office.county_review, DAY):
        assert care.evidence_fits(row)


def test_the_place_names_the_body(db):
    assert bodies_for("420802001001", date(2017, 9, 1)) == {"labour_committee": "荆门市劳动能力鉴定委员会"}
    yunnan = bodies_for("530102001001", DAY)
    assert list(yunnan) == ["county_office", "third_party"]
    assert yunnan["county_office"] == "五华区民政部门"
    assert yunnan["third_party"] == ""


def test_another_body_than_the_place_s_is_refused_and_a_third_party_has_a_name(make_user, office, household):
    user = office.county_review
    with at(user, DAY):
        with pytest.raises(
            SelfCareInputError, match="本地由县级民政部门、第三方机构评估，不能委托“劳动能力鉴定委员会”"
        ):
            care.order_self_care(household.head, household, acting_user=user, body="labour_committee")
        with pytest.raises(SelfCareInputError, match="没有写第三方机构的名称"):
            care.order_self_care(household.head, household, acting_user=user, body="third_party")
        row = care.order_self_care(
            household.head, household, acting_user=user, body="third_party", body_name="五华区康复医院"
        )
    assert row.body_name == "五华区康复医院"
    jingmen = Office("420802001001", make_user)
    other = family("420802001001", names=("单晓月",))
    with at(jingmen.county_review, DAY), pytest.raises(SelfCareInputError, match="本地由劳动能力鉴定委员会评估"):
        care.order_self_care(other.head, other, acting_user=jingmen.county_review, body="county_office")


def test_every_reason_why_a_result_does_not_do_is_said_at_once(office, household):
    user = office.county_review
    with at(user, DAY):
        row = care.order_self_care(household.head, household, acting_user=user)
        with pytest.raises(SelfCareInputError) as caught:
            care.assess_self_care(
                row,
                acting_user=user,
                items={**answers(), "fails_bed": None},
                assessors=[" "],
                assessed_on=date(2021, 9, 14),
            )
    assert [field for field, _ in caught.value.faults] == ["items", "assessors", "assessed_on", "papers"]
    assert "“自主上下床”没有评估" in str(caught.value)


def test_the_county_enters_and_who_only_pays_does_not(office, household, make_user):
    with at(office.county_review, DAY):
        row = care.order_self_care(household.head, household, acting_user=office.county_review)
        care.add_self_care_paper(row, jpeg(), acting_user=office.county_review)
    facts = {"items": answers(), "assessors": ["张医师"], "assessed_on": DAY}
    with at(office.town_review, DAY), pytest.raises(WrongLevelError):
        care.assess_self_care(row, acting_user=office.town_review, **facts)
    with at(office.county_confirm, DAY), pytest.raises(AccessDeniedError):
        care.assess_self_care(row, acting_user=office.county_confirm, **facts)


def test_what_was_assessed_is_fixed_in_the_database_too(office, household, as_owner):
    row = assessed(office, household)
    with at(office.county_review, DAY), pytest.raises(MoveRefusedError):
        care.cancel_self_care(row, acting_user=office.county_review, reason="写错")
    for change in (
        lambda: SelfCareAssessment.objects.filter(pk=row.pk).update(result="able"),
        lambda: SelfCareAssessment.objects.filter(pk=row.pk)._raw_delete("default"),
    ):
        with as_owner(), pytest.raises(IntegrityError, match="不能修改或删除"), transaction.atomic():
            change()
    with at(office.county_review, DAY), pytest.raises(SelfCareInputError, match="不能再加材料"):
        care.add_self_care_paper(row, jpeg(width=9), acting_user=office.county_review)


def test_a_scanned_form_is_evidence_and_anything_else_is_refused(office, household):
    user = office.county_review
    with at(user, DAY):
        row = care.order_self_care(household.head, household, acting_user=user)
        paper = care.add_self_care_paper(row, b"%PDF-1.7\n%%EOF", acting_user=user, caption="评定结论")
        assert paper.media_type == "application/pdf"
        assert care.add_self_care_paper(row, b"%PDF-1.7\n%%EOF", acting_user=user).pk == paper.pk
        with pytest.raises(Exception, match=r"图片|照片"):
            care.add_self_care_paper(row, b"MZ\x90\x00", acting_user=user)


def test_the_step_and_the_decision_wait_for_the_assessment(office, household):
    case = investigated(office, household)
    user = office.county_review
    with at(user, DAY), pytest.raises(SelfCareNeededError, match="还没有做"):
        cases.complete_step(queries.open_step(case, "self_care"), acting_user=user)
    with at(user, DAY):
        row = care.order_self_care(household.head, household, acting_user=user, case=case)
        with pytest.raises(SelfCareNeededError, match=f"{row.no}.*还没有结论"):
            cases.complete_step(queries.open_step(case, "self_care"), acting_user=user)
    with at(office.county_confirm, DAY), pytest.raises(StepNotOpenError, match="生活自理能力评估"):
        decisions.confirm(case, acting_user=office.county_confirm, opinion="同意")
    with at(user, DAY):
        care.add_self_care_paper(row, jpeg(), acting_user=user)
        care.assess_self_care(row, acting_user=user, items=answers(*FOUR), assessors=["张医师"], assessed_on=DAY)
        step = cases.complete_step(queries.open_step(case, "self_care"), acting_user=user, opinion="完全丧失")
        assert step.data["self_care"] == [{"no": row.no, "person": household.head_id, "result": "complete_loss"}]
        facts = frozen_for(case)
    member = facts.facts["members"][0]
    assert (member["assessed_self_care"], member["fails_bed"]) == ("complete_loss", False)
    assert facts.provenance["members[0].assessed_self_care"]["source"] == "finding"
    assert row.no in facts.provenance["members[0].assessed_self_care"]["evidence"]


def test_four_items_failed_are_paid_1667_in_yunnan(office, household):
    case = investigated(office, household)
    assessed(office, household, case)
    with at(office.county_review, DAY):
        cases.complete_step(queries.open_step(case, "self_care"), acting_user=office.county_review)
    after = to_confirm(office, household, case)
    with at(office.county_confirm, after):
        (row,) = decisions.confirm(case, acting_user=office.county_confirm, opinion="同意")
    assert (row.amount_fen, row.components) == (166_700, {"basic": 83_200, "care": 83_500})  # E11: 832 + 835


def test_facts_frozen_without_the_assessment_do_not_carry_a_decision(office, household):
    from tuodi.verification.actions import enter_facts, freeze, start_fact_set

    case = investigated(office, household)
    assessed(office, household, case)
    with at(office.county_review, DAY):
        cases.complete_step(queries.open_step(case, "self_care"), acting_user=office.county_review)
    with at(office.town_review, DAY):
        draft = start_fact_set(acting_user=office.town_review, household=household, case=case, base=frozen_for(case))
        enter_facts(draft, acting_user=office.town_review, members={household.head_id: {"assessed_self_care": "able"}})
        freeze(draft, acting_user=office.town_review)
    after = to_confirm(office, household, case)
    with at(office.county_confirm, after), pytest.raises(SelfCareNeededError, match="没有写进定稿的事实表"):
        decisions.confirm(case, acting_user=office.county_confirm, opinion="同意")


def test_an_assessment_before_any_facts_leaves_a_draft_for_who_collects_them(office, household):
    case = accepted(office, household)
    row = assessed(office, household, case)
    assert not row.fact_set.is_frozen
    assert row.fact_set.case_id == case.pk


def test_a_reported_change_is_assessed_within_ten_working_days(office, household):
    user = office.county_review
    assessed(office, household)
    with at(office.town_review, DAY):
        with pytest.raises(SelfCareInputError, match="没有写明发生了什么变化"):
            care.report_self_care_change(household.head, household, acting_user=office.town_review, text="")
        row = care.report_self_care_change(
            household.head, household, acting_user=office.town_review, text="中风后卧床", reported_on=date(2021, 9, 10)
        )
        with pytest.raises(SelfCareInputError, match="已有一次待办的评估"):
            care.report_self_care_change(household.head, household, acting_user=office.town_review, text="又变")
    assert row.due_on == calendar().add_workdays(date(2021, 9, 10), 10) == date(2021, 9, 26)
    assert "43-23" in row.due_note
    with at(user, date(2021, 9, 27)):
        assert list(overdue_assessments()) == [row]
        care.add_self_care_paper(row, jpeg(), acting_user=user)
        done = care.assess_self_care(
            row, acting_user=user, items=answers(*FOUR), assessors=["张医师"], assessed_on=date(2021, 9, 27)
        )
        assert list(overdue_assessments()) == []
    assert done.fact_set.is_frozen
    assert done.fact_set.facts["members"][0]["assessed_self_care"] == "complete_loss"
