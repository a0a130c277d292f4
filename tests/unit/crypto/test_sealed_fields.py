"""Encrypted values and their indexes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.crypto import keyring
from tuodi.crypto.errors import DecryptError, KeyringError
from tuodi.crypto.fields import OVERHEAD, decrypt, encrypt, key_id, needs_rotation, reencrypt
from tuodi.crypto.index import SIZE, blind_index, blind_indexes, candidates
from tuodi.crypto.keyring import Keyring

RING = Keyring.generate()
AAD = "people.person.id_no"
ID = "42089919900101001X"


@given(st.text(max_size=60), st.text(max_size=20))
def test_what_is_sealed_opens(text, aad):
    blob = encrypt(text, aad, keys=RING)
    assert decrypt(blob, aad, keys=RING) == text
    assert decrypt(memoryview(blob), aad.encode(), keys=RING) == text
    assert len(blob) == len(text.encode()) + OVERHEAD


def test_rare_characters_survive():
    assert decrypt(encrypt("𬭎䶮㛃", AAD, keys=RING), AAD, keys=RING) == "𬭎䶮㛃"


def test_the_same_text_never_looks_the_same_and_never_shows():
    blobs = {encrypt(ID, AAD, keys=RING) for _ in range(50)}
    assert len(blobs) == 50
    assert not any(ID.encode() in blob for blob in blobs)


def test_a_wrong_key_does_not_open():
    blob = encrypt(ID, AAD, keys=RING)
    with pytest.raises(DecryptError) as caught:
        decrypt(blob, AAD, keys=Keyring.generate())
    assert caught.value.reason == "altered"
    assert ID not in str(caught.value)


def test_a_value_moved_to_another_column_does_not_open():
    with pytest.raises(DecryptError, match="移到了别的字段"):
        decrypt(encrypt(ID, AAD, keys=RING), "people.person.phone", keys=RING)


def test_every_changed_byte_is_noticed():
    blob = encrypt(ID, AAD, keys=RING)
    for at in range(len(blob)):
        broken = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
        with pytest.raises(DecryptError):
            decrypt(broken, AAD, keys=RING)


def test_every_shortened_value_is_noticed():
    blob = encrypt(ID, AAD, keys=RING)
    for size in range(len(blob)):
        with pytest.raises(DecryptError):
            decrypt(blob[:size], AAD, keys=RING)
    with pytest.raises(DecryptError):
        decrypt(blob + b"\0", AAD, keys=RING)


@pytest.mark.parametrize(("blob", "reason"), [(b"", "format"), (ID.encode() * 3, "format"), (b"\x01\x00", "truncated")])
def test_what_is_no_ciphertext_says_so(blob, reason):
    with pytest.raises(DecryptError) as caught:
        decrypt(blob, AAD, keys=RING)
    assert caught.value.reason == reason


def test_rotation_of_a_value():
    blob = encrypt(ID, AAD, keys=RING)
    wider = RING.rotated()
    assert key_id(blob) == 1
    assert decrypt(blob, AAD, keys=wider) == ID
    assert needs_rotation(blob, keys=wider)
    fresh = reencrypt(blob, AAD, keys=wider)
    assert key_id(fresh) == 2
    assert not needs_rotation(fresh, keys=wider)
    assert reencrypt(fresh, AAD, keys=wider) == fresh  # a second run changes nothing
    last = wider.without("field", 1)
    assert decrypt(fresh, AAD, keys=last) == ID
    with pytest.raises(DecryptError, match="编号为 1 的密钥"):
        decrypt(blob, AAD, keys=last)


def test_an_altered_value_is_not_rotated_into_a_good_one():
    blob = encrypt(ID, AAD, keys=RING)
    with pytest.raises(DecryptError):
        reencrypt(blob[:-1] + bytes([blob[-1] ^ 1]), AAD, keys=RING.rotated())


# --- indexes --------------------------------------------------------------------------------------------------


def test_an_index_is_stable_and_bound_to_text_purpose_and_key():
    index = blind_index(ID, "id", keys=RING)
    assert len(index) == SIZE
    assert index == blind_index(ID, "id", keys=RING)
    assert index != blind_index(ID[:-1] + "0", "id", keys=RING)
    assert index != blind_index(ID, "account", keys=RING)
    assert index != blind_index(ID, "id", keys=Keyring.generate())
    assert index != blind_index(ID[1:], "id" + ID[0], keys=RING)


def test_the_index_of_a_known_key_never_changes():
    # Stored indexes must be found again by every later version.
    ring = Keyring.parse("field:1:" + "00" * 16 + ";index:1:" + "11" * 32)
    assert blind_index(ID, "id", keys=ring).hex() == "ba627cfeaab0e6178f018101bde6f680"


@given(st.lists(st.none() | st.text(max_size=20), max_size=20))
def test_many_at_once_equal_one_by_one(texts):
    assert blind_indexes(texts, "id", keys=RING) == [
        None if t is None else blind_index(t, "id", keys=RING) for t in texts
    ]


def test_while_an_index_key_is_rotated_both_are_searched():
    wider = RING.rotated("index")
    old, new = blind_index(ID, "id", keys=RING), blind_index(ID, "id", keys=wider)
    assert old != new
    assert candidates(ID, "id", keys=wider) == [new, old]
    assert blind_index(ID, "id", keys=wider, number=1) == old
    with pytest.raises(KeyringError, match="index 密钥 7"):
        blind_index(ID, "id", keys=wider, number=7)


def test_the_installed_ring_is_used_when_none_is_passed():
    keyring.install(RING)
    try:
        assert decrypt(encrypt(ID, AAD), AAD) == ID
        assert blind_index(ID, "id") == blind_index(ID, "id", keys=RING)
    finally:
        keyring.install(None)
