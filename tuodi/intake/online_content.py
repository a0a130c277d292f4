"""What lies in the ciphertext of an online application, and the photographs beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tuodi.crypto.fields import decrypt, encrypt
from tuodi.files import store
from tuodi.files.images import read_picture
from tuodi.files.strokes import read_strokes
from tuodi.intake.models.online import OnlineApplication, OnlinePaper
from tuodi.intake.online_errors import OnlineInputError
from tuodi.kernel import clock
from tuodi.kernel.ages import OF_AGE, age
from tuodi.kernel.identity import parse_id

__all__ = [
    "MAX_MEMBERS",
    "MAX_PAPERS",
    "Content",
    "Signer",
    "adults",
    "keep_paper",
    "open_content",
    "seal",
    "signature",
]

AAD = "intake.online"
MAX_MEMBERS = 15
MAX_PAPERS = 20


@dataclass(slots=True)
class Content:
    """Everything that was entered.

    Attributes:
        answers: Question -> answer, those asked once for the family.
        members: One a member, the head (or applicant) first: `person` (number in the register, null = not from it),
            `name`, `id`, `relation`, `state`.
        signed: Who signs -> his signature: `applicant`, `mandate`, `consent.<place of member>`.
        done: Pages answered, by id (`state.0` for a member's).
    """

    answers: dict[str, Any] = field(default_factory=dict)
    members: list[dict[str, Any]] = field(default_factory=list)
    signed: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Canonical: equal contents have equal hashes."""
        body = {"answers": self.answers, "members": self.members, "signed": self.signed, "done": self.done}
        return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def hash(self) -> str:
        """SHA-256 of what was answered and signed."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def seal(online: OnlineApplication, content: Content) -> None:
    """Puts the content into the row (not saved)."""
    online.content = encrypt(content.to_json(), f"{AAD}|{online.uid}")


def open_content(online: OnlineApplication) -> Content:
    """The content of a row the caller may read."""
    return Content(**json.loads(decrypt(online.content, f"{AAD}|{online.uid}")))


@dataclass(frozen=True, slots=True)
class Signer:
    """One who has to sign.

    Attributes:
        key: As in `Content.signed`. label: What he signs. name: Who; with a guardian, the guardian's own.
        place: Of the member; None = not one.
    """

    key: str
    label: str
    name: str
    place: int | None = None


def birth_of(member: Mapping[str, Any]) -> date | None:
    """Birth by the number; null = no number that says it."""
    return parse_id(member["id"]).birth if member.get("id") else None


def adults(content: Content, on: date) -> list[int]:
    """Places of the members who are of age on a day; who has no number counts as of age."""
    found = []
    for place, member in enumerate(content.members):
        birth = birth_of(member)
        if birth is None or age(birth, on) >= OF_AGE:
            found.append(place)
    return found


def signature(raw: Mapping[str, Any], name: str, papers: Mapping[str, OnlinePaper]) -> dict[str, Any]:
    """One signature in its stored form: drawn, or on a sheet that was photographed.

    Args:
        raw: `strokes`, or `paper`: source hash of the photograph.

    Raises:
        ValueError: With the words that follow the signer's name.
    """
    row = {"name": name, "at": clock.now().isoformat(timespec="seconds")}
    if raw.get("paper"):
        paper = papers.get(str(raw["paper"]))
        if paper is None:
            raise ValueError("签名的照片没有上传")
        return {**row, "kind": "paper", "sha256": paper.sha256}
    strokes = read_strokes(raw.get("strokes"))
    text = json.dumps(strokes, separators=(",", ":"))
    return {**row, "kind": "drawn", "strokes": strokes, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def keep_paper(online: OnlineApplication, data: bytes, kind: str, *, by_id: int | None = None) -> OnlinePaper:
    """Stores one photograph without its metadata. The same bytes again give the row there is.

    Raises:
        ImageRefusedError: No photograph. OnlineInputError: Too many.
    """
    source = hashlib.sha256(data).hexdigest()
    known = OnlinePaper.objects.filter(online=online, source_sha256=source, kind=kind).first()
    if known is not None:
        return known
    if OnlinePaper.objects.filter(online=online).count() >= MAX_PAPERS:
        raise OnlineInputError([("papers", f"照片已有 {MAX_PAPERS} 张，不能再加")])
    picture = read_picture(data)
    stored = store.put_bytes(
        picture.data,
        region=online.region,
        name=f"{source[:16]}.{picture.suffix}",
        # Of this application alone, so that a draft's photographs can be destroyed with it.
        purpose=f"online_{online.uid.hex[:24]}",
        media_type=picture.media_type,
        by_id=by_id,
    )
    return OnlinePaper.objects.create(
        online=online,
        region=online.region,
        kind=kind[:20],
        file=stored,
        sha256=stored.sha256,
        source_sha256=source,
        media_type=picture.media_type,
        received_at=clock.now(),
    )


def drop_papers(papers: Sequence[OnlinePaper]) -> None:
    """Destroys photographs with their files."""
    for paper in papers:
        stored = paper.file
        paper.delete()
        if not OnlinePaper.objects.filter(file=stored).exists():
            store.remove(stored)
