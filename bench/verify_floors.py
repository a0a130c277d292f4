"""What verification cannot go below. Usage: verify_floors.py PERSONS [raw]

Columns scanned and added up; the count-only semi-join of all registers with the roll; with `raw`, numbers turned to keys and nothing else,
by the product and by SQL on DuckDB. Polars and DuckDB by hand: no rules, no findings.
"""

from __future__ import annotations

import sys
import time

from common import report
from verify_spec import REGISTERS, RULES, data, keyed_file

#: Full width and small x to half width and X.
_WIDE, _HALF = (
    "".join(chr(0xFF10 + i) for i in range(10))
    + "\N{FULLWIDTH LATIN CAPITAL LETTER X}\N{FULLWIDTH LATIN SMALL LETTER X}x",
    "0123456789" + "X" * 3,
)


def sql_key(column: str) -> str:
    """The key of a number as SQL: numbers that are clean take the short way."""
    clean = f"regexp_replace(translate({column}, '{_WIDE}', '{_HALF}'), '[\\s\u3000'']', '', 'g')"
    slow = (
        f"(case when regexp_full_match({clean}, '[0-9]{{17}}[0-9X]') then cast(left({clean}, 17) as bigint) "
        f"when regexp_full_match({clean}, '[0-9]{{15}}') then cast(left({clean}, 6) || '19' || right({clean}, 9) as bigint) end)"
    )
    return f"(case when regexp_full_match({column}, '[0-9]{{17}}[0-9X]') then cast(left({column}, 17) as bigint) else {slow} end)"


def used(register: str) -> list[str]:
    filters, amount, _ = RULES[register]
    return list(dict.fromkeys([c for c, _, _ in filters] + ([amount] if amount else [])))


def main() -> None:
    import polars as pl

    persons = sys.argv[1]
    out: dict[str, float] = {}

    began, cpu = time.perf_counter(), time.process_time()

    def timed(name: str) -> None:
        """Seconds since the last; `NAME_cpu` counts those of all threads."""
        nonlocal began, cpu
        out[f"{name}_s"] = round(time.perf_counter() - began, 3)
        out[f"{name}_cpu"] = round(time.process_time() - cpu, 3)
        began, cpu = time.perf_counter(), time.process_time()

    if "raw" not in sys.argv:
        for register in REGISTERS:
            columns = ["key", *used(register)]
            pl.scan_parquet(keyed_file(persons, register)).select(pl.col(columns).sum()).collect(engine="streaming")
        timed("scan")
        roll = pl.read_parquet(keyed_file(persons, "people"), columns=["key"]).lazy()
        for register in REGISTERS:
            rows = pl.scan_parquet(keyed_file(persons, register)).select("key")
            rows.join(roll, on="key", how="semi").select(pl.len()).collect(engine="streaming")
        timed("semi")
        import duckdb

        con = duckdb.connect()
        con.execute(f"create table roll as select key from '{keyed_file(persons, 'people')}'")
        for register in REGISTERS:
            con.execute(f"select count(*) from '{keyed_file(persons, register)}' semi join roll using (key)").fetchall()
        timed("semi_duckdb")
    else:
        import duckdb

        from tuodi.matching.keys import with_key

        for name in (*REGISTERS, "people"):
            rows = with_key(pl.scan_parquet(data(persons, name)).select("id_raw"))
            rows.select(pl.col("key").sum()).collect(engine="streaming")
        timed("keys")
        con = duckdb.connect()
        for name in (*REGISTERS, "people"):
            con.execute(f"select sum({sql_key('id_raw')}) from '{data(persons, name)}'").fetchall()
        timed("keys_duckdb")
    report(**out)


if __name__ == "__main__":
    main()
