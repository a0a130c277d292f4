"""Verbs on consents and supporters: record, end."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.files.scans import scan_of
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.ages import OF_AGE, age
from tuodi.kernel.identity import normalise, parse_id
from tuodi.kernel.masking import mask_name
from tuodi.kernel.names import normalise_name
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import secrets
from tuodi.people.models import Household, Person
from tuodi.verification.check_errors import ConsentInputError
from tuodi.verification.consent_queries import outdated
from tuodi.verification.models import Consent, Supporter

__all__ = [
    "add_supporter",
    "check_dates",
    "end_consent",
    "end_outdated",
    "end_supporter",
    "record_consent",
]

DUTIES = (DutyCode.VERIFY, DutyCode.ACCEPT)
MAX_DOCUMENT = 20 << 20


@transaction.atomic
def add_supporter(
    *,
    acting_user: User | None,
    household: Household,
    person: Person,
    relation: str,
    name: str,
    id_text: str = "",
    since: date | None = None,
) -> Supporter:
    """Lists somebody outside the family who by law supports a member.

    Raises:
        InvalidIdError: The number cannot be read. ConsentInputError: not a member, or listed already.
        NotFoundError, AccessDeniedError.
    """
    _door(acting_user, household.region)
    day = since or clock.today()
    if not _present(household, person, clock.today()):
        raise ConsentInputError("被赡养（抚养、扶养）人", "不是该家庭的成员。请选择家庭现有成员。")
    if not normalise_name(name):
        raise ConsentInputError("姓名", "没有填写。请填写义务人姓名。")
    uid = uuid.uuid4()
    columns: dict[str, Any] = {}
    if id_text.strip():
        number = parse_id(normalise(id_text).text)
        sealed = secrets.seal("id", number.text18, uid)
        columns = {
            "id_cipher": sealed.cipher, "id_index": sealed.index, "id_masked": sealed.masked, "id_check_ok": number.check_ok,
        }  # fmt: skip
        if Supporter.objects.filter(household=household, person=person, id_index=sealed.index, until=None).exists():
            raise ConsentInputError("证件号码", f"{sealed.masked} 已登记为这名成员的义务人，不必重复登记。")
    row = Supporter.objects.create(
        uid=uid,
        region=household.region,
        household=household,
        person=person,
        relation=relation.strip()[:16],
        name=normalise_name(name),
        since=day,
        **columns,
    )
    _audit("add_supporter", acting_user, row, relation=row.relation, name=mask_name(row.name), id=row.id_masked)
    return row


@transaction.atomic
def end_supporter(supporter: Supporter, *, acting_user: User | None, on: date, reason: str) -> Supporter:
    """Takes a supporter off the list from a day; the consents given by him end with it."""
    _door(acting_user, supporter.region)
    row = Supporter.objects.select_for_update().get(pk=supporter.pk)
    row.until = max(on, row.since)
    row.save(update_fields=["until"])
    for consent in Consent.objects.select_for_update().filter(supporter=row, ended_on=None):
        _end(consent, max(on, consent.signed_on), "不再是法定义务人")
    _audit("end_supporter", acting_user, row, until=row.until, reason=reason[:60])
    return row


@transaction.atomic
def record_consent(
    *,
    acting_user: User | None,
    household: Household,
    person: Person | None = None,
    supporter: Supporter | None = None,
    basis: str = Consent.Basis.SIGNED,
    signed_on: date | None = None,
    valid_to: date | None = None,
    covers_bank: bool = True,
    guardian_name: str = "",
    paper_ref: str = "",
    document: bytes = b"",
    document_name: str = "",
) -> Consent:
    """Records one person's consent; the one there was before ends the day this is signed.

    Args:
        person, supporter: exactly one: a present member, or a listed supporter.
        basis: Signed needs the scanned paper or its file number; statutory names the provision in `paper_ref`.
        signed_on: Default today.
        guardian_name: Required for a minor.

    Raises:
        ConsentInputError, NotFoundError, AccessDeniedError.
    """
    _door(acting_user, household.region)
    today = clock.today()
    day = signed_on or today
    check_dates(day, valid_to, today)
    if (person is None) == (supporter is None):
        raise ConsentInputError("授权人", "须选择一名家庭成员或一名法定义务人。")
    if person is not None and not _present(household, person, today):
        raise ConsentInputError("授权人", "不是该家庭的现有成员。请先在家庭档案中登记。")
    if supporter is not None and (supporter.household_id != household.pk or supporter.until is not None):
        raise ConsentInputError("授权人", "不是该家庭登记的法定义务人。请先登记。")
    guardian = normalise_name(guardian_name)
    if person is not None and person.birth and age(person.birth, day) < OF_AGE and not guardian:
        raise ConsentInputError("监护人", f"没有填写。{person.name}未满 {OF_AGE} 周岁，授权书须由监护人代签。")
    ref = paper_ref.strip()[:80]
    if basis == Consent.Basis.STATUTORY and not ref:
        raise ConsentInputError("依据条款", "没有填写。依法核对无须授权的，请写明法律、法规条款。")
    if basis != Consent.Basis.STATUTORY and not (document or ref):
        raise ConsentInputError("授权书", "没有上传，也没有填写纸质档号。请上传扫描件或填写档号。")
    stored = None
    if document:
        stored = put_bytes(
            document,
            region=household.region,
            name=document_name or "授权书",
            purpose="consent",
            media_type=_media_type(document),
            by_id=acting_user.pk if acting_user else None,
        )
    for old in Consent.objects.select_for_update().filter(
        household=household, person=person, supporter=supporter, ended_on=None
    ):
        _end(old, max(day, old.signed_on), "重新签署")
    row = Consent.objects.create(
        region=household.region,
        household=household,
        role=Consent.Role.MEMBER if person else Consent.Role.SUPPORTER,
        person=person,
        supporter=supporter,
        basis=basis,
        signed_on=day,
        valid_to=valid_to,
        covers_bank=covers_bank,
        guardian_name=guardian[:60],
        document=stored,
        paper_ref=ref,
        recorded_at=clock.now(),
        recorded_by=acting_user,
    )
    _audit(
        "record_consent", acting_user, row, basis=basis, signed_on=day, valid_to=valid_to, covers_bank=covers_bank,
        document=stored.sha256 if stored else "",
    )  # fmt: skip
    return row


@transaction.atomic
def end_consent(consent: Consent, *, acting_user: User | None, reason: str, on: date | None = None) -> Consent:
    """Ends a consent: withdrawn, or the check failed. From that day the person is not asked about.

    Raises:
        ConsentInputError: No reason, or ended already.
    """
    _door(acting_user, consent.region)
    row = Consent.objects.select_for_update(of=("self",)).get(pk=consent.pk)
    if row.ended_on is not None:
        raise ConsentInputError("授权", f"已于 {row.ended_on:%Y-%m-%d} 终止，不必再次终止。")
    if not reason.strip():
        raise ConsentInputError("终止原因", "没有填写。请写明原因，例如“本人撤回”。")
    _end(row, max(on or clock.today(), row.signed_on), reason.strip()[:60])
    _audit("end_consent", acting_user, row, reason=row.end_reason)
    return row


@transaction.atomic
def end_outdated(*, household: Household | None = None) -> int:
    """Ends the consents that no longer cover their family, of one or of all in scope; safe to run again.

    Returns: how many ended.
    """
    today = clock.today()
    found = outdated(today, household)
    ends: dict[str, list[int]] = {}
    places: dict[str, int] = {}
    for row, reason in found:
        ends.setdefault(reason, []).append(row.pk)
        places[row.region[:6]] = places.get(row.region[:6], 0) + 1
    for reason, numbers in ends.items():
        for start in range(0, len(numbers), 5000):
            rows = Consent.objects.filter(pk__in=numbers[start : start + 5000], ended_on__isnull=True)
            rows.update(ended_on=today, end_reason=reason)
    for place, count in sorted(places.items()):
        record(
            "verification.end_outdated", actor=None, subject_type="consent", subject_id="", region=pad12(place),
            after={"ended": count},
        )  # fmt: skip
    return len(found)


def check_dates(signed_on: date, valid_to: date | None, today: date) -> None:
    """Raises ConsentInputError for a signature in the future or an end before it."""
    if signed_on > today:
        raise ConsentInputError("授权日期", f"{signed_on:%Y-%m-%d} 在将来。请填写实际签署的日期。")
    if valid_to is not None and valid_to < signed_on:
        raise ConsentInputError("有效期至", f"{valid_to:%Y-%m-%d} 早于授权日期。请改正。")


def _media_type(document: bytes) -> str:
    if len(document) > MAX_DOCUMENT:
        raise ConsentInputError("授权书", f"超过 {MAX_DOCUMENT >> 20} MB。请降低扫描分辨率后重新上传。")
    found = scan_of(document)
    if found is None:
        raise ConsentInputError("授权书", "不是 PDF、JPG 或 PNG。请上传扫描件或照片。")
    return found[1]


def _present(household: Household, person: Person, on: date) -> bool:
    return (
        household.memberships.filter(person=person, since__lte=on)
        .filter(Q(until__isnull=True) | Q(until__gt=on))
        .exists()
    )


def _door(acting_user: User | None, region: str) -> None:
    if acting_user is not None:
        access.require_any(acting_user, DUTIES, region)


def _end(consent: Consent, on: date, reason: str) -> None:
    consent.ended_on, consent.end_reason = on, reason
    consent.save(update_fields=["ended_on", "end_reason"])


def _audit(action: str, actor: User | None, row: Consent | Supporter, **after: Any) -> None:
    record(
        f"verification.{action}",
        actor=actor,
        subject_type=type(row).__name__.lower(),
        subject_id=row.pk,
        region=row.region,
        after={"household": row.household_id, **after},
    )
