"""Row-level security as migration operations, and the grants of the runtime role.

Every table that holds personal or case data has a column `region varchar(12) COLLATE "C"` (the full 12-character
place code, see `region_field`) and this policy: a row is seen and written only where its region lies in the range
that `tuodi.org.access.scope` put into the transaction. The form is chosen for speed and for failing closed: with
no range set, or an empty one, no row is seen (a `LIKE` policy would show rows then).

The owner of the tables is not held by the policy, so that migrations can move data; the runtime role owns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models
from django.db.migrations.operations import RunSQL
from django.db.migrations.operations.base import Operation

#: The role of pages and jobs; `tuodi.config.postgres` makes it.
APP_ROLE = "tuodi_app"
POLICY = "tuodi_region"


def region_field(**options: Any) -> models.CharField[str, str]:
    """The column every protected table has: the full 12-character code of the place a row belongs to."""
    return models.CharField("区划", max_length=12, db_collation="C", **options)


def grant_defaults(using: str = "default") -> None:
    """Lets the runtime role read and write every table the owner makes from now on. Runs before each migration.

    Raises: ImproperlyConfigured if the runtime role does not exist on the server.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("select 1 from pg_roles where rolname = %s", [APP_ROLE])
        if not cursor.fetchone():
            raise ImproperlyConfigured(
                f"数据库服务器上没有角色 {APP_ROLE}，请先由管理员建立（见 docs/howto/configure.md）。"
            )
        cursor.execute(f"grant usage on schema public to {APP_ROLE}")
        cursor.execute(f"alter default privileges grant select, insert, update, delete on tables to {APP_ROLE}")
        cursor.execute(f"alter default privileges grant usage, select on sequences to {APP_ROLE}")


def enable_sql(table: str, column: str = "region") -> list[str]:
    """The statements that protect one table. Safe to run twice."""
    inside = (
        f"\"{column}\" >= current_setting('app.region', true) and \"{column}\" < current_setting('app.region_hi', true)"
    )
    return [
        f'alter table "{table}" enable row level security',
        f'drop policy if exists {POLICY} on "{table}"',
        f'create policy {POLICY} on "{table}" for all to {APP_ROLE} using ({inside}) with check ({inside})',
    ]


def lend_analyze(name: str, tables: Sequence[str]) -> RunSQL:
    """A function by which the runtime role refreshes the planner's statistics of some tables.

    Tens of thousands of rows arrive within seconds; with the statistics of an empty table the joins that follow take
    minutes. Only a table's owner may ANALYZE it, so the owner lends this one deed.

    Args:
        name: of the function. tables: each with the columns that joins and filters use: the wide ones cost most of the time.
    """
    deeds = "\n".join(f"  analyze public.{table};" for table in tables)
    make = (
        f"create function {name}() returns void language plpgsql security definer "
        f"set search_path = pg_catalog, public, pg_temp as $$ begin\n{deeds}\nend $$;\n"
        f"revoke all on function {name}() from public;\n"
        f"grant execute on function {name}() to {APP_ROLE};"
    )
    return RunSQL(make, f"drop function {name}()")


class _TableOperation(Operation):
    """What guards one table: named as it is, or by a model of the app the migration belongs to."""

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def _name(self, app_label: str, state: Any) -> str:
        try:
            return str(state.apps.get_model(app_label, self.table)._meta.db_table)
        except (LookupError, ValueError):
            return self.table

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change."""


class EnableRLS(_TableOperation):
    """Migration operation: protects a table by place range.

        operations = [..., EnableRLS("people_person"), EnableRLS("Household")]

    Args:
        table: a table name, or a model name of the app the migration belongs to.
        column: the column with the 12-character place code.
    """

    def __init__(self, table: str, column: str = "region") -> None:
        super().__init__(table)
        self.column = column

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Protects the table."""
        for statement in enable_sql(self._name(app_label, to_state), self.column):
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Takes the protection away."""
        table = self._name(app_label, from_state)
        schema_editor.execute(f'drop policy if exists {POLICY} on "{table}"')
        schema_editor.execute(f'alter table "{table}" disable row level security')

    def describe(self) -> str:
        """Shown by makemigrations."""
        return f"Row-level security on {self.table}"


#: Whether a ciphertext is another one enciphered anew: it begins with its version and the key's number and is as long as its
#: text asks, so one of another length, or of the same or an older key, is not (see `crypto.fields`).
NEWER_KEY = r"""
create or replace function tuodi_newer_key(was bytea, is_now bytea) returns boolean language sql immutable as $$
  select was is not null and is_now is not null and length(was) = length(is_now)
    and substring(was from 1 for 1) = '\x01'::bytea and substring(is_now from 1 for 1) = '\x01'::bytea
    and substring(is_now from 2 for 2) > substring(was from 2 for 2)
$$
"""


class AppendOnly(_TableOperation):
    """Migration operation: rows of a table are never changed or deleted, not even by the owner.

    Args:
        table: a table name, or a model name of the app the migration belongs to.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Adds the guards and takes the runtime role's rights."""
        table = self._name(app_label, to_state)
        # params=None: the percent sign is plpgsql's, not a placeholder.
        schema_editor.execute(
            "create or replace function tuodi_append_only() returns trigger language plpgsql as $$ begin "
            "raise exception '表 % 只可追加：不能修改或删除记录', tg_table_name using errcode = 'insufficient_privilege'; "
            "end $$",
            params=None,
        )
        schema_editor.execute(
            f'create trigger tuodi_append_only before update or delete on "{table}" '
            "for each row execute function tuodi_append_only()"
        )
        schema_editor.execute(
            f'create trigger tuodi_append_only_all before truncate on "{table}" '
            "for each statement execute function tuodi_append_only()"
        )
        schema_editor.execute(f'revoke update, delete, truncate on "{table}" from {APP_ROLE}')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Removes the guards."""
        table = self._name(app_label, from_state)
        schema_editor.execute(f'drop trigger if exists tuodi_append_only on "{table}"')
        schema_editor.execute(f'drop trigger if exists tuodi_append_only_all on "{table}"')

    def describe(self) -> str:
        """Shown by makemigrations."""
        return f"Append-only rows in {self.table}"
