"""Rows of the room: runs and lines, their events and differences, the ledger, bank files."""

from __future__ import annotations

from tuodi.funds.models import Account, LedgerEntry, Posting
from tuodi.payments.models.bank import BankBatch, BankItem, BankReturn, OrderEvent
from tuodi.payments.models.claim import Claim, ClaimAgreement, ClaimReceipt, ClaimWriteOff, RunSignature
from tuodi.payments.models.fixed import FixedEntry, FixedList
from tuodi.payments.models.link import (
    AccountCheck,
    BankAttempt,
    BankDecision,
    BankLink,
    BankMessage,
    BankStatement,
    StatementLine,
)
from tuodi.payments.models.price import PriceIndex, PriceList, PriceMember, PriceReminder, PriceShare
from tuodi.payments.models.recall import AccountInquiry, BankRecall, RecallLine
from tuodi.payments.models.run import Arrear, LineDifference, LineEvent, PayLine, PayRun, RunReading
from tuodi.payments.models.simulation import Simulation

__all__ = [
    "Account",
    "AccountCheck",
    "AccountInquiry",
    "Arrear",
    "BankAttempt",
    "BankBatch",
    "BankDecision",
    "BankItem",
    "BankLink",
    "BankMessage",
    "BankRecall",
    "BankReturn",
    "BankStatement",
    "Claim",
    "ClaimAgreement",
    "ClaimReceipt",
    "ClaimWriteOff",
    "FixedEntry",
    "FixedList",
    "LedgerEntry",
    "LineDifference",
    "LineEvent",
    "OrderEvent",
    "PayLine",
    "PayRun",
    "Posting",
    "PriceIndex",
    "PriceList",
    "PriceMember",
    "PriceReminder",
    "PriceShare",
    "RecallLine",
    "RunReading",
    "RunSignature",
    "Simulation",
    "StatementLine",
]
