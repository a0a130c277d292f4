"""Text tables: which encoding, which delimiter, and rows read one at a time.

GB18030 is decoded as such, never as GBK: GBK lacks characters that stand in people's names.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from tuodi.exchange.errors import FileRefusedError

__all__ = ["detect_delimiter", "detect_encoding", "read"]

_CHUNK = 1 << 20
_DELIMITERS = ",\t|;，"
#: A cell longer than this is a quotation mark that was never closed.
_MAX_CELL = 20_000


def detect_encoding(path: Path) -> str:
    """``utf-8-sig``, ``utf-8``, ``utf-16`` or ``gb18030``, after reading the whole file once.

    Raises:
        FileRefusedError: None of them fits; says about where.
    """
    with path.open("rb") as source:
        head = source.read(4096)
    if head.startswith(codecs.BOM_UTF8):
        return _check(path, "utf-8-sig")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _check(path, "utf-16")
    if b"\x00" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        # ASCII digits and commas in UTF-16 leave every other byte zero; both kinds of place mean binary.
        if odd and not even:
            return _check(path, "utf-16-le")
        if even and not odd:
            return _check(path, "utf-16-be")
        raise _binary()
    try:
        return _check(path, "utf-8")
    except FileRefusedError as error:
        if error.reason != "encoding":
            raise
        return _check(path, "gb18030")


#: Stray control characters happen; many of them are no text.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f]")


def _binary() -> FileRefusedError:
    return FileRefusedError("unknown", "这不是文字表格（含有二进制内容）", "请另存为 xlsx 或 csv 后再导入")


def _check(path: Path, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    at = lines = 0
    with path.open("rb") as source:
        while True:
            chunk = source.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line = lines + chunk[: max(0, error.start)].count(b"\n") + 1
                raise FileRefusedError(
                    "encoding",
                    f"第 {line} 行附近有不能识别的字符（既不是 UTF-8 也不是 GB18030，或文件不完整）",
                    "请用表格软件重新另存为“CSV UTF-8”",
                ) from error
            if len(_CONTROLS.findall(text)) > len(text) // 100:
                raise _binary()
            if not chunk:
                return encoding
            lines += text.count("\n")
            at += len(chunk)


def detect_delimiter(path: Path, encoding: str) -> str:
    """The delimiter that splits most of the first lines into the same, largest number of cells."""
    with path.open(encoding=encoding, newline="") as source:
        lines = [line for _, line in zip(range(60), source, strict=False) if line.strip()]
    best, score = ",", (0, 0)
    for sign in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=sign)]
        except csv.Error:
            continue
        most = max(set(widths), key=lambda w: (widths.count(w) if w > 1 else 0, w), default=1)
        found = (widths.count(most) if most > 1 else 0, most)
        if found > score:
            best, score = sign, found
    return best


def read(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """Rows of cells, streamed.

    Raises:
        FileRefusedError: A quotation mark is never closed, or the text holds NUL.
    """
    with path.open(encoding=encoding, newline="") as source:
        reader = csv.reader(source, delimiter=delimiter)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _quotes(reader.line_num) from error
            for cell in row:
                if len(cell) > _MAX_CELL:
                    raise _quotes(reader.line_num)
            yield row


def _quotes(line: int) -> FileRefusedError:
    return FileRefusedError("quotes", f"第 {line} 行附近引号没有成对，无法分列", "请在表格软件中打开核对后另存为 xlsx")
