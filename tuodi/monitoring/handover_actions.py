"""Hand-over of payment rows to the discipline body (M27): ask, approve, make, fetch, acknowledge; and what comes back.

Whole identity numbers leave the system here and nowhere else. So a file names who asked, for whom and on what basis on
each page; above a number of rows a second person must have agreed; only who asked fetches it, for some days; and every
step is in the audit log with counts and hash.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from tuodi.audit.actions import record
from tuodi.exchange.bulk_xlsx import Notes, write_csv, write_xlsx
from tuodi.files.store import path_of, plain_copy, put_path
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.monitoring.handover_rows import filled, load_profile
from tuodi.monitoring.history import count_rows, payment_rows_of
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import HandOver
from tuodi.monitoring.series import numbers
from tuodi.monitoring.sweep_errors import HandOverError, SecondPersonError, WatchInputError, WatchStateError
from tuodi.org import access
from tuodi.org.access import scope, system_scope
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name
from tuodi.people.enums import Programme

__all__ = ["acknowledge", "approve", "expire", "fetch", "make", "refuse", "request"]

State = HandOver.State
#: At most so many months in one file.
_MONTHS = 120


def _note(verb: str, actor: User | None, row: HandOver, **after: Any) -> None:
    record(
        f"monitoring.hand_over_{verb}", actor=actor, subject_type="handover", subject_id=row.pk, region=row.region,
        after={"no": row.no, "state": row.state, **after},
    )  # fmt: skip


def _locked(row: HandOver) -> HandOver:
    found = HandOver.objects.select_for_update(of=("self",)).select_related("requested_by").filter(pk=row.pk).first()
    if found is None:
        raise NotFoundError("数据移交")
    return found


@transaction.atomic
def request(
    *, acting_user: User, place: str, receiver: str, purpose: str, basis: str, first: Month, last: Month,
    programmes: Sequence[str] = (), format: str = "xlsx", profile: str = "discipline",
) -> HandOver:  # fmt: skip
    """Asks for an export. Above the number of rows of the place's parameter it waits for a second person.

    Raises: WatchInputError, ProfileError, NotFoundError, AccessDeniedError, MissingLimitError.
    """
    region = pad12(place)
    access.require(acting_user, DutyCode.HAND_OVER, region)
    for label, text, longest in (("接收单位", receiver, 80), ("用途", purpose, 200), ("依据文号", basis, 80)):
        if not text.strip():
            raise WatchInputError(label, "没有填写")
        if len(text.strip()) > longest:
            raise WatchInputError(label, f"超过 {longest} 个字")
    if not 0 <= last - first < _MONTHS:
        raise WatchInputError("月份", f"止月不能早于起月，且最多 {_MONTHS} 个月")
    if format not in HandOver.Format.values:
        raise WatchInputError("格式", f"只能是 {'、'.join(HandOver.Format.values)}")
    strange = set(programmes) - set(Programme.values)
    if strange:
        raise WatchInputError("项目", f"没有 {'、'.join(sorted(strange))}")
    load_profile(profile)
    rows = payment_rows_of(place, first, last, programmes)
    if not rows.height:
        raise WatchInputError("月份", f"{first} 至 {last} 没有发放明细")
    allowed = limit("hand_over_limit", place, clock.today())
    made = HandOver.objects.create(
        region=region, place_code=place, no=numbers("handover", place, clock.today())[0], receiver=receiver.strip(),
        purpose=purpose.strip(), basis=basis.strip(), first_month=first.yyyymm, last_month=last.yyyymm,
        programmes=sorted(set(programmes)), profile=profile, format=format, expected=rows.height, limit_rows=allowed,
        state=State.WAITING if rows.height > allowed else State.APPROVED, requested_at=clock.now(), requested_by=acting_user,
    )  # fmt: skip
    _note("request", acting_user, made, rows=rows.height, receiver=made.receiver, basis=made.basis, profile=profile)
    return made


@transaction.atomic
def approve(hand_over: HandOver, *, acting_user: User) -> HandOver:
    """A second person agrees. Raises: WatchStateError, SecondPersonError, NotFoundError, AccessDeniedError."""
    row = _locked(hand_over)
    access.require(acting_user, DutyCode.HAND_OVER_APPROVE, row.region)
    _waiting(row, "审批", acting_user)
    row.state, row.approved_by, row.approved_at = State.APPROVED, acting_user, clock.now()
    row.save(update_fields=["state", "approved_by", "approved_at"])
    _note("approve", acting_user, row, rows=row.expected)
    return row


@transaction.atomic
def refuse(hand_over: HandOver, reason: str, *, acting_user: User) -> HandOver:
    """A second person does not agree, and says why. Raises as `approve`, and WatchInputError."""
    row = _locked(hand_over)
    access.require(acting_user, DutyCode.HAND_OVER_APPROVE, row.region)
    if not reason.strip():
        raise WatchInputError("不批准理由", "没有填写")
    _waiting(row, "审批", acting_user)
    row.state, row.approved_by, row.approved_at = State.REFUSED, acting_user, clock.now()
    row.refuse_reason = reason.strip()[:200]
    row.save(update_fields=["state", "approved_by", "approved_at", "refuse_reason"])
    _note("refuse", acting_user, row, reason=row.refuse_reason)
    return row


def _waiting(row: HandOver, wanted: str, user: User) -> None:
    if row.state != State.WAITING:
        raise WatchStateError(f"数据移交 {row.no}", row.get_state_display(), wanted)
    if row.requested_by_id == user.pk:
        raise SecondPersonError("申请", "审批")


@transaction.atomic
def make(hand_over: HandOver, *, acting_user: User) -> HandOver:
    """Makes the file: rows, watermark, count, SHA-256. Whoever asked makes it; the same row again changes nothing.

    The rows are those there are now. Where they have become more than may go without a second person, it waits for one.

    Raises: WatchStateError, HandOverError, NotFoundError, AccessDeniedError.
    """
    row = _locked(hand_over)
    access.require(acting_user, DutyCode.HAND_OVER, row.region)
    if row.requested_by_id != acting_user.pk:
        raise HandOverError(row.no, "只有申请人可以生成")
    if row.state == State.READY:
        return row
    if row.state != State.APPROVED:
        raise WatchStateError(f"数据移交 {row.no}", row.get_state_display(), "生成文件")
    began = time.perf_counter()
    first, last = Month.parse(str(row.first_month)), Month.parse(str(row.last_month))
    rows = payment_rows_of(row.place_code, first, last, row.programmes)
    if rows.height > row.limit_rows and row.approved_by_id is None:
        row.state, row.expected = State.WAITING, rows.height
        row.save(update_fields=["state", "expected"])
        _note("grown", acting_user, row, rows=rows.height)
        return row
    label, columns = load_profile(row.profile)
    counts, total = count_rows(rows), int(rows["amount_fen"].sum() or 0)
    now = clock.now()
    told = f"{row.no} {row.receiver} {acting_user.name}（{acting_user.username}）{now:%Y-%m-%d %H:%M}"
    notes = Notes(
        header=f"内部资料 {told}",
        footer=f"{told} 仅限：{row.purpose}",
        lines=[
            ("移交编号", row.no), ("范围", place_name(row.place_code)), ("接收单位", row.receiver), ("用途", row.purpose),
            ("依据", row.basis), ("内容", label), ("月份", f"{first} 至 {last}"), ("行数", f"{rows.height}"),
            *((f"其中 {key}", str(n)) for key, n in counts.items()), ("金额合计（元）", format_yuan(total)),
            ("申请人", f"{acting_user.name}（{acting_user.username}）"),
            ("审批人", row.approved_by.name if row.approved_by else f"未超过 {row.limit_rows} 行，免审批"),
            ("生成时间", f"{now:%Y-%m-%d %H:%M:%S}"),
        ],
    )  # fmt: skip
    shown = filled(row.place_code, rows, full_numbers=any(one.field == "id_no" for one in columns))
    with _scratch() as folder:
        path = folder / f"{row.no}.{'xlsx' if row.format == 'xlsx' else 'zip'}"
        if row.format == HandOver.Format.XLSX:
            written = write_xlsx(path, [shown], columns, notes)
            media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        else:
            written = write_csv(path, [shown], columns, notes, row.no)
            media = "application/zip"
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        stored = put_path(
            path, region=row.region, name=path.name, purpose="hand_over", media_type=media, by_id=acting_user.pk
        )
    if written != rows.height:
        raise HandOverError(row.no, f"写出 {written} 行，应为 {rows.height} 行，文件已作废")
    row.rows, row.rows_by, row.amount_fen, row.sha256, row.stored = written, counts, total, digest, stored
    row.state, row.made_at, row.seconds = State.READY, now, round(time.perf_counter() - began, 3)
    row.expires_on = now.date() + timedelta(days=limit("hand_over_days", row.place_code, now.date()))
    row.save()
    _note(
        "make", acting_user, row, rows=written, rows_by=counts, amount_fen=total, sha256=digest, receiver=row.receiver
    )
    return row


@contextmanager
def _scratch() -> Iterator[Path]:
    base = Path(settings.FILES_DIR) / ".scratch"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=base) as folder:
        yield Path(folder)


@contextmanager
def fetch(hand_over: HandOver, *, acting_user: User) -> Iterator[Path]:
    """The plain file for the time of the block, for who asked for it alone; each time is counted and logged.

    Raises: HandOverError (not ready, expired, somebody else's; logged by who calls), FileMissingError, FileDamagedError.
    """
    with scope(acting_user):
        row = _locked(hand_over)
        access.require(acting_user, DutyCode.HAND_OVER, row.region)
        if row.requested_by_id != acting_user.pk:
            raise HandOverError(row.no, "只有申请人可以下载")
        if row.state == State.EXPIRED or (row.expires_on and row.expires_on < clock.today()):
            raise HandOverError(row.no, f"已于 {row.expires_on} 到期，请重新申请")
        if row.state != State.READY or row.stored is None:
            raise HandOverError(row.no, f"现在是“{row.get_state_display()}”，文件还没有生成")
        row.downloads += 1
        row.save(update_fields=["downloads"])
        _note("fetch", acting_user, row, rows=row.rows, sha256=row.sha256, time=row.downloads)
        stored = row.stored
    with plain_copy(stored) as path:
        yield path


@transaction.atomic
def acknowledge(hand_over: HandOver, by: str, *, acting_user: User) -> HandOver:
    """The receiver has signed for the file (回执). Raises: WatchInputError, WatchStateError, access errors."""
    row = _locked(hand_over)
    access.require(acting_user, DutyCode.HAND_OVER, row.region)
    if not by.strip():
        raise WatchInputError("签收人", "没有填写")
    if row.state not in (State.READY, State.EXPIRED) or row.downloads == 0:
        raise WatchStateError(f"数据移交 {row.no}", row.get_state_display(), "签收（文件还没有取出）")
    row.receipt_by, row.receipt_on = by.strip()[:60], clock.today()
    row.save(update_fields=["receipt_by", "receipt_on"])
    _note("acknowledge", acting_user, row, by=row.receipt_by)
    return row


def expire(place: str, *, acting_user: User | None = None) -> int:
    """Ends what may no longer be fetched and destroys its bytes; count and hash stay. Returns how many."""
    ended = 0
    with system_scope(place):
        rows = HandOver.objects.select_for_update(of=("self",)).select_related("stored")
        for row in rows.filter(state=State.READY, expires_on__lt=clock.today()).order_by("region", "id"):
            row.state = State.EXPIRED
            row.save(update_fields=["state"])
            if row.stored is not None:
                path_of(row.stored).unlink(missing_ok=True)
            _note("expire", acting_user, row, sha256=row.sha256)
            ended += 1
    return ended
