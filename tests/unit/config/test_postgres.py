"""The private server on a throw-away state folder: made, killed, started again, stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tuodi.config import pgbinaries, postgres
from tuodi.config.errors import PostgresMissingError, PostgresVersionError

pytestmark = pytest.mark.skipif(pgbinaries.choose() is None, reason="no PostgreSQL on this machine")


@pytest.fixture
def throw_away(tmp_path_factory, monkeypatch):
    var = tmp_path_factory.mktemp("v")
    for folder in (var, *var.parents[:3]):  # pytest makes its folders 0700; the server's user must pass
        if folder.stat().st_uid == os.geteuid() and "pytest" in str(folder):
            folder.chmod(0o711)
    monkeypatch.setenv("TUODI_VAR", str(var))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    yield var
    postgres.stop(mode="immediate")


def owner(place: postgres.Layout) -> psycopg.Connection:
    return psycopg.connect(host=place.socket, user=postgres.OWNER_ROLE, dbname=postgres.DATABASE)


def test_killed_under_load_it_starts_again_and_lost_nothing_acknowledged(throw_away: Path) -> None:
    place = postgres.ensure_running()
    with owner(place) as link:
        link.execute("create table t (n int primary key)")
    acknowledged: list[int] = []

    def write() -> None:
        try:
            with owner(place) as link:
                link.autocommit = True
                for number in range(100_000):
                    link.execute("insert into t values (%s)", (number,))
                    acknowledged.append(number)
        except psycopg.Error:
            pass  # the server was killed under us

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 200:
        time.sleep(0.01)
    first = postgres.kill_hard()
    writer.join()
    again = postgres.ensure_running()
    assert again == place
    assert postgres.postmaster_pid(again) != first
    with owner(again) as link:
        kept = {number for (number,) in link.execute("select n from t").fetchall()}
    assert set(acknowledged) <= kept


def test_a_second_start_changes_nothing_and_stop_stops(throw_away: Path) -> None:
    place = postgres.ensure_running()
    pid = postgres.postmaster_pid(place)
    postgres.ensure_running()
    assert postgres.postmaster_pid(place) == pid
    assert postgres.stop() is True
    assert postgres.stop() is False
    assert postgres.postmaster_pid(place) is None


def test_several_starters_at_once_make_one_server(throw_away: Path) -> None:
    code = "from tuodi.config import postgres as p; print(p.postmaster_pid(p.ensure_running()))"
    starters = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({one.communicate(timeout=60)[0] for one in starters}) == 1


def test_a_stale_pid_of_another_program_does_not_stop_the_start(throw_away: Path) -> None:
    place = postgres.ensure_running()
    postgres.stop()
    Path(place.data, "postmaster.pid").write_text(f"{os.getpid()}\n{place.data}\n")
    assert postgres.ensure_running() == place


def test_it_listens_on_no_network_and_runs_as_nobody_special(throw_away: Path) -> None:
    place = postgres.ensure_running()
    with postgres.superuser_link(place) as link:
        assert link.execute("show listen_addresses").fetchone() == ("",)
        assert link.execute("show fsync").fetchone() == ("on",)
        assert link.execute("show lc_ctype").fetchone() == ("C.UTF-8",)
        roles = link.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname like 'tuodi%' order by 1"
        ).fetchall()
    assert roles == [("tuodi_app", False, False, False), ("tuodi_owner", False, False, False)]
    assert Path(place.socket).stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:
        assert Path(f"/proc/{postgres.postmaster_pid(place)}").stat().st_uid != 0


def test_a_long_path_gets_a_short_socket_folder(tmp_path: Path, monkeypatch) -> None:
    long = tmp_path / ("很长的目录" * 8)
    monkeypatch.setenv("TUODI_VAR", str(long))
    place = postgres.layout()
    assert len(os.fsencode(place.socket)) <= postgres.LONGEST_SOCKET_FOLDER
    assert postgres.layout() == place  # written down, not decided anew


def test_no_server_and_a_foreign_data_folder_are_said_apart(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TUODI_VAR", str(tmp_path))
    monkeypatch.setattr(postgres, "_reaches", lambda user, folder: True)
    monkeypatch.setattr(pgbinaries, "candidates", lambda: iter(()))
    with pytest.raises(PostgresMissingError, match="DATABASE_URL"):
        postgres.layout()
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("9\n")
    monkeypatch.setattr(pgbinaries, "candidates", lambda: iter([pgbinaries.Binaries(tmp_path, 15, "system")]))
    with pytest.raises(PostgresVersionError, match="PostgreSQL 9"):
        postgres.layout()


def test_a_given_database_is_left_alone(throw_away: Path, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@elsewhere/db?sslmode=require")
    assert postgres.ensure_running() is None
    assert postgres.stop() is False
    from tuodi.config import database

    found = database.settings(testing=False)
    assert (found["NAME"], found["HOST"], found["OPTIONS"]["sslmode"]) == ("db", "elsewhere", "require")
    assert "role=tuodi_app" in found["OPTIONS"]["options"]
