"""Fund books and petty cash for tests: papers proposed by one and approved by another. All synthetic."""

from __future__ import annotations

from datetime import date

from casekit import at, hire

from tuodi.funds import queries
from tuodi.funds.actions import papers, petty
from tuodi.funds.models import Float, FundPaper
from tuodi.payments import invariants

#: Before every month the tests pay.
EARLY = date(2016, 1, 5)


class Treasury:
    """Civil affairs' keeper of funds and finance's reviewer of a county."""

    def __init__(self, make_user, county: str = "420802") -> None:
        self.county = county
        self.keep = hire(make_user, county, "fund_keep")
        self.review = hire(make_user, county, "fund_review")

    def propose(self, kind: str, yuan: int, *, on: date = EARLY, **more) -> FundPaper:
        more = {"programme": "dibao", "reason": "测试", **more}
        if kind == "appropriation":
            more = {"doc_no": f"鄂财社〔2016〕{yuan}号", "doc_day": EARLY, "source": "central", **more}
        if kind in ("hand_back", "carry") and "source" not in more:
            more["source"] = "central"
        if "fund" in more:
            more.pop("source", None)
        with at(self.keep, on):
            return papers.propose(acting_user=self.keep, county=self.county, kind=kind, amount_fen=yuan * 100, **more)

    def decide(self, paper: FundPaper, *, on: date = EARLY, approve: bool = True, note: str = "") -> FundPaper:
        with at(self.review, on):
            return papers.decide(paper, acting_user=self.review, approve=approve, note=note)

    def do(self, kind: str, yuan: int, *, on: date = EARLY, **more) -> FundPaper:
        return self.decide(self.propose(kind, yuan, on=on, **more), on=on)

    def float(self, town: str, yuan: int, *, limit: int = 100_000, on: date = EARLY) -> Float:
        """A town with petty cash out of 临时救助."""
        with at(self.keep, on):
            row = petty.open_float(acting_user=self.keep, town=town, limit_fen=limit * 100)
        if yuan:
            self.do("appropriation", yuan, programme="temporary", doc_no=f"备用金{town}", on=on)
            self.do("advance", yuan, programme="temporary", town=town, on=on)
        return row

    def held(
        self, *, programme: str = "dibao", source: str = "central", on: date = date(2017, 12, 1)
    ) -> dict[str, int]:
        """Account -> fen of one sub-account, zeros left out."""
        with at(self.keep, on):
            for one in queries.standing(self.county):
                if (one.programme, one.source) == (programme, source):
                    return {name: fen for name, fen in {**one.held, "paid": one.paid}.items() if fen}
        return {}


def clean() -> None:
    """Every rule of the ledger holds."""
    from tuodi.org.access import NATION, system_scope

    with system_scope(NATION):
        report = invariants.check()
    assert report.ok, str(report)
