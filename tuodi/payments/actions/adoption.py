"""From a published standard to the run that pays by it: every line anew, and what earlier months still owe, line by line."""

from __future__ import annotations

from tuodi.audit.actions import record
from tuodi.kernel.periods import Month
from tuodi.org.models import User
from tuodi.payments.actions.run import PAYABLE_PROGRAMMES, open_run
from tuodi.payments.actions.simulation import first_month
from tuodi.payments.errors import RunInputError, StateError
from tuodi.payments.models import PayRun
from tuodi.payments.states import DRAFT, RunState
from tuodi.standards.models import Proposal
from tuodi.standards.states import ProposalState

__all__ = ["open_adoption"]


def open_adoption(proposal: Proposal, *, acting_user: User, place: str, month: Month) -> PayRun:
    """The run of a month that takes a published standard in: opened, or the draft there is. The caller has it calculated.

    Calculating it recomputes the whole roll by the new values, and each earlier month since their first day that was paid by
    the old ones: the differences stand in its lines as 提标 and 提标补发 and need checking and approval like any run's.

    Raises: RunInputError where nothing was published or it is not in force in the month; StateError where the month is
    approved already (the next one pays back); AccessDeniedError, NotFoundError.
    """
    if proposal.state not in (ProposalState.PUBLISHED, ProposalState.IN_FORCE):
        raise RunInputError("调标方案", f"{proposal.no} 还没有公布，不能据以重算")
    if first_month(proposal) > month:
        raise RunInputError("发放月份", f"{proposal.no} 从 {proposal.effective_on} 起执行，{month} 还不适用")
    run = open_run(acting_user=acting_user, place=place, month=month, programmes=PAYABLE_PROGRAMMES)
    if run.state not in DRAFT:
        raise StateError(run.no, run.get_state_display(), RunState.CALCULATED.label)
    record(
        "payments.open_adoption", actor=acting_user, subject_type="payrun", subject_id=run.pk, region=run.region,
        after={"no": run.no, "proposal": proposal.no, "document": proposal.doc_no, "effective_on": proposal.effective_on.isoformat()},
    )  # fmt: skip
    return run
