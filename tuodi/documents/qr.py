"""QR codes as SVG, for forms and pages. ISO/IEC 18004, level M; no clock, no network."""

from __future__ import annotations

import io

import segno

__all__ = ["qr_svg"]


def qr_svg(text: str) -> str:
    """The code of a text, black on white with its quiet zone, as an SVG with a viewBox and no size of its own."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=2, dark="#000", light="#fff", xmldecl=False, svgns=True, omitsize=True
    )
    return out.getvalue().decode()
