"""ISO 20022 messages as a stream of records: bounded, without document type or entities, each record freed after use.

Written against the parser itself: a file of a prefecture has a million elements, and an object for each costs more than all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from tuodi.exchange.errors import ExchangeError

__all__ = ["MessageRefusedError", "Record", "records"]

MAX_BYTES = 64 << 20
MAX_ELEMENTS = 4_000_000
MAX_DEPTH = 40
MAX_TEXT = 2_000
#: Bytes handed to the parser at once.
_PIECE = 1 << 16
_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:((?:pain|camt|pacs)\.\d{3})\.(\d{3}\.\d{2})\}Document")


class MessageRefusedError(ExchangeError):
    """A message that is not read at all.

    Attributes:
        reason: `entities`, `broken`, `too_large`, `kind` or `depth`.
    """

    code = "exchange.message"

    def __init__(self, reason: str, what: str) -> None:
        self.reason = reason
        super().__init__(f"银行报文不能读取：{what}。原文已留存，请联系银行核对后重新发送。", reason=reason)


class Record:
    """One wanted element: the first text at each path below it, and its repeated parts, each by its own paths."""

    __slots__ = ("fields", "parts")

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.parts: list[tuple[str, dict[str, str]]] = []

    def of(self, path: str) -> list[dict[str, str]]:
        """The parts at a path."""
        return [fields for name, fields in self.parts if name == path]


#: Elements that repeat within a record and are read one by one.
_PARTS = frozenset({"NbOfTxsPerSts", "NtryDtls/TxDtls"})


class _Stream:
    """Expat's events as records."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted = wanted
        self.kind, self.count = "", 0
        self.ready: list[tuple[str, str, Record]] = []
        self._local: dict[str, str] = {}
        self._path: list[str] = []
        #: Text of each open element before its first child; None = none has come yet.
        self._texts: list[str | None] = []
        self._said: list[str] = []
        self._record: Record | None = None
        self._fields: dict[str, str] = {}
        self._at = 0  #: depth of the record or part the fields are of
        self._top = 0  #: depth of the record
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._said.append
        # Nothing a message needs; each is a way to make a small file large or to reach outside.
        parser.StartDoctypeDeclHandler = self._forbidden
        parser.EntityDeclHandler = self._forbidden
        parser.UnparsedEntityDeclHandler = self._forbidden
        parser.ExternalEntityRefHandler = self._forbidden
        self.parser = parser

    @staticmethod
    def _forbidden(*_: Any) -> None:
        raise MessageRefusedError("entities", "含有文档类型声明或实体")

    def _start(self, tag: str, _: Any) -> None:
        self.count += 1
        path, texts = self._path, self._texts
        if not path:
            found = _NAMESPACE.fullmatch("{" + tag)
            if found is None:
                raise MessageRefusedError("kind", f"不是 ISO 20022 报文（根元素 {tag[:80]}）")
            self.kind = found[1]
        elif texts[-1] is None:
            texts[-1] = self._text()
        self._said.clear()
        texts.append(None)
        name = self._local.get(tag)
        if name is None:
            name = self._local[tag] = tag.rpartition("}")[2]
        path.append(name)
        depth = len(path)
        if self.count > MAX_ELEMENTS or depth > MAX_DEPTH:
            raise MessageRefusedError("depth", "元素过多或层次过深")
        if self._record is None:
            if depth > 1 and "/".join(path[1:]) in self.wanted:
                self._record = Record()
                self._fields, self._at, self._top = self._record.fields, depth, depth
        elif self._at == self._top:
            here = "/".join(path[self._top :])
            if here in _PARTS:
                self._fields, self._at = {}, depth
                self._record.parts.append((here, self._fields))

    def _text(self) -> str:
        text = "".join(self._said)
        if len(text) > MAX_TEXT:
            raise MessageRefusedError("too_large", f"{self._path[-1]} 的内容过长")
        return text

    def _end(self, _: str) -> None:
        path = self._path
        text = self._texts.pop()
        if text is None:
            text = self._text()
        self._said.clear()
        record, depth = self._record, len(path)
        if record is not None:
            here = "/".join(path[self._at :])
            if here not in self._fields:
                self._fields[here] = text.strip()
            if depth == self._at:
                self._fields, self._at = record.fields, self._top
                if depth == self._top:
                    self.ready.append((self.kind, "/".join(path[1:]), record))
                    self._record = None
        path.pop()


def records(data: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, str, dict[str, str], Record]]:
    """(kind, path from the message down without namespaces, fields, record) of each wanted element, freed after use."""
    if len(data) > MAX_BYTES:
        raise MessageRefusedError("too_large", f"文件超过 {MAX_BYTES >> 20} MiB")
    stream = _Stream(wanted)
    try:
        for low in range(0, len(data), _PIECE):
            stream.parser.Parse(data[low : low + _PIECE], False)
            for kind, path, record in stream.ready:
                yield kind, path, record.fields, record
            stream.ready.clear()
        stream.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MessageRefusedError("broken", f"不是完整的 XML（{str(error)[:80]}）") from None
    for kind, path, record in stream.ready:
        yield kind, path, record.fields, record
