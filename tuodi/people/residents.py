"""Residents: who is one, how he signs in, which family is his.

Sign-in by number, name and a code goes to the phone on file. Whether such a person exists, and whether a phone is on
file, is seen from neither the answer nor the time it takes: both ways do the same work, and what was written for nobody
is taken back.
"""

from __future__ import annotations

import secrets as random
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, Sum

from tuodi.audit.actions import record
from tuodi.crypto.fields import decrypt
from tuodi.crypto.index import blind_index
from tuodi.kernel import clock
from tuodi.kernel.identity import parse_id
from tuodi.kernel.masking import mask_name
from tuodi.kernel.places import NATION, pad12
from tuodi.messages.outbox import send
from tuodi.org import access
from tuodi.org.access import Subject
from tuodi.org.models import DutyCode, User
from tuodi.people import secrets
from tuodi.people.errors import PhoneError, TooManyTriesError
from tuodi.people.models import Membership, Person, ResidentAccount, SignInTry

__all__ = [
    "CODE_MINUTES",
    "TRIES",
    "ResidentActor",
    "account_of",
    "actor_of",
    "check_code",
    "phone_on_file",
    "provider_sign_in",
    "purge_tries",
    "register_phone",
    "request_code",
    "selves",
    "subject_of",
]

CODE_MINUTES = 5
#: Codes asked for in an hour for one number, and wrong codes typed in an hour for it.
TRIES = 5
HOUR = timedelta(hours=1)
KEPT = timedelta(days=1)
NOBODY = pad12(NATION)
#: Sealed where no phone is on file, so that both ways cost the same.
_DECOY = "13000000000"


@dataclass(frozen=True)
class ResidentActor:
    """A resident as the audit log names him: no number of staff, and never his full name."""

    name: str
    pk: None = None


def actor_of(account: ResidentAccount) -> ResidentActor:
    """Who acts when a resident does something himself."""
    return ResidentActor(f"居民 {mask_name(account.person.name)}")


def _phone(text: str) -> str:
    digits = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) != 11 or digits[0] != "1" or digits[1] not in "3456789":
        raise PhoneError()
    return digits


@transaction.atomic
def register_phone(*, acting_user: User | None, person: Person, phone: str) -> ResidentAccount:
    """Puts the phone a person signs in with on file, at the counter, after his card was seen.

    Raises: PhoneError; NotFoundError, AccessDeniedError (duty 受理).
    """
    if acting_user is not None:
        access.require(acting_user, DutyCode.ACCEPT, person.region)
    digits = _phone(phone)
    account = _open(person)
    before = account.phone_masked or person.phone_masked
    sealed = secrets.seal("resident", digits, account.uid)
    account.phone_cipher, account.phone_index, account.phone_masked = sealed.cipher, sealed.index, sealed.masked
    account.save(update_fields=["phone_cipher", "phone_index", "phone_masked"])
    record(
        "people.register_phone",
        actor=acting_user,
        subject_type="person",
        subject_id=person.pk,
        region=person.region,
        before={"phone": before} if before else None,
        after={"phone": sealed.masked},
    )
    office = acting_user.office.name if acting_user else "民政部门"
    send("phone_registered", digits, {"office": office, "hotline": settings.HOTLINE}, region=person.region)
    return account


def _open(person: Person) -> ResidentAccount:
    account, _ = ResidentAccount.objects.get_or_create(
        person=person, defaults={"region": person.region, "opened_at": clock.now()}
    )
    return account


def phone_on_file(person: Person, account: ResidentAccount | None) -> str:
    """Where a code goes: the phone registered for it, else the one in the person's record; "" = none."""
    if account is not None and account.phone_cipher:
        return decrypt(account.phone_cipher, f"people.resident|{account.uid}")
    return secrets.open_phone(person)


def _find(number: str, name: str) -> tuple[Person | None, ResidentAccount | None]:
    """The person of a number and name, whoever has a family before who has none, the newest first."""
    typed = "".join(name.split())
    found = list(Person.objects.filter(id_index__in=secrets.id_indexes(number), died_on__isnull=True).order_by("-pk"))
    accounts = {
        account.person_id: account
        for account in ResidentAccount.objects.filter(person__in=[person.pk for person in found] or [0])
    }
    housed = set(
        Membership.objects.filter(person__in=[person.pk for person in found] or [0], until__isnull=True).values_list(
            "person_id", flat=True
        )
    )
    named = [person for person in found if "".join(person.name.split()) == typed]
    named.sort(key=lambda person: person.pk not in housed)
    person = named[0] if named else None
    return person, accounts.get(person.pk) if person else None


def _hash(code: str, ticket: uuid.UUID) -> bytes:
    return blind_index(f"{ticket}|{code}", "code")


@transaction.atomic
def request_code(*, name: str, number: str, address: str) -> uuid.UUID:
    """Sends a code to the phone on file, if there is one; the answer does not tell.

    Args:
        number: as typed.
        address: where the request comes from.
    Returns: a ticket to show with the code.
    Raises:
        InvalidIdError: it is no identity number.
        TooManyTriesError: five codes in an hour for this number, or too many from this address.
    """
    text18 = parse_id(number, allow_trailing_zeros=True).text18
    index, now, ticket = secrets.index_of("id", text18), clock.now(), uuid.uuid4()
    code = f"{random.randbelow(1_000_000):06d}"
    with access.system_scope(NATION):
        _queue(index)
        if _asked(index, now) or _wrong(index, now):
            raise TooManyTriesError()
        if SignInTry.objects.filter(address=address, at__gt=now - HOUR).count() >= settings.RESIDENT_TRIES_PER_ADDRESS:
            raise TooManyTriesError()
        person, account = _find(text18, name)
        phone = phone_on_file(person, account) if person else ""
        if not phone:
            secrets.seal("phone", _DECOY, ticket)
        open_to_him = bool(phone) and (account is None or account.is_active)
        region = person.region if person else NOBODY
        SignInTry(
            id=ticket,
            region=region,
            id_index=index,
            person=person,
            address=address[:45],
            at=now,
            code_hash=_hash(code, ticket),
            expires_at=now + timedelta(minutes=CODE_MINUTES),
        ).save(force_insert=True)
        mark = transaction.savepoint()
        send("sign_in_code", phone or _DECOY, {"code": code, "minutes": CODE_MINUTES}, region=region)
        if open_to_him:
            transaction.savepoint_commit(mark)
        else:
            transaction.savepoint_rollback(mark)
    return ticket


def _queue(index: bytes) -> None:
    """Requests for one number come one after the other, so that six at once cannot all count four."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [int.from_bytes(index[:8], "big", signed=True)])


def _asked(index: bytes, now: Any) -> bool:
    return SignInTry.objects.filter(id_index=index, at__gt=now - HOUR).count() >= TRIES


def _wrong(index: bytes, now: Any) -> bool:
    rows = SignInTry.objects.filter(id_index=index, at__gt=now - HOUR)
    return (rows.aggregate(wrong=Sum("wrong"))["wrong"] or 0) >= TRIES


@transaction.atomic
def check_code(*, ticket: uuid.UUID, code: str) -> ResidentAccount | None:
    """The account, if the code is the one that was sent, not used and not too old; else None, and it counts as wrong.

    The fifth wrong code within an hour locks sign-in with that number for an hour. Nothing is raised: a failure must be
    kept, and an error would take it back.
    """
    now = clock.now()
    with access.system_scope(NATION):
        row = SignInTry.objects.select_for_update(of=("self",)).filter(pk=ticket).select_related("person").first()
        if row is None:
            return None
        _queue(row.id_index)
        account = ResidentAccount.objects.filter(person=row.person_id or 0).first()
        locked = _wrong(row.id_index, now) or bool(account and account.locked_until and account.locked_until > now)
        matches = random.compare_digest(bytes(row.code_hash), _hash(code.strip(), row.pk))
        good = matches and row.person is not None and not row.used_at and row.expires_at > now and not locked
        if not good or row.person is None or (account and not account.is_active):
            row.wrong += 1
            row.save(update_fields=["wrong"])
            if _wrong(row.id_index, now) and account:
                account.locked_until = now + HOUR
                account.save(update_fields=["locked_until"])
            _note("people.resident_refused", row.person, row.region, {"way": "code"})
            return None
        row.used_at = now
        row.save(update_fields=["used_at"])
        return _signed_in(account or _open(row.person), row.person, "code")


@transaction.atomic
def provider_sign_in(*, subject: str, name: str, number: str) -> ResidentAccount | None:
    """The account of whom an identity provider has proved to be there, by the number and name it gives; None = not known.

    Args:
        subject: `iss sub`; whoever came under one keeps it, and nobody else may come for him.
    Raises: InvalidIdError.
    """
    text18 = parse_id(number, allow_trailing_zeros=True).text18
    with access.system_scope(NATION):
        person, account = _find(text18, name)
        other = account is not None and account.provider_subject not in ("", subject)
        if person is None or other or (account and not account.is_active):
            _note("people.resident_refused", person, person.region if person else NOBODY, {"way": "provider"})
            return None
        account = account or _open(person)
        account.provider_subject = subject
        account.save(update_fields=["provider_subject"])
        return _signed_in(account, person, "provider")


def _signed_in(account: ResidentAccount, person: Person, way: str) -> ResidentAccount:
    account.last_sign_in, account.locked_until = clock.now(), None
    account.region = person.region
    account.save(update_fields=["last_sign_in", "locked_until", "region"])
    account.person = person
    _note("people.resident_signed_in", person, person.region, {"way": way}, actor=actor_of(account))
    return account


def _note(
    action: str, person: Person | None, region: str, after: dict[str, Any], actor: ResidentActor | None = None
) -> None:
    record(
        action,
        actor=actor,
        subject_type="person",
        subject_id=person.pk if person else 0,
        region=region,
        after=after,
    )


def account_of(number: int) -> ResidentAccount | None:
    """The account of a session, with its person; None once it was closed or its holder has died."""
    with access.system_scope(NATION):
        return (
            ResidentAccount.objects.filter(pk=number, is_active=True, person__died_on__isnull=True)
            .select_related("person")
            .first()
        )


def subject_of(account: ResidentAccount) -> Subject:
    """The resident with his family as it is today, for `access.subject_scope`."""
    with access.system_scope(NATION):
        own = (
            Membership.objects.filter(person=account.person_id, since__lte=clock.today())
            .filter(Q(until__isnull=True) | Q(until__gt=clock.today()))
            .select_related("household")
        )
        homes = [membership.household for membership in own]
        persons = Membership.objects.filter(household__in=homes or [0], since__lte=clock.today()).filter(
            Q(until__isnull=True) | Q(until__gt=clock.today())
        )
        return Subject(
            account_id=account.pk,
            person_id=account.person_id,
            region=homes[0].region if homes else account.person.region,
            person_ids=tuple(sorted({account.person_id, *persons.values_list("person_id", flat=True)})),
            household_ids=tuple(sorted(home.pk for home in homes)),
        )


def selves() -> list[int]:
    """In a resident's scope: the ids of his own rows as a person, his counties' all, and nobody's of his family."""
    with connection.cursor() as cursor:
        cursor.execute("select unnest(tuodi_subject_selfs())")
        return [number for (number,) in cursor.fetchall()]


def purge_tries() -> int:
    """Forgets tries older than a day. Returns how many."""
    with access.system_scope(NATION):
        return SignInTry.objects.filter(at__lt=clock.now() - KEPT).delete()[0]
