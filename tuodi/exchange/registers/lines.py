"""Text in blocks of whole lines, whatever the file's size: encodings found out, lines that cannot be read told apart.

GB18030 is decoded as such, never as GBK. What is ASCII so far decides nothing; the first other sign does. In a file of
one encoding a line of the other is rejected, because read with the wrong one it would give other characters.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tuodi.exchange.errors import FileRefusedError
from tuodi.exchange.registers.faults import Fault, fault

__all__ = ["BLOCK", "LineBlock", "read_lines"]

BLOCK = 8 << 20
#: A line longer than this is no record.
_LONGEST = 1 << 20
#: How far back a quotation mark that spans lines is looked for at the end of a block.
_BACK = 1 << 16
#: Two characters of Chinese as UTF-8 writes them, by classes of bytes; rare enough in GB18030 to look closer.
_CLASSES = bytes(76 if 0xE4 <= byte <= 0xE9 else 84 if 0x80 <= byte <= 0xBF else 46 for byte in range(256))
_UTF8_PAIR = b"LTTLTT"


class LineBlock(NamedTuple):
    """Attributes: first: number of its first line in the file. text: whole lines; a line that could not be read is
    empty. data: the text as UTF-8, if the file is. lines: how many. bad: findings about those. last: nothing follows."""

    first: int
    text: str
    data: bytes | None
    lines: int
    bad: list[Fault]
    last: bool


class _Decoder:
    def __init__(self, encodings: tuple[str, ...]) -> None:
        self.encodings = encodings
        self.encoding = ""

    def decode(self, data: bytes, first: int) -> tuple[str, list[Fault]]:
        bad: list[Fault] = []
        if b"\x00" in data:
            data = self._without(data, first, b"\x00", bad)
        if not self.encoding and not data.isascii():
            self.encoding = self._choose(data)
        encoding = self.encoding or "ascii"
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            return self._by_line(data, first, encoding, bad)
        if encoding == "gb18030" and _looks_utf8(data) and any(map(_is_utf8, data.split(b"\n"))):
            return self._by_line(data, first, encoding, bad)
        return text, bad

    def _choose(self, data: bytes) -> str:
        wanted = [name for name in self.encodings if name != "utf-16"]
        # UTF-8 is asked first: hardly any text in GB18030 happens to be UTF-8, the reverse is common.
        for name in sorted(wanted, key=lambda name: name != "utf-8"):
            if _decodes(data, name):
                return name
        lines = data.split(b"\n")
        return max(wanted, key=lambda name: sum(_decodes(line, name) for line in lines))

    def _by_line(self, data: bytes, first: int, encoding: str, bad: list[Fault]) -> tuple[str, list[Fault]]:
        out = []
        for at, line in enumerate(data.split(b"\n")):
            if _decodes(line, encoding) and not (encoding == "gb18030" and _is_utf8(line)):
                out.append(line.decode(encoding))
            else:
                shown = line.decode(encoding, "replace")
                bad.append(fault(first + at, "rejected", "encoding", "row", "", shown))
                out.append("")
        return "\n".join(out), bad

    @staticmethod
    def _without(data: bytes, first: int, sign: bytes, bad: list[Fault]) -> bytes:
        lines = data.split(b"\n")
        for at, line in enumerate(lines):
            if sign in line:
                bad.append(fault(first + at, "rejected", "nul", "row", "", line.decode("utf-8", "replace")))
                lines[at] = b""
        if len(bad) * 2 > len(lines):
            raise FileRefusedError("unknown", "这不是文字表格（含有二进制内容）", "请重新导出")
        return b"\n".join(lines)


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(line: bytes) -> bool:
    return _looks_utf8(line) and _decodes(line, "utf-8")


def _looks_utf8(data: bytes) -> bool:
    return _UTF8_PAIR in data.translate(_CLASSES)


def read_lines(path: Path, encodings: tuple[str, ...], *, quoted: bool, block: int = BLOCK) -> Iterator[LineBlock]:
    """Blocks of whole lines.

    Args:
        quoted: A cell in quotation marks may hold line ends; blocks are not cut inside one.
    Raises:
        FileRefusedError: binary, a line without an end, an encoding that is not accepted, or cut inside a character.
    """
    decoder = _Decoder(encodings)
    first = 1
    carry = b""
    for data, last in _pieces(path, encodings, block, decoder):
        data = carry + data
        if last:
            whole, carry = data, b""
        else:
            cut = _cut(data, quoted) + 1
            whole, carry = data[:cut], data[cut:]
            if len(carry) > _LONGEST + block:
                raise FileRefusedError("broken", f"第 {first} 行之后没有换行", "请核对文件是否完整、是否选对了模板")
        if not whole and not last:
            continue
        text, bad = decoder.decode(whole, first)
        if last and bad and not whole.endswith(b"\n") and bad[-1].code == "encoding":
            lines = whole.count(b"\n")
            if bad[-1].line_no == first + lines:
                raise FileRefusedError("truncated", "文件在最后一行中间断开，不完整", "请重新拷贝或重新导出")
        lines = text.count("\n") + (not text.endswith("\n") and bool(text))
        as_utf8 = whole if decoder.encoding in ("", "utf-8") and not bad else None
        yield LineBlock(first, text, as_utf8, lines, bad, last)
        first += lines


def _pieces(path: Path, encodings: tuple[str, ...], block: int, decoder: _Decoder) -> Iterator[tuple[bytes, bool]]:
    """Bytes of the file, without the byte order mark; UTF-16 is turned into UTF-8 on the way."""
    with path.open("rb") as source:
        head = source.read(4)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            if "utf-16" not in encodings:
                raise FileRefusedError("encoding", "文件是 UTF-16，模板没有列出这种编码", "请以 UTF-8 重新导出")
            decoder.encoding = "utf-8"
            with path.open(encoding="utf-16", newline="") as text:
                try:
                    ahead = text.read(block // 2)
                    while ahead:
                        now, ahead = ahead, text.read(block // 2)
                        yield now.encode(), not ahead
                except UnicodeError as error:
                    raise FileRefusedError("truncated", "文件在字符中间断开，不完整", "请重新导出") from error
            return
        if head.startswith(codecs.BOM_UTF8):
            decoder.encoding = "utf-8"
            source.seek(3)
        else:
            source.seek(0)
        piece = source.read(block)
        while True:
            ahead_bytes = source.read(block)
            yield piece, not ahead_bytes
            if not ahead_bytes:
                return
            piece = ahead_bytes


def _cut(data: bytes, quoted: bool) -> int:
    """Where the last whole record ends: a line end outside quotation marks, as far as that can be told nearby."""
    end = data.rfind(b"\n")
    if not quoted or end < 0 or b'"' not in data:
        return end
    cut = end
    while cut > max(0, end - _BACK) and data.count(b'"', 0, cut) % 2:
        mark = data.rfind(b'"', 0, cut)
        cut = data.rfind(b"\n", 0, mark)
    # A stray mark far above makes every later count odd; then the plain line end is the better guess.
    return cut if cut > max(0, end - _BACK) else end
