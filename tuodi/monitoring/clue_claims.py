"""From a confirmed clue to a claim: what no run found overpaid, determined here, is booked once another person agrees."""

from __future__ import annotations

from django.db import transaction

from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring.errors import ClueHandsError, ClueInputError, ClueStateError
from tuodi.monitoring.models import Clue
from tuodi.monitoring.steps import Step
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions import findings
from tuodi.payments.models import ClaimFinding
from tuodi.people.enums import PERSON_PROGRAMMES

__all__ = ["ORIGIN", "decide_claim", "propose_claim"]

#: Of findings that rest on a clue; their `origin_id` is the clue.
ORIGIN = "clue"


def propose_claim(
    clue: Clue, *, acting_user: User, amount_fen: int, first: Month, last: Month, reason: str, paper: bytes = b""
) -> ClaimFinding:
    """Proposes that what a clue is to recover becomes a claim of the unit, for the months named.

    Args:
        amount_fen: at most what the clue still has to recover.

    Raises: ClueInputError: more than that. ClaimError says what the books do not bear. ClueStateError, NotFoundError, AccessDeniedError.
    """
    with transaction.atomic():
        step = Step([clue], acting_user, "立追回事项")
        step.duty(DutyCode.CLUE_DECIDE, county=True)
        step.refuse(
            lambda row: (
                None
                if row.state in (Clue.State.HANDLED, Clue.State.RECTIFIED, Clue.State.CLOSED)
                and row.verdict == Clue.Verdict.CONFIRMED
                else ClueStateError(row.no, row.get_state_display(), "立追回事项")
            )
        )
        row = step.one()
        left = (row.to_recover_fen or 0) - row.recovered_fen
        if not 0 < amount_fen <= left:
            raise ClueInputError("金额", f"应大于 0，且不超过尚未追回的 {format_yuan(max(left, 0))} 元")
        over = {int(month): max(int(paid) - int(due), 0) for month, paid, due in row.recovery.get("months", [])}
        made = findings.propose_finding(
            acting_user=acting_user, household_id=row.household_id, programme=row.programme,
            person_id=row.person_id if row.programme in PERSON_PROGRAMMES else None, amount_fen=amount_fen, first=first, last=last, reason=reason,
            origin=ORIGIN, origin_id=row.pk, origin_no=row.no, over=over, paper=paper,
        )  # fmt: skip
        step.audit("propose_claim", amount_fen=amount_fen, first=first.yyyymm, last=last.yyyymm)
    return made


def decide_claim(row: ClaimFinding, *, acting_user: User, agreed: bool, opinion: str = "") -> ClaimFinding:
    """Like `payments.actions.decide_finding`; who decided the clue or handled it does not make it a claim as well.

    Raises: ClueHandsError, and what that raises.
    """
    if row.origin == ORIGIN:
        clue = Clue.objects.filter(pk=row.origin_id).first()
        if clue is not None and acting_user.pk in (clue.handled_by_id, clue.verdict_by_id):
            raise ClueHandsError(clue.no, "处理", "审批追回")
    return findings.decide_finding(row, acting_user=acting_user, agreed=agreed, opinion=opinion)
