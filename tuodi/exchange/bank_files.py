"""One door to a bank's files whatever their format: the profile says which writer and reader are meant.

data = write_file(profile, head, payments, payer=payer, at=now, day=day)
answer = read_answer(profile, data)
statement = read_statement(profile, data)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from tuodi.exchange import iso20022, iso_requests
from tuodi.exchange.bank import (
    BankProfile,
    BatchHead,
    Payment,
    ReturnFile,
    plain_cell,
    read_return,
    read_table,
    table_suffix,
    write_payments,
    write_table,
)
from tuodi.exchange.cells import BadCellError, as_fen
from tuodi.exchange.errors import ProfileError
from tuodi.exchange.iso20022 import Payer, Statement, StatementEntry
from tuodi.kernel.money import format_yuan

__all__ = [
    "RECALL_FORMS",
    "RECALL_MARK",
    "STATEMENT_COLUMNS",
    "Payer",
    "Statement",
    "StatementEntry",
    "read_answer",
    "read_statement",
    "write_csv_statement",
    "write_file",
    "write_inquiry",
    "write_recall",
]

#: Head line and columns of a statement as a table, for banks that give no camt.053.
STATEMENT_HEAD = ("对账单号", "对账单序号", "起始日", "截止日", "期初余额", "期末余额")
STATEMENT_COLUMNS = ("序号", "记账日期", "借贷", "金额", "业务参考号", "对方账号", "对方户名", "银行流水号", "摘要")


def write_file(
    profile: BankProfile, head: BatchHead, rows: Iterable[Payment], *, payer: Payer | None = None, at: datetime | None = None,
    day: date | None = None,
) -> bytes:  # fmt: skip
    """The bytes of a batch.

    Args:
        payer, at, day: what an ISO 20022 message also says; a table says none of it.

    Raises: ValueError where head and rows differ or the bank's limit is passed; ProfileError, ExchangeError.
    """
    if profile.format != "iso20022":
        return write_payments(profile, head, rows)
    if payer is None or at is None or day is None:
        raise ProfileError(profile.name, "这种格式要先登记付款账户（银行直联）")
    return b"".join(iso20022.write_pain001(profile, head, rows, payer=payer, at=at, day=day))


def read_answer(profile: BankProfile, data: bytes) -> ReturnFile:
    """A bank's answer in rows: to payments, to a request to give some back, or about accounts. Raises ExchangeError for what is none."""
    if profile.format != "iso20022":
        return read_return(profile, data)
    head = data[:4096]
    if b":camt.029." in head:
        return iso_requests.read_resolution(data)
    if b":acmt.024." in head:
        return iso_requests.read_verification(data)
    return iso20022.read_answer(data)


#: The messages that ask payments back: between banks, used as agreed with the bank, or the customer's own in two versions.
RECALL_FORMS = ("camt.056", "camt.055.001.08", "camt.055.001.09")
#: What a table that asks payments back says before the number of their batch (用途 of its first line).
RECALL_MARK = "撤销 "


def write_recall(
    profile: BankProfile, no: str, batch_no: str, rows: Sequence[Payment], *, month: str, payer: Payer | None, at: datetime, code: str, note: str,
    form: str = "camt.056",
) -> bytes:  # fmt: skip
    """The bytes of a request to give payments of a batch back.

    Args:
        rows: as they were sent, with their numbers in the batch. code: of ISO 20022; a table says the note alone.
        form: which message asks, as agreed with the bank (`RECALL_FORMS`); a table has one form.

    Raises: ProfileError: a message without a payer.
    """
    if profile.format == "iso20022":
        if payer is None:
            raise ProfileError(profile.name, "这种格式要先登记付款账户（银行直联）")
        if form != "camt.056":
            version = form.removeprefix("camt.055.")
            return iso_requests.write_camt055(
                profile, no, batch_no, rows, payer=payer, at=at, code=code, note=note, version=version
            )
        return iso_requests.write_camt056(profile, no, batch_no, rows, payer=payer, at=at, code=code, note=note)
    head = BatchHead(no, len(rows), sum(one.amount_fen for one in rows), month, f"{RECALL_MARK}{batch_no}")
    return write_payments(profile, head, [replace(one, summary=f"{RECALL_MARK}{note}") for one in rows])


def write_inquiry(
    profile: BankProfile, no: str, rows: Sequence[Payment], *, month: str, payer: Payer | None, at: datetime
) -> bytes:
    """The bytes of a question about accounts, without amounts. Raises: ProfileError, ExchangeError."""
    if profile.format == "iso20022":
        if payer is None:
            raise ProfileError(profile.name, "这种格式要先登记付款账户（银行直联）")
        return iso_requests.write_acmt023(profile, no, rows, payer=payer, at=at)
    wide = profile.model_copy(update={"max_lines": max(len(rows), 1)})
    return write_payments(wide, BatchHead(no, len(rows), 0, month, "账户预校验"), rows)


def read_statement(profile: BankProfile, data: bytes) -> Statement:
    """A statement: camt.053 or a table. Raises ExchangeError for what is none."""
    return iso20022.read_statement(data) if profile.format == "iso20022" else _read_table(data)


def _read_table(data: bytes) -> Statement:
    found = Statement()
    at: dict[str, int] = {}
    for no, cells in read_table(data, table_suffix(data)):
        if not any(cells):
            continue
        if not found.no and cells[0].rstrip(":：") == STATEMENT_HEAD[0]:
            _head(found, cells)
        elif not at:
            at = {name: i for i, name in enumerate(cells) if name in STATEMENT_COLUMNS}
            lacking = [name for name in ("记账日期", "借贷", "金额", "业务参考号") if name not in at]
            if lacking:
                found.faults.append(f"第 {no} 行应是列名，缺少 {'、'.join(lacking)}")
                return found
        else:
            _row(found, no, cells, at)
    if not found.no:
        found.faults.append("没有对账单号")
    return found


def _head(found: Statement, cells: Sequence[str]) -> None:
    named = {cells[i].rstrip(":："): cells[i + 1] for i in range(0, len(cells) - 1, 2)}
    found.no = named.get("对账单号", "")[:35]
    sequence = named.get("对账单序号", "")
    found.sequence = int(sequence) if sequence.isascii() and sequence.isdigit() else None
    try:
        found.from_day = date.fromisoformat(named["起始日"]) if named.get("起始日") else None
        found.to_day = date.fromisoformat(named["截止日"]) if named.get("截止日") else None
        found.opening_fen, found.closing_fen = as_fen(named.get("期初余额", "")), as_fen(named.get("期末余额", ""))
    except (ValueError, BadCellError):
        found.faults.append("对账单首行的日期或余额不能识别")


def _row(found: Statement, no: int, cells: Sequence[str], at: dict[str, int]) -> None:
    def cell(name: str) -> str:
        place = at.get(name)
        return cells[place].strip().lstrip("'") if place is not None and place < len(cells) else ""

    amount, booked = 0, None
    try:
        amount = as_fen(cell("金额")) or 0
        booked = date.fromisoformat(cell("记账日期"))
    except (ValueError, BadCellError):
        found.faults.append(f"第 {no} 行金额或记账日期不能识别")
    if cell("借贷") not in ("借", "贷", "D", "C") or amount <= 0:
        found.faults.append(f"第 {no} 行借贷标志或金额不能识别")
    found.entries.append(
        StatementEntry(
            no, amount, cell("借贷") in ("借", "D"), cell("业务参考号")[:40], cell("银行流水号")[:40], booked, cell("对方账号"),
            cell("对方户名"), "", cell("摘要")[:100],
        )
    )  # fmt: skip


def write_csv_statement(profile: BankProfile, statement: Statement) -> bytes:
    """A statement as a table (the simulated bank, and tests)."""

    def yuan(fen: int | None) -> str:
        return "" if fen is None else format_yuan(fen, sep=False)

    values = (
        statement.no, str(statement.sequence or ""), str(statement.from_day or ""), str(statement.to_day or ""), yuan(statement.opening_fen),
        yuan(statement.closing_fen),
    )  # fmt: skip
    table: list[list[str]] = [
        [cell for pair in zip(STATEMENT_HEAD, values, strict=True) for cell in pair],
        [*STATEMENT_COLUMNS],
    ]
    for one in statement.entries:
        row = (
            str(one.row_no), str(one.booked_on or ""), "借" if one.debit else "贷", yuan(one.amount_fen), one.reference, one.account, one.name,
            one.bank_ref, one.note,
        )  # fmt: skip
        table.append([plain_cell(cell) for cell in row])
    return write_table(profile, table)
