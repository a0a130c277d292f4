"""Pages go out compressed where the browser takes it; files (PDF, spreadsheets, pictures) are compressed already."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_TEXT = ("text/", "application/json", "application/javascript", "image/svg+xml")


class TextGZipMiddleware(GZipMiddleware):
    """Django's own (it pads the length of what it compresses, so that secrets cannot be told by it), for text alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress a text of more than 200 bytes for who accepts gzip."""
        if not str(response.headers.get("Content-Type", "")).startswith(_TEXT):
            return response
        return super().process_response(request, response)
