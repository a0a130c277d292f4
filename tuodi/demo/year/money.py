"""The fund book of a replay: money that comes, moves, is planned, lies with a town, and is settled at the end of the year."""

from __future__ import annotations

from datetime import date

from django.db.models import F, Sum

from tuodi.decisions import relief
from tuodi.demo.week.cast import paper
from tuodi.demo.year.cast import Replay, as_user
from tuodi.funds import petty, queries
from tuodi.funds.actions import papers, year
from tuodi.funds.actions import petty as cash
from tuodi.funds.models import Float, FundPaper, PublicFund, YearEnd
from tuodi.funds.states import Source
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.access import system_scope
from tuodi.payments.models import PayLine
from tuodi.people.models import Household, RollEntry

__all__ = [
    "appropriate",
    "appropriate_care",
    "book_paper",
    "count",
    "month_plan",
    "open_town",
    "relieve",
    "settle",
    "take_back",
    "transfer",
]

#: Source -> how many months of the roll it gives for, at the beginning of each half-year.
_SHARES = {"central": 4, "province": 2, "county": 2}
_FLOAT = 6_000_00


def book_paper(replay: Replay, day: date, **what: object) -> FundPaper:
    """A paper proposed by civil affairs and approved by finance."""
    with as_user(replay, "zj", day) as keeper:
        made = papers.propose(acting_user=keeper, county=replay.place, **what)  # type: ignore[arg-type]
    with as_user(replay, "cz", day) as reviewer:
        return papers.decide(made, acting_user=reviewer, approve=True)


def appropriate(replay: Replay, month: Month) -> str:
    """What the levels give for a half-year, from the month's roll; and for relief of passing hardship."""
    day = date(month.year, month.month, 3)
    with system_scope(replay.place):
        rows = RollEntry.objects.filter(region__startswith=replay.place, end_month__isnull=True)
        monthly = dict(rows.values_list("programme").annotate(fen=Sum("amount_fen")).order_by("programme"))
    total = 0
    for programme, fen in monthly.items():
        if programme not in ("dibao", "tekun"):
            continue
        for source, months in _SHARES.items():
            amount = (fen * months + 999_99) // 1000_00 * 1000_00
            book_paper(
                replay, day, kind="appropriation", programme=programme, source=source, amount_fen=amount, doc_day=day,
                doc_no=f"{replay.key.upper()}社〔{month.year}〕{month.month}号（假设）", reason=f"{month.year} 年救助资金",
            )  # fmt: skip
            total += amount
    book_paper(
        replay, day, kind="appropriation", programme="temporary", source="province", amount_fen=30_000_00, doc_day=day,
        doc_no=f"{replay.key.upper()}社〔{month.year}〕临{month.month}号（假设）", reason="临时救助",
    )  # fmt: skip
    return f"指标下达 {format_yuan(total + 30_000_00)} 元（中央、省、县；文号假设）"


def appropriate_care(replay: Replay, month: Month, monthly: int) -> int:
    """What the county gives for caregivers' subsidies of a half-year. Returns fen; nothing where nobody is owed any."""
    if not monthly:
        return 0
    day = date(month.year, month.month, 3)
    amount = (monthly * 6 + 999_99) // 1000_00 * 1000_00
    book_paper(
        replay, day, kind="appropriation", programme="care", source="county", amount_fen=amount, doc_day=day,
        doc_no=f"{replay.key.upper()}社〔{month.year}〕照{month.month}号（假设）", reason="特困人员照料服务补贴",
    )  # fmt: skip
    return amount


def transfer(replay: Replay, month: Month) -> str:
    """From 临时救助 to 低保 within the pool."""
    fen = 5_000_00
    book_paper(
        replay, date(month.year, month.month, 3), kind="transfer", programme="temporary", to_programme="dibao", source="province",
        amount_fen=fen, reason="临时救助结余调剂用于低保提标",
    )  # fmt: skip
    return f"统筹调剂：临时救助（省）调入城乡低保 {format_yuan(fen)} 元"


def month_plan(replay: Replay, month: Month) -> str:
    """The month's drawdown plan, reviewed by finance: what last month came to without back pay, and two in a hundred."""
    with system_scope(replay.place):
        lines = PayLine.objects.filter(
            region__startswith=replay.place, month=month.prev().yyyymm, programme="dibao", live=True, held=""
        )
        fen = (lines.aggregate(fen=Sum(F("amount_fen") - F("back_pay_fen")))["fen"] or 0) * 102 // 100
        if not fen:
            rows = RollEntry.objects.filter(region__startswith=replay.place, end_month__isnull=True, programme="dibao")
            fen = rows.aggregate(fen=Sum("amount_fen"))["fen"] or 0
    book_paper(
        replay, date(month.year, month.month, 4), kind="plan", programme="dibao", amount_fen=max(fen, 1), month=month,
        reason=f"{month.label}用款计划",
    )  # fmt: skip
    return ""


def open_town(replay: Replay, month: Month) -> str:
    """Petty cash for the first town."""
    day = date(month.year, month.month, 5)
    with as_user(replay, "zj", day) as keeper:
        cash.open_float(acting_user=keeper, town=replay.towns[0], limit_fen=1_000_00)
    book_paper(
        replay, day, kind="advance", programme="temporary", town=replay.towns[0], amount_fen=_FLOAT, reason="街道备用金"
    )
    return f"街道备用金 {format_yuan(_FLOAT)} 元"


def _float(replay: Replay) -> Float:
    return Float.objects.get(region=pad12(replay.towns[0]))


def relieve(replay: Replay, month: Month) -> str:
    """A family of the first town in sudden need: relief first, handed over in cash the same day."""
    day = date(month.year, month.month, 6)
    with as_user(replay, "sl", day) as clerk:
        rows = Household.objects.filter(region__startswith=replay.towns[0], closed_on__isnull=True)
        home = rows.select_related("head").order_by("no")[(month.no - replay.first.no) // 3]
        row = relief.report_emergency(acting_user=clerk, household=home, cause="fire", story="灶房失火，口粮和被褥烧毁")
        row = relief.respond(row, acting_user=clerk)
        row = relief.relieve_first(
            row,
            acting_user=clerk,
            amount_fen=600_00,
            agreed_by="分管副主任",
            photo=paper(month.month),
            place_note="现场",
        )
    with as_user(replay, "by", day) as cashier:
        assert row.determination is not None
        spend = cash.pay_grant(
            _float(replay),
            acting_user=cashier,
            determination=row.determination,
            receiver="本人",
            receipt=paper(month.no),
        )
    return f"备用金先行救助 {format_yuan(spend.amount_fen)} 元，余 {format_yuan(spend.balance_fen)} 元"


def count(replay: Replay, month: Month) -> str:
    """The cash of the month before, counted."""
    with as_user(replay, "by", date(month.year, month.month, 2)) as cashier:
        box = _float(replay)
        closing = petty.month_of(box, month.prev()).closing
        cash.count_cash(box, acting_user=cashier, month=month.prev(), counted_fen=closing)
    return ""


def take_back(replay: Replay, month: Month) -> str:
    """What is left with the town goes back before the year ends."""
    with as_user(replay, "zj", date(month.year, month.month, 28)) as keeper:
        box = _float(replay)
        fen = petty.balance(box)
        if fen:
            cash.give_back(box, acting_user=keeper, amount_fen=fen, reason="年末交回")
    return f"备用金年末交回 {format_yuan(fen)} 元"


def settle(replay: Replay) -> YearEnd:
    """Hands back the county's own money, carries the rest over, and freezes the year."""
    day = date(replay.year + 1, 1, 10)
    with system_scope(replay.place):
        known = queries.settled(pad12(replay.place), replay.year)
        if known is not None:
            return known
        figures = [one for one in queries.year_figures(pad12(replay.place), replay.year) if one.source and one.left > 0]
    for one in figures:
        kind = "hand_back" if one.source == "county" else "carry"
        fund = None
        if one.source.startswith(Source.SOCIETY):
            with system_scope(replay.place):
                fund = PublicFund.objects.get(pk=int(one.source.partition(":")[2]))
        book_paper(
            replay, day, kind=kind, programme=one.programme, source="" if fund else one.source, fund=fund, amount_fen=one.left,
            year=replay.year, reason="年终结余上缴" if kind == "hand_back" else "年终结转下年使用",
        )  # fmt: skip
    with as_user(replay, "cz", day) as reviewer:
        return year.settle_year(acting_user=reviewer, county=replay.place, year=replay.year)
