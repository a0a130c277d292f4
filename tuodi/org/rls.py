"""Row-level security as migration operations, and the grants of the runtime role.

Every table that holds personal or case data has a column `region varchar(12) COLLATE "C"` (the full 12-character
place code, see `region_field`) and this policy: a row is seen and written only where its region lies in the range
that `tuodi.org.access.scope` put into the transaction. The form is chosen for speed and for failing closed: with
no range set, or an empty one, no row is seen (a `LIKE` policy would show rows then).

The owner of the tables is not held by the policy, so that migrations can move data; the runtime role owns nothing.

A second lock stands on each of these tables for residents: while `app.subject` is set (`access.subject_scope`) a row is
seen only if the table opens it to its own family (`SubjectRows`); a table that says nothing shows and takes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models
from django.db.migrations.operations import RunPython, RunSQL
from django.db.migrations.operations.base import Operation

#: The role of pages and jobs; `tuodi.config.postgres` makes it.
APP_ROLE = "tuodi_app"
POLICY = "tuodi_region"
SUBJECT = "tuodi_subject"

#: True for staff and the system. IS NOT NULL on purpose: the planner takes it for nearly always true, as it is, and the
#: subquery makes it a value computed once for a statement and not for each row.
NO_SUBJECT = "(select case when coalesce(current_setting('app.subject', true), '') = '' then true end) is not null"

#: `app.subject` is `1,2|3`: the persons of the family, the subject first, and its households.
SUBJECT_FUNCTIONS = """
create or replace function tuodi_subject_persons() returns bigint[] language sql stable as $$
  select string_to_array(nullif(split_part(current_setting('app.subject', true), '|', 1), ''), ',')::bigint[]
$$;
create or replace function tuodi_subject_households() returns bigint[] language sql stable as $$
  select string_to_array(nullif(split_part(current_setting('app.subject', true), '|', 2), ''), ',')::bigint[]
$$;
"""


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
        *close_sql(table),
    ]


def close_sql(table: str) -> list[str]:
    """The statements that close one table to residents. Safe to run twice."""
    return subject_sql(table, "", write=False)


def subject_sql(table: str, own: str, *, write: bool) -> list[str]:
    """The statements of a table's second lock.

    Args:
        own: a condition true for the present subject's own rows; empty = no row is.
        write: whether a subject may also write rows of his own.
    """
    seen = f"{NO_SUBJECT} or {own}" if own else NO_SUBJECT
    written = seen if write else NO_SUBJECT
    made = []
    for verb, clause in (
        ("select", f"using ({seen})"),
        ("insert", f"with check ({written})"),
        ("update", f"using ({written}) with check ({written})"),
        ("delete", f"using ({written})"),
    ):
        name = f"{SUBJECT}_{verb}"
        made.append(f'drop policy if exists {name} on "{table}"')
        made.append(f'create policy {name} on "{table}" as restrictive for {verb} to {APP_ROLE} {clause}')
    return made


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


def rewrite_function(function: str, before: str, after: str) -> RunPython:
    """Migration operation: changes one passage of a function an earlier migration wrote, and back.

    Raises RuntimeError when it runs and the passage does not stand in it exactly once.
    """

    def swap(old: str, new: str) -> Any:
        def run(apps: Any, schema_editor: Any) -> None:
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("select pg_get_functiondef(%s::regproc)", [function])
                (text,) = cursor.fetchone()
            if text.count(old) != 1:
                raise RuntimeError(f"{function} is not as the migrations before wrote it")
            # params=None: the percent signs are plpgsql's, not placeholders.
            schema_editor.execute(text.replace(old, new), params=None)

        return run

    return RunPython(swap(before, after), swap(after, before))


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
        for verb in ("select", "insert", "update", "delete"):
            schema_editor.execute(f'drop policy if exists {SUBJECT}_{verb} on "{table}"')
        schema_editor.execute(f'alter table "{table}" disable row level security')

    def describe(self) -> str:
        """Shown by makemigrations."""
        return f"Row-level security on {self.table}"


class SubjectRows(_TableOperation):
    """Migration operation: opens a protected table to residents, for rows of their own family.

        SubjectRows("Case", household="household_id", case="id")

    Args:
        table: a table name, or a model name of the app the migration belongs to.
        write: whether a resident may also insert, change and delete rows of his own (his drafts, his objections).
        own: what a column points at = the column: `person`, `household`, `case`, `application`, or any other `thing` for
            which a migration makes a function `tuodi_subject_<thing>s()` (`subject_ids`). Of several columns one that is
            his own is enough.
    """

    def __init__(self, table: str, *, write: bool = False, **own: str) -> None:
        super().__init__(table)
        self.write, self.own = write, own
        if not own:
            raise ImproperlyConfigured(f"SubjectRows({table})：须写明哪一列属于谁")

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """As written in a migration."""
        return "SubjectRows", [self.table], {"write": self.write, **self.own}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Opens the table to its own."""
        own = " or ".join(
            f'"{column}" = any ((select tuodi_subject_{kind}s())::bigint[])' for kind, column in self.own.items()
        )
        for statement in subject_sql(self._name(app_label, to_state), own, write=self.write):
            schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Closes it."""
        for statement in close_sql(self._name(app_label, from_state)):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        """Shown by makemigrations."""
        return f"Rows of {self.table} for the family they are about"


def subject_ids(thing: str, query: str) -> RunSQL:
    """A function with the ids of the present subject's own things: `tuodi_subject_<thing>s()`.

    It reads past the policies, since a policy that asked a table with a policy would ask itself; therefore the query may
    name rows by `tuodi_subject_households()` and its like alone.
    """
    return RunSQL(
        f"create or replace function tuodi_subject_{thing}s() returns bigint[] language sql stable security definer "
        f"set search_path = pg_catalog, public, pg_temp as $$ select array({query})::bigint[] $$",
        f"drop function if exists tuodi_subject_{thing}s()",
    )


class CloseToSubjects(Operation):
    """Migration operation: closes every protected table that has no second lock yet (databases made before it existed)."""

    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Walks the tables with a region policy."""
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "select tablename from pg_policies p where policyname = %s and not exists (select 1 from pg_policies q "
                "where q.tablename = p.tablename and q.policyname = %s) order by 1",
                [POLICY, f"{SUBJECT}_select"],
            )
            tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            for statement in close_sql(table):
                if table == "audit_auditentry" and "_insert" in statement:
                    continue  # anybody may append: the log never refuses a record
                schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing: a lock more does no harm."""

    def describe(self) -> str:
        """Shown by makemigrations."""
        return "Close tables to residents"


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
