"""Residents with accounts, refused families and those above, for tests of complaints, appeals and applications from phones."""

from __future__ import annotations

from datetime import date

from casekit import at, days, hire
from decisionkit import ACCEPTED, FACTS, to_confirm

from tuodi.decisions import actions
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people.models import ResidentAccount
from tuodi.people.residents import register_phone

RICH = {"income_year": "200000.00", "assets_ok": True}


def resident(person, phone: str = "13800001234") -> ResidentAccount:
    """The account of somebody on the register."""
    with system_scope(person.region[:6]):
        register_phone(acting_user=None, person=person, phone=phone)
        return ResidentAccount.objects.select_related("person").get(person=person)


def refused(office, household, facts=RICH, on: date = ACCEPTED):
    """A family whose application was refused by the county. Returns the determination and the day."""
    case, after = to_confirm(office, household, facts, on, result="refuse")
    with at(office.county_confirm, after):
        (row,) = actions.refuse(case, acting_user=office.county_confirm, reasons="人均收入高于标准")
    with at(office.town_review, after):
        actions.inform(case, acting_user=office.town_review, how="当面送达")
    return row, after


def prefecture(make_user, village: str = "420802001001"):
    """Somebody of the prefecture who decides appeals and answers complaints."""
    return hire(make_user, village[:4], "appeal", "complaint")


def as_resident(day: date):
    """A day on which a resident acts; his verbs open their own scopes."""
    return clock.frozen(day)


__all__ = ["FACTS", "RICH", "as_resident", "at", "days", "prefecture", "refused", "resident"]
