"""Carriers of messages. Which one a site uses is `TUODI_MESSAGES`: `outbox`, `folder` or `http`.

A carrier takes one message out of the house or raises `CarryError`; the outbox decides when to try again. A message may
come twice (the answer got lost): it carries its number, by which the receiver knows it again.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import httpx
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC
from django.conf import settings

from tuodi.exchange.outward import ForbiddenAddressError, check_address
from tuodi.kernel import clock
from tuodi.messages.errors import AdapterError, CarryError

__all__ = ["Carrier", "Folder", "Http", "Letter", "Outbox", "carrier", "signature"]

#: Seconds a gateway may take for one message.
PATIENCE = 10.0


@dataclass(frozen=True)
class Letter:
    """What a carrier is handed."""

    id: str
    channel: str
    to: str
    template: str
    text: str


class Carrier(Protocol):
    """One way out."""

    #: True where handing over is all there is to do: the message counts as sent when it is written.
    at_once: bool

    def carry(self, letter: Letter) -> None:
        """Takes one message out. Raises: CarryError, AdapterError."""
        ...


class Outbox:
    """Keeps messages in the table; the outbox page of a demo shows them. Nothing leaves the house."""

    at_once = True

    def carry(self, letter: Letter) -> None:
        """Nothing to do: the row itself is the message."""


class Folder:
    """Writes each message as a JSON file, for a program of the site to send. A half-written file is never seen."""

    at_once = False

    def __init__(self, folder: str) -> None:
        if not folder:
            raise AdapterError("没有设置文件夹 TUODI_MESSAGES_FOLDER")
        self.folder = Path(folder)

    def carry(self, letter: Letter) -> None:
        """Writes `<number>.json`, readable by its owner only."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self.folder / f".{letter.id}.part"
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                json.dump(asdict(letter), handle, ensure_ascii=False)
            part.rename(self.folder / f"{letter.id}.json")
        except OSError as error:
            raise CarryError(f"文件夹不能写入（{error.strerror}）") from error


class Http:
    """Posts each message as JSON to a gateway, with a time and a keyed SM3 of both."""

    at_once = False

    def __init__(self, url: str, secret: str) -> None:
        try:
            check_address(url, local=settings.OUTWARD_LOCAL)
        except ForbiddenAddressError as error:
            raise AdapterError(f"短信网关地址 TUODI_MESSAGES_URL {error.reason}") from error
        if len(secret) < 16:
            raise AdapterError("没有设置签名密钥 TUODI_MESSAGES_SECRET，或不足 16 个字符")
        self.url, self.secret = url, secret

    def carry(self, letter: Letter) -> None:
        """One POST; any 2xx is a yes. Redirects are not followed: the text would go to somebody else."""
        body = json.dumps(asdict(letter), ensure_ascii=False).encode()
        moment = str(int(clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Tuodi-Time": moment,
            "X-Tuodi-Signature": f"sm3={signature(self.secret, moment, body)}",
        }
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=PATIENCE, follow_redirects=False)
        except httpx.HTTPError as error:
            raise CarryError(f"短信网关没有回答（{type(error).__name__}）") from error
        if not answer.is_success:
            raise CarryError(f"短信网关回答 {answer.status_code}")


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SM3 over `<seconds>.<body>`, in hexadecimal: what a gateway computes again."""
    mac = HMAC(secret.encode(), SM3())
    mac.update(moment.encode() + b"." + body)
    return mac.finalize().hex()


def carrier() -> Carrier:
    """The one this site uses. Raises: AdapterError."""
    wanted = settings.MESSAGES["adapter"]
    if wanted == "outbox":
        return Outbox()
    if wanted == "folder":
        return Folder(settings.MESSAGES["folder"])
    if wanted == "http":
        return Http(settings.MESSAGES["url"], settings.MESSAGES["secret"])
    raise AdapterError(f"不认识的方式“{wanted}”，只有 outbox、folder、http")
