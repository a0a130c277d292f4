"""What must hold for every room, whoever wrote it."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tuodi"
#: Tables with a `region` whose policy is another one on purpose.
OWN_POLICY = {
    "audit_auditentry": {"tuodi_region", "tuodi_append"},
    "outbox_message": {"tuodi_region", "tuodi_append"},
    "monitoring_transfer": {"tuodi_region", "tuodi_region_to"},  # both places see a move
}
#: The second lock: what a resident may do with a row. Tables anybody may append to have no lock on that.
LOCKS = {f"tuodi_subject_{verb}" for verb in ("select", "insert", "update", "delete")}


def rooms() -> list[str]:
    return sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def layers() -> list[list[str]]:
    """The order of rooms, highest first, as the import contract says it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found = next(one for one in contracts if one["type"] == "layers")
    return [[room.strip(" ()") for room in layer.split("|")] for layer in found["layers"]]


def rank() -> dict[str, int]:
    """Room -> height; 0 is the lowest."""
    return {room: height for height, layer in enumerate(reversed(layers())) for room in layer}


def own_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("tuodi.")]


def test_every_room_has_its_place_in_the_order() -> None:
    assert sorted(set(rooms()) - set(rank())) == []


def test_rooms_import_only_downwards() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_foreign_keys_point_down_and_leave_no_way_back_up() -> None:
    """A key to another room sets related_name="+", so that the lower room cannot reach up through the ORM."""
    height, faults = rank(), []
    for model in own_models():
        here = model._meta.app_label
        for field in model._meta.get_fields(include_parents=False):
            if not (field.is_relation and field.concrete) or field.related_model is None:
                continue
            there = field.related_model._meta.app_label
            if there == here or there not in height:
                continue
            if height[there] >= height[here]:
                faults.append(f"{model.__name__}.{field.name} points up to {there}")
            if not field.remote_field.related_name or not field.remote_field.related_name.endswith("+"):
                faults.append(f"{model.__name__}.{field.name} lacks related_name='+'")
    assert faults == []


@pytest.mark.django_db
def test_every_table_with_a_region_is_under_row_level_security() -> None:
    faults = []
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname, c.relrowsecurity, a.attcollation::regcollation::text, "
            "format_type(a.atttypid, a.atttypmod), "
            "array(select p.polname::text from pg_policy p where p.polrelid = c.oid "
            "      and (select oid from pg_roles where rolname = 'tuodi_app') = any(p.polroles)), "
            "pg_has_role('tuodi_app', c.relowner, 'member') "
            "from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'region' "
            "where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not a.attisdropped"
        )
        rows = cursor.fetchall()
    assert len(rows) >= 10  # the query itself works
    for table, enabled, collation, kind, policies, owns in rows:
        if not enabled:
            faults.append(f"{table}: row-level security is off")
        locks = LOCKS - ({"tuodi_subject_insert"} if "tuodi_append" in OWN_POLICY.get(table, ()) else set())
        if set(policies) != OWN_POLICY.get(table, {"tuodi_region"}) | locks:
            faults.append(f"{table}: policies {policies}")
        if collation != '"C"' or kind != "character varying(12)":
            faults.append(f"{table}.region: {kind} {collation}")
        if owns:
            faults.append(f"{table}: the runtime role owns it")
    assert faults == []


@pytest.mark.django_db
def test_the_policies_ask_for_exactly_the_range() -> None:
    """The form of the policy matters: a prefix match would show rows when the setting is empty."""
    with connection.cursor() as cursor:
        cursor.execute("select tablename, qual, with_check from pg_policies where policyname = 'tuodi_region'")
        rows = cursor.fetchall()
    wanted = re.compile(
        r"\(\(\(region\)::text >= current_setting\('app\.region'::text, true\)\) AND "
        r"\(\(region\)::text < current_setting\('app\.region_hi'::text, true\)\)\)"
    )
    wrong = [table for table, using, check in rows if not wanted.fullmatch(using) or check not in (using, None)]
    assert rows
    assert wrong == []


def action_modules() -> list[str]:
    names = []
    for room in rooms():
        package = import_module(f"tuodi.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"tuodi.{room}."):
            if found.name.endswith(".actions") or ".actions." in found.name:
                names.append(found.name)
    return names


#: What a function that writes does, in its own text.
WRITES = re.compile(r"\b(record|_note|copy_rows)\(|\.(save|create|get_or_create|bulk_create|delete)\(")


def test_every_action_names_who_acts_by_keyword_only() -> None:
    faults, seen = [], 0
    for name in action_modules():
        module = import_module(name)
        for public in getattr(module, "__all__", []):
            thing = getattr(module, public)
            if not inspect.isfunction(thing) or not WRITES.search(inspect.getsource(thing)):
                continue
            seen += 1
            parameters = inspect.signature(thing).parameters
            actor = parameters.get("acting_user") or parameters.get("actor")
            if actor is None or actor.kind is not inspect.Parameter.KEYWORD_ONLY:
                faults.append(f"{name}.{public}")
    assert seen > 10
    assert faults == []


def test_only_the_clock_asks_for_the_time() -> None:
    """Every date comes from kernel.clock, so that a demo and a test can set it and nothing depends on the machine."""
    faults = []
    for path in PACKAGE.rglob("*.py"):
        # demo/apps.py makes the clock of a demo site out of the machine's.
        if path.name == "clock.py" or path.parts[-2:] == ("demo", "apps.py") or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = getattr(node.func.value, "id", getattr(node.func.value, "attr", ""))
                if (owner, node.func.attr) in {
                    ("date", "today"), ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"),
                    ("timezone", "now"), ("timezone", "localdate"),
                }:  # fmt: skip
                    faults.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert faults == []


def test_no_file_is_too_long() -> None:
    faults = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for folder in ("tuodi", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and (count := len(path.read_text().splitlines())) > 500
    ]
    assert faults == []


def test_the_tree_in_the_architecture_page_is_the_tree_there_is() -> None:
    page = ROOT / "ARCHITECTURE.md"
    blocks = re.findall(r"```[^\n]*\n(.*?)```", page.read_text(), re.S)
    tree = next((block for block in blocks if "tuodi/" in block and "kernel/" in block), "")
    named = set(re.findall(r"\b([a-z]+)/", tree))
    assert sorted(set(rooms()) - named) == [], "rooms that the tree does not name"
    known = set(rooms()) | {path.name for path in ROOT.iterdir() if path.is_dir()} | {"tuodi"}
    inner = {path.name for path in ROOT.rglob("*") if path.is_dir() and not {".venv", ".git"} & set(path.parts)}
    assert sorted(named - known - inner) == [], "names in the tree that are no folders"


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_the_database_has_every_guard_the_models_name() -> None:
    """A change of one index can take another on the same column with it, and no migration would say so."""
    with connection.cursor() as cursor:
        cursor.execute("select conname from pg_constraint union select relname from pg_class where relkind = 'i'")
        named = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "select c.conrelid::regclass::text, a.attname from pg_constraint c join pg_attribute a "
            "on a.attrelid = c.conrelid and a.attnum = c.conkey[1] where c.contype = 'f' and array_length(c.conkey, 1) = 1"
        )
        linked = set(cursor.fetchall())
        cursor.execute(
            "select i.indrelid::regclass::text, a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid "
            "and a.attnum = i.indkey[0] where i.indisunique and i.indnatts = 1 and i.indpred is null"
        )
        unique = set(cursor.fetchall())
    lacking = []
    for model in apps.get_models():
        if not model.__module__.startswith("tuodi."):
            continue
        options = model._meta
        lacking += [one.name for one in (*options.constraints, *options.indexes) if one.name not in named]
        for field in options.local_fields:
            place = (options.db_table, field.column)
            if isinstance(field, models.ForeignKey) and field.db_constraint and place not in linked:
                lacking.append(f"{field} references nothing")
            if field.unique and place not in unique:
                lacking.append(f"{field} is not unique")
    assert lacking == []
