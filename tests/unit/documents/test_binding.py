"""Joining papers: pages are counted and numbered, pictures become pages, what a foreign PDF carries besides pages is left behind."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from tuodi import documents
from tuodi.documents.binding import bind, page_count, picture_page
from tuodi.documents.errors import DocumentDataError, DocumentError

LIST = {"columns": [{"label": "户主"}], "rows": [[f"第{n}户"] for n in range(60)]}


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes((200, 30, 30)) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def foreign(*, locked: bool = False, lying: bool = False) -> bytes:
    """A PDF from outside with a script, a link and an attachment."""
    writer = PdfWriter()
    page = writer.add_blank_page(595, 842)
    if lying:
        page.rotate(90)
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): TextStringObject("app.alert(1)")})
    script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(2)")}
    writer._root_object[NameObject("/OpenAction")] = DictionaryObject(script)
    writer.add_attachment("a.txt", b"secret")
    if locked:
        writer.encrypt("geheim")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_papers_are_joined_in_order_and_every_page_is_numbered(tmp_path: Path) -> None:
    first, second = documents.render("roster", LIST), picture_page(png(), "image/png", tmp_path, "入户照片 1")
    pages = page_count(first)
    assert pages > 1
    out = io.BytesIO()
    bound = bind([first, second], out, title="案卷", total=pages + 1)
    assert (bound.firsts, bound.counts, bound.pages) == ((1, pages + 1), (pages, 1), pages + 1)
    words = [page.extract_text() for page in PdfReader(io.BytesIO(out.getvalue())).pages]
    for number, text in enumerate(words, 1):
        assert f"案卷第 {number} 页，共 {pages + 1} 页" in text
    assert "第59户" in words[pages - 1]
    assert "入户照片 1" in words[-1]
    assert list(tmp_path.iterdir()) == []  # nothing plain is left


def test_scripts_links_and_attachments_of_a_foreign_pdf_stay_behind() -> None:
    out = io.BytesIO()
    bind([foreign(), foreign(lying=True)], out, title="案卷", total=2)
    for name in (b"/JavaScript", b"/AA", b"/EmbeddedFile"):
        assert name in foreign()
        assert name not in out.getvalue()
    made = PdfReader(io.BytesIO(out.getvalue()))
    assert "/OpenAction" not in made.trailer["/Root"]
    assert [page.rotation for page in made.pages] == [0, 0]
    assert "案卷第 2 页，共 2 页" in made.pages[1].extract_text()


@pytest.mark.parametrize(
    ("data", "words"), [(b"%PDF-1.7 rubbish", "残缺"), (b"", "残缺"), (foreign(locked=True), "密码")]
)
def test_what_is_no_usable_pdf_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(DocumentDataError, match=words):
        page_count(data)


def test_a_broken_picture_or_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentDataError, match="JPEG"):
        picture_page(b"GIF89a", "image/gif", tmp_path)
    with pytest.raises(DocumentDataError, match="不能显示"):
        picture_page(png()[:40], "image/png", tmp_path)


@pytest.mark.parametrize("total", [1, 3])
def test_a_count_that_does_not_hold_makes_no_file(total: int) -> None:
    with pytest.raises(DocumentError, match="页数与目录不符"):
        bind([foreign(), foreign()], io.BytesIO(), title="案卷", total=total)
