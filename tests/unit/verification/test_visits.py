"""Home visits: who may make them, what a record needs, versions, evidence, and what they do to case and facts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from casekit import at, hire
from decisionkit import ACCEPTED
from django.db import DatabaseError, transaction
from fieldkit import DRAWN, answers, exif, jpeg, png, signed

from tuodi.cases.actions import complete_step, file_kin
from tuodi.cases.errors import DutySeparationError, MoveRefusedError
from tuodi.cases.models import CaseBar
from tuodi.cases.queries import open_step
from tuodi.files.store import path_of
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.verification.models import VisitRecord, VisitTask
from tuodi.verification.queries import draft_of
from tuodi.verification.visit_actions import (
    VisitForm,
    add_photo,
    apply_to_step,
    cancel_visit,
    plan_visit,
    submit_visit,
)
from tuodi.verification.visit_errors import EvidenceError, VisitConflictError, VisitInputError, VisitorsError
from tuodi.verification.visit_evidence import PhotoInput, check_evidence
from tuodi.verification.visit_queries import access_task, my_tasks, visit_findings

DAY = ACCEPTED
CLOCK = datetime(2021, 9, 13, 8, 30, tzinfo=clock.BEIJING)


@pytest.fixture
def case(office, household):
    with at(office.town_accept, DAY):
        return accept_application(acting_user=office.town_accept, household=household, programme="dibao").case


@pytest.fixture
def pair(office):
    return office.town_review, office.town_visit


@pytest.fixture
def task(case, household, pair):
    with at(pair[0], DAY):
        return plan_visit(household, "case", acting_user=pair[0], case=case, assigned=pair)


def form(pair, **more):
    return VisitForm(**{"answers": answers(), "conclusion": "true", "investigators": pair, "started_at": CLOCK} | more)


def submit(task, pair, *, photos=(), signatures=None, **more):
    with at(pair[0], DAY):
        rows = signed(*pair) if signatures is None else signatures
        return submit_visit(task, form(pair, **more), photos, rows, acting_user=pair[0])


def fresh(row, pair):
    with at(pair[0], DAY):
        row.refresh_from_db()


def test_a_signed_visit_does_the_step_and_brings_facts_with_their_source(task, case, pair):
    row = submit(task, pair)
    fresh(task, pair)
    assert (task.state, task.version, row.version, row.level) == ("signed", 1, 1, "TOWN")
    with at(pair[0], DAY):
        step = open_step(case, "visit")
        assert (step.state, step.with_ids) == ("done", [pair[1].pk])
        assert step.data["evidence"] == row.evidence_hash
        draft = draft_of(case)
        assert draft.facts["household"]["income_year"] == "10800.00"
        origin = draft.provenance["household.income_year"]
        assert (origin["source"], origin["evidence"]) == ("visit", f"入户调查 {task.no}")
        assert row.fact_set == draft


def test_what_agrees_keeps_its_source_and_what_differs_is_written(task, case, pair):
    from tuodi.verification.actions import enter_facts, start_fact_set

    with at(pair[0], DAY):
        draft = start_fact_set(acting_user=pair[0], household=case.household, case=case)
        enter_facts(draft, acting_user=pair[0], household={"income_year": "10800.00", "cost_employment": "3840.00"})
    row = submit(
        task,
        pair,
        answers=answers(income_year={"fit": "agree"}, cost_employment={"fit": "differ", "seen": "3,600"}),
    )
    assert row.basis["cost_employment"]["declared"] == "3840.00"
    with at(pair[0], DAY):
        draft.refresh_from_db()
        assert draft.facts["household"]["cost_employment"] == "3600.00"
        assert draft.provenance["household.income_year"]["source"] == "entered"
        assert draft.provenance["household.cost_employment"]["source"] == "visit"
        (finding,) = visit_findings(case.no)
    assert finding.differs == (("就业成本", "申报：3840.00", "3600.00 元／年"),)
    assert (finding.visit_id, finding.signed) == (row.pk, True)

    again = answers(income_year={"fit": "agree"}, cost_employment={"fit": "agree"})
    fixed = submit(task, pair, answers=again, base_version=1, correction_reason="票据看错")
    assert fixed.basis == row.basis  # a correction is compared with what was declared, not with the first visit
    with at(pair[0], DAY):
        draft.refresh_from_db()
        assert draft.facts["household"]["cost_employment"] == "3840.00"
        assert draft.provenance["household.cost_employment"]["source"] == "entered"


def test_one_investigator_is_not_enough_and_two_are(task, household, pair):
    with at(pair[0], DAY), pytest.raises(VisitorsError, match="须不少于 2 人"):
        plan_visit(household, "case", acting_user=pair[0], assigned=pair[:1])
    with pytest.raises(VisitInputError, match="只有 1 人，须不少于 2 人"):
        submit(task, pair, investigators=pair[:1])
    with pytest.raises(VisitInputError, match="只有 1 人"):
        submit(task, pair, investigators=(pair[0], pair[0]))
    assert submit(task, pair, investigators=pair).version == 1


def test_everything_missing_is_named_at_once(task, pair):
    with pytest.raises(VisitInputError) as caught:
        submit(task, pair, answers={"house_source": "castle", "nonsense": 1}, conclusion="differs")
    items = {item for item, _ in caught.value.faults}
    assert {"house_source", "furnish", "vehicles", "other_house", "income_year", "staff_kin", "nonsense"} <= items
    assert "opinion" in items
    with at(pair[0], DAY):
        assert VisitRecord.objects.count() == 0


@pytest.mark.parametrize("seen", ["-1", "一万", "1e5", "10.555", "NaN", "9" * 12])
def test_a_number_that_is_none_is_refused_by_name(task, pair, seen):
    with pytest.raises(VisitInputError, match="“家庭年收入”应是不小于 0"):
        submit(task, pair, answers=answers(income_year={"seen": seen}))


def test_without_all_signatures_it_waits_and_the_step_stays_open(task, case, pair):
    submit(task, pair, signatures=signed(pair[0]))
    fresh(task, pair)
    assert task.state == "visited"
    with at(pair[0], DAY):
        assert open_step(case, "visit").state == "open"
    submit(task, pair, base_version=1, correction_reason="补签名")
    fresh(task, pair)
    assert (task.state, task.version) == ("signed", 2)
    with at(pair[0], DAY):
        assert open_step(case, "visit").state == "done"
        first, second = VisitRecord.objects.order_by("version")
        assert second.supersedes == first


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"strokes": []}, "没有签名"),
        ({"strokes": [[[10, 10]]]}, "没有签名"),
        ({"strokes": [[[0, 0], [5, 5], [6, 6], [7, 7]]]}, "没有签名"),
        ({"strokes": [[["<svg>", 1]]]}, "笔迹读不出来"),
        ({"strokes": [[[1e9, 1]]]}, "笔迹读不出来"),
        ({"strokes": [[[1, 1]] * 5000]}, "笔画太多"),
        ({"paper": "0" * 64}, "纸质签名照片没有上传"),
    ],
)
def test_a_signature_that_is_none_is_refused(task, pair, bad, says):
    rows = [*signed(pair[0])[:1], {"role": "investigator", "user": pair[1].pk, "name": "乙", **bad}]
    with pytest.raises(VisitInputError, match=says):
        submit(task, pair, signatures=rows)


def test_the_family_may_refuse_to_sign_but_an_investigator_may_not(task, pair):
    family = {"role": "respondent", "name": "欧阳建", "refused": "认为与事实不符，拒绝签名"}
    with pytest.raises(VisitInputError, match="不能拒签"):
        submit(task, pair, signatures=[{"role": "investigator", "user": pair[0].pk, "refused": "不想签"}, family])
    row = submit(task, pair, signatures=[*signed(*pair)[:2], family])
    fresh(task, pair)
    assert task.state == "signed"
    assert row.signatures[2]["kind"] == "refused"


def test_a_refused_visit_needs_its_story_and_does_no_step(task, case, pair):
    with pytest.raises(VisitInputError, match="请写明情形"):
        submit(task, pair, answers={}, conclusion="refused")
    submit(task, pair, answers={}, conclusion="refused", refused_reason="敲门三次，屋内有人不开")
    fresh(task, pair)
    assert task.state == "refused"
    with at(pair[0], DAY):
        assert open_step(case, "visit").state == "open"


def test_two_devices_meet_in_a_conflict_and_nothing_is_overwritten(task, pair):
    first = submit(task, pair, opinion="甲的一份")
    with pytest.raises(VisitConflictError, match="已有第 1 版记录") as caught:
        submit(task, pair, opinion="乙的一份")
    assert caught.value.theirs == first
    with pytest.raises(VisitInputError, match="请写明理由"):
        submit(task, pair, opinion="乙的一份", base_version=1)
    second = submit(task, pair, opinion="乙的一份", base_version=1, correction_reason="补充邻居说法")
    assert (second.version, second.supersedes_id) == (2, first.pk)
    fresh(first, pair)
    assert first.opinion == "甲的一份"


def test_the_same_submission_again_is_the_same_record(task, pair):
    number = uuid4()
    assert submit(task, pair, client_id=number).pk == submit(task, pair, client_id=number).pk


def test_records_and_photos_are_frozen_even_for_the_owner(task, pair, as_owner):
    row = submit(task, pair, photos=[PhotoInput(png(), "门口")])
    for change in (
        lambda: VisitRecord.objects.filter(pk=row.pk).update(opinion="改"),
        lambda: VisitRecord.objects.filter(pk=row.pk).delete(),
        lambda: task.photos.update(caption="改"),
        lambda: VisitTask.objects.filter(pk=task.pk).update(matter_no="别的事"),
        lambda: VisitTask.objects.filter(pk=task.pk).update(version=0),
    ):
        with as_owner(), pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_photo_keeps_its_claims_and_loses_its_metadata(task, pair):
    data = jpeg((0xE1, b"Exif\0\0" + exif()))
    device = datetime(2021, 9, 13, 9, 2, tzinfo=clock.BEIJING)
    with at(pair[0], DAY):
        photo = add_photo(task, PhotoInput(data, "厨房", device_at=device), acting_user=pair[0])
        again = add_photo(task, PhotoInput(data, "厨房"), acting_user=pair[0])
    assert again.pk == photo.pk
    assert (photo.claim, photo.skew_seconds) == ("exif", 120)  # the test's clock stands at nine
    assert (float(photo.latitude), float(photo.longitude)) == (30.5, 112.25)
    assert photo.sha256 != photo.source_sha256


def test_a_swapped_attachment_is_refused(task, pair):
    with at(pair[0], DAY), pytest.raises(EvidenceError, match="与拍摄时登记的校验值不符"):
        add_photo(task, PhotoInput(png(), "门口", claimed_sha256="0" * 64), acting_user=pair[0])
    row = submit(task, pair, photos=[PhotoInput(png(), "门口"), PhotoInput(png(5, 5), "客厅")])
    with at(pair[0], DAY):
        check_evidence(row)
        one, two = (photo.file for photo in task.photos.order_by("id"))
        whole = path_of(one).read_bytes()
        path_of(one).write_bytes(path_of(two).read_bytes())
        with pytest.raises(EvidenceError, match="打不开或已损坏"):
            check_evidence(row)
        path_of(one).write_bytes(whole)
        check_evidence(row)
        row.answers["furnish"] = "good"
        with pytest.raises(EvidenceError, match="与提交时的校验值不符"):
            check_evidence(row)


def test_kin_and_barred_people_do_not_visit(case, household, office, pair):
    index = bytes(household.head.id_index)
    with at(pair[1], DAY):
        file_kin(acting_user=pair[1], user=pair[1], id_indexes=[index], relation="父母")
    with at(pair[0], DAY), pytest.raises(VisitorsError, match="须回避（近亲属家庭）"):
        plan_visit(household, "review", acting_user=pair[0], assigned=pair)
    other = hire(lambda *a: office._make(*a), office.village[:9], "visit")
    with at(pair[0], DAY):
        CaseBar.objects.create(case=case, region=case.region, user=other, reason="agent")
        with pytest.raises(DutySeparationError, match="本人代办的案件"):
            plan_visit(household, "case", acting_user=pair[0], case=case, assigned=(pair[0], other))


def test_a_bar_found_after_planning_stops_the_record(task, case, pair):
    with at(pair[0], DAY):
        CaseBar.objects.create(case=case, region=case.region, user=pair[1], reason="kin")
    with pytest.raises(DutySeparationError):
        submit(task, pair)


def test_a_stranger_to_the_task_hands_nothing_in(task, office, make_user):
    outsider = hire(make_user, office.village[:6], "visit")
    with at(outsider, DAY), pytest.raises(AccessDeniedError, match="本任务的调查人员"):
        submit_visit(task, form((outsider,)), [], signed(outsider), acting_user=outsider)
    elsewhere = hire(make_user, "420803001", "visit")
    with at(elsewhere, DAY), pytest.raises(NotFoundError):
        submit_visit(task, form((elsewhere,)), [], signed(elsewhere), acting_user=elsewhere)


def test_third_party_sees_the_tasks_of_its_own_office_and_nothing_else(task, household, office, make_user):
    county = hire(make_user, office.village[:6], "clue_decide")
    from tuodi.org.models import Office

    agency = Office.objects.create(name="蓝天社工", place_code=office.village[:6])
    other = Office.objects.create(name="别家社工", place_code=office.village[:6])
    people = [hire(make_user, office.village[:6], "third_party") for _ in range(3)]
    for user, home in zip(people, (agency, agency, other), strict=True):
        user.office = home
        user.save()
    with at(county, DAY):
        visit = plan_visit(household, "third_party", acting_user=county, office=agency, matter_no="HT-2021-1")
    for user in people[:2]:
        with at(user, DAY):
            assert list(my_tasks(user)) == [visit]
            assert access_task(user, visit.pk) == visit
            with pytest.raises(NotFoundError):
                access_task(user, task.pk)
    with at(people[2], DAY):
        assert list(my_tasks(people[2])) == []
        with pytest.raises(NotFoundError):
            access_task(people[2], visit.pk)
        with pytest.raises(NotFoundError):
            submit_visit(visit, form(people[2:]), [], [], acting_user=people[2])
    with at(people[0], DAY):
        row = submit_visit(visit, form(people[:2]), [], signed(*people[:2]), acting_user=people[0])
        assert row.fact_set is None
        assert [one.visit_id for one in visit_findings("HT-2021-1")] == [row.pk]


def test_due_days_are_the_step_s_or_the_form_s_in_working_days(case, household, pair):
    with at(pair[0], date(2017, 5, 10)):
        task = plan_visit(household, "review", acting_user=pair[0], assigned=pair)
        assert task.due_on == date(2017, 5, 24)
        given = plan_visit(household, "review", acting_user=pair[0], assigned=pair, due=date(2017, 6, 1))
        assert given.due_on == date(2017, 6, 1)
    with at(pair[0], date(2035, 5, 10)):  # a year without an official calendar
        pending = plan_visit(household, "review", acting_user=pair[0], assigned=pair)
        assert (pending.due_on, pending.due_pending) == (None, True)


def test_a_visit_before_the_check_is_used_when_the_step_opens(household, office, pair):
    day = date(2017, 5, 10)  # 220: first the check, then the visit
    with at(office.town_accept, day):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    with at(pair[0], day):
        task = plan_visit(household, "case", acting_user=pair[0], case=case, assigned=pair)
        early = datetime(2017, 5, 10, 8, tzinfo=clock.BEIJING)
        submit_visit(task, form(pair, started_at=early), [], signed(*pair), acting_user=pair[0])
        assert open_step(case, "visit").state == "waiting"
        with pytest.raises(VisitInputError, match="现在不是待办"):
            apply_to_step(task, acting_user=pair[0])
    with at(office.county_review, day):
        complete_step(open_step(case, "check"), acting_user=office.county_review)
    with at(pair[0], day):
        assert apply_to_step(task, acting_user=pair[0]).state == "done"


def test_a_cancelled_task_takes_nothing_more(task, pair):
    with at(pair[0], DAY):
        with pytest.raises(VisitInputError, match="请写明原因"):
            cancel_visit(task, acting_user=pair[0], reason=" ")
        cancel_visit(task, acting_user=pair[0], reason="家庭撤回申请")
    with pytest.raises(MoveRefusedError):
        submit(task, pair)
    with at(pair[0], DAY), pytest.raises(MoveRefusedError):
        add_photo(task, PhotoInput(png()), acting_user=pair[0])


def test_times_that_cannot_be_are_refused(task, pair):
    with pytest.raises(VisitInputError, match="不能晚于现在"):
        submit(task, pair, started_at=CLOCK + timedelta(days=1))
    with pytest.raises(VisitInputError, match="离开时间早于入户时间"):
        submit(task, pair, ended_at=CLOCK - timedelta(minutes=1))


def test_strokes_are_kept_as_whole_numbers(task, pair):
    row = submit(task, pair)
    assert row.signatures[0]["strokes"] == DRAWN
    assert len(row.signatures[0]["sha256"]) == 64
