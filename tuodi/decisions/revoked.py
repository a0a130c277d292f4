"""Determinations that were taken away: by which word a case decides anew, from when, and what came instead."""

from __future__ import annotations

from tuodi.cases.models import Case
from tuodi.decisions.errors import SameGroundsError
from tuodi.decisions.models import Determination, Revocation
from tuodi.kernel.periods import Month
from tuodi.verification.models import FactSet

__all__ = ["follower", "holds_from", "require_new_grounds", "revocation_of"]


def holds_from(determination: Determination) -> Month:
    """The month from which what is decided instead holds: that of the old one, for a refusal the month after it."""
    if determination.start_month is not None:
        return Month.parse(str(determination.start_month))
    return Month.of(determination.decided_on).next()


def revocation_of(case: Case) -> Revocation | None:
    """By which word a case decides anew, or None for any other case."""
    return Revocation.objects.select_related("determination__fact_set").filter(case=case).first()


def follower(determination: Determination) -> Determination | None:
    """What was decided instead of a determination, or None as long as nothing was."""
    return Determination.objects.filter(follows=determination, cause="appeal").order_by("-id").first()


def require_new_grounds(case: Case, facts: FactSet) -> None:
    """A decision that was taken away is not made again on the same facts (行政复议法 art 28).

    Raises:
        SameGroundsError: The facts are the ones the old refusal stood on.
    """
    again = revocation_of(case)
    if again is None or again.determination.fact_set is None:
        return
    old = again.determination.fact_set
    if (old.facts, old.person_ids) == (facts.facts, facts.person_ids):
        raise SameGroundsError(again.determination.no, again.matter_no)
