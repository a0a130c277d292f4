"""Duties with an end, lent duties, stand-ins, and administrators that stay apart: by the actions and by the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from casekit import at, family, hire
from cluekit import FOUND, Hands, clue, home
from django.db import IntegrityError, transaction

from tuodi.audit.models import AuditEntry
from tuodi.cases.actions import complete_step
from tuodi.cases.errors import DutySeparationError
from tuodi.cases.models import CaseBar, Step
from tuodi.cases.queries import my_open_work, open_step
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring.errors import NotResponsibleError
from tuodi.monitoring.ledger import Wanted, select
from tuodi.org import access, actions, lending_actions
from tuodi.org.errors import DutyConflictError, LendingError, NotFoundError
from tuodi.org.models import ALONE, Duty, DutyCode, StandIn

pytestmark = pytest.mark.django_db
TODAY = date(2021, 9, 13)
TOWN = "420802001"


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with clock.frozen(TODAY):
        yield


def week(start: int = 0, length: int = 7) -> dict[str, date]:
    return {"since": TODAY + timedelta(start), "until": TODAY + timedelta(start + length)}


def codes(user: Any) -> set[str]:
    return {one.code for one in access.duties_of(user)}


@pytest.mark.parametrize("code", [one.value for one in ALONE])
def test_an_administrator_holds_nothing_else_whoever_writes_the_row(make_user: Callable[..., Any], code: str) -> None:
    for other in ("accept", "pay_check", "supervise", *(one.value for one in ALONE if one.value != code)):
        user = make_user(TOWN, code)
        with pytest.raises(DutyConflictError):
            actions.grant_duty(acting_user=None, user=user, code=other)
        with pytest.raises(IntegrityError, match="org_duty_apart"), transaction.atomic():
            Duty.objects.create(user=user, code=other, place_code=TOWN, since=TODAY)
    actions.revoke_duty(acting_user=None, duty=user.duties.get())
    actions.grant_duty(acting_user=None, user=user, code="accept")  # one after the other is allowed


def test_a_duty_ends_on_its_day(make_user: Callable[..., Any]) -> None:
    user = make_user(TOWN)
    actions.grant_duty(acting_user=None, user=user, code="accept", until=TODAY + timedelta(2))
    assert codes(user) == {"accept"}
    with clock.frozen(TODAY + timedelta(1)):
        assert codes(user) == {"accept"}
    with clock.frozen(TODAY + timedelta(2)):
        assert codes(user) == set()


def test_granting_asks_for_the_security_manager_and_accounts_for_the_system_manager(
    make_user: Callable[..., Any],
) -> None:
    system, security, clerk = make_user(TOWN, "sysadmin"), make_user(TOWN, "security"), make_user(TOWN)
    with pytest.raises(actions.access.AccessDeniedError):
        actions.grant_duty(acting_user=system, user=clerk, code="accept")
    actions.grant_duty(acting_user=security, user=clerk, code="accept")
    with pytest.raises(actions.access.AccessDeniedError):
        actions.disable_user(acting_user=security, user=clerk)
    actions.disable_user(acting_user=system, user=clerk)


def test_moving_ends_what_was_held_and_what_was_lent(make_user: Callable[..., Any]) -> None:
    one, other = make_user(TOWN, "accept"), make_user(TOWN)
    lending_actions.delegate(acting_user=one, duty=one.duties.get(), to=other, **week())
    assert codes(other) == {"accept"}
    actions.move_user(acting_user=None, user=one, office=make_user("420802002").office)
    assert codes(one) == codes(other) == set()


def test_a_lent_duty_says_for_whom_and_ends_by_itself(make_user: Callable[..., Any]) -> None:
    one, other = make_user(TOWN, "accept"), make_user(TOWN, "visit")
    lending_actions.delegate(acting_user=one, duty=one.duties.get(), to=other, **week(1, 3))
    expected = {0: {"visit"}, 1: {"visit", "accept"}, 3: {"visit", "accept"}, 4: {"visit"}}
    for day, held in expected.items():
        with clock.frozen(TODAY + timedelta(day)):
            assert codes(other) == held, day
    with clock.frozen(TODAY + timedelta(1)):
        assert access.lender_of(other, "accept", TOWN + "001") == one
        assert access.lender_of(one, "accept", TOWN + "001") is None
        actions.disable_user(acting_user=None, user=one)
        assert codes(other) == {"visit"}  # a closed account lends nothing
    with access.system_scope("cn"):
        row = AuditEntry.objects.get(action="org.delegate")
    assert (row.actor_id, row.subject_id, row.after["from"]) == (one.pk, str(other.pk), one.name)


def test_what_cannot_be_lent(make_user: Callable[..., Any]) -> None:
    one, other = hire(make_user, TOWN, "accept"), hire(make_user, TOWN)
    mine = one.duties.get()

    def refused(why: str, *, to: Any = other, duty: Duty = mine, by: Any = one, **given: Any) -> None:
        with pytest.raises(LendingError, match=why):
            lending_actions.delegate(acting_user=by, duty=duty, to=to, **{**week(), **given})

    refused("相同的机构", to=make_user("420802002"))
    refused("相同的机构", to=make_user("420802"))
    refused("相同的机构", to=one)
    refused("相同的机构", to=make_user(TOWN, "audit_view"))
    refused("不能早于今天", since=TODAY - timedelta(1))
    refused("晚于起始日", until=TODAY)
    refused("最长", until=TODAY + timedelta(93))
    refused("范围不能大于", place_code="420802")
    manager = make_user(TOWN, "sysadmin")
    refused("不能委托", duty=manager.duties.get(), by=manager)
    refused("不能由同一人", duty=make_user(TOWN, "pay_check").duties.get(), by=Duty.objects.latest("id").user,
            to=make_user(TOWN, "pay_prepare"))  # fmt: skip
    with pytest.raises(NotFoundError):
        lending_actions.delegate(acting_user=other, duty=mine, to=one, **week())
    lent = lending_actions.delegate(acting_user=one, duty=mine, to=other, **week())
    refused("不能再转", duty=lent, by=other, to=make_user(TOWN))
    refused("已有", to=other)
    assert Duty.objects.filter(lent_from__isnull=False).count() == 1
    with pytest.raises(DutyConflictError):  # what was lent counts when something is granted
        actions.grant_duty(acting_user=None, user=other, code="sysadmin")


@pytest.mark.parametrize(
    "given",
    [{"place_code": "4208"}, {"code": "review"}, {"since": TODAY - timedelta(9000)}, {"until": date(2030, 1, 1)}],
)
def test_the_database_refuses_what_is_wider_than_its_source(
    make_user: Callable[..., Any], given: dict[str, Any]
) -> None:
    one, other = make_user(TOWN), make_user(TOWN)
    own = actions.grant_duty(acting_user=None, user=one, code="accept", until=TODAY + timedelta(30))
    row = {"user": other, "code": "accept", "place_code": TOWN, "lent_from": own, **week()}
    Duty.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        Duty.objects.create(**{**row, "place_code": TOWN + "001", **given})


def test_taking_a_duty_takes_what_was_lent_from_it(make_user: Callable[..., Any]) -> None:
    one, other = hire(make_user, TOWN, "accept"), hire(make_user, TOWN)
    lending_actions.delegate(acting_user=one, duty=one.duties.get(), to=other, **week())
    Duty.objects.filter(user=one).update(until=TODAY)  # past every action
    assert codes(other) == set()
    assert Duty.objects.get(user=other).until == TODAY


def test_recalling_is_for_the_two_and_the_security_manager(make_user: Callable[..., Any]) -> None:
    one, other, third = make_user(TOWN, "accept"), make_user(TOWN), make_user(TOWN, "accept")
    lent = lending_actions.delegate(acting_user=one, duty=one.duties.get(), to=other, **week())
    with pytest.raises(actions.access.AccessDeniedError):
        lending_actions.recall(acting_user=third, lent=[lent])
    assert lending_actions.recall(acting_user=make_user(TOWN, "security"), lent=[lent]) == 1
    assert codes(other) == set()
    assert (
        lending_actions.recall(
            acting_user=one, lent=[Duty.objects.select_related("lent_from", "user__office").get(pk=lent.pk)]
        )
        == 0
    )


def case_of(accepter: Any) -> Any:
    household = family(TOWN + "001")
    with at(accepter, TODAY):
        return accept_application(acting_user=accepter, household=household, programme="dibao").case


def test_a_stand_in_has_the_queue_and_his_steps_say_for_whom(make_user: Callable[..., Any]) -> None:
    accepter = hire(make_user, TOWN, "accept")
    away, covering = hire(make_user, "420802", "review", "visit", "pay_prepare"), hire(make_user, "420802", "pay_check")
    case = case_of(accepter)
    with at(covering, TODAY):
        assert not my_open_work(covering).filter(case=case).exists()
    row, left = lending_actions.stand_in(acting_user=away, officer=away, to=covering, reason="休假", **week())
    assert left == [DutyCode.PAY_PREPARE.label]
    assert StandIn.objects.get() == row
    with at(covering, TODAY):
        assert my_open_work(covering).filter(case=case, name="check").exists()
        step = complete_step(open_step(case, "check"), acting_user=covering)
        done = Step.objects.get(pk=step.pk)
        assert (done.done_by, done.done_for) == (covering, away)
    with at(covering, TODAY + timedelta(7)):
        assert not my_open_work(covering).exists()
    page = _page(away, case)
    assert f"{covering.name}（代 {away.name}）" in page


def _page(user: Any, case: Any) -> str:
    from django.test import Client

    client = Client()
    client.force_login(user, backend="tuodi.org.backends.StaffBackend")
    return client.get(f"/cases/{case.pk}/").content.decode()


def test_a_security_manager_may_set_a_stand_in_and_a_colleague_may_not(make_user: Callable[..., Any]) -> None:
    away, other = make_user(TOWN, "accept"), make_user(TOWN)
    with pytest.raises(actions.access.AccessDeniedError):
        lending_actions.stand_in(acting_user=other, officer=away, to=other, **week())
    lending_actions.stand_in(acting_user=make_user(TOWN, "security"), officer=away, to=other, **week())
    assert codes(other) == {"accept"}
    with pytest.raises(LendingError):
        lending_actions.stand_in(acting_user=other, officer=other, to=away, **week())  # has nothing of his own
    assert StandIn.objects.count() == 1


def test_a_borrowed_duty_is_no_way_around_a_bar_or_another_hand(make_user: Callable[..., Any]) -> None:
    accepter = hire(make_user, TOWN, "accept")
    kin, fresh = hire(make_user, "420802", "review"), hire(make_user, "420802")
    case = case_of(accepter)
    lending_actions.delegate(acting_user=kin, duty=kin.duties.get(), to=fresh, **week())
    with access.system_scope("cn"):
        CaseBar.objects.create(case=case, region=case.region, user=kin, reason="kin")
    with at(fresh, TODAY), pytest.raises(DutySeparationError, match="委托人"):
        complete_step(open_step(case, "check"), acting_user=fresh)
    # The borrower's own bar holds as well, with the duty of somebody free of it.
    free, barred = hire(make_user, "420802", "review"), hire(make_user, "420802")
    lending_actions.delegate(acting_user=free, duty=free.duties.get(), to=barred, **week())
    with access.system_scope("cn"):
        CaseBar.objects.create(case=case, region=case.region, user=barred, reason="kin")
    with at(barred, TODAY), pytest.raises(DutySeparationError):
        complete_step(open_step(case, "check"), acting_user=barred)


def test_a_stand_in_looks_into_the_clues_of_the_one_away(make_user: Callable[..., Any]) -> None:
    hands, covering = Hands(make_user), hire(make_user, TOWN)
    one = clue(home())
    with at(hands.verify, FOUND):
        ledger.assign(one, acting_user=hands.verify, responsible=hands.town)
    with clock.frozen(FOUND):
        lending_actions.stand_in(
            acting_user=hands.town, officer=hands.town, to=covering, since=FOUND, until=FOUND + timedelta(3)
        )
    wanted = Wanted(tab="mine")
    with at(covering, FOUND):
        assert list(select(wanted, user=covering, today=FOUND)) == [one]
        ledger.start_verifying(one, acting_user=covering)
    with at(covering, FOUND + timedelta(3)):
        assert not select(wanted, user=covering, today=FOUND).exists()
    # A duty lent singly is no stand-in: what was sent to somebody by name stays his.
    other = hire(make_user, TOWN)
    two = clue(home())
    with at(hands.verify, FOUND):
        ledger.assign(two, acting_user=hands.verify, responsible=hands.town)
    with clock.frozen(FOUND):
        lending_actions.delegate(
            acting_user=hands.town,
            duty=hands.town.duties.get(code="clue"),
            to=other,
            since=FOUND,
            until=FOUND + timedelta(3),
        )
    with at(other, FOUND), pytest.raises(NotResponsibleError):
        ledger.start_verifying(two, acting_user=other)
