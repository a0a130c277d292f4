"""Families on the roll with facts, account and a decision behind them: for tests of dynamic management. Synthetic."""

from __future__ import annotations

import itertools
from datetime import date

from casekit import Office, at, family, hire
from decisionkit import imported

from tuodi.org.access import system_scope
from tuodi.payments.models import PayLine
from tuodi.people.actions import add_account
from tuodi.people.facts import put_facts

_accounts = itertools.count(1)


class Team(Office):
    """`Office`, and people who settle what others looked into."""

    def __init__(self, village: str, make_user) -> None:
        super().__init__(village, make_user)
        self.make_user = make_user


def on_roll(
    village: str = "420802001001",
    names: tuple[str, ...] = ("欧阳建", "单晓月"),
    *,
    income: int,
    amount_fen: int,
    start: int,
    area_kind: str = "urban",
    **facts: object,
):
    """A family whose roll entry an office's list brought: income is yuan a month."""
    household = family(village, names=names, area_kind=area_kind)
    with system_scope(village):
        known = {"income_year": f"{income * 12}.00", "assets_ok": True, **facts}
        put_facts(household, {"household": known, "members": []}, date(2015, 1, 1))
        add_account(
            acting_user=None, person=household.head, number=f"62170099{next(_accounts):011d}", holder=names[0],
            since=date(2015, 1, 1), bank_code="农商行",
        )  # fmt: skip
    imported(household, amount_fen=amount_fen, start=start)
    return household


def paid(household) -> dict[int, int]:
    """Month -> fen of every line of a household that is not held, wherever it was paid."""
    with system_scope("cn"):
        rows = PayLine.objects.filter(household=household, live=True, held="").order_by("month")
        return {row.month: row.amount_fen for row in rows}


__all__ = ["Team", "at", "hire", "on_roll", "paid"]
