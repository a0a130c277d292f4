"""Evidence of a visit: photographs taken in, signatures, and one hash that binds them to the record.

Nothing here opens a door; the actions do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tuodi.files import store
from tuodi.files.images import read_picture
from tuodi.files.strokes import read_strokes
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org.models import User
from tuodi.verification.models import ReviewMeeting, VisitPhoto, VisitRecord, VisitTask
from tuodi.verification.visit_errors import EvidenceError, VisitInputError

__all__ = [
    "MAX_PHOTOS",
    "PhotoInput",
    "check_evidence",
    "digest_of",
    "keep_photo",
    "open_photo",
    "point",
    "sign",
    "skew",
]

MAX_PHOTOS = 40


@dataclass(frozen=True, slots=True)
class PhotoInput:
    """One photograph as it was sent.

    Attributes:
        data: The bytes. caption: 门口, 厨房 …
        claimed_sha256: What the device says the bytes hash to; empty = it said nothing.
        taken_at: Time the device noted when it was taken; None = only the file itself may say.
        latitude, longitude, accuracy_m: Place the device noted.
        device_at: Clock of the device when it sent the picture.
    """

    data: bytes
    caption: str = ""
    claimed_sha256: str = ""
    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: int | None = None
    device_at: datetime | None = None


def point(value: Any, most: int) -> Decimal | None:
    """Degrees with six decimals; None for nothing or for a number that is no place on earth."""
    if value in (None, ""):
        return None
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        return None
    return found.quantize(Decimal("0.000001")) if found.is_finite() and abs(found) <= most else None


def skew(device_at: datetime | None) -> int | None:
    """How many seconds a device's clock is ahead of the server's; None = it did not say."""
    if device_at is None:
        return None
    seconds = int((device_at - clock.now()).total_seconds())
    return max(-2_000_000_000, min(2_000_000_000, seconds))


def keep_photo(
    photo: PhotoInput, *, by: User, task: VisitTask | None = None, meeting: ReviewMeeting | None = None
) -> VisitPhoto:
    """Stores one photograph without its metadata. The same bytes again give the row there is.

    Raises:
        ImageRefusedError: No photograph. EvidenceError: The bytes are not those the device hashed.
    """
    owner = task or meeting
    assert owner is not None
    source = hashlib.sha256(photo.data).hexdigest()
    if photo.claimed_sha256 and photo.claimed_sha256.lower() != source:
        raise EvidenceError(f"照片“{photo.caption or '未命名'}”", "的内容与拍摄时登记的校验值不符")
    mine = VisitPhoto.objects.filter(task=task, meeting=meeting)
    known = mine.filter(source_sha256=source).first()
    if known is not None:
        return known
    if mine.count() >= MAX_PHOTOS:
        raise VisitInputError([("photos", f"照片已有 {MAX_PHOTOS} 张，不能再加")])
    picture = read_picture(photo.data)
    stored = store.put_bytes(
        picture.data,
        region=owner.region,
        name=f"{source[:16]}.{picture.suffix}",
        purpose="visit_photo",
        media_type=picture.media_type,
        by_id=by.pk,
    )
    device = photo.taken_at is not None
    place = (photo.latitude, photo.longitude) if photo.latitude is not None else (picture.latitude, picture.longitude)
    return VisitPhoto.objects.create(
        region=owner.region,
        task=task,
        meeting=meeting,
        file=stored,
        sha256=stored.sha256,
        source_sha256=source,
        caption=photo.caption.replace("\x00", "").strip()[:40],
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        taken_at=photo.taken_at or picture.taken_at,
        claim="device" if device else "exif" if picture.taken_at else "",
        latitude=point(place[0], 90),
        longitude=point(place[1], 180),
        accuracy_m=photo.accuracy_m,
        received_at=clock.now(),
        skew_seconds=skew(photo.device_at),
        by=by,
    )


def open_photo(photo: VisitPhoto) -> bytes:
    """The picture, checked against the hash its row carries.

    Raises:
        EvidenceError: Lost, damaged or exchanged.
    """
    try:
        data = store.open_plain(photo.file).read()
    except TuodiError as error:
        raise EvidenceError(f"照片 {photo.pk} ", "打不开或已损坏") from error
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        raise EvidenceError(f"照片 {photo.pk} ", "与登记的校验值不符")
    return data


def sign(raw: Mapping[str, Any], photos: Mapping[str, VisitPhoto]) -> dict[str, Any]:
    """One signature in its stored form: drawn, on paper (its photograph named), or refused with a reason.

    Args:
        raw: role (`investigator`, `respondent`, `witness`), name, user, and one of strokes, paper, refused.
        photos: Photographs of the task by source hash.

    Raises:
        ValueError: With the words that follow the signer's name.
    """
    role, name = str(raw.get("role") or ""), str(raw.get("name") or "").replace("\x00", "").strip()[:40]
    if role not in ("investigator", "respondent", "witness"):
        raise ValueError("身份不对")
    row: dict[str, Any] = {"role": role, "name": name, "user": raw.get("user"), "at": str(raw.get("at") or "")[:40]}
    reason = str(raw.get("refused") or "").replace("\x00", "").strip()[:200]
    if reason:
        if role == "investigator":
            raise ValueError("调查人员不能拒签")
        return {**row, "kind": "refused", "reason": reason, "sha256": hashlib.sha256(reason.encode()).hexdigest()}
    paper = str(raw.get("paper") or "")
    if paper:
        photo = photos.get(paper)
        if photo is None:
            raise ValueError("的纸质签名照片没有上传")
        return {**row, "kind": "paper", "sha256": photo.sha256}
    strokes = read_strokes(raw.get("strokes"))
    text = json.dumps(strokes, separators=(",", ":"))
    return {**row, "kind": "drawn", "strokes": strokes, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def digest_of(body: Mapping[str, Any]) -> str:
    """SHA-256 over canonical JSON."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def bound(record: VisitRecord) -> dict[str, Any]:
    """What the evidence hash of a record covers."""
    return {
        "task": record.task_id,
        "version": record.version,
        "form": record.form_hash,
        "started_at": record.started_at.timestamp() if record.started_at else None,
        "ended_at": record.ended_at.timestamp() if record.ended_at else None,
        "place": [str(record.latitude), str(record.longitude), record.accuracy_m],
        "investigators": record.investigators,
        "at_home": record.at_home,
        "answers": record.answers,
        "basis": record.basis,
        "neighbours": record.neighbours,
        "conclusion": record.conclusion,
        "opinion": record.opinion,
        "refused_reason": record.refused_reason,
        "signatures": record.signatures,
        "photos": list(record.photo_hashes),
        "correction": record.correction_reason,
    }


def check_evidence(record: VisitRecord) -> None:
    """Whether a record, its photographs and its signatures still are what was submitted.

    Raises:
        EvidenceError: Naming what was exchanged.
    """
    if digest_of(bound(record)) != record.evidence_hash:
        raise EvidenceError(f"入户记录 {record.no} ", "与提交时的校验值不符")
    photos: Iterable[VisitPhoto] = VisitPhoto.objects.filter(
        task=record.task_id, sha256__in=record.photo_hashes
    ).select_related("file")
    by_hash = {photo.sha256: photo for photo in photos}
    for sha in record.photo_hashes:
        if sha not in by_hash or by_hash[sha].file.sha256 != sha:
            raise EvidenceError(f"入户记录 {record.no} ", "有照片缺失或被替换")
        open_photo(by_hash[sha])
