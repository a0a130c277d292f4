"""Closing a public fund (M68): once nothing of it lies anywhere; afterwards it takes no new money."""

from __future__ import annotations

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.funds import ledger
from tuodi.funds import public as reads
from tuodi.funds.errors import FundHeldError, FundInputError, FundStateError
from tuodi.funds.models import PublicFund
from tuodi.funds.states import PaperKind
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["close_fund", "refuse_closed"]

#: What no closed fund takes. What came back after it was closed is handed back, or carried over until it is.
_NEW = (PaperKind.APPROPRIATION, PaperKind.TRANSFER, PaperKind.PLAN)


def refuse_closed(fund: PublicFund, kind: str) -> None:
    """Raises: FundInputError: the fund is closed, and a paper of this kind would use it."""
    if fund.closed_on is not None and kind in _NEW:
        raise FundInputError(
            "公益基金",
            f"“{fund.name}”已于 {fund.closed_on} 停用，不再接受{PaperKind(kind).label}，请选择在用的资金来源",
        )


@transaction.atomic
def close_fund(fund: PublicFund, *, acting_user: User) -> PublicFund:
    """Closes a public fund. Money that comes back later is still booked to it and may be handed back.

    Raises:
        FundHeldError: with each sub-account that holds something, or is owed it. FundInputError: papers wait.
        FundStateError: closed already. AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, fund.region)
    ledger.lock([fund.region])  # a paper that is approved meanwhile comes before or after, never between
    fund = access.locked(PublicFund.objects.all(), fund.pk, what="公益基金")
    if fund.closed_on is not None:
        raise FundStateError(f"公益基金“{fund.name}”", "已停用", "停用")
    held = reads.left(fund)
    if held:
        raise FundHeldError(fund.name, [(reads.part_label(fund, one), one.fen) for one in held])
    papers = reads.waiting(fund)
    if papers:
        raise FundInputError("公益基金", f"“{fund.name}”还有待审核的单据 {'、'.join(papers)}，请先审核，再停用")
    fund.closed_on, fund.closed_by = clock.today(), acting_user
    fund.save(update_fields=["closed_on", "closed_by"])
    record(
        "funds.close_fund", actor=acting_user, subject_type="public_fund", subject_id=fund.pk, region=fund.region,
        before={"closed_on": None}, after={"name": fund.name, "closed_on": str(fund.closed_on)},
    )  # fmt: skip
    return fund
