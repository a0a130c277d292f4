"""From a posted form to what the action takes. The same fields come from a plain form and from a device that was offline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, QueryDict

from tuodi.kernel.clock import BEIJING
from tuodi.org.models import User
from tuodi.verification.models import VisitTask
from tuodi.verification.visit_actions import VisitForm
from tuodi.verification.visit_evidence import PhotoInput
from tuodi.verification.visit_forms import Form

__all__ = ["answers_of", "form_of", "moment", "photos_of", "signatures_of"]

MAX_FILES = 20


def text(data: QueryDict, name: str, longest: int = 2000) -> str:
    """A posted text: trimmed, without NUL, cut."""
    return str(data.get(name, "")).replace("\x00", "").strip()[:longest]


def moment(raw: str) -> datetime | None:
    """A moment from a date-time field or a device (ISO 8601); without an offset it is Beijing time. None if it is none."""
    try:
        found = datetime.fromisoformat(raw.strip())
    except ValueError:
        return None
    return found.replace(tzinfo=BEIJING) if found.tzinfo is None else found


def whole(raw: str) -> int | None:
    """A whole number of at most six digits, or None; devices write decimals."""
    plain = raw.strip().partition(".")[0]
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 6 else None


def answers_of(form: Form, data: QueryDict) -> dict[str, Any]:
    """Item -> what was posted for it, unchecked."""
    found: dict[str, Any] = {}
    for item in form.items():
        key = f"a-{item.id}"
        if item.kind == "choices":
            found[item.id] = data.getlist(key)
        elif item.kind == "compare":
            found[item.id] = {"fit": data.get(f"{key}-fit", ""), "seen": data.get(f"{key}-seen", ""),
                              "note": data.get(f"{key}-note", "")}  # fmt: skip
            if found[item.id]["fit"] == "agree":
                found[item.id]["seen"] = ""
            if not any(found[item.id].values()):
                found[item.id] = None
        else:
            found[item.id] = data.get(key, "")
    return found


def form_of(task: VisitTask, text_form: Form, data: QueryDict, user: User) -> VisitForm:
    """The whole form as the action takes it."""
    try:
        client = UUID(text(data, "client_id", 40))
    except ValueError:
        client = None
    base = text(data, "base_version", 6)
    return VisitForm(
        answers=answers_of(text_form, data),
        conclusion=text(data, "conclusion", 10),
        investigators=people_of(data, user),
        opinion=text(data, "opinion"),
        base_version=int(base) if base.isascii() and base.isdigit() else 0,
        client_id=client,
        correction_reason=text(data, "correction_reason", 300),
        refused_reason=text(data, "refused_reason", 300),
        at_home=text(data, "at_home", 100),
        started_at=moment(text(data, "started_at", 40)),
        ended_at=moment(text(data, "ended_at", 40)),
        device_at=moment(text(data, "device_at", 40)),
        latitude=text(data, "latitude", 20),
        longitude=text(data, "longitude", 20),
        accuracy_m=whole(text(data, "accuracy", 20)),
        neighbours=[
            {part: text(data, f"n-{place}-{part}", 300) for part in ("name", "relation", "said")} for place in range(3)
        ],
        basis_hash=text(data, "basis_hash", 64),
    )


def people_of(data: QueryDict, user: User) -> list[User]:
    """The investigators ticked, and those named by account."""
    ids = [int(raw) for raw in data.getlist("who") if raw.isascii() and raw.isdigit() and len(raw) < 19]
    names = text(data, "who_more", 200).replace("，", ",").replace("、", ",").split(",")
    wanted = [name.strip().lower() for name in names if name.strip()]
    found = [
        *User.objects.filter(pk__in=ids, is_active=True),
        *User.objects.filter(username__in=wanted, is_active=True),
    ]
    return list({one.pk: one for one in (user, *found)}.values())


def photos_of(request: HttpRequest) -> list[PhotoInput | str]:
    """Files of a plain form, then source hashes of pictures a device has sent before."""
    given: list[PhotoInput | str] = []
    for file in request.FILES.getlist("photos")[:MAX_FILES]:
        given.append(PhotoInput(file.read(), caption=text(request.POST, "photo_caption", 40)))
    paper = request.FILES.get("paper")
    if paper is not None:
        given.append(PhotoInput(paper.read(), caption="纸质签名"))
    hashes = text(request.POST, "photo_hashes", 70 * 50).split()
    return [*given, *hashes]


def photo_of(request: HttpRequest) -> PhotoInput:
    """One picture sent by a device, with what the device says about it."""
    data, file = request.POST, request.FILES.get("file")
    return PhotoInput(
        data=file.read() if file is not None else b"",
        caption=text(data, "caption", 40),
        claimed_sha256=text(data, "sha256", 64),
        taken_at=moment(text(data, "taken_at", 40)),
        latitude=_degrees(text(data, "latitude", 20)),
        longitude=_degrees(text(data, "longitude", 20)),
        accuracy_m=whole(text(data, "accuracy", 20)),
        device_at=moment(text(data, "device_at", 40)),
    )


def _degrees(raw: str) -> float | None:
    try:
        found = float(raw)
    except ValueError:
        return None
    return found if -180 <= found <= 180 else None


def signatures_of(data: QueryDict, people: list[User], family: str, paper: str = "") -> list[Mapping[str, Any]]:
    """Signatures of the investigators and the family; one photographed sheet may carry all of them.

    Args:
        paper: Source hash of the photographed sheet; empty = there is none.
    """
    rows: list[Mapping[str, Any]] = []
    for one in people:
        strokes = _strokes(data.get(f"sig-{one.pk}", ""))
        if strokes is not None:
            rows.append({"role": "investigator", "user": one.pk, "name": one.name, "strokes": strokes})
        elif paper:
            rows.append({"role": "investigator", "user": one.pk, "name": one.name, "paper": paper})
    base = {"role": "respondent", "name": text(data, "sig-family-name", 40) or family}
    refused, strokes = text(data, "sig-family-refused", 200), _strokes(data.get("sig-family", ""))
    if refused:
        rows.append({**base, "refused": refused})
    elif strokes is not None:
        rows.append({**base, "strokes": strokes})
    elif paper:
        rows.append({**base, "paper": paper})
    return rows


def _strokes(raw: Any) -> Any:
    """What a signing field holds; None for an empty one."""
    if not raw or len(str(raw)) > 200_000:
        return None
    try:
        found = json.loads(str(raw))
    except ValueError:
        return []
    return found or None
