"""A bank with one account: takes files, pays, answers, sends money back, writes statements. It keeps its own clock and books.

What goes wrong is scripted: `bank.submit_faults` for the next files handed in, the arguments of `report` and `give_back` for
answers, `bank.poison` for lines that get into the next statement.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from simulators.bank.answers import FAILURES, _draw
from simulators.bank.messages import (
    Told,
    acmt024,
    camt029,
    camt053,
    camt054,
    pacs004,
    pain002,
    read_acmt023,
    read_camt055,
    read_camt056,
    read_pain001,
)
from tuodi.crypto import sm2
from tuodi.exchange.bank import BatchHead, Payment, load_bank_profile, read_payments, write_return
from tuodi.exchange.bank_files import RECALL_MARK, Statement, StatementEntry, write_csv_statement
from tuodi.exchange.iso20022 import end_to_end
from tuodi.kernel.disk import write_whole

__all__ = ["Bank", "Taken"]

#: Reasons an ISO 20022 bank gives where a table would say `FAILURES`.
_REASONS = ("AC01", "AC04", "BE01", "AC06", "AG01", "MD07")


@dataclass
class Taken:
    """One file the bank has: what it asked for, and which of it was paid, refused or sent back."""

    head: BatchHead
    payments: list[Payment]
    sha256: str
    paid: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    returned: set[int] = field(default_factory=set)
    copies: int = 1
    cancelled: set[int] = field(default_factory=set)

    @property
    def waiting(self) -> list[Payment]:
        """What it has not executed yet."""
        ended = self.paid | set(self.failed) | self.cancelled
        return [one for one in self.payments if one.seq not in ended]


@dataclass
class Asked:
    """A request it has: payments asked back of a batch, or accounts asked about (batch empty). `truth`: what it will say."""

    batch: str
    sha256: str
    truth: dict[int, str] = field(default_factory=dict)
    accounts: list[tuple[int, str, str]] = field(default_factory=list)
    copies: int = 1
    customer: bool = False  #: a camt.055, answered under its payment information


class Bank:
    """The bank.

    Args:
        profile: layout it speaks. client: public key our files are signed with; empty = it asks for no signature.
        failing: share of payments it refuses.
    """

    def __init__(
        self, *, profile: str, pair: sm2.KeyPair, client: bytes = b"", account: str = "4200017000000001", seed: int = 2017,
        failing: float = 0.0, now: datetime | None = None, opening_fen: int = 10**12,
    ) -> None:  # fmt: skip
        self.layout = load_bank_profile(profile)
        self.pair, self.client, self.account, self.seed, self.failing = pair, client, account, seed, failing
        self.now = now or datetime.fromisoformat("2017-05-08T09:00:00+08:00")
        self.balance = opening_fen
        self.taken: dict[str, Taken] = {}
        self.asked: dict[str, Asked] = {}
        self.slow = False  #: files lie until `execute`, as at a bank that pays in the night
        self.gives_back = True  #: what was paid already is given back on request
        self.right_accounts: dict[str, tuple[str, str]] = {}  #: account -> (holder, account) it proposes instead
        self.bad_accounts: dict[str, str] = {}  #: account -> why it can take no money
        self.inbox: dict[str, tuple[bytes, str]] = {}
        self.entries: list[StatementEntry] = []
        self.poison: list[StatementEntry] = []
        self.submit_faults: list[str] = []
        self.sequence = 0
        self.numbers = 0
        self.laid = 0
        self.stated_until = self.now.date() - timedelta(days=1)

    @property
    def iso(self) -> bool:
        """Whether it speaks ISO 20022."""
        return self.layout.format == "iso20022"

    # ---- its books on disk

    _KEPT = (
        "now", "balance", "taken", "asked", "slow", "inbox", "entries", "poison", "submit_faults", "sequence", "numbers", "laid",
        "stated_until",
    )  # fmt: skip

    def keep(self, path: Path) -> None:
        """Writes its books, whole or not at all: a bank that is started again goes on from them."""
        write_whole(path, [pickle.dumps({name: getattr(self, name) for name in self._KEPT})])

    def restore(self, path: Path) -> None:
        """Takes up books it kept itself; without a file it begins new ones."""
        if path.exists():
            for name, value in pickle.loads(path.read_bytes()).items():
                setattr(self, name, value)

    # ---- files from us

    def submit(self, no: str, data: bytes, signature: str) -> tuple[str, str]:
        """(word, reason). One number, one file: the same again is a duplicate, another under it a conflict. Accepted is paid."""
        digest = hashlib.sha256(data).hexdigest()
        known = self.taken.get(no) or self.asked.get(no)
        if known is not None:
            known.copies += 1
            return ("duplicate", "") if known.sha256 == digest else ("conflict", "编号已用于另一份文件")
        if self.client:
            try:
                blob = bytes.fromhex(signature)
            except ValueError:
                blob = b""
            if not sm2.verify(data, blob, self.client):
                return "refused", "签名不能通过验证"
        try:
            request = self._request(data, digest)
            if request is not None:
                number, asked = request
                if number != no or (asked.batch and asked.batch not in self.taken):
                    return "refused", "编号或原批次不符"
                self.asked[no] = asked
                self._give_back(asked)
                return "accepted", ""
            if self.iso:
                head, payments, account = read_pain001(data)
                if account != self.account:
                    return "refused", "付款账号不是签约账号"
            else:
                head, payments = read_payments(self.layout, data)
        except Exception as error:
            return "refused", f"文件不能读取（{type(error).__name__}）"
        if head.no != no or len(payments) != head.lines or sum(one.amount_fen for one in payments) != head.amount_fen:
            return "refused", "批次号、笔数或金额与明细不符"
        self.taken[no] = Taken(head, payments, digest)
        if not self.slow:
            self.execute(no)
        return "accepted", ""

    def _request(self, data: bytes, digest: str) -> tuple[str, Asked] | None:
        """Number and content of a request, if that is what a file is."""
        if self.iso:
            if b":camt.056." in data[:400]:
                number, batch, seqs, _ = read_camt056(data)
                return number, Asked(batch, digest, dict.fromkeys(seqs, ""))
            if b":camt.055." in data[:400]:
                number, batch, seqs, _ = read_camt055(data)
                return number, Asked(batch, digest, dict.fromkeys(seqs, ""), customer=True)
            if b":acmt.023." in data[:400]:
                number, accounts = read_acmt023(data)
                return number, Asked("", digest, accounts=accounts)
            return None
        head, rows = read_payments(self.layout, data)
        if head.purpose.startswith(RECALL_MARK):
            return head.no, Asked(
                head.purpose.removeprefix(RECALL_MARK), digest, dict.fromkeys((one.seq for one in rows), "")
            )
        if head.purpose == "账户预校验":
            return head.no, Asked("", digest, accounts=[(one.seq, one.account, one.name) for one in rows])
        return None

    def _give_back(self, asked: Asked) -> None:
        """Takes out what it has not executed; what it paid it gives back or not, and says so when it is asked to."""
        taken = self.taken.get(asked.batch)
        for seq in asked.truth:
            assert taken is not None
            if seq in {one.seq for one in taken.waiting}:
                taken.cancelled.add(seq)
            if seq in taken.cancelled:
                asked.truth[seq] = "cancelled"
            else:
                asked.truth[seq] = "returning" if seq in taken.paid and self.gives_back else "refused"

    def answer_request(self, no: str, *, only: Sequence[int] | None = None, pending: bool = False) -> bytes:
        """Its answer to a request. `pending`: it is still looking."""
        asked = self.asked[no]
        if not asked.batch:
            told_of = [(one, self.bad_accounts.get(one[1], "")) for one in asked.accounts]
            if self.iso:
                return acmt024(
                    self.layout.messages,
                    number=self._number(),
                    at=self.now,
                    asked=no,
                    told=told_of,
                    right=self.right_accounts,
                )
            words = self.layout.returned
            assert words is not None
            table = [
                (Payment(seq, holder, account, "", 0, "", ""), (words.failed if code else words.paid)[0], code or "0", "", "")
                for (seq, account, holder), code in told_of
            ]  # fmt: skip
            return write_return(self.layout, BatchHead(no, len(table), 0, "", ""), table, posted=self.now.date())
        taken = self.taken[asked.batch]
        rows = [one for one in taken.payments if one.seq in asked.truth and (only is None or one.seq in only)]
        truth = {one.seq: "unknown" if pending else asked.truth[one.seq] for one in rows}
        if self.iso:
            code = {"cancelled": "ACCR", "returning": "ACCR", "refused": "RJCR", "unknown": "PDCR"}
            said = set(truth.values())
            if "returning" in said and len(said) > 1:
                raise ValueError("one message says one thing of money that follows: see `answers_to`")
            # A message says one thing of money that follows: what was never paid is told in another.
            conf = (
                "CWFW" if said == {"returning"} else "CNCL" if said == {"cancelled"} else "PDCR" if pending else "PECR"
            )
            told = [
                (
                    one,
                    code[truth[one.seq]],
                    (("CUST" if self.layout.messages == "2009" else "ARDT") if truth[one.seq] == "refused" else ""),
                )
                for one in rows
            ]
            return camt029(
                self.layout.messages,
                number=self._number(),
                at=self.now,
                recall=no,
                batch=asked.batch,
                told=told,
                conf=conf,
                customer=asked.customer,
            )
        words = self.layout.returned
        assert words is not None
        word = {
            "cancelled": words.cancelled,
            "returning": words.returning,
            "refused": words.refused,
            "unknown": words.unknown,
        }
        table = [(one, word[truth[one.seq]][0], "0", "", self._number()) for one in rows]
        head = BatchHead(no, len(rows), sum(one.amount_fen for one in rows), taken.head.month, taken.head.purpose)
        return write_return(self.layout, head, table, posted=self.now.date())

    def answers_to(self, no: str) -> list[bytes]:
        """Its answers to a request to give payments back: one for each thing it has to say."""
        truth = self.asked[no].truth
        if not self.iso:
            return [self.answer_request(no)]
        return [
            self.answer_request(no, only=[seq for seq, one in truth.items() if one == said])
            for said in sorted(set(truth.values()))
        ]

    def execute(self, no: str, seqs: Sequence[int] | None = None) -> None:
        """Pays, or refuses, what of a file still waits."""
        taken = self.taken[no]
        for one in taken.waiting:
            if seqs is not None and one.seq not in seqs:
                continue
            luck = _draw(self.seed, no, one.seq, "luck")
            if luck < self.failing:
                codes = _REASONS if self.iso else FAILURES
                taken.failed[one.seq] = codes[int(_draw(self.seed, no, one.seq, "code") * len(codes))]
            else:
                taken.paid.add(one.seq)
                self._book(one.amount_fen, True, end_to_end(no, one.seq), one)

    def _book(self, amount: int, debit: bool, reference: str, one: Payment | None = None, code: str = "") -> None:
        self.balance += -amount if debit else amount
        self.entries.append(
            StatementEntry(
                0, amount, debit, reference, self._number(), self.now.date(), one.account if one and debit else "",
                one.name if one and debit else "", code,
            )
        )  # fmt: skip

    def _number(self) -> str:
        self.numbers += 1
        return f"B{self.numbers:09d}"

    # ---- files for us

    def lay(self, kind: str, data: bytes, *, signature: str = "good") -> str:
        """Puts a file into the inbox: signed, badly signed (`bad`) or not at all (`none`). Returns its name."""
        # Counted, not taken from what lies there: a name that comes again would cover a file nobody has fetched yet.
        self.laid += 1
        name = f"{self.laid:04d}-{kind}{self.layout.suffix}"
        signed = sm2.sign(data, self.pair).hex()
        self.inbox[name] = (data, {"good": signed, "bad": signed[::-1], "none": ""}[signature])
        return name

    def told(self, no: str, seqs: Sequence[int] | None = None, *, status: str = "") -> list[Told]:
        """What it says of payments of a file; `status` overrides the truth."""
        taken = self.taken[no]
        found = []
        waiting = {one.seq for one in taken.waiting}
        for one in taken.payments:
            if seqs is not None and one.seq not in seqs:
                continue
            code = taken.failed.get(one.seq, "")
            truth = (
                "RJCT" if code else "PDNG" if one.seq in waiting else "CANC" if one.seq in taken.cancelled else "ACSC"
            )
            code = code or ("CANC" if truth == "CANC" else "")
            found.append(Told(one, status or truth, code, "", f"P{no[-9:]}{one.seq}"))
        return found

    def report(
        self,
        no: str,
        *,
        told: Sequence[Told] | None = None,
        forge: str = "",
        group: str = "",
        seqs: Sequence[int] | None = None,
    ) -> bytes:
        """A status report of a file, as bytes.

        Args:
            forge: `amount`, `account`, `name`, `unknown`, `other_batch`, `sum`, `count`: one thing in it is wrong.
        """
        taken = self.taken[no]
        rows = list(self.told(no, seqs) if told is None else told)
        lines, total, batch = taken.head.lines, taken.head.amount_fen, no
        if forge in ("amount", "account", "name", "unknown"):
            first = rows[0].payment
            wrong = {
                "amount": replace(first, amount_fen=first.amount_fen + 1),
                "account": replace(first, account="6217000000000000000"),
                "name": replace(first, name="外人"),
                "unknown": replace(first, seq=99999),
            }[forge]
            rows[0] = replace(rows[0], payment=wrong)
        elif forge == "other_batch":
            batch = f"{no[:-1]}X"
        elif forge == "sum":
            total += 1
        elif forge == "count":
            lines += 1
        if self.iso:
            return pain002(
                self.layout.messages,
                number=self._number(),
                at=self.now,
                batch=batch,
                lines=lines,
                total=total,
                told=rows,
                group=group,
            )
        returned = self.layout.returned
        assert returned is not None
        words = {
            "ACSC": returned.paid[0],
            "RJCT": returned.failed[0],
            "PDNG": returned.unknown[0],
            "RTR": returned.returned[0],
            "CANC": returned.failed[0],
        }
        whole = sum(one.payment.amount_fen for one in rows) + (1 if forge == "sum" else 0)
        head = BatchHead(batch, len(rows) + (1 if forge == "count" else 0), whole, taken.head.month, taken.head.purpose)
        table = [(one.payment, words[one.status], one.code or "0", one.note, one.number) for one in rows]
        return write_return(self.layout, head, table, posted=self.now.date())

    def notice(self, no: str, seqs: Sequence[int] | None = None, *, debit: bool = True) -> bytes:
        """A camt.054 of what left, or came back."""
        return camt054(
            self.layout.messages, number=self._number(), at=self.now, account=self.account, batch=no, told=self.told(no, seqs), debit=debit
        )  # fmt: skip

    def give_back(self, no: str, seqs: Sequence[int], *, code: str = "AC04", total: int | None = None) -> bytes:
        """Sends money back after success and says so. Done again for the same payments it books nothing more."""
        taken = self.taken[no]
        for one in taken.payments:
            if one.seq in seqs and one.seq in taken.paid and one.seq not in taken.returned:
                taken.returned.add(one.seq)
                self._book(one.amount_fen, False, end_to_end(no, one.seq), one, code)
        rows = [replace(one, status="RTR", code=code) for one in self.told(no, seqs)]
        if self.iso:
            return pacs004(self.layout.messages, number=self._number(), at=self.now, batch=no, told=rows, total=total)
        return self.report(no, told=rows)

    def statement(self, *, poison: Sequence[StatementEntry] = ()) -> Statement:
        """What the account did since the last statement, with poisoned lines behind it."""
        self.sequence += 1
        rows = [*self.entries, *self.poison, *poison]
        self.entries, self.poison = [], []
        closing = self.balance - sum(one.amount_fen if one.debit else -one.amount_fen for one in poison)
        opening = closing + sum(one.amount_fen if one.debit else -one.amount_fen for one in rows)
        self.balance = closing
        found = Statement(
            no=f"DZ{self.account[-4:]}{self.sequence:06d}", sequence=self.sequence, account=self.account,
            from_day=min(self.stated_until + timedelta(days=1), self.now.date()), to_day=self.now.date(), opening_fen=opening, closing_fen=closing,
            entries=[one._replace(row_no=n, booked_on=one.booked_on or self.now.date()) for n, one in enumerate(rows, 1)],
        )  # fmt: skip
        self.stated_until = self.now.date()
        return found

    def write_statement(self, statement: Statement) -> bytes:
        """A statement as the bank's layout has it."""
        if self.iso:
            return camt053(self.layout.messages, statement, at=self.now)
        return write_csv_statement(self.layout, statement)

    def pass_day(self, days: int = 1) -> None:
        """Its clock goes on."""
        self.now += timedelta(days=days)

    # ---- drop folders

    def visit(self, root: Path) -> None:
        """Takes what lies in `out/`, lays what is for us into `in/`."""
        out, done, into = root / "out", root / "bank", root / "in"
        done.mkdir(parents=True, exist_ok=True)
        into.mkdir(parents=True, exist_ok=True)
        for path in sorted(out.iterdir()) if out.is_dir() else ():
            if path.name.startswith(".") or path.suffix == ".sig":
                continue
            beside = path.with_name(f"{path.name}.sig")
            self.submit(path.stem, path.read_bytes(), beside.read_text() if beside.exists() else "")
            os.replace(path, done / path.name)
        for name, (data, signature) in list(self.inbox.items()):
            if signature:
                (into / f"{name}.sig").write_text(signature)
            (into / f".{name}").write_bytes(data)
            os.replace(into / f".{name}", into / name)
            del self.inbox[name]

    # ---- what a test asks

    def totals(self) -> dict[str, Any]:
        """Files with their number of copies and payments, as plain JSON."""
        told = {
            no: {"copies": one.copies, "paid": len(one.paid), "failed": len(one.failed), "returned": len(one.returned)}
            for no, one in self.taken.items()
        }
        told |= {no: {"copies": one.copies, "asked": len(one.truth or one.accounts)} for no, one in self.asked.items()}
        return json.loads(json.dumps(told))  # type: ignore[no-any-return]
