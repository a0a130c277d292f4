"""Backups: one folder with the database, the stored files and a sealed list of what is in it; made whole or not at all.

`database.tdb` is PostgreSQL's own dump, encrypted on its way to the disk; `files.tar` holds the stored files, which are
ciphertext already; `manifest.json` says how many rows every table had in the very snapshot that was dumped, and
`manifest.seal` is the same list under the keys of the site, so that a changed list is noticed. The keys themselves are
never in it: together they would be plain text (docs/howto/keys.md).

A backup is brought back beside the database in use and compared with its list; only then the two change names.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tuodi.config import pgbinaries, postgres
from tuodi.config.errors import BackupError
from tuodi.crypto.errors import DecryptError
from tuodi.crypto.files import decrypt_stream, encrypt_stream
from tuodi.kernel import clock
from tuodi.kernel.disk import new_file, sync_folder

__all__ = ["Server", "check", "make", "restore"]

FORMAT = 1
#: A connection that was closed is still counted for a moment.
PARTING_SECONDS = 2.0
DUMP, FILES, LIST, SEAL = "database.tdb", "files.tar", "manifest.json", "manifest.seal"
Tell = Callable[[str], None]
#: What PostgreSQL's programs read -> what a connection calls it.
_VARIABLES = {
    "PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname",
    "PGSSLMODE": "sslmode", "PGSSLROOTCERT": "sslrootcert",
}  # fmt: skip
_TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"


@dataclass(frozen=True)
class Server:
    """A database, as the programs of PostgreSQL are told about it.

    Attributes:
        env: PG* variables: a password on a command line could be read by anybody on the machine.
        folder: where `pg_dump` and `pg_restore` are.
        role: what a given login becomes; empty on the private server, where its superuser works.
    """

    env: dict[str, str]
    folder: str
    role: str = ""

    @classmethod
    def present(cls, dbname: str = "") -> Server:
        """The private server (started if need be), or the one `DATABASE_OWNER_URL` or `DATABASE_URL` names.

        Raises: PostgresMissingError and its like; BackupError where there are no programs for a given server.
        """
        place = postgres.ensure_running()
        if place is not None:
            env = {"PGHOST": place.socket, "PGPORT": "5432", "PGUSER": postgres.SUPERUSER}
            return cls(env | {"PGDATABASE": dbname or postgres.DATABASE}, place.folder)
        parts = conninfo_to_dict(os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"])
        found = pgbinaries.choose()
        if found is None:
            raise BackupError("本机没有 pg_dump", "请安装不低于服务器版本的 PostgreSQL 客户端程序后再备份")
        env = {name: str(parts[key]) for name, key in _VARIABLES.items() if parts.get(key) is not None}
        if dbname:
            env["PGDATABASE"] = dbname
        return cls(env, str(found.folder), postgres.OWNER_ROLE if env.get("PGUSER") != postgres.OWNER_ROLE else "")

    def named(self, dbname: str) -> Server:
        """Another database of the same server."""
        return Server(self.env | {"PGDATABASE": dbname}, self.folder, self.role)

    @property
    def dbname(self) -> str:
        """Which database."""
        return self.env["PGDATABASE"]

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """A connection with the same login."""
        link = psycopg.connect(**{_VARIABLES[name]: value for name, value in self.env.items()}, **options)
        if self.role:
            link.execute(sql.SQL("set role {}").format(sql.Identifier(self.role)))
            if not link.autocommit:
                link.commit()
        return link

    @contextmanager
    def working(self, program: str, *arguments: str, remedy: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
        """One of PostgreSQL's programs, at work; it has ended when the block has, and is killed where the block breaks.

        Raises: BackupError with its last words and the remedy, where it ends with a fault.
        """
        plain = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        role = [f"--role={self.role}"] if self.role else []
        command = [str(Path(self.folder, program)), "--no-password", *role, *arguments]
        with tempfile.TemporaryFile() as words:
            work = subprocess.Popen(
                command, env=plain | {"LC_ALL": "C.UTF-8"} | self.env, cwd="/", stderr=words, **streams
            )
            try:
                yield work
            except BaseException:
                work.kill()
                raise
            finally:
                code = work.wait()
            if code != 0:
                words.seek(0)
                said = words.read().decode(errors="replace").strip()[-400:]
                raise BackupError(f"{program} 没有做完：{said}", remedy)


# Making ------------------------------------------------------------------------------------------------------------


def make(target: Path, *, files: Path, server: Server | None = None, tell: Tell = print) -> Path:
    """Makes a backup while people go on working: the database as it was at one moment, and every file that moment knew.

    Args:
        target: the folder that keeps backups; made if it is not there. files: where stored files lie.

    Returns: the backup's own folder. A run that fails or is killed leaves at most a folder ending in `.partial`.
    Raises: BackupError.
    """
    server = server or Server.present()
    made = clock.now()
    name = f"tuodi-{made:%Y%m%d-%H%M%S}"
    folder = target / name
    partial = target / f"{name}.partial"
    if folder.exists() or partial.exists():
        raise BackupError(f"{folder} 已经存在", "请稍候再试，或换一个存放目录")
    try:
        partial.mkdir(parents=True, mode=0o700)
        with server.connect() as link:
            link.execute("set transaction isolation level repeatable read, read only")
            row = link.execute("select pg_export_snapshot()").fetchone()
            assert row is not None
            tell("导出数据库 …")
            dump = _dump(server, row[0], partial / DUMP, name)
            tell("清点各表 …")
            tables = _counts(link)
            server_version = link.info.server_version
        tell("打包文件 …")
        kept = _pack(files, partial / FILES)
        what = {
            "format": FORMAT,
            "name": name,
            "made_at": made.isoformat(),
            "product": _product(),
            "server_version": server_version,
            "database": server.dbname,
            "tables": tables,
            "files": kept.count,
            "parts": {DUMP: dump, FILES: kept.sha256},
        }
        text = json.dumps(what, ensure_ascii=False, indent=1, sort_keys=True).encode()
        _write(partial / LIST, iter([text]))
        _write(partial / SEAL, encrypt_stream(io.BytesIO(text), _aad(name, SEAL)))
        sync_folder(partial)
        partial.rename(folder)
        sync_folder(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupError(f"备份没有做成：{error.strerror or error}", "请检查存放目录的空间和权限后重做") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    tell(f"备份完成：{folder}（{sum(tables.values()):,} 行，{kept.count:,} 个文件）。密钥不在其中，请另行保管。")
    return folder


def _product() -> str:
    try:
        return version("tuodi")
    except PackageNotFoundError:  # run from a checkout
        return ""


def _aad(name: str, part: str) -> str:
    return f"backup|{name}|{part}"


def _counts(link: psycopg.Connection[Any]) -> dict[str, int]:
    found = {}
    for (table,) in link.execute(_TABLES).fetchall():
        row = link.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("public", table))).fetchone()
        found[str(table)] = int(row[0]) if row else 0
    return found


def _dump(server: Server, snapshot: str, target: Path, name: str) -> str:
    with server.working(
        "pg_dump", "--format=custom", "--compress=1", f"--snapshot={snapshot}", remedy="请按上面的原因处理后重做",
        stdout=subprocess.PIPE,
    ) as work:  # fmt: skip
        return _write(target, encrypt_stream(cast(BinaryIO, work.stdout), _aad(name, DUMP)))


def _write(target: Path, pieces: Iterator[bytes]) -> str:
    """Writes and syncs a private file; the hash of what it holds."""
    digest = hashlib.sha256()
    with new_file(target) as handle:
        for piece in pieces:
            digest.update(piece)
            handle.write(piece)
    return digest.hexdigest()


class _Hashing(io.RawIOBase):
    """Passes on what is written and hashes it."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self._digest = handle, hashlib.sha256()

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._handle.write(data)

    def writable(self) -> bool:
        return True

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@dataclass(frozen=True)
class _Packed:
    count: int
    sha256: str


def _pack(files: Path, target: Path) -> _Packed:
    """Every stored file. They never change, so those of the snapshot are still there, and later ones do no harm."""
    count = 0
    with new_file(target) as handle:
        through = _Hashing(handle)
        with tarfile.open(mode="w|", fileobj=cast(Any, through), format=tarfile.PAX_FORMAT) as pack:
            for path in sorted(files.rglob("*")) if files.is_dir() else ():
                try:
                    if path.is_file() and not path.is_symlink():
                        pack.add(path, arcname=path.relative_to(files).as_posix(), recursive=False)
                        count += 1
                except FileNotFoundError:  # given up meanwhile, with its row
                    continue
    return _Packed(count, through.hexdigest())


# Checking ----------------------------------------------------------------------------------------------------------


def check(folder: Path, *, tell: Tell = print) -> dict[str, Any]:
    """Reads a backup to its last byte: the seal, every part's hash, every chunk of the dump.

    Returns: its list. Raises: BackupError, naming the part.
    """
    what = _sealed_list(folder)
    for part, wanted in what["parts"].items():
        tell(f"核对 {part} …")
        if _hash(folder / part) != wanted:
            raise BackupError(f"{folder / part} 与清单不符", "这份备份已损坏或被改动，请用另一份")
    with (folder / DUMP).open("rb") as handle:
        try:
            for _piece in decrypt_stream(handle, _aad(what["name"], DUMP)):
                pass
        except DecryptError as error:
            raise BackupError(f"{folder / DUMP} 打不开：{error}", "请核对密钥，或用另一份备份") from error
    tell(f"备份完好：{what['made_at']}，{sum(what['tables'].values()):,} 行，{what['files']:,} 个文件")
    return what


def _sealed_list(folder: Path) -> dict[str, Any]:
    missing = [name for name in (LIST, SEAL, DUMP, FILES) if not (folder / name).is_file()]
    if missing:
        raise BackupError(f"{folder} 不是一份完整的备份，缺 {'、'.join(missing)}", "请指到 tuodi- 开头的备份目录")
    text = (folder / LIST).read_bytes()
    try:
        what = json.loads(text)
        name = str(what["name"])
        with (folder / SEAL).open("rb") as handle:
            sealed = b"".join(decrypt_stream(handle, _aad(name, SEAL)))
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder / LIST} 读不懂", "清单已损坏，请用另一份备份") from error
    except DecryptError as error:
        raise BackupError(
            f"{folder / SEAL} 打不开：{error}", "请先装上做这份备份时的密钥（docs/howto/keys.md）"
        ) from error
    if sealed != text:
        raise BackupError(f"{folder / LIST} 与封存的清单不符", "清单被改动过，请用另一份备份")
    if what["format"] != FORMAT:
        raise BackupError(f"备份格式 {what['format']} 不认识", "请用做这份备份的版本来恢复")
    return cast(dict[str, Any], what)


def _hash(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


# Bringing back -----------------------------------------------------------------------------------------------------


def restore(
    folder: Path, *, files: Path, server: Server | None = None, replace: bool = False, tell: Tell = print
) -> dict[str, Any]:
    """Brings a backup back. What is in use now stays under another name until somebody drops it.

    On the private server the dump goes into a database of its own, is compared table by table with the list, and then takes
    the name of the one in use, which nobody may be connected to. On a given server the database named must be empty.

    Args:
        files: where stored files lie; those that are missing are added, none is overwritten.
        replace: the database in use holds data and is to step aside.

    Returns: the list, with `before`: the name the old database has now (empty = there was none).
    Raises: BackupError; the database in use is then as it was.
    """
    server = server or Server.present()
    what = check(folder, tell=tell)
    there = _tables_of(server)
    if server.role or os.environ.get("DATABASE_URL"):
        if there:
            raise BackupError(
                f"数据库 {server.dbname} 里已有 {there} 张表",
                "请让管理员另建一个空数据库，把 DATABASE_URL 指过去后再恢复",
            )
        _load(folder, what, server, tell)
        _unpack(folder / FILES, files, tell)
        return what | {"before": ""}
    if there and not replace:
        raise BackupError(
            f"数据库 {server.dbname} 正在使用，有 {there} 张表", "确要用备份代替它，请加 --replace；原来的会改名留着"
        )
    stamp = f"{clock.now():%Y%m%d%H%M%S}"
    new, before = f"{server.dbname}_restore_{stamp}", f"{server.dbname}_before_{stamp}"
    link = server.named("postgres").connect(autocommit=True)
    try:
        link.execute(
            sql.SQL("create database {} owner {}").format(sql.Identifier(new), sql.Identifier(postgres.OWNER_ROLE))
        )
        try:
            _load(folder, what, server.named(new), tell)
            _unpack(folder / FILES, files, tell)
            _swap(link, server.dbname, new, before)
        except BaseException:
            link.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(new)))
            raise
        for statement in ("revoke connect on database {} from public", "grant connect on database {} to tuodi_app"):
            link.execute(sql.SQL(statement).format(sql.Identifier(server.dbname)))
    finally:
        link.close()
    return what | {"before": before}


def _tables_of(server: Server) -> int:
    with server.connect() as link:
        row = link.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    return int(row[0]) if row else 0


def _load(folder: Path, what: dict[str, Any], server: Server, tell: Tell) -> None:
    tell("导入数据库 …")
    with (folder / DUMP).open("rb") as handle, server.working(
        "pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={server.dbname}",
        remedy="原数据库没有改动；请按上面的原因处理后重做", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
    ) as work:  # fmt: skip
        feed = cast(IO[bytes], work.stdin)
        with suppress(BrokenPipeError):  # it has ended; its words say why
            for piece in decrypt_stream(handle, _aad(what["name"], DUMP)):
                feed.write(piece)
            feed.close()
    tell("逐表核对 …")
    with server.connect() as link:
        found = _counts(link)
        link.commit()
        link.autocommit = True
        link.execute("analyze")
    wrong = [name for name in sorted({*found, *what["tables"]}) if found.get(name) != what["tables"].get(name)]
    if wrong:
        raise BackupError(f"恢复后的行数与清单不符：{'、'.join(wrong[:5])}", "原数据库没有改动；请用另一份备份")


def _swap(link: psycopg.Connection[Any], present: str, new: str, before: str) -> None:
    until = time.monotonic() + PARTING_SECONDS
    while (users := _users(link, present)) and time.monotonic() < until:
        time.sleep(0.1)
    if users:
        raise BackupError(
            f"还有 {users} 个连接在使用数据库", "请先停止网页服务和后台任务（tuodi serve、tuodi worker），再恢复"
        )
    names = [sql.Identifier(one) for one in (present, before, new)]
    with link.transaction():  # both names change or neither
        link.execute(sql.SQL("alter database {} rename to {}").format(names[0], names[1]))
        link.execute(sql.SQL("alter database {} rename to {}").format(names[2], names[0]))


def _users(link: psycopg.Connection[Any], dbname: str) -> int:
    """Who is connected; the server's own cleaning makes way by itself."""
    row = link.execute(
        "select count(*) from pg_stat_activity where datname = %s and backend_type = 'client backend'", (dbname,)
    ).fetchone()
    return int(row[0]) if row else 0


def _unpack(pack: Path, files: Path, tell: Tell) -> None:
    tell("补齐文件 …")
    files.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tarfile.open(pack, mode="r|") as opened:
        for member in opened:
            path = PurePosixPath(member.name)
            if not member.isfile() or path.is_absolute() or ".." in path.parts:
                raise BackupError(f"{pack} 里有不该有的内容 {member.name[:80]}", "这份备份不可信，请用另一份")
            target = files.joinpath(*path.parts)
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            source = opened.extractfile(member)
            assert source is not None
            partial = target.with_name(target.name + ".partial")
            partial.unlink(missing_ok=True)
            with new_file(partial) as handle:
                shutil.copyfileobj(source, handle)
            partial.rename(target)
