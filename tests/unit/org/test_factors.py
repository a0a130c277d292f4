"""The second factor: RFC 6238, codes that count once, recovery codes, lock, reset, keys that are rotated; one-time links."""

from __future__ import annotations

import base64
import hmac
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from casekit import hire
from django.test import Client

from tuodi.config.verbs import keys
from tuodi.crypto import keyring
from tuodi.crypto.fields import key_id
from tuodi.kernel import clock
from tuodi.org import actions, factor_actions, link_actions
from tuodi.org.errors import AccessDeniedError, FactorError, LinkError
from tuodi.org.models import OneTimeLink, RecoveryCode, SecondFactor, User

pytestmark = pytest.mark.django_db
NOON = datetime(2021, 9, 13, 12, tzinfo=clock.BEIJING)
TOWN = "420802001"
PASSWORD = "Tuodi-2017-x"


def code_at(secret: str, moment: datetime) -> str:
    """RFC 6238 by hand, so that the product is not asked about itself."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", int(moment.timestamp()) // 30), "sha1")
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


@pytest.fixture
def boss(make_user: Callable[..., Any]) -> Any:
    """A real account that approves payments."""
    user = hire(make_user, TOWN, "pay_approve")
    user.is_demo = False
    user.save()
    return user


def enrolled(user: Any) -> tuple[str, list[str]]:
    with clock.frozen(NOON):
        secret = factor_actions.secret_of(factor_actions.begin(acting_user=user))
        return secret, factor_actions.confirm(acting_user=user, code=code_at(secret, NOON))


def proves(user: Any, code: str, after: int) -> bool:
    with clock.frozen(NOON + timedelta(seconds=after)):
        return factor_actions.prove(user, code) == ""


def test_published_vector() -> None:
    """RFC 6238 appendix B, SHA-1, time 59: 94287082, of which telephones show the last six."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert code_at(secret, datetime.fromtimestamp(59, clock.BEIJING)) == "287082"


def test_a_code_counts_once_and_in_its_time(boss: Any) -> None:
    secret, _ = enrolled(boss)
    assert not proves(boss, code_at(secret, NOON), 1)  # spent by the confirmation
    later = code_at(secret, NOON + timedelta(seconds=60))
    assert proves(boss, later, 60)
    assert not proves(boss, later, 61)  # replayed
    assert not proves(boss, code_at(secret, NOON + timedelta(seconds=30)), 61)  # an earlier one is spent with it
    assert proves(boss, code_at(secret, NOON + timedelta(seconds=90)), 65)  # the telephone's clock is a step ahead
    assert not proves(boss, code_at(secret, NOON + timedelta(seconds=240)), 130)  # more than one
    full_width = code_at(secret, NOON + timedelta(seconds=600)).translate({48 + n: 0xFF10 + n for n in range(10)})
    assert proves(boss, full_width, 600)


def test_wrong_codes_lock_and_a_right_one_does_not_open_the_lock(boss: Any) -> None:
    secret, codes = enrolled(boss)
    for _ in range(5):
        assert not proves(boss, "000000", 300)
    assert not proves(boss, code_at(secret, NOON + timedelta(seconds=330)), 330)
    assert not proves(boss, codes[0], 330)
    assert proves(boss, codes[0], 330 + 15 * 60)


def test_recovery_codes_are_hashed_and_count_once(boss: Any) -> None:
    _, codes = enrolled(boss)
    assert len(set(codes)) == 10
    kept = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert not kept & {one.replace("-", "") for one in codes}
    assert proves(boss, codes[3].lower().replace("-", " "), 10)
    assert not proves(boss, codes[3], 20)


def test_setting_up_again_needs_the_security_manager(boss: Any, make_user: Callable[..., Any]) -> None:
    enrolled(boss)
    with pytest.raises(FactorError):
        factor_actions.begin(acting_user=boss)
    with pytest.raises(AccessDeniedError):
        factor_actions.reset(acting_user=make_user(TOWN, "sysadmin"), user=boss)
    factor_actions.reset(acting_user=make_user(TOWN, "security"), user=boss)
    assert factor_actions.confirmed(boss) is None


def test_the_secret_is_enciphered_and_follows_a_new_key(boss: Any) -> None:
    secret, _ = enrolled(boss)
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8)).hex()
    assert raw.encode() not in bytes(SecondFactor.objects.get().secret_cipher)
    old = keyring.active()
    try:
        keyring.install(old.rotated("field"))
        assert keys.apply()["secondfactor.secret"] == 1
        row = SecondFactor.objects.get()
        assert key_id(row.secret_cipher) == keyring.active().current("field")
        assert factor_actions.secret_of(row) == secret
    finally:
        keyring.install(old)


def test_signing_in_asks_for_the_code_after_the_password(boss: Any) -> None:
    secret, _ = enrolled(boss)
    client = Client()
    moment = NOON + timedelta(minutes=5)
    with clock.frozen(moment):
        first = client.post("/login/", {"username": boss.username, "password": PASSWORD, "next": "/runs/"})
        assert first["Location"] == "/login/code/"
        assert client.get("/runs/").status_code == 302  # the password alone opens nothing
        assert "不正确" in client.post("/login/code/", {"code": "000000"}).content.decode()
        done = client.post("/login/code/", {"code": code_at(secret, moment)})
        assert done["Location"] == "/runs/"
        assert client.get("/runs/").status_code == 200
        again = Client()
        again.post("/login/", {"username": boss.username, "password": PASSWORD})
        assert "已用过" in again.post("/login/code/", {"code": code_at(secret, moment)}).content.decode()
    late = Client()
    with clock.frozen(moment):
        late.post("/login/", {"username": boss.username, "password": PASSWORD})
    with clock.frozen(moment + timedelta(minutes=6)):  # the password was too long ago
        assert late.get("/login/code/")["Location"] == "/login/"


def test_a_duty_that_asks_for_a_factor_leads_to_setting_one_up(
    boss: Any, settings: Any, make_user: Callable[..., Any]
) -> None:
    client = Client()
    with clock.frozen(NOON):
        client.force_login(boss, backend="tuodi.org.backends.StaffBackend")
        assert client.get("/runs/")["Location"] == "/security/me/factor/"
        page = client.get("/security/me/factor/").content.decode()
        secret = factor_actions.secret_of(SecondFactor.objects.get())
        assert "data:image/svg+xml" in page
        assert "不正确" in client.post("/security/me/factor/", {"code": "12345"}).content.decode()
        shown = client.post("/security/me/factor/", {"code": code_at(secret, NOON)}).content.decode()
        assert shown.count("<li>") >= 10
        assert client.get("/runs/").status_code == 200
        settings.SECOND_FACTOR_DUTIES = frozenset()
        other = hire(make_user, TOWN, "pay_approve")
        User.objects.filter(pk=other.pk).update(is_demo=False)
        other.refresh_from_db()
        assert not factor_actions.needed(other)
        settings.SECOND_FACTOR_DUTIES = frozenset({"pay_approve"})
        assert factor_actions.needed(other)
    demo = hire(make_user, TOWN, "pay_approve")
    assert not factor_actions.needed(demo)


def test_a_link_sets_a_password_once_and_in_time(boss: Any, make_user: Callable[..., Any]) -> None:
    with pytest.raises(AccessDeniedError):
        link_actions.make_link(acting_user=make_user(TOWN, "sysadmin"), user=boss)
    manager = make_user(TOWN, "security")
    first = link_actions.make_link(acting_user=manager, user=boss)
    token = link_actions.make_link(acting_user=manager, user=boss)
    assert token not in {row.digest for row in OneTimeLink.objects.all()}
    with pytest.raises(LinkError):
        link_actions.opens_for(first)  # a newer one ends it
    client = Client()
    came = client.get(f"/reset/{token}/")
    assert came["Location"] == "/reset/"  # the token leaves the address
    weak = client.post("/reset/", {"new_password1": "12345", "new_password2": "12345"}).content.decode()
    assert "有 1 处需要改正" in weak
    done = client.post("/reset/", {"new_password1": "Guanshan-88-q", "new_password2": "Guanshan-88-q"})
    assert done["Location"] == "/login/"
    assert User.objects.get(pk=boss.pk).check_password("Guanshan-88-q")
    with pytest.raises(LinkError):
        link_actions.opens_for(token)
    late = link_actions.make_link(acting_user=manager, user=boss)
    with clock.frozen(clock.now() + link_actions.LASTS), pytest.raises(LinkError):
        link_actions.opens_for(late)
    closed = link_actions.make_link(acting_user=manager, user=boss)
    actions.disable_user(acting_user=None, user=boss)
    with pytest.raises(LinkError):
        link_actions.opens_for(closed)
