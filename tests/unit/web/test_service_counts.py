"""Pages of single matters, and the lists other tests do not fill: as many questions for one row as for several, 25 at most.

Lists without a parameter are walked by tests/whole/test_list_queries.py, those of a changing roll by test_life_pages.py.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import residentkit
from applykit import sent
from casekit import Office, at, client_of, days, family, hire
from counting import questions
from decisionkit import to_confirm
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from oversightkit import RICH, resident

from tuodi.decisions import actions, relief
from tuodi.decisions.models import Determination, Relief
from tuodi.decisions.relief_states import Cause
from tuodi.intake import at_risk_actions, discovery_actions, need_actions, ticket_actions
from tuodi.intake.models import Need, Ticket
from tuodi.intake.online_actions import Holder
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope, system_scope
from tuodi.oversight import appeal_actions
from tuodi.oversight.models import Appeal
from tuodi.people import tellings
from tuodi.people.models import Telling
from tuodi.verification.online_accept import accept_online

pytestmark = pytest.mark.django_db

VILLAGE, DAY, MOST, MORE = "420802001001", date(2021, 9, 13), 25, 4


def cost(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    asked = questions(seen)
    assert len(asked) <= MOST, (path, len(asked), [sql[:120] for sql in asked])
    return len(asked)


@pytest.fixture
def office(make_user: Any) -> Office:
    return Office(VILLAGE, make_user)


def came(office: Office, number: int) -> None:
    """A family with an emergency, a patrol, a need, a call, an application from the phone, and things to be told."""
    household = family(VILLAGE, names=(f"王{number}", f"李{number}"))
    officer = office.town_accept
    with at(officer, DAY):
        relief.report_emergency(acting_user=officer, household=household, cause=Cause.FIRE, story="厨房起火，被褥烧毁")
        at_risk_actions.list_person(
            acting_user=officer, person=household.head, risk_class="serious_illness", source="9月排查"
        )
        need = need_actions.open_need(acting_user=officer, household=household, kinds=["living"], text="没有收入")
        need_actions.tell(need, acting_user=officer, text="已转办", how="face")
        ticket_actions.take_ticket(
            acting_user=officer, line="12349", area=VILLAGE[:9], topic="help", text="断粮", caller_phone="13812345678"
        )
        discovery_actions.plan_patrols(acting_user=officer, place=VILLAGE[:9], month=Month(2021, 9))
        tellings.tell("review_due", household, household.head, f"review:{number}", {})


def test_desk_pages_ask_the_same_for_one_and_for_several(office: Office, make_user: Any) -> None:
    came(office, 0)
    with system_scope("cn"):
        one = Relief.objects.get(), Need.objects.get(), Ticket.objects.get()
    paths = [
        "/emergencies/", f"/emergencies/{one[0].no}/", "/patrols/", "/patrols/?show=coverage", "/needs/", f"/needs/{one[1].pk}/",
        "/tickets/", f"/tickets/{one[2].pk}/", "/tellings/", "/",
    ]  # fmt: skip
    with clock.frozen(DAY):
        client = client_of(hire(make_user, VILLAGE[:9], "accept", "review", "visit"))
        for path in paths:
            client.get(path)
        few = {path: cost(client, path) for path in paths}
        for number in range(1, 1 + MORE):
            came(office, number)
        assert {path: cost(client, path) for path in paths} == few
        assert client.get("/tellings/").content.decode().count("定期复核") == 1 + MORE


def test_an_application_from_the_phone_its_case_and_its_declared_answers(office: Office, make_user: Any) -> None:
    household = family(VILLAGE, names=("赵甲", "钱乙", "孙丙", "李丁"))
    with clock.frozen(DAY):
        online = sent(Holder(account=resident(household.head)))
        client = client_of(hire(make_user, VILLAGE[:9], "accept", "verify"))
        cost(client, f"/online/{online.pk}/")
        with scope(office.town_accept):
            case = accept_online(online, acting_user=office.town_accept).application.case
        for path in (f"/cases/{case.pk}/declared/", f"/cases/{case.pk}/", f"/cases/{case.pk}/facts/"):
            client.get(path)
            cost(client, path)


def refused(office: Office, number: int) -> tuple[Any, Any, date]:
    household = family(VILLAGE, names=(f"周{number}",))
    case, after = to_confirm(office, household, RICH, DAY, result="refuse")
    with at(office.county_confirm, after):
        (row,) = actions.refuse(case, acting_user=office.county_confirm, reasons="人均收入高于标准")
    with at(office.town_review, after):
        actions.inform(case, acting_user=office.town_review, how="当面送达")
    return household, row, after


def test_appeals_at_the_desk_and_a_resident_s_own_pages(office: Office, make_user: Any) -> None:
    above = hire(make_user, "4208", "appeal")
    mine: list[Any] = []

    def appeal(number: int) -> None:
        household, row, day = refused(office, number)
        mine.append(household)
        account = resident(household.head, f"1380000{number:04d}")
        with clock.frozen(days(day, 10)), system_scope("420802"):
            appeal_actions.file_appeal(
                row, account=account, client_key=uuid4(), claim="撤销不予确认的决定", grounds="收入算错了，有工资条"
            )

    appeal(0)
    with system_scope("cn"):
        first, decided = Appeal.objects.get(), Determination.objects.get()
    desk = ["/appeals/", f"/appeals/{first.pk}/"]
    own = [
        "/my/",
        "/my/progress/",
        "/my/messages/",
        "/my/data/",
        "/my/decisions/",
        f"/my/decision/{decided.no}/",
        "/my/appeals/",
    ]
    with clock.frozen(date(2021, 10, 11)):
        client, phone = client_of(above), Client()
        residentkit.enter(phone, mine[0])
        for path in desk:
            client.get(path)
        few = {path: cost(client, path) for path in desk}
        for path in own:
            phone.get(path)
        seen = {path: cost(phone, path) for path in own}
    for number in range(1, 1 + MORE):
        appeal(number)
    with system_scope("420802"):
        for number in range(20):
            tellings.tell("review_due", mine[0], mine[0].head, f"review:{number}", {})
    with clock.frozen(date(2021, 10, 11)):
        assert {path: cost(client, path) for path in desk} == few
        assert {path: cost(phone, path) for path in own} == seen
    with system_scope("cn"):
        assert Telling.objects.filter(household=mine[0]).count() > 20
