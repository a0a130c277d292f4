"""A third-party task done as a home visit: through the door of the one task, and nothing more behind it."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from casekit import at, hire
from fieldkit import answers, png, signed
from paykit import family

from tuodi.files.images import ImageRefusedError
from tuodi.kernel import clock
from tuodi.monitoring import thirdparty_actions as check
from tuodi.monitoring import thirdparty_queries as queries
from tuodi.monitoring.models import ThirdPartyTask
from tuodi.monitoring.sweep_errors import WatchInputError, WatchStateError
from tuodi.monitoring.thirdparty_visits import seen_of
from tuodi.org import actions
from tuodi.org.access import scope, system_scope
from tuodi.org.errors import NotFoundError
from tuodi.org.models import Office
from tuodi.people.models import Person
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models import VisitRecord, VisitTask
from tuodi.verification.visit_access import door
from tuodi.verification.visit_actions import VisitForm, add_photo, plan_visit, submit_visit
from tuodi.verification.visit_errors import VisitorsError
from tuodi.verification.visit_evidence import PhotoInput, check_evidence
from tuodi.verification.visit_facts import basis_for
from tuodi.verification.visit_forms import form_for
from tuodi.verification.visit_queries import access_task, my_tasks

pytestmark = pytest.mark.django_db
DAY = date(2017, 4, 24)
WENT = datetime(2017, 4, 24, 8, 0, tzinfo=clock.BEIJING)


@pytest.fixture
def county(make_user):
    return hire(make_user, "420804", "clue_decide")


def visitor(office, name):
    with clock.frozen(date(2017, 1, 4)):
        user = actions.add_user(
            acting_user=None, username=name, name=f"社工{name}", office=office, password="Tuodi-2017-x", is_demo=True
        )
        actions.grant_duty(acting_user=None, user=user, code="third_party")
    return user


@pytest.fixture
def provider():
    return Office.objects.create(name="蓝天社工", place_code="420804", kind=Office.Kind.PROVIDER)


@pytest.fixture
def pair(provider):
    return visitor(provider, "v1"), visitor(provider, "v2")


@pytest.fixture
def homes():
    return [family(village="420804001001", names=("何建国", "李梅")) for _ in range(2)]


@pytest.fixture
def tasks(county, provider, pair, homes):
    """One task of each visitor."""
    with at(county, DAY):
        contract = check.make_contract(
            acting_user=county, place="420804", provider=provider, first_day=date(2017, 4, 20),
            last_day=date(2017, 6, 2), scope="全区低保对象",
        )  # fmt: skip
        for home, user in zip(homes, pair, strict=True):
            check.assign(contract, acting_user=county, households=[home], visitors=[user])
        return [ThirdPartyTask.objects.get(household=home).pk for home in homes]


def form(users, **more):
    return VisitForm(**{"answers": answers(), "conclusion": "true", "investigators": users, "started_at": WENT} | more)


def test_the_visit_s_number_goes_with_the_finding_and_the_county_sees_its_photographs(tasks, pair, county):
    mine, other = pair
    with clock.frozen(DAY):
        visit = check.open_visit(tasks[0], acting_user=mine)
        assert check.open_visit(tasks[0], acting_user=mine) == visit
        with scope(mine):  # as a request is
            photo = add_photo(
                visit,
                PhotoInput(png(), caption="门口", taken_at=WENT, latitude=30.9, longitude=112.2),
                acting_user=mine,
            )
            row = submit_visit(visit, form(pair), [photo], signed(*pair), acting_user=mine)
            assert row.fact_set is None
            own = queries.my_task(mine, tasks[0])
            assert (own.visit, own.record) == (visit.pk, row.pk)
            assert queries.my_task_of(mine, visit).id == tasks[0]
            done = check.report(tasks[0], acting_user=mine, opinion="not", reasons="有两层新楼", visit_id=own.record)
        assert (done.visit_id, done.visited_at, done.state) == (row.pk, WENT, "reported")
        with pytest.raises(WatchInputError, match="入户记录"):
            check.report(tasks[1], acting_user=other, opinion="eligible", visit_id=row.pk)
    with at(county, DAY):
        check_evidence(VisitRecord.objects.get(pk=row.pk))
        assert access_task(county, visit.pk).matter_no == f"{done.contract.no}/{done.pk}"
        (seen,) = seen_of(ThirdPartyTask.objects.all()).values()
        assert (seen.no, seen.visit_task, seen.conclusion) == (row.no, visit.pk, "情况属实")
        assert seen.photos == ((photo.pk, "门口"),)
        assert (photo.claim, float(photo.latitude)) == ("device", 30.9)
        check.decide(ThirdPartyTask.objects.get(pk=tasks[0]), "clue", acting_user=county)
    with clock.frozen(DAY), pytest.raises(WatchStateError):
        check.open_visit(tasks[0], acting_user=mine)


def test_a_visitor_comes_through_to_his_own_task_and_to_nothing_else(tasks, pair, make_user, homes):
    mine, other = pair
    stranger = visitor(Office.objects.create(name="别家", place_code="420804", kind=Office.Kind.PROVIDER), "v3")
    officer = hire(make_user, "420804001", "visit")
    with clock.frozen(DAY):
        visit, theirs = (check.open_visit(pk, acting_user=user) for pk, user in zip(tasks, pair, strict=True))
        with at(officer, DAY):
            review = plan_visit(homes[0], "review", acting_user=officer, office=officer.office)
        with scope(mine):
            assert (VisitTask.objects.count(), list(my_tasks(mine))) == (0, [])
            assert access_task(mine, visit.pk).household_id == homes[0].pk
            for pk in (theirs.pk, review.pk, 4711):
                with pytest.raises(NotFoundError):
                    access_task(mine, pk)
                with pytest.raises(NotFoundError), door(mine, pk):
                    pass
            with door(mine):
                assert list(my_tasks(mine)) == [visit]
            assert Person.objects.count() == 0  # shut again
        for user in (other, stranger):
            for deed in (
                lambda user=user: access_task(user, visit.pk),
                lambda user=user: add_photo(visit, PhotoInput(png()), acting_user=user),
                lambda user=user: submit_visit(visit, form([user]), [], [], acting_user=user),
            ):
                with scope(user), pytest.raises(NotFoundError):
                    deed()
        with scope(stranger), door(stranger):
            assert list(my_tasks(stranger)) == []
    with clock.frozen(date(2017, 6, 3)), scope(mine), pytest.raises(NotFoundError):  # the contract is over
        access_task(mine, visit.pk)
    with system_scope("420804"):
        assert VisitRecord.objects.count() == 0


def test_the_form_holds_masked_names_and_neither_facts_nor_amounts(tasks, pair, county, homes):
    mine = pair[0]
    with clock.frozen(DAY):
        with system_scope("420804"):
            draft = start_fact_set(acting_user=None, household=homes[0], reason="核对")
            freeze(enter_facts(draft, acting_user=None, household={"income_year": "7200.00"}), acting_user=None)
        visit = check.open_visit(tasks[0], acting_user=mine)
        with scope(mine), door(mine, visit.pk):
            found = basis_for(visit, form_for(visit.region, DAY))
        assert found == {"members_fit": {"register": "何**、李*", "source": "登记"}}
    with at(county, DAY):  # the same family's own visit does compare: the facts are there to be withheld
        plain = plan_visit(homes[0], "clue", acting_user=county, office=county.office)
        assert basis_for(plain, form_for(plain.region, DAY))["income_year"]["declared"] == "7200.00"


def test_a_record_without_signatures_carries_no_finding(tasks, pair):
    mine = pair[0]
    with clock.frozen(DAY), scope(mine):
        visit = check.open_visit(tasks[0], acting_user=mine)
        with pytest.raises(ImageRefusedError):
            add_photo(visit, PhotoInput(b"<script>"), acting_user=mine)
        row = submit_visit(visit, form(pair), [], signed(mine), acting_user=mine)
        assert queries.my_task(mine, tasks[0]).record is None
        with pytest.raises(WatchStateError, match="签名"):
            check.report(tasks[0], acting_user=mine, opinion="eligible", visit_id=row.pk)
        again = form(pair, base_version=1, correction_reason="补签")
        second = submit_visit(visit, again, [], signed(*pair), acting_user=mine)
        with pytest.raises(WatchInputError, match="最新记录"):
            check.report(tasks[0], acting_user=mine, opinion="eligible", visit_id=row.pk)
        assert check.report(tasks[0], acting_user=mine, opinion="eligible").visit_id == second.pk


def test_nobody_of_another_office_stands_under_a_provider_s_record(tasks, pair, make_user):
    officer = hire(make_user, "420804001", "visit")
    with clock.frozen(DAY), scope(pair[0]):
        visit = check.open_visit(tasks[0], acting_user=pair[0])
        with pytest.raises(VisitorsError, match="本机构"):
            submit_visit(visit, form((pair[0], officer)), [], signed(pair[0], officer), acting_user=pair[0])


def test_a_visit_early_on_the_contract_s_first_morning_is_within_it(tasks, pair):
    """At six in Beijing it is still the day before by the clock the database answers in."""
    with clock.frozen(datetime(2017, 4, 20, 6, 0, tzinfo=clock.BEIJING)), scope(pair[0]):
        visit = check.open_visit(tasks[0], acting_user=pair[0])
        submit_visit(visit, form(pair, started_at=None), [], signed(*pair), acting_user=pair[0])
        assert check.report(tasks[0], acting_user=pair[0], opinion="eligible").state == "reported"
