"""Joining papers to one PDF: pictures become pages, PDFs are taken as they are, and every page gets its number.

A PDF from outside is read for its pages alone: scripts, attachments, forms and links of it are left behind.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import typst
from pypdf import PageObject, PdfReader, PdfWriter, Transformation
from pypdf.errors import PyPdfError
from pypdf.generic import NameObject

from tuodi.documents.errors import DocumentDataError, DocumentError
from tuodi.documents.rendering import FOLDER, TIME_OF_NOTHING, fonts

__all__ = ["Bound", "bind", "page_count", "picture_page"]

_FORMATS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
#: Pages one paper from outside may have; more are no paper of a case.
MOST_PAGES = 400
#: What pages of others may carry and we do not take along.
_LEFT_BEHIND = ("/AA", "/Annots", "/PieceInfo", "/Metadata", "/Trans", "/Dur")


@dataclass(frozen=True)
class Bound:
    """What `bind` wrote: where each paper begins (from 1) and how many pages it has, in order."""

    firsts: tuple[int, ...]
    counts: tuple[int, ...]
    pages: int


def picture_page(data: bytes, media_type: str, folder: Path, caption: str = "") -> bytes:
    """One A4 page with a picture.

    Args:
        folder: A private folder for the time of the call; the typesetter reads pictures from files alone.

    Raises:
        DocumentDataError: The format is none a page takes, or the picture is broken.
    """
    form = _FORMATS.get(media_type)
    if form is None:
        raise DocumentDataError("图片页", [("media_type", f"“{media_type}”不能放进页面，只收 JPEG、PNG、WebP")])
    inputs = {"caption": caption, "format": form}
    main, picture = folder / "picture.typ", folder / "picture"
    main.write_bytes((FOLDER / "picture.typ").read_bytes())
    picture.write_bytes(data)
    try:
        made = typst.Compiler(main, root=folder, font_paths=fonts(), sys_inputs=inputs).compile(
            format="pdf", timestamp=TIME_OF_NOTHING
        )
    except typst.TypstError as error:
        raise DocumentDataError("图片页", [("picture", f"图片不能显示：{str(error)[:80]}")]) from error
    finally:
        main.unlink(missing_ok=True)
        picture.unlink(missing_ok=True)
    if not isinstance(made, bytes):
        raise DocumentError("图片页没有生成内容。请把这条消息报给系统管理员。")
    return made


def page_count(data: bytes) -> int:
    """Pages of a PDF.

    Raises:
        DocumentDataError: No PDF, damaged, locked with a password, without pages, or with too many.
    """
    return len(_reader(data).pages)


def _reader(data: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted:
            raise DocumentDataError("PDF 附件", [("file", "有密码，打不开；请上传没有密码的扫描件")])
        count = len(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise DocumentDataError("PDF 附件", [("file", "内容残缺或者不是 PDF；请重新扫描上传")]) from error
    if not 0 < count <= MOST_PAGES:
        raise DocumentDataError("PDF 附件", [("file", f"有 {count} 页；应为 1 至 {MOST_PAGES} 页")])
    return reader


def bind(papers: Iterable[bytes], out: BinaryIO, *, title: str, total: int) -> Bound:
    """Writes papers one after the other, each page numbered at its upper right corner.

    Args:
        papers: PDFs, taken one at a time.
        out: Where the file goes.
        total: Pages of all papers together, counted before; they are printed on each page.

    Raises:
        DocumentDataError: One is no usable PDF. DocumentError: The pages are not as many as was said.
    """
    writer = PdfWriter()
    numbers = _numbers(total)
    firsts: list[int] = []
    counts: list[int] = []
    done = 0
    for data in papers:
        reader = _reader(data)
        firsts.append(done + 1)
        for page in reader.pages:
            if done >= total:
                raise DocumentError(f"案卷页数与目录不符：目录 {total} 页。请重新生成。")
            for name in _LEFT_BEHIND:
                page.pop(NameObject(name), None)
            added = writer.add_page(page)
            _stamp(added, numbers.pages[done])
            done += 1
        counts.append(done + 1 - firsts[-1])
    if done != total:
        raise DocumentError(f"案卷页数与目录不符：目录 {total} 页，实有 {done} 页。请重新生成。")
    writer.add_metadata({"/Title": title, "/Producer": "Tuodi"})
    writer.compress_identical_objects()
    writer.write(out)
    return Bound(tuple(firsts), tuple(counts), done)


def _numbers(total: int) -> PdfReader:
    inputs = {"total": str(total)}
    path: Path = FOLDER / "page_numbers.typ"
    made = typst.Compiler(path, root=FOLDER, font_paths=fonts(), sys_inputs=inputs).compile(
        format="pdf", timestamp=TIME_OF_NOTHING
    )
    if not isinstance(made, bytes):
        raise DocumentError("页码没有生成。请把这条消息报给系统管理员。")
    return PdfReader(io.BytesIO(made))


def _stamp(page: PageObject, number: PageObject) -> None:
    """Lays the number over the page as it is seen: a scan that lies on its side is turned up first."""
    if page.rotation:
        page.transfer_rotation_to_content()
    box = page.cropbox
    x = float(box.right) - float(number.mediabox.width) - 28
    y = float(box.top) - float(number.mediabox.height) - 10
    page.merge_transformed_page(number, Transformation().translate(x, y), over=True, expand=False)
