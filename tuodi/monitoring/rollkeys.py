"""The roll's integer keys: who is on the roll on a day, or was paid in some months, with the number as a key.

A number is opened once and kept as an integer key in one encrypted file a county (`rollkeys/<county>`), so that a sweep
deciphers only who is new or whose number changed. What belongs to a day (membership, names, programmes) is read each time
from the database, as the runtime role in the place's range.

For a small arrival the way is turned round: the register's keys are looked up in the index of numbers
(`persons_of_keys`), so that the cost grows with the new rows and not with the roll.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from django.conf import settings
from django.db import connection

from tuodi.crypto.errors import DecryptError
from tuodi.crypto.fields import decrypt
from tuodi.crypto.files import decrypt_stream, encrypt_stream, reencrypt_file
from tuodi.crypto.index import blind_indexes
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments.source import reading

__all__ = ["KEYS", "Roll", "check_char", "forget", "persons_of_keys", "reseal_keys", "roll_keys", "roll_on"]

#: Columns of the snapshot: token = the stored index of the number, another token is another number.
KEYS = {"person_id": pl.Int64, "token": pl.String, "key": pl.Int64, "last": pl.String}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_PERSON = {
    "person_id": pl.Int64, "household_id": pl.Int64, "region": pl.String, "name": pl.String, "former_names": pl.List(pl.String),
    "key": pl.Int64, "check_ok": pl.Boolean, "token": pl.String, "programme": pl.String, "category": pl.String,
    "monthly_fen": pl.Int64, "relation": pl.String, "first_month": pl.Int64, "last_month": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Roll:
    """Who is compared.

    Attributes:
        persons: one row a person and programme (columns `_PERSON`): of who is on the roll, members included. `key` null =
            no usable number. `category` urban or rural; `monthly_fen` what the entitled unit draws.
        rows: {"dibao/urban": 183028, …}: monthly payment rows, else roll entries.
        opened: numbers deciphered this time; all others were known.
    """

    persons: pl.DataFrame
    rows: dict[str, int]
    opened: int = 0


def check_char(key: pl.Expr) -> pl.Expr:
    """The eighteenth character that follows from a key of 17 digits (GB 11643)."""
    total = pl.lit(0, pl.Int64)
    for at, weight in enumerate(_WEIGHTS):
        total = total + (key // 10 ** (16 - at)) % 10 * weight
    return pl.lit(_CHECKS).str.slice(total % 11, 1)


# ---- the snapshot of numbers
def _path(county: str) -> Path:
    return Path(settings.FILES_DIR) / "rollkeys" / county


def _aad(county: str) -> str:
    return f"monitoring.rollkeys|{county}"


def _load(county: str) -> pl.DataFrame:
    """The snapshot, or an empty one where there is none or it does not open: it can always be made anew."""
    path = _path(county)
    try:
        with path.open("rb") as file:
            return pl.read_parquet(io.BytesIO(b"".join(decrypt_stream(file, _aad(county)))))
    except (FileNotFoundError, DecryptError):
        return pl.DataFrame(schema=KEYS)


def _save(county: str, frame: pl.DataFrame) -> None:
    path = _path(county)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    plain = io.BytesIO()
    frame.sort("key", nulls_last=True).write_parquet(plain, compression="zstd", compression_level=1)
    plain.seek(0)
    temporary = path.with_name(f".{county}.{secrets.token_hex(4)}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in encrypt_stream(plain, _aad(county)):
            file.write(piece)
    os.replace(temporary, path)


def forget(county: str) -> None:
    """Destroys a county's snapshot; the next sweep makes it anew."""
    _path(county).unlink(missing_ok=True)


def reseal_keys() -> dict[str, int]:
    """Brings the snapshots under the current key; one that does not open is destroyed, the next sweep makes it anew."""
    changed = 0
    for path in sorted(_path("x").parent.glob("[!.]*")):
        try:
            changed += reencrypt_file(path, _aad(path.name))
        except DecryptError:
            path.unlink(missing_ok=True)
            changed += 1
    return {"rollkeys": changed}


def roll_keys(place: str, wanted: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The keys of some persons, opening only numbers that are not known yet.

    Args:
        wanted: person_id, region, token (hex of the stored index; null = no number).
    Returns: `KEYS` of all who have a number, and how many were deciphered now.
    Raises: DecryptError for a damaged number.
    """
    found, opened = [], 0
    for (county,), part in wanted.with_columns(county=pl.col("region").str.slice(0, 6)).group_by("county"):
        asked = part.filter(pl.col("token").is_not_null()).select("person_id", "token").unique("person_id")
        known = _load(str(county))
        have = known.join(asked, on=["person_id", "token"], how="semi")
        new = asked.join(have, on="person_id", how="anti")
        if new.height:
            added = _opened(place, new)
            opened += added.height
            known = pl.concat([known.join(added, on="person_id", how="anti"), added])
            _save(str(county), known)
            have = pl.concat([have, added])
        found.append(have)
    return (pl.concat(found) if found else pl.DataFrame(schema=KEYS)), opened


def _opened(place: str, new: pl.DataFrame) -> pl.DataFrame:
    """Deciphers the numbers of some persons."""
    ids = new["person_id"].to_list()
    rows: list[tuple[int, str, int | None, str | None]] = []
    tokens = dict(new.iter_rows())
    with reading(place) as cursor:
        for at in range(0, len(ids), 20_000):
            listed = ",".join(map(str, ids[at : at + 20_000]))
            cursor.execute(
                f"select id, uid::text, id_cipher from people_person where id = any('{{{listed}}}'::bigint[]) "
                "and id_cipher is not null"
            )
            table = cursor.fetch_arrow_table()
            columns = (table.column(name).to_pylist() for name in ("id", "uid", "id_cipher"))
            for person, uid, cipher in zip(*columns, strict=True):
                rows.append((person, tokens[person], *_key(decrypt(cipher, f"people.id|{uid}"))))
    return pl.DataFrame(rows, schema=KEYS, orient="row")


def _key(text: str) -> tuple[int | None, str | None]:
    body, last = text[:17], text[17:]
    if len(text) == 18 and body.isascii() and body.isdigit():
        return int(body), last
    return None, None  # a permit or passport: kept, listed, never guessed


# ---- who is on the roll
_MEMBERS = """
select r.id as roll_id, r.household_id, r.programme::text as programme, r.category::text as category,
  r.amount_fen, m.person_id, m.relation::text as relation, p.name::text as name, h.region::text as region,
  encode(p.id_index, 'hex') as token
from people_rollentry r
join people_household h on h.id = r.household_id
join people_membership m on m.household_id = r.household_id and (r.person_id is null or r.person_id = m.person_id)
  and m.since <= '{on}' and (m.until is null or m.until > '{on}')
join people_person p on p.id = m.person_id and (p.died_on is null or p.died_on >= '{alive}')
where r.start_month <= {month} and (r.end_month is null or r.end_month >= {month}) {programmes} {only}
"""
_HOUSEHOLDS = """
select m.household_id, m.person_id, m.relation::text as relation, m.since, m.until, p.name::text as name,
  h.region::text as region, encode(p.id_index, 'hex') as token
from people_membership m
join people_household h on h.id = m.household_id
join people_person p on p.id = m.person_id
where m.until is null or m.until > '{first}'
"""
_FORMER = "select person_id, name::text as name from people_formername"
#: Another name a person said is the same one's counts like a former name.
_SAME = """
select person_id, other_name::text as name from monitoring_sweepfinding
where kind = 'name_conflict' and settled = 'same' and other_name <> ''
"""


def _fetch(cursor: object, query: str) -> pl.DataFrame:
    cursor.execute(query)  # type: ignore[attr-defined]
    frame = pl.from_arrow(cursor.fetch_arrow_table())  # type: ignore[attr-defined]
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(pl.col(pl.Int32, pl.Int16).cast(pl.Int64))


def _words(programmes: Sequence[str]) -> str:
    listed = ", ".join(f"'{one}'" for one in programmes if one.isidentifier())
    return f"and r.programme in ({listed})" if listed else ""


def roll_on(
    place: str, on: date, *, programmes: Sequence[str] = (), rows: pl.DataFrame | None = None,
    only: Iterable[int] | None = None,
) -> Roll:  # fmt: skip
    """Who is on the roll of a place: on a day, or in the months of payment rows.

    Args:
        place: significant prefix.
        on: the day; who died before its month is left out, who died within it is not.
        programmes: none = all.
        rows: monthly payment rows (month, programme, category, household_id, amount_fen, and person_id where a person is
            the unit): then everybody who belonged to a paid family in a month that was paid, whatever the roll is today.
        only: persons to look at; None = all.
    """
    chosen = None if only is None else sorted(set(only))
    with reading(place) as cursor:
        if rows is None:
            listed = "" if chosen is None else f"and m.person_id = any('{{{','.join(map(str, chosen))}}}'::bigint[])"
            month = Month.of(on)
            found = _fetch(
                cursor,
                _MEMBERS.format(
                    on=on, month=month.yyyymm, alive=month.first_day, programmes=_words(programmes), only=listed
                ),
            )
            found = found.with_columns(first_month=pl.lit(month.yyyymm), last_month=pl.lit(month.yyyymm))
            counts = found.unique("roll_id").group_by("programme", "category").len()
        else:
            if programmes:
                rows = rows.filter(pl.col("programme").is_in(list(programmes)))
            counts = rows.group_by("programme", "category").len()
            found = _paid(cursor, rows)
            if chosen is not None:
                found = found.filter(pl.col("person_id").is_in(chosen))
        former = (
            pl.concat([_fetch(cursor, _FORMER), _fetch(cursor, _SAME)]).group_by("person_id").agg(former_names="name")
        )
    keys, opened = roll_keys(place, found.select("person_id", "region", "token"))
    persons = (
        found.group_by("person_id", "household_id", "programme", "category")
        .agg(
            pl.col("region").first(),
            pl.col("name").first(),
            pl.col("token").first(),
            pl.col("relation").first(),
            pl.col("first_month").min(),
            pl.col("last_month").max(),
            monthly_fen=pl.col("amount_fen").sum(),
        )
        .join(keys.select("person_id", "key", "last"), on="person_id", how="left")
        .join(former, on="person_id", how="left")
        .with_columns(check_ok=pl.col("last") == check_char(pl.col("key")))
        .select(list(_PERSON))
        .sort("person_id", "programme", "category")
    )
    by = {f"{p}/{c}": n for p, c, n in counts.sort("programme", "category").iter_rows()}
    return Roll(persons.cast(_PERSON), by, opened)  # type: ignore[arg-type]


def _paid(cursor: object, rows: pl.DataFrame) -> pl.DataFrame:
    """Members of paid families in the months they were paid; the amount is that of the last month."""
    if not rows.height:
        return pl.DataFrame(
            schema={
                name: kind
                for name, kind in _PERSON.items()
                if name not in ("former_names", "key", "check_ok", "monthly_fen")
            }
            | {"amount_fen": pl.Int64}
        )
    first = Month.parse(str(rows["month"].min()))
    members = _fetch(cursor, _HOUSEHOLDS.format(first=first.first_day))
    day = pl.date(pl.col("month") // 100, pl.col("month") % 100, 1)
    unit = pl.col("unit") if "person_id" in rows.columns else pl.lit(None, pl.Int64)
    paid = rows.rename({"person_id": "unit"} if "person_id" in rows.columns else {})
    both = paid.join(members, on="household_id").filter(unit.is_null() | (unit == pl.col("person_id")))
    then = both.filter((pl.col("since") <= day.dt.month_end()) & (pl.col("until").is_null() | (pl.col("until") > day)))
    # A family registered here only after that month: those it was registered with, never nobody.
    unit_of = ["household_id", "month"]
    late = both.join(then.select(unit_of).unique(), on=unit_of, how="anti")
    late = late.filter(pl.col("since") == pl.col("since").min().over("household_id"))
    joined = pl.concat([then, late]).sort("month")
    return joined.group_by("person_id", "household_id", "programme", "category").agg(
        pl.col("region").first(),
        pl.col("name").last(),
        pl.col("relation").last(),
        pl.col("token").first(),
        pl.col("amount_fen").last(),
        first_month=pl.col("month").min(),
        last_month=pl.col("month").max(),
    )


def persons_of_keys(place: str, keys: pl.Series) -> list[int]:
    """Persons of a place whose number is among some keys, found in the index of numbers.

    Also everybody whose stored check digit is wrong: the index of what is stored does not meet that of the right number.
    The cost grows with the keys.
    """
    unique = pl.DataFrame({"key": keys.drop_nulls().unique()})
    texts = unique.select(pl.col("key").cast(pl.String).str.zfill(17) + check_char(pl.col("key"))).to_series()
    wanted = blind_indexes(texts, "id")
    with system_scope(place), connection.cursor() as cursor:
        cursor.execute("create temporary table tmp_sweep_keys (id_index bytea) on commit drop")
        with cursor.copy("copy tmp_sweep_keys from stdin") as copy:
            for one in wanted:
                copy.write_row((one,))
        cursor.execute("analyze tmp_sweep_keys")
        cursor.execute(
            "select p.id from tmp_sweep_keys k join people_person p on p.id_index = k.id_index "
            "union select id from people_person where not id_check_ok"
        )
        found = [person for (person,) in cursor.fetchall()]
        cursor.execute("drop table tmp_sweep_keys")
    return found
