"""Complaints and ratings: answered by somebody they are not about, in time, and never telling who spoke."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from casekit import at, hire
from oversightkit import as_resident, prefecture, resident

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.oversight import complaint_actions as actions
from tuodi.oversight import limits, queries
from tuodi.oversight import rating_actions as ratings
from tuodi.oversight.errors import (
    LimitFileError,
    NotForYouError,
    OversightInputError,
    OversightStateError,
    RatedAlreadyError,
)
from tuodi.oversight.models import Complaint, Rating
from tuodi.people.models import ResidentAccount

DAY = date(2021, 9, 13)
FOUND = "查了受理登记和监控，9 月 10 日确实没有当场出具回执，已补发并批评教育。"


@pytest.fixture
def me(household) -> ResidentAccount:
    return resident(household.head)


@pytest.fixture
def county(db, make_user):
    return hire(make_user, "420802", "complaint")


def complained(me, office_of, *, on=DAY, **more):
    with as_resident(on), system_scope("420802"):
        return actions.complain(
            region=me.region, account=me, office=office_of.office, client_key=uuid4(), about="not_taken",
            text="去了两次都不给受理，也不给回执", from_name="欧阳建", phone="13800001234", **more,
        )  # fmt: skip


def test_a_complaint_about_a_township_is_the_county_s_within_working_days(me, office, county):
    row = complained(me, office.town_accept)
    assert (row.level, row.due_on, row.phone_masked) == ("COUN", date(2021, 10, 9), "138****1234")
    assert b"13800001234" not in bytes(row.phone_cipher)
    with at(county, DAY):
        assert [one.pk for one in queries.complaints(county)] == [row.pk]
        done = actions.answer(row, acting_user=county, text=FOUND)
        assert (done.state, done.answered_by_id) == ("answered", county.pk)
        with pytest.raises(OversightStateError):
            actions.answer(row, acting_user=county, text=FOUND)


def test_whom_it_is_about_neither_sees_nor_answers_it(me, office, make_user):
    row = complained(me, office.town_accept, staff=office.town_accept)
    colleague = hire(make_user, "420802001", "complaint")
    above = prefecture(make_user)
    assert colleague.office_id == office.town_accept.office_id
    with at(colleague, DAY):
        assert list(queries.complaints(colleague)) == []
        with pytest.raises(NotFoundError):
            queries.access_complaint(colleague, row.pk)
        with pytest.raises(NotForYouError, match="您所在的机构"):
            actions.answer(row, acting_user=colleague, text=FOUND)
    with at(above, DAY):
        assert actions.answer(row, acting_user=above, text=FOUND).answered_by_id == above.pk


def test_the_township_answers_nothing_that_is_the_county_s_and_a_hand_in_the_case_none(
    me, office, household, make_user
):
    from tuodi.intake.application_actions import accept_application

    with at(office.town_accept, DAY):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    row = complained(me, hire(make_user, "420802001001", "accept"), case_no=case.no)
    assert row.level == "TOWN"
    with system_scope("420802"):
        Complaint.objects.filter(pk=row.pk).update(level="COUN")
        row.refresh_from_db()
    town = hire(make_user, "420802001", "complaint")
    with at(town, DAY), pytest.raises(NotForYouError, match="上一级"):
        actions.answer(row, acting_user=town, text=FOUND)
    with system_scope("420802"):
        Complaint.objects.filter(pk=row.pk).update(level="TOWN")
        row.refresh_from_db()
    from tuodi.org.actions import grant_duty

    with clock.frozen(date(2010, 1, 4)):
        grant_duty(acting_user=None, user=office.town_accept, code="complaint")
    with at(office.town_accept, DAY), pytest.raises(NotForYouError, match="办理过"):
        actions.answer(row, acting_user=office.town_accept, text=FOUND)
    with at(office.town_visit, DAY), pytest.raises(AccessDeniedError):
        actions.answer(row, acting_user=office.town_visit, text=FOUND)


def test_what_is_late_goes_up_by_itself_once_a_day_and_stops_at_the_province(me, office):
    row = complained(me, office.town_accept)
    with clock.frozen(row.due_on), system_scope("cn"):
        assert actions.escalate_overdue() == 0
    day = row.due_on + timedelta(days=1)
    with clock.frozen(day), system_scope("cn"):
        assert actions.escalate_overdue() == 1
        assert actions.escalate_overdue() == 0
        row.refresh_from_db()
        assert (row.state, row.level) == ("escalated", "PREF")
    with clock.frozen(day + timedelta(days=60)), system_scope("cn"):
        assert actions.escalate_overdue() == 1
    with clock.frozen(day + timedelta(days=200)), system_scope("cn"):
        assert actions.escalate_overdue() == 0
        row.refresh_from_db()
        assert row.level == "PROV"


def test_an_answer_that_does_not_content_goes_up_once(me, office, county, make_user):
    row = complained(me, office.town_accept)
    above = prefecture(make_user)
    with at(county, DAY):
        actions.answer(row, acting_user=county, text=FOUND)
    with as_resident(DAY), system_scope("420802"):
        row = actions.reply(row, account=me, content=False, text="还是没有回执")
        assert (row.state, row.level) == ("escalated", "PREF")
    with at(county, DAY), pytest.raises(NotForYouError):
        actions.answer(row, acting_user=county, text=FOUND)
    with at(above, DAY):
        actions.answer(row, acting_user=above, text=FOUND)
    with as_resident(DAY), system_scope("420802"):
        assert actions.reply(row, account=me, content=False).state == "closed"


def test_the_log_does_not_say_who_complained(me, office):
    row = complained(me, office.town_accept)
    with system_scope("420802"):
        entry = AuditEntry.objects.get(action="oversight.complain", subject_id=str(row.pk))
    assert entry.actor_name == "居民（投诉）"
    assert "欧阳" not in str(vars(entry))


def test_the_same_form_twice_is_one_and_nothing_is_no_complaint(me, office):
    key = uuid4()
    with as_resident(DAY), system_scope("420802"):
        common = {"region": me.region, "account": me, "client_key": key, "about": "delay"}
        first = actions.complain(**common, text="三个月没有结果")
        assert actions.complain(**common, text="三个月没有结果").pk == first.pk
        with pytest.raises(OversightInputError, match="写明是什么事"):
            actions.complain(**{**common, "client_key": uuid4()}, text=" ")
    assert queries.own(Complaint, me) == [first]


def test_limits_are_data_with_their_clause_and_a_region_sets_its_own(tmp_path, monkeypatch):
    assert limits.term("complaint_answer", "420802", DAY).assumed
    own = "place: '4208'\nlimits:\n  complaint_answer: {n: 5, unit: 工作日, from: 2021-01-01, clause: 测试文件}\n"
    (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
    monkeypatch.setenv("TUODI_OVERSIGHT", str(tmp_path))
    assert limits.term("complaint_answer", "420802001001", DAY).n == 5
    assert limits.term("complaint_answer", "530102001001", DAY).n == 15
    (tmp_path / "bad.yaml").write_text("place: cn\nlimits:\n  coffee: {n: 1, unit: 日, from: 2021-01-01, clause: x}\n")
    limits.reload()
    with pytest.raises(LimitFileError, match="coffee"):
        limits.term("complaint_answer", "420802", DAY)
    monkeypatch.delenv("TUODI_OVERSIGHT")
    limits.reload()


def rated(account, grade, *, matter="420802-SL-1", stage="complaint", text=""):
    with as_resident(DAY), system_scope("420802"):
        return ratings.rate(
            account=account, region=account.region, matter_no=matter, stage=stage, grade=grade, text=text
        )


def test_one_rating_a_matter_and_step(me):
    rated(me, 5)
    with pytest.raises(RatedAlreadyError, match="2021-09-13"):
        rated(me, 4)
    assert rated(me, 4, stage="online").state == "given"
    with pytest.raises(OversightInputError):
        rated(me, 6, matter="other")


def test_a_bad_one_is_verified_mended_in_time_and_called_back(me, county):
    row = rated(me, 1, text="态度差")
    assert (row.state, row.due_on) == ("to_verify", date(2021, 10, 9))
    with at(county, DAY):
        with pytest.raises(OversightStateError):
            ratings.mend(row, acting_user=county, what="已经整改完毕")
        ratings.verify(row, acting_user=county, true=True, finding="调取录音，情况属实")
        ratings.mend(row, acting_user=county, what="已批评教育，重新培训")
        assert ratings.open_phone(row, acting_user=county) == "13800001234"
        done = ratings.call_back(row, acting_user=county, note="电话回访，群众表示认可")
        assert done.state == "closed"
        with pytest.raises(OversightStateError):
            ratings.open_phone(row, acting_user=county)
        assert AuditEntry.objects.filter(action="oversight.open_phone").count() == 1


def test_the_rated_office_follows_nothing_up_and_the_log_does_not_name_the_rater(me, county):
    row = rated(me, 2)
    with system_scope("420802"):
        Rating.objects.filter(pk=row.pk).update(office=county.office)
        row.refresh_from_db()
    with at(county, DAY):
        assert list(queries.ratings(county)) == []
        with pytest.raises(NotForYouError):
            ratings.verify(row, acting_user=county, true=False, finding="没有这回事")
        entry = AuditEntry.objects.get(action="oversight.rate")
        assert (entry.actor_id, entry.actor_name) == (None, "系统")


def test_small_groups_are_left_out_and_cannot_be_worked_out(me, office, county, make_user):
    def give(where, n, grade):
        for _ in range(n):
            number = len(made)
            row = rated(me, grade, matter=f"m{number}")
            made.append(row)
            with system_scope("420802"):
                Rating.objects.filter(pk=row.pk).update(office=where.office if where else None)

    made: list[Rating] = []
    give(office.town_accept, 5, 5)
    give(county, 4, 1)
    with system_scope("420802"):
        whole, *cells = ratings.figures(Rating.objects.all())
        assert (whole.count, whole.rate, whole.mean) == (9, 55, 322)
        assert {(one.count, one.rate) for one in cells} == {(5, 100), (4, 0)}
    give(prefecture(make_user), 2, 3)
    with system_scope("420802"):
        whole, *cells = ratings.figures(Rating.objects.all())
        # The two of the prefecture would be 11 − 5 − 4: the next smallest goes with them.
        assert whole.count == 11
        assert sorted(one.count for one in cells if one.count is not None) == [5]
        assert sum(one.count is None for one in cells) == 2
