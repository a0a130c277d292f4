"""Reads of cash that must come back: grants paid on the spot that were taken back, or made smaller, afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Sum

from tuodi.decisions.models import GrantStage
from tuodi.funds.models import CashClaim, Float, PettySpend, Posting
from tuodi.funds.states import Account

__all__ = ["ORIGIN", "claimable", "claims_of", "left", "overpaid", "parts_left"]

#: Of ledger entries that book what comes back; their `origin_id` is the claim.
ORIGIN = "claim"


def overpaid(spends: Iterable[PettySpend]) -> dict[int, int]:
    """Spend -> fen handed over beyond what still stands of its grant; those above zero.

    What stands is the cash stages of the grant or of the one that followed it, at most what that one grants.
    """
    rows = list(spends)
    ids = [one.determination_id for one in rows]
    stages = GrantStage.objects.filter(ended_at__isnull=True, in_cash=True).select_related("determination")
    stands: dict[int, int] = {}
    granted: dict[int, int] = {}
    for stage in [*stages.filter(determination__in=ids), *stages.filter(determination__follows__in=ids)]:
        made = stage.determination
        first = made.pk if made.pk in ids else made.follows_id
        assert first is not None
        stands[first] = stands.get(first, 0) + stage.amount_fen
        granted[first] = made.amount_fen or 0
    found = {}
    for one in rows:
        over = one.amount_fen - min(stands.get(one.determination_id, 0), granted.get(one.determination_id, 0))
        if over > 0:
            found[one.pk] = over
    return found


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
    sums = rows.annotate(back=Sum("returns__amount_fen")).order_by("-id")
    return [(one, one.amount_fen - one.written_off_fen - (one.back or 0)) for one in sums]


def left(claim: CashClaim) -> int:
    """Fen still to come back."""
    back = claim.returns.aggregate(n=Sum("amount_fen"))["n"] or 0  # type: ignore[attr-defined]
    return claim.amount_fen - claim.written_off_fen - int(back)


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
