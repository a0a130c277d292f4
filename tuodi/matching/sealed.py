"""A register at rest: one encrypted file a batch, in two halves, so that a sweep opens only what rules look at.

Bytes: ``TDR1`` · 16 random bytes that name this sealing · parts · index · length of the index (8) · ``TDR1``. Parts and
index are each an encrypted file of `crypto.files`; what they authenticate is the batch, the sealing, their half and
their number, so that nothing can be moved, swapped or left out unseen. A part holds up to `PART` rows in two Parquet
files: *hot* (key, check state, stale, the columns rules name) and *rest* (line, raw number where it is not what the key
prints, name, other columns). Hot rows are sorted by key: neighbouring keys differ little, which makes that half a third
smaller, and it is the bytes to decrypt that cost. The rest stays in the order of the file, which packs better and need
not be moved; its column `_at` says where each hot row's rest stands.

    with SealedWriter(path, "12/2017-08", hot=["plate"], scratch=folder) as writer:
        for frame in frames: writer.write(frame)
        totals = writer.finish()
    with open_sealed(path, "12/2017-08", scratch=folder) as batch:
        hits = batch.hot().join(roll, on="key").collect()
        evidence = batch.rest_rows(hits["row"])
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tuodi.crypto.errors import DecryptError
from tuodi.crypto.files import decrypt_stream, encrypt_stream
from tuodi.crypto.keyring import Keyring
from tuodi.kernel.disk import sync_folder
from tuodi.matching.keys import CHECK_STATES, STATE, keyed, text_of

__all__ = ["PART", "SealedBatch", "SealedTotals", "SealedWriter", "open_sealed"]

#: Rows of a part: the more, the closer the keys, and the more memory.
PART = 500_000

_MAGIC = b"TDR1"
_SEAL = 16
_TAIL = 8 + len(_MAGIC)
#: SM4 runs outside the interpreter's lock; more threads than this only cost memory.
_THREADS = 2
#: From `_IN_MEMORY` rows on hashes of rows lie on disk and are looked through in so many lots, a sixteenth at a time.
_LOTS = 16
_IN_MEMORY = 4_000_000
_ALWAYS_HOT = ("key", "check_state", "stale")
_PLACE = ("line_no", "file_no")  # where a row stood is no part of what it says
_ORDER = "_at"
#: Of so many rows, columns with fewer different values than half are written by dictionary.
_SAMPLE = 4_000


@dataclass(slots=True)
class SealedTotals:
    """What a finished file holds. Rows: given = kept + duplicates; `unkeyed` and `states` count kept rows."""

    rows: int = 0
    kept: int = 0
    duplicates: int = 0
    unkeyed: int = 0
    states: dict[str, int] = field(default_factory=dict)
    size: int = 0


class SealedWriter:
    """Writes one batch. The file appears whole on `finish`, or not at all.

    Args:
        path: The file to appear; its folder is made, mode 0700.
        batch: Identity of the batch; the reader must give the same.
        hot: Columns rules look at; absent ones are left out.
        scratch: Private folder for hashes of rows while writing.
        as_of: Day all rows are true of; rows with an `as_of` of their own keep it. None = the column says so.
        on: Day against which a birth counts as future.
    """

    def __init__(
        self,
        path: Path,
        batch: str,
        *,
        hot: Sequence[str],
        scratch: Path,
        as_of: date | None = None,
        on: date | None = None,
        part: int = PART,
        keys: Keyring | None = None,
    ) -> None:
        self.path, self.batch, self._hot, self._as_of, self._on = path, batch, tuple(hot), as_of, on
        self._size, self._keys, self._base = part, keys, scratch
        self._waiting: list[pl.DataFrame] = []
        self._count = self._given = self._known = self._noted = 0
        self._parts: list[dict[str, Any]] = []
        self._sealing: list[tuple[dict[str, Any], Future[bytes], Future[bytes]]] = []
        self._hashes: list[pl.DataFrame | Path] = []
        self._columns: list[str] = []
        self._done = False

    def __enter__(self) -> SealedWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._scratch = Path(tempfile.mkdtemp(dir=self._base))
        self._temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        self._seal = os.urandom(_SEAL)
        self._file = _create(self._temporary)
        self._file.write(_MAGIC + self._seal)
        self._pool = ThreadPoolExecutor(_THREADS)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._file.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        if not self._done:
            self._temporary.unlink(missing_ok=True)

    def write(self, frame: pl.DataFrame, *, known: bool = False) -> None:
        """Takes rows: line_no, id_raw, name, stale, as_of and the columns of the register, the same ones in any order.

        Args:
            known: They come from the batch as it was and are not counted again.
        """
        self._given += 0 if known else frame.height
        self._known += frame.height if known else 0
        self._columns = self._columns or frame.columns
        self._waiting.append(frame.select(self._columns))
        self._count += frame.height
        while self._count >= self._size:
            whole = pl.concat(self._waiting, rechunk=True)
            self._put(whole.head(self._size))
            self._waiting = [whole.slice(self._size)]
            self._count = self._waiting[0].height

    def finish(self) -> SealedTotals:
        """Writes what waits, drops rows that came twice, and lets the file appear."""
        if self._waiting and (self._count or not self._parts):
            self._put(pl.concat(self._waiting, rechunk=True))
        self._flush(0)
        self._drop_doubles()
        rows = sum(part["rows"] for part in self._parts)
        states: Counter[str] = Counter()
        for part in self._parts:
            states.update(part["states"])
        totals = SealedTotals(self._given, rows, self._given + self._known - rows, states["invalid"], dict(states))
        index = {
            "parts": self._parts, "as_of": self._as_of.isoformat() if self._as_of else None, "hot": list(self._hot),
            "totals": {"rows": totals.rows, "duplicates": totals.duplicates},
        }  # fmt: skip
        data = b"".join(encrypt_stream(io.BytesIO(json.dumps(index).encode()), self._aad("index", 0), keys=self._keys))
        self._file.write(data + len(data).to_bytes(8, "big") + _MAGIC)
        self._file.flush()
        os.fsync(self._file.fileno())
        totals.size = self._file.tell()
        os.replace(self._temporary, self.path)
        sync_folder(self.path.parent)
        self._done = True
        return totals

    def _aad(self, half: str, number: int) -> str:
        return f"register|{self.batch}|{self._seal.hex()}|{half}|{number}"

    def _put(self, frame: pl.DataFrame) -> None:
        """One part: keyed, without the doubles inside it, sorted."""
        number = keyed(frame["id_raw"], on=self._on)
        keep_raw = number["last"].is_null() | number["key"].is_null()
        frame = frame.with_columns(
            number["key"], number["check_state"].to_physical().alias("check_state"), last=pl.when(~keep_raw).then(number["last"]),
            id_raw=pl.when(keep_raw).then(pl.col("id_raw")),
        )  # fmt: skip
        said = frame.drop(*_PLACE, "check_state", strict=False)
        order = frame["key"].arg_sort()
        prints = pl.DataFrame({"hash": said.hash_rows(17), "key": frame["key"]})[order]
        if self._as_of is not None and frame["as_of"].eq_missing(pl.Series([self._as_of])).all():
            frame = frame.drop("as_of")
        hot, rest = self._split(frame)
        hot, rest = hot[order], rest.with_columns(order.cast(pl.UInt32).alias(_ORDER))
        # Most doubles inside a part are neighbours now; the others are found with those of other parts.
        again = prints.select(
            (pl.col("hash") == pl.col("hash").shift(1)) & pl.col("key").eq_missing(pl.col("key").shift(1))
        ).to_series()
        if again.any():
            hot, rest = _without(hot, rest, again.fill_null(False))
            prints = prints.filter(~again.fill_null(False))
        self._note(prints)
        part: dict[str, Any] = {}
        self._parts.append(part)
        self._seal_part(len(self._parts) - 1, part, hot, rest)
        self._flush(2)

    def _seal_part(self, at: int, part: dict[str, Any], hot: pl.DataFrame, rest: pl.DataFrame) -> None:
        part.update(rows=hot.height, states=_count_states(hot), as_of="as_of" in hot.columns)
        halves = [
            self._pool.submit(self._sealed, half, at, half_frame) for half, half_frame in (("hot", hot), ("rest", rest))
        ]
        self._sealing.append((part, halves[0], halves[1]))

    def _sealed(self, half: str, at: int, frame: pl.DataFrame) -> bytes:
        return b"".join(encrypt_stream(io.BytesIO(_parquet(frame, half)), self._aad(half, at), keys=self._keys))

    def _split(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        names = [*_ALWAYS_HOT, *(["as_of"] if "as_of" in frame.columns else []), *self._hot]
        hot = [name for name in dict.fromkeys(names) if name in frame.columns]
        return frame.select(hot), frame.drop(hot)

    def _flush(self, most: int) -> None:
        """Writes sealed parts in order until at most so many are in work."""
        while len(self._sealing) > most:
            part, hot, rest = self._sealing.pop(0)
            for half, future in (("hot", hot), ("rest", rest)):
                data = future.result()
                part[half] = [self._file.tell(), len(data)]
                self._file.write(data)

    def _note(self, prints: pl.DataFrame) -> None:
        """Remembers hash and key of each row; from `_IN_MEMORY` rows on, on disk."""
        self._hashes.append(prints)
        self._noted += prints.height
        if self._noted < _IN_MEMORY:
            return
        for at, some in enumerate(self._hashes):
            if isinstance(some, pl.DataFrame):
                path = self._scratch / f"{at:06d}.ipc"
                some.write_ipc(path, compression="uncompressed")
                self._hashes[at] = path

    def _lots(self) -> Iterator[list[pl.DataFrame]]:
        """What `_note` remembers, part by part, with `row`: at once, or each hash in one lot."""
        on_disk = any(isinstance(some, Path) for some in self._hashes)
        for lot in range(_LOTS if on_disk else 1):
            parts = []
            for some in self._hashes:
                rows = pl.read_ipc(some) if isinstance(some, Path) else some
                rows = rows.with_row_index("row")
                parts.append(rows.filter(pl.col("hash") // 2**60 == lot) if on_disk else rows)
            yield parts

    def _drop_doubles(self) -> None:
        """Rows equal to one of an earlier part; only the parts that hold them are sealed anew."""
        gone: dict[int, list[pl.Series]] = {}
        for parts in self._lots() if self._hashes else ():
            # Equal hashes are rare and found by sorting nothing but them; only those few are compared on the key as well.
            hashes = pl.concat([rows["hash"] for rows in parts]).sort()
            twice = hashes.filter((hashes == hashes.shift(1)).fill_null(False)).unique()
            if not len(twice):
                continue
            alike = pl.concat(
                rows.filter(pl.col("hash").is_in(twice.implode())).with_columns(part=pl.lit(at))
                for at, rows in enumerate(parts)
            )
            again = alike.filter(~pl.struct("hash", "key").is_first_distinct())
            for (at,), found in again.partition_by("part", as_dict=True).items():
                gone.setdefault(int(at), []).append(found["row"])
        if not gone:
            return
        before, self._file = self._file, _create(self._scratch / "again")
        before.flush()
        self._file.write(_MAGIC + self._seal)
        with self._temporary.open("rb") as source:
            for at, part in enumerate(self._parts):
                if at not in gone:
                    for half in ("hot", "rest"):
                        data = _piece(source, part[half])
                        part[half] = [self._file.tell(), len(data)]
                        self._file.write(data)
                    continue
                # The same nonce must not seal two texts: each sealing draws a key of its own from its salt.
                hot, rest = [
                    pl.read_parquet(io.BytesIO(_open(_piece(source, part[half]), self._aad(half, at), self._keys)))
                    for half in ("hot", "rest")
                ]
                out = pl.int_range(hot.height, eager=True).is_in(pl.concat(gone[at]).implode())
                self._seal_part(at, part, *_without(hot, rest, out))
                self._flush(0)
        before.close()
        self._file.flush()
        os.replace(self._scratch / "again", self._temporary)


@dataclass(slots=True)
class SealedBatch:
    """An opened batch; lives as long as its `with` block.

    Attributes:
        rows: rows kept. hot_paths: plain Parquet files of the hot half, in order. as_of: day of all rows that have no
        `as_of` of their own; null = each has.
    """

    rows: int
    as_of: date | None
    hot_columns: tuple[str, ...]
    totals: dict[str, int]
    hot_paths: list[Path]
    _source: BinaryIO
    _lock: Lock
    _aad: str
    _parts: list[dict[str, Any]]
    _keys: Keyring | None

    def hot(self, *columns: str) -> pl.LazyFrame:
        """The hot half: `row` (place in the batch, for `rest_rows`), `key`, `check_state`, `stale`, `as_of` and the
        columns rules name; only those asked for besides, if any are named."""
        frames = []
        first = 0
        for path, part in zip(self.hot_paths, self._parts, strict=True):
            frame = pl.scan_parquet(path, row_index_name="row", row_index_offset=first)
            if not part["as_of"]:
                frame = frame.with_columns(as_of=pl.lit(self.as_of, pl.Date))
            frames.append(frame)
            first += part["rows"]
        if all(not part["as_of"] for part in self._parts):
            # One scan of all files is read in parallel; a day of its own in any part needs them apart.
            whole = pl.scan_parquet(self.hot_paths, row_index_name="row").with_columns(
                as_of=pl.lit(self.as_of, pl.Date)
            )
        else:
            whole = pl.concat(frames, how="diagonal")
        whole = whole.with_columns(pl.col("check_state").cat.to(STATE))
        rest = [name for name in self.hot_columns if not columns or name in columns]
        return whole.select("row", "key", "check_state", "stale", "as_of", *rest)

    def rest_rows(self, rows: pl.Series | Iterable[int]) -> pl.DataFrame:
        """All that was written of some rows: `row`, `line_no`, `id_raw` (as written), `name`, every column; in order
        of `row`. Opens only the parts that hold one of them.

        Args:
            rows: places in the batch, as `hot` gives them.
        """
        wanted = pl.Series("row", rows, dtype=pl.UInt32).unique().sort()
        places: list[tuple[int, int, pl.Series]] = []
        first = 0
        for at, part in enumerate(self._parts):
            here = wanted.filter((wanted >= first) & (wanted < first + part["rows"]))
            if len(here) or (at == len(self._parts) - 1 and not places):
                places.append((at, first, here))
            first += part["rows"]

        def told(one: tuple[int, int, pl.Series]) -> pl.DataFrame:
            at, first, here = one
            return self._whole(at, here - first).with_columns(row=here).select("row", pl.exclude("row"))

        with ThreadPoolExecutor(_THREADS) as pool:
            return pl.concat(pool.map(told, places), how="diagonal")

    def frames(self) -> Iterator[pl.DataFrame]:
        """Every row as it was given to the writer, part by part."""
        for at in range(len(self._parts)):
            yield self._whole(at, None).drop("key", "check_state")

    def _whole(self, at: int, rows: pl.Series | None) -> pl.DataFrame:
        """All columns of a part, of some of its rows or of all, in the hot half's order."""
        part = self._parts[at]
        with self._lock:
            piece = _piece(self._source, part["rest"])
        rest = pl.read_parquet(io.BytesIO(_open(piece, f"{self._aad}|rest|{at}", self._keys)))
        hot = pl.read_parquet(self.hot_paths[at])
        places = rest[_ORDER] if _ORDER in rest.columns else pl.int_range(rest.height, dtype=pl.UInt32, eager=True)
        if rows is not None:
            hot, places = hot[rows], places[rows]
        rest = rest.drop(_ORDER, strict=False)[places]
        frame = pl.concat([hot, rest], how="horizontal").with_columns(pl.col("check_state").cat.to(STATE))
        frame = frame.with_columns(
            id_raw=pl.coalesce(
                pl.when(pl.col("last").is_not_null()).then(text_of(pl.col("key"), pl.col("last"))), "id_raw"
            )
        )
        if not part["as_of"]:
            frame = frame.with_columns(as_of=pl.lit(self.as_of, pl.Date))
        order = ["line_no", "id_raw", "name", "as_of", "stale", "key", "check_state"]
        return frame.select(*order, *(name for name in frame.columns if name not in {*order, "last"}))


@contextmanager
def open_sealed(path: Path, batch: str, *, scratch: Path, keys: Keyring | None = None) -> Iterator[SealedBatch]:
    """Opens a batch for a block: the hot half lies plain in a private folder meanwhile.

    Args:
        batch: Identity the file was sealed with.
        scratch: A folder only the system's user may enter.
    Raises:
        DecryptError: altered, cut short, of another batch, or its key is missing.
        FileNotFoundError: no such file.
    """
    # Opened once: a file destroyed meanwhile is read to the end of the block by who has it open.
    with path.open("rb") as source, tempfile.TemporaryDirectory(dir=scratch) as made:
        seal, index = _read_index(source, batch, keys)
        aad = f"register|{batch}|{seal}"
        parts = index["parts"]
        lock = Lock()
        folder = Path(made)

        def opened(at: int) -> Path:
            target = folder / f"{at:06d}.parquet"
            with lock:
                piece = _piece(source, parts[at]["hot"])
            with _create(target) as out:
                out.write(_open(piece, f"{aad}|hot|{at}", keys))
            return target

        with ThreadPoolExecutor(_THREADS) as pool:
            paths = list(pool.map(opened, range(len(parts))))
        yield SealedBatch(
            rows=sum(part["rows"] for part in parts),
            as_of=date.fromisoformat(index["as_of"]) if index["as_of"] else None,
            hot_columns=tuple(name for name in index["hot"] if paths and name in pq.read_schema(paths[0]).names),
            totals=index["totals"],
            hot_paths=paths,
            _source=source,
            _lock=lock,
            _aad=aad,
            _parts=parts,
            _keys=keys,
        )


def _read_index(source: BinaryIO, batch: str, keys: Keyring | None) -> tuple[str, dict[str, Any]]:
    head = source.read(len(_MAGIC) + _SEAL)
    if not head.startswith(_MAGIC):
        raise DecryptError("format")
    size = source.seek(0, os.SEEK_END)
    if size < len(head) + _TAIL:
        raise DecryptError("truncated")
    source.seek(size - _TAIL)
    tail = source.read(_TAIL)
    length = int.from_bytes(tail[:8], "big")
    if tail[8:] != _MAGIC or length > size - len(head) - _TAIL:
        raise DecryptError("truncated")
    seal = head[len(_MAGIC) :].hex()
    data = _open(_piece(source, (size - _TAIL - length, length)), f"register|{batch}|{seal}|index|0", keys)
    index: dict[str, Any] = json.loads(data)
    return seal, index


def _piece(source: BinaryIO, where: Sequence[int]) -> bytes:
    source.seek(where[0])
    return source.read(where[1])


def _open(data: bytes, aad: str, keys: Keyring | None) -> bytes:
    return b"".join(decrypt_stream(io.BytesIO(data), aad, keys=keys))


def _create(path: Path) -> io.BufferedRandom:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _count_states(frame: pl.DataFrame) -> dict[str, int]:
    return {CHECK_STATES[state]: count for state, count in frame["check_state"].value_counts().iter_rows()}


def _without(hot: pl.DataFrame, rest: pl.DataFrame, gone: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both halves without some rows, by the hot half's order."""
    places = rest[_ORDER]
    stays = pl.repeat(True, rest.height, dtype=pl.Boolean, eager=True).scatter(places.filter(gone), False)
    moved = (stays.cast(pl.UInt32).cum_sum() - 1).gather(places.filter(~gone))
    return hot.filter(~gone), rest.filter(stays).with_columns(moved.alias(_ORDER))


def _parquet(frame: pl.DataFrame, half: str) -> bytes:
    """Keys, places and line numbers as differences to the row before; zstd over all. The rest half, which is the larger
    one and seldom read, takes dictionaries only where they are sure to help: to try them on plates costs most of all."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    delta = [name for name in ("key", "line_no", _ORDER) if name in frame.columns]
    some = frame.head(_SAMPLE)
    plain = [name for name in frame.columns if name not in delta]
    few = [name for name in plain if half == "hot" or some[name].n_unique() * 2 <= some.height]
    out = pa.BufferOutputStream()
    pq.write_table(
        table, out, compression="zstd", compression_level=1, write_statistics=False, use_dictionary=few,
        column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
    )  # fmt: skip
    return bytes(out.getvalue())
