"""SM2 signatures: the standard's own example, and everything that must not pass."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from tuodi.crypto import sm2
from tuodi.crypto.errors import KeyringError

#: GM/T 0003.5-2012 (GB/T 32918.5) appendix A: private key, public key, nonce, and the signature of "message digest".
PRIVATE = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
PUBLIC = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


@pytest.fixture(scope="module")
def pair() -> sm2.KeyPair:
    return sm2.KeyPair.generate()


def test_the_standards_key_and_signature() -> None:
    assert sm2.KeyPair.of(PRIVATE).public == PUBLIC
    assert sm2.verify_raw(b"message digest", SIGNATURE, PUBLIC)
    assert not sm2.verify_raw(b"message digesT", SIGNATURE, PUBLIC)


def test_a_signature_holds_for_its_bytes_its_key_and_its_name_only(pair: sm2.KeyPair) -> None:
    data = "核对请求".encode() * 10_000
    signature = sm2.sign(data, pair)
    assert len(signature) == 64
    assert sm2.verify(data, signature, pair.public)
    assert not sm2.verify(data + b".", signature, pair.public)
    assert not sm2.verify(data, signature, PUBLIC)
    assert not sm2.verify(data, signature, pair.public, uid=b"somebody else")
    assert sm2.sign(data, pair) != signature


@pytest.mark.parametrize(
    "broken",
    [b"", b"\0" * 64, b"\xff" * 64, SIGNATURE[:63], SIGNATURE + b"\0", SIGNATURE[32:] + SIGNATURE[:32]],
)
def test_a_malformed_signature_is_no_signature(broken: bytes) -> None:
    assert not sm2.verify_raw(b"message digest", broken, PUBLIC)


@pytest.mark.parametrize(
    "key", [b"", b"\x04" + b"\0" * 64, b"\x04" + b"\xff" * 64, PUBLIC[:-1], PUBLIC[:-1] + b"\x14", b"\0" + PUBLIC[1:]]
)
def test_a_point_off_the_curve_is_no_key(key: bytes) -> None:
    assert not sm2.check_public(key)
    assert not sm2.verify_raw(b"message digest", SIGNATURE, key)


def test_key_id_names_the_public_half(pair: sm2.KeyPair) -> None:
    assert pair.id == sm2.key_id(pair.public)
    assert len(pair.id) == 16


def test_the_private_half_is_never_shown_or_pickled(pair: sm2.KeyPair) -> None:
    assert pair.private.hex() not in repr(pair)
    assert str(pair.private) not in repr(pair)
    with pytest.raises(TypeError):
        pickle.dumps(pair)


def test_the_sites_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = sm2.load_or_make(path)
    assert sm2.load_or_make(path) == made
    assert os.stat(path).st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 600"):
        sm2.load_or_make(path)
    path.chmod(0o600)
    path.write_text("not a key")
    with pytest.raises(KeyringError, match="SM2"):
        sm2.load_or_make(path)


@pytest.mark.parametrize("private", [b"", b"\0" * 32, b"\xff" * 32])
def test_a_private_key_out_of_range_is_refused(private: bytes) -> None:
    with pytest.raises(KeyringError):
        sm2.KeyPair.of(private)
