"""OpenID Connect: who an identity provider says is there. Authorization code with PKCE, nonce and state; no other flow.

The provider is the site's setting (`settings.RESIDENT_OIDC`). Nothing of what it sends is trusted before its signature,
issuer, audience, times and nonce were checked (OpenID Connect Core 1.0, 3.1.3.7; RFC 9700).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tuodi.exchange.outward import ForbiddenAddressError, check_address, host_of
from tuodi.kernel import clock
from tuodi.people.errors import ProviderError

__all__ = ["Asked", "Said", "begin", "finish", "forget"]

#: Signatures we accept: public-key ones only, so that nobody can sign with what is public.
ALGORITHMS = ["RS256", "PS256", "ES256"]
#: Seconds the clocks of two houses may differ, the provider may take to answer, and a sign-in may take.
LEEWAY, PATIENCE, LIFE = 60, 10.0, 600


@dataclass(frozen=True)
class Asked:
    """What we sent along and must find again; kept in the visitor's session."""

    state: str
    nonce: str
    verifier: str
    back: str
    at: int

    def to_session(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Said:
    """Who is there: `subject` is `iss sub`, one person at one provider for good."""

    subject: str
    name: str
    number: str


def _safe(url: str) -> str:
    """An address of the provider, on its own host or one the site has named. Raises: ProviderError."""
    allowed = {host_of(settings.RESIDENT_OIDC["issuer"]), *settings.OUTWARD_HOSTS}
    try:
        return check_address(url, hosts=allowed, local=settings.OUTWARD_LOCAL)
    except ForbiddenAddressError as error:
        raise ProviderError(error.reason) from error


@lru_cache(maxsize=4)
def _described(issuer: str, hour: int) -> dict[str, Any]:
    """The provider's own description, kept an hour."""
    found = _json(_safe(issuer).rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise ProviderError("说明文件里的签发者不符")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _safe(str(found.get(name, "")))
    return found


def _description() -> dict[str, Any]:
    return _described(settings.RESIDENT_OIDC["issuer"], int(clock.now().timestamp()) // 3600)


def forget() -> None:
    """Reads the description anew at the next sign-in."""
    _described.cache_clear()


def _json(url: str, **headers: str) -> dict[str, Any]:
    _safe(url)  # at each call: what a name resolves to may have changed
    try:
        answer = httpx.get(url, headers=headers, timeout=PATIENCE, follow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderError(f"没有回答（{type(error).__name__}）") from error
    if not isinstance(found, dict):
        raise ProviderError("回答的格式不对")
    return found


def begin(back: str) -> tuple[str, Asked]:
    """Where to send the visitor, and what to keep until he comes back.

    Args:
        back: our own address he is sent back to, as registered with the provider.
    Raises: ProviderError.
    """
    endpoint = str(_description()["authorization_endpoint"])
    asked = Asked(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        back=back,
        at=int(clock.now().timestamp()),
    )
    given = settings.RESIDENT_OIDC
    query = {
        "response_type": "code",
        "client_id": given["client_id"],
        "redirect_uri": back,
        "scope": given["scope"],
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": create_s256_code_challenge(asked.verifier),
        "code_challenge_method": "S256",
    }
    url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"
    return url, asked


def finish(asked: Asked, *, state: str, code: str) -> Said:
    """Changes the code for the token and reads who is there.

    Raises: ProviderError, with one sentence whatever was wrong; the reason is for the log.
    """
    if not hmac.compare_digest(asked.state.encode(), state.encode()):
        raise ProviderError("状态不符")
    if clock.now().timestamp() - asked.at > LIFE:
        raise ProviderError("登录时间过长")
    known = _description()
    token = _token(str(known["token_endpoint"]), asked, code)
    claims = _claims(str(token.get("id_token") or ""), known, asked.nonce)
    given = settings.RESIDENT_OIDC
    name, number = claims.get(given["name_claim"]), claims.get(given["number_claim"])
    if (not name or not number) and known.get("userinfo_endpoint"):
        more = _json(_safe(str(known["userinfo_endpoint"])), Authorization=f"Bearer {token.get('access_token', '')}")
        if more.get("sub") != claims["sub"]:
            raise ProviderError("用户信息不是同一个人")
        name, number = name or more.get(given["name_claim"]), number or more.get(given["number_claim"])
    if not name or not number:
        raise ProviderError("没有给出姓名和证件号码")
    return Said(f"{claims['iss']} {claims['sub']}", str(name), str(number))


def _token(endpoint: str, asked: Asked, code: str) -> dict[str, Any]:
    """The provider's answer to the code and the verifier."""
    given = settings.RESIDENT_OIDC
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asked.back,
        "code_verifier": asked.verifier,
        "client_id": given["client_id"],
    }
    auth = (given["client_id"], given["client_secret"]) if given["client_secret"] else None
    try:
        answer = httpx.post(_safe(endpoint), data=form, auth=auth, timeout=PATIENCE, follow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderError(f"没有换到令牌（{type(error).__name__}）") from error
    return found if isinstance(found, dict) else {}


def _claims(token: str, known: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of an ID token after all checks."""
    client = settings.RESIDENT_OIDC["client_id"]
    rules = jwt.JWTClaimsRegistry(
        now=lambda: int(clock.now().timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": known["issuer"]},
        aud={"essential": True, "value": client},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        keys = KeySet.import_key_set(_json(str(known["jwks_uri"])))
        found: dict[str, Any] = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        rules.validate(found)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderError(f"身份令牌不能确认（{type(error).__name__}）") from error
    several = isinstance(found["aud"], list) and len(found["aud"]) > 1
    if (several or "azp" in found) and found.get("azp") != client:
        raise ProviderError("身份令牌不是给本系统的")
    return found
