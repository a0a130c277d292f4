"""Stored files: encrypted, once, visible by place, damage noticed."""

from __future__ import annotations

import os

import pytest

from tuodi.crypto.errors import DecryptError
from tuodi.files import store
from tuodi.files.errors import FileMissingError
from tuodi.files.models import StoredFile
from tuodi.org.access import system_scope

pytestmark = pytest.mark.django_db
REGION, OTHER = "420899001001", "420899002001"


@pytest.fixture(autouse=True)
def folder(files_dir):
    with system_scope("420899"):
        yield files_dir


def put(data: bytes = b"secret text", **more: str) -> StoredFile:
    return store.put_bytes(data, **({"region": REGION, "name": "花名册.xlsx", "purpose": "roll_import"} | more))


def test_bytes_come_back_and_lie_encrypted(folder) -> None:
    stored = put()
    assert store.open_plain(stored).read() == b"secret text"
    path = store.path_of(stored)
    assert b"secret" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with store.plain_copy(stored) as copy:
        assert copy.read_bytes() == b"secret text"
    assert not copy.exists()
    assert os.listdir(folder / ".scratch") == []


def test_the_same_file_twice_is_one_row_but_another_place_has_its_own() -> None:
    assert put().pk == put().pk
    assert put(region=OTHER).pk != put().pk
    with system_scope("420899001"):
        assert StoredFile.objects.count() == 1


def test_the_same_file_of_two_towns_of_one_county_reads_in_both() -> None:
    first, second = put(region="420899001000"), put(region="420899002000")
    assert first.pk != second.pk
    assert store.open_plain(first).read() == store.open_plain(second).read() == b"secret text"


def test_a_changed_swapped_or_lost_file_is_noticed() -> None:
    one, two = put(b"one"), put(b"two")
    store.path_of(one).write_bytes(store.path_of(two).read_bytes())
    with pytest.raises(DecryptError):
        store.open_plain(one)
    store.path_of(two).unlink()
    with pytest.raises(FileMissingError):
        store.open_plain(two)
    assert store.open_plain(put(b"two")).read() == b"two"  # storing again heals the loss


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\x\\y.xls", "y.xls"), ("a\r\nb.txt", "ab.txt"), ("..", "file")],
)
def test_a_name_keeps_no_folder_and_no_control_sign(name: str, kept: str) -> None:
    assert store.safe_name(name) == kept
