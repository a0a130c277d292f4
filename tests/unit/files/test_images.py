"""Photographs: only what really is one, without a word about who took it where; hostile files are refused."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest
from fieldkit import exif, jpeg, png, webp

from tuodi.files import images
from tuodi.files.errors import ImageRefusedError
from tuodi.files.images import read_picture
from tuodi.kernel.clock import BEIJING


@pytest.mark.parametrize("order", ["<", ">"])
def test_jpeg_loses_its_metadata_but_keeps_its_direction_and_its_claims(order):
    data = jpeg((0xE1, b"Exif\0\0" + exif(order)), (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), (0xFE, b"by Wang"))
    found = read_picture(data)
    assert (found.media_type, found.width, found.height) == ("image/jpeg", 8, 8)
    assert found.taken_at == datetime(2021, 9, 16, 10, 8, tzinfo=BEIJING)
    assert (found.latitude, found.longitude) == (30.5, 112.25)
    for secret in (b"2021:09:16", b"adobe", b"Wang"):
        assert secret in data
        assert secret not in found.data
    again = read_picture(found.data)
    assert again.data == found.data  # nothing left to take away
    assert (again.taken_at, again.latitude) == (None, None)
    assert struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) in found.data


def test_what_follows_the_picture_is_cut_off():
    shell = b"<?php system($_GET[0]);?><script>alert(1)</script>PK\x03\x04"
    found = read_picture(jpeg(tail=shell))
    assert found.data.endswith(b"\xff\xd9")
    assert b"script" not in found.data
    assert b"script" not in read_picture(png() + shell).data
    assert b"script" not in read_picture(webp() + shell).data


def test_png_and_webp_lose_text_and_exif():
    chunks = ((b"tEXt", b"Author\0Wang"), (b"eXIf", exif()), (b"gAMA", b"\0\0\xb1\x8f"))
    found = read_picture(png(4, 4, *chunks))
    assert b"Wang" not in found.data
    assert b"gAMA" in found.data
    assert found.taken_at == datetime(2021, 9, 16, 10, 8, tzinfo=BEIJING)
    moved = read_picture(webp((b"EXIF", exif()), (b"XMP ", b"<x:xmpmeta>"), flags=0b00001100))
    assert (moved.width, moved.height, moved.latitude) == (9, 7, 30.5)
    assert b"xmpmeta" not in moved.data
    assert moved.data[20] & 0b00001100 == 0  # the header no longer promises them
    assert read_picture(moved.data).data == moved.data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"%PDF-1.7",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00",
        jpeg()[:-6],
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8" + b"\xff\xe0\x00\x01" + b"\xff\xd9",
        png()[:40],
        png().replace(b"IDAT", b"IDAX"),
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        png(4, 4, (b"acTL", b"\0\0\0\2\0\0\0\0")),
        webp()[:-4],
        webp((b"ANIM", b"\0" * 6)),
        b"RIFF\x04\0\0\0WEBP",
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    ],
)
def test_anything_else_is_refused_with_a_remedy(data):
    with pytest.raises(ImageRefusedError, match="请重新拍摄"):
        read_picture(data)


def test_limits_of_pixels_and_bytes(monkeypatch):
    assert read_picture(png(9000, 6000)).width == 9000  # 54 million exactly
    for size in ((9001, 6000), (16_385, 10), (0, 10), (60_000, 60_000)):
        with pytest.raises(ImageRefusedError):
            read_picture(png(*size))
    monkeypatch.setattr(images, "MAX_BYTES", len(png()))
    read_picture(png())
    with pytest.raises(ImageRefusedError, match="超过"):
        read_picture(png() + b"x")


@pytest.mark.parametrize("cut", range(8, 160, 7))
def test_a_broken_exif_block_claims_nothing_and_stops_nothing(cut):
    found = read_picture(jpeg((0xE1, b"Exif\0\0" + exif()[:cut])))
    assert found.media_type == "image/jpeg"
    blank = exif(stamp=b"0000:00:00 00:00:00\0")
    assert read_picture(jpeg((0xE1, b"Exif\0\0" + blank))).taken_at is None
