"""Verbs on hotline tickets (M03): take a call, assign it, link it, call back and close; set the duty roster."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.models import Case
from tuodi.cases.series import next_no
from tuodi.cases.states import move
from tuodi.crypto.fields import decrypt, encrypt
from tuodi.intake.counter_book import lines_of
from tuodi.intake.errors import NeedInputError, NeedStateError
from tuodi.intake.models import DutyTurn, Need, Ticket
from tuodi.intake.need_states import TICKET_MOVES
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_phone
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User

__all__ = ["assign_ticket", "call_back", "link_ticket", "reveal_phone", "set_turn", "take_ticket"]

DUTY = DutyCode.ACCEPT
State = Ticket.State


@transaction.atomic
def take_ticket(
    *,
    acting_user: User,
    line: str,
    area: str,
    topic: str,
    text: str,
    caller_name: str = "",
    caller_phone: str = "",
    urgent: bool = False,
    called_at: datetime | None = None,
) -> Ticket:
    """Notes a call; who takes it is the first-contact officer.

    Args:
        line: One of the place's lines. area: Place code (town or village) the call is about.
        called_at: Default now, never later.

    Raises:
        NotFoundError, AccessDeniedError; NeedInputError.
    """
    if not (area.isascii() and area.isalnum() and 2 <= len(area) <= 12):
        raise NeedInputError("地区", "没有选择。请选来电所说的乡镇或村。")
    region = pad12(area)
    access.require(acting_user, DUTY, region)
    known = {one.code for one in lines_of(region, clock.today())}
    if line not in known:
        raise NeedInputError("热线", f"“{line}”不是本地的热线。可选：{'、'.join(sorted(known)) or '无'}。")
    if topic not in Ticket.Topic.values:
        raise NeedInputError("事由", "没有选择。")
    if not text.strip():
        raise NeedInputError("内容", "没有填写。请写明来电人说了什么。")
    now = clock.now()
    if called_at is not None and called_at > now:
        raise NeedInputError("来电时间", "晚于现在。请核对。")
    phone = "".join(sign for sign in caller_phone if sign.isdigit() or sign == "+")
    if caller_phone.strip() and not 7 <= len(phone.lstrip("+")) <= 15:
        raise NeedInputError("来电号码", "不是电话号码。请填 7 至 15 位数字。")
    ticket = Ticket(
        region=region,
        no=next_no("ticket", region, clock.today()),
        line=line,
        called_at=called_at or now,
        caller_name=caller_name.strip(),
        topic=topic,
        text=text.strip(),
        urgent=urgent,
        officer_a=acting_user,
    )
    if phone:
        ticket.caller_phone = encrypt(phone, f"intake.ticket|{ticket.uid}")
        ticket.caller_masked = mask_phone(phone)
    ticket.save()
    _audit("take_ticket", acting_user, ticket, line=line, topic=topic, urgent=urgent)
    return ticket


def _locked(ticket: Ticket, acting_user: User) -> Ticket:
    access.require(acting_user, DUTY, ticket.region)
    found = Ticket.objects.select_for_update().filter(pk=ticket.pk).first()
    if found is None:
        raise NotFoundError("工单")
    return found


@transaction.atomic
def assign_ticket(ticket: Ticket, *, acting_user: User, to_user: User) -> Ticket:
    """Gives a ticket to who handles it; may be given on while it is not closed. The first-contact officer stays the same.

    Raises:
        NeedInputError: He has no duty there. MoveRefusedError: It is closed.
    """
    ticket = _locked(ticket, acting_user)
    if not (access.in_scope(to_user, ticket.region) and access.has_duty(to_user, DUTY, ticket.region)):
        raise NeedInputError("承办人", f" {to_user.name} 在当地没有“受理”职责。请另选一人。")
    move(f"工单 {ticket.no} ", TICKET_MOVES, ticket.state, State.ASSIGNED)
    before = ticket.assigned_to_id
    ticket.state, ticket.assigned_to, ticket.assigned_at = State.ASSIGNED, to_user, clock.now()
    ticket.save(update_fields=["state", "assigned_to", "assigned_at"])
    _audit("assign_ticket", acting_user, ticket, before=before, to=to_user.pk)
    return ticket


@transaction.atomic
def link_ticket(ticket: Ticket, *, acting_user: User, need: Need | None = None, case: Case | None = None) -> Ticket:
    """Ties a ticket to the need or the case it is about, so that both pages name each other."""
    ticket = _locked(ticket, acting_user)
    if need is None and case is None:
        raise NeedInputError("关联", "没有选择需求登记或案件。")
    fields = []
    if need is not None:
        ticket.need = need
        fields.append("need")
    if case is not None:
        ticket.case = case
        fields.append("case")
    ticket.save(update_fields=fields)
    _audit("link_ticket", acting_user, ticket, need=need and need.no, case=case and case.no)
    return ticket


@transaction.atomic
def call_back(ticket: Ticket, *, acting_user: User, result: str) -> Ticket:
    """Notes the call back and its result, which closes the ticket. Done by who handles it or took the call.

    Raises:
        NeedStateError: Nobody was given it yet, or it is closed. NeedInputError: No result.
    """
    ticket = _locked(ticket, acting_user)
    if acting_user.pk not in (ticket.assigned_to_id, ticket.officer_a_id):
        raise NeedStateError(f"工单 {ticket.no} ", ticket.get_state_display(), "只能由承办人或首问责任人回访。")
    if ticket.state == State.OPEN:
        raise NeedStateError(f"工单 {ticket.no} ", ticket.get_state_display(), "请先派单，再回访。")
    if not result.strip():
        raise NeedInputError("回访结果", "没有填写。")
    move(f"工单 {ticket.no} ", TICKET_MOVES, ticket.state, State.CLOSED)
    ticket.state, ticket.result = State.CLOSED, result.strip()
    ticket.called_back_at, ticket.closed_by = clock.now(), acting_user
    ticket.save(update_fields=["state", "result", "called_back_at", "closed_by"])
    _audit("call_back", acting_user, ticket)
    return ticket


@transaction.atomic
def reveal_phone(ticket: Ticket, *, acting_user: User) -> str:
    """The caller's number for the call back, on the record; empty where none was given.

    Only for who took the call or handles it.
    """
    ticket = _locked(ticket, acting_user)
    if acting_user.pk not in (ticket.assigned_to_id, ticket.officer_a_id):
        raise NeedStateError(f"工单 {ticket.no} ", ticket.get_state_display(), "只有承办人或首问责任人可以看来电号码。")
    _audit("reveal_phone", acting_user, ticket)
    return decrypt(ticket.caller_phone, f"intake.ticket|{ticket.uid}") if ticket.caller_phone else ""


@transaction.atomic
def set_turn(*, acting_user: User, place: str, line: str, day: date, user: User, on: bool = True) -> None:
    """Puts somebody on the duty roster of a line for a day, or takes him off.

    Raises:
        NeedInputError: A line that is not the place's, a past day, or nobody with the duty.
    """
    region = pad12(place)
    access.require(acting_user, DUTY, region)
    if line not in {one.code for one in lines_of(region, day)}:
        raise NeedInputError("热线", f"“{line}”不是本地的热线。")
    if day < clock.today():
        raise NeedInputError("日期", f" {day} 已经过去，值班表不能改。")
    if not access.has_duty(user, DUTY):
        raise NeedInputError("值班人", f" {user.name} 没有“受理”职责。")
    if on:
        DutyTurn.objects.get_or_create(region=region, line=line, day=day, user=user, defaults={"set_by": acting_user})
    else:
        DutyTurn.objects.filter(region=region, line=line, day=day, user=user).delete()
    record(
        "intake.set_turn",
        actor=acting_user,
        subject_type="user",
        subject_id=user.pk,
        region=region,
        after={"line": line, "day": day, "on": on},
    )


def _audit(action: str, actor: User, ticket: Ticket, **after: Any) -> None:
    record(
        f"intake.{action}",
        actor=actor,
        subject_type="ticket",
        subject_id=ticket.pk,
        region=ticket.region,
        case_no=ticket.case.no if ticket.case_id else "",
        after={"no": ticket.no, "state": ticket.state, **after},
    )
