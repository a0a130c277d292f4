"""A backup holds one moment whole, opens only with the keys, and comes back beside what is in use."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from casekit import family
from django.db import connection
from psycopg import sql

from tuodi.config import backup
from tuodi.config.backup import Server
from tuodi.config.errors import BackupError
from tuodi.crypto import keyring
from tuodi.crypto.keyring import Keyring
from tuodi.files.models import StoredFile
from tuodi.files.store import put_bytes
from tuodi.org.access import system_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="在私有数据库服务上测试换名"),
]
REGION = "420802001001"


def quiet(_words: str) -> None:
    pass


@pytest.fixture
def kept(files_dir: Path, tmp_path: Path) -> Path:
    """A backup of a database with one family and one file."""
    family(REGION)
    with system_scope("420802"):
        put_bytes(b"consent", region=REGION, name="a.pdf", purpose="consent")
    return backup.make(tmp_path / "kept", files=files_dir, server=present(), tell=quiet)


def present() -> Server:
    return Server.present(connection.settings_dict["NAME"])


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """An empty database beside the tests' own; whatever came of it is dropped."""
    name = f"{connection.settings_dict['NAME']}_kept"
    server = Server.present(name)
    with server.named("postgres").connect(autocommit=True) as link:
        drop(link, name)
        link.execute(sql.SQL("create database {} owner tuodi_owner").format(sql.Identifier(name)))
        yield server
        drop(link, name)


def drop(link: psycopg.Connection, name: str) -> None:
    found = link.execute("select datname from pg_database where starts_with(datname, %s)", (name,)).fetchall()
    for (one,) in found:
        link.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(one)))


def one(server: Server, query: str, role: str = "") -> object:
    with server.connect() as link:
        if role:
            link.execute(f"set role {role}")
        return link.execute(query).fetchone()[0]


def test_it_comes_back_with_every_row_lock_and_file(kept, elsewhere, files_dir, tmp_path):
    what = backup.check(kept, tell=quiet)
    assert (what["tables"]["people_household"], what["files"]) == (1, 1)
    found = tmp_path / "files"
    backup.restore(kept, files=found, server=elsewhere, tell=quiet)
    assert one(elsewhere, "select count(*) from people_household") == 1
    # The locks came along: the runtime role without a range sees nothing, and the ledger refuses its owner.
    assert one(elsewhere, "select count(*) from people_household", "tuodi_app") == 0
    with elsewhere.connect() as link, pytest.raises(psycopg.DatabaseError):
        link.execute("delete from audit_auditentry")
    stored = [path.relative_to(files_dir) for path in files_dir.rglob("*") if path.is_file()]
    assert [path.relative_to(found) for path in found.rglob("*") if path.is_file()] == stored
    assert (found / stored[0]).read_bytes() == (files_dir / stored[0]).read_bytes()
    assert b"consent" not in (found / stored[0]).read_bytes()

    with pytest.raises(BackupError, match=r"--replace"):
        backup.restore(kept, files=found, server=elsewhere, tell=quiet)
    with elsewhere.connect() as link:
        link.execute("update people_household set address = '改过'")
    with elsewhere.connect(), pytest.raises(BackupError, match="还有 1 个连接在使用数据库"):
        backup.restore(kept, files=found, server=elsewhere, replace=True, tell=quiet)
    assert one(elsewhere, "select address from people_household") == "改过"  # refused, and as it was
    before = backup.restore(kept, files=found, server=elsewhere, replace=True, tell=quiet)["before"]
    assert one(elsewhere, "select address from people_household") != "改过"
    assert one(elsewhere.named(before), "select address from people_household") == "改过"


def test_without_the_keys_it_does_not_open(kept, elsewhere, tmp_path):
    held = keyring.active()
    keyring.install(Keyring.generate())
    try:
        with pytest.raises(BackupError, match="请先装上做这份备份时的密钥"):
            backup.restore(kept, files=tmp_path / "files", server=elsewhere, tell=quiet)
    finally:
        keyring.install(held)
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("what", ["cut", "changed", "list", "gone", "files"])
def test_a_damaged_one_is_refused_whole_and_names_the_part(kept, elsewhere, tmp_path, what):
    dump, listed = kept / "database.tdb", kept / "manifest.json"
    if what == "cut":
        dump.write_bytes(dump.read_bytes()[:-1000])
    elif what == "changed":
        data = bytearray(dump.read_bytes())
        data[len(data) // 2] ^= 1
        dump.write_bytes(bytes(data))
    elif what == "list":
        said = json.loads(listed.read_text())
        listed.write_text(json.dumps(said | {"tables": said["tables"] | {"people_household": 2}}))
    elif what == "gone":
        (kept / "files.tar").unlink()
    else:
        shutil.copyfile(dump, kept / "files.tar")
    part = {"list": "manifest", "gone": "files.tar", "files": "files.tar"}.get(what, "database.tdb")
    with pytest.raises(BackupError, match=part):
        backup.restore(kept, files=tmp_path / "files", server=elsewhere, tell=quiet)
    assert one(elsewhere, "select count(*) from pg_tables where schemaname = 'public'") == 0


def test_a_dump_that_fails_leaves_nothing_behind(files_dir, tmp_path, monkeypatch):
    server = present()
    with pytest.raises(BackupError, match="pg_dump 没有做完"):
        backup.make(
            tmp_path / "kept",
            files=files_dir,
            server=server.__class__(server.env | {"PGUSER": "tuodi_app"}, server.folder),
            tell=quiet,
        )
    assert list((tmp_path / "kept").iterdir()) == []
    assert StoredFile.objects.count() == 0
