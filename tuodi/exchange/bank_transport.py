"""Ways a file takes to a bank and back: a drop folder, or HTTP. Both take one message under one identifier, as often as needed.

    transport.send(parcel) -> Outcome        transport.ask(no) -> Outcome | None
    for one in transport.waiting(): ...      transport.taken(one.name)

A way that ends without the bank's word says NO_WORD, never "failed": the bank may have the file.
A detached signature (64 bytes, hex) travels beside the file: `<name>.sig` in a folder, a header over HTTP.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

import httpx

from tuodi.crypto import sm2
from tuodi.exchange import wire
from tuodi.exchange.errors import ExchangeError
from tuodi.exchange.iso_stream import MAX_BYTES
from tuodi.kernel.disk import sync_folder, write_whole

__all__ = [
    "SIGNATURE_HEADER",
    "BankAddressError",
    "DropFolder",
    "HttpBank",
    "Incoming",
    "Outcome",
    "Parcel",
    "Transport",
    "Word",
]

SIGNATURE_HEADER = "X-Tuodi-File-Signature"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
#: What no reader would take is not fetched.
MAX_INCOMING = MAX_BYTES
_MOST_WAITING = 500


class BankAddressError(ExchangeError):
    """An address money data may not travel to."""

    code = "exchange.bank_address"

    def __init__(self, what: str) -> None:
        super().__init__(f"银行直联地址不能使用：{what}。请改正直联登记。")


class Word(StrEnum):
    """What the bank said to a message."""

    ACCEPTED = "accepted"  # it has the file and will work on it
    DUPLICATE = "duplicate"  # it had the same file before
    REFUSED = "refused"  # it has not taken it and never will under this number
    PLACED = "placed"  # laid where the bank collects; it has not spoken
    CONFLICT = "conflict"  # it has another file under this number: nobody can say which counts
    ABSENT = "absent"  # asked: it knows no such number
    NO_WORD = "no_word"  # nobody can say


@dataclass(frozen=True)
class Outcome:
    """A word and the reason behind it, for people."""

    word: Word
    detail: str = ""


@dataclass(frozen=True)
class Parcel:
    """One message on its way. `signature` is empty where none is agreed."""

    no: str
    name: str
    data: bytes = field(repr=False)
    signature: str = ""


@dataclass(frozen=True)
class Incoming:
    """One file of the bank."""

    name: str
    data: bytes = field(repr=False)
    signature: str = ""


class Transport(Protocol):
    """What both ways can do."""

    def send(self, parcel: Parcel) -> Outcome:
        """Brings a message; the same one again does no harm."""

    def ask(self, no: str) -> Outcome | None:
        """What the bank knows of a number; None = this way cannot ask."""

    def waiting(self) -> Iterator[Incoming]:
        """The bank's files, oldest first."""

    def taken(self, name: str) -> None:
        """Says that a file of the bank was taken and is kept."""


def _safe(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BankAddressError(f"文件名“{name[:40]}”不合规定")
    return name


class DropFolder:
    """`out/` for our files, `in/` for the bank's, `done/` for those taken. A file appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def send(self, parcel: Parcel) -> Outcome:
        """Lays the file into `out/`. The signature comes first, so that no file ever lies there without it."""
        try:
            if parcel.signature:
                self._lay(f"{_safe(parcel.name)}.sig", parcel.signature.encode())
            self._lay(_safe(parcel.name), parcel.data)
        except OSError as error:
            return Outcome(Word.NO_WORD, f"文件交换目录不能写入（{error.strerror}）")
        return Outcome(Word.PLACED, "已放入文件交换目录，等待银行取走")

    def _lay(self, name: str, data: bytes) -> None:
        folder = self.root / "out"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(folder / name, [data])
        sync_folder(folder)  # the name too must outlive a power cut

    def ask(self, no: str) -> Outcome | None:
        """A folder answers no questions."""
        return None

    def waiting(self) -> Iterator[Incoming]:
        """Whole files in `in/`, by time of arrival and name. What is being written begins with a dot."""
        folder = self.root / "in"
        if not folder.is_dir():
            return
        found = [
            one for one in folder.iterdir() if one.is_file() and not one.is_symlink() and _NAME.fullmatch(one.name)
        ]
        mine = [one for one in found if one.suffix != ".sig"]
        for path in sorted(mine, key=lambda one: (one.stat().st_mtime_ns, one.name))[:_MOST_WAITING]:
            if path.stat().st_size > MAX_INCOMING:
                yield Incoming(path.name, b"", "")
                continue
            beside = path.with_name(f"{path.name}.sig")
            signature = ""
            if beside.is_file() and beside.stat().st_size <= 200:
                signature = beside.read_text(encoding="ascii", errors="replace").strip()
            yield Incoming(path.name, path.read_bytes(), signature)

    def taken(self, name: str) -> None:
        """Moves a file to `done/`."""
        done = self.root / "done"
        done.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in (_safe(name), f"{name}.sig"):
            with suppress(FileNotFoundError):
                os.replace(self.root / "in" / part, done / part)


class HttpBank:
    """A bank that listens: POST /messages, GET /messages/<no>, GET /inbox, GET /inbox/<name>, POST /inbox/<name>/taken.

    Requests and replies are signed as with departments (`exchange.wire`), so a reply is of this bank and of this request.
    """

    def __init__(
        self, url: str, *, pair: sm2.KeyPair, bank_key: bytes, now: Callable[[], datetime], timeout: float = 10.0
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise BankAddressError("必须是 https:// 开头（本机测试除外）")
        self.url, self.pair, self.bank_key, self.now, self.timeout = url.rstrip("/"), pair, bank_key, now, timeout

    def _call(self, method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response | Outcome:
        """A reply whose signature holds, or NO_WORD."""
        signed = wire.sign_request(self.pair, method=method, path=path, body=body, now=self.now())
        try:
            with httpx.Client(trust_env=False, timeout=self.timeout, follow_redirects=False) as client:
                reply = client.request(method, f"{self.url}{path}", content=body, headers={**signed, **headers})
        except httpx.HTTPError as error:
            return Outcome(Word.NO_WORD, f"没有得到银行答复（{type(error).__name__}）")
        if len(reply.content) > MAX_INCOMING:
            return Outcome(Word.NO_WORD, "银行答复过大")
        found = wire.check_reply(
            self.bank_key, reply.headers, status=reply.status_code, path=path, nonce=signed["X-Tuodi-Nonce"], body=reply.content, now=self.now()
        )  # fmt: skip
        if found is not wire.Signature.OK:
            return Outcome(Word.NO_WORD, f"银行答复的签名不能通过验证（{found.value}，HTTP {reply.status_code}）")
        return reply

    def _word(self, reply: httpx.Response | Outcome) -> Outcome:
        if isinstance(reply, Outcome):
            return reply
        if reply.status_code >= 500:
            return Outcome(Word.NO_WORD, f"银行系统出错（HTTP {reply.status_code}）")
        try:
            told = json.loads(reply.content)
            word = Word(told["result"])
        except (ValueError, KeyError, TypeError):
            return Outcome(Word.NO_WORD, f"银行答复不能识别（HTTP {reply.status_code}）")
        if word not in (Word.ACCEPTED, Word.DUPLICATE, Word.REFUSED, Word.CONFLICT, Word.ABSENT):
            return Outcome(Word.NO_WORD, "银行答复不能识别")
        return Outcome(word, str(told.get("reason", ""))[:200])

    def send(self, parcel: Parcel) -> Outcome:
        """Posts the file."""
        more = {SIGNATURE_HEADER: parcel.signature} if parcel.signature else {}
        path = f"/messages?no={quote(parcel.no)}&name={quote(_safe(parcel.name))}"
        found = self._word(self._call("POST", path, parcel.data, **more))
        return Outcome(Word.NO_WORD, "银行答复不能识别") if found.word == Word.ABSENT else found

    def ask(self, no: str) -> Outcome | None:
        """Asks what became of a number."""
        return self._word(self._call("GET", f"/messages/{quote(no)}"))

    def waiting(self) -> Iterator[Incoming]:
        """Fetches the bank's files one by one. What cannot be had now comes at the next visit."""
        listed = self._call("GET", "/inbox")
        if isinstance(listed, Outcome) or listed.status_code != 200:
            return
        try:
            names = [str(one) for one in json.loads(listed.content)["files"]][:_MOST_WAITING]
        except (ValueError, KeyError, TypeError):
            return
        for name in names:
            if not _NAME.fullmatch(name):
                continue
            found = self._call("GET", f"/inbox/{quote(name)}")
            if not isinstance(found, Outcome) and found.status_code == 200:
                yield Incoming(name, found.content, found.headers.get(SIGNATURE_HEADER, ""))

    def taken(self, name: str) -> None:
        """Tells the bank; if that fails it offers the file again, which does no harm."""
        self._call("POST", f"/inbox/{quote(_safe(name))}/taken")
