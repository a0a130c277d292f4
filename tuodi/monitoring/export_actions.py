"""Rosters and ledgers taken out as spreadsheets: ask, approve, make in slices, fetch. Limited by duty, watermarked, logged.

Above the number of rows of the place's parameter a reason and a second person are needed, as for the hand-over (`guarded`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
from django.db import DatabaseError, transaction

from tuodi.exchange.bulk_xlsx import Notes, write_xlsx
from tuodi.files.scratch import scratch
from tuodi.kernel import clock
from tuodi.kernel.clock import BEIJING
from tuodi.kernel.places import pad12
from tuodi.monitoring.guarded import Guard
from tuodi.monitoring.ledgers import LEDGERS, Choices, Ledger
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import Export
from tuodi.monitoring.series import numbers
from tuodi.monitoring.sweep_errors import HandOverError, WatchInputError, WatchStateError
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.org.outages import outage_of
from tuodi.org.places import place_name
from tuodi.people.enums import Programme

__all__ = ["GUARD", "access_export", "approve", "expire", "fetch", "ledger_of", "make", "refuse", "request"]

State = Export.State
GUARD: Guard[Export] = Guard(Export, "导出", "export", "export", "export_days")
MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Days a ledger may reach over.
_LONGEST = 366 * 5


def access_export(user: User, pk: int) -> Export:
    """One export. Raises NotFoundError, alike for absent and not yours."""
    rows = Export.objects.select_related("requested_by", "approved_by", "stored")
    return access.one(rows, user=user, what="导出", pk=pk)


def ledger_of(kind: str) -> Ledger:
    """What an export holds. Raises WatchInputError for a kind nobody registered."""
    if kind not in LEDGERS:
        raise WatchInputError("内容", f"没有“{kind}”；现有：{'、'.join(LEDGERS)}")
    return LEDGERS[kind]


@transaction.atomic
def request(*, acting_user: User, kind: str, place: str, choices: Choices, reason: str = "") -> Export:
    """Asks for an export; up to the limit it may be made at once.

    Raises: WatchInputError, NotFoundError, AccessDeniedError, MissingLimitError.
    """
    ledger = ledger_of(kind)
    region = pad12(place)
    access.require_any(acting_user, ledger.duties, region)
    if ledger.by_programme and choices.programme not in Programme.values:
        raise WatchInputError("项目", "没有选择")
    if choices.until < choices.since or (choices.until - choices.since).days > _LONGEST:
        raise WatchInputError("日期", "止日不能早于起日，且最多五年")
    rows = ledger.count(place, choices)
    if not rows:
        raise WatchInputError("范围", "没有符合条件的记录")
    allowed = limit("export_limit", place, clock.today())
    if rows > allowed and len(reason.strip()) < 4:
        raise WatchInputError("用途", f"共 {rows:,} 行，超过 {allowed:,} 行，须写明用途并由另一人审批")
    made = Export.objects.create(
        region=region, place_code=place, no=numbers("export", place, clock.today())[0], kind=kind, choices=choices.to_json(),
        reason=reason.strip()[:200], expected=rows, limit_rows=allowed,
        state=State.WAITING if rows > allowed else State.APPROVED, requested_at=clock.now(), requested_by=acting_user,
    )  # fmt: skip
    GUARD.note("request", acting_user, made, kind=kind, rows=rows, choices=made.choices, reason=made.reason)
    return made


def approve(export: Export, *, acting_user: User) -> Export:
    """A second person agrees; see `Guard.approve`."""
    return GUARD.approve(export, acting_user=acting_user)


def refuse(export: Export, reason: str, *, acting_user: User) -> Export:
    """A second person does not agree; see `Guard.refuse`."""
    return GUARD.refuse(export, reason, acting_user=acting_user)


def make(export: Export, *, acting_user: User) -> Export:
    """Makes the file in slices; each slice is read in a transaction of its own, so that others see how far it is.

    Whoever asked makes it; the same row again changes nothing. Memory does not grow with the rows. Where the machine fails (its disk is
    full) the row says why there is no file, and may be asked for anew.

    Raises: WatchStateError, HandOverError, NotFoundError, AccessDeniedError.
    """
    try:
        return _made(export, acting_user)
    except Exception as error:
        outage = outage_of(error)
        if outage is not None:
            with suppress(DatabaseError), access.scope(acting_user):
                Export.objects.filter(pk=export.pk, state=State.APPROVED).update(progress_done=0, fault=outage.sentence)
        raise


def _made(export: Export, acting_user: User) -> Export:
    began = time.perf_counter()
    with access.scope(acting_user):
        row = GUARD.locked(export)
        ledger = ledger_of(row.kind)
        access.require_any(acting_user, ledger.duties, row.region)
        if row.requested_by_id != acting_user.pk:
            raise HandOverError(row.no, "只有申请人可以生成", GUARD.label)
        if row.state == State.READY:
            return row
        if row.state != State.APPROVED:
            raise WatchStateError(f"{GUARD.label} {row.no}", row.get_state_display(), "生成文件")
        choices = Choices.from_json(row.choices)
        if GUARD.grown(row, ledger.count(row.place_code, choices), acting_user):
            return row
    now = clock.now()
    told = f"{row.no} {acting_user.office.name} {acting_user.name}（{acting_user.username}）{now.astimezone(BEIJING):%Y-%m-%d %H:%M}"
    notes = Notes(
        header=f"内部资料 严禁外传 {told}",
        footer=f"{told} 导出",
        lines=[
            ("导出编号", row.no), ("内容", ledger.label), ("范围", place_name(pad12(row.place_code))),
            *([("项目", Programme(choices.programme).label)] if ledger.by_programme else []),
            ("月份", str(choices.month)) if ledger.by_month else ("日期", f"{choices.since} 至 {choices.until}"),
            ("用途", row.reason or "—"), ("导出人", told),
            ("审批人", row.approved_by.name if row.approved_by else f"未超过 {row.limit_rows} 行，免审批"),
        ],
    )  # fmt: skip
    with scratch() as folder:
        path = folder / f"{row.no}.xlsx"
        written = write_xlsx(path, _stepped(row, ledger, choices, acting_user), ledger.columns, notes)
        with access.scope(acting_user):
            row = GUARD.locked(row)
            if row.state != State.APPROVED:
                return row  # another worker was quicker: one file comes out
            if GUARD.grown(row, written, acting_user):  # rows that came while it was written
                return row
            row.sha256, row.stored = GUARD.store(row, path, MEDIA, acting_user)
            row.rows, row.progress_done, row.state, row.made_at = written, written, State.READY, now
            row.fault = ""
            row.seconds = round(time.perf_counter() - began, 3)
            row.expires_on = GUARD.last_day(row, now.date())
            row.save()
            GUARD.note("make", acting_user, row, kind=row.kind, rows=written, sha256=row.sha256)
    return row


def _stepped(row: Export, ledger: Ledger, choices: Choices, user: User) -> Iterator[pl.DataFrame]:
    done = 0
    parts = ledger.slices(row.place_code, choices)
    while True:
        with access.scope(user):
            frame = next(parts, None)
            if frame is None:
                return
            done += frame.height
            if not Export.objects.filter(pk=row.pk).update(progress_done=done):
                raise NotFoundError(GUARD.label)
        yield frame


@contextmanager
def fetch(export: Export, *, acting_user: User) -> Iterator[Path]:
    """The plain file for the time of the block, for who asked for it alone; see `Guard.fetch`."""
    with GUARD.fetch(export, acting_user=acting_user, duties=ledger_of(export.kind).duties) as path:
        yield path


def expire(place: str) -> int:
    """Ends what may no longer be fetched and destroys its bytes. Returns how many."""
    return GUARD.expire(place)
