"""What travels between this site and the departments' gateway: signed requests, signed replies, in JSON or XML.

A signature covers the SM3 hash of the body together with all that makes a message this one and no other: for a
request the method, path, moment and a nonce; for a reply its status, the path, the moment, and the nonce *of the request
it answers*. An old reply sent again therefore fails, whatever it says.

    X-Tuodi-Key: 16 hex digits, `sm2.key_id`      X-Tuodi-Time: ISO moment with offset
    X-Tuodi-Nonce: 32 hex digits                  X-Tuodi-Signature: 128 hex digits, r then s
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tuodi.crypto import sm2
from tuodi.exchange.errors import ExchangeError

__all__ = [
    "HEADERS",
    "WINDOW",
    "Reply",
    "ReplyFaultError",
    "Signature",
    "check_reply",
    "check_request",
    "parse_reply",
    "sign_reply",
    "sign_request",
]

#: How far the two clocks may differ, either way.
WINDOW = timedelta(minutes=5)
HEADERS = ("X-Tuodi-Key", "X-Tuodi-Time", "X-Tuodi-Nonce", "X-Tuodi-Signature")
#: Rows of one person in one register; more is a fault of the department, not a rich person.
MAX_ROWS = 500
MAX_FIELDS = 60
MAX_TEXT = 500


class Signature(StrEnum):
    """What became of a message's signature."""

    OK = "ok"
    UNSIGNED = "unsigned"  # by agreement: the source has no key
    MISSING = "missing"
    WRONG = "wrong"
    EXPIRED = "expired"
    REPLAYED = "replayed"
    NONE = "none"  # no reply to check


class ReplyFaultError(ExchangeError):
    """A reply that cannot be used.

    Attributes:
        reason: `format`, `entities`, `half`, `status`, `duplicate`, `too_many` or `as_of`.
    """

    code = "exchange.reply"

    def __init__(self, reason: str, what: str) -> None:
        self.reason = reason
        super().__init__(f"答复不能使用：{what}。请把这次核对的编号告诉对方部门，查明后重新询问。", reason=reason)


@dataclass(frozen=True)
class Reply:
    """One department's answer about one person, as written.

    Attributes:
        status: FOUND, NOT_FOUND, MULTI or ERROR.
        id_no, name: Whom it is about, as the department says; never in `repr`.
        as_of: Day the register is true of; None = not said.
        rows: Column as the department calls it -> text.
        repeats: How many times the same answer was in the reply beyond the first.
    """

    request_no: str
    query_no: str
    service: str
    status: str
    id_no: str = field(repr=False)
    name: str = field(repr=False)
    as_of: date | None
    rows: tuple[Mapping[str, str], ...] = field(repr=False)
    message: str = ""
    repeats: int = 0


def _text(*parts: str | bytes) -> bytes:
    return b"\n".join(part.encode() if isinstance(part, str) else part for part in parts)


def _request_text(method: str, path: str, moment: str, nonce: str, body: bytes) -> bytes:
    return _text("request", method, path, moment, nonce, sm2.sm3(body).hex())


def _reply_text(status: int, path: str, moment: str, nonce: str, body: bytes) -> bytes:
    return _text("reply", str(status), path, moment, nonce, sm2.sm3(body).hex())


def sign_request(pair: sm2.KeyPair, *, method: str, path: str, body: bytes, now: datetime) -> dict[str, str]:
    """Headers of one request, with a fresh nonce."""
    moment, nonce = now.isoformat(timespec="milliseconds"), secrets.token_hex(16)
    signature = sm2.sign(_request_text(method, path, moment, nonce, body), pair)
    return dict(zip(HEADERS, (pair.id, moment, nonce, signature.hex()), strict=True))


def sign_reply(pair: sm2.KeyPair, *, status: int, path: str, nonce: str, body: bytes, now: datetime) -> dict[str, str]:
    """Headers of one reply to the request with a nonce."""
    moment = now.isoformat(timespec="milliseconds")
    signature = sm2.sign(_reply_text(status, path, moment, nonce, body), pair)
    return dict(zip(HEADERS, (pair.id, moment, nonce, signature.hex()), strict=True))


def check_request(
    public: bytes, headers: Mapping[str, str], *, method: str, path: str, body: bytes, now: datetime
) -> Signature:
    """What a gateway thinks of a request's signature. Nonces seen before are the gateway's own to remember."""
    key, moment, nonce, signature = (headers.get(name, "") for name in HEADERS)
    if not (key and moment and nonce and signature):
        return Signature.MISSING
    return _check(public, key, moment, _request_text(method, path, moment, nonce, body), signature, now)


def check_reply(
    public: bytes, headers: Mapping[str, str], *, status: int, path: str, nonce: str, body: bytes, now: datetime
) -> Signature:
    """What we think of a reply's signature.

    Args:
        public: The department's key as agreed; never one that came with the reply.
        nonce: Of the request.
    """
    key, moment, said, signature = (headers.get(name, "") for name in HEADERS)
    if not (key and moment and signature):
        return Signature.MISSING
    found = _check(public, key, moment, _reply_text(status, path, moment, said, body), signature, now)
    if found is Signature.OK and not secrets.compare_digest(said.encode(), nonce.encode()):
        return Signature.REPLAYED
    return found


def _check(public: bytes, key: str, moment: str, text: bytes, signature: str, now: datetime) -> Signature:
    try:
        blob, when = bytes.fromhex(signature), datetime.fromisoformat(moment)
    except ValueError:
        return Signature.WRONG
    if key != sm2.key_id(public) or when.tzinfo is None or not sm2.verify(text, blob, public):
        return Signature.WRONG
    return Signature.OK if abs(now - when) <= WINDOW else Signature.EXPIRED


def parse_reply(body: bytes, media_type: str) -> Reply:
    """Reads a reply in JSON (`{"answers": [...]}`) or XML (`<reply><answer>…`).

    Raises:
        ReplyFaultError: Not readable, with a DTD or entities, cut short, or several answers that differ.
    """
    answers = _xml(body) if "xml" in media_type else _json(body)
    if not answers:
        raise ReplyFaultError("format", "其中没有答复内容")
    first = _reply(answers[0])
    if any(_reply(other) != first for other in answers[1:]):
        raise ReplyFaultError("duplicate", f"同一次询问有 {len(answers)} 份互不相同的答复")
    return Reply(**{**first.__dict__, "repeats": len(answers) - 1})


def _json(body: bytes) -> list[dict[str, Any]]:
    try:
        data = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReplyFaultError("format", "内容不是完整的 JSON") from error
    answers = data.get("answers") if isinstance(data, dict) else None
    if not isinstance(answers, list) or not all(isinstance(one, dict) for one in answers):
        raise ReplyFaultError("format", "JSON 中没有 answers 列表")
    return answers


def _xml(body: bytes) -> list[dict[str, Any]]:
    try:
        root = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ReplyFaultError("entities", "XML 中有 DTD 或实体声明，可能是攻击") from error
    except (ParseError, ValueError, LookupError) as error:
        raise ReplyFaultError("format", "内容不是完整的 XML") from error
    return [_xml_answer(node) for node in root.iter("answer")]


def _xml_answer(node: Element) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: (node.findtext(name) or "").strip()
        for name in ("request_no", "query_no", "service", "status", "as_of", "message")
    }
    count = (node.findtext("count") or "").strip()
    found["count"] = int(count) if count.isascii() and count.isdigit() else count
    found["subject"] = {name: (node.findtext(f"subject/{name}") or "").strip() for name in ("id_no", "name")}
    found["rows"] = [
        {cell.get("name", ""): (cell.text or "").strip() for cell in row.findall("field")}
        for row in node.findall("rows/row")
    ]
    return found


def _reply(raw: Mapping[str, Any]) -> Reply:
    status, rows = raw.get("status"), raw.get("rows") or []
    if status not in ("FOUND", "NOT_FOUND", "MULTI", "ERROR"):
        raise ReplyFaultError("status", "答复状态不在 FOUND、NOT_FOUND、MULTI、ERROR 之中")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ReplyFaultError("format", "rows 不是列表")
    if len(rows) > MAX_ROWS or any(len(row) > MAX_FIELDS for row in rows):
        raise ReplyFaultError("too_many", f"一人超过 {MAX_ROWS} 条或一条超过 {MAX_FIELDS} 项")
    if raw.get("count") != len(rows):
        raise ReplyFaultError("half", f"说有 {str(raw.get('count'))[:12]} 条，实有 {len(rows)} 条")
    if (status == "FOUND") != bool(rows) and status != "MULTI":
        raise ReplyFaultError("half", "状态与条数不符")
    subject = raw.get("subject")
    subject = subject if isinstance(subject, dict) else {}
    return Reply(
        request_no=_cell(raw.get("request_no")),
        query_no=_cell(raw.get("query_no")),
        service=_cell(raw.get("service")),
        status=status,
        id_no=_cell(subject.get("id_no")),
        name=_cell(subject.get("name")),
        as_of=_day(raw.get("as_of")),
        rows=tuple({_cell(key): _cell(value) for key, value in row.items()} for row in rows),
        message=_cell(raw.get("message")),
    )


def _cell(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\x00", "").strip()[:MAX_TEXT]


def _day(value: Any) -> date | None:
    text = _cell(value)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ReplyFaultError("as_of", "数据日期不是 年-月-日") from None
