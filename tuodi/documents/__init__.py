"""Documents: printed forms in proper Chinese typography. Plain data in, PDF bytes out; knows no row and no rule.

    pdf = documents.render("suspension_notice", data, printed_by="张三", printed_at="2017-09-08 09:00")

What each form takes is in `schemas`; `TEMPLATES` lists the forms. Data never becomes markup: it goes in as one JSON text.
"""

from __future__ import annotations

from tuodi.documents.errors import DocumentDataError, DocumentError, UnknownDocumentError
from tuodi.documents.qr import qr_svg
from tuodi.documents.rendering import TEMPLATES, render

__all__ = ["TEMPLATES", "DocumentDataError", "DocumentError", "UnknownDocumentError", "qr_svg", "render"]
