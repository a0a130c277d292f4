"""Records of JSON and XML, streamed; numbers stay the text they are, because an identity number does not fit a float."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

import ijson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from tuodi.exchange.errors import FileRefusedError
from tuodi.exchange.registers.lines import read_lines
from tuodi.exchange.registers.profiles import RegisterProfile

__all__ = ["read_json", "read_xml"]

_BROKEN = "请重新导出或重新拷贝"
_DECLARED = re.compile(r"^(\s*<\?xml[^>]*?)\s+encoding=[\"']([A-Za-z0-9._-]+)[\"']")
#: Longest value and deepest nesting of a record; more is an attack, not a register.
_MOST_KEYS = 500


def read_json(path: Path, profile: RegisterProfile, said: list[str]) -> Iterator[dict[str, str] | str]:
    """One dictionary a record; a text where a line is no record.

    Raises:
        FileRefusedError: not JSON, cut short, or without the agreed array.
    """
    if profile.carrier.shape == "lines":
        for block in read_lines(path, profile.encodings, quoted=False):
            unread = {found.line_no for found in block.bad}
            for at, line in enumerate(block.text.split("\n")[: block.lines]):
                if line.strip():
                    yield _json_line(line)
                elif block.first + at in unread:
                    yield ""
        return
    prefix = f"{profile.carrier.records}.item" if profile.carrier.records else "item"
    count = 0
    with path.open("rb") as source:
        stream = _Utf8(source, profile.encodings, markup=False)
        try:
            for record in ijson.items(stream, prefix, use_float=False):
                count += 1
                yield _flat(record) if isinstance(record, dict) else str(record)[:60]
        except (ijson.JSONError, UnicodeError, RecursionError) as error:
            raise FileRefusedError("broken", f"JSON 在第 {count + 1} 条记录附近不完整或不合法", _BROKEN) from error
    if not count and not _has_array(path, profile, prefix.removesuffix(".item").removesuffix("item")):
        where = profile.carrier.records or "最外层"
        raise FileRefusedError("columns", f"JSON 中没有记录数组（{where}）", "请核对所选模板")
    _ = said


def _has_array(path: Path, profile: RegisterProfile, prefix: str) -> bool:
    with path.open("rb") as source:
        stream = _Utf8(source, profile.encodings, markup=False)
        return any(where == prefix and event == "start_array" for where, event, _ in ijson.parse(stream))


def _json_line(line: str) -> dict[str, str] | str:
    try:
        record = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return line
    return _flat(record) if isinstance(record, dict) else line


def _flat(record: dict[str, Any], above: str = "") -> dict[str, str]:
    """Nested objects become keys with dots; lists are kept as JSON text, for no register nests them in what we read."""
    flat: dict[str, str] = {}
    waiting = [(above, record)]
    while waiting and len(flat) < _MOST_KEYS:
        prefix, level = waiting.pop()
        for key, value in level.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict):
                waiting.append((f"{name}.", value))
            elif value is None:
                flat[name] = ""
            elif isinstance(value, bool):
                flat[name] = "是" if value else "否"
            elif isinstance(value, list):
                flat[name] = json.dumps(value, ensure_ascii=False, default=str)
            elif isinstance(value, Decimal):
                # A number as it was written; 1.10105E+17 must show that it was damaged.
                flat[name] = str(value)
            else:
                flat[name] = str(value)
    return flat


def read_xml(path: Path, profile: RegisterProfile, said: list[str]) -> Iterator[dict[str, str] | str]:
    """One dictionary a record element: its attributes and its children, a dot between levels.

    Raises:
        FileRefusedError: not XML, cut short, without such an element, or with a document type or entities.
    """
    wanted = profile.carrier.records
    count = depth = 0
    with path.open("rb") as source:
        stream = _Utf8(source, profile.encodings, markup=True)
        try:
            open_elements: list[Any] = []
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                if event == "start":
                    depth += 1
                    open_elements.append(element)
                    if depth > 64:
                        raise FileRefusedError("entities", "XML 嵌套过深，可能有害", "请核对文件来源")
                    continue
                depth -= 1
                open_elements.pop()
                if _local(element.tag) == wanted:
                    count += 1
                    yield _element(element)
                    if open_elements:
                        # What has been read is let go, or the whole tree would stay in memory.
                        open_elements[-1].remove(element)
                elif depth == 1 and element.text and element.text.strip() and not len(element):
                    said.append(f"{_local(element.tag)}:{element.text.strip()[:200]}")
        except DefusedXmlException as error:
            raise FileRefusedError(
                "entities", "XML 带有文档类型或实体（DTD），可能有害", "请部门去掉后重新导出"
            ) from error
        except (ParseError, UnicodeError, ValueError) as error:
            raise FileRefusedError("broken", f"XML 在第 {count + 1} 条记录附近不完整或不合法", _BROKEN) from error
    if not count:
        raise FileRefusedError("columns", f"XML 中没有 {wanted} 元素", "请核对所选模板")


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _element(element: Any) -> dict[str, str]:
    flat = {_local(key): value for key, value in element.attrib.items()}
    waiting = [("", element)]
    while waiting and len(flat) < _MOST_KEYS:
        prefix, level = waiting.pop()
        for child in level:
            name = f"{prefix}{_local(child.tag)}"
            flat[name] = (child.text or "").strip()
            waiting.append((f"{name}.", child))
    return flat


class _Utf8:
    """A file as UTF-8 without byte order mark, whatever accepted encoding it is in."""

    def __init__(self, source: BinaryIO, encodings: tuple[str, ...], *, markup: bool) -> None:
        head = source.read(4096)
        source.seek(0)
        self._source = source
        self._markup = markup
        if head.startswith(codecs.BOM_UTF8):
            self._encoding = "utf-8-sig"
        elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._encoding = "utf-16"
        else:
            self._encoding = self._told(head, encodings)
        self._decoder = codecs.getincrementaldecoder(self._encoding)("strict")
        self._rest = b""
        self._first = True

    def _told(self, head: bytes, encodings: tuple[str, ...]) -> str:
        if self._markup and (match := _DECLARED.match(head.decode("latin-1"))):
            said = match[2].lower()
            if said in ("gbk", "gb2312", "gb18030", "cp936"):
                return "gb18030"
            if said in ("utf-8", "utf8"):
                return "utf-8"
            raise FileRefusedError("encoding", f"XML 声明的编码 {match[2]} 不能读", "请以 UTF-8 或 GB18030 重新导出")
        # The first 4096 bytes may end inside a character.
        for name in sorted(encodings, key=lambda name: name != "utf-8"):
            try:
                codecs.getincrementaldecoder(name)("strict").decode(head)
            except UnicodeDecodeError:
                continue
            return name
        raise FileRefusedError("encoding", "有不能识别的字符", "请以 UTF-8 或 GB18030 重新导出")

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes."""
        while not self._rest:
            data = self._source.read(1 << 16)
            text = self._decoder.decode(data, final=not data)
            if self._first and text:
                self._first = False
                if self._markup:
                    text = _DECLARED.sub(r"\1", text, count=1)
            self._rest = text.encode()
            if not data:
                break
        size = len(self._rest) if size < 0 else size
        out, self._rest = self._rest[:size], self._rest[size:]
        return out
