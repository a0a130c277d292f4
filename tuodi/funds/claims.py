"""Reads of cash that must come back: grants paid on the spot that were taken back, or made smaller, afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Sum

from tuodi.decisions.models import Determination, GrantStage
from tuodi.funds.models import CashClaim, CashFollow, Float, PettySpend, Posting
from tuodi.funds.states import Account

__all__ = [
    "ORIGIN",
    "GivenAgain",
    "claimable",
    "claims_of",
    "follows_of",
    "given_again",
    "left",
    "overpaid",
    "parts_left",
    "reduced",
    "to_follow",
]

#: Of ledger entries that book what comes back; their `origin_id` is the claim.
ORIGIN = "claim"


def _chain(ids: Iterable[int]) -> dict[int, set[int]]:
    """Grant paid in cash -> itself and every grant that came instead of it: one that follows it, or a later one of its case or appeal."""
    wanted = list(ids)
    found: dict[int, set[int]] = {one: {one} for one in wanted}
    with connection.cursor() as cursor:
        cursor.execute(
            "select o.id, d.id from decisions_determination o join decisions_determination d on d.household_id = o.household_id "
            "and d.programme = o.programme and d.id > o.id and d.outcome = 'pass' left join decisions_determination f on f.id = d.follows_id "
            "where o.id = any(%s) and (d.follows_id = o.id or d.case_id = o.case_id or f.case_id = o.case_id)",
            [wanted],
        )
        for first, later in cursor.fetchall():
            found[first].add(later)
    return found


def _standing(ids: Iterable[int], *, in_cash: bool) -> dict[int, list[GrantStage]]:
    """First grant -> stages that stand of it and of those that came instead."""
    chain = _chain(ids)
    every = {later for more in chain.values() for later in more}
    rows = GrantStage.objects.filter(ended_at__isnull=True, in_cash=in_cash, determination__in=every)
    stages = list(rows.select_related("determination").order_by("month", "id"))
    return {first: [one for one in stages if one.determination_id in more] for first, more in chain.items()}


def overpaid(spends: Iterable[PettySpend]) -> dict[int, int]:
    """Spend -> fen handed over beyond what still stands of its grant; those above zero.

    What stands is the cash stages of the grant or of the one that came instead of it, at most what that one grants.
    """
    rows = list(spends)
    stages = _standing([one.determination_id for one in rows], in_cash=True)
    found = {}
    for one in rows:
        mine = stages[one.determination_id]
        granted = {stage.determination_id: stage.determination.amount_fen or 0 for stage in mine}
        over = one.amount_fen - min(sum(stage.amount_fen for stage in mine), sum(granted.values()))
        if over > 0:
            found[one.pk] = over
    return found


@dataclass(frozen=True)
class GivenAgain:
    """Cash of a grant that was taken back, and a decision that gives it again and is not paid yet. Fen.

    Attributes:
        held_fen: what the family has in its hands. kept_fen: of it, what counts as paid of the grant. reduced_fen: less claimed.
        back_fen: brought back before, of the grant, payable once more. rest_fen: what is to be paid of the grant, that in it.
    """

    spend: PettySpend
    claim: CashClaim | None
    grant: Determination
    held_fen: int
    kept_fen: int
    reduced_fen: int
    back_fen: int
    rest_fen: int


def given_again(spend: PettySpend) -> GivenAgain | None:
    """What must be put right about a payment in cash whose grant is given again; None where there is nothing."""
    stages = _standing([spend.determination_id], in_cash=False)[spend.determination_id]
    if not stages:
        return None
    grant = stages[-1].determination
    due = sum(one.amount_fen for one in stages if one.determination_id == grant.pk)
    covered = sum(one.amount_fen for one in _standing([spend.determination_id], in_cash=True)[spend.determination_id])
    claim = CashClaim.objects.filter(spend=spend).first()
    back = int(claim.returns.aggregate(n=Sum("amount_fen"))["n"] or 0) if claim else 0  # type: ignore[attr-defined]
    held = spend.amount_fen - back - covered
    kept = min(held, due)
    if kept <= 0:
        return None
    reduced = min(left(claim), kept) if claim else 0
    return GivenAgain(spend, claim, grant, held, kept, reduced, min(back, due - kept), due - kept)


def to_follow(box: Float) -> list[GivenAgain]:
    """A town's payments in cash that a decision gives again, and nobody has put right or proposed to."""
    due = GrantStage.objects.filter(ended_at__isnull=True, in_cash=False, region__startswith=box.region[:9]).values(
        "household"
    )
    waiting = CashFollow.objects.filter(state=CashFollow.State.PROPOSED).values("spend")
    rows = (
        PettySpend.objects.filter(float=box, household__in=due)
        .exclude(pk__in=waiting)
        .select_related("household__head", "determination", "float")
        .order_by("id")
    )
    return [found for one in rows if (found := given_again(one)) is not None]


def claimable(box: Float) -> list[tuple[PettySpend, int]]:
    """What a town paid that does not stand any more and nobody claims yet, with the fen."""
    rows = list(
        PettySpend.objects.filter(float=box, claim__isnull=True)
        .select_related("household__head", "determination")
        .order_by("id")
    )
    over = overpaid(rows)
    return [(one, over[one.pk]) for one in rows if one.pk in over]


def claims_of(box: Float) -> list[tuple[CashClaim, int]]:
    """A town's claims with what is left of each, newest first."""
    rows = CashClaim.objects.filter(spend__float=box).select_related(
        "spend__household__head", "opened_by", "written_off_by"
    )
    listed = list(rows.annotate(back=Sum("returns__amount_fen")).order_by("-id"))
    less = _reduced(listed)
    return [
        (one, max(one.amount_fen - one.written_off_fen - (one.back or 0) - less.get(one.pk, 0), 0)) for one in listed
    ]


def follows_of(box: Float) -> list[CashFollow]:
    """What was put right, or waits to be, about a town's payments in cash, newest first."""
    rows = CashFollow.objects.filter(spend__float=box).select_related(
        "spend__household__head", "determination", "proposed_by", "decided_by"
    )
    return list(rows.order_by("-id")[:50])


def _reduced(claims: Iterable[CashClaim]) -> dict[int, int]:
    """Claim -> fen it is less because a decision gives the grant again; that ends where the grant is taken back once more."""
    rows = list(claims)
    told = dict(
        CashFollow.objects.filter(claim__in=rows, state=CashFollow.State.APPROVED)
        .values_list("claim")
        .annotate(fen=Sum("reduced_fen"))
    )
    some = [one for one in rows if told.get(one.pk)]
    stages = _standing([one.spend.determination_id for one in some], in_cash=True) if some else {}
    return {
        one.pk: min(told[one.pk], sum(stage.amount_fen for stage in stages[one.spend.determination_id])) for one in some
    }


def left(claim: CashClaim) -> int:
    """Fen still to come back."""
    back = claim.returns.aggregate(n=Sum("amount_fen"))["n"] or 0  # type: ignore[attr-defined]
    return max(claim.amount_fen - claim.written_off_fen - int(back) - _reduced([claim]).get(claim.pk, 0), 0)


def reduced(claim: CashClaim) -> int:
    """Fen a claim is less because a decision gives the grant again."""
    return _reduced([claim]).get(claim.pk, 0)


def parts_left(claim: CashClaim) -> list[tuple[str, int]]:
    """[(source, fen)] the payment was drawn from, less what was brought back to each."""
    out = Posting.objects.filter(entry=claim.spend.entry_id, account=Account.FLOAT).order_by("id")
    parts = [(one.source, one.credit_fen) for one in out]
    back = dict(
        Posting.objects.filter(entry__origin=ORIGIN, entry__origin_id=claim.pk, account=Account.FLOAT)
        .values_list("source")
        .annotate(fen=Sum("debit_fen"))
    )
    return [(source, fen - back.get(source, 0)) for source, fen in parts]
