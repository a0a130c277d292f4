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

#: A statement tells of 158,000 payments in some 80 MB and four million elements.
MAX_BYTES = 256 << 20
MAX_ELEMENTS = 16_000_000
MAX_DEPTH = 40
MAX_TEXT = 2_000
#: Different places of elements; the messages read here know a few hundred.
MAX_PLACES = 5_000
#: Bytes handed to the parser at once.
_PIECE = 1 << 16
_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:((?:pain|camt|pacs|acmt)\.\d{3})\.(\d{3}\.\d{2})\}Document")


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


class _Node:
    """A place in the tree of a message, met once and remembered: where it lies, and what the place means for a record."""

    __slots__ = ("depth", "field", "kids", "kind", "parent", "part", "path", "within")

    def __init__(self, parent: _Node | None, name: str, wanted: frozenset[str]) -> None:
        self.parent = parent
        self.kids: dict[str, _Node] = {}
        self.depth = parent.depth + 1 if parent else 0
        #: From the message down, without the document element.
        self.path = f"{parent.path}/{name}" if parent and parent.path else name if self.depth > 1 else ""
        #: `record`, `part` or nothing; `within`: the same of the nearest place above.
        self.kind, self.within = "", (parent.kind or parent.within) if parent else ""
        #: Path from the record or part the place lies in.
        self.field = self.part = ""
        if parent is not None and self.within:
            self.field = name if parent.kind else f"{parent.field}/{name}"
        if not self.within and self.path in wanted:
            self.kind = "record"
        elif self.within == "record" and self.field in _PARTS:
            self.kind, self.part, self.field = "part", self.field, ""


class _Stream:
    """Expat's events as records."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted = wanted
        self.kind, self.count, self.places = "", 0, 0
        self.ready: list[tuple[str, str, Record]] = []
        self._node = _Node(None, "", wanted)
        self._said: list[str] = []
        self._first = False  #: no child of the open element has come yet
        self._record = Record()
        self._fields: dict[str, str] = {}
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

    def _grow(self, tag: str) -> _Node:
        """A place met for the first time."""
        above = self._node
        if above.depth == 0:
            found = _NAMESPACE.fullmatch("{" + tag)
            if found is None:
                raise MessageRefusedError("kind", f"不是 ISO 20022 报文（根元素 {tag[:80]}）")
            self.kind = found[1]
        self.places += 1
        if above.depth >= MAX_DEPTH or self.places > MAX_PLACES:
            raise MessageRefusedError("depth", "元素过多或层次过深")
        made = above.kids[tag] = _Node(above, tag.rpartition("}")[2], self.wanted)
        return made

    def _start(self, tag: str, _: Any) -> None:
        self.count += 1
        above = self._node
        if self._said:
            text = self._text()
            if self._first and (above.within or above.kind) and text:
                self._fields.setdefault(above.field, text)
        node = above.kids.get(tag) or self._grow(tag)
        self._node, self._first = node, True
        if node.kind:
            if node.kind == "record":
                self._record = Record()
                self._fields = self._record.fields
            else:
                self._fields = {}
                self._record.parts.append((node.part, self._fields))

    def _text(self) -> str:
        text = "".join(self._said)
        self._said.clear()
        if len(text) > MAX_TEXT:
            raise MessageRefusedError("too_large", f"{self._node.path.rpartition('/')[2]} 的内容过长")
        return text.strip()

    def _end(self, _: str) -> None:
        node = self._node
        text = self._text() if self._said else ""
        if node.within or node.kind:
            fields = self._fields
            if node.field not in fields:
                fields[node.field] = text if self._first else ""
            if node.kind == "record":
                self.ready.append((self.kind, node.path, self._record))
            elif node.kind:
                self._fields = self._record.fields
        self._first = False
        self._node = node.parent or node


def records(data: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, str, Record]]:
    """(kind, path from the message down without namespaces, record) of each wanted element, freed after use."""
    if len(data) > MAX_BYTES:
        raise MessageRefusedError("too_large", f"文件超过 {MAX_BYTES >> 20} MiB")
    stream = _Stream(wanted)
    try:
        for low in range(0, len(data), _PIECE):
            stream.parser.Parse(data[low : low + _PIECE], False)
            if stream.count > MAX_ELEMENTS:
                raise MessageRefusedError("depth", "元素过多或层次过深")
            yield from stream.ready
            stream.ready.clear()
        stream.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MessageRefusedError("broken", f"不是完整的 XML（{str(error)[:80]}）") from None
    yield from stream.ready
