"""Rows of funds."""

from tuodi.funds.models.aid import (
    EmergencyCase,
    EmergencyReturn,
    PremiumAnswer,
    PremiumItem,
    PremiumList,
    PremiumRefund,
)
from tuodi.funds.models.book import FundBook, FundPaper, Population, PublicFund, YearEnd
from tuodi.funds.models.funeral import FuneralReturn, FuneralWaiver
from tuodi.funds.models.hospital import BillBatch, HospitalAgreement, HospitalBill, HospitalClearing
from tuodi.funds.models.idle import IdleAlert
from tuodi.funds.models.ledger import Balance, EntrySeal, LedgerCheck, LedgerEntry, Posting
from tuodi.funds.models.order import OrderTurn, PayeeAccount, PayOrder
from tuodi.funds.models.petty import (
    CashClaim,
    CashFollow,
    CashReturn,
    Float,
    FloatCheck,
    FloatCount,
    FloatRequest,
    PettySpend,
)
from tuodi.funds.models.refund import StatementRefund
from tuodi.funds.states import Account

__all__ = [
    "Account",
    "Balance",
    "BillBatch",
    "CashClaim",
    "CashFollow",
    "CashReturn",
    "EmergencyCase",
    "EmergencyReturn",
    "EntrySeal",
    "Float",
    "FloatCheck",
    "FloatCount",
    "FloatRequest",
    "FundBook",
    "FundPaper",
    "FuneralReturn",
    "FuneralWaiver",
    "HospitalAgreement",
    "HospitalBill",
    "HospitalClearing",
    "IdleAlert",
    "LedgerCheck",
    "LedgerEntry",
    "OrderTurn",
    "PayOrder",
    "PayeeAccount",
    "PettySpend",
    "Population",
    "Posting",
    "PremiumAnswer",
    "PremiumItem",
    "PremiumList",
    "PremiumRefund",
    "PublicFund",
    "StatementRefund",
    "YearEnd",
]
