"""Keys: written form, files, rotation, and that they never leak."""

import os
import pickle

import pytest

from tuodi.crypto import keyring
from tuodi.crypto.errors import KeyringError
from tuodi.crypto.keyring import ENV, Keyring, rotate_file

FIELD, INDEX = "ab" * 16, "cd" * 32
TEXT = f"field:1:{FIELD}\nindex:1:{INDEX}"


@pytest.fixture(autouse=True)
def _no_outside_keys(monkeypatch):
    monkeypatch.delenv(ENV, raising=False)
    keyring.install(None)
    yield
    keyring.install(None)


def test_the_written_form_reads_back():
    ring = Keyring.generate().rotated("field").rotated("index").rotated("field")
    copy = Keyring.parse(ring.written())
    assert copy.written() == ring.written()
    assert copy.numbers("field") == (3, 2, 1)
    assert copy.current("index") == 2


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\n", ";"),
        f"# 说明\n\n {TEXT} # 尾注\n",
        TEXT.upper().replace("FIELD", "field").replace("INDEX", "index"),
    ],
)
def test_ways_to_write_it(text):
    assert Keyring.parse(text).key("field", 1) == bytes.fromhex(FIELD)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "缺少 field"),
        (f"field:1:{FIELD}", "缺少 index"),
        (TEXT + "\nfield:x:00", "第 3 条写法不对"),
        (TEXT + "\nother:1:00", "第 3 条写法不对"),
        (TEXT + f"\nfield:2:{FIELD[:-1]}z", "第 3 条写法不对"),
        (TEXT + f"\nfield:1:{FIELD}", "第 3 条与前面的编号重复"),
        (TEXT + f"\nfield:2:{FIELD}00", "应为 16 字节，现为 17"),
        (TEXT + f"\nfield:0:{FIELD}", "不在 1 到 65535"),
        (TEXT + f"\nfield:65536:{FIELD}", "不在 1 到 65535"),
    ],
)
def test_what_is_badly_written_is_named_by_place_and_not_by_content(text, why):
    with pytest.raises(KeyringError, match=why) as caught:
        Keyring.parse(text)
    assert FIELD[:8] not in str(caught.value) + repr(caught.value.fields)


def test_a_first_start_makes_a_private_file_and_keeps_it(tmp_path):
    path = tmp_path / "var" / "keys"
    made = Keyring.from_env_or_file(path, create=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keyring.from_env_or_file(path, create=True).written() == made.written()
    assert os.listdir(path.parent) == ["keys"]


def test_without_leave_no_new_keys_are_made(tmp_path):
    with pytest.raises(KeyringError, match="读不到密钥文件"):
        Keyring.from_env_or_file(tmp_path / "keys")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "keys"
    Keyring.generate().save(path)
    path.chmod(mode)
    with pytest.raises(KeyringError, match="chmod 600"):
        Keyring.from_env_or_file(path)


def test_the_environment_wins(tmp_path, monkeypatch):
    monkeypatch.setenv(ENV, TEXT)
    assert Keyring.from_env_or_file(tmp_path / "none").key("index", 1) == bytes.fromhex(INDEX)


def test_a_key_file_is_never_overwritten(tmp_path):
    path = tmp_path / "keys"
    first = Keyring.generate()
    first.save(path)
    with pytest.raises(FileExistsError):
        Keyring.generate().save(path)
    assert Keyring.from_env_or_file(path).written() == first.written()


def test_rotation_keeps_the_old_key_and_writes_with_the_new(tmp_path):
    path = tmp_path / "keys"
    first = Keyring.generate()
    first.save(path)
    ring = rotate_file(path)
    assert ring.current("field") == 2
    assert ring.key("field", 1) == first.key("field", 1)
    assert Keyring.from_env_or_file(path).written() == ring.written()
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["keys"]


def test_an_old_key_can_go_and_the_current_cannot():
    ring = Keyring.generate().rotated()
    assert ring.without("field", 1).numbers("field") == (2,)
    with pytest.raises(KeyringError, match="正在使用"):
        ring.without("field", 2)


def test_keys_do_not_leak_by_repr_or_pickle():
    ring = Keyring.parse(TEXT)
    assert repr(ring) == "Keyring(field=[1], index=[1])"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(ring)


def test_check_values_tell_rings_apart():
    a, b = Keyring.generate(), Keyring.generate()
    assert a.check_values() == Keyring.parse(a.written()).check_values()
    assert set(a.check_values()) == {"field:1", "index:1"}
    assert a.check_values()["field:1"] != b.check_values()["field:1"]
    assert all(mark not in a.written() for mark in a.check_values().values())


def test_without_an_installed_ring_nothing_works():
    with pytest.raises(KeyringError, match="尚未装入密钥"):
        keyring.active()
    ring = Keyring.generate()
    keyring.install(ring)
    assert keyring.active() is ring
