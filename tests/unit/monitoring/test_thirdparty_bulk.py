"""A provider's list of visits: all of it or nothing, the same rows as one by one."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from casekit import at, hire
from paykit import family

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.monitoring import thirdparty_actions as check
from tuodi.monitoring.models import ThirdPartyContract, ThirdPartyTask
from tuodi.monitoring.sweep_errors import WatchInputError
from tuodi.monitoring.thirdparty_bulk import Visit, report_many
from tuodi.org import actions
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import Office

pytestmark = pytest.mark.django_db
FIRST, DAY, LAST = date(2017, 4, 20), date(2017, 4, 24), date(2017, 6, 2)
NOW = datetime(2017, 4, 24, 9, tzinfo=clock.BEIJING)  #: the frozen clock's moment on DAY
MOMENT = timedelta(microseconds=1)
TOLD = ("opinion", "reasons", "met", "visited_at", "state", "reported_at", "reported_by_id", "visitor_id")


@pytest.fixture
def county(make_user):
    return hire(make_user, "420804", "clue_decide")


def provider(name: str = "蓝天社工") -> Office:
    return Office.objects.create(name=name, place_code="420804", kind=Office.Kind.PROVIDER)


def visitor(office: Office, name: str = "v1"):
    with clock.frozen(date(2017, 1, 4)):
        user = actions.add_user(
            acting_user=None, username=name, name="社工", office=office, password="Tuodi-2017-x", is_demo=True
        )
        actions.grant_duty(acting_user=None, user=user, code="third_party")
    return user


def hired(county, office: Office, *, homes: int, visitors=()) -> ThirdPartyContract:
    """A contract with so many tasks."""
    made = [family(village="420804001001", names=("何建国", "李梅")) for _ in range(homes)]
    with at(county, FIRST):
        contract = check.make_contract(
            acting_user=county, place="420804", provider=office, first_day=FIRST, last_day=LAST, scope="全区低保对象",
            services=["入户核查"], price_fen=100_000,
        )  # fmt: skip
        check.assign(contract, acting_user=county, households=made, visitors=visitors)
    return contract


def tasks(contract: ThirdPartyContract) -> list[ThirdPartyTask]:
    with system_scope("4208"):
        contract.refresh_from_db()
        return list(ThirdPartyTask.objects.filter(contract=contract).order_by("id"))


def told(contract: ThirdPartyContract) -> list[tuple]:
    return [tuple(getattr(task, name) for name in TOLD) for task in tasks(contract)]


def sent(contract: ThirdPartyContract, user, *visits: Visit, on: date = DAY) -> int:
    with clock.frozen(on):
        return report_many(contract, list(visits), acting_user=user)


def seen(task: ThirdPartyTask, opinion: str = "eligible", **more) -> Visit:
    return Visit(task.pk, opinion, more.pop("visited_at", NOW), **more)


def test_the_list_leaves_the_same_rows_as_reports_one_by_one(county):
    office = provider()
    user = visitor(office)
    by_list, by_hand = hired(county, office, homes=3), hired(county, office, homes=3)
    lines = [
        {"opinion": "eligible", "visited_at": NOW - timedelta(hours=2)},
        {"opinion": "not", "reasons": "  有车\t有房,\\N\n另有存款 ", "met": " 本人 "},
        {"opinion": "doubt", "reasons": "由" * 2001, "met": "邻" * 61},
    ]
    lines = [{"visited_at": NOW} | line for line in lines]
    assert sent(by_list, user, *(seen(t, **line) for t, line in zip(tasks(by_list), lines, strict=True))) == 3
    with clock.frozen(DAY):
        for task, line in zip(tasks(by_hand), lines, strict=True):
            check.report(task.pk, acting_user=user, **line)
    assert told(by_list) == told(by_hand)
    assert told(by_list)[1][:3] == ("not", "有车\t有房,\\N\n另有存款", "本人")
    assert by_list.state == by_hand.state == "reported"


def test_the_contract_is_reported_with_its_last_task_and_a_list_may_be_corrected(county):
    office = provider()
    user = visitor(office)
    contract = hired(county, office, homes=3)
    one, two, three = tasks(contract)
    assert sent(contract, user) == 0
    assert sent(contract, user, seen(one), seen(two)) == 2
    assert [t.state for t in tasks(contract)] == ["reported", "reported", "assigned"]
    assert contract.state == "assigned"
    before = told(contract)
    assert sent(contract, user, seen(one), seen(two)) == 2  # the same list again
    assert told(contract) == before
    assert sent(contract, user, seen(two, "not", reasons="有车"), seen(three)) == 2
    assert [t.opinion for t in tasks(contract)] == ["eligible", "not", "eligible"]
    assert contract.state == "reported"
    with system_scope("4208"):
        rows = AuditEntry.objects.filter(action="monitoring.third_party_report_many").order_by("id")
        assert [(row.after["tasks"], row.actor_id) for row in rows] == [(n, user.pk) for n in (0, 2, 2, 2)]
        assert rows[3].after["opinions"] == {"not": 1, "eligible": 1}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"opinion": ""}, "第 2 行核查意见"),
        ({"opinion": "符合条件"}, "第 2 行核查意见"),
        ({"opinion": "not"}, "第 2 行理由"),
        ({"opinion": "doubt", "reasons": " \n"}, "第 2 行理由"),
        ({"visited_at": NOW + MOMENT}, "第 2 行入户时间"),
        ({"visited_at": datetime(2017, 4, 19, 23, 59, 59, tzinfo=clock.BEIJING)}, "第 2 行入户时间"),
    ],
)
def test_one_wrong_line_is_named_and_nothing_is_taken(county, wrong, words):
    office = provider()
    user = visitor(office)
    contract = hired(county, office, homes=2)
    one, two = tasks(contract)
    before = told(contract)
    with pytest.raises(WatchInputError, match=words):
        sent(contract, user, seen(one), seen(two, **wrong))
    assert told(contract) == before
    assert contract.state == "assigned"


def test_the_first_moment_and_the_last_day_of_a_contract_count(county):
    office = provider()
    user = visitor(office)
    contract = hired(county, office, homes=1)
    (task,) = tasks(contract)
    dawn = datetime(2017, 4, 20, tzinfo=clock.BEIJING)
    assert sent(contract, user, seen(task, visited_at=dawn)) == 1
    assert sent(contract, user, seen(task, visited_at=dawn), on=LAST) == 1
    with pytest.raises(NotFoundError):
        sent(contract, user, seen(task, visited_at=dawn), on=LAST + timedelta(days=1))


def test_a_list_with_a_task_that_is_not_the_visitors_to_report_is_not_there(county):
    office = provider()
    mine, other = visitor(office), visitor(office, "v2")
    contract, another = hired(county, office, homes=2), hired(county, office, homes=1)
    theirs = hired(county, office, homes=1, visitors=[other])
    one, two = tasks(contract)
    for line in (
        seen(one),  # the same task twice
        seen(tasks(another)[0]),  # of another contract
        Visit(10**12, "eligible", NOW),
    ):
        with pytest.raises(NotFoundError):
            sent(contract, mine, seen(one), line)
    with pytest.raises(NotFoundError):
        sent(theirs, mine, seen(tasks(theirs)[0]))  # a colleague's
    assert {t.state for t in [*tasks(contract), *tasks(another), *tasks(theirs)]} == {"assigned"}
    assert sent(contract, mine, seen(one)) == 1
    with at(county, DAY):
        check.decide(tasks(contract)[0], "accept", acting_user=county)
    with pytest.raises(NotFoundError):
        sent(contract, mine, seen(two), seen(one))  # one the county has decided
    assert [t.state for t in tasks(contract)] == ["decided", "assigned"]


def test_who_has_no_such_duty_or_works_for_another_is_refused(county):
    office = provider()
    contract = hired(county, office, homes=1)
    (task,) = tasks(contract)
    with pytest.raises(AccessDeniedError):
        sent(contract, county, seen(task))
    with pytest.raises(NotFoundError):
        sent(contract, visitor(provider("别的机构"), "v3"), seen(task))
    user = visitor(office)
    Office.objects.filter(pk=office.pk).update(is_active=False)
    user.office.refresh_from_db()
    with pytest.raises(NotFoundError):
        sent(contract, user, seen(task))
    assert tasks(contract)[0].state == "assigned"
