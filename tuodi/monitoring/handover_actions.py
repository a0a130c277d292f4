"""Hand-over of payment rows to the discipline body (M27): ask, approve, make, fetch, acknowledge; and what comes back.

Whole identity numbers leave the system here and nowhere else. So a file names who asked, for whom and on what basis on
each page; above a number of rows a second person must have agreed; only who asked fetches it, for some days; and every
step is in the audit log with counts and hash.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction

from tuodi.exchange.bulk_xlsx import Notes, write_csv, write_xlsx
from tuodi.files.scratch import scratch
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.monitoring.guarded import Guard
from tuodi.monitoring.handover_rows import filled, load_profile
from tuodi.monitoring.history import count_rows, payment_rows_of
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import HandOver
from tuodi.monitoring.series import numbers
from tuodi.monitoring.sweep_errors import HandOverError, WatchInputError, WatchStateError
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name
from tuodi.people.enums import Programme

__all__ = ["acknowledge", "approve", "expire", "fetch", "make", "refuse", "request"]

State = HandOver.State
#: At most so many months in one file.
_MONTHS = 120
GUARD: Guard[HandOver] = Guard(HandOver, "数据移交", "hand_over", "hand_over", "hand_over_days")
_note = GUARD.note


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


def approve(hand_over: HandOver, *, acting_user: User) -> HandOver:
    """A second person agrees. Raises: WatchStateError, NotFoundError, AccessDeniedError."""
    return GUARD.approve(hand_over, acting_user=acting_user)


def refuse(hand_over: HandOver, reason: str, *, acting_user: User) -> HandOver:
    """A second person does not agree, and says why. Raises as `approve`, and WatchInputError."""
    return GUARD.refuse(hand_over, reason, acting_user=acting_user)


@transaction.atomic
def make(hand_over: HandOver, *, acting_user: User) -> HandOver:
    """Makes the file: rows, watermark, count, SHA-256. Whoever asked makes it; the same row again changes nothing.

    The rows are those there are now. Where they have become more than may go without a second person, it waits for one.

    Raises: WatchStateError, HandOverError, NotFoundError, AccessDeniedError.
    """
    row = GUARD.locked(hand_over)
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
    if GUARD.grown(row, rows.height, acting_user):
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
    with scratch() as folder:
        path = folder / f"{row.no}.{'xlsx' if row.format == 'xlsx' else 'zip'}"
        if row.format == HandOver.Format.XLSX:
            written = write_xlsx(path, [shown], columns, notes)
            media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        else:
            written = write_csv(path, [shown], columns, notes, row.no)
            media = "application/zip"
        digest, stored = GUARD.store(row, path, media, acting_user)
    if written != rows.height:
        raise HandOverError(row.no, f"写出 {written} 行，应为 {rows.height} 行，文件已作废")
    row.rows, row.rows_by, row.amount_fen, row.sha256, row.stored = written, counts, total, digest, stored
    row.state, row.made_at, row.seconds = State.READY, now, round(time.perf_counter() - began, 3)
    row.expires_on = GUARD.last_day(row, now.date())
    row.save()
    _note(
        "make", acting_user, row, rows=written, rows_by=counts, amount_fen=total, sha256=digest, receiver=row.receiver
    )
    return row


@contextmanager
def fetch(hand_over: HandOver, *, acting_user: User) -> Iterator[Path]:
    """The plain file for the time of the block, for who asked for it alone; see `Guard.fetch`."""
    with GUARD.fetch(hand_over, acting_user=acting_user, duties=(DutyCode.HAND_OVER,)) as path:
        yield path


@transaction.atomic
def acknowledge(hand_over: HandOver, by: str, *, acting_user: User) -> HandOver:
    """The receiver has signed for the file (回执). Raises: WatchInputError, WatchStateError, access errors."""
    row = GUARD.locked(hand_over)
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
    return GUARD.expire(place, acting_user=acting_user)
