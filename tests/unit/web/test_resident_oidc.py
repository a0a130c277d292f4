"""Sign-in by an identity provider, a process of its own over real HTTP: the way in, and every way it must not be one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import residentkit
from casekit import family
from django.test import Client

from tuodi.people import identity_provider
from tuodi.people.middleware import KEY
from tuodi.people.models import ResidentAccount

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
SECRET = "a-secret-of-this-test"
BACK = "http://testserver/my/sign-in/back/"


@pytest.fixture
def home(db):
    return family("420802001001")


@pytest.fixture
def provider(home, settings, tmp_path) -> Iterator[str]:
    """A running provider that knows the head of the family and a stranger."""
    people = [
        {"sub": "p1", "name": home.head.name, "id_number": residentkit.number_of(home)},
        {"sub": "p2", "name": "王不是", "id_number": residentkit.number_of(home)},
    ]
    (tmp_path / "people.json").write_text(json.dumps(people), encoding="utf-8")
    command = [sys.executable, str(ROOT / "simulators/identity_provider.py"), "--secret", SECRET]
    command += ["--people", str(tmp_path / "people.json")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    issuer = json.loads(process.stdout.readline())["issuer"]
    settings.RESIDENT_OIDC = {
        "issuer": issuer, "client_id": "tuodi", "client_secret": SECRET, "label": "鄂汇办", "scope": "openid profile",
        "name_claim": "name", "number_claim": "id_number",
    }  # fmt: skip
    identity_provider.forget()
    yield issuer
    process.terminate()
    process.wait(10)


def picked(client: Client, issuer: str, sub: str = "p1", **changed: str) -> str:
    """Goes to the provider, picks a person there; returns the address he is sent back to."""
    asked = client.get("/my/sign-in/provider/?next=/my/progress/")["Location"]
    assert asked.startswith(f"{issuer}/authorize?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked).query).items()}
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == BACK
    assert httpx.get(asked, trust_env=False).status_code == 200
    answer = httpx.post(f"{issuer}/authorize", data={**query, **changed, "sub": sub}, trust_env=False)
    return answer.headers["Location"].removeprefix("http://testserver")


def test_the_head_comes_in_and_the_same_address_does_not_work_twice(provider, home) -> None:
    client = Client()
    assert "鄂汇办" in client.get("/my/sign-in/").content.decode()
    back = picked(client, provider)
    assert client.get(back)["Location"] == "/my/progress/"
    assert client.get("/my/progress/").status_code == 200
    assert ResidentAccount.objects.count() == 0  # without a scope even that is hidden
    other = Client()
    assert other.get(back)["Location"] == "/my/sign-in/"
    assert KEY not in other.session


def test_a_stranger_is_told_that_he_is_not_known(provider, home) -> None:
    client = Client()
    answer = client.get(picked(client, provider, "p2"))
    assert answer.status_code == 403
    assert "没有您的登记" in answer.content.decode()
    assert KEY not in client.session


@pytest.mark.parametrize(
    "fault", ["nonce", "issuer", "audience", "expired", "key", "unsigned", "no_number", "other_subject"]
)
def test_a_token_with_a_fault_opens_nothing(provider, home, fault: str) -> None:
    client = Client()
    back = picked(client, provider)
    assert httpx.post(f"{provider}/control", json={"fault": fault}, trust_env=False).status_code == 200
    assert client.get(back).status_code == 502
    assert KEY not in client.session


@pytest.mark.parametrize("changed", [{"state": "another"}, {"code_challenge": "x" * 43}])
def test_what_was_not_ours_opens_nothing(provider, home, changed) -> None:
    client = Client()
    assert client.get(picked(client, provider, **changed)).status_code == 502
    assert KEY not in client.session


def test_cancelling_there_and_a_provider_that_is_down(provider, home, settings) -> None:
    client = Client()
    assert client.get(picked(client, provider, "")).status_code == 502
    settings.RESIDENT_OIDC = {**settings.RESIDENT_OIDC, "issuer": "http://127.0.0.1:9"}
    identity_provider.forget()
    assert client.get("/my/sign-in/provider/").status_code == 502
    settings.RESIDENT_OIDC = {**settings.RESIDENT_OIDC, "issuer": "http://id.example"}
    assert client.get("/my/sign-in/provider/").status_code == 502
    settings.RESIDENT_OIDC = {**settings.RESIDENT_OIDC, "issuer": ""}
    assert client.get("/my/sign-in/provider/").status_code == 404
