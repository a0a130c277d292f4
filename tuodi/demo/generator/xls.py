"""A minimal writer of old .xls workbooks (BIFF8 in an OLE2 container): text, numbers, merged cells, nothing else.

Offices still send such files, and no maintained library writes them. One sheet or several, up to about 7 MB.
Source: [MS-XLS] records BOF, BOUNDSHEET8, LABEL, NUMBER, MERGECELLS; [MS-CFB] header, FAT, directory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

__all__ = ["workbook"]

Cell = str | int | float | None
_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
#: The header names 109 FAT sectors; larger files would need a further chain.
_MAX_FAT = 109


def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _text(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack("<HB", len(raw) // 2, 1) + raw


def _sheet(rows: Iterable[Sequence[Cell]], merges: Sequence[tuple[int, int, int, int]]) -> bytes:
    out = [_record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))]
    cells: list[bytes] = []
    height = width = 0
    for r, row in enumerate(rows):
        height, width = r + 1, max(width, len(row))
        for c, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                cells.append(_record(0x0204, struct.pack("<HHH", r, c, 15) + _text(value)))
            else:
                cells.append(_record(0x0203, struct.pack("<HHHd", r, c, 15, value)))
    if height > 65536:
        raise ValueError("an .xls sheet holds 65,536 rows")
    out.append(_record(0x0200, struct.pack("<IIHHH", 0, height, 0, width, 0)))
    out += cells
    out.append(_record(0x023E, struct.pack("<HHHHHHHHH", 0x06B6, 0, 0, 64, 0, 0, 0, 0, 0)))
    for at in range(0, len(merges), 1000):
        part = merges[at : at + 1000]
        out.append(_record(0x00E5, struct.pack("<H", len(part)) + b"".join(struct.pack("<HHHH", *m) for m in part)))
    out.append(_record(0x000A))
    return b"".join(out)


def _stream(sheets: Sequence[tuple[str, bytes]]) -> bytes:
    font = struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 134, 0) + b"\x05\x01" + "Arial".encode("utf-16-le")
    # Fifteen style formats and one cell format: the least that Excel accepts.
    formats = [
        struct.pack("<HHHBBBBIIH", 0, 0, 0xFFF5 if i < 15 else 1, 0x20, 0, 0, 0, 0, 0, 0x20C0) for i in range(16)
    ]
    head = [
        _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)),
        _record(0x0042, struct.pack("<H", 1200)),
        _record(0x003D, struct.pack("<HHHHHHHHH", 0, 0, 16000, 9000, 0x38, 0, 0, 1, 600)),
        *(_record(0x0031, font) for _ in range(4)),
        *(_record(0x00E0, body) for body in formats),
        _record(0x0293, struct.pack("<HBB", 0x8000, 0, 0xFF)),
    ]
    names = []
    for name, _ in sheets:
        raw = name.encode("utf-16-le")
        names.append((raw, 8 + 4 + len(raw)))
    at = sum(map(len, head)) + sum(4 + size - 4 for _, size in names) + 4
    bounds = []
    for (raw, _), (_, body) in zip(names, sheets, strict=True):
        bounds.append(_record(0x0085, struct.pack("<IBBBB", at, 0, 0, len(raw) // 2, 1) + raw))
        at += len(body)
    return b"".join([*head, *bounds, _record(0x000A), *(body for _, body in sheets)])


def workbook(sheets: Sequence[tuple[str, Iterable[Sequence[Cell]], Sequence[tuple[int, int, int, int]]]]) -> bytes:
    """The bytes of a workbook.

    Args:
        sheets: Name, rows of cells, merged areas as (first row, last row, first column, last column), all from 0.
    """
    stream = _stream([(name, _sheet(rows, merges)) for name, rows, merges in sheets])
    # Streams below 4,096 bytes would have to live in a mini stream; zeros after the last record are harmless.
    stream = stream.ljust(max(4096, -(-len(stream) // _SECTOR) * _SECTOR), b"\0")
    data = len(stream) // _SECTOR
    fat_sectors = 1
    while fat_sectors * 128 < data + 1 + fat_sectors:
        fat_sectors += 1
    if fat_sectors > _MAX_FAT:
        raise ValueError("too large for this .xls writer")
    fat = [*range(1, data), _END, _END, *([_FAT] * fat_sectors)]
    fat += [_FREE] * (fat_sectors * 128 - len(fat))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6,
        0, fat_sectors, data, 0, 4096, _END, 0, _END, 0,
    )  # fmt: skip
    difat = [data + 1 + i for i in range(fat_sectors)] + [_FREE] * (_MAX_FAT - fat_sectors)
    directory = (
        _entry("Root Entry", 5, 1, _END, 0)
        + _entry("Workbook", 2, _FREE, 0, len(stream))
        + _entry("", 0, _FREE, 0, 0) * 2
    )
    return header + struct.pack("<109I", *difat) + stream + directory + struct.pack(f"<{len(fat)}I", *fat)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    raw = (name + "\0").encode("utf-16-le") if name else b""
    return struct.pack("<64sHBBIII16xI8x8xIQ", raw, len(raw), kind, 1, _FREE, _FREE, child, 0, start, size)
