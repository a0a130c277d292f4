"""Encrypted files: whole or not at all."""

import io
import os

import pytest

from tuodi.crypto.errors import DecryptError
from tuodi.crypto.files import (
    decrypt_file,
    decrypt_stream,
    encrypt_file,
    encrypt_stream,
    file_key_id,
    reencrypt_file,
)
from tuodi.crypto.keyring import Keyring

RING = Keyring.generate()
AAD = "register:2017-04:civil"
CHUNK = 64


def seal(data: bytes, aad: str = AAD, ring: Keyring = RING) -> bytes:
    return b"".join(encrypt_stream(io.BytesIO(data), aad, keys=ring, chunk=CHUNK))


def open_(sealed: bytes, aad: str = AAD, ring: Keyring = RING) -> bytes:
    return b"".join(decrypt_stream(io.BytesIO(sealed), aad, keys=ring))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 7])
def test_every_size_opens(size):
    data = os.urandom(size)
    sealed = seal(data)
    assert open_(sealed) == data
    assert size < 8 or data[:8] not in sealed


def test_a_file_cut_anywhere_does_not_open():
    sealed = seal(os.urandom(3 * CHUNK))
    for size in range(len(sealed)):
        with pytest.raises(DecryptError):
            open_(sealed[:size])


def test_a_file_with_something_added_does_not_open():
    sealed = seal(os.urandom(2 * CHUNK))
    for more in (b"\0", os.urandom(CHUNK + 16), sealed[-CHUNK - 16 :]):
        with pytest.raises(DecryptError):
            open_(sealed + more)


def test_every_changed_byte_is_noticed():
    sealed = seal(os.urandom(CHUNK + 5))
    for at in range(len(sealed)):
        with pytest.raises(DecryptError):
            open_(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])


def test_chunks_cannot_be_swapped_dropped_or_taken_from_another_file():
    first, second = seal(b"a" * 3 * CHUNK), seal(b"b" * 3 * CHUNK)
    head, step = 26, CHUNK + 16
    a = [first[head + i * step : head + (i + 1) * step] for i in range(3)]
    b = [second[head + i * step : head + (i + 1) * step] for i in range(3)]
    assert open_(first[:head] + a[0] + a[1] + a[2]) == b"a" * 3 * CHUNK
    for wrong in ([a[1], a[0], a[2]], [a[0], a[2]], [a[0], b[1], a[2]], [a[0], a[0], a[2]]):
        with pytest.raises(DecryptError):
            open_(first[:head] + b"".join(wrong))


def test_wrong_key_or_purpose():
    sealed = seal(b"x")
    with pytest.raises(DecryptError):
        open_(sealed, aad="register:2017-05:civil")
    with pytest.raises(DecryptError):
        open_(sealed, ring=Keyring.generate())
    with pytest.raises(DecryptError, match="编号为 1 的密钥"):
        open_(sealed, ring=RING.rotated().without("field", 1))


def test_a_forged_chunk_size_asks_for_no_memory():
    sealed = seal(b"x")
    with pytest.raises(DecryptError, match="不是本系统的密文"):
        open_(sealed[:22] + b"\xff\xff\xff\xff" + sealed[26:])


def test_files_are_written_private_and_whole(tmp_path):
    plain, sealed, again = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    plain.write_bytes(os.urandom(3 << 20))
    encrypt_file(plain, sealed, AAD, keys=RING)
    decrypt_file(sealed, again, AAD, keys=RING)
    assert again.read_bytes() == plain.read_bytes()
    assert sealed.stat().st_mode & 0o777 == again.stat().st_mode & 0o777 == 0o600


def test_nothing_plain_stays_after_a_failed_opening(tmp_path):
    plain, sealed = tmp_path / "a", tmp_path / "b"
    plain.write_bytes(os.urandom(3 << 20))
    encrypt_file(plain, sealed, AAD, keys=RING)
    sealed.write_bytes(sealed.read_bytes()[:-1])
    with pytest.raises(DecryptError):
        decrypt_file(sealed, tmp_path / "c", AAD, keys=RING)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_rotation_of_a_file(tmp_path):
    plain, sealed, again = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    plain.write_bytes(os.urandom((2 << 20) + 5))
    encrypt_file(plain, sealed, AAD, keys=RING)
    wider = RING.rotated()
    assert file_key_id(sealed) == 1
    assert reencrypt_file(sealed, AAD, keys=wider)
    assert file_key_id(sealed) == 2
    assert not reencrypt_file(sealed, AAD, keys=wider)
    decrypt_file(sealed, again, AAD, keys=wider.without("field", 1))
    assert again.read_bytes() == plain.read_bytes()


def test_a_broken_file_is_left_as_it_was_by_rotation(tmp_path):
    plain, sealed = tmp_path / "a", tmp_path / "b"
    plain.write_bytes(os.urandom(2 << 20))
    encrypt_file(plain, sealed, AAD, keys=RING)
    broken = sealed.read_bytes()[:-5]
    sealed.write_bytes(broken)
    with pytest.raises(DecryptError):
        reencrypt_file(sealed, AAD, keys=RING.rotated())
    assert sealed.read_bytes() == broken
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_what_is_no_sealed_file(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("姓名,身份证号\n" * 10)
    with pytest.raises(DecryptError, match="不是本系统的密文"):
        file_key_id(path)
