"""Bank files (代发) and their answers (回盘), by profile: which columns, which encoding, what the bank's codes mean.

A file is one line about the batch, one of column names, then one line a payment. Profiles are YAML under
`sources/banks/`; a bank with another layout is another file there.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import xlsxwriter
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tuodi.exchange.cells import BadCellError, as_fen, as_text
from tuodi.exchange.errors import ExchangeError, ProfileError
from tuodi.exchange.sheets import open_book
from tuodi.kernel.money import format_yuan
from tuodi.kernel.names import normalise_name

__all__ = [
    "BankProfile", "BatchHead", "Payment", "ReturnFile", "ReturnRow", "bank_profiles", "load_bank_profile", "plain_cell",
    "read_payments", "read_return", "read_table", "same_holder", "table_suffix", "write_payments", "write_return", "write_table",
]  # fmt: skip

FOLDER = Path(__file__).resolve().parents[2] / "sources" / "banks"
#: What the batch line says, in this order.
HEAD = ("批次号", "笔数", "金额", "月份", "用途")
#: And behind it, where it is known: the account that pays, the day the file was made.
HEAD_MORE = ("付款账号", "生成日期")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "\uff20")
SUMMARY_LENGTH = 20
#: What a bank says of one payment. `accepted`: taken, and no result yet. The last three answer a request to give it back:
#: never paid, paid and coming back, not given back.
Result = Literal["paid", "failed", "returned", "unknown", "accepted", "cancelled", "returning", "refused"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BankColumn(_Strict):
    """One column of the file: our field and the bank's name for it."""

    field: Literal["seq", "name", "account", "bank_code", "id_no", "amount", "summary", "key", "month"]
    header: str


class Returned(_Strict):
    """How the answer reads: accepted names of each column, words of each result."""

    columns: dict[str, tuple[str, ...]]
    paid: tuple[str, ...]
    failed: tuple[str, ...]
    returned: tuple[str, ...]
    unknown: tuple[str, ...]
    cancelled: tuple[str, ...] = ("已撤销",)
    returning: tuple[str, ...] = ("款项将退回",)
    refused: tuple[str, ...] = ("不能撤销",)


class BankProfile(_Strict):
    """One bank's layout.

    Attributes:
        banks: bank codes this profile is for; empty = any.
        max_lines: most payments a file may hold.
        summary: text on the account statement; `{month}` and `{programme}` are filled in; cut to 20 characters.
        codes: class (success, fix_account, contact_holder, retry, recalled) -> code -> what the bank calls it.
        messages: generation of ISO 20022 messages, where that is the format.
        signed: files carry a detached SM2 signature, and answers without a valid one are not read.
        silence_days: working days without a result after which somebody is told.
    """

    name: str
    label: str
    format: Literal["csv", "xlsx", "iso20022"] = "csv"
    messages: Literal["2009", "2019"] = "2019"
    signed: bool = False
    silence_days: int = Field(3, ge=1, le=30)
    encoding: Literal["gb18030", "utf-8", "utf-8-sig"] = "gb18030"
    banks: tuple[str, ...] = ()
    max_lines: int = Field(3000, ge=1, le=100_000)
    summary: str = "{month}{programme}"
    columns: tuple[BankColumn, ...] = ()
    returned: Returned | None = None
    codes: dict[str, dict[str, str]]

    def asks(self, name: str) -> bool:
        """Whether the file has a column for one of our fields."""
        return any(column.field == name for column in self.columns)

    def class_of(self, code: str) -> str:
        """Class of a return code; `contact_holder` for a code the profile does not know."""
        return next((name for name, codes in self.codes.items() if code in codes), "contact_holder")

    def meaning(self, code: str) -> str:
        """What the bank calls a code; empty if unknown or none."""
        return code and next((codes[code] for codes in self.codes.values() if code in codes), "")

    @property
    def suffix(self) -> str:
        """File name ending."""
        return {"csv": ".csv", "xlsx": ".xlsx", "iso20022": ".xml"}[self.format]


def bank_profiles(folder: Path = FOLDER) -> dict[str, str]:
    """Name -> label of every profile."""
    return {path.stem: load_bank_profile(path.stem, folder).label for path in sorted(folder.glob("*.yaml"))}


@cache
def load_bank_profile(name: str, folder: Path = FOLDER) -> BankProfile:
    """Reads one profile. Raises ProfileError."""
    path = folder / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or not path.is_file():
        raise ProfileError(name, f"没有这个银行格式；现有：{'、'.join(p.stem for p in sorted(folder.glob('*.yaml')))}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        profile = BankProfile.model_validate({**data, "name": name})
    except (yaml.YAMLError, TypeError) as error:
        raise ProfileError(name, f"不是合法的 YAML：{error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ProfileError(name, f"{'.'.join(map(str, first['loc']))} 有误：{first['msg']}") from error
    if profile.format == "iso20022":
        return profile
    if profile.returned is None:
        raise ProfileError(name, "缺少 returned")
    need = {"seq", "name", "account", "amount"}
    lacking = need - {column.field for column in profile.columns} | need - set(profile.returned.columns)
    if lacking:
        raise ProfileError(name, f"缺少列 {'、'.join(sorted(lacking))}")
    return profile


@dataclass(frozen=True)
class BatchHead:
    """The batch line. `amount_fen` and `lines` are those of the whole file; `payer`, `made` are empty where nobody knows."""

    no: str
    lines: int
    amount_fen: int
    month: str
    purpose: str
    payer: str = ""
    made: str = ""


@dataclass(frozen=True)
class Payment:
    """One line out. Account and identity number are whole: files are kept encrypted and never logged.

    `id_no` is of the account's holder; empty where the bank's layout has no column for it, or the holder is a body.
    """

    seq: int
    name: str
    account: str
    bank_code: str
    amount_fen: int
    summary: str
    key: str
    id_no: str = ""


def plain_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what could be one, no line breaks inside."""
    one = re.sub(r"[\r\n\t]+", " ", text)
    return f"'{one}" if text.startswith(_FORMULA) or one.startswith(_FORMULA) else one


def same_holder(ours: str, theirs: str) -> bool:
    """Whether two writings of a holder's name are the same (width, spaces, dots, our apostrophe)."""
    return ours == theirs or normalise_name(ours.lstrip("'")) == normalise_name(theirs.lstrip("'"))


def _cells(profile: BankProfile, one: Payment, month: str) -> list[Any]:
    values = {
        "seq": str(one.seq),
        "name": one.name,
        "account": one.account,
        "bank_code": one.bank_code,
        "id_no": one.id_no,
        "amount": format_yuan(one.amount_fen, sep=False),
        "summary": one.summary[:SUMMARY_LENGTH],
        "key": one.key,
        "month": month,
    }
    return [plain_cell(values[column.field]) for column in profile.columns]


def _head_cells(head: BatchHead) -> list[str]:
    values = (head.no, str(head.lines), format_yuan(head.amount_fen, sep=False), head.month, head.purpose)
    more = [(name, value) for name, value in zip(HEAD_MORE, (head.payer, head.made), strict=True) if value]
    return [cell for pair in [*zip(HEAD, values, strict=True), *more] for cell in pair]


def write_payments(profile: BankProfile, head: BatchHead, rows: Iterable[Payment]) -> bytes:
    """The bytes of a file. The head must agree with the rows.

    Raises: ValueError if it does not, or if there are more rows than the bank takes.
    """
    if profile.format == "iso20022":
        raise ValueError("a message is no table: see bank_files.write_file")
    kept = list(rows)
    if len(kept) != head.lines or sum(one.amount_fen for one in kept) != head.amount_fen:
        raise ValueError("head and rows differ")
    if len(kept) > profile.max_lines:
        raise ValueError(f"more than {profile.max_lines} lines")
    table = [_head_cells(head), [column.header for column in profile.columns]]
    return write_table(profile, [*table, *(_cells(profile, one, head.month) for one in kept)])


def write_table(profile: BankProfile, rows: Sequence[Sequence[str]]) -> bytes:
    """Rows of text as the profile's kind of file."""
    if profile.format == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode(profile.encoding)
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(
        sink, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    )
    book.set_properties({"created": _FIXED})  # the same batch gives the same bytes and thus one hash
    sheet = book.add_worksheet("代发")
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write_string(at, column, cell)
    book.close()
    return sink.getvalue()


_FIXED = datetime(2000, 1, 1)  # noqa: DTZ001 - a mark, not a time


class ReturnRow(NamedTuple):
    """One line back, as a plain row: an answer has thousands. `result` is None where the bank's word for it is unknown to the profile."""

    row_no: int
    seq: int | None
    account: str
    name: str
    amount_fen: int | None
    result: Result | None
    word: str
    code: str
    message: str
    posted_at: str
    bank_seq: str
    #: What the bank says is right instead of what it was asked about; empty = it proposes nothing of it.
    right_name: str = ""
    right_account: str = ""
    right_bank: str = ""


@dataclass
class ReturnFile:
    """A bank's answer as read. `faults`: what cannot be read at all, by line.

    Attributes:
        orig_lines, orig_fen: count and sum of the batch it answers, as the bank understood it.
        group: status of the whole batch (ISO 20022), with its reason.
        about: of an answer to a request, the batch the request was about.
    """

    no: str = ""
    lines: int | None = None
    amount_fen: int | None = None
    rows: list[ReturnRow] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    #: ISO 20022 only. `partial`: what is not stated (lines, sums, accounts) is not compared.
    partial: bool = False
    kind: str = ""
    message_id: str = ""
    orig_lines: int | None = None
    orig_fen: int | None = None
    group: str = ""
    about: str = ""
    group_code: str = ""
    group_note: str = ""


def read_table(data: bytes, suffix: str) -> Iterator[tuple[int, list[str]]]:
    """Rows as text, whatever the encoding or format. Raises ExchangeError for what is no table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{suffix}"
        path.write_bytes(data)
        book = open_book(path)
        for row in book.rows(book.choose()):
            yield row.no, [as_text(cell).strip() if cell is not None else "" for cell in row.cells]


def _head(found: ReturnFile, cells: list[str]) -> None:
    named = {cells[i].rstrip(":："): cells[i + 1] for i in range(0, len(cells) - 1, 2)}
    found.no = named.get("批次号", "")
    try:
        found.lines = int(named["笔数"]) if "笔数" in named else None
        found.amount_fen = as_fen(named["金额"]) if "金额" in named else None
    except (ValueError, BadCellError):
        found.faults.append("批次行的笔数或金额不是数字")


def _returned(profile: BankProfile) -> Returned:
    if profile.returned is None:
        raise ProfileError(profile.name, "不是文件对格式")
    return profile.returned


def table_suffix(data: bytes) -> str:
    """Ending of a table by its first bytes."""
    return ".xlsx" if data[:2] == b"PK" else ".xls" if data[:4] == b"\xd0\xcf\x11\xe0" else ".csv"


def read_return(profile: BankProfile, data: bytes) -> ReturnFile:
    """Reads an answer; nothing is judged here but what cannot be read. Raises ExchangeError for no table at all."""
    found = ReturnFile()
    index: dict[str, int] = {}
    returned = _returned(profile)
    results = ("paid", "failed", "returned", "unknown", "cancelled", "returning", "refused")
    words = {word: result for result in results for word in getattr(returned, result)}
    for no, cells in read_table(data, table_suffix(data)):
        if not any(cells):
            continue
        if not found.no and not index and cells[0].rstrip(":：") == "批次号":
            _head(found, cells)
            continue
        if not index:
            for name, headers in returned.columns.items():
                at = next((i for i, cell in enumerate(cells) if cell in headers), None)
                if at is not None:
                    index[name] = at
            lacking = [returned.columns[n][0] for n in ("seq", "account", "name", "amount", "status") if n not in index]
            if lacking:
                found.faults.append(f"第 {no} 行应是列名，缺少 {'、'.join(lacking)}")
                return found
            continue
        found.rows.append(_return_row(no, cells, index, words, found.faults))
    if not index:
        found.faults.append("没有列名行")
    return found


def _return_row(
    no: int, cells: list[str], index: dict[str, int], words: dict[str, Any], faults: list[str]
) -> ReturnRow:
    def cell(name: str) -> str:
        at = index.get(name)
        return cells[at].strip() if at is not None and at < len(cells) else ""

    amount = seq = None
    try:
        amount = as_fen(cell("amount"))
    except BadCellError:
        faults.append(f"第 {no} 行金额不是数字")
    if cell("seq").isascii() and cell("seq").isdigit():
        seq = int(cell("seq"))
    else:
        faults.append(f"第 {no} 行序号不是数字")
    word = cell("status")
    if word not in words:
        faults.append(f"第 {no} 行处理结果“{word[:20]}”不认识")
    return ReturnRow(
        no, seq, cell("account").lstrip("'"), cell("name"), amount, words.get(word), word, cell("code")[:10], cell("message")[:100],
        cell("posted_at"), cell("bank_seq")[:40],
    )  # fmt: skip


def read_payments(profile: BankProfile, data: bytes) -> tuple[BatchHead, list[Payment]]:
    """Reads one of our own files back (the simulated bank, and tests). Raises ExchangeError or ValueError."""
    rows = list(read_table(data, table_suffix(data)))
    head = ReturnFile()
    _head(head, rows[0][1])
    named = {rows[0][1][i]: rows[0][1][i + 1] for i in range(0, len(rows[0][1]) - 1, 2)}
    at = {column.field: i for i, column in enumerate(profile.columns)}
    payments = []
    for _, cells in rows[2:]:
        full = [*cells, *[""] * (len(profile.columns) - len(cells))]

        def text(name: str, full: list[str] = full) -> str:
            return full[at[name]].lstrip("'") if name in at else ""

        payments.append(
            Payment(
                int(text("seq")),
                text("name"),
                text("account"),
                text("bank_code"),
                as_fen(text("amount")) or 0,
                text("summary"),
                text("key"),
                text("id_no"),
            )
        )
    if head.lines is None or head.amount_fen is None:
        raise ExchangeError("文件没有批次行")
    more = [named.get(name, "") for name in HEAD_MORE]
    return BatchHead(
        head.no, head.lines, head.amount_fen, named.get("月份", ""), named.get("用途", ""), *more
    ), payments


def write_return(
    profile: BankProfile, head: BatchHead, rows: Iterable[tuple[Payment, str, str, str, str]], *, posted: date
) -> bytes:
    """An answer as a bank would write it (the simulated bank, and tests).

    Args:
        rows: (payment, word of the result, code, message, bank's number).
    """
    columns = _returned(profile).columns
    order = [
        name
        for name in ("seq", "account", "name", "amount", "status", "code", "message", "posted_at", "bank_seq")
        if name in columns
    ]
    table: list[list[str]] = [_head_cells(head), [columns[name][0] for name in order]]
    for payment, word, code, message, number in rows:
        values = {
            "seq": str(payment.seq), "account": payment.account, "name": payment.name, "amount": format_yuan(payment.amount_fen, sep=False),
            "status": word, "code": code, "message": message, "posted_at": posted.isoformat(), "bank_seq": number,
        }  # fmt: skip
        table.append([plain_cell(values[name]) for name in order])
    return write_table(profile, table)
