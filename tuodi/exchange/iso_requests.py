"""ISO 20022 requests beside payments: camt.056 or camt.055 asks payments back and camt.029 answers; acmt.023 asks about accounts and acmt.024 answers.

A request names each payment by the reference it was sent under, never a whole group, so that each gets an answer of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from tuodi.exchange.bank import BankProfile, Payment, Result, ReturnFile, ReturnRow
from tuodi.exchange.errors import ExchangeError
from tuodi.exchange.iso20022 import (
    VERSIONS,
    MessageRefusedError,
    Payer,
    agent,
    end_to_end,
    plain,
    split_reference,
    text_of,
    to_fen,
)
from tuodi.exchange.iso_stream import records
from tuodi.kernel.money import format_yuan

__all__ = ["read_resolution", "read_verification", "whole_word", "write_acmt023", "write_camt055", "write_camt056"]

#: Status of the investigation (ExternalInvestigationExecutionConfirmation1Code) -> what it says of payments that have no status
#: of their own. A payment that was executed and is given back is no cancelled one: its money comes by itself.
_CONFIRMED: dict[str, Result] = {
    "CNCL": "cancelled", "CWFW": "returning", "IPAY": "returning", "ACNR": "returning", "RJCR": "refused", "UWFW": "refused",
    "PDCR": "unknown", "PECR": "unknown", "INFO": "unknown",
}  # fmt: skip
#: Status of one payment (CancellationIndividualStatus1Code); an accepted request is read with the investigation's own status.
_WORDS: dict[str, Result] = {"ACCR": "cancelled", "RJCR": "refused", "PDCR": "unknown"}


#: Reasons the generation of 2009 knows (CancellationReason4Code); anything else is told there as the customer's wish, in words.
_REASONS_2009 = ("CUST", "DUPL", "AGNT", "CURR", "UPAY", "CUTA")


def _root(profile: BankProfile, kind: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.{VERSIONS[profile.messages][kind]}">'


def write_camt056(
    profile: BankProfile, no: str, batch_no: str, rows: Sequence[Payment], *, payer: Payer, at: datetime, code: str, note: str
) -> bytes:  # fmt: skip
    """A request to give payments of one batch back.

    Args:
        no: number of the request; the answer repeats it. rows: payments as they were sent, with their numbers in the batch.
        code: of ExternalCancellationReason1Code. note: why, in words; cut to 105 characters.
    """
    if profile.messages == "2009" and code not in _REASONS_2009:
        code = "CUST"
    total = format_yuan(sum(one.amount_fen for one in rows), sep=False)
    us = f"<Pty><Nm>{plain(payer.name, 70)}</Nm></Pty>"
    original = f"<OrgnlMsgId>{escape(batch_no)}</OrgnlMsgId><OrgnlMsgNmId>pain.001.{VERSIONS[profile.messages]['pain.001']}</OrgnlMsgNmId>"
    parts = [
        f"{_root(profile, 'camt.056')}<FIToFIPmtCxlReq><Assgnmt><Id>{escape(no)}</Id><Assgnr>{us}</Assgnr><Assgne><Agt>{agent(payer.agent)}</Agt>"
        f"</Assgne><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm></Assgnmt><Case><Id>{escape(no)}</Id><Cretr>{us}</Cretr></Case>"
        f"<CtrlData><NbOfTxs>{len(rows)}</NbOfTxs><CtrlSum>{total}</CtrlSum></CtrlData><Undrlyg><OrgnlGrpInfAndCxl>{original}<GrpCxl>false</GrpCxl>"
        "</OrgnlGrpInfAndCxl>\n"
    ]
    parts += [
        f"<TxInf><CxlId>{escape(end_to_end(no, one.seq))}</CxlId><OrgnlInstrId>{one.seq}</OrgnlInstrId>"
        f"<OrgnlEndToEndId>{escape(end_to_end(batch_no, one.seq))}</OrgnlEndToEndId>"
        f'<OrgnlIntrBkSttlmAmt Ccy="CNY">{format_yuan(one.amount_fen, sep=False)}</OrgnlIntrBkSttlmAmt>'
        f"<CxlRsnInf><Rsn><Cd>{escape(code)}</Cd></Rsn><AddtlInf>{plain(note, 105)}</AddtlInf></CxlRsnInf></TxInf>\n"
        for one in rows
    ]
    return "".join([*parts, "</Undrlyg></FIToFIPmtCxlReq></Document>\n"]).encode()


def write_camt055(
    profile: BankProfile, no: str, batch_no: str, rows: Sequence[Payment], *, payer: Payer, at: datetime, code: str, note: str, version: str
) -> bytes:  # fmt: skip
    """The customer's own request to give payments of one batch back (CustomerPaymentCancellationRequest).

    It names the payments under their payment information, whose number is the batch's, and asks for none as a whole.

    Args:
        version: `001.08` or `001.09`; the rest as for `write_camt056`.
    """
    total = format_yuan(sum(one.amount_fen for one in rows), sep=False)
    us = f"<Pty><Nm>{plain(payer.name, 70)}</Nm></Pty>"
    counted = f"<NbOfTxs>{len(rows)}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.055.{version}"><CstmrPmtCxlReq><Assgnmt><Id>{escape(no)}</Id>'
        f"<Assgnr>{us}</Assgnr><Assgne><Agt>{agent(payer.agent)}</Agt></Assgne><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm>"
        f"</Assgnmt><Case><Id>{escape(no)}</Id><Cretr>{us}</Cretr></Case><CtrlData>{counted}</CtrlData><Undrlyg><OrgnlGrpInfAndCxl>"
        f"<OrgnlMsgId>{escape(batch_no)}</OrgnlMsgId><OrgnlMsgNmId>pain.001.{VERSIONS[profile.messages]['pain.001']}</OrgnlMsgNmId>"
        "<GrpCxl>false</GrpCxl></OrgnlGrpInfAndCxl>"
        f"<OrgnlPmtInfAndCxl><OrgnlPmtInfId>{escape(batch_no)}</OrgnlPmtInfId>{counted}<PmtInfCxl>false</PmtInfCxl>\n"
    ]
    parts += [
        f"<TxInf><CxlId>{escape(end_to_end(no, one.seq))}</CxlId><OrgnlInstrId>{one.seq}</OrgnlInstrId>"
        f"<OrgnlEndToEndId>{escape(end_to_end(batch_no, one.seq))}</OrgnlEndToEndId>"
        f'<OrgnlInstdAmt Ccy="CNY">{format_yuan(one.amount_fen, sep=False)}</OrgnlInstdAmt>'
        f"<CxlRsnInf><Rsn><Cd>{escape(code)}</Cd></Rsn><AddtlInf>{plain(note, 105)}</AddtlInf></CxlRsnInf></TxInf>\n"
        for one in rows
    ]
    return "".join([*parts, "</OrgnlPmtInfAndCxl></Undrlyg></CstmrPmtCxlReq></Document>\n"]).encode()


_RESOLUTION = frozenset(
    f"RsltnOfInvstgtn/{path}"
    for path in (
        "Assgnmt", "RslvdCase", "Sts", "CxlDtls/OrgnlGrpInfAndSts", "CxlDtls/TxInfAndSts", "CxlDtls/OrgnlPmtInfAndSts/TxInfAndSts",
    )
)  # fmt: skip


def read_resolution(data: bytes) -> ReturnFile:
    """Reads a camt.029 into rows: `cancelled`, `returning`, `refused`, `unknown` (still looked at).

    `no` is our request's number; `group` the status of the whole. The batch a row speaks of stands in `about`.

    Raises: MessageRefusedError for what is none, or hostile.
    """
    found = ReturnFile(partial=True)
    rows: list[Mapping[str, str]] = []
    for kind, path, record in records(data, _RESOLUTION):
        element, found.kind = record.fields, kind
        name = path.rpartition("/")[2]
        if name == "Assgnmt":
            found.message_id = text_of(element, "Id")[:35]
        elif name == "RslvdCase":
            found.no = text_of(element, "Id")[:35]
        elif name == "Sts":
            found.group = text_of(element, "Conf")
        elif name == "OrgnlGrpInfAndSts":
            found.about = text_of(element, "OrgnlMsgId")
            found.no = found.no or text_of(element, "RslvdCase/Id")[:35]
            found.group = found.group or text_of(element, "GrpCxlSts")
        else:
            rows.append(element)
    if found.kind != "camt.029":
        raise MessageRefusedError("kind", f"{found.kind or '空报文'} 不是撤销答复")
    for element in rows:
        _cancelled(found, element)
    if found.group not in _CONFIRMED and not (found.group in _WORDS or (not found.group and rows)):
        found.faults.append(f"调查状态“{found.group[:10]}”不认识")
    if not found.no:
        found.faults.append("没有写明答复哪一份撤销请求")
    return found


def whole_word(found: ReturnFile) -> Result | None:
    """What an answer without rows says of each payment it was asked about."""
    return _CONFIRMED.get(found.group) or _WORDS.get(found.group)


def _cancelled(found: ReturnFile, element: Mapping[str, str]) -> None:
    no = len(found.rows) + 1
    batch, seq = split_reference(text_of(element, "OrgnlEndToEndId"))
    said = text_of(element, "TxCxlSts")
    word = _WORDS.get(said) if said else whole_word(found)
    # Paid before the request came: the bank names what was settled, or says of the whole that money follows.
    if word == "cancelled" and (
        _CONFIRMED.get(found.group) == "returning" or text_of(element, "RsltnRltdInf/IntrBkSttlmAmt")
    ):
        word = "returning"
    if seq is None:
        found.faults.append(f"第 {no} 笔参考号“{text_of(element, 'OrgnlEndToEndId')[:40]}”不是本单位的编号")
    elif found.about and batch != found.about:
        found.faults.append(f"第 {no} 笔是批次 {batch[:35]} 的，报文写的是 {found.about[:35]}")
    found.about = found.about or batch
    if word is None:
        found.faults.append(f"第 {no} 笔状态“{said[:10]}”不认识")
    amount = None
    try:
        amount = to_fen(text_of(element, "OrgnlIntrBkSttlmAmt", "OrgnlInstdAmt"))
    except ValueError:
        found.faults.append(f"第 {no} 笔金额不是两位小数以内的数")
    found.rows.append(
        ReturnRow(
            no, seq, "", "", amount, word, said, text_of(element, "CxlStsRsnInf/Rsn/Cd", "CxlStsRsnInf/Rsn/Prtry")[:10],
            text_of(element, "CxlStsRsnInf/AddtlInf")[:100], "", text_of(element, "CxlStsId")[:40],
        )
    )  # fmt: skip


# ---- accounts


def write_acmt023(profile: BankProfile, no: str, rows: Iterable[Payment], *, payer: Payer, at: datetime) -> bytes:
    """A request to say of each account whether it is there and its holder's. No amounts. Raises: ExchangeError for an account no message can hold."""
    us = f"<Pty><Nm>{plain(payer.name, 70)}</Nm></Pty>"
    parts = [
        f"{_root(profile, 'acmt.023')}<IdVrfctnReq><Assgnmt><MsgId>{escape(no)}</MsgId><CreDtTm>{at.replace(microsecond=0).isoformat()}</CreDtTm>"
        f"<Assgnr>{us}</Assgnr><Assgne><Agt>{agent(payer.agent)}</Agt></Assgne></Assgnmt>\n"
    ]
    for one in rows:
        if not one.account or len(one.account) > 34:
            raise ExchangeError(f"序号 {one.seq} 的账号有 {len(one.account)} 位，报文只能写 1 到 34 位。请更正账户。")
        parts.append(
            f"<Vrfctn><Id>{escape(end_to_end(no, one.seq))}</Id><PtyAndAcctId><Pty><Nm>{plain(one.name, 70)}</Nm></Pty>"
            f"<Acct><Othr><Id>{plain(one.account, 34)}</Id></Othr></Acct><Agt>{agent(one.bank_code)}</Agt></PtyAndAcctId></Vrfctn>\n"
        )
    return "".join([*parts, "</IdVrfctnReq></Document>\n"]).encode()


#: What the bank proposes instead (UpdatedPartyAndAccountIdentification), and where numbers of accounts and banks may stand.
_UPDATED = "UpdtdPtyAndAcctId"
_NUMBERS = ("Othr/Id", "Id/Othr/Id", "IBAN")
_BANKS = ("ClrSysMmbId/MmbId", "BICFI", "BIC", "Nm")
_VERIFIED = frozenset({"IdVrfctnRpt/Assgnmt", "IdVrfctnRpt/OrgnlAssgnmt", "IdVrfctnRpt/Rpt"})


def read_verification(data: bytes) -> ReturnFile:
    """Reads an acmt.024: a row an account, `paid` = it can take money, `failed` = it cannot, with the bank's code and what it proposes.

    Raises: MessageRefusedError for what is none, or hostile.
    """
    found = ReturnFile(partial=True)
    for kind, path, record in records(data, _VERIFIED):
        element, found.kind = record.fields, kind
        name = path.rpartition("/")[2]
        if name == "Assgnmt":
            found.message_id = text_of(element, "MsgId")[:35]
        elif name == "OrgnlAssgnmt":
            found.no = text_of(element, "MsgId")[:35]
        else:
            _verified(found, element)
    if found.kind != "acmt.024":
        raise MessageRefusedError("kind", f"{found.kind or '空报文'} 不是账户校验答复")
    found.no = found.no or found.about
    return found


def _verified(found: ReturnFile, element: Mapping[str, str]) -> None:
    no = len(found.rows) + 1
    batch, seq = split_reference(text_of(element, "OrgnlId"))
    said = text_of(element, "Vrfctn")
    word: Result | None = "paid" if said in ("true", "1") else "failed" if said in ("false", "0") else None
    if seq is None:
        found.faults.append(f"第 {no} 笔编号“{text_of(element, 'OrgnlId')[:40]}”不是本单位的编号")
    found.about = found.about or batch
    if batch != (found.no or found.about):
        found.faults.append(f"第 {no} 笔是 {batch[:35]} 的，不是 {(found.no or found.about)[:35]} 的")
    if word is None:
        found.faults.append(f"第 {no} 笔校验结果“{said[:10]}”不认识")
    account = "OrgnlPtyAndAcctId/Acct"
    found.rows.append(
        ReturnRow(
            no, seq, text_of(element, f"{account}/Othr/Id", f"{account}/Id/Othr/Id", f"{account}/IBAN"), text_of(element, "OrgnlPtyAndAcctId/Pty/Nm"),
            None, word, said, text_of(element, "Rsn/Cd", "Rsn/Prtry")[:10], "", "", "",
            right_name=text_of(element, f"{_UPDATED}/Pty/Nm")[:140], right_account=text_of(element, *(f"{_UPDATED}/Acct/{end}" for end in _NUMBERS)),
            right_bank=text_of(element, *(f"{_UPDATED}/Agt/FinInstnId/{end}" for end in _BANKS))[:70],
        )
    )  # fmt: skip
