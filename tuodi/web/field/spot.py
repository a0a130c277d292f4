"""What is taken on the spot, on a phone or without scripts: a place, a photograph, signatures drawn on the screen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse

from tuodi.files.models import StoredFile
from tuodi.files.store import open_plain
from tuodi.org.models import User
from tuodi.verification.visit_evidence import point
from tuodi.web.field import reading

__all__ = ["photo", "picture", "place", "signatures", "signers"]


def place(request: HttpRequest) -> dict[str, Decimal | None]:
    """Latitude and longitude as the device claims them; nothing where it says nothing readable."""
    return {
        "latitude": point(request.POST.get("latitude") or None, 90),
        "longitude": point(request.POST.get("longitude") or None, 180),
    }


def photo(request: HttpRequest, name: str = "photo") -> bytes | None:
    """The bytes of one uploaded picture; None where none was sent. What it is is for the action to tell."""
    file = request.FILES.get(name)
    return file.read() if file is not None else None


def signers(user: User, family: str, have: set[str]) -> list[dict[str, str]]:
    """The pads that are still to be signed: the officer's and the family's."""
    rows = [
        {"key": f"sig-{user.pk}", "label": f"{user.name}（经办人）", "role": "investigator"},
        {"key": "sig-family", "label": f"{family}（求助家庭）", "role": "respondent"},
    ]
    return [row for row in rows if row["role"] not in have]


def signatures(request: HttpRequest, user: User, family: str) -> list[Any]:
    """Signatures drawn, and a refusal with its reason, as `visit_evidence.sign` takes them."""
    return reading.signatures_of(request.POST, [user], family)


def picture(stored: StoredFile) -> HttpResponse:
    """A photograph, only as the picture it is: never sniffed, never run, never kept by the browser."""
    response = HttpResponse(open_plain(stored).read(), content_type=stored.media_type)
    response["Content-Disposition"] = 'inline; filename="photo"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response
