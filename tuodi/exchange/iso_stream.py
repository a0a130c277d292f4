"""ISO 20022 messages as a stream of records: bounded, without document type or entities, each record freed after use.

A file of a prefecture has a million elements, and a call for each costs more than all else that is done with it. So the parser
(expat) judges the whole message first: that it is well-formed, of which kind, and holds nothing it must not. What it has let pass
is then cut at its tags a record at a time. Records of one message are written alike: where the texts of a record stand is learned
once for each way its tags follow one another (its shape), and every further record of that shape only gives its texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from tuodi.exchange.errors import ExchangeError

__all__ = ["Fields", "MessageRefusedError", "Part", "Record", "records"]

#: A statement tells of 158,000 payments in some 80 MB and four million elements.
MAX_BYTES = 256 << 20
MAX_ELEMENTS = 16_000_000
MAX_DEPTH = 40
MAX_TEXT = 2_000
#: Different places of elements; the messages read here know a few hundred.
MAX_PLACES = 5_000
#: Bytes handed to the parser at once, and cut at once.
_PIECE = 1 << 16
_CUT = 1 << 18
#: Signs of the longest record that is taken in one; of a longer one each part is.
_WHOLE = 1 << 13
#: Shapes remembered: a message in which no two records are alike must not fill the memory.
_SHAPES = 1_000
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:((?:pain|camt|pacs|acmt)\.\d{3})\.(\d{3}\.\d{2})\}Document")
_TAG = re.compile(r"([^<]*)<(/?)([^\s/>]+)[^>]*?(/?)>")
_TAGS = re.compile(r"<(/?)([^\s/>]+)[^>]*?(/?)>")
_TEXTS = re.compile(r">([^<]+)<")
_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^>]*>)?")
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)")
_PREFIX = re.compile(rb"xmlns:([^\s=]+)")
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


class MessageRefusedError(ExchangeError):
    """A message that is not read at all.

    Attributes:
        reason: `entities`, `broken`, `too_large`, `kind` or `depth`.
    """

    code = "exchange.message"

    def __init__(self, reason: str, what: str) -> None:
        self.reason = reason
        super().__init__(f"银行报文不能读取：{what}。原文已留存，请联系银行核对后重新发送。", reason=reason)


class Fields:
    """Texts that are asked of every record or part of a kind: for each the paths it may stand at, the first that has one counts."""

    __slots__ = ("paths",)

    def __init__(self, *paths: str | tuple[str, ...]) -> None:
        if len(paths) < 2:
            raise ValueError("ask for one text by `fields`")
        self.paths = [(one,) if isinstance(one, str) else one for one in paths]


class _Places:
    """Which of the values is the text at a path; -1 = the element is there and says nothing itself."""

    __slots__ = ("at", "getters")

    def __init__(self) -> None:
        self.at: dict[str, int] = {}
        self.getters: dict[Fields, Callable[[Sequence[str]], tuple[str, ...]]] = {}

    def getter(self, wanted: Fields) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """What picks the wanted texts from values whose last is empty."""
        at = [[self.at[path] for path in paths if self.at.get(path, -1) >= 0] or [-1] for paths in wanted.paths]
        if all(len(one) == 1 for one in at):
            found: Callable[[Sequence[str]], tuple[str, ...]] = itemgetter(*(one[0] for one in at))
        else:

            def found(values: Sequence[str]) -> tuple[str, ...]:
                return tuple(next((values[i] for i in one if values[i]), "") for one in at)

        self.getters[wanted] = found
        return found


class Part:
    """One element with what lies below it: the first text at each path."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: _Places, values: Sequence[str]) -> None:
        self._places, self._values = places, values

    @property
    def fields(self) -> dict[str, str]:
        """Path -> text, empty for an element without one; the element's own text is at the empty path."""
        return {path: self._values[at] for path, at in self._places.at.items()}

    def pick(self, wanted: Fields) -> tuple[str, ...]:
        """The wanted texts in their order; empty where there is none."""
        places = self._places
        return (places.getters.get(wanted) or places.getter(wanted))(self._values)


class Record(Part):
    """One wanted element. Parts of it that repeat have paths of their own."""

    __slots__ = ("parts",)

    def __init__(self, places: _Places, values: Sequence[str], parts: list[tuple[str, Part]]) -> None:
        self._places, self._values, self.parts = places, values, parts

    def of(self, path: str) -> list[Part]:
        """The parts at a path."""
        return [part for name, part in self.parts if name == path]


#: Elements that repeat within a record and are read one by one.
_PARTS = frozenset({"NbOfTxsPerSts", "NtryDtls/TxDtls"})
#: Of one shape: places of the element's own texts, and of each of its parts.
_Plan = tuple[_Places, tuple[tuple[str, _Places], ...]]


class _Node:
    """A place in the tree of a message, met once and remembered: where it lies, and what the place means for a record."""

    __slots__ = ("close", "depth", "field", "kids", "kind", "parent", "part", "path", "plans", "within")

    def __init__(self, parent: _Node | None, name: str, wanted: frozenset[str]) -> None:
        self.parent = parent
        self.kids: dict[str, _Node] = {}
        self.close = f"</{name}>"
        self.plans: dict[str, _Plan] = {}
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


# ---- the parser's judgement


class _Judge:
    """Lets pass what is a whole message of a known family without anything that makes a small file large or reaches outside."""

    def __init__(self) -> None:
        self.kind = ""
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartElementHandler = self._root
        for name in ("StartDoctypeDecl", "EntityDecl", "UnparsedEntityDecl", "ExternalEntityRef"):
            setattr(self.parser, f"{name}Handler", self._forbidden)

    @staticmethod
    def _forbidden(*_: Any) -> None:
        raise MessageRefusedError("entities", "含有文档类型声明或实体")

    def _root(self, tag: str, _: Any) -> None:
        found = _NAMESPACE.fullmatch(tag)
        if found is None:
            raise MessageRefusedError("kind", f"不是 ISO 20022 报文（根元素 {tag[:80]}）")
        self.kind = found[1]
        self.parser.StartElementHandler = None


def _parse(parser: expat.XMLParserType, data: bytes) -> None:
    try:
        for low in range(0, len(data), _PIECE):
            parser.Parse(data[low : low + _PIECE], False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MessageRefusedError("broken", f"不是完整的 XML（{str(error)[:80]}）") from None


def _is_plain(data: bytes) -> bool:
    """Whether a well-formed message is UTF-8 in which each < and > is a tag's and each tag is its local name: it may be cut as it is."""
    head = _HEAD.match(data)
    assert head is not None
    encoding = _ENCODING.search(head[0])
    return (
        (encoding is None or encoding[1].lower() in (b"utf-8", b"us-ascii"))
        and data[:2] not in (b"\xff\xfe", b"\xfe\xff")
        and data.count(b"<") == data.count(b">")
        # Comments, sections and instructions; a document type was refused.
        and not any(_has(data, sign, b"<" + sign, head.end()) for sign in (b"!", b"?"))
        and not any(_has(data, blank, blank + b">") for blank in (b" ", b"\n", b"\t", b"\r"))
        and not any(b"<" + prefix + b":" in data for prefix in {b"xml", *_PREFIX.findall(data)})
    )


def _has(data: bytes, sign: bytes, pair: bytes, start: int = 0) -> bool:
    """Whether two signs stand together; to look for one of them alone is far quicker where it is rare."""
    return data.find(sign, start) >= 0 and data.find(pair, start) >= 0


def _rewritten(data: bytes) -> bytes:
    """The same message in plain writing, from the parser's own events."""
    out: list[str] = []
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = lambda tag, _: out.append(f"<{tag.rpartition('}')[2]}>")
    parser.EndElementHandler = lambda tag: out.append(f"</{tag.rpartition('}')[2]}>")
    parser.CharacterDataHandler = lambda text: out.append(escape(text, {"\r": "&#13;"}))
    _parse(parser, data)
    return "".join(out).encode()


def _text(raw: str) -> str:
    return _meant(raw).strip()


def _meant(raw: str) -> str:
    """A text without entities: there are none but those of the language, which the parser has seen to."""
    return _ENTITY.sub(_sign, raw) if "&" in raw else raw


def _sign(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    return chr(int(found[1], 16) if found[1] else int(found[2]))


# ---- cutting


class _Cutter:
    """Plain text as records."""

    def __init__(self, data: bytes, wanted: frozenset[str]) -> None:
        self.data, self.wanted = data, wanted
        self.text, self.low = "", 0
        self.places = self.shapes = 0
        self.top = _Node(None, "", wanted)

    def more(self, at: int) -> bool:
        """Drops what lies before a place and reads on to the last tag of the next piece. False at the end."""
        size = len(self.data)
        if self.low >= size:
            return False
        high = size if self.low + _CUT >= size else self.data.rfind(b"<", self.low + 1, self.low + _CUT)
        if high < 0:
            high = self.data.find(b"<", self.low + 1)
            high = size if high < 0 else high
        piece = self.data[self.low : high].decode()
        if "\r" in piece:
            piece = piece.replace("\r\n", "\n").replace("\r", "\n")
        self.text, self.low = self.text[at:] + piece, high
        return True

    def _kid(self, above: _Node, name: str) -> _Node:
        """A place met for the first time."""
        self.places += 1
        if above.depth >= MAX_DEPTH or self.places > MAX_PLACES:
            raise MessageRefusedError("depth", "元素过多或层次过深")
        made = above.kids[name] = _Node(above, name, self.wanted)
        return made

    def _learn(self, node: _Node, pieces: list[str]) -> _Plan | None:
        """What a shape means: pieces of markup, a text between each two. None = an element of the same name within ended it too early."""
        places = here = _Places()
        parts: list[tuple[str, _Places]] = []
        at, childless, text, last = node, True, -1, len(pieces) - 1
        for no, piece in enumerate(pieces):
            markup = f"{'<' if no else ''}{piece}{'>' if no < last else ''}"
            for closes, name, empty in _TAGS.findall(markup):
                if not closes:
                    at, childless, text = at.kids.get(name) or self._kid(at, name), True, -1
                    if at.kind:
                        here = _Places()
                        parts.append((at.part, here))
                    if not empty:
                        continue
                here.at.setdefault(at.field, text if childless else -1)
                here = places if at.kind else here
                at, childless = at.parent or at, False
            if no < last:
                text = no
        if at is not node:
            return None
        places.at.setdefault(node.field, text if childless else -1)
        return places, tuple(parts)

    def whole(self, node: _Node, start: int) -> tuple[Record, int] | None:
        """The element whose start tag ends at a place and where it ends; None = it is too long, or ends further on than is read."""
        most = start + _WHOLE
        end = self.text.find(node.close, start, most)
        while end >= 0:
            body = self.text[start - 1 : end + 1]
            pieces = _TEXTS.split(body)
            markup, texts = pieces[::2], pieces[1::2]
            shape = ">".join(markup)
            plan = node.plans.get(shape)
            if plan is None and (plan := self._learn(node, markup)) is not None:
                self.shapes += 1
                if self.shapes <= _SHAPES:
                    node.plans[shape] = plan
            if plan is not None:
                values = list(map(_text, texts)) if "&" in body else list(map(str.strip, texts))
                if len(body) > MAX_TEXT:
                    _check_texts(texts)
                values.append("")
                return Record(plan[0], values, [(path, Part(places, values)) for path, places in plan[1]]), end + len(
                    node.close
                )
            end = self.text.find(node.close, end + 1, most)
        return None

    def cut(self) -> Iterator[tuple[str, Record]]:
        """(path, record) of each wanted element."""
        node, pos = self.top, 0
        walked: _Walked | None = None
        while True:
            tag = _TAG.match(self.text, pos)
            if tag is None:
                if not self.more(pos):
                    return
                pos = 0
                continue
            if len(tag[1]) > MAX_TEXT:
                _check_texts([tag[1]])
            name, empty = tag[3], tag[4]
            if name.startswith("?"):
                pos = tag.end()
                continue
            if not tag[2]:
                above, node = node, node.kids.get(name) or self._kid(node, name)
                if node.kind and not empty:
                    found = self.whole(node, tag.end())
                    if found is None and len(self.text) - pos < _WHOLE and self.more(pos):
                        node, pos = above, 0
                        continue
                    if found is not None:
                        record, pos = found
                        if walked is None:
                            yield node.path, record
                        else:
                            walked.add(node.part, record)
                        node = above
                        continue
                if node.kind == "record":
                    walked = _Walked()
                if walked is not None:
                    walked.start(node)
                if not empty:
                    pos = tag.end()
                    continue
            if walked is not None:
                walked.end(node, "" if empty else _text(tag[1]))
                if node.kind == "record":
                    yield node.path, walked.record()
                    walked = None
            node, pos = node.parent or node, tag.end()


class _Walked:
    """A record too long to be taken in one: gathered tag by tag, its parts one by one."""

    def __init__(self) -> None:
        self.places, self.values = [_Places()], [""]
        self.parts: list[tuple[str, Part]] = []
        self.childless = True

    def start(self, node: _Node) -> None:
        self.childless = True
        if node.kind == "part":
            self.places.append(_Places())

    def add(self, path: str, part: Part) -> None:
        self.parts.append((path, part))
        self.childless = False

    def end(self, node: _Node, text: str) -> None:
        at = self.places[-1].at
        if node.field not in at:
            at[node.field] = len(self.values) if self.childless else -1
            self.values.append(text)
        self.childless = False
        if node.kind == "part":
            self.parts.append((node.part, Part(self.places.pop(), self.values)))

    def record(self) -> Record:
        self.values.append("")
        return Record(self.places[0], self.values, self.parts)


def _check_texts(texts: Sequence[str]) -> None:
    for one in texts:
        if len(one) > MAX_TEXT and len(_meant(one)) > MAX_TEXT:
            raise MessageRefusedError("too_large", f"有一处内容超过 {MAX_TEXT} 字")


def records(data: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, str, Record]]:
    """(kind, path from the message down without namespaces, record) of each wanted element, freed after use.

    A text beside elements is no value: these messages have none. Nothing is given before the whole message was found good.
    """
    if len(data) > MAX_BYTES:
        raise MessageRefusedError("too_large", f"文件超过 {MAX_BYTES >> 20} MiB")
    judge = _Judge()
    _parse(judge.parser, data)
    if not _is_plain(data):
        data = _rewritten(data)
    if data.count(b"<") > MAX_ELEMENTS and data.count(b"<") - data.count(b"</") > MAX_ELEMENTS:
        raise MessageRefusedError("depth", "元素过多或层次过深")
    for path, record in _Cutter(data, wanted).cut():
        yield judge.kind, path, record
