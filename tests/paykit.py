"""Families on the roll and officers of payments for tests. All synthetic: numbers of area 420899."""

from __future__ import annotations

import itertools
from datetime import date

from tests.casekit import hire
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.access import system_scope
from tuodi.people import actions as people
from tuodi.people.facts import put_facts
from tuodi.people.models import Household, RollEntry

_numbers = itertools.count(1)
DUTIES = ("pay_prepare", "pay_check", "pay_send")


class Staff:
    """The three people of a pay office: `prepare`, `check` (also sends), `approve`."""

    def __init__(self, make_user, place: str = "420802") -> None:
        self.prepare = hire(make_user, place, "pay_prepare")
        self.check = hire(make_user, place, "pay_check", "pay_send")
        self.approve = hire(make_user, place, "pay_approve")


def person(village: str, name: str, birth: date = date(1960, 1, 2)):
    number = next(_numbers)
    return people.register_person(
        acting_user=None,
        region=pad12(village),
        name=name,
        id_text=make_id("420899", birth.replace(year=birth.year - number // 900), number % 900 + 1),
        is_demo=True,
    )


def family(
    *, village: str = "420802001001", names: tuple[str, ...] = ("向桂英", "刘德福"), income: int | None = 600, area_kind: str = "urban",
    assets_ok: bool | None = True, imported: bool = False, amount_fen: int = 0, start: int = 201601, account: str | None = "", since: date = date(2015, 1, 1),
    programme: str = "dibao", holder: str | None = None, **facts: object,
) -> Household:  # fmt: skip
    """A family on the roll. `income` is yuan a month; None = not known. `account` "" makes a new one, None gives none."""
    with clock.frozen(date(2016, 1, 4)), system_scope(village):
        members = [person(village, name) for name in names]
        household = people.form_household(
            acting_user=None,
            region=pad12(village),
            head=members[0],
            area_kind=area_kind,
            on=since,
            members=[(one, "spouse") for one in members[1:]],
            is_demo=True,
        )
        own = {"area_kind": area_kind, "assets_ok": assets_ok, **facts}
        if income is not None:
            own["income_year"] = f"{income * 12}.00"
        put_facts(household, {"household": own, "members": []}, since)
        card = None
        if account is not None:
            card = people.add_account(
                acting_user=None,
                person=members[0],
                number=account or f"62170000{next(_numbers):011d}",
                holder=holder or names[0],
                since=since,
                bank_code="农商行",
            )
        RollEntry.objects.create(
            household=household,
            person=members[0] if programme == "tekun" else None,
            region=household.region,
            programme=programme,
            category=area_kind,
            form="dispersed" if programme == "tekun" else "",
            account=card,
            amount_fen=amount_fen,
            start_month=start,
            imported=imported,
        )
        return household


def pay_day(month: Month) -> date:
    """A day in the month on which officers act."""
    return date(month.year, month.month, 2)
