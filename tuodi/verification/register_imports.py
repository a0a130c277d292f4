"""A department's delivery, from file to encrypted batch; its replacement, and its end.

    batch = import_register(source, [path], batch_no="2017-08", as_of=day, acting_user=user)

The row is there from the start; the batch is usable whole or not at all. A killed import is found by its row and begun
anew with the same file. Nobody is told of a new batch: who sweeps asks for ready batches it has not swept yet.
"""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.exchange.cellsafe import harmless
from tuodi.exchange.registers import LABELS, OpenedRegister, load_register, open_register
from tuodi.files import store
from tuodi.files.models import StoredFile
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.identity import CHANGE_LABELS, InvalidIdError, parse_id
from tuodi.kernel.masking import mask_id, mask_name
from tuodi.kernel.places import pad12
from tuodi.matching.sealed import SealedTotals, SealedWriter, open_sealed
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.verification import register_store, source_states
from tuodi.verification.models import DataSource, RegisterBatch
from tuodi.verification.register_errors import (
    BatchBusyError,
    BatchNumberError,
    BatchOrderError,
    SourceInputError,
    SourceStateError,
)

__all__ = ["import_register", "purge_expired", "receive_register", "resume_imports"]

State = RegisterBatch.State
#: Rows for manual review listed in the faults file; all are counted and stay in the batch.
LISTED = 2000
#: First half of the advisory lock that one import of one batch holds.
_LOCK = 0x7EB0
_HEADER = ("文件", "行", "结论", "列", "写法（脱敏）", "原因", "处理办法")
_LEVELS = {"rejected": "未采用", "warning": "采用，该项未知", "manual": "采用，待人工"}


def import_register(
    source: DataSource,
    files: Sequence[Path],
    *,
    batch_no: str,
    as_of: date | None = None,
    acting_user: User | None,
    names: Sequence[str] = (),
) -> RegisterBatch:
    """Takes in one delivery, in one or several files.

    The same files again give the batch there is. Other files under a number used today are added row by row, and rows
    known already count as duplicates.

    Args:
        as_of: The day the register is true of, as the department says; null = as the file says.
        names: Names as delivered; else the paths'.
    Returns: the ready batch. The batch before it is superseded and destroyed.
    Raises: NotFoundError, AccessDeniedError; SourceStateError, BatchNumberError, BatchOrderError, BatchBusyError; the
        errors of `exchange`, after the batch has been noted as refused.
    """
    _door(source, acting_user)
    names = [store.safe_name(name) for name in names or [path.name for path in files]]
    hashes = [register_store.sha256(path) for path in files]
    batch = _claim(source, names, hashes, batch_no, as_of, acting_user)
    if batch.state == State.READY and set(hashes) <= set(batch.file_hashes):
        return batch
    with _sole(batch):
        return _take(batch, list(files), names, hashes, as_of, acting_user)


def receive_register(
    source: DataSource,
    path: Path,
    *,
    batch_no: str,
    name: str,
    as_of: date | None = None,
    acting_user: User,
) -> RegisterBatch:
    """Takes an upload in for a job: the file is kept encrypted until it has been imported, the row says `importing`.

    Must run in a scope that holds the place.
    Raises: as `import_register`, as far as the head of the file tells.
    """
    _door(source, acting_user)
    opened = open_register(path, load_register(source.profile), on=clock.today(), as_of=as_of)
    as_of = opened.as_of
    if as_of is None:
        raise SourceInputError("数据日期", "文件开头没有写明，请填写部门给出的数据日期")
    digest = register_store.sha256(path)
    name = store.safe_name(name)
    batch = _claim(source, [name], [digest], batch_no, as_of, acting_user)
    if batch.state == State.READY and digest in batch.file_hashes:
        return batch
    if batch.state == State.READY:
        # A second file of today: it is noted on the row, so that the job finds it.
        batch.note = digest
        batch.save(update_fields=["note"])
    store.put_path(path, region=pad12(source.place_code), name=name, purpose=register_store.RAW, by_id=acting_user.pk)
    return batch


def resume_imports(number: int | None = None) -> int:
    """Imports what was received and is not yet read: new uploads, and those whose worker died. Returns how many."""
    done = 0
    waiting = RegisterBatch.objects.filter(state=State.IMPORTING) | RegisterBatch.objects.filter(
        state=State.READY, note__regex="^[0-9a-f]{64}$"
    )
    for batch in waiting.order_by("pk") if number is None else waiting.filter(pk=number):
        region = pad12(batch.place_code)
        wanted = batch.file_hashes if batch.state == State.IMPORTING else [batch.note]
        with access.system_scope(batch.place_code):
            stored = list(
                StoredFile.objects.filter(region=region, purpose=register_store.RAW, sha256__in=wanted).order_by("pk")
            )
        if len(stored) < len(set(wanted)):
            continue  # its file was never kept: who started it has it, and starts it again
        try:
            with _sole(batch), _copies(stored) as paths:
                as_of = batch.as_of
                _take(
                    batch, paths, [one.name for one in stored], [one.sha256 for one in stored], as_of, batch.received_by
                )
            done += 1
        except BatchBusyError:
            continue
        except TuodiError:
            done += 1  # noted on the row as refused
    return done


@contextmanager
def _copies(stored: Sequence[StoredFile]) -> Iterator[list[Path]]:
    if not stored:
        yield []
        return
    with store.plain_copy(stored[0]) as path, _copies(stored[1:]) as others:
        yield [path, *others]


def purge_expired() -> int:
    """Destroys batches past their retention date, and what superseded ones may have left. Returns how many."""
    today = clock.today()
    due = RegisterBatch.objects.filter(state__in=(State.READY, State.SUPERSEDED, State.REFUSED), retain_until__lt=today)
    count = 0
    for batch in due.order_by("place_code", "pk"):
        with transaction.atomic():
            batch = RegisterBatch.objects.select_for_update().get(pk=batch.pk)
            before = batch.state
            batch.state, batch.purged_at, batch.sealed, batch.sealed_bytes = State.PURGED, clock.now(), "", 0
            batch.save(update_fields=["state", "purged_at", "sealed", "sealed_bytes"])
            _note("purge_batch", batch, None, {"state": before, "retain_until": batch.retain_until})
            register_store.destroy(batch)
        with access.system_scope(batch.place_code):
            register_store.forget_raw(pad12(batch.place_code), batch.file_hashes)
        count += 1
    return count


def _door(source: DataSource, acting_user: User | None) -> None:
    if acting_user is not None:
        access.require(acting_user, DutyCode.SWEEP, pad12(source.place_code))
    if source.state not in source_states.IMPORTING:
        raise SourceStateError(source.label, source.get_state_display(), "还不能导入数据")
    if not source.profile:
        raise SourceStateError(source.label, source.get_state_display(), "没有文件模板，不能导入文件")


@transaction.atomic
def _claim(
    source: DataSource,
    names: Sequence[str],
    hashes: Sequence[str],
    batch_no: str,
    as_of: date | None,
    acting_user: User | None,
) -> RegisterBatch:
    """The row of a delivery: the one there is, or a new one."""
    DataSource.objects.select_for_update().get(pk=source.pk)  # two uploads of one source wait for each other
    same = source.batches.filter(state=State.READY, file_hashes__contains=list(hashes)).order_by("-pk").first()
    if same is not None:
        return same
    batch = source.batches.filter(batch_no=batch_no).first()
    today = clock.today()
    if batch is not None:
        added = batch.state == State.READY and batch.received_at.astimezone(clock.BEIJING).date() == today
        again = batch.state == State.REFUSED or (batch.state == State.IMPORTING and batch.file_hashes == list(hashes))
        if not added and not again:
            raise BatchNumberError(batch_no, batch.get_state_display())
        if added and as_of is not None and as_of != batch.as_of:
            raise BatchNumberError(batch_no, f"数据日期 {batch.as_of.isoformat()}")
        if again:
            batch.state, batch.file_names, batch.file_hashes, batch.note = (
                State.IMPORTING,
                list(names),
                list(hashes),
                "",
            )
            batch.as_of = as_of or today
            batch.save(update_fields=["state", "file_names", "file_hashes", "note", "as_of"])
        return batch
    batch = RegisterBatch.objects.create(
        source=source,
        place_code=source.place_code,
        batch_no=batch_no,
        profile=source.profile,
        as_of=as_of or today,
        file_names=list(names),
        file_hashes=list(hashes),
        received_at=clock.now(),
        received_by=acting_user,
        retain_until=today + timedelta(days=source.retention_days),
    )
    _note("receive_batch", batch, acting_user, {"files": list(names), "sha256": list(hashes)})
    return batch


@contextmanager
def _sole(batch: RegisterBatch) -> Iterator[None]:
    """One import of a batch at a time. The lock goes with its connection, so a dead worker holds nothing up."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [_LOCK, batch.pk])
        (got,) = cursor.fetchone()
    if not got:
        raise BatchBusyError(batch.batch_no)
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, %s)", [_LOCK, batch.pk])


def _take(
    batch: RegisterBatch,
    files: list[Path],
    names: Sequence[str],
    hashes: Sequence[str],
    as_of: date | None,
    actor: User | None,
) -> RegisterBatch:
    source = batch.source
    start = time.monotonic()
    tally = _Tally()
    try:
        totals = _seal(batch, files, names, as_of, tally)
    except TuodiError as error:
        _refuse(batch, actor, str(error))
        raise
    adding = batch.state == State.READY
    with access.system_scope(batch.place_code):
        kept = _faults_file(batch, tally, actor)
        with transaction.atomic():
            row = RegisterBatch.objects.select_for_update().get(pk=batch.pk)
            row.state, row.note, row.as_of = State.READY, "", tally.as_of or batch.as_of
            row.sealed, row.sealed_bytes = register_store.relative_path(row), totals.size
            row.rows = (row.rows if adding else 0) + tally.rows
            row.rejected = (row.rejected if adding else 0) + tally.rejected
            row.duplicates = (row.duplicates if adding else 0) + totals.duplicates
            row.accepted, row.unkeyed = totals.kept, totals.unkeyed
            row.reasons = tally.reasons(totals, row.reasons if adding else {})
            if adding:
                row.file_names, row.file_hashes = [*row.file_names, *names], [*row.file_hashes, *hashes]
            row.faults = kept
            row.seconds = round(time.monotonic() - start, 3)
            row.save()
            counts = {
                "rows": row.rows,
                "accepted": row.accepted,
                "duplicates": row.duplicates,
                "rejected": row.rejected,
            }
            _note("import_batch", row, actor, {**counts, "as_of": row.as_of, "sha256": list(hashes)})
            old = _supersede(row, actor)
            now = clock.now()
            DataSource.objects.filter(pk=source.pk).update(last_success_at=now, last_tried_at=now, failures=0)
        register_store.forget_raw(pad12(batch.place_code), list(hashes))
    for gone in old:
        register_store.destroy(gone)
    return row


class _Tally:
    """What the files of one import add up to."""

    def __init__(self) -> None:
        self.rows = self.rejected = 0
        self.as_of: date | None = None
        self.codes: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.lines: list[tuple[Any, ...]] = []
        self.labels: dict[str, str] = {}

    def add(self, opened: OpenedRegister) -> None:
        """One file read to its end."""
        found = opened.totals
        self.rows += found.rows
        self.rejected += found.rejected
        self.codes.update(found.reasons)
        self.notes.update(found.notes)

    def hear(self, frame: pl.DataFrame) -> None:
        """The newest day of any row: the batch's, where nobody says one for the whole."""
        newest = frame["as_of"].max()
        if isinstance(newest, date):
            self.as_of = max(self.as_of or newest, newest)

    def reasons(self, totals: SealedTotals, before: dict[str, Any]) -> dict[str, Any]:
        """Code -> [label, rows], for the batch's row."""
        found = {code: [LABELS[code].format("有的列"), count] for code, count in self.codes.items()}
        found.update({f"note.{code}": [CHANGE_LABELS[code.removeprefix("id_")], n] for code, n in self.notes.items()})
        for code, count in before.items():
            if code in found:
                found[code][1] += count[1]
            elif not code.startswith("state."):
                found[code] = count
        labels = {"converted15": "十五位旧号码已换算", "bad_check": "校验码不对，命中后须人工核对", "foreign": "境外人员证件", "invalid": "没有可用的证件号码，待人工"}  # fmt: skip
        found.update(
            {f"state.{state}": [labels[state], totals.states[state]] for state in labels if totals.states.get(state)}
        )
        return found


def _seal(
    batch: RegisterBatch, files: Sequence[Path], names: Sequence[str], as_of: date | None, tally: _Tally
) -> SealedTotals:
    """Reads the files into the batch's encrypted file; a batch that is ready keeps its rows and gets new ones."""
    profile = load_register(batch.profile)
    today = clock.today()
    target = Path(register_store.path(batch))
    given = batch.as_of if batch.state == State.READY else as_of
    registers = [open_register(path, profile, on=today, as_of=given) for path in files]
    day = given or next((one.as_of for one in registers if one.as_of), None)
    if day is None and not all("as_of" in one.columns for one in registers):
        raise SourceInputError("数据日期", "文件没有写明，请填写部门给出的数据日期")
    if day is not None:
        _check_order(batch, day)
    adding = batch.state == State.READY
    scratch = register_store.scratch()
    before = open_sealed(target, register_store.identity(batch), scratch=scratch) if adding else nullcontext(None)
    with (
        before as known,
        SealedWriter(
            target, register_store.identity(batch), hot=profile.rules, scratch=scratch, as_of=day, on=today
        ) as writer,
    ):
        if known is not None:
            for frame in known.frames():
                writer.write(frame, known=True)
        first_file = len(batch.file_names) if adding else 0
        for number, (opened, name) in enumerate(zip(registers, names, strict=True), first_file + 1):
            for chunk in opened.chunks():
                frame = _arranged(chunk.frame, number, day)
                tally.hear(frame)
                writer.write(frame)
                room = LISTED * 10 - len(tally.lines)
                tally.lines += [(name, *row) for row in chunk.faults.head(room).iter_rows()]
            tally.add(opened)
        tally.as_of = day or tally.as_of or today
        if day is None:
            _check_order(batch, tally.as_of)
        return writer.finish()


def _arranged(frame: pl.DataFrame, number: int, day: date | None) -> pl.DataFrame:
    """The columns in one order, whatever carrier they came by."""
    frame = frame.with_columns(pl.col("as_of").fill_null(day), file_no=pl.lit(number, pl.UInt8))
    head = ["line_no", "id_raw", "name", "as_of", "stale"]
    return frame.select(*head, *(name for name in frame.columns if name not in (*head, "file_no")), "file_no")


def _check_order(batch: RegisterBatch, day: date) -> None:
    newest = (
        RegisterBatch.objects.filter(source=batch.source_id, state=State.READY)
        .exclude(pk=batch.pk)
        .order_by("-as_of")
        .values_list("as_of", flat=True)
        .first()
    )
    if newest is not None and day < newest:
        raise BatchOrderError(day, newest)


@transaction.atomic
def _refuse(batch: RegisterBatch, actor: User | None, sentence: str) -> None:
    """A delivery that cannot be used is noted; a ready batch that others were to be added to stays as it was."""
    now = clock.now()
    row = RegisterBatch.objects.select_for_update().get(pk=batch.pk)
    if row.state != State.READY:
        row.state = State.REFUSED
    row.note = sentence[:300]
    row.save(update_fields=["state", "note"])
    _note("refuse_batch", row, actor, {"why": row.note})
    source = DataSource.objects.select_for_update().get(pk=row.source_id)
    source.last_tried_at, source.failures = now, min(source.failures + 1, 32_000)
    source.save(update_fields=["last_tried_at", "failures"])


def _supersede(batch: RegisterBatch, actor: User | None) -> list[RegisterBatch]:
    """Older batches of the source make room; their files are destroyed once this is committed."""
    old = list(RegisterBatch.objects.filter(source=batch.source_id, state=State.READY).exclude(pk=batch.pk))
    for row in old:
        row.state = State.SUPERSEDED
        row.save(update_fields=["state"])
        _note("supersede_batch", row, actor, {"by": batch.batch_no})
    RegisterBatch.objects.filter(pk__in=[row.pk for row in old]).update(sealed="", sealed_bytes=0)
    return old


def _faults_file(batch: RegisterBatch, tally: _Tally, actor: User | None) -> StoredFile | None:
    """What was rejected, is unknown, or waits for a person, as CSV for the department; null = nothing."""
    lines: list[tuple[Any, ...]] = [
        (name, line, _LEVELS[level], field, shown, reason, remedy)
        for name, line, level, _, field, shown, reason, remedy in tally.lines
    ]
    names = [*batch.file_names]
    with open_sealed(
        register_store.path(batch), register_store.identity(batch), scratch=register_store.scratch()
    ) as opened:
        at = opened.hot().filter(pl.col("key").is_null()).select("row").head(LISTED).collect()["row"]
        for row in opened.rest_rows(at).iter_rows(named=True) if len(at) else ():
            number = row["file_no"] - 1
            name = names[number] if number < len(names) else ""
            lines.append((name, row["line_no"], _LEVELS["manual"], "id_no", *_why(row["id_raw"], row["name"])))
    if not lines:
        return None
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_HEADER)
    for line in lines:
        writer.writerow([harmless(cell) for cell in line])
    return store.put_bytes(
        ("\ufeff" + out.getvalue()).encode(),
        region=pad12(batch.place_code),
        name=f"{batch.batch_no}-问题行.csv",
        purpose="register_faults",
        media_type="text/csv",
        by_id=actor.pk if actor else None,
    )


def _why(raw: str | None, name: str | None) -> tuple[str, str, str]:
    shown = f"{mask_id(raw or '')} {mask_name(name or '')}".strip()
    try:
        parse_id(raw)
    except InvalidIdError as error:
        parts = error.message.rstrip("。").split("：", 1)[-1].split("。")
        return shown, f"证件号码{parts[0]}", parts[-1]
    return shown, "证件号码不能比对", "请对照证件原件改正"


def _note(verb: str, batch: RegisterBatch, actor: User | None, after: dict[str, Any]) -> None:
    record(
        f"verification.{verb}",
        actor=actor,
        subject_type="registerbatch",
        subject_id=batch.pk,
        region=pad12(batch.place_code),
        after=after,
    )
