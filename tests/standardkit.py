"""Officers who make standards, and a proposal taken through its steps, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from casekit import at, hire

from tuodi.standards import actions
from tuodi.standards.models import Opinion, Proposal
from tuodi.standards.states import Body, Stance
from tuodi.verification import rulebook

BODIES = [
    {"body": Body.FINANCE, "name": "市财政局"},
    {"body": Body.STATISTICS, "name": "市统计局"},
    {"body": Body.PRICES, "name": "市物价局"},
]


class Makers:
    """`drafter`, `finance` (gives opinions), `county` (the county's), `approver`."""

    def __init__(self, make_user: Any, place: str = "4208", county: str = "420802") -> None:
        self.place, self.county_place = place, county
        self.drafter = hire(make_user, place, "standards")
        self.finance = hire(make_user, place, "standards_opinion")
        self.county = hire(make_user, county, "standards_opinion")
        self.approver = hire(make_user, place, "standards_approve")

    def bodies(self) -> list[dict[str, Any]]:
        return [*BODIES, {"body": Body.COUNTY, "name": "东宝区人民政府", "place": self.county_place}]


def value(
    amount: str, place: str = "420802", kind: str = "urban", param: str = "dibao.standard", unit: str = ""
) -> dict[str, Any]:
    return {"place": place, "param": param, "keys": [kind], "value": amount, "unit": unit, "locator": "一"}


def drafted(makers: Makers, values: Sequence[dict[str, Any]], day: date, effective: date, **more: Any) -> Proposal:
    """A draft with values."""
    with at(makers.drafter, day):
        proposal = actions.draft(
            acting_user=makers.drafter, place=makers.place, title="城市低保提标", effective_on=effective
        )
        actions.put_values(proposal, acting_user=makers.drafter, book=rulebook.book(), values=values, **more)
        proposal.refresh_from_db()
    return proposal


def heard(makers: Makers, proposal: Proposal, day: date) -> None:
    """Asked and agreed to by everybody."""
    with at(makers.drafter, day):
        asked = actions.consult(proposal, acting_user=makers.drafter, book=rulebook.book(), bodies=makers.bodies())
    for one in asked:
        who = makers.county if one.body == Body.COUNTY else makers.finance
        with at(who, day):
            actions.answer(Opinion.objects.get(pk=one.pk), acting_user=who, stance=Stance.AGREE)


def adopted(
    makers: Makers,
    values: Sequence[dict[str, Any]],
    day: date,
    effective: date,
    doc_no: str = "荆民发〔2017〕21号",
    **more: Any,
) -> Proposal:
    """A proposal from draft to publication."""
    proposal = drafted(makers, values, day, effective, **more)
    heard(makers, proposal, day)
    with at(makers.approver, day):
        actions.approve(
            proposal,
            acting_user=makers.approver,
            book=rulebook.book(),
            unknown_note="消费支出数待统计局公布",
            untried_note="没有可用的花名册",
        )
    with at(makers.drafter, day):
        return actions.publish(
            proposal, acting_user=makers.drafter, book=rulebook.book(), doc_no=doc_no, doc_title="关于提高城市低保标准的通知", published_on=day,
        )  # fmt: skip
