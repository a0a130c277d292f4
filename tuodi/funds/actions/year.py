"""The verb that settles a year: every sub-account's figures are frozen once what is left has its decision."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.funds import queries
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import FundPaper, YearEnd
from tuodi.funds.states import PaperKind, PaperState
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["settle_year"]


@transaction.atomic
def settle_year(*, acting_user: User, county: str, year: int) -> YearEnd:
    """Settles a year of a county: what each sub-account had, got, paid and left (年终结算).

    Raises:
        FundStateError: settled already, or papers still wait. FundInputError: the year is not over, or money that is left
        has no approved hand-back or carry-over, with each sub-account and amount.
    """
    region = pad12(county)
    access.require(acting_user, DutyCode.FUND_REVIEW, region)
    if clock.today() <= date(year, 12, 31):
        raise FundInputError("年度", f"{year} 年还没有结束")
    if YearEnd.objects.filter(region=region, year=year).exists():
        raise FundStateError(f"{year} 年", "已结算", "再结算")
    waiting = FundPaper.objects.filter(region=region, year=year, state=PaperState.PROPOSED).exclude(kind=PaperKind.PLAN)
    if found := waiting.first():
        raise FundStateError(f"资金单据 {found.no} ", "待审核", "年终结算")
    figures = queries.year_figures(region, year)
    if not figures:
        raise FundInputError("资金账", f"{year} 年没有记账")
    carried: dict[tuple[str, str], int] = {}
    for paper in FundPaper.objects.filter(region=region, year=year, kind=PaperKind.CARRY, state=PaperState.APPROVED):
        key = (paper.programme, paper.source)
        carried[key] = carried.get(key, 0) + paper.amount_fen
    open_ = [
        f"{queries.sub_label(one.programme, one.source)} {format_yuan(one.left)} 元"
        for one in figures
        if one.source and carried.get((one.programme, one.source), 0) != one.left
    ]
    if open_:
        shown = "；".join(open_[:5]) + (f"；另有 {len(open_) - 5} 个" if len(open_) > 5 else "")
        raise FundInputError("结余", f"还没有处理：{shown}。请上缴，或提出与结余相等的结转。")
    row = YearEnd.objects.create(
        region=region,
        year=year,
        figures=[asdict(one) for one in figures],
        settled_at=clock.now(),
        settled_by=acting_user,
    )
    record(
        "funds.settle_year", actor=acting_user, subject_type="year_end", subject_id=row.pk, region=region,
        after={"year": year, "sub_accounts": len(figures)},
    )  # fmt: skip
    return row
