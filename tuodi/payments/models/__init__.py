"""Rows of the room: runs and lines, their events and differences, the ledger, bank files."""

from __future__ import annotations

from tuodi.funds.models import Account, LedgerEntry, Posting
from tuodi.payments.models.bank import BankBatch, BankItem, BankReturn
from tuodi.payments.models.ledger import Account, LedgerEntry, Posting
from tuodi.payments.models.price import PriceIndex, PriceMember, PriceShare
from tuodi.payments.models.run import Arrear, LineDifference, LineEvent, PayLine, PayRun
from tuodi.payments.models.simulation import Simulation

__all__ = [
    "Account",
    "Arrear",
    "BankBatch",
    "BankItem",
    "BankReturn",
    "LedgerEntry",
    "LineDifference",
    "LineEvent",
    "PayLine",
    "PayRun",
    "Posting",
    "PriceIndex",
    "PriceMember",
    "PriceShare",
    "Simulation",
]
