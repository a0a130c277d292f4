"""A province out of a prefecture: the demo's people, families, cards, roll, payments and cases thirteen times over.

    TUODI_VAR=$PWD/var-million .venv/bin/python -m bench.million [--times 13]

Runs as the owner of the tables on a copy of the demo's state folder, never on one that matters. Each copy of 4208 lies in
another prefecture of the province (4201, 4202 …) under numbers of its own, so that row-level security, indexes and statistics
meet a million people. What a copy's ciphers hold cannot be opened (they are bound to the first row); no page of a list does.
Two readers are made beside the demo's, for whom the whole lies in the range: `wan-shi` (prefecture) and `wan-sheng` (province).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import date
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")
os.environ |= {"TUODI_DB_ROLE": "owner", "TUODI_DEMO": "1"}

#: In the order of their foreign keys.
TABLES = (
    "people_person", "people_household", "people_membership", "people_account", "people_householdfacts",
    "people_memberfacts", "cases_case", "cases_step", "cases_notice", "intake_application", "intake_applicationmember",
    "intake_material", "verification_factset", "decisions_determination", "people_rollentry", "payments_payline",
)  # fmt: skip
#: Columns that must differ in each copy, and how.
OWN = {
    "no": "left(c.no, 2) || '{two}' || substr(c.no, 5)",
    "receipt_no": "left(c.receipt_no, 2) || '{two}' || substr(c.receipt_no, 5)",
    "region": "case when c.region like '4208%%' then '42{two}' || substr(c.region, 5) else c.region end",
    "uid": "gen_random_uuid()",
    "key": "left(c.key, 56) || ':{k}'",
    "source_ref": "left(c.source_ref, 70) || ':{k}'",
    "id_index": "sha256(c.id_index || '{k}'::bytea)",
    "account_index": "sha256(c.account_index || '{k}'::bytea)",
}
STEP = 10_000_000
READERS = (("wan-shi", "4208"), ("wan-sheng", "42"))


def columns(cursor: Any, table: str) -> list[str]:
    """The columns that are written (generated ones are not)."""
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s "
        "and is_generated = 'NEVER' order by ordinal_position",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]


def links(cursor: Any, table: str) -> set[str]:
    """The columns that point at a table which is copied too."""
    cursor.execute(
        "select a.attname, f.relname from pg_constraint k join pg_class f on f.oid = k.confrelid "
        "join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey) "
        "where k.contype = 'f' and k.conrelid = %s::regclass",
        [table],
    )
    return {column for column, points_at in cursor.fetchall() if points_at in TABLES}


def copy(cursor: Any, table: str, k: int, two: str) -> int:
    """One copy of one table. Returns its rows."""
    names = columns(cursor, table)
    moved = links(cursor, table) | {"id"}
    values = [
        f"c.{name} + {k * STEP}" if name in moved else OWN[name].format(k=k, two=two) if name in OWN else f"c.{name}"
        for name in names
    ]
    quoted = ", ".join(f'"{name}"' for name in names)
    sql = f"insert into {table} ({quoted}) select {', '.join(values)} from {table} c where c.id < {STEP}"
    if "region" in names:
        sql += " and c.region like '4208%%'"
    cursor.execute(sql, [])
    return int(cursor.rowcount)


def places(twos: list[str]) -> int:
    """The places of the copies that the list of divisions lacks, by the names they have in 4208. Returns how many."""
    from tuodi.org.models import Place
    from tuodi.org.places import tree
    from tuodi.people.models import Household

    regions = (
        Household.objects.filter(id__lt=STEP, region__startswith="4208").values_list("region", flat=True).distinct()
    )
    codes = sorted({region[:digits] for region in regions for digits in (4, 6, 9, 12)})
    known = tree()
    made = [
        Place(code=f"42{two}{code[4:]}", name=known.name(code), since=date(2000, 1, 1))
        for two in twos
        for code in codes
        if not known.known(f"42{two}{code[4:]}")
    ]
    Place.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def readers(password: str) -> None:
    """Two readers of families and cases."""
    from tuodi.org import actions
    from tuodi.org.models import Office, User

    for name, place in READERS:
        user = User.objects.filter(username=name).first()
        if user is None:
            office = Office.objects.filter(place_code=place).order_by("id").first()
            user = actions.add_user(
                acting_user=None, username=name, name="万人", office=office, password=password, is_demo=True
            )
            for duty in ("review", "visit"):
                actions.grant_duty(acting_user=None, user=user, code=duty)
        else:
            user.set_password(password)
            user.save(update_fields=["password"])


def main() -> int:
    """Copies and tells how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=13, help="1 = only the readers; 13 = about a million people")
    parser.add_argument("--password", default="Wan-ren-2017-x", help="of the two readers")
    args = parser.parse_args()
    import django

    django.setup()
    from django.db import connection, transaction

    from tuodi.config import postgres
    from tuodi.kernel import clock

    postgres.ensure_running()
    with clock.frozen(date(2016, 1, 4)):  # before the demo's day, so that their duties are in force on it
        readers(args.password)
    twos = [f"{n:02d}" for n in range(1, 40) if n != 8][: args.times - 1]
    began = time.monotonic()
    with connection.cursor() as cursor:
        for table in TABLES if twos else ():
            cursor.execute(f"select exists (select 1 from {table} where id >= %s)", [STEP])
            if cursor.fetchone()[0]:
                continue  # done before an earlier run was broken off
            with transaction.atomic():
                cursor.execute(f"alter table {table} disable trigger user")
                rows = sum(copy(cursor, table, k, two) for k, two in enumerate(twos, 1))
                cursor.execute("set constraints all immediate")  # a table with pending checks can not be altered
                cursor.execute(f"alter table {table} enable trigger user")
                cursor.execute(
                    "select setval(pg_get_serial_sequence(%s, 'id'), (select max(id) from " + table + "))", [table]
                )
            print(f"{table:28} {rows:>10,} {time.monotonic() - began:7.0f} s", flush=True)
        print(f"地区 {places(twos):,}", flush=True)
        for table in TABLES:
            cursor.execute(f"vacuum analyze {table}")
        cursor.execute("select count(*) from people_membership where until is null")
        print(f"在册家庭成员 {cursor.fetchone()[0]:,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
