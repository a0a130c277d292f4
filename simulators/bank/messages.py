"""What the simulated bank reads and writes in ISO 20022: pain.001 in; pain.002, camt.054, pacs.004 and camt.053 out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from tuodi.exchange.bank import BatchHead, Payment
from tuodi.exchange.iso20022 import VERSIONS, Statement, end_to_end
from tuodi.kernel.money import format_yuan

__all__ = [
    "Told",
    "acmt024",
    "camt029",
    "camt053",
    "camt054",
    "pacs004",
    "pain002",
    "read_acmt023",
    "read_camt055",
    "read_camt056",
    "read_pain001",
]


@dataclass(frozen=True)
class Told:
    """One payment and what the bank says of it: status (ACSC, RJCT, PDNG …) with a reason code."""

    payment: Payment
    status: str
    code: str = ""
    note: str = ""
    number: str = ""


def read_pain001(data: bytes) -> tuple[BatchHead, list[Payment], str]:
    """Head, payments, and the account they are paid from. ValueError for what is no pain.001."""
    root = fromstring(data, forbid_dtd=True)

    def text(element: object, path: str) -> str:
        found = element.find("/".join(f"{{*}}{step}" for step in path.split("/")))  # type: ignore[attr-defined]
        return (found.text or "").strip() if found is not None else ""

    body = root.find("{*}CstmrCdtTrfInitn")
    if body is None:
        raise ValueError("no pain.001")
    payments = []
    for tx in body.iterfind("{*}PmtInf/{*}CdtTrfTxInf"):
        yuan, _, cents = text(tx, "Amt/InstdAmt").partition(".")
        payments.append(
            Payment(
                int(text(tx, "PmtId/InstrId")), text(tx, "Cdtr/Nm"), text(tx, "CdtrAcct/Id/Othr/Id"), text(tx, "CdtrAgt/FinInstnId/Nm"),
                int(yuan) * 100 + int(cents.ljust(2, "0") or 0), text(tx, "RmtInf/Ustrd"), text(tx, "PmtId/EndToEndId"),
            )
        )  # fmt: skip
    whole, _, part = text(body, "GrpHdr/CtrlSum").partition(".")
    head = BatchHead(
        text(body, "GrpHdr/MsgId"),
        int(text(body, "GrpHdr/NbOfTxs")),
        int(whole) * 100 + int(part.ljust(2, "0") or 0),
        "",
        "",
    )
    return head, payments, text(body, "PmtInf/DbtrAcct/Id/Othr/Id")


def _find(element: object, path: str) -> str:
    found = element.find("/".join(f"{{*}}{step}" for step in path.split("/")))  # type: ignore[attr-defined]
    return (found.text or "").strip() if found is not None else ""


def read_camt056(data: bytes) -> tuple[str, str, list[int], int]:
    """Number of a request, the batch it is about, the numbers asked back, their sum in fen. ValueError for what is none."""
    body = fromstring(data, forbid_dtd=True).find("{*}FIToFIPmtCxlReq")
    if body is None:
        raise ValueError("no camt.056")
    batch = _find(body, "Undrlyg/OrgnlGrpInfAndCxl/OrgnlMsgId")
    seqs, total = [], 0
    for tx in body.iterfind("{*}Undrlyg/{*}TxInf"):
        no, _, seq = _find(tx, "OrgnlEndToEndId").rpartition("-")
        if no != batch:
            raise ValueError("another batch")
        yuan, _, cents = _find(tx, "OrgnlIntrBkSttlmAmt").partition(".")
        seqs.append(int(seq))
        total += int(yuan) * 100 + int(cents.ljust(2, "0") or 0)
    if _find(body, "CtrlData/NbOfTxs") != str(len(seqs)) or _find(body, "CtrlData/CtrlSum") != _yuan(total):
        raise ValueError("count or sum")
    return _find(body, "Assgnmt/Id"), batch, seqs, total


def read_camt055(data: bytes) -> tuple[str, str, list[int], int]:
    """As `read_camt056`, of a customer's own request."""
    body = fromstring(data, forbid_dtd=True).find("{*}CstmrPmtCxlReq")
    if body is None:
        raise ValueError("no camt.055")
    batch = _find(body, "Undrlyg/OrgnlGrpInfAndCxl/OrgnlMsgId")
    if _find(body, "Undrlyg/OrgnlPmtInfAndCxl/OrgnlPmtInfId") != batch:
        raise ValueError("another payment information")
    seqs, total = [], 0
    for tx in body.iterfind("{*}Undrlyg/{*}OrgnlPmtInfAndCxl/{*}TxInf"):
        no, _, seq = _find(tx, "OrgnlEndToEndId").rpartition("-")
        if no != batch:
            raise ValueError("another batch")
        yuan, _, cents = _find(tx, "OrgnlInstdAmt").partition(".")
        seqs.append(int(seq))
        total += int(yuan) * 100 + int(cents.ljust(2, "0") or 0)
    for counted in ("CtrlData", "Undrlyg/OrgnlPmtInfAndCxl"):
        if _find(body, f"{counted}/NbOfTxs") != str(len(seqs)) or _find(body, f"{counted}/CtrlSum") != _yuan(total):
            raise ValueError("count or sum")
    return _find(body, "Assgnmt/Id"), batch, seqs, total


def camt029(
    generation: str, *, number: str, at: datetime, recall: str, batch: str, told: Sequence[tuple[Payment, str, str]], conf: str,
    customer: bool = False,
) -> bytes:  # fmt: skip
    """An answer to a request: status of the whole, and (payment, ACCR | RJCR | PDCR, reason) of each.

    `customer`: to a camt.055, whose payments stand under their payment information.
    """
    us = "<Pty><Nm>银行</Nm></Pty>"
    case = f"<RslvdCase><Id>{escape(recall)}</Id><Cretr>{us}</Cretr></RslvdCase>"
    rows = "".join(
        f"<TxInfAndSts><CxlStsId>{escape(number)}-{one.seq}</CxlStsId><OrgnlInstrId>{one.seq}</OrgnlInstrId>"
        f"<OrgnlEndToEndId>{escape(end_to_end(batch, one.seq))}</OrgnlEndToEndId><TxCxlSts>{status}</TxCxlSts>"
        f"{f'<CxlStsRsnInf><Rsn><Cd>{code}</Cd></Rsn></CxlStsRsnInf>' if code else ''}</TxInfAndSts>"
        for one, status, code in told
    )
    if customer:
        rows = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{escape(batch)}</OrgnlPmtInfId>{rows}</OrgnlPmtInfAndSts>"
    group = (
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{escape(batch)}</OrgnlMsgId><OrgnlMsgNmId>pain.001.{VERSIONS[generation]['pain.001']}</OrgnlMsgNmId>"
        "</OrgnlGrpInfAndSts>"
    )
    return _document(
        generation, "camt.029",
        f"<RsltnOfInvstgtn><Assgnmt><Id>{escape(number)}</Id><Assgnr>{us}</Assgnr><Assgne>{us}</Assgne>"
        f"<CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm></Assgnmt>{case}<Sts><Conf>{conf}</Conf></Sts>"
        f"<CxlDtls>{group}{rows}</CxlDtls></RsltnOfInvstgtn>",
    )  # fmt: skip


def read_acmt023(data: bytes) -> tuple[str, list[tuple[int, str, str]]]:
    """Number of a question and (number, account, holder) of each. ValueError for what is none."""
    body = fromstring(data, forbid_dtd=True).find("{*}IdVrfctnReq")
    if body is None:
        raise ValueError("no acmt.023")
    rows = [
        (int(_find(one, "Id").rpartition("-")[2]), _find(one, "PtyAndAcctId/Acct/Othr/Id"), _find(one, "PtyAndAcctId/Pty/Nm"))
        for one in body.iterfind("{*}Vrfctn")
    ]  # fmt: skip
    return _find(body, "Assgnmt/MsgId"), rows


def _right(proposed: tuple[str, str] | None) -> str:
    if proposed is None:
        return ""
    holder, account = proposed
    number = f"<Acct><Othr><Id>{escape(account)}</Id></Othr></Acct>" if account else ""
    return f"<UpdtdPtyAndAcctId><Pty><Nm>{escape(holder)}</Nm></Pty>{number}</UpdtdPtyAndAcctId>"


def acmt024(
    generation: str, *, number: str, at: datetime, asked: str, told: Sequence[tuple[tuple[int, str, str], str]],
    right: Mapping[str, tuple[str, str]] | None = None,
) -> bytes:  # fmt: skip
    """What it says of accounts: ((number, account, holder), reason code; empty = good).

    `right`: account -> (holder, account) that it proposes instead.
    """
    us = "<Pty><Nm>银行</Nm></Pty>"
    rows = "".join(
        f"<Rpt><OrgnlId>{escape(end_to_end(asked, seq))}</OrgnlId><Vrfctn>{'false' if code else 'true'}</Vrfctn>"
        f"{f'<Rsn><Cd>{code}</Cd></Rsn>' if code else ''}<OrgnlPtyAndAcctId><Pty><Nm>{escape(holder)}</Nm></Pty><Acct><Othr><Id>{escape(account)}"
        f"</Id></Othr></Acct></OrgnlPtyAndAcctId>{_right((right or {}).get(account))}</Rpt>"
        for (seq, account, holder), code in told
    )
    return _document(
        generation, "acmt.024",
        f"<IdVrfctnRpt><Assgnmt><MsgId>{escape(number)}</MsgId><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm><Assgnr>{us}</Assgnr>"
        f"<Assgne>{us}</Assgne></Assgnmt><OrgnlAssgnmt><MsgId>{escape(asked)}</MsgId><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm>"
        f"</OrgnlAssgnmt>{rows}</IdVrfctnRpt>",
    )  # fmt: skip


def _document(generation: str, kind: str, body: str) -> bytes:
    version = VERSIONS[generation][kind]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.{version}">{body}</Document>\n'
    ).encode()


def _yuan(fen: int) -> str:
    return format_yuan(fen, sep=False)


def _head(number: str, at: datetime) -> str:
    return f"<GrpHdr><MsgId>{escape(number)}</MsgId><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm></GrpHdr>"


def _party(generation: str, name: str, tag: str = "Cdtr") -> str:
    inner = f"<Nm>{escape(name)}</Nm>"
    return f"<{tag}><Pty>{inner}</Pty></{tag}>" if generation == "2019" else f"<{tag}>{inner}</{tag}>"


def _account(number: str, tag: str = "CdtrAcct") -> str:
    return f"<{tag}><Id><Othr><Id>{escape(number)}</Id></Othr></Id></{tag}>"


def pain002(
    generation: str,
    *,
    number: str,
    at: datetime,
    batch: str,
    lines: int,
    total: int,
    told: Sequence[Told],
    group: str = "",
) -> bytes:
    """A status report: of the group alone, or of payments.

    Args:
        lines, total: of the original message, as the bank took it.
    """
    counts: dict[str, list[int]] = {}
    for one in told:
        count = counts.setdefault(one.status, [0, 0])
        count[0] += 1
        count[1] += one.payment.amount_fen
    per = "".join(
        f"<NbOfTxsPerSts><DtldNbOfTxs>{n}</DtldNbOfTxs><DtldSts>{status}</DtldSts><DtldCtrlSum>{_yuan(fen)}</DtldCtrlSum></NbOfTxsPerSts>"
        for status, (n, fen) in sorted(counts.items())
    )
    states = []
    for one in told:
        note = f"<AddtlInf>{escape(one.note)}</AddtlInf>" if one.note else ""
        why = f"<StsRsnInf><Rsn><Cd>{one.code}</Cd></Rsn>{note}</StsRsnInf>" if one.code else ""
        states.append(
            f"<TxInfAndSts><StsId>{escape(number)}-{one.payment.seq}</StsId><OrgnlInstrId>{one.payment.seq}</OrgnlInstrId>"
            f"<OrgnlEndToEndId>{escape(end_to_end(batch, one.payment.seq))}</OrgnlEndToEndId><TxSts>{one.status}</TxSts>{why}"
            f'<AcctSvcrRef>{escape(one.number) or "-"}</AcctSvcrRef><OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{_yuan(one.payment.amount_fen)}</InstdAmt></Amt>'
            f"{_party(generation, one.payment.name)}{_account(one.payment.account)}</OrgnlTxRef></TxInfAndSts>"
        )
    payments = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{escape(batch)}</OrgnlPmtInfId>{''.join(states)}</OrgnlPmtInfAndSts>"
    status = f"<GrpSts>{group}</GrpSts>" if group else ""
    return _document(
        generation, "pain.002",
        f"<CstmrPmtStsRpt>{_head(number, at)}<OrgnlGrpInfAndSts><OrgnlMsgId>{escape(batch)}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.{VERSIONS[generation]['pain.001']}</OrgnlMsgNmId><OrgnlNbOfTxs>{lines}</OrgnlNbOfTxs>"
        f"<OrgnlCtrlSum>{_yuan(total)}</OrgnlCtrlSum>{status}{per}</OrgnlGrpInfAndSts>{payments if told else ''}</CstmrPmtStsRpt>",
    )  # fmt: skip


def _entry(generation: str, amount: int, debit: bool, day: date, details: Iterable[str]) -> str:
    sts = "<Sts><Cd>BOOK</Cd></Sts>" if generation == "2019" else "<Sts>BOOK</Sts>"
    return (
        f'<Ntry><Amt Ccy="CNY">{_yuan(amount)}</Amt><CdtDbtInd>{"DBIT" if debit else "CRDT"}</CdtDbtInd>{sts}<BookgDt><Dt>{day}</Dt></BookgDt>'
        f"<BkTxCd><Prtry><Cd>{'DF' if debit else 'TH'}</Cd></Prtry></BkTxCd><NtryDtls>{''.join(details)}</NtryDtls></Ntry>"
    )


def _details(
    generation: str,
    *,
    reference: str,
    number: str,
    amount: int,
    account: str = "",
    name: str = "",
    code: str = "",
    note: str = "",
    debit: bool = True,
) -> str:
    other = "Cdtr" if debit else "Dbtr"
    refs = f"<AcctSvcrRef>{escape(number)}</AcctSvcrRef>" if number else ""
    refs += f"<EndToEndId>{escape(reference)}</EndToEndId>" if reference else ""
    parties = (
        f"<RltdPties>{_party(generation, name, other)}{_account(account, f'{other}Acct')}</RltdPties>"
        if account
        else ""
    )
    why = (
        f"<RtrInf><Rsn><Cd>{code}</Cd></Rsn>{f'<AddtlInf>{escape(note)}</AddtlInf>' if note else ''}</RtrInf>"
        if code
        else ""
    )
    return f'<TxDtls><Refs>{refs}</Refs><AmtDtls><TxAmt><Amt Ccy="CNY">{_yuan(amount)}</Amt></TxAmt></AmtDtls>{parties}{why}</TxDtls>'


def camt054(
    generation: str, *, number: str, at: datetime, account: str, batch: str, told: Sequence[Told], debit: bool
) -> bytes:
    """A notice of what was booked: payments that left, or came back."""
    details = [
        _details(
            generation, reference=end_to_end(batch, one.payment.seq), number=one.number, amount=one.payment.amount_fen,
            account=one.payment.account if debit else "", name=one.payment.name, code="" if debit else one.code or "MS03", note=one.note,
        )
        for one in told
    ]  # fmt: skip
    whole = sum(one.payment.amount_fen for one in told)
    return _document(
        generation, "camt.054",
        f"<BkToCstmrDbtCdtNtfctn>{_head(number, at)}<Ntfctn><Id>{escape(number)}</Id><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm>"
        f"{_account(account, 'Acct')}{_entry(generation, whole, debit, at.date(), details)}</Ntfctn></BkToCstmrDbtCdtNtfctn>",
    )  # fmt: skip


def pacs004(
    generation: str, *, number: str, at: datetime, batch: str, told: Sequence[Told], total: int | None = None
) -> bytes:
    """Returned payments. `total` overrides the sum of the head, to forge one."""
    whole = sum(one.payment.amount_fen for one in told) if total is None else total
    rows = "".join(
        f"<TxInf><RtrId>{escape(number)}-{one.payment.seq}</RtrId><OrgnlGrpInf><OrgnlMsgId>{escape(batch)}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.{VERSIONS[generation]['pain.001']}</OrgnlMsgNmId></OrgnlGrpInf>"
        f"<OrgnlEndToEndId>{escape(end_to_end(batch, one.payment.seq))}</OrgnlEndToEndId>"
        f'<OrgnlIntrBkSttlmAmt Ccy="CNY">{_yuan(one.payment.amount_fen)}</OrgnlIntrBkSttlmAmt>'
        f'<RtrdIntrBkSttlmAmt Ccy="CNY">{_yuan(one.payment.amount_fen)}</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>{at.date()}</IntrBkSttlmDt>'
        f"<RtrRsnInf><Rsn><Cd>{one.code or 'MS03'}</Cd></Rsn>{f'<AddtlInf>{escape(one.note)}</AddtlInf>' if one.note else ''}</RtrRsnInf></TxInf>"
        for one in told
    )
    return _document(
        generation, "pacs.004",
        f"<PmtRtr><GrpHdr><MsgId>{escape(number)}</MsgId><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm><NbOfTxs>{len(told)}</NbOfTxs>"
        f"<TtlRtrdIntrBkSttlmAmt Ccy=\"CNY\">{_yuan(whole)}</TtlRtrdIntrBkSttlmAmt><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>{rows}</PmtRtr>",
    )  # fmt: skip


def camt053(generation: str, statement: Statement, *, at: datetime) -> bytes:
    """A statement, an entry a movement."""

    def balance(kind: str, fen: int, day: date) -> str:
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{_yuan(abs(fen))}</Amt>'
            f"<CdtDbtInd>{'CRDT' if fen >= 0 else 'DBIT'}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    first, last = statement.from_day or at.date(), statement.to_day or at.date()
    entries = "".join(
        _entry(
            generation, one.amount_fen, one.debit, one.booked_on or last,
            [
                _details(
                    generation, reference=one.reference, number=one.bank_ref, amount=one.amount_fen, account=one.account, name=one.name,
                    code=one.code, note=one.note, debit=one.debit,
                )
            ],
        )
        for one in statement.entries
    )  # fmt: skip
    made = at.replace(microsecond=0).isoformat()
    return _document(
        generation, "camt.053",
        f"<BkToCstmrStmt>{_head(statement.no, at)}<Stmt><Id>{escape(statement.no)}</Id><ElctrncSeqNb>{statement.sequence}</ElctrncSeqNb>"
        f"<CreDtTm>{made}</CreDtTm><FrToDt><FrDtTm>{first}T00:00:00</FrDtTm><ToDtTm>{last}T23:59:59</ToDtTm></FrToDt>"
        f"{_account(statement.account, 'Acct')}{balance('OPBD', statement.opening_fen or 0, first)}{balance('CLBD', statement.closing_fen or 0, last)}"
        f"{entries}</Stmt></BkToCstmrStmt>",
    )  # fmt: skip
