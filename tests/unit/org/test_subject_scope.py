"""Residents: under a subject scope nobody sees or writes a row of another family, whatever the table.

Every protected table gets a row of mine and one of my neighbour's in the same village, by the owner, with what would
stand in the way (checks, keys, triggers) taken off for the length of the test.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from tuodi.org.access import Subject, current_subject, subject_scope, system_scope

pytestmark = pytest.mark.django_db

VILLAGE = "420899001001"
MINE, THEIRS = 910_000_001, 910_000_002
ME = Subject(account_id=1, person_id=MINE, region=VILLAGE, person_ids=(MINE,), household_ids=(MINE,))
#: Columns that say whose a row is; every other column stays empty.
WHOSE = (
    "person_id",
    "household_id",
    "case_id",
    "application_id",
    "applicant_id",
    "head_id",
    "account_id",
    "agreement_id",
)
#: Anybody may append here, and nobody read: the log, and what is said to people.
APPENDED = {"audit_auditentry", "outbox_message"}
#: What a family may see of itself. A table that is opened to residents is put here by who opens it.
OPENED = {
    "people_person",
    "people_formername",
    "people_household",
    "people_membership",
    "people_householdchange",
    "people_account",
    "people_rollentry",
    "people_householdfacts",
    "people_memberfacts",
    "people_telling",
    "cases_case",
    "cases_step",
    "cases_notice",
    "intake_application",
    "intake_applicationmember",
    "intake_material",
    "verification_factset",
    "verification_consent",
    "decisions_determination",
    "decisions_suspension",
    "decisions_rollnotice",
    "decisions_careagreement",
    "monitoring_changereport",
    "payments_payline",
    "payments_fixedentry",
    "payments_linedifference",
    "payments_priceshare",
    "payments_pricecorrection",
}
#: Of these a resident may also write rows of his own.
WRITTEN: set[str] = set()


def rows(query: str, *arguments: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall()


def protected() -> list[str]:
    return [name for (name,) in rows("select relname from pg_class where relrowsecurity order by relname")]


def columns(table: str) -> dict[str, str]:
    return dict(
        rows(
            "select attname, format_type(atttypid, null) from pg_attribute where attrelid = %s::regclass and attnum > 0 "
            "and not attisdropped",
            table,
        )
    )


def key_column(table: str) -> str:
    """`id`, or what stands for it."""
    ((name,),) = rows(
        "select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0] "
        "where indrelid = %s::regclass and indisprimary",
        table,
    )
    return str(name)


def key(number: int, kind: str) -> object:
    return f"00000000-0000-0000-0000-{number:012d}" if kind == "uuid" else number


@pytest.fixture
def filled(as_owner) -> Iterator[list[str]]:
    """All protected tables with a row of mine and one of theirs; taken back at the end."""
    tables = protected()
    with transaction.atomic():
        with as_owner():
            for table in tables:
                found = columns(table)
                with connection.cursor() as cursor:
                    cursor.execute(f"alter table {table} disable trigger user")
                    for (name,) in rows(
                        "select conname from pg_constraint where conrelid = %s::regclass and contype in ('c', 'x', 'f', 'u')",
                        table,
                    ):
                        cursor.execute(f"alter table {table} drop constraint {name} cascade")
                    for (name,) in rows(
                        "select indexrelid::regclass::text from pg_index where indrelid = %s::regclass and indisunique "
                        "and not indisprimary",
                        table,
                    ):
                        cursor.execute(f"drop index {name}")
                    own = key_column(table)
                    for name in found:
                        if name != own:
                            cursor.execute(f'alter table {table} alter column "{name}" drop not null')
                    for number in (MINE, THEIRS):
                        put = {own: key(number, found[own]), "region": VILLAGE}
                        put |= {name: key(number, found[name]) for name in WHOSE if name in found}
                        cursor.execute(
                            f"insert into {table} ({', '.join(put)}) values ({', '.join(['%s'] * len(put))})",
                            list(put.values()),
                        )
        yield tables
        transaction.set_rollback(True)


def seen(table: str) -> set[int]:
    return {int(str(number).rsplit("-", 1)[-1]) for (number,) in rows(f"select {key_column(table)} from {table}")}


def changed(statement: str, *arguments: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return int(cursor.rowcount)


def test_every_protected_table_shows_the_staff_both_rows(filled: list[str]) -> None:
    """Else the walk below would prove nothing."""
    assert len(filled) >= 50
    with system_scope(VILLAGE):
        assert [table for table in filled if not seen(table) >= {MINE, THEIRS}] == []


def test_no_row_of_another_family_is_seen(filled: list[str]) -> None:
    with subject_scope(ME):
        shown = {table: seen(table) for table in filled}
    assert {table for table, found in shown.items() if THEIRS in found} == set()
    assert {table for table, found in shown.items() if found} == OPENED | WRITTEN
    assert all(found <= {MINE} for found in shown.values())


def test_no_row_of_another_family_is_written(filled: list[str]) -> None:
    faults = []
    with subject_scope(ME):
        for table in filled:
            ident = key_column(table)
            kind = columns(table)[ident]
            for number in (THEIRS, MINE):
                own = number == MINE and table in WRITTEN
                for statement in (
                    f"update {table} set region = region where {ident} = %s",
                    f"delete from {table} where {ident} = %s",
                ):
                    try:
                        with transaction.atomic():
                            count = changed(statement, key(number, kind))
                            transaction.set_rollback(True)
                    except ProgrammingError:  # not even the right
                        count = 0
                    if count and not own:
                        faults.append((table, statement, number))
    assert faults == []


def test_no_row_is_put_in_for_another_family(filled: list[str]) -> None:
    taken, refused = set(), {}
    with subject_scope(ME):
        for table in filled:
            found = columns(table)
            ident = key_column(table)
            put = {ident: key(THEIRS + 1, found[ident]), "region": VILLAGE}
            put |= {name: key(THEIRS, found[name]) for name in WHOSE if name in found}
            try:
                with transaction.atomic():
                    changed(
                        f"insert into {table} ({', '.join(put)}) values ({', '.join(['%s'] * len(put))})", *put.values()
                    )
                taken.add(table)
            except ProgrammingError as error:
                refused[table] = str(error)
    assert taken == APPENDED
    kinds = ("row-level security", "permission denied")
    assert [table for table, why in refused.items() if not any(kind in why for kind in kinds)] == []


def test_somebody_in_no_family_sees_nothing_of_families(filled: list[str]) -> None:
    alone = Subject(account_id=2, person_id=MINE + 50, region=VILLAGE, person_ids=(MINE + 50,), household_ids=())
    with subject_scope(alone):
        assert {table for table in filled if seen(table)} == set()


def test_scopes_nest_and_are_put_back() -> None:
    def setting() -> str:
        return rows("select coalesce(current_setting('app.subject', true), '')")[0][0]

    with subject_scope(ME):
        assert setting() == f"{MINE}|{MINE}"
        with system_scope("420899"):
            assert (setting(), current_subject()) == ("", None)
        assert (setting(), current_subject()) == (f"{MINE}|{MINE}", ME)
    assert (setting(), current_subject()) == ("", None)
