"""Applications from phones: a resident's own draft, sent ones, asked about, brought, accepted, refused; and help by staff (代办)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tuodi.demo.week.cast import (
    DESKS,
    account_of,
    acting,
    invent,
    key,
    moment,
    paper,
    settle,
    staff,
    strokes,
)
from tuodi.intake import online_actions as phone
from tuodi.intake import online_desk as office
from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_actions import Holder
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.verification.online_accept import accept_online

__all__ = ["from_phones"]

_D = date
_ANSWERS: dict[str, dict[str, Any]] = {
    "agent": {"agent_relation": "assistant"},
    "programme": {"programme": "dibao"},
    "reason": {"reason": ["illness", "school"]},
    "members": {},
    "home": {"address": "3 组 7 号"},
    "work": {"work": "yes", "work_income": "900"},
    "other": {"other_income": "0"},
    "medical": {"medical_cost": "12000"},
    "assets": {"assets": ["none"]},
    "kin": {"kin": "no"},
    "contact": {"phone": "13900000000"},
    "papers": {},
}


@dataclass(frozen=True)
class _Sent:
    """One application from a phone.

    Attributes:
        helper: User name of who fills it in for the family; empty = the resident himself.
        does: `draft`, `sent`, `asked`, `supplied`, `accepted`, `refused`, `withdrawn`.
    """

    desk: int
    number: int
    size: int
    day: date
    does: str
    helper: str = ""
    programme: str = "dibao"
    kin: str = "no"


_SENT = (
    _Sent(0, 201, 3, _D(2017, 9, 11), "draft"),
    _Sent(0, 202, 2, _D(2017, 9, 11), "sent"),
    _Sent(0, 203, 1, _D(2017, 9, 10), "sent", programme="unsure"),
    _Sent(0, 204, 2, _D(2017, 9, 9), "sent", kin="yes"),
    _Sent(0, 205, 2, _D(2017, 9, 5), "asked"),
    _Sent(0, 206, 1, _D(2017, 9, 4), "supplied"),
    _Sent(0, 207, 3, _D(2017, 9, 6), "accepted"),
    _Sent(0, 208, 1, _D(2017, 8, 31), "refused"),
    _Sent(0, 209, 1, _D(2017, 9, 7), "sent", helper="jiedao-sl2"),
    _Sent(0, 210, 2, _D(2017, 9, 5), "accepted", helper="jiedao-sl2"),
    _Sent(1, 211, 2, _D(2017, 9, 10), "sent"),
    _Sent(1, 212, 1, _D(2017, 9, 1), "withdrawn"),
    _Sent(1, 213, 3, _D(2017, 9, 4), "accepted"),
    _Sent(2, 214, 1, _D(2017, 9, 8), "sent"),
    _Sent(5, 215, 2, _D(2017, 9, 8), "asked"),
    _Sent(7, 216, 2, _D(2017, 9, 9), "sent", programme="temporary"),
    _Sent(7, 217, 1, _D(2017, 9, 7), "accepted"),
    _Sent(8, 218, 1, _D(2017, 9, 6), "sent", helper="sh-420881100"),
)


def from_phones() -> tuple[str, dict[str, Any]]:
    """Each application as far as it has come; the desks keep theirs in the inbox."""
    made = [_send(one) for one in _SENT]
    by = {one: sum(row.state == one for row in made) for one in ("draft", "sent", "asked", "accepted", "refused")}
    return (
        f"手机申请 {len(made)} 件（代办 {sum(bool(one.helper) for one in _SENT)} 件）：待受理 {by['sent']}，待补正 {by['asked']}，"
        f"已受理 {by['accepted']}，不予受理 {by['refused']}，草稿 {by['draft']}",
        {"families": {str(one.number): row.household_id for one, row in zip(_SENT, made, strict=True)}},
    )


def _send(one: _Sent) -> OnlineApplication:
    desk, when = DESKS[one.desk], moment(one.day, 7 + one.number % 13, one.number * 17 % 60)
    if one.helper:
        by = Holder(staff=staff(one.helper))
    else:
        home = settle(desk, one.number, one.size, moment(one.day - timedelta(20)))
        by = Holder(account=account_of(desk, home.head, moment(one.day - timedelta(20), 10)))
    with clock.frozen(when):
        online = phone.start(
            by=by,
            key=key(f"online/{one.number}"),
            for_other=bool(one.helper),
            region=desk.village if one.helper else "",
        )
        if one.helper:
            for member in invent(one.number, one.size).members:
                row = {"member_name": member.name, "member_id": member.id_text, "member_relation": member.relation}
                online = phone.add_member(online.uid, row, by=by)
        _answer(online, by, one)
        if one.does == "draft":
            return online
        phone.add_paper(online.uid, paper(one.number), "medical", by=by)
        with phone.mine(online.uid, by) as (row_now, content, _form):
            wanted = {
                signer.key: {"strokes": strokes(one.number + at)}
                for at, signer in enumerate(phone.signers(row_now, content))
            }
        phone.sign(online.uid, wanted, by=by)
        online = phone.send(online.uid, by=by)
    return _office(one, online, by, when)


def _answer(online: OnlineApplication, by: Holder, one: _Sent) -> None:
    """Page after page; a draft stops in the middle."""
    changed: dict[str, dict[str, Any]] = {
        "programme": {"programme": one.programme}, "kin": {"kin": one.kin},
        "work": {"work": "no"} if one.number % 3 == 0 else {"work": "yes", "work_income": f"{500 + one.number * 7 % 600}"},
        "contact": {"phone": f"1380000{one.number:04d}"},
    }  # fmt: skip
    while True:
        with phone.mine(online.uid, by) as (row, content, form):
            todo = phone.todo(row, content, form)
        page, _, place = todo.partition(".")
        if not todo or (one.does == "draft" and page == "assets"):
            return
        raw = {"member_state": ["none"]} if page == "state" else {**_ANSWERS[page], **changed.get(page, {})}
        phone.answer(online.uid, page, raw, by=by, place=int(place) if place else None)


def _office(one: _Sent, online: OnlineApplication, by: Holder, when: datetime) -> OnlineApplication:
    """What the counter did with it, the next day; and what the family did then."""
    desk, then = DESKS[one.desk], moment(when.date() + timedelta(1), 9, one.number % 60)
    if one.does in ("asked", "supplied"):
        with acting(desk.accept, then) as clerk:
            office.ask_missing(
                online, acting_user=clerk, items=["出院小结", "近三个月工资流水"], until=when.date() + timedelta(15),
                note="拍照上传即可，拿不出的写明情况",
            )  # fmt: skip
    if one.does == "supplied":
        with clock.frozen(then + timedelta(days=2)):
            phone.supply(online.uid, [(paper(one.number + 50), "medical")], by=by, note="流水银行只给打印一个月")
    if one.does == "accepted":
        with acting(desk.accept, then) as clerk:
            accept_online(online, acting_user=clerk, programme="dibao", area_kind="urban")
    if one.does == "refused":
        with acting(desk.accept, then) as clerk:
            office.refuse(
                online,
                acting_user=clerk,
                reasons="您一家已在外县享受低保，请在原地办理变更或者先停发后再申请；有疑问请到窗口咨询。",
            )
    if one.does == "withdrawn":
        with clock.frozen(then):
            phone.withdraw(online.uid, by=by, reason="先不申请了")
    with system_scope("4208"):
        return OnlineApplication.objects.get(pk=online.pk)
