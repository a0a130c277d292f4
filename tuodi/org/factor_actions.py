"""The second factor: time-based codes (RFC 6238: SHA-1, six digits, 30 seconds) and recovery codes.

GB/T 22239-2019 8.1.4.1 d) asks for two ways of knowing a user, one of them cryptographic. A code counts once: its time step and
all before it are spent. The clocks of telephones may be one step off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from datetime import timedelta

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.db import transaction

from tuodi.audit.actions import record
from tuodi.crypto import fields
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access, session_actions
from tuodi.org.errors import FactorError, NotFoundError
from tuodi.org.models import DutyCode, RecoveryCode, SecondFactor, User

__all__ = ["AAD", "begin", "confirm", "confirmed", "needed", "prove", "reset", "secret_of", "uri_of"]

AAD = "org.factor"
_SECONDS = 30
_DRIFT = (0, -1, 1)
_WRONG_MOST = 5
_LOCK = timedelta(minutes=15)
_CODES = 10
_WRONG = "验证码不正确或已用过。请等手机上出现下一个验证码再输入。"


def confirmed(user: User) -> SecondFactor | None:
    """The user's factor in force, or None."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()


def needed(user: User) -> bool:
    """Whether one of his duties asks for a second factor. Demo accounts are exempt, and pages say so."""
    wanted: frozenset[str] = settings.SECOND_FACTOR_DUTIES
    return not user.is_demo and bool(wanted) and any(duty.code in wanted for duty in access.duties_of(user))


@transaction.atomic
def begin(*, acting_user: User) -> SecondFactor:
    """A new secret for one who has no factor in force; the former unconfirmed one is gone.

    Raises: FactorError where one is in force: the security manager resets it first.
    """
    row, _ = SecondFactor.objects.select_for_update().get_or_create(user=acting_user)
    if row.confirmed_at is not None:
        raise FactorError("第二因素已启用。更换手机请联系本单位安全管理员重置。")
    if row.secret_cipher is None:
        row.secret_cipher = fields.encrypt(secrets.token_bytes(20).hex(), f"{AAD}|{row.uid}")
        row.save(update_fields=["secret_cipher"])
    return row


def secret_of(factor: SecondFactor) -> str:
    """The secret in base32, as people type it into a telephone. Shown before it is confirmed only."""
    return base64.b32encode(_key(factor)).decode().rstrip("=")


def uri_of(factor: SecondFactor) -> str:
    """The address a telephone reads from the square code."""
    return _totp(factor).get_provisioning_uri(factor.user.username, "托底")


@transaction.atomic
def confirm(*, acting_user: User, code: str) -> list[str]:
    """Puts the factor in force by a first code. Returns the recovery codes, which are shown this once.

    Raises: FactorError.
    """
    row = SecondFactor.objects.select_for_update().filter(user=acting_user).first()
    if row is None or row.secret_cipher is None or row.confirmed_at is not None:
        raise FactorError("没有等待确认的第二因素，请重新开始。")
    step = _step_of(row, _digits(code))
    if step is None:
        raise FactorError("验证码不正确。请核对手机时间是否准确，再输入新的验证码。")
    row.last_step, row.confirmed_at, row.failures = step, clock.now(), 0
    row.save(update_fields=["last_step", "confirmed_at", "failures"])
    row.recovery_codes.all().delete()
    made = [_recovery_code() for _ in range(_CODES)]
    RecoveryCode.objects.bulk_create([RecoveryCode(factor=row, digest=_digest(row, one)) for one in made])
    _note("org.enrol_factor", acting_user, acting_user)
    return made


@transaction.atomic
def prove(user: User, code: str) -> str:
    """Whether a code counts: `""` where it does, else the Chinese sentence why not. Wrong ones are counted and lock.

    Returns a text and does not raise, so that the count of wrong codes stays in the caller's transaction.
    """
    row = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    if row is None:
        return "没有启用第二因素。"
    now = clock.now()
    if row.locked_until is not None and row.locked_until > now:
        return "验证码错误次数过多，请 15 分钟后再试，或联系本单位安全管理员。"
    given = _folded(code)
    step = _step_of(row, _digits(code))
    recovery = None
    if step is None and len(given) >= 12:
        recovery = row.recovery_codes.filter(digest=_digest(row, given), used_at__isnull=True).first()
    if step is None and recovery is None:
        row.failures += 1
        if row.failures >= _WRONG_MOST:
            row.failures, row.locked_until = 0, now + _LOCK
            _note("org.factor_locked", None, user)
        row.save(update_fields=["failures", "locked_until"])
        return _WRONG
    if recovery is not None:
        recovery.used_at = now
        recovery.save(update_fields=["used_at"])
        _note("org.use_recovery_code", user, user, {"left": row.recovery_codes.filter(used_at__isnull=True).count()})
    else:
        assert step is not None
        row.last_step = step
    row.failures, row.locked_until = 0, None
    row.save(update_fields=["last_step", "failures", "locked_until"])
    return ""


@transaction.atomic
def reset(*, acting_user: User | None, user: User) -> None:
    """Takes a factor away, by the security manager of the place (None: the system); the user's sessions end.

    Raises: NotFoundError, AccessDeniedError.
    """
    if acting_user is not None:
        access.require(acting_user, DutyCode.SECURITY, pad12(user.office.place_code))
        if acting_user.pk == user.pk:
            raise FactorError("不能重置自己的第二因素。请由另一位安全管理员办理。")
    if not SecondFactor.objects.filter(user=user).delete()[0]:
        raise NotFoundError("第二因素")
    session_actions.end_all(user, why="第二因素已重置")
    _note("org.reset_factor", acting_user, user)


def _key(factor: SecondFactor) -> bytes:
    assert factor.secret_cipher is not None
    return bytes.fromhex(fields.decrypt(factor.secret_cipher, f"{AAD}|{factor.uid}"))


def _totp(factor: SecondFactor) -> TOTP:
    return TOTP(_key(factor), 6, SHA1(), _SECONDS)  # what telephones' code generators all know


def _step_of(factor: SecondFactor, digits: str) -> int | None:
    """The time step a code belongs to, if it is of now and not spent."""
    if len(digits) != 6:
        return None
    totp, now = _totp(factor), int(clock.now().timestamp()) // _SECONDS
    found = None
    for drift in _DRIFT:  # all are tried, so that the time taken tells nothing
        if (
            hmac.compare_digest(totp.generate((now + drift) * _SECONDS), digits.encode())
            and now + drift > factor.last_step
        ):
            found = now + drift
    return found


def _folded(code: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", code).upper() if sign.isascii() and sign.isalnum())


def _digits(code: str) -> str:
    folded = _folded(code)
    return folded if folded.isdigit() else ""


def _recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(10)).decode()  # 80 bits: a plain hash cannot be tried out
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def _digest(factor: SecondFactor, code: str) -> str:
    return hashlib.sha256(f"{factor.uid}|{_folded(code)}".encode()).hexdigest()


def _note(action: str, actor: User | None, user: User, after: dict[str, object] | None = None) -> None:
    record(
        action,
        actor=actor,
        subject_type="user",
        subject_id=user.pk,
        region=pad12(user.office.place_code),
        after=after,
    )
