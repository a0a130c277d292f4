"""ISO 20022 messages with a bank: pain.001 out; pain.002, camt.054 and pacs.004 back; camt.053 as a statement.

Two generations are written: `2009` (pain.001.001.03) and `2019` (pain.001.001.09). What comes back is read in any version of
its family, because the elements used here kept their names and places; persons and banks moved one level down in 2019.

Whoever answers us is not trusted: no document type, no entity, bounded size, depth, elements and text. A message is read as
a stream, one transaction at a time, and nothing is judged here but what cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from xml.sax.saxutils import escape

from tuodi.exchange.bank import BankProfile, BatchHead, Payment, Result, ReturnFile, ReturnRow
from tuodi.exchange.errors import ExchangeError
from tuodi.exchange.iso_stream import Fields, MessageRefusedError, Record, records
from tuodi.kernel.money import format_yuan

__all__ = [
    "VERSIONS", "MessageRefusedError", "Payer", "Statement", "StatementEntry", "agent", "end_to_end", "plain", "read_answer",
    "read_statement", "split_reference", "text_of", "to_fen", "write_pain001",
]  # fmt: skip

#: Generation -> message -> version.
VERSIONS = {
    "2009": {
        "pain.001": "001.03", "pain.002": "001.03", "camt.053": "001.02", "camt.054": "001.02", "pacs.004": "001.02",
        "camt.056": "001.01", "camt.029": "001.03", "acmt.023": "001.01", "acmt.024": "001.01",
    },
    "2019": {
        "pain.001": "001.09", "pain.002": "001.10", "camt.053": "001.08", "camt.054": "001.08", "pacs.004": "001.09",
        "camt.056": "001.08", "camt.029": "001.09", "acmt.023": "001.02", "acmt.024": "001.02",
    },
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
#: Transaction status (ISO external code set) -> what it means for a line. `accepted` is no result yet.
_STATUS: dict[str, Result] = {
    "ACCC": "paid", "ACSC": "paid", "RJCT": "failed", "CANC": "failed", "PDNG": "unknown", "RCVD": "accepted", "ACTC": "accepted",
    "ACCP": "accepted", "ACSP": "accepted", "ACWC": "accepted", "ACWP": "accepted", "PART": "accepted",
}  # fmt: skip


@dataclass(frozen=True)
class Payer:
    """The account money leaves from: its name, number, and the bank that holds it (12 digits 联行号, or a name)."""

    name: str
    account: str = field(repr=False)
    agent: str = ""


def end_to_end(batch_no: str, seq: int) -> str:
    """The reference of one payment: batch and number in it, at most 35 characters."""
    return f"{batch_no}-{seq}"


def split_reference(text: str) -> tuple[str, int | None]:
    """Batch number and number in the batch of a reference; ("", None) where it is not one of ours."""
    no, dash, seq = text.rpartition("-")
    if not dash or not no or not (seq.isascii() and seq.isdigit()) or len(seq) > 8:
        return "", None
    return no, int(seq)


# ---- out


def plain(text: str, most: int) -> str:
    """Text as a message can hold it, cut; a dash for none."""
    return escape(_CONTROL.sub(" ", text).strip()[:most]) or "-"


def agent(code: str) -> str:
    """A bank by its number (联行号) or name."""
    if re.fullmatch(r"\d{12,14}", code):
        return f"<FinInstnId><ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>{code}</MmbId></ClrSysMmbId></FinInstnId>"
    return f"<FinInstnId><Nm>{plain(code or '未注明', 70)}</Nm></FinInstnId>"


def write_pain001(
    profile: BankProfile, head: BatchHead, rows: Iterable[Payment], *, payer: Payer, at: datetime, day: date
) -> Iterator[bytes]:
    """The pieces of a pain.001, a payment at a time. The head must agree with the rows.

    Args:
        at: moment of making; it is part of the bytes, so a file that is sent again is the stored one and not a new one.
        day: when the bank shall pay.

    Raises:
        ValueError: after the last piece, where head and rows differ or the bank's limit is passed: the caller gives nothing out.
        ExchangeError: an account that no message can hold.
    """
    version = VERSIONS[profile.messages]["pain.001"]
    total = format_yuan(head.amount_fen, sep=False)
    when = f"<Dt>{day.isoformat()}</Dt>" if profile.messages == "2019" else day.isoformat()
    counted = f"<NbOfTxs>{head.lines}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.{version}"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{escape(head.no)}</MsgId><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm>{counted}"
        f"<InitgPty><Nm>{plain(payer.name, 70)}</Nm></InitgPty></GrpHdr>"
        f"<PmtInf><PmtInfId>{escape(head.no)}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>{counted}"
        f"<PmtTpInf><CtgyPurp><Cd>SSBE</Cd></CtgyPurp></PmtTpInf><ReqdExctnDt>{when}</ReqdExctnDt>"
        f"<Dbtr><Nm>{plain(payer.name, 70)}</Nm></Dbtr><DbtrAcct><Id><Othr><Id>{plain(payer.account, 34)}</Id></Othr></Id><Ccy>CNY</Ccy></DbtrAcct>"
        f"<DbtrAgt>{agent(payer.agent)}</DbtrAgt>\n"
    ).encode()
    lines = amount = 0
    for one in rows:
        if not one.account or len(one.account) > 34:
            raise ExchangeError(f"序号 {one.seq} 的账号有 {len(one.account)} 位，报文只能写 1 到 34 位。请更正账户。")
        lines, amount = lines + 1, amount + one.amount_fen
        yield (
            f"<CdtTrfTxInf><PmtId><InstrId>{one.seq}</InstrId><EndToEndId>{escape(end_to_end(head.no, one.seq))}</EndToEndId></PmtId>"
            f'<Amt><InstdAmt Ccy="CNY">{format_yuan(one.amount_fen, sep=False)}</InstdAmt></Amt><CdtrAgt>{agent(one.bank_code)}</CdtrAgt>'
            f"<Cdtr><Nm>{plain(one.name, 70)}</Nm></Cdtr><CdtrAcct><Id><Othr><Id>{plain(one.account, 34)}</Id></Othr></Id></CdtrAcct>"
            f"<RmtInf><Ustrd>{plain(one.summary, 140)}</Ustrd></RmtInf></CdtTrfTxInf>\n"
        ).encode()
    yield b"</PmtInf></CstmrCdtTrfInitn></Document>\n"
    if (lines, amount) != (head.lines, head.amount_fen):
        raise ValueError("head and rows differ")
    if lines > profile.max_lines:
        raise ValueError(f"more than {profile.max_lines} lines")


# ---- in


class StatementEntry(NamedTuple):
    """One movement of the account, as a plain row: a statement has tens of thousands.

    Attributes:
        debit: Money left the account. reference: ours, `end_to_end`; empty = the bank names none.
    """

    row_no: int
    amount_fen: int
    debit: bool
    reference: str
    bank_ref: str
    booked_on: date | None
    account: str = ""
    name: str = ""
    code: str = ""
    note: str = ""

    def __repr__(self) -> str:
        """Without whose account it is, so that nothing of it comes into a log."""
        return f"StatementEntry({self.row_no}, {self.amount_fen}, {self.debit}, {self.reference!r}, {self.bank_ref!r}, {self.booked_on})"


@dataclass
class Statement:
    """A statement as read. Amounts in fen; null = not said. `faults`: what cannot be read."""

    no: str = ""
    sequence: int | None = None
    account: str = ""
    from_day: date | None = None
    to_day: date | None = None
    opening_fen: int | None = None
    closing_fen: int | None = None
    entries: list[StatementEntry] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def text_of(fields: Mapping[str, str], *paths: str) -> str:
    """The first non-empty text under any of some paths."""
    for path in paths:
        found = fields.get(path)
        if found:
            return found
    return ""


@lru_cache(maxsize=65_536)  # most amounts of a month are one of a few hundred
def to_fen(text: str) -> int | None:
    """Yuan with at most two decimals as fen. ValueError for anything else: an amount is never rounded."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,15}(\.\d{1,5})?", text):
        raise ValueError(text)
    whole, _, part = text.partition(".")
    part = part.rstrip("0")
    if len(part) > 2:
        raise ValueError(text)
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


@lru_cache(maxsize=1_024)
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


class _Reading:
    """What one answer gathers while it is read."""

    def __init__(self) -> None:
        self.found = ReturnFile(partial=True)
        self.batches: set[str] = set()
        self.stated_lines = self.stated_fen = 0
        self.stated = False

    def fen(self, text: str, where: str) -> int | None:
        try:
            return to_fen(text)
        except ValueError:
            self.found.faults.append(f"{where}金额“{text[:20]}”不是两位小数以内的数")
            return None

    def row(
        self, reference: str, result: Result | None, word: str, amount: str, code: str, message: str, account: str, name: str, number: str,
        at: str,
    ) -> None:  # fmt: skip
        no = len(self.found.rows) + 1
        batch, seq = split_reference(reference)
        if seq is None:
            self.found.faults.append(f"第 {no} 笔参考号“{reference[:40]}”不是本单位的编号")
        else:
            self.batches.add(batch)
        if result is None:
            self.found.faults.append(f"第 {no} 笔状态“{word[:10]}”不认识")
        fen = self.fen(amount, f"第 {no} 笔") if amount else None
        self.found.rows.append(
            ReturnRow(no, seq, account, name, fen, result, word, code[:10], message[:100], at, number[:40])
        )


def read_answer(data: bytes) -> ReturnFile:
    """Reads a pain.002, camt.054 or pacs.004 into rows of one batch.

    Raises: MessageRefusedError for what is not one of them, or hostile.
    """
    one = _Reading()
    for kind, path, record in records(data, frozenset(_ANSWERS)):
        one.found.kind = kind
        _ANSWERS[path](one, record)
    found = one.found
    if found.kind not in ("pain.002", "camt.054", "pacs.004"):
        raise MessageRefusedError("kind", f"{found.kind or '空报文'} 不是付款答复")
    if len(one.batches) > 1:
        found.faults.append(f"一份报文涉及 {len(one.batches)} 个批次：{'、'.join(sorted(one.batches))[:120]}")
    found.no = min(one.batches, default="")
    if one.stated:
        found.lines, found.amount_fen = one.stated_lines, one.stated_fen
    return found


def _header(one: _Reading, record: Record) -> None:
    element = record.fields
    one.found.message_id = text_of(element, "MsgId")[:35]
    if one.found.kind == "pacs.004":
        count = text_of(element, "NbOfTxs")
        one.stated, one.stated_lines = True, int(count) if count.isdigit() else -1
        one.stated_fen = one.fen(text_of(element, "TtlRtrdIntrBkSttlmAmt"), "合计") or 0


def _group(one: _Reading, record: Record) -> None:
    found, element = one.found, record.fields
    one.batches.add(text_of(element, "OrgnlMsgId"))
    lines = text_of(element, "OrgnlNbOfTxs")
    found.orig_lines = int(lines) if lines.isdigit() else None
    found.orig_fen = one.fen(text_of(element, "OrgnlCtrlSum"), "原批次合计")
    found.group = text_of(element, "GrpSts")
    found.group_code = text_of(element, "StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry")[:10]
    found.group_note = text_of(element, "StsRsnInf/AddtlInf")[:100]
    for part in record.of("NbOfTxsPerSts"):
        counted = part.fields
        count = text_of(counted, "DtldNbOfTxs")
        one.stated = True
        one.stated_lines += int(count) if count.isdigit() else 0
        one.stated_fen += one.fen(text_of(counted, "DtldCtrlSum"), "分状态合计") or 0


def _original(one: _Reading, record: Record) -> None:
    one.batches.add(text_of(record.fields, "OrgnlMsgId"))


_STATUS_FIELDS = Fields(
    "OrgnlEndToEndId", "TxSts", "OrgnlTxRef/Amt/InstdAmt", ("StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry"), "StsRsnInf/AddtlInf",
    ("OrgnlTxRef/CdtrAcct/Id/Othr/Id", "OrgnlTxRef/CdtrAcct/Id/IBAN"), ("OrgnlTxRef/Cdtr/Pty/Nm", "OrgnlTxRef/Cdtr/Nm"), "AcctSvcrRef",
    "AccptncDtTm",
)  # fmt: skip


def _status(one: _Reading, record: Record) -> None:
    reference, word, amount, code, message, account, name, number, at = record.pick(_STATUS_FIELDS)
    one.row(reference, _STATUS.get(word), word, amount, code, message, account, name, number, at)


_NOTICE_FIELDS = Fields("CdtDbtInd", ("Sts/Cd", "Sts"), "Amt", ("BookgDt/Dt", "BookgDt/DtTm"))
_NOTICE_PART = Fields(
    "Refs/EndToEndId", ("Amt", "AmtDtls/TxAmt/Amt"), ("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"), "RtrInf/AddtlInf",
    "RltdPties/CdtrAcct/Id/Othr/Id", ("RltdPties/Cdtr/Pty/Nm", "RltdPties/Cdtr/Nm"), "Refs/AcctSvcrRef",
)  # fmt: skip


def _notice(one: _Reading, record: Record) -> None:
    """An entry of a camt.054: a debit is a payment that was booked, a credit one that came back."""
    said, status, whole, at = record.pick(_NOTICE_FIELDS)
    if status not in ("BOOK", ""):
        return  # announced and not booked: no result
    debit = said == "DBIT"
    one.stated = True
    one.stated_fen += one.fen(whole, "分录") or 0
    for part in record.of("NtryDtls/TxDtls"):
        reference, amount, code, message, account, name, number = part.pick(_NOTICE_PART)
        one.stated_lines += 1
        one.row(
            reference, "paid" if debit else "returned", "DBIT" if debit else "CRDT", amount, code, message, account if debit else "",
            name if debit else "", number, at,
        )  # fmt: skip


_RETURN_FIELDS = Fields(
    "OrgnlEndToEndId", "OrgnlGrpInf/OrgnlMsgId", "RtrdIntrBkSttlmAmt", ("RtrRsnInf/Rsn/Cd", "RtrRsnInf/Rsn/Prtry"), "RtrRsnInf/AddtlInf",
    "OrgnlTxRef/CdtrAcct/Id/Othr/Id", ("OrgnlTxRef/Cdtr/Pty/Nm", "OrgnlTxRef/Cdtr/Nm"), "RtrId", "IntrBkSttlmDt",
)  # fmt: skip


def _returned(one: _Reading, record: Record) -> None:
    reference, message_id, amount, code, message, account, name, number, at = record.pick(_RETURN_FIELDS)
    if message_id:
        one.batches.add(message_id)
    one.row(reference, "returned", "RTR", amount, code, message, account, name, number, at)


_ANSWERS: dict[str, Callable[[_Reading, Record], None]] = {
    "CstmrPmtStsRpt/GrpHdr": _header, "CstmrPmtStsRpt/OrgnlGrpInfAndSts": _group, "CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts": _status,
    "CstmrPmtStsRpt/TxInfAndSts": _status, "BkToCstmrDbtCdtNtfctn/GrpHdr": _header, "BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry": _notice,
    "PmtRtr/GrpHdr": _header, "PmtRtr/OrgnlGrpInf": _original, "PmtRtr/TxInf": _returned,
}  # fmt: skip


_STATEMENT = frozenset(
    {f"BkToCstmrStmt/Stmt/{name}" for name in ("Id", "ElctrncSeqNb", "LglSeqNb", "FrToDt", "Acct", "Bal", "Ntry")}
    | {"BkToCstmrStmt/GrpHdr"}
)


def read_statement(data: bytes) -> Statement:
    """Reads a camt.053 with one statement. Raises MessageRefusedError."""
    found = Statement()
    seen = ""
    for kind, path, record in records(data, _STATEMENT):
        seen = kind
        name = path.rpartition("/")[2]
        if name == "Ntry":
            _entries(found, record)
            continue
        element = record.fields
        if name == "Id":
            if found.no:
                found.faults.append("一份报文有几张对账单，请逐张导入")
            found.no = element[""][:35]
        elif name in ("ElctrncSeqNb", "LglSeqNb"):
            text = element[""]
            found.sequence = (
                int(text) if text.isdigit() and (name == "ElctrncSeqNb" or found.sequence is None) else found.sequence
            )
        elif name == "FrToDt":
            found.from_day, found.to_day = _day(text_of(element, "FrDtTm")), _day(text_of(element, "ToDtTm"))
        elif name == "Acct":
            found.account = text_of(element, "Id/Othr/Id", "Id/IBAN")
        elif name == "Bal":
            _balance(found, element)
    if seen != "camt.053":
        raise MessageRefusedError("kind", f"{seen or '空报文'} 不是对账单")
    return found


def _balance(found: Statement, element: Mapping[str, str]) -> None:
    kind = text_of(element, "Tp/CdOrPrtry/Cd")
    try:
        amount = to_fen(text_of(element, "Amt"))
    except ValueError:
        found.faults.append("余额不是数字")
        return
    if amount is not None and text_of(element, "CdtDbtInd") == "DBIT":
        amount = -amount
    if kind in ("OPBD", "PRCD"):
        found.opening_fen = amount
    elif kind == "CLBD":
        found.closing_fen = amount


_ENTRY_FIELDS = Fields(("Sts/Cd", "Sts"), "CdtDbtInd", ("BookgDt/Dt", "BookgDt/DtTm"), "Amt", "AcctSvcrRef")


def _part(other: str) -> Fields:
    """What is read of a detail; the other side of the account is the creditor of a debit and the debtor of a credit."""
    return Fields(
        ("Amt", "AmtDtls/TxAmt/Amt"), "Refs/EndToEndId", "Refs/AcctSvcrRef", f"RltdPties/{other}Acct/Id/Othr/Id",
        (f"RltdPties/{other}/Pty/Nm", f"RltdPties/{other}/Nm"), "RtrInf/Rsn/Cd", ("RtrInf/AddtlInf", "AddtlTxInf"),
    )  # fmt: skip


_DEBIT_PART, _CREDIT_PART = _part("Cdtr"), _part("Dbtr")
#: An entry without details.
_NONE = ("",) * len(_DEBIT_PART.paths)


def _entries(found: Statement, record: Record) -> None:
    status, said, day, stated, number = record.pick(_ENTRY_FIELDS)
    if status not in ("BOOK", ""):
        return
    debit, booked = said == "DBIT", _day(day)
    wanted = _DEBIT_PART if debit else _CREDIT_PART
    details = [part.pick(wanted) for part in record.of("NtryDtls/TxDtls")] or [_NONE]
    whole = 0
    for text, reference, own_number, account, name, code, note in details:
        no = len(found.entries) + 1
        try:
            amount = to_fen(text or (stated if len(details) == 1 else ""))
            if amount is None:
                raise ValueError
        except ValueError:
            found.faults.append(f"第 {no} 笔金额不是数字")
            amount = 0
        whole += amount
        found.entries.append(
            StatementEntry(
                no,
                amount,
                debit,
                reference[:40],
                (own_number or number)[:40],
                booked,
                account,
                name,
                code[:10],
                note[:100],
            )
        )
    try:
        if whole != to_fen(stated):
            found.faults.append(f"分录金额 {stated[:20]} 与明细合计 {format_yuan(whole)} 不符")
    except ValueError:
        found.faults.append("分录金额不是数字")
