"""Rows of funds."""

from tuodi.funds.models.book import FundBook, FundPaper, Population, PublicFund, YearEnd
from tuodi.funds.models.ledger import Balance, EntrySeal, LedgerCheck, LedgerEntry, Posting
from tuodi.funds.models.petty import Float, FloatCount, PettySpend
from tuodi.funds.states import Account

__all__ = [
    "Account",
    "Balance",
    "EntrySeal",
    "Float",
    "FloatCount",
    "FundBook",
    "FundPaper",
    "LedgerCheck",
    "LedgerEntry",
    "PettySpend",
    "Population",
    "Posting",
    "PublicFund",
    "YearEnd",
]
