"""Rows of the room: runs and lines, their events and differences, the ledger, bank files."""

from __future__ import annotations

from tuodi.funds.models import Account, LedgerEntry, Posting
from tuodi.payments.models.bank import BankBatch, BankItem, BankReturn, OrderEvent
from tuodi.payments.models.claim import (
    Claim,
    ClaimAgreement,
    ClaimFinding,
    ClaimMonth,
    ClaimReceipt,
    ClaimWriteOff,
    RunSignature,
)
from tuodi.payments.models.correction import PriceCorrection, PriceDecision
from tuodi.payments.models.fixed import FixedEntry, FixedList
from tuodi.payments.models.handout import Handout, HandoutRelease
from tuodi.payments.models.link import (
    AccountCheck,
    AccountProposal,
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
    "AccountProposal",
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
    "ClaimFinding",
    "ClaimMonth",
    "ClaimReceipt",
    "ClaimWriteOff",
    "FixedEntry",
    "FixedList",
    "Handout",
    "HandoutRelease",
    "LedgerEntry",
    "LineDifference",
    "LineEvent",
    "OrderEvent",
    "PayLine",
    "PayRun",
    "Posting",
    "PriceCorrection",
    "PriceDecision",
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
