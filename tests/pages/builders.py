"""A small family for page tests, made through the people room's own actions."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from tuodi.kernel.identity import make_id

VILLAGE = "420804001001"
_sequence = itertools.count(200)


def make_family(
    *names: str,
    region: str = VILLAGE,
    income_year: str | None = "10800.00",
    on_roll_fen: int | None = 82_500,
    account: str = "6228480402564896217",
    imported: bool = True,
) -> Any:
    """A registered urban family: the first name heads it; facts known, and on the dibao roll unless told otherwise.

    `income_year` None leaves the income unknown; `on_roll_fen` None leaves the family off the roll. An imported
    entry is paid as listed where the facts do not suffice; any other is held.
    """
    from tuodi.org import access
    from tuodi.people import actions, facts
    from tuodi.people.models import RollEntry

    with access.system_scope(region[:6]):
        people = [
            actions.register_person(
                acting_user=None,
                region=region,
                name=name,
                id_text=make_id("420899", date(1970 + 2 * place, 3, 4), next(_sequence)),
            )
            for place, name in enumerate(names)
        ]
        household = actions.form_household(
            acting_user=None,
            region=region,
            head=people[0],
            area_kind="urban",
            on=date(2015, 1, 1),
            members=[(one, "spouse") for one in people[1:]],
        )
        card = actions.add_account(
            acting_user=None,
            person=people[0],
            number=account,
            holder=names[0],
            since=date(2015, 1, 1),
            bank_code="ABC",
        )
        known = {"assets_ok": True} | ({"income_year": income_year} if income_year else {})
        facts.put_facts(household, {"household": known, "members": []}, date(2015, 1, 1))
        if on_roll_fen is not None:
            RollEntry.objects.create(
                household=household,
                region=household.region,
                programme="dibao",
                category="urban",
                amount_fen=on_roll_fen,
                start_month=201704,
                account=card,
                imported=imported,
            )
    return household
