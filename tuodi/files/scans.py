"""What a scanned paper is, told by how it begins and never by its name or declared type."""

from __future__ import annotations

__all__ = ["scan_of"]

_HEADS = (
    (b"%PDF-", "pdf", "application/pdf"),
    (b"\xff\xd8\xff", "jpg", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png", "image/png"),
)


def scan_of(data: bytes) -> tuple[str, str] | None:
    """(suffix, media type) of a PDF, JPEG or PNG; None for anything else."""
    return next(((suffix, media) for head, suffix, media in _HEADS if data.startswith(head)), None)
