"""An OpenID Connect provider for tests and demonstrations: discovery, keys, the authorization page, tokens, user info.

    python simulators/identity_provider.py --port 0 --client tuodi --secret … --people people.json

Real HTTP, signed ID tokens, PKCE demanded, codes good once. It has no passwords: whoever is picked on its page is there.
`/control` lets a test break one thing at a time (`{"fault": "nonce"}`).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from simulators.serving import run

#: What a test may break: each must be noticed by who relies on us.
FAULTS = ("", "nonce", "issuer", "audience", "expired", "key", "unsigned", "no_number", "other_subject")
_CODE_SECONDS = 60


class Provider:
    """State of one running provider."""

    def __init__(self, *, client: str, secret: str, people: list[dict[str, str]]) -> None:
        self.client, self.secret = client, secret
        self.people = {str(one["sub"]): one for one in people}
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self.stranger = RSAKey.generate_key(2048, {"kid": self.key.kid}, auto_kid=False)
        self.issuer = ""
        self.fault = ""
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}

    def describe(self) -> dict[str, Any]:
        """`/.well-known/openid-configuration`."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def code_for(self, asked: dict[str, str], sub: str) -> str:
        """A code for a picked person, good once and for a minute."""
        code = secrets.token_urlsafe(24)
        self.codes[code] = {**asked, "sub": sub, "until": time.time() + _CODE_SECONDS}
        return code

    def token_for(self, form: dict[str, str], client: str, secret: str) -> dict[str, Any] | None:
        """Tokens for a code, or None: wrong client, code, address or verifier."""
        kept = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            kept is None
            or kept["until"] < time.time()
            or (client, secret) != (self.client, self.secret)
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != kept["redirect_uri"]
            or challenge != kept["code_challenge"]
        ):
            return None
        access = secrets.token_urlsafe(24)
        self.tokens[access] = kept["sub"]
        return {"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": self._id_token(kept)}

    def _id_token(self, kept: dict[str, Any]) -> str:
        now, fault = int(time.time()), self.fault
        claims = {
            "iss": "https://elsewhere.example" if fault == "issuer" else self.issuer,
            "sub": kept["sub"],
            "aud": "somebody-else" if fault == "audience" else self.client,
            "iat": now - (7200 if fault == "expired" else 0),
            "exp": now + (-3600 if fault == "expired" else 300),
            "nonce": "x" if fault == "nonce" else kept["nonce"],
        }
        if fault == "unsigned":
            parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
            return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."
        key = self.stranger if fault == "key" else self.key
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, key)

    def about(self, access: str) -> dict[str, str] | None:
        """`/userinfo`."""
        sub = self.tokens.get(access)
        if sub is None:
            return None
        found = dict(self.people[sub])
        if self.fault == "no_number":
            found.pop("id_number", None)
        if self.fault == "other_subject":
            found["sub"] = "another"
        return found


class Handler(BaseHTTPRequestHandler):
    """One request."""

    provider: Provider

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: addresses hold codes."""

    def _send(self, body: str, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _form(self) -> dict[str, str]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        return {name: values[0] for name, values in parse_qs(body).items()}

    def do_GET(self) -> None:
        """Discovery, keys, the page, user info."""
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._send(json.dumps(self.provider.describe()))
        elif parts.path == "/keys":
            self._send(json.dumps({"keys": [self.provider.key.as_dict(private=False)]}))
        elif parts.path == "/userinfo":
            found = self.provider.about(self.headers.get("Authorization", "").removeprefix("Bearer "))
            self._send(json.dumps(found or {}, ensure_ascii=False), 200 if found else 401)
        elif parts.path == "/authorize":
            self._page(asked)
        else:
            self._send("{}", 404)

    def _page(self, asked: dict[str, str]) -> None:
        wanted = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")
        fits = (
            all(asked.get(name) for name in wanted)
            and asked["client_id"] == self.provider.client
            and asked.get("code_challenge_method") == "S256"
            and asked.get("response_type") == "code"
            and "openid" in asked.get("scope", "").split()
        )
        if not fits:
            self._send("bad request", 400, "text/plain")
            return
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked[name], quote=True)}">' for name in wanted
        )
        buttons = "".join(
            f'<p><button name="sub" value="{html.escape(sub, quote=True)}">{html.escape(one["name"])}</button></p>'
            for sub, one in self.provider.people.items()
        )
        page = (
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>身份认证模拟器</title>'
            f'<h1>身份认证模拟器</h1><form method="post" action="/authorize">{hidden}{buttons}'
            '<p><button name="sub" value="">取消</button></p></form></html>'
        )
        self._send(page, kind="text/html")

    def do_POST(self) -> None:
        """The picked person, the token, the control of a test."""
        path = urlsplit(self.path).path
        if path == "/authorize":
            form = self._form()
            sub = form.pop("sub", "")
            answer = {"state": form["state"]}
            if sub in self.provider.people:
                answer["code"] = self.provider.code_for(form, sub)
            else:
                answer["error"] = "access_denied"
            self._send("", 303, "text/plain", Location=f"{form['redirect_uri']}?{urlencode(answer)}")
        elif path == "/token":
            scheme, _, given = self.headers.get("Authorization", "").partition(" ")
            client, _, secret = base64.b64decode(given).decode().partition(":") if scheme == "Basic" else ("", "", "")
            found = self.provider.token_for(self._form(), unquote(client), unquote(secret))
            self._send(json.dumps(found or {"error": "invalid_grant"}), 200 if found else 400)
        elif path == "/control":
            wanted = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            if wanted.get("fault", "") not in FAULTS:
                self._send("{}", 400)
                return
            self.provider.fault = wanted.get("fault", "")
            self._send("{}")
        else:
            self._send("{}", 404)


def main(arguments: list[str] | None = None) -> None:
    """The command: prints its address as JSON and serves until ended."""
    parser = argparse.ArgumentParser(description="身份认证（OpenID Connect）模拟器（仅本机）")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--client", default="tuodi")
    parser.add_argument("--secret", required=True)
    parser.add_argument("--people", type=Path, required=True, help="人员，JSON：[{sub, name, id_number}]")
    given = parser.parse_args(arguments)
    people = json.loads(given.people.read_text(encoding="utf-8"))
    provider = Provider(client=given.client, secret=given.secret, people=people)
    handler = type("Bound", (Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", given.port), handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    print(json.dumps({"issuer": provider.issuer}), flush=True)
    run(server)


if __name__ == "__main__":
    main()
