"""What every test shares.

Tables are made by the owner; the tests themselves act as the runtime role `tuodi_app`, held by row-level security
like the product is. A test that must act as the owner says so with the `as_owner` fixture.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tuodi.config import postgres

APP_ROLE = postgres.APP_ROLE
#: Tables whose guards refuse even TRUNCATE; emptied between transactional tests with the guards off.
GUARD_QUERY = (
    "select distinct tgrelid::regclass::text from pg_trigger t join pg_class c on c.oid = t.tgrelid "
    "where not tgisinternal and (tgtype & 32) <> 0"
)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Starts the private server the first time a test needs a database."""
    postgres.ensure_running()


#: A table with more rows than this is truncated: deleting checks each row's references.
FEW_ROWS = 2000


@pytest.fixture(scope="session", autouse=True)
def _flush_past_the_guards() -> Iterator[None]:
    """Empties the tables between transactional tests: append-only tables refuse it, so their guards rest meanwhile.

    TRUNCATE writes new files for every table and index, some thousand, though a test filled a dozen: where little was written
    only that is deleted.
    """
    from django.db.backends.postgresql.operations import DatabaseOperations

    plain = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("reset role")
            named = [name for text in sql_list if text.startswith("TRUNCATE") for name in re.findall(r'"(\w+)"', text)]
            full = _filled(cursor, named)
            if not full or (max(full.values()) <= FEW_ROWS and _deleted(cursor, list(full))):
                return
            cursor.execute(GUARD_QUERY)
            tables = [name for (name,) in cursor.fetchall()]
            for table in tables:
                cursor.execute(f"alter table {table} disable trigger user")
            plain(self, sql_list)
            for table in tables:
                cursor.execute(f"alter table {table} enable trigger user")

    DatabaseOperations.execute_sql_flush = flush
    yield
    DatabaseOperations.execute_sql_flush = plain


def _filled(cursor: Any, tables: list[str]) -> dict[str, int]:
    """Table -> rows, counted up to one above `FEW_ROWS`; empty tables are left out."""
    counts = (f"select '{name}', count(*) from (select 1 from \"{name}\" limit {FEW_ROWS + 1}) x" for name in tables)
    cursor.execute(" union all ".join(counts))
    return {name: number for name, number in cursor.fetchall() if number}


def _deleted(cursor: Any, tables: list[str]) -> bool:
    """Deletes all rows of some tables in one transaction; False where a reference that cannot wait forbids the order."""
    from django.db import IntegrityError, transaction

    try:
        with transaction.atomic():
            for name in tables:
                cursor.execute(f'alter table "{name}" disable trigger user')
            for name in tables:
                cursor.execute(f'delete from "{name}"')
            cursor.execute("set constraints all immediate")
            for name in tables:
                cursor.execute(f'alter table "{name}" enable trigger user')
    except IntegrityError:
        return False
    return True


@pytest.fixture(autouse=True)
def _adopted_standards(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test before this one adopted is forgotten; within a test the table is asked by requests and by who adopts, not by the clock."""
    from tuodi.standards import book

    book.forget()
    monkeypatch.setattr(book, "_FRESH_SECONDS", float("inf"))


@pytest.fixture(autouse=True)
def files_dir(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stored files of a test lie in its own folder: keys live as long as a session, files of an earlier one would not open."""
    folder = tmp_path_factory.mktemp("files")
    settings.FILES_DIR = folder
    return folder


@pytest.fixture(autouse=True)
def _mark_of_its_own(settings: Any, files_dir: Path) -> None:
    """What a test gives out to a bank leaves its mark beside its files, not where the next one, or a site, finds it."""
    settings.BANK_MARK = files_dir / "bank_sent.json"


def _take_role(connection: object, **_: object) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(f"set role {APP_ROLE}")


@pytest.fixture(autouse=True)
def _runtime_role(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test with a database runs as `tuodi_app`; connections of other threads too."""
    marker = request.node.get_closest_marker("django_db")
    names = set(request.fixturenames)
    transactional = bool(names & {"transactional_db", "live_server", "django_db_reset_sequences"}) or bool(
        marker and marker.kwargs.get("transaction")
    )
    if not marker and not transactional and "db" not in names:
        yield
        return
    request.getfixturevalue("_django_db_helper")
    from django.db import connection
    from django.db.backends.signals import connection_created

    if not transactional:
        with connection.cursor() as cursor:
            cursor.execute(f"set local role {APP_ROLE}")
        yield
        return
    _take_role(connection)
    connection_created.connect(_take_role)
    yield
    connection_created.disconnect(_take_role)
    with contextlib.suppress(Exception), connection.cursor() as cursor:
        cursor.execute("reset role")


@pytest.fixture
def as_owner() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with as_owner(): ...` acts as the owner of the tables, past row-level security."""

    @contextlib.contextmanager
    def acting() -> Iterator[None]:
        from django.db import connection, transaction

        local = "local" if connection.in_atomic_block else ""
        with transaction.atomic():  # an error puts the role back with the savepoint
            with connection.cursor() as cursor:
                cursor.execute(f"set {local} role {postgres.OWNER_ROLE}")
            yield
            with connection.cursor() as cursor:
                cursor.execute(f"set {local} role {APP_ROLE}")

    return acting


_numbers = itertools.count(1)


@pytest.fixture
def make_user(request: pytest.FixtureRequest) -> Callable[..., object]:
    """`make_user("420802", "accept", "review")`: an officer of a new office there, with duties in that place."""

    def make(place_code: str, *duties: str, username: str | None = None, password: str = "Tuodi-2017-x") -> object:
        from tuodi.org import actions
        from tuodi.org.models import Office

        request.getfixturevalue("settings").DEMO = True  # demo accounts open nothing elsewhere
        number = next(_numbers)
        office = Office.objects.filter(place_code=place_code, name=f"测试机构{place_code}").first()
        if office is None:
            office = Office.objects.create(name=f"测试机构{place_code}", place_code=place_code)
        user = actions.add_user(
            acting_user=None,
            username=username or f"u{number}-{os.getpid()}",
            name=f"经办{number}",
            office=office,
            password=password,
            is_demo=True,
        )
        for duty in duties:
            actions.grant_duty(acting_user=None, user=user, code=duty)
        return user

    return make


@pytest.fixture
def desk(make_user: Any, settings: Any, tmp_path: Path) -> Iterator[Any]:
    """A county's payment desk with a line to a simulated bank that listens on the loopback (`bankkit.Desk`)."""
    from bankkit import Desk, listening, wire_up

    bank = wire_up(settings, tmp_path)
    with listening(bank) as address:
        yield Desk(make_user, bank, address)
