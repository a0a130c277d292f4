"""Makes the roll the money benchmark pays: families, facts, cards, cases and decisions of one place, and officers and fund books.

Synthetic and seeded. A family has one to four members (1.72 on average), facts accepted as of 2019, a card with an encrypted
number, and a case that was decided; one in twenty is a person on tekun. Rows go in by COPY as the server's superuser without
triggers: nothing here is measured. Standards are the province's own (`policies/53-yunnan`, from June 2020).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import polars as pl
from common import REPOSITORY

#: Persons a family has on average.
PER_FAMILY = 1.72
#: Families of one COPY.
PART = 50_000
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂建国华志德福玉珍"
FILLED = (
    "people_person", "people_household", "people_membership", "people_account", "people_householdfacts", "people_memberfacts",
    "people_rollentry", "cases_case", "decisions_determination",
)  # fmt: skip
START = date(2019, 1, 1)
ROLL_FROM = 201901


def counties(place: str) -> list[str]:
    """The counties of a place in the product's own division list that stand today (code, name, since, until, successor)."""
    with gzip.open(REPOSITORY / "tuodi/kernel/data/divisions.csv.gz", "rt", encoding="utf-8") as lines:
        standing = {row[0] for row in csv.reader(lines) if row and (len(row) < 4 or not row[3])}
    return sorted(c for c in standing if len(c) == 6 and c.startswith(place) and not c.endswith("00"))


def names() -> list[tuple[str, str, str, str]]:
    """A pool of names with their pinyin."""
    from tuodi.kernel.pinyin import initials, sort_key

    draw = random.Random(5300)
    pool = []
    for _ in range(3000):
        name = draw.choice(SURNAMES) + "".join(draw.choices(GIVEN, k=draw.choice((1, 2, 2))))
        pool.append((name, sort_key(name), sort_key(name).replace(" ", ""), initials(name)))
    return pool


class Loader:
    """COPY into tables, with the columns that are not given at their usual empty values."""

    def __init__(self, link: Any) -> None:
        self.link = link
        self.link.execute("set session_replication_role = replica")

    def copy(self, table: str, rows: dict[str, Any], *, bytea: Iterable[str] = ()) -> None:
        """Columns of equal length, or one value for all."""
        frame = pl.DataFrame({k: v for k, v in rows.items() if isinstance(v, list)}, infer_schema_length=None)
        frame = frame.with_columns(pl.lit(v).alias(k) for k, v in rows.items() if not isinstance(v, list))
        frame = frame.with_columns((pl.lit("\\x") + pl.col(c)).alias(c) for c in bytea)
        sink = io.BytesIO()
        frame.write_csv(sink, include_header=False, null_value="\\N", quote_style="necessary")
        columns = ", ".join(f'"{c}"' for c in frame.columns)
        with self.link.cursor().copy(f"copy {table} ({columns}) from stdin (format csv, null '\\N')") as copy:
            copy.write(sink.getbuffer())


@contextmanager
def without_indexes(link: Any) -> Iterator[None]:
    """Drops what only speeds reading of the tables filled and makes it anew afterwards: for millions of rows."""
    kept = link.execute(
        "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i where i.indrelid::regclass::text = any(%s) "
        "and not exists (select from pg_constraint c where c.conindid = i.indexrelid)", [list(FILLED)],
    ).fetchall()  # fmt: skip
    for name, _ in kept:
        link.execute(f"drop index {name}")
    try:
        yield
    finally:
        for _, text in kept:
            link.execute(text)
        for table in FILLED:
            link.execute(f"vacuum analyze {table}")


def fill(link: Any, place: str, persons: int, *, alone: bool = False) -> int:
    """Makes the people of a place, once; `alone`: families of one. Returns the families."""
    base = int(place.ljust(4, "0")) * 100_000_000
    (known,) = link.execute("select count(*) from people_household where id between %s and %s", [base, base + 99_999_999]).fetchone()  # fmt: skip
    if known:
        return int(known)
    where, pool, loader = counties(place), names(), Loader(link)
    homes = persons if alone else round(persons / PER_FAMILY)
    procedure = json.dumps({"made": "for the benchmark"})
    next_person = base
    for low in range(0, homes, PART):
        draw = random.Random(f"{place}|{low}")
        next_person = _part(loader, draw, place, base, range(low, min(low + PART, homes)), next_person, where, pool, procedure, alone=alone)  # fmt: skip
    return homes


def _part(
    loader: Loader, draw: random.Random, place: str, base: int, numbers: range, next_person: int, where: list[str],
    pool: list[tuple[str, str, str, str]], procedure: str, *, alone: bool,
) -> int:  # fmt: skip
    from tuodi.crypto.fields import encrypt
    from tuodi.people.secrets import account_index

    ids = [base + n for n in numbers]
    regions = [f"{draw.choice(where)}{draw.randrange(100, 110):03d}{draw.randrange(1, 30):03d}" for _ in ids]
    tekun = [draw.random() < 0.05 for _ in ids]
    sizes = [1 if alone or one else draw.choices((1, 2, 3, 4), (53, 29, 12, 6))[0] for one in tekun]
    urban = [draw.random() < 0.3 for _ in ids]
    people: list[int] = []
    home_of: list[int] = []
    heads: list[int] = []
    of: list[str] = []
    relation: list[str] = []
    for home, region, size in zip(ids, regions, sizes, strict=True):
        heads.append(next_person)
        for nth in range(size):
            people.append(next_person)
            home_of.append(home)
            of.append(region)
            relation.append("head" if nth == 0 else "child")
            next_person += 1
    named = [draw.choice(pool) for _ in people]
    births = [date(draw.randrange(1935, 2015), draw.randrange(1, 13), draw.randrange(1, 29)) for _ in people]
    head_names = dict(zip(people, named, strict=True))
    loader.copy("people_person", {
        "id": people, "uid": [str(uuid.UUID(int=one)) for one in people], "region": of, "name": [n[0] for n in named],
        "name_pinyin": [n[1] for n in named], "name_joined": [n[2] for n in named], "name_initials": [n[3] for n in named],
        "id_masked": "", "id_kind": "", "id_check_ok": True, "sex": "", "birth": births, "phone_masked": "", "hukou_place": "",
        "hukou_kind": "", "address": "", "is_demo": True, "created_at": "2019-01-02 09:00+08",
    })  # fmt: skip
    loader.copy("people_household", {
        "id": ids, "region": regions, "no": [f"{region[:6]}J{home}" for home, region in zip(ids, regions, strict=True)],
        "area_kind": ["urban" if one else "rural" for one in urban], "address": "", "formed_on": START, "is_demo": True, "head_id": heads,
    })  # fmt: skip
    loader.copy("people_membership", {
        "id": people, "region": of, "relation": relation, "since": START, "leave_reason": "", "household_id": home_of, "person_id": people,
    })  # fmt: skip
    cards = [f"6217{draw.randrange(10**14, 10**15)}" for _ in ids]
    uids = [str(uuid.UUID(int=home)) for home in ids]
    ciphers = [encrypt(card, f"people.account|{uid}").hex() for card, uid in zip(cards, uids, strict=True)]
    loader.copy("people_account", {
        "id": ids, "uid": uids, "region": regions, "account_cipher": ciphers, "account_index": [account_index(card).hex() for card in cards],
        "last4": [card[-4:] for card in cards], "bank_code": [draw.choice(("农商行", "邮储银行", "农业银行")) for _ in ids],
        "holder": [head_names[one][0] for one in heads], "since": START, "person_id": heads,
    }, bytea=("account_cipher", "account_index"))  # fmt: skip
    loader.copy("people_householdfacts", {
        "id": ids, "region": regions, "valid_from": START, "area_kind": ["urban" if one else "rural" for one in urban],
        "income_year_fen": [draw.randrange(0, 300 if not u else 520) * 1200 * size for u, size in zip(urban, sizes, strict=True)],
        "cost_medical_fen": 0, "assets_ok": True, "extra": "{}", "household_id": ids,
    })  # fmt: skip
    _member_facts(loader, draw, people, home_of, of, dict(zip(ids, tekun, strict=True)))
    loader.copy("cases_case", {
        "id": ids, "region": regions, "no": [f"{region[:6]}A{home}" for home, region in zip(ids, regions, strict=True)], "kind": "application",
        "programme": ["tekun" if one else "dibao" for one in tekun], "accepted_on": START, "procedure_key": "bench", "procedure_hash": "0" * 64,
        "procedure_text": procedure, "marks": "{}", "state": "closed", "decision": "passed", "decided_on": START, "due_pending": False,
        "due_note": "", "closed_on": START, "end_reason": "", "applicant_id": heads, "household_id": ids,
    })  # fmt: skip
    single: list[int | None] = [head if one else None for head, one in zip(heads, tekun, strict=True)]
    programmes = ["tekun" if one else "dibao" for one in tekun]
    loader.copy("decisions_determination", {
        "id": ids, "region": regions, "no": [f"{region[:6]}D{home}" for home, region in zip(ids, regions, strict=True)], "kind": "batch",
        "programme": programmes, "place": [region[:6] for region in regions], "case_date": START, "month": ROLL_FROM, "fingerprint": "",
        "outcome": "pass", "amount_fen": 10000, "components": "{}", "start_month": ROLL_FROM, "decided_on": START, "cause": "application",
        "reasons": "", "appeal": "", "source_ref": "", "case_id": ids, "household_id": ids, "person_id": single,
    })  # fmt: skip
    loader.copy("people_rollentry", {
        "id": ids, "region": regions, "programme": programmes, "category": ["urban" if one else "rural" for one in urban], "grade": "",
        "form": ["centralised" if one else "" for one in tekun], "self_care": ["able" if one else "" for one in tekun], "amount_fen": 0,
        "start_month": ROLL_FROM, "determination_id": ids, "imported": False, "account_id": ids, "household_id": ids, "person_id": single,
    })  # fmt: skip
    return next_person


def _member_facts(
    loader: Loader, draw: random.Random, people: list[int], home_of: list[int], of: list[str], tekun: dict[int, bool]
) -> None:
    """Half of the members have facts of their own; those on tekun all that the rules ask for."""
    rows = [n for n in range(len(people)) if tekun[home_of[n]] or draw.random() < 0.5]
    alone = [tekun[home_of[n]] for n in rows]
    found = json.dumps(
        dict.fromkeys(("labour_finding", "livelihood_finding", "supporter_finding", "supporters_listed"), True)
    )
    loader.copy("people_memberfacts", {
        "id": [people[n] for n in rows], "region": [of[n] for n in rows], "valid_from": START,
        "own_income_year_fen": [0 if one else None for one in alone], "disability_kind": ["physical" if draw.random() < 0.3 else None for _ in rows],
        "seriously_ill": [draw.random() < 0.1 for _ in rows], "self_care": ["able" if one else None for one in alone],
        "extra": [found if one else "{}" for one in alone],
        "household_id": [home_of[n] for n in rows], "person_id": [people[n] for n in rows],
    })  # fmt: skip
