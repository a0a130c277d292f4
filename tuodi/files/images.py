"""Photographs from outside: what they really are, what they claim, and the same picture without its metadata.

Only JPEG, PNG and WebP, told by their structure and never by name or declared type. Nothing is decoded: the parts of
the container are walked, those that only carry information about the picture are left out, and what follows its end is
cut off. So no picture library is needed, and a hostile picture is never given to one.

Formats: JPEG ITU-T T.81, Exif 2.3 (CIPA DC-008), PNG (W3C), WebP container (RFC 9649).
"""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from tuodi.files.errors import ImageRefusedError
from tuodi.kernel.clock import BEIJING

__all__ = ["MAX_BYTES", "MAX_PIXELS", "Picture", "read_picture"]

MAX_BYTES = 12 * 2**20
#: 12,000 x 4,500; the largest phone sensors in ordinary mode give 50 million.
MAX_PIXELS = 54_000_000
MAX_SIDE = 16_384
_KEEP_APP = (0xE0, 0xE2, 0xEE)  # JFIF, colour profile, Adobe colour transform: without them colours may come out wrong
_PNG_SIGN = b"\x89PNG\r\n\x1a\n"
_PNG_KEEP = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs"}
_WEBP_KEEP = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be kept.

    Attributes:
        data: The picture without metadata; for a JPEG that was turned, with its direction and nothing else.
        media_type, suffix: What it really is.
        width, height: As stored, before turning.
        taken_at: Time the file claims, in Beijing time; None = it says nothing readable.
        latitude, longitude: Place the file claims, in degrees; both or neither.
    """

    data: bytes
    media_type: str
    suffix: str
    width: int
    height: int
    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None


def read_picture(data: bytes) -> Picture:
    """Checks a file somebody sent as a photograph and takes its metadata off.

    Raises:
        ImageRefusedError: Not one of the three formats, broken, cut off, moving, or too large.
    """
    if not data:
        raise ImageRefusedError("文件是空的")
    if len(data) > MAX_BYTES:
        raise ImageRefusedError(f"有 {len(data) / 2**20:.1f} MB，超过 {MAX_BYTES // 2**20} MB")
    try:
        if data[:3] == b"\xff\xd8\xff":
            return _checked(_jpeg(data))
        if data[:8] == _PNG_SIGN:
            return _checked(_png(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _checked(_webp(data))
    except (struct.error, IndexError, OverflowError) as error:
        raise ImageRefusedError("内容残缺") from error
    raise ImageRefusedError("不是 JPEG、PNG 或 WebP 照片")


def _checked(picture: Picture) -> Picture:
    if picture.width < 1 or picture.height < 1:
        raise ImageRefusedError("没有像素")
    if max(picture.width, picture.height) > MAX_SIDE or picture.width * picture.height > MAX_PIXELS:
        raise ImageRefusedError(f"{picture.width}×{picture.height} 像素，超过上限")
    return picture


def _jpeg(data: bytes) -> Picture:
    out = bytearray(b"\xff\xd8")
    at, size, exif = 2, None, b""
    while True:
        if data[at] != 0xFF:
            raise ImageRefusedError("JPEG 结构不对")
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            break
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            raise ImageRefusedError("JPEG 结构不对")
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise ImageRefusedError("内容残缺")
        whole = data[at : at + 2 + length]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", body, 1)
            size = (width, height)
        if marker == 0xE1 and body[:6] == b"Exif\0\0" and not exif:
            exif = body[6:]
        keep = marker in _KEEP_APP or not (0xE0 <= marker <= 0xEF or marker == 0xFE)
        if keep and not (marker == 0xE0 and body[:5] != b"JFIF\0"):
            out += whole
        at += 2 + length
        if marker == 0xDA:  # entropy-coded data runs to the next marker that is neither stuffed nor a restart
            end = at
            while True:
                end = data.find(b"\xff", end)
                if end < 0 or end + 1 >= len(data):
                    raise ImageRefusedError("内容残缺")
                if data[end + 1] == 0x00 or 0xD0 <= data[end + 1] <= 0xD7:
                    end += 2
                    continue
                break
            out += data[at:end]
            at = end
    if size is None:
        raise ImageRefusedError("JPEG 里没有图像")
    out += b"\xff\xd9"
    claims = _exif(exif)
    turned = claims.pop("orientation", 1)
    if 2 <= turned <= 8:
        out[2:2] = _turn_only(turned)
    return Picture(bytes(out), "image/jpeg", "jpg", *size, **claims)


def _turn_only(orientation: int) -> bytes:
    """An Exif segment that says which way is up, and nothing else."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(data: bytes) -> Picture:
    out = bytearray(_PNG_SIGN)
    at, size, pixels, exif = 8, None, False, b""
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) != length:
            raise ImageRefusedError("内容残缺")
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if crc != zlib.crc32(kind + body):
            raise ImageRefusedError("PNG 校验不对，文件已损坏")
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise ImageRefusedError("PNG 结构不对")
            size = struct.unpack_from(">II", body)
        if kind == b"acTL":
            raise ImageRefusedError("是动图，请换静态照片")
        if kind == b"eXIf":
            exif = body
        pixels = pixels or kind == b"IDAT"
        if kind in _PNG_KEEP:
            out += data[at : at + 12 + length]
        elif not kind[0] & 0x20:  # a critical part nobody knows
            raise ImageRefusedError("PNG 结构不对")
        at += 12 + length
        if kind == b"IEND":
            break
    if not pixels:
        raise ImageRefusedError("PNG 里没有图像")
    claims = _exif(exif)
    claims.pop("orientation", None)
    return Picture(bytes(out), "image/png", "png", *size, **claims)


def _webp(data: bytes) -> Picture:
    (total,) = struct.unpack_from("<I", data, 4)
    if total + 8 > len(data) or total < 12:
        raise ImageRefusedError("内容残缺")
    parts, at, size, exif, pixels = bytearray(), 12, None, b"", False
    while at + 8 <= total + 8:
        kind, length = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = data[at + 8 : at + 8 + length]
        if len(body) != length:
            raise ImageRefusedError("内容残缺")
        if kind in (b"ANIM", b"ANMF"):
            raise ImageRefusedError("是动图，请换静态照片")
        if kind == b"VP8X":
            wide, high = int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
            size = (wide, high)
            body = bytes([body[0] & 0b00110000]) + body[1:]  # colour profile and alpha; no Exif, no XMP, no frames
        elif kind == b"VP8 ":
            if body[3:6] != b"\x9d\x01\x2a":
                raise ImageRefusedError("WebP 结构不对")
            wide, high = struct.unpack_from("<HH", body, 6)
            size, pixels = size or (wide & 0x3FFF, high & 0x3FFF), True
        elif kind == b"VP8L":
            if body[0] != 0x2F:
                raise ImageRefusedError("WebP 结构不对")
            (bits,) = struct.unpack_from("<I", body, 1)
            size, pixels = size or ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), True
        elif kind == b"EXIF":
            exif = body.removeprefix(b"Exif\0\0")
        if kind in _WEBP_KEEP:
            parts += kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        at += 8 + length + length % 2
    if not pixels or size is None:
        raise ImageRefusedError("WebP 里没有图像")
    claims = _exif(exif)
    claims.pop("orientation", None)
    out = b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WEBP" + bytes(parts)
    return Picture(out, "image/webp", "webp", *size, **claims)


def _exif(tiff: bytes) -> dict[str, object]:
    """What an Exif block claims; whatever cannot be read is not claimed. Never an error: metadata decides nothing."""
    try:
        return _claims(tiff) if tiff else {}
    except (struct.error, IndexError, ValueError, ZeroDivisionError, KeyError, OverflowError):
        return {}


def _claims(tiff: bytes) -> dict[str, object]:
    order = {b"II*\0": "<", b"MM\0*": ">"}[tiff[:4]]
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    main = _directory(tiff, order, first)
    found: dict[str, object] = {}
    if 0x0112 in main:
        found["orientation"] = _number(tiff, order, main[0x0112])
    inner = _directory(tiff, order, _number(tiff, order, main[0x8769])) if 0x8769 in main else {}
    stamp = inner.get(0x9003) or main.get(0x0132)
    if stamp is not None:
        text = _bytes(tiff, order, stamp)[:19].decode("ascii", "replace")
        with suppress(ValueError):  # a camera that was never set writes blanks
            found["taken_at"] = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=BEIJING)
    if 0x8825 in main:
        gps = _directory(tiff, order, _number(tiff, order, main[0x8825]))
        if {1, 2, 3, 4} <= set(gps):
            north = _degrees(tiff, order, gps[2]) * (-1 if _bytes(tiff, order, gps[1])[:1] == b"S" else 1)
            east = _degrees(tiff, order, gps[4]) * (-1 if _bytes(tiff, order, gps[3])[:1] == b"W" else 1)
            if abs(north) <= 90 and abs(east) <= 180:
                found["latitude"], found["longitude"] = round(north, 6), round(east, 6)
    return found


_Entry = tuple[int, int, int]  # type, count, offset of the value field


def _directory(tiff: bytes, order: str, at: int) -> dict[int, _Entry]:
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    entries: dict[int, _Entry] = {}
    for place in range(min(count, 200)):
        tag, kind, number = struct.unpack_from(f"{order}HHI", tiff, at + 2 + 12 * place)
        entries[tag] = (kind, number, at + 2 + 12 * place + 8)
    return entries


_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}


def _bytes(tiff: bytes, order: str, entry: _Entry) -> bytes:
    kind, count, field = entry
    length = _WIDTHS[kind] * count
    start = field if length <= 4 else struct.unpack_from(f"{order}I", tiff, field)[0]
    return tiff[start : start + length]


def _number(tiff: bytes, order: str, entry: _Entry) -> int:
    return int(struct.unpack_from(f"{order}{'H' if entry[0] == 3 else 'I'}", tiff, entry[2])[0])


def _degrees(tiff: bytes, order: str, entry: _Entry) -> float:
    parts = struct.unpack(f"{order}6I", _bytes(tiff, order, entry)[:24])
    return parts[0] / parts[1] + parts[2] / parts[3] / 60 + parts[4] / parts[5] / 3600
