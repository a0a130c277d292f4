"""The third-party annual check: narrow accounts, reports, the county's decisions, and the report out of rows."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from casekit import at, hire
from django.db import connection
from paykit import family

from tuodi.kernel import clock
from tuodi.monitoring import thirdparty_actions as check
from tuodi.monitoring import thirdparty_queries as queries
from tuodi.monitoring.models import Clue, ThirdPartyTask
from tuodi.monitoring.sweep_errors import WatchInputError, WatchStateError
from tuodi.org import access, actions
from tuodi.org.access import scope, system_scope
from tuodi.org.copying import copy_rows
from tuodi.org.errors import AccessDeniedError, DutyConflictError, NotFoundError
from tuodi.org.models import Office
from tuodi.people.models import Person

pytestmark = pytest.mark.django_db
DAY = date(2017, 4, 24)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def county(make_user):
    return hire(make_user, "420804", "clue_decide")


def provider(name="蓝天社工"):
    return Office.objects.create(name=name, place_code="420804", kind=Office.Kind.PROVIDER)


def visitor(office, name="v1"):
    with clock.frozen(date(2017, 1, 4)):
        user = actions.add_user(
            acting_user=None, username=name, name="社工", office=office, password="Tuodi-2017-x", is_demo=True
        )
        actions.grant_duty(acting_user=None, user=user, code="third_party")
    return user


@pytest.fixture
def contract(county):
    with at(county, date(2017, 4, 20)):
        return check.make_contract(
            acting_user=county, place="420804", provider=provider(), first_day=date(2017, 4, 20), last_day=date(2017, 6, 2),
            scope="全区低保对象", services=["入户核查", "政策宣传"], price_fen=31_420_000,
        )  # fmt: skip


def homes(n=2):
    return [family(village="420804001001", names=("何建国", "李梅")) for _ in range(n)]


def test_a_providers_account_sees_no_row_of_the_database_and_only_its_own_tasks(contract, county):
    one, two = homes()
    mine, other = visitor(contract.provider), visitor(contract.provider, "v2")
    stranger = visitor(provider("别的机构"), "v3")
    with at(county, DAY):
        assert check.assign(contract, acting_user=county, households=[one], visitors=[mine]) == 1
        assert check.assign(contract, acting_user=county, households=[one], visitors=[mine]) == 0
        assert check.assign(contract, acting_user=county, households=[two], visitors=[other]) == 1
    with clock.frozen(DAY):
        with scope(mine):
            assert Person.objects.count() == 0  # asked of the database itself, as a page would
            assert ThirdPartyTask.objects.count() == 0
        assert access.in_scope(mine, one.region) is False
        (task,) = queries.my_tasks(mine)
        assert (task.no, task.head) == (one.no, "何建国")
        assert "*" in task.id_masked
        assert not hasattr(task, "amount_fen")
        assert queries.my_task(mine, task.id).members == (("本人", "何建国"), ("配偶", "李梅"))
        (others,) = queries.my_tasks(other)
        for user, number in ((mine, others.id), (stranger, task.id)):
            with pytest.raises(NotFoundError):
                queries.my_task(user, number)
            with pytest.raises(NotFoundError):
                check.report(number, acting_user=user, opinion="eligible")
        assert queries.my_tasks(stranger) == []
        with pytest.raises(AccessDeniedError):
            queries.my_tasks(county)
    with clock.frozen(date(2017, 6, 3)):  # the contract is over
        assert queries.my_tasks(mine) == []
        with pytest.raises(NotFoundError):
            check.report(task.id, acting_user=mine, opinion="eligible")


def test_a_third_partys_account_holds_no_other_duty(contract):
    user = visitor(contract.provider)
    with pytest.raises(DutyConflictError):
        actions.grant_duty(acting_user=None, user=user, code="clue_decide")


def test_a_report_needs_reasons_and_stands_until_the_county_decides(contract, county):
    (home,) = homes(1)
    user = visitor(contract.provider)
    with at(county, DAY):
        check.assign(contract, acting_user=county, households=[home])
    with clock.frozen(DAY):
        (task,) = queries.my_tasks(user)
        for wrong in (
            {"opinion": "not"},
            {"opinion": ""},
            {"opinion": "eligible", "visited_at": clock.now().replace(year=2018)},
        ):
            with pytest.raises(WatchInputError):
                check.report(task.id, acting_user=user, **wrong)
        check.report(task.id, acting_user=user, opinion="eligible")
        check.report(task.id, acting_user=user, opinion="not", reasons="有车有房", met="本人")
        photo = check.add_photo(task.id, PNG, acting_user=user, caption="门前")
        assert check.add_photo(task.id, PNG, acting_user=user).pk == photo.pk
        with pytest.raises(WatchInputError, match="JPEG"):
            check.add_photo(task.id, b"<script>", acting_user=user)
    with at(county, DAY):
        row = ThirdPartyTask.objects.get()
        with pytest.raises(WatchInputError, match="不符合条件"):
            check.decide(row, "accept", acting_user=county)
        row = check.decide(row, "clue", acting_user=county, note="转线索")
        assert row.clue.source == "third_party"
        assert row.clue.household_id == home.pk
        with pytest.raises(WatchStateError):
            check.decide(row, "review", acting_user=county)
        contract.refresh_from_db()
        assert contract.state == "decided"
        done = check.evaluate(contract, acting_user=county, score=90, text="按期完成")
        assert (done.state, done.score) == ("evaluated", 90)
    with clock.frozen(DAY), pytest.raises(WatchStateError):
        check.report(task.id, acting_user=user, opinion="eligible")


def test_who_may_not_is_refused(contract, make_user, county):
    town = hire(make_user, "420804001", "clue")
    with at(town, DAY), pytest.raises(NotFoundError):
        check.assign(contract, acting_user=town)
    clerk = hire(make_user, "420804", "verify")
    with at(clerk, DAY), pytest.raises(AccessDeniedError):
        check.assign(contract, acting_user=clerk)
    with at(county, DAY):
        with pytest.raises(WatchInputError, match="不在合同范围"):
            check.assign(contract, acting_user=county, villages=["420802001"])
        with pytest.raises(WatchStateError):
            check.evaluate(contract, acting_user=county, score=1, text="x")
        office = Office.objects.create(name="普通机构", place_code="420804")
        with pytest.raises(WatchInputError, match="第三方服务机构"):
            check.make_contract(
                acting_user=county, place="420804", provider=office, first_day=DAY, last_day=DAY, scope="x"
            )


def test_a_sample_is_drawn_by_hash_and_villages_are_shared_out(contract, county):
    made = homes(12)
    user = visitor(contract.provider)
    with at(county, DAY):
        n = check.assign(contract, acting_user=county, every=3, villages=["420804001"], visitors=[user])
        assert 0 < n < len(made)
        drawn = set(ThirdPartyTask.objects.values_list("household_id", flat=True))
        assert check.assign(contract, acting_user=county, every=3, villages=["420804001"]) == 0
        assert set(ThirdPartyTask.objects.values_list("visitor_id", flat=True)) == {user.pk}
        assert check.assign(contract, acting_user=county) == len(made) - len(drawn)


def test_the_report_of_duodao_2017_comes_out_of_rows(contract, county):
    """掇刀区 2017: 3,142 visits (1,368 rural, 1,774 urban), 284 not eligible, 9 %; some families were visited twice."""
    (home,) = homes(1)
    with at(county, DAY), connection.cursor() as cursor:
        cursor.execute(
            "insert into people_household (region, no, head_id, area_kind, address, formed_on, is_demo) "
            "select %s, 'JT-' || n, %s, 'rural', '', '2015-01-01', true from generate_series(1, 2464) n returning id",
            [home.region, home.head_id],
        )
        families = [number for (number,) in cursor.fetchall()]
        visits = [(home_id, 1) for home_id in families] + [(home_id, 2) for home_id in families[:678]]
        copy_rows(
            ThirdPartyTask,
            ["region", "contract_id", "household_id", "round", "programme", "category", "state", "met", "opinion", "reasons",
             "decision", "decision_note"],
            (
                (home.region, contract.pk, family_id, turn, "dibao", "rural" if at < 1368 else "urban", "reported", "",
                 "not" if at % 11 == 0 and at // 11 < 284 else "eligible", "不符合", "", "")
                for at, (family_id, turn) in enumerate(visits)
            ),
        )  # fmt: skip
        found = queries.third_party_report(contract)
        assert (found.visits, found.rural, found.urban, found.not_eligible) == (3142, 1368, 1774, 284)
        assert found.households == 2464
        assert found.coverage == 1
        assert found.hit_rate == Fraction(284, 3142)
        assert f"{float(found.hit_rate):.2%}" == "9.04%"
        assert found.fen_per_visit == 10_000
        assert sum(row[2] for row in queries.village_lists(contract)) == 3142
        assert Clue.objects.count() == 0


def test_rows_are_seen_by_their_own_county_only(contract, make_user):
    far = hire(make_user, "420802", "clue_decide")
    with at(far, DAY), pytest.raises(NotFoundError):
        check.assign(contract, acting_user=far)
    with system_scope("420802"):
        assert ThirdPartyTask.objects.count() == 0
