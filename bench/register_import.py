# ruff: noqa: RUF001 - full-width digits are what is cleaned
"""Taking a register in, against normalising its numbers alone. Usage: register_import.py ROWS [MODE]

`gen` writes the raw register (numbers as offices write them, two or three of a hundred dirty) as Parquet and as text.
`floor`: the numbers normalised by DuckDB, regex and cast, nothing else. `normalise`: by `matching.keys`, with check digit and
birth. `import`: the same rows keyed, doubles dropped, sorted, encrypted. `utf8`, `gb18030`: the whole road from the
department's text file, which is what a clerk waits for; `csv`: what DuckDB needs to read that text and normalise. `open`: the encrypted batch opened for a sweep, and the keys counted. Each reports its
seconds and, by `common.run`, the peak of memory; run without a mode it runs all and prints the ratios.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
from common import ROOT, clocked, report, run

from tuodi.crypto import keyring
from tuodi.crypto.keyring import Keyring
from tuodi.exchange.registers import load_register, open_register
from tuodi.matching.keys import check_of, keyed, text_of
from tuodi.matching.sealed import SealedWriter, open_sealed

DAY, TODAY = date(2017, 8, 31), date(2017, 9, 4)
CHUNK = 250_000
HEADER = "号牌号码,所有人,身份证明号码,车辆类型,初次登记日期,机动车状态,购置价格\r\n"


def folder(rows: int) -> Path:
    """Files of one size."""
    made = ROOT / "data" / f"register-{rows}"
    made.mkdir(parents=True, exist_ok=True)
    return made


def part(first: int, size: int) -> pl.DataFrame:
    """Some rows: seeded by their numbers, so that every run has the same ones."""
    n = pl.int_range(first, first + size, eager=True).alias("n")
    mixed = (n * 2_654_435_761) % (1 << 32)
    day = pl.select(pl.lit(date(1935, 1, 1)) + pl.duration(days=mixed % 29_000)).to_series()
    body = (420_800 + mixed // 7 % 90).cast(pl.Int64) * 10**11 + day.dt.strftime("%Y%m%d").cast(pl.Int64) * 1000
    frame = pl.DataFrame({"n": n, "key": body + mixed // 31 % 999 + 1, "dirt": mixed // 11 % 200})
    frame = frame.with_columns(text=text_of(pl.col("key"), check_of(pl.col("key"))))
    dirty = (
        pl.when(pl.col("dirt") == 0).then(" " + pl.col("text"))
        .when(pl.col("dirt") == 1).then(pl.col("text") + "\u3000")
        .when(pl.col("dirt") == 2).then("'" + pl.col("text"))
        .when((pl.col("dirt") == 3) & (pl.col("text").str.slice(6, 2) == "19")).then(pl.col("text").str.slice(0, 6) + pl.col("text").str.slice(8, 9))
        .when(pl.col("dirt") == 4).then(pl.col("text").str.to_lowercase())
        .otherwise(pl.col("text"))
    )  # fmt: skip
    return frame.select(
        line_no=pl.col("n") + 2,
        id_raw=dirty,
        name=pl.lit("张") + pl.col("n").mod(4096).add(0x4E00).map_elements(chr, return_dtype=pl.String),
        as_of=pl.lit(DAY),
        stale=pl.col("n") % 17 == 0,
        plate=pl.lit("鄂H") + pl.col("n").cast(pl.String),
        value_fen=pl.col("n") % 5000 * 10_000,
    )


def generate(rows: int) -> None:
    """The raw register, part by part."""
    to = folder(rows)
    writer = None
    with (to / "gb18030.txt").open("wb") as text, (to / "utf8.txt").open("wb") as other:
        text.write(HEADER.encode("gb18030"))
        other.write(HEADER.encode())
        for first in range(0, rows, CHUNK):
            frame = part(first, min(CHUNK, rows - first))
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(to / "raw.parquet", table.schema, compression="zstd")
            writer.write_table(table)
            line = frame.select(
                pl.concat_str(
                    "plate", "name", "id_raw", pl.lit("小型轿车"), pl.lit("2010/3/1"),
                    pl.when("stale").then(pl.lit("报废")).otherwise(pl.lit("正常")), pl.col("value_fen") // 100, separator=",",
                )
            ).to_series()  # fmt: skip
            lines = "\r\n".join(line) + "\r\n"
            text.write(lines.encode("gb18030"))
            other.write(lines.encode())
    if writer:
        writer.close()
    report(bytes=(to / "gb18030.txt").stat().st_size)


def raw(rows: int, *columns: str) -> Iterator[pl.DataFrame]:
    """The Parquet file's rows, chunk by chunk."""
    chosen = pl.scan_parquet(folder(rows) / "raw.parquet").select(columns or pl.all())
    return chosen.collect_batches(chunk_size=CHUNK, maintain_order=True)


def floor(rows: int, *, text: bool = False) -> None:
    """Regex and cast, the dirty rows by the slow way: what every import does at least."""
    link = duckdb.connect()
    file = folder(rows) / ("utf8.txt" if text else "raw.parquet")
    source = (
        "(select 身份证明号码 id_raw from read_csv(?, all_varchar = true, delim = ',', quote = ''))"
        if text
        else "read_parquet(?)"
    )
    start, cpu = time.perf_counter(), time.process_time()
    [[count, total]] = link.execute(
        f"with raw as (select id_raw t from {source}), clean as (select t, case when regexp_full_match(t, '[0-9]{{17}}[0-9X]') "
        "then t else upper(regexp_replace(translate(t, '０１２３４５６７８９Ｘｘ', '0123456789XX'), '[\\s''\u3000]', '', 'g')) end c from raw) "
        "select count(k), sum(k % 1000003) from (select case when regexp_full_match(c, '[0-9]{17}[0-9X]') then cast(substr(c, 1, 17) as bigint) "
        "when regexp_full_match(c, '[0-9]{15}') then cast(substr(c, 1, 6) || '19' || substr(c, 7) as bigint) end k from clean)",
        [str(file)],
    ).fetchall()  # fmt: skip
    report(seconds=time.perf_counter() - start, cpu_s=time.process_time() - cpu, keys=count, sum=int(total))


def normalise(rows: int) -> None:
    """The same by `matching.keys`, batch by batch."""
    start, cpu = time.perf_counter(), time.process_time()
    count = total = 0
    for batch in raw(rows, "id_raw"):
        key = keyed(batch["id_raw"], on=TODAY)["key"]
        count += len(key) - key.null_count()
        total += (key % 1_000_003).sum()
    report(seconds=time.perf_counter() - start, cpu_s=time.process_time() - cpu, keys=count, sum=total)


def taken(rows: int, text: str = "") -> None:
    """Rows of Parquet, or of the department's text, into the encrypted file."""
    keyring.install(Keyring.parse("field:1:" + "11" * 16 + "\nindex:1:" + "22" * 32))
    target = folder(rows) / "sealed"
    start, cpu = time.perf_counter(), time.process_time()
    with (
        tempfile.TemporaryDirectory(dir=folder(rows)) as scratch,
        SealedWriter(target, "bench", hot=["value_fen"], scratch=Path(scratch), as_of=DAY, on=TODAY) as writer,
    ):
        if text:
            opened = open_register(folder(rows) / text, load_register("vehicle"), on=TODAY, as_of=DAY)
            for chunk in opened.chunks():
                writer.write(chunk.frame)
        else:
            for frame in raw(rows):
                writer.write(frame)
        totals = writer.finish()
    report(
        seconds=time.perf_counter() - start,
        cpu_s=time.process_time() - cpu,
        kept=totals.kept,
        unkeyed=totals.unkeyed,
        bytes=totals.size,
    )


def opened(rows: int) -> None:
    """What a sweep pays before it can look at the hot half, and one pass over its keys."""
    keyring.install(Keyring.parse("field:1:" + "11" * 16 + "\nindex:1:" + "22" * 32))
    laps: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=folder(rows)) as scratch:
        start = time.perf_counter()
        with open_sealed(folder(rows) / "sealed", "bench", scratch=Path(scratch)) as batch:
            laps["open_s"] = time.perf_counter() - start
            size = sum(path.stat().st_size for path in batch.hot_paths)
            with clocked(laps, "scan_s"):
                keys = batch.hot().select(pl.col("key").count()).collect(engine="streaming").item()
    report(keys=keys, hot_bytes=size, bytes_per_row=round(size / max(1, rows), 2), **laps)


MODES = {
    "gen": generate, "floor": floor, "normalise": normalise, "import": taken, "open": opened,
    "csv": lambda rows: floor(rows, text=True),
    "utf8": lambda rows: taken(rows, "utf8.txt"), "gb18030": lambda rows: taken(rows, "gb18030.txt"),
}  # fmt: skip


def main() -> None:
    rows = int(sys.argv[1])
    if len(sys.argv) > 2:
        MODES[sys.argv[2]](rows)
        return
    found = {}
    if not (folder(rows) / "utf8.txt").exists():
        run([sys.executable, __file__, str(rows), "gen"])
    for mode in ("floor", "normalise", "import", "open", "csv", "utf8", "gb18030"):
        found[mode] = run([sys.executable, __file__, str(rows), mode])
        print(mode, found[mode], flush=True)
    ratios = {
        f"{mode}_to_{base}": {name: round(found[mode][name] / found[base][name], 2) for name in ("seconds", "cpu_s")}
        for mode, base in (
            ("import", "floor"), ("import", "normalise"), ("utf8", "csv"), ("utf8", "floor"), ("gb18030", "floor")
        )
    }  # fmt: skip
    report(rows=rows, **ratios, peak_mb={mode: one["peak_mb"] for mode, one in found.items()})


if __name__ == "__main__":
    main()
