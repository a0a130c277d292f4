"""What a file really is, by its bytes, and whether it is safe to open. The name's ending is never believed.

Refused before any parser sees it: encrypted workbooks, macros, zip bombs, XML with a document type (entities),
web pages saved as .xls, anything that is no table.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tuodi.exchange.errors import FileRefusedError

__all__ = ["MAX_BYTES", "MAX_ROWS", "Container", "inspect"]

MAX_BYTES = 200 * 1024 * 1024
MAX_ROWS = 1_000_200  # a million people and what stands above and between them

#: Unpacked size of a workbook: a million rows of twenty-five columns are about 1.5 GB of XML.
_MAX_UNPACKED = 2 * 1024**3
_MAX_PARTS = 2_000
#: Real rosters pack 10 to 30 to 1; a part that packs better than this and is large is a bomb.
_MAX_RATIO = 150
_RATIO_FROM = 16 * 1024 * 1024
_CHUNK = 1 << 20

Kind = Literal["xlsx", "xls", "text"]
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KNOWN = {
    b"%PDF": "这是 PDF 文件",
    b"\x89PNG": "这是图片",
    b"\xff\xd8\xff": "这是图片",
    b"GIF8": "这是图片",
    b"Rar!": "这是 RAR 压缩包",
    b"7z\xbc\xaf": "这是 7z 压缩包",
    b"\x1f\x8b": "这是 gzip 压缩包",
    b"MZ": "这是程序文件",
    b"\x7fELF": "这是程序文件",
    b"SQLite format 3": "这是数据库文件",
    b"PAR1": "这是 Parquet 文件",
}
_SAVE_AS = "请用表格软件另存为 xlsx 或 csv 后再导入"


@dataclass(frozen=True, slots=True)
class Container:
    """What was found.

    Attributes:
        kind: How to read it.
        size: Bytes on disk.
        unpacked: Bytes of sheet XML (xlsx), else ``size``.
        area: Cells of the smallest rectangle from A1 that holds everything, over all sheets (xlsx), else 0. One cell
            in the far corner makes it huge, and a reader that fills the rectangle would take all memory.
    """

    kind: Kind
    size: int
    unpacked: int
    area: int = 0


def inspect(path: Path, *, most: int | None = MAX_BYTES, markup: bool = False) -> Container:
    """Decide what a file is.

    Args:
        most: Bytes a text may have; null = any, for readers that stream. Workbooks never exceed `MAX_BYTES`.
        markup: XML is what is wanted; the reader must be safe against entities by itself.
    Raises:
        FileRefusedError: It cannot or must not be read; the sentence says why and what to do.
    """
    size = path.stat().st_size
    if size == 0:
        raise FileRefusedError("empty", "文件是空的", "请重新导出")
    with path.open("rb") as source:
        head = source.read(8192)
    if size > MAX_BYTES and (most is not None or head.startswith((b"PK", _OLE))):
        raise FileRefusedError(
            "too_large", f"文件有 {size / 1024**2:.0f} MB，超过 200 MB", "请按乡镇或项目拆成几个文件"
        )
    if head.startswith(b"PK\x03\x04"):
        return Container("xlsx", size, *_inspect_zip(path))
    if head.startswith((b"PK\x05\x06", b"PK\x07\x08")):
        raise FileRefusedError("unknown", "这是空的或分卷的压缩包", _SAVE_AS)
    if head.startswith(_OLE):
        _inspect_ole(path)
        return Container("xls", size, size)
    for magic, what in _KNOWN.items():
        if head.startswith(magic):
            raise FileRefusedError("unknown", what, _SAVE_AS)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not (markup and text.startswith(b"<?xml")) and text.startswith(
        (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"mime-version")
    ):
        raise FileRefusedError("html", "这其实是网页（HTML 或 XML），不是表格", _SAVE_AS)
    if head.startswith(b"\x09\x08"):
        raise FileRefusedError("unknown", "这是 Excel 95 以前的工作簿", _SAVE_AS)
    return Container("text", size, size)


def _inspect_zip(path: Path) -> tuple[int, int]:
    try:
        with zipfile.ZipFile(path) as archive:
            return _inspect_parts(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise FileRefusedError("broken", "文件不完整或已损坏", "请重新导出或重新拷贝") from error


def _inspect_parts(archive: zipfile.ZipFile) -> tuple[int, int]:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > _MAX_UNPACKED:
        raise FileRefusedError("bomb", "解开后过大，疑似压缩炸弹", _SAVE_AS)
    if any(part.flag_bits & 1 for part in parts):
        raise FileRefusedError("encrypted", "压缩包有密码", "请去掉密码后再导入")
    if "xl/workbook.xml" not in names:
        what = "这是 Word 文档" if any(n.startswith("word/") for n in names) else "这是压缩包，不是工作簿"
        raise FileRefusedError("unknown", what, _SAVE_AS)
    if any(n.lower().endswith("vbaproject.bin") or n.lower().startswith("xl/macrosheets/") for n in names):
        raise FileRefusedError("macros", "工作簿带有宏", "请另存为不含宏的 xlsx 后再导入")
    sheets = area = 0
    for part in parts:
        if part.file_size > _RATIO_FROM and part.file_size > _MAX_RATIO * max(1, part.compress_size):
            raise FileRefusedError("bomb", "解开后过大，疑似压缩炸弹", _SAVE_AS)
        if part.filename.endswith((".xml", ".rels", ".vml")):
            is_sheet = part.filename.startswith("xl/worksheets/")
            area += _inspect_xml(archive, part, is_sheet)
            sheets += part.file_size if is_sheet else 0
    return sheets, area


_ROW = re.compile(rb"<(?:\w+:)?row[ >]")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _inspect_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo, is_sheet: bool) -> int:
    """Unpack one part in pieces: the checksum proves the declared size, no piece may declare entities.

    Returns:
        Rows times columns up to the last cell of a sheet; 0 for other parts.
    """
    rows = height = width = 0
    carry = b""
    first = True
    with archive.open(part) as source:
        while chunk := source.read(_CHUNK):
            if first:
                # UTF-16 parts would hide the word; spreadsheets write UTF-8 only.
                if chunk[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in chunk[:64]:
                    raise FileRefusedError("entities", "工作簿内部编码异常", _SAVE_AS)
                first = False
            seen = carry + chunk
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                raise FileRefusedError("entities", "工作簿内部带有外部引用（DTD），可能有害", _SAVE_AS)
            if is_sheet:
                rows += len(_ROW.findall(seen)) - len(_ROW.findall(carry))
                if rows > MAX_ROWS:
                    raise too_many_rows()
                places = _PLACE.findall(seen)
                if places:
                    # Few distinct columns, and rows come in order: look at each column once and at the last row.
                    width = max(width, *map(_column, {letters for letters, _ in places}))
                    height = max(height, int(places[-1][1]), int(places[0][1]))
            carry = seen[-24:]
    return height * width


def too_many_rows() -> FileRefusedError:
    """The one error for files over a million rows."""
    return FileRefusedError("too_many_rows", "超过 1,000,000 行", "请按乡镇或项目拆成几个文件")


def _name(text: str) -> bytes:
    return text.encode("utf-16-le")


def _inspect_ole(path: Path) -> None:
    """Old containers: an encrypted xlsx, a document, or a workbook with a password or macros."""
    data = path.read_bytes()
    if _name("EncryptedPackage") in data:
        raise FileRefusedError("encrypted", "工作簿有打开密码", "请去掉密码后再导入")
    if _name("WordDocument") in data:
        raise FileRefusedError("unknown", "这是 Word 文档", _SAVE_AS)
    if _name("_VBA_PROJECT_CUR") in data or _name("_VBA_PROJECT") in data:
        raise FileRefusedError("macros", "工作簿带有宏", "请另存为不含宏的 xlsx 后再导入")
    if _name("Workbook") not in data and _name("Book") not in data:
        raise FileRefusedError("unknown", "这不是 Excel 工作簿", _SAVE_AS)
    if len(data) < 1536 or len(data) % 512:
        raise FileRefusedError("broken", "文件不完整或已损坏", "请重新导出或重新拷贝")
