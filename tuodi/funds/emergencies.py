"""Emergency treatment paid by its own fund (疾病应急救助, M41): what the rule lets it pay, and what is left of a claim."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet, Sum

from tuodi.funds.models import EmergencyCase
from tuodi.kernel.money import format_yuan
from tuodi.org import access
from tuodi.verification import rulebook

__all__ = ["cases", "left", "most"]


def most(region: str, on: date, unpaid_fen: int) -> tuple[int, str]:
    """The most the fund may pay of what nobody else paid, in fen, and what that rests on.

    The share and the ceiling of one case are values of the place on the day of admission (`profile.emergency_illness_share`,
    `profile.emergency_illness_cap`); the law says that the fund pays, and not how much.
    """
    known = rulebook.book()
    chain = known.chain(rulebook.place_of(region))
    share = known.value("profile.emergency_illness_share", chain, (), on)
    permille = 1000 if share is None or share.value is None else int(share.value * 1000)
    fen = unpaid_fen * permille // 1000
    cap = rulebook.profile_value("emergency_illness_cap", region, on)
    told = f"其他渠道支付以后的急救费用 {format_yuan(unpaid_fen)} 元的 {permille / 10:g}%"
    if cap is not None:
        told += f"，单例上限 {format_yuan(cap)} 元"
    return (fen if cap is None else min(fen, cap)), told


def cases(place: str) -> QuerySet[EmergencyCase]:
    """Requests of a place, newest first."""
    limits = access.range_of(place)
    rows = EmergencyCase.objects.filter(region__gte=limits.low, region__lt=limits.high)
    return rows.select_related("agreement", "proposed_by", "decided_by").order_by("-id")


def left(row: EmergencyCase) -> int:
    """Fen of a claim still to come back."""
    back = row.returns.aggregate(n=Sum("amount_fen"))["n"] or 0  # type: ignore[attr-defined]
    return row.claim_fen - row.written_off_fen - int(back)
