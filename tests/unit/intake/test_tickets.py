"""Hotline tickets: taken, assigned, called back; the number sealed; the duty roster."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire

from tuodi.audit.models import AuditEntry
from tuodi.cases.errors import MoveRefusedError
from tuodi.intake import need_queries, ticket_actions
from tuodi.intake.errors import NeedInputError, NeedStateError
from tuodi.intake.models import DutyTurn, Ticket
from tuodi.org.errors import NotFoundError

DAY = date(2021, 9, 13)
CALL = {"line": "12349", "area": "420802001001", "topic": "help", "text": "老人断粮", "caller_phone": "138-1234-5678"}


@pytest.fixture
def clerk(make_user, db):
    """Sits at the county's line."""
    return hire(make_user, "420802", "accept")


def taken(user, **more):
    with at(user, DAY):
        return ticket_actions.take_ticket(acting_user=user, **{**CALL, **more})


def test_a_call_becomes_a_ticket_whose_number_only_its_hands_see_and_on_the_record(clerk, office):
    ticket = taken(clerk)
    assert (ticket.state, ticket.officer_a, ticket.region) == ("open", clerk, "420802001001")
    assert "13812345678" not in str(vars(ticket))
    assert ticket.caller_masked.startswith("138")
    with at(office.town_accept, DAY), pytest.raises(NeedStateError, match="首问责任人"):
        ticket_actions.reveal_phone(ticket, acting_user=office.town_accept)
    with at(clerk, DAY):
        assert ticket_actions.reveal_phone(ticket, acting_user=clerk) == "13812345678"
        assert AuditEntry.objects.filter(action="intake.reveal_phone").count() == 1


def test_a_ticket_is_assigned_given_on_called_back_and_closed(clerk, office):
    ticket = taken(clerk)
    with at(clerk, DAY):
        with pytest.raises(NeedStateError, match="先派单"):
            ticket_actions.call_back(ticket, acting_user=clerk, result="已答复")
        ticket_actions.assign_ticket(ticket, acting_user=clerk, to_user=clerk)
        ticket_actions.assign_ticket(ticket, acting_user=clerk, to_user=office.town_accept)
        assert list(need_queries.my_tickets(office.town_accept)) == [ticket]
    with at(office.town_accept, DAY):
        with pytest.raises(NeedInputError, match="回访结果"):
            ticket_actions.call_back(ticket, acting_user=office.town_accept, result=" ")
        ticket = ticket_actions.call_back(ticket, acting_user=office.town_accept, result="已送临时救助")
        assert (ticket.state, ticket.officer_a, ticket.closed_by) == ("closed", clerk, office.town_accept)
        with pytest.raises(MoveRefusedError):
            ticket_actions.assign_ticket(ticket, acting_user=office.town_accept, to_user=office.town_accept)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"line": "96333"}, "不是本地的热线"),
        ({"area": "四二"}, "没有选择"),
        ({"topic": "song"}, "没有选择"),
        ({"text": " "}, "没有填写"),
        ({"caller_phone": "12"}, "不是电话号码"),
    ],
)
def test_wrong_input_says_what_is_wrong(clerk, more, said):
    with pytest.raises(NeedInputError, match=said):
        taken(clerk, **more)


def test_an_urgent_call_comes_first_and_another_town_sees_none(clerk, make_user):
    plain, urgent = taken(clerk), taken(clerk, urgent=True)
    with at(clerk, DAY):
        assert list(need_queries.open_tickets()) == [urgent, plain]
    stranger = hire(make_user, "420802002", "accept")
    with at(stranger, DAY):
        assert not need_queries.open_tickets().exists()
        with pytest.raises(NotFoundError):
            need_queries.access_ticket(stranger, plain.pk)


def test_a_ticket_goes_to_nobody_without_the_duty_in_its_place(clerk, office):
    ticket = taken(clerk)
    with at(clerk, DAY), pytest.raises(NeedInputError, match="没有“受理”职责"):
        ticket_actions.assign_ticket(ticket, acting_user=clerk, to_user=office.town_review)


def test_the_roster_is_set_for_days_to_come_and_said_twice_stays_once(clerk):
    def turn(day=DAY, **more):
        with at(clerk, DAY):
            ticket_actions.set_turn(acting_user=clerk, place="420802", line="12349", day=day, user=clerk, **more)

    turn()
    turn()
    with at(clerk, DAY):
        assert DutyTurn.objects.count() == 1
    with pytest.raises(NeedInputError, match="已经过去"):
        turn(day=date(2021, 9, 12))
    turn(on=False)
    with at(clerk, DAY):
        assert not DutyTurn.objects.exists()
        assert not Ticket.objects.exists()
