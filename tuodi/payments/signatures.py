"""How many people must approve a run, and who has."""

from __future__ import annotations

from django.db.models import QuerySet

from tuodi.kernel import clock
from tuodi.payments.models import PayRun, RunSignature
from tuodi.verification.rulebook import profile_value

__all__ = ["approvers_for", "signed"]

#: Totals above which one approver more is asked for, as the place's profile has them (dated; null = no such band).
BANDS = ("approve_two_above", "approve_three_above")


def approvers_for(run: PayRun) -> int:
    """How many signatures the approval of a run needs by its total: one, and one more for each band it is above."""
    today = clock.today()
    limits = [profile_value(name, run.place, today) for name in BANDS]
    return 1 + sum(limit is not None and run.amount_fen > limit for limit in limits)


def signed(run: PayRun) -> QuerySet[RunSignature]:
    """Signatures that count, in order."""
    return RunSignature.objects.filter(run=run, voided_at__isnull=True).select_related("user").order_by("id")
