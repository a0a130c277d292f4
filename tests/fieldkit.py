"""Photographs, signatures and filled forms for tests of visits. Every picture is built here, byte by byte."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

DRAWN = [[[100, 100], [180, 160], [260, 90]], [[300, 120], [420, 180]]]


def png(width: int = 4, height: int = 4, *extra: tuple[bytes, bytes]) -> bytes:
    """A grey PNG; extra chunks stand before the pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = zlib.compress(b"".join(b"\0" + b"\x80" * min(width, 64) for _ in range(min(height, 64))))
    more = b"".join(chunk(kind, body) for kind, body in extra)
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def exif(order: str = "<", *, orientation: int = 6, stamp: bytes = b"2021:09:16 10:08:00\0") -> bytes:
    """A TIFF block with direction, time and place (30.5 N, 112.25 E)."""
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    ifd, sub, gps = 8, 8 + 2 + 3 * 12 + 4, 8 + 2 + 3 * 12 + 4 + 2 + 12 + 4
    data = gps + 2 + 4 * 12 + 4

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        if kind == 3:
            return struct.pack(f"{order}HHIHH", tag, kind, count, value, 0)
        return struct.pack(f"{order}HHII", tag, kind, count, value)

    def ref(tag: int, letter: bytes) -> bytes:
        return struct.pack(f"{order}HHI", tag, 2, 2) + letter + b"\0\0\0"

    north, east = struct.pack(f"{order}6I", 30, 1, 30, 1, 0, 1), struct.pack(f"{order}6I", 112, 1, 15, 1, 0, 1)
    out = mark + struct.pack(f"{order}I", ifd)
    out += struct.pack(f"{order}H", 3) + entry(0x0112, 3, 1, orientation) + entry(0x8769, 4, 1, sub)
    out += entry(0x8825, 4, 1, gps) + b"\0" * 4
    out += struct.pack(f"{order}H", 1) + entry(0x9003, 2, 20, data) + b"\0" * 4
    out += struct.pack(f"{order}H", 4) + ref(1, b"N") + entry(2, 5, 3, data + 20) + ref(3, b"E")
    out += entry(4, 5, 3, data + 44) + b"\0" * 4
    return out + stamp + north + east


def jpeg(*segments: tuple[int, bytes], width: int = 8, height: int = 8, tail: bytes = b"") -> bytes:
    """The skeleton of a JPEG: JFIF, the given segments, tables, a frame and a scan. Structure is all that is looked at."""

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    out = b"\xff\xd8" + segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    out += b"".join(segment(marker, body) for marker, body in segments)
    out += segment(0xDB, b"\0" + b"\x10" * 64)
    out += segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0")
    out += segment(0xC4, b"\0" + b"\x01" + b"\0" * 15 + b"\0")
    out += segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x7f\xff\x00\x12\xff\xd0\x34"
    return out + b"\xff\xd9" + tail


def webp(*parts: tuple[bytes, bytes], flags: int = 0, width: int = 9, height: int = 7) -> bytes:
    """An extended WebP with a key frame and the given parts after it."""

    def part(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    head = bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    frame = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0\0"
    body = part(b"VP8X", head) + part(b"VP8 ", frame) + b"".join(part(*one) for one in parts)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def answers(**more):
    """What a form needs at least, with no declared facts to compare with."""
    return {
        "members_fit": {"fit": "agree"},
        "house_source": "own",
        "furnish": "ordinary",
        "vehicles": {"seen": "无"},
        "other_house": "no",
        "income_year": {"seen": "10800"},
        "staff_kin": "no",
        **more,
    }


def signed(*users, family: str = "欧阳建"):
    """Signatures of the investigators and the family."""
    rows = [{"role": "investigator", "user": user.pk, "name": user.name, "strokes": DRAWN} for user in users]
    return [*rows, {"role": "respondent", "name": family, "strokes": DRAWN}]


def shot(page, name: str) -> None:
    """A picture for people to look at, where `TUODI_SHOTS` names a folder; no test needs it."""
    folder = os.environ.get("TUODI_SHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
