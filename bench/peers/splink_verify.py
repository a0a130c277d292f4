"""Verification with Splink 5: its deterministic link on DuckDB, register by register, then the limits in SQL.

Usage: <verify python> splink_verify.py PERSONS raw|keyed
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
from splink import Linker, SettingsCreator, block_on
from splink.internals.duckdb.database_api import DuckDBAPI

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import report
from verify_floors import sql_key
from verify_spec import REGISTERS, RULES, STANDARD, answer, data, keyed_file


def main() -> None:
    persons, mode = sys.argv[1:3]
    keyed = mode == "keyed"
    con = duckdb.connect()

    def source(name: str) -> str:
        return f"'{keyed_file(persons, name) if keyed else data(persons, name)}'"

    began, cpu = time.perf_counter(), time.process_time()
    number = "key" if keyed else sql_key("id_raw")
    con.execute(
        f"create table b as select person_id as unique_id, {number} as k, household_id, area_kind, 0 as amount from {source('people')}"
    )
    con.execute(
        "create table families as select household_id, count(*) * any_value(case area_kind when 1 then "
        f"{STANDARD[1]} else {STANDARD[2]} end) as standard from b group by household_id"
    )
    con.execute("create table clue (household_id bigint, rule varchar, cnt bigint, persons bigint, amount bigint)")
    linking = 0.0
    for register in REGISTERS:
        filters, amount, (measure, operator, months, limit) = RULES[register]
        where = " and ".join(f"{c} {'=' if o == '==' else o} {v}" for c, o, v in filters) or "true"
        con.execute(
            f"create or replace table reg as select row_number() over () as unique_id, {number} as k, cast(0 as bigint) as household_id, "
            f"cast(0 as bigint) as area_kind, cast({amount or 0} as bigint) as amount from {source(register)} where {where}"
        )
        api = DuckDBAPI(connection=con)
        tables = [api.register(t, dataset_display_name=t) for t in ("b", "reg")]
        start = time.perf_counter()
        settings = SettingsCreator(
            link_type="link_only",
            blocking_rules_to_generate_predictions=[block_on("k")],
            additional_columns_to_retain=["household_id", "amount"],
        )
        pairs = Linker(tables, settings, log_level=40).inference.deterministic_link()
        linking += time.perf_counter() - start
        con.execute(
            f"insert into clue select household_id, '{register}', cnt, persons, amount from (select household_id_l as household_id, "
            "count(*) as cnt, count(distinct unique_id_l) as persons, cast(sum(amount_r) as bigint) as amount "
            f"from {pairs.physical_name} group by 1) join families using (household_id) "
            f"where {measure} {operator} {months} * standard + {limit}"
        )
        pairs.drop_table_from_database_and_remove_from_cache()
    con.execute(f"copy clue to '{answer('splink-' + mode, persons)}' (format parquet)")
    report(
        wall=round(time.perf_counter() - began, 3), cpu=round(time.process_time() - cpu, 3), link_s=round(linking, 3)
    )


if __name__ == "__main__":
    main()
