"""Reading and checking the audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from tuodi.audit.chain import GENESIS, row_hash, text_columns
from tuodi.audit.errors import AnchorError
from tuodi.audit.models import AuditEntry, AuditHead

__all__ = [
    "Verdict",
    "Wanted",
    "database_now",
    "history",
    "read_anchors",
    "readings_within_hour",
    "select",
    "verify",
    "write_anchors",
]


@dataclass(frozen=True)
class Verdict:
    """What `verify` found. `ok` or the first broken place, day and row with the reason."""

    ok: bool
    rows: int
    chains: int
    place6: str = ""
    day: str = ""
    seq: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.ok:
            return f"审计链完整：{self.chains} 条链，{self.rows} 条记录。"
        return f"审计链在 {self.place6} {self.day} 第 {self.seq} 条处断开：{self.reason}（此前 {self.rows} 条完整）。"


def history(subject_type: str, subject_id: object) -> QuerySet[AuditEntry]:
    """What was done to one subject, newest first, as far as the reader's scope goes."""
    return AuditEntry.objects.filter(subject_type=subject_type, subject_id=str(subject_id)).order_by("-id")


@dataclass(frozen=True)
class Wanted:
    """What to look for in the log; empty = everything.

    Attributes:
        actor_ids: Numbers of staff; None = anybody. action: A whole name, or a room with its dot.
        subject_type, subject_id: One subject, or all of a kind. since, until: Days, both included. place: A place code.
    """

    actor_ids: tuple[int, ...] | None = None
    actor_name: str = ""
    action: str = ""
    subject_type: str = ""
    subject_id: str = ""
    case_no: str = ""
    since: date | None = None
    until: date | None = None
    place: str = ""


def select(wanted: Wanted) -> QuerySet[AuditEntry]:
    """The rows of the reader's range that answer, newest first."""
    rows = AuditEntry.objects.order_by("-id")
    if wanted.actor_ids is not None:
        rows = rows.filter(actor_id__in=wanted.actor_ids)
    if wanted.actor_name:
        rows = rows.filter(actor_name=wanted.actor_name)
    if wanted.action:
        rows = (
            rows.filter(action__startswith=wanted.action)
            if wanted.action.endswith(".")
            else rows.filter(action=wanted.action)
        )
    for name in ("subject_type", "subject_id", "case_no"):
        if value := getattr(wanted, name):
            rows = rows.filter(**{name: value})
    if wanted.since:
        rows = rows.filter(at__date__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(at__date__lte=wanted.until)
    if wanted.place:
        rows = rows.filter(region__gte=wanted.place, region__lt=wanted.place + "~")
    return rows


def readings_within_hour(actor_id: int, since: float, most: int) -> int:
    """How many pages with people one member of staff was shown within the hour and after a moment; counts no further than `most`.

    By the database's clock, which no demo moves.

    Args:
        since: Seconds since 1970; 0 = none.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from (select 1 from audit_auditentry where actor_id = %s and action in ('web.view', 'web.list') "
            "and recorded_at > greatest(clock_timestamp() - interval '1 hour', to_timestamp(%s)) limit %s) shown",
            [actor_id, since, most],
        )
        return int(cursor.fetchone()[0])


def database_now() -> float:
    """The database's clock in seconds since 1970."""
    with connection.cursor() as cursor:
        cursor.execute("select extract(epoch from clock_timestamp())::float8")
        return float(cursor.fetchone()[0])


def _rows() -> Iterator[tuple[Any, ...]]:
    """Every entry as text in chain order, streamed, since a province writes millions."""
    columns = ", ".join(text_columns("e"))
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(
            f"select e.prev_hash, e.hash, e.place6, to_char(e.day, 'YYYY-MM-DD'), e.seq, {columns} "
            "from audit_auditentry e order by e.place6, e.day, e.seq"
        )
        while rows := cursor.fetchmany(2000):
            yield from rows


def verify(anchors: dict[tuple[str, str], tuple[int, str]] | None = None) -> Verdict:
    """Recomputes every chain in the scope (whole counties only; `system_scope("cn")` for all) and names the first fault.

    Finds a changed field, a removed or inserted row, a removed tail (against the heads), a removed day (each chain
    starts from the hash of the place's chain before) and, with anchors, a log that was rewritten as a whole.

    Args:
        anchors: heads kept outside the database, (place6, day) -> (seq, hash); see `write_anchors`.
    """
    heads = {(head.place6, head.day.isoformat()): head for head in _heads_in_scope()}
    wanted = dict(anchors or {})
    seen = chains = 0
    place, day, seq, last = "", "", 0, GENESIS

    def broken(reason: str, at: tuple[str, str, int]) -> Verdict:
        return Verdict(False, seen, chains, *at, reason)

    for prev_hash, found, place6, this_day, number, *fields in _rows():
        if (place6, this_day) != (place, day):
            if place and (fault := _check_head(heads, place, day, seq, last)):
                return broken(fault, (place, day, seq + 1))
            if place6 != place:
                last = GENESIS
            place, day, seq = place6, this_day, 0
            chains += 1
        if number != seq + 1:
            return broken("此前的记录缺失" if number > seq + 1 else "序号重复", (place6, this_day, seq + 1))
        if prev_hash != last:
            return broken("与前一条不相接（前面有记录或整日被删除、替换）", (place6, this_day, number))
        if row_hash(prev_hash, tuple(fields)) != found:
            return broken("内容与校验值不符（被修改）", (place6, this_day, number))
        anchor = wanted.get((place6, this_day))
        if anchor and anchor[0] == number:
            if anchor[1] != found:
                return broken("与库外锚定值不符（整条链被重写）", (place6, this_day, number))
            del wanted[(place6, this_day)]
        seq, last = number, found
        seen += 1
    if place and (fault := _check_head(heads, place, day, seq, last)):
        return broken(fault, (place, day, seq + 1))
    for (place6, this_day), head in heads.items():  # whole chains that are gone
        if head.seq and not _has_rows(place6, this_day):
            return broken("整条链的记录缺失", (place6, this_day, 1))
    for (place6, this_day), (number, _) in sorted(wanted.items()):
        return broken("库外锚定的记录已不存在", (place6, this_day, number))
    return Verdict(True, seen, chains)


def _heads_in_scope() -> QuerySet[AuditHead]:
    """The heads of the counties the reader's scope covers; the rows of others are hidden, not missing."""
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('app.region', true), current_setting('app.region_hi', true)")
        low, high = cursor.fetchone()
    return AuditHead.objects.filter(place6__gte=low or "", place6__lt=high or "").order_by("place6", "day")


def _check_head(heads: dict[tuple[str, str], AuditHead], place: str, day: str, seq: int, last: str) -> str:
    head = heads.get((place, day))
    if head is None:
        return "链首记录缺失"
    if head.seq > seq:
        return "末尾的记录缺失"
    return "" if (head.seq, head.hash) == (seq, last) else "链首与末条记录不符"


def _has_rows(place6: str, day: str) -> bool:
    return AuditEntry.objects.filter(place6=place6, day=day).exists()


def write_anchors(path: Path) -> int:
    """Appends the present heads to a file outside the database (keep it on another machine). Returns how many."""
    heads = list(AuditHead.objects.order_by("place6", "day"))
    try:
        with path.open("a", encoding="utf-8") as handle:
            for head in heads:
                line = {"place": head.place6, "day": head.day.isoformat(), "seq": head.seq, "hash": head.hash}
                handle.write(json.dumps(line) + "\n")
    except OSError as error:
        raise AnchorError(str(path), None) from error
    return len(heads)


def read_anchors(path: Path) -> dict[tuple[str, str], tuple[int, str]]:
    """The last anchor of each chain in a file.

    Raises: AnchorError naming the line, or the file, that cannot be read.
    """
    found: dict[tuple[str, str], tuple[int, str]] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AnchorError(str(path), None) from error
    for number, line in enumerate(text.splitlines(), 1):
        try:
            item = json.loads(line)
            found[(item["place"], item["day"])] = (int(item["seq"]), str(item["hash"]))
        except (ValueError, KeyError, TypeError) as error:
            raise AnchorError(str(path), number) from error
    return found
