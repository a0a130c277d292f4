"""Asking departments about people through their gateway: many sources and people at once, one typed answer for each.

    for answer in ask_all(queries, envelope=..., link=...): ...

Every query ends in exactly one `Answer`: FOUND, NOT_FOUND, MULTI, ERROR or TIMEOUT. NOT_FOUND is the department's word
that it knows nothing; ERROR and TIMEOUT are no word at all, and never read as zero. What a source may be asked (breaker,
daily quota) comes with its `Target`; this module keeps nothing between calls.
"""

from __future__ import annotations

import asyncio
import json
import queue
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx

from tuodi.crypto import sm2
from tuodi.exchange import wire
from tuodi.exchange.errors import ExchangeError
from tuodi.exchange.wire import Reply, ReplyFaultError, Signature
from tuodi.kernel.names import normalise_name

__all__ = ["Answer", "Envelope", "Gate", "GatewayUrlError", "Link", "Query", "Status", "Subject", "Target", "ask_all"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: A source that failed this often in a row is left alone until `Gate.paused_until`.
BREAK_AFTER = 5


class Status(StrEnum):
    """How a query ended."""

    FOUND = "FOUND"
    NOT_FOUND = "NOT_FOUND"
    MULTI = "MULTI"
    ERROR = "ERROR"
    TIMEOUT = "TIMEOUT"


class GatewayUrlError(ExchangeError):
    """The address is none, or would send people's data in clear over a network."""

    code = "exchange.gateway_url"

    def __init__(self) -> None:
        super().__init__("核对网关地址必须是 https:// 开头（本机测试除外）。请改正 TUODI_GATEWAY 后重新启动。")


@dataclass(frozen=True)
class Gate:
    """Whether a source may be asked now.

    Attributes:
        paused_until: The breaker is open until then; None = closed.
        quota_left: How many more queries today; None = no limit agreed.
    """

    paused_until: datetime | None = None
    quota_left: int | None = None


@dataclass(frozen=True)
class Target:
    """One source.

    Attributes:
        code: Ours, unique in a call.
        service: Path segment of the department's service.
        reply_key: Its public key; None = replies are not signed, by agreement.
        timeout: Seconds for one attempt. patience: seconds for one query with all attempts and polls.
        parallel: Queries at once.
    """

    code: str
    service: str
    reply_key: bytes | None
    timeout: float = 8.0
    patience: float = 30.0
    attempts: int = 3
    parallel: int = 4
    gate: Gate = Gate()


@dataclass(frozen=True)
class Subject:
    """One person. The number is needed on the wire and nowhere else, so neither it nor the name is in `repr`."""

    ref: str
    id_no: str = field(repr=False)
    name: str = field(repr=False)
    other_names: tuple[str, ...] = field(default=(), repr=False)
    consent_no: str = ""


@dataclass(frozen=True)
class Query:
    """One person asked of one source. `ticket` is set to fetch what was promised earlier instead of asking anew."""

    no: str
    target: Target
    subject: Subject
    ticket: str = ""


@dataclass(frozen=True)
class Envelope:
    """What is said with every query of a request: why we ask, and for whom we work."""

    request_no: str
    purpose: str
    programme: str
    operator: str
    period_from: date | None = None
    period_to: date | None = None


@dataclass(frozen=True)
class Link:
    """The way to the gateway.

    Attributes:
        now: The site's clock.
        max_bytes: Of one reply.
        poll: Seconds between looks at a ticket, where the department names none.
    """

    url: str
    pair: sm2.KeyPair
    now: Callable[[], datetime]
    max_bytes: int = 1 << 20
    poll: float = 0.5
    backoff: float = 0.25

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise GatewayUrlError()


@dataclass(frozen=True)
class Answer:
    """How one query ended.

    Attributes:
        reason: For ERROR and TIMEOUT a stable word (`http_500`, `signature`, `wrong_person`, `paused`, `quota` …).
        note: The same for a reader, in Chinese; for others a remark (answered twice, another spelling of the name).
        raw: The last body as received, refused or not; empty if none came.
        ticket: Where the department promised an answer that had not come when patience ended.
        asked: Whether anything was sent, so that it counts against the quota.
    """

    query: Query
    status: Status
    reason: str = ""
    note: str = ""
    as_of: date | None = None
    rows: tuple[Any, ...] = field(default=(), repr=False)
    signature: Signature = Signature.NONE
    attempts: int = 0
    seconds: float = 0.0
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    raw: bytes = field(default=b"", repr=False)
    media_type: str = ""
    ticket: str = ""

    @property
    def usable(self) -> bool:
        """Whether the department has said something that counts."""
        return self.status in (Status.FOUND, Status.NOT_FOUND)

    @property
    def asked(self) -> bool:
        """Whether anything was sent."""
        return self.attempts > 0


NOTES = {
    "paused": "该来源连续失败，已暂停询问，稍后自动恢复",
    "quota": "该来源当日限额已用完",
    "signature": "答复的签名不能通过验证",
    "wrong_person": "答复的不是所问的人",
    "wrong_query": "答复的不是这次询问",
    "name_differs": "证件号码相符而姓名不同，须人工核对",
    "oversize": "答复过大，已中止接收",
    "unreachable": "连接不上网关",
    "half": "答复不完整",
    "refused": "网关拒绝了请求",
    "department": "对方部门返回错误",
    "timeout": "没有在规定时间内答复",
    "pending": "对方尚在办理，没有在规定时间内答复",
    "as_of": "答复的数据日期在将来",
    "internal": "处理答复时出错",
}


class _AgainError(Exception):
    """An attempt failed in a way that another may not."""

    def __init__(self, reason: str, raw: bytes = b"", note: str = "") -> None:
        super().__init__(reason)
        self.reason, self.raw, self.note = reason, raw, note


class _FinalError(_AgainError):
    """An attempt failed for good."""

    signature = Signature.NONE


class _Run:
    """One query on its way."""

    def __init__(self, query: Query, envelope: Envelope, link: Link, client: httpx.AsyncClient) -> None:
        self.query, self.envelope, self.link, self.client = query, envelope, link, client
        self.attempts = 0
        self.ticket = query.ticket
        self.signature = Signature.NONE
        self.media_type = ""
        self.asked_at: datetime | None = None
        self.body = json.dumps(
            {
                "request_no": envelope.request_no,
                "query_no": query.no,
                "purpose": envelope.purpose,
                "programme": envelope.programme,
                "operator": envelope.operator,
                "period": [day.isoformat() if day else "" for day in (envelope.period_from, envelope.period_to)],
                "consent_no": query.subject.consent_no,
                "subject": {"id_no": query.subject.id_no, "name": query.subject.name},
            },
            ensure_ascii=False,
        ).encode()

    async def answer(self) -> Answer:
        """Attempts until something counts, patience ends or attempts are used up."""
        started = time.monotonic()
        reason, raw, note = "timeout", b"", ""
        try:
            async with asyncio.timeout(self.query.target.patience):
                while True:
                    try:
                        reply, raw = await self._attempt()
                        return self._done(reply, raw, started)
                    except _FinalError as error:
                        reason, raw, note = error.reason, error.raw, error.note
                        break
                    except _AgainError as error:
                        reason, raw, note = error.reason, error.raw, error.note
                    if self.attempts >= self.query.target.attempts:
                        break
                    # Full jitter: hundreds of families asked at one moment must not come back at one moment.
                    pause = self.link.backoff * 2 ** (self.attempts - 1)
                    await asyncio.sleep(pause * (0.5 + random.random() / 2))
        except TimeoutError:
            reason = "pending" if self.ticket else "timeout"
        status = Status.TIMEOUT if reason in ("timeout", "pending") else Status.ERROR
        word = reason.split(":")[0]
        return Answer(
            self.query,
            status,
            reason=reason,
            note=note or NOTES.get(word, f"对方返回 {word}"),
            signature=self.signature,
            attempts=self.attempts,
            seconds=time.monotonic() - started,
            asked_at=self.asked_at,
            raw=raw,
            media_type=self.media_type,
            ticket=self.ticket if reason == "pending" else "",
        )

    def _done(self, reply: Reply, raw: bytes, started: float) -> Answer:
        notes = [f"同一答复收到 {reply.repeats + 1} 次，只用一次"] if reply.repeats else []
        status = Status(reply.status)
        reason = {Status.ERROR: "department", Status.MULTI: "multi"}.get(status, "")
        if status is Status.ERROR:
            notes.append(reply.message[:100] or NOTES["department"])
        if status is Status.MULTI:
            notes.append("对方有多人使用这一证件号码，须人工核对")
        return Answer(
            self.query,
            status,
            reason=reason,
            note="；".join(notes),
            as_of=reply.as_of,
            rows=reply.rows if status is Status.FOUND else (),
            signature=self.signature,
            attempts=self.attempts,
            seconds=time.monotonic() - started,
            asked_at=self.asked_at,
            answered_at=self.link.now(),
            raw=raw,
            media_type=self.media_type,
        )

    async def _attempt(self) -> tuple[Reply, bytes]:
        """Asks once, and polls as long as the department says that it is still at it."""
        self.attempts += 1
        if not self.ticket:
            status, headers, body = await self._send("POST", f"/services/{self.query.target.service}", self.body)
            if status != 202:
                return self._read(headers, body), body
            self.ticket = self._ticket(body)
        while True:
            status, headers, body = await self._send("GET", f"/tickets/{self.ticket}", b"")
            if status != 202:
                return self._read(headers, body), body
            await asyncio.sleep(_wait(headers, self.link.poll))

    def _ticket(self, body: bytes) -> str:
        try:
            ticket = json.loads(body)["ticket"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _FinalError("half", body) from None
        if not isinstance(ticket, str) or not (ticket.isascii() and ticket.isalnum() and len(ticket) <= 64):
            raise _FinalError("half", body)
        return ticket

    async def _send(self, method: str, path: str, body: bytes) -> tuple[int, httpx.Headers, bytes]:
        now = self.link.now()
        self.asked_at = self.asked_at or now
        headers = wire.sign_request(self.link.pair, method=method, path=path, body=body, now=now)
        # Compressed replies are not asked for: a small one may unpack into gigabytes.
        more = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        try:
            async with (
                asyncio.timeout(self.query.target.timeout),
                self.client.stream(
                    method, self.link.url.rstrip("/") + path, content=body, headers=headers | more
                ) as got,
            ):
                if got.headers.get("content-encoding", "identity") not in ("", "identity"):
                    raise _FinalError("refused", note="答复是压缩的，没有约定这样发送")
                data = bytearray()
                async for piece in got.aiter_raw():
                    data += piece
                    if len(data) > self.link.max_bytes:
                        raise _FinalError("oversize")
        except (httpx.TimeoutException, TimeoutError):
            raise _AgainError("timeout") from None
        except httpx.RemoteProtocolError:
            raise _AgainError("half", bytes(data) if "data" in locals() else b"") from None
        except httpx.HTTPError:
            raise _AgainError("unreachable") from None
        found = bytes(data)
        self.media_type = got.headers.get("content-type", "")[:60]
        self._check_status(got.status_code, found)
        self._check_signature(got, path, headers["X-Tuodi-Nonce"], found)
        return got.status_code, got.headers, found

    def _check_status(self, status: int, body: bytes) -> None:
        if status in (200, 202):
            return
        if status == 429:
            raise _FinalError("quota", body)
        if status >= 500:
            raise _AgainError(f"http_{status}", body, f"对方系统出错（HTTP {status}）")
        raise _FinalError("refused", body, f"{NOTES['refused']}（HTTP {status}）")

    def _check_signature(self, got: httpx.Response, path: str, nonce: str, body: bytes) -> None:
        key = self.query.target.reply_key
        if key is None:
            self.signature = Signature.UNSIGNED
            return
        self.signature = wire.check_reply(
            key, got.headers, status=got.status_code, path=path, nonce=nonce, body=body, now=self.link.now()
        )
        if self.signature is not Signature.OK:
            why = {
                Signature.MISSING: "没有签名",
                Signature.WRONG: "签名不对",
                Signature.EXPIRED: "签名时间超出允许范围",
                Signature.REPLAYED: "是以前的答复再次发来",
            }[self.signature]
            raise _FinalError("signature", body, f"{NOTES['signature']}：{why}")

    def _read(self, headers: httpx.Headers, body: bytes) -> Reply:
        try:
            reply = wire.parse_reply(body, headers.get("content-type", ""))
        except ReplyFaultError as error:
            again = error.reason in ("half", "format")
            raise (_AgainError if again else _FinalError)(error.reason, body, str(error)) from None
        subject = self.query.subject
        known = [normalise_name(name) for name in (subject.name, *subject.other_names)]
        if (reply.request_no, reply.query_no, reply.service) != (
            self.envelope.request_no, self.query.no, self.query.target.service,
        ):  # fmt: skip
            raise _FinalError("wrong_query", body)
        if reply.id_no.upper() != subject.id_no:
            raise _FinalError("wrong_person", body)
        if reply.name and normalise_name(reply.name) not in known:
            raise _FinalError("name_differs", body)
        if reply.as_of and reply.as_of > self.link.now().date():
            raise _FinalError("as_of", body)
        return reply


def _wait(headers: httpx.Headers, usual: float) -> float:
    text = headers.get("retry-after", "")
    try:
        return min(max(float(text), 0.05), 10.0)
    except ValueError:
        return usual


def _closed(query: Query, left: dict[str, int], now: datetime) -> str:
    """Why a query is not sent at all, or empty; counts it against what is left."""
    gate = query.target.gate
    if gate.paused_until is not None and gate.paused_until > now:
        return "paused"
    if gate.quota_left is not None and not query.ticket:
        rest = left.setdefault(query.target.code, gate.quota_left)
        if rest <= 0:
            return "quota"
        left[query.target.code] = rest - 1
    return ""


async def _answers(queries: Sequence[Query], envelope: Envelope, link: Link) -> AsyncIterator[Answer]:
    left: dict[str, int] = {}
    lanes: dict[str, asyncio.Semaphore] = {}
    sent: list[Query] = []
    for query in queries:
        why = _closed(query, left, link.now())
        if why:
            yield Answer(query, Status.ERROR, reason=why, note=NOTES[why])
        else:
            lanes.setdefault(query.target.code, asyncio.Semaphore(query.target.parallel))
            sent.append(query)
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        # The environment's proxies are not ours to pass people's data through.
        client = await stack.enter_async_context(
            httpx.AsyncClient(limits=limits, timeout=None, trust_env=False, follow_redirects=False)
        )

        async def one(query: Query) -> Answer:
            async with lanes[query.target.code]:
                try:
                    return await _Run(query, envelope, link, client).answer()
                except Exception as error:
                    return Answer(
                        query, Status.ERROR, reason="internal", note=f"{NOTES['internal']}（{type(error).__name__}）"
                    )

        tasks = [asyncio.create_task(one(query)) for query in sent]
        stack.callback(lambda: [task.cancel() for task in tasks])
        for done in asyncio.as_completed(tasks):
            yield await done


def ask_all(queries: Sequence[Query], *, envelope: Envelope, link: Link) -> Iterator[Answer]:
    """Sends all queries at once and yields each answer as it comes; exactly one for every query.

    The network runs in a thread of its own, so that the caller may write each answer to the database meanwhile. A
    caller that stops early stops the queries still under way.
    """
    found: queue.Queue[Answer | BaseException | None] = queue.Queue()
    stop = threading.Event()

    async def pump() -> None:
        async for answer in _answers(queries, envelope, link):
            found.put(answer)
            if stop.is_set():
                return

    def work() -> None:
        try:
            asyncio.run(pump())
        except BaseException as error:
            found.put(error)
        finally:
            found.put(None)

    thread = threading.Thread(target=work, name="tuodi-gateway", daemon=True)
    thread.start()
    try:
        while (item := found.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
    thread.join()
