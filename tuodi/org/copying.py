"""Many rows at once under row-level security.

PostgreSQL refuses `COPY` into a protected table for a role the policy holds, so rows go by COPY into a temporary
table and from there by one INSERT, which checks the policy and every constraint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models, transaction

__all__ = ["allocate", "copy_rows"]


def allocate(model: type[models.Model], count: int) -> list[int]:
    """Takes that many numbers from a table's sequence, so that rows can name each other before they are written."""
    if count <= 0:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [number for (number,) in cursor.fetchall()]


@transaction.atomic
def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Writes rows of a model, all or none. Needs an open scope that covers them.

    Args:
        model: whose table.
        columns: field names (`household_id` or `household` for a key); columns left out take the database default.
        rows: values in that order; JSON columns as text (`json.dumps`).
    Returns: rows written.
    Raises: IntegrityError, ProgrammingError (a row outside the scope).
    """
    names = [
        model._meta.get_field(name.removesuffix("_id") if _is_key(model, name) else name).column for name in columns
    ]
    table = model._meta.db_table
    listed = ", ".join(f'"{name}"' for name in names)
    temporary = f"tmp_{table}"
    with connection.cursor() as cursor:
        cursor.execute(f'create temporary table "{temporary}" as select {listed} from "{table}" with no data')
        with cursor.copy(f'copy "{temporary}" ({listed}) from stdin') as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(f'insert into "{table}" ({listed}) select {listed} from "{temporary}"')
        written = int(cursor.rowcount)
        cursor.execute(f'drop table "{temporary}"')
    return written


def _is_key(model: type[models.Model], name: str) -> bool:
    return name.endswith("_id") and any(
        field.attname == name and field.name != name for field in model._meta.concrete_fields
    )
