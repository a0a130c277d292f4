"""What a sweep leaves to people: doubtful rows to look at, and who was not compared. Its counts are in `sweep_reports`."""

from __future__ import annotations

import io
from collections.abc import Iterator

import polars as pl
from django.db.models import QuerySet

from tuodi.audit.actions import record
from tuodi.exchange.cellsafe import harmless
from tuodi.files.store import open_plain
from tuodi.kernel.masking import mask_name
from tuodi.monitoring.models import SweepFinding, SweepRun
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name
from tuodi.people.models import Household, Person

__all__ = ["findings", "listed_csv", "not_compared"]

REASONS = {"unconsented": "无授权", "unkeyed": "无可用证件号码"}
_DUTIES = (DutyCode.SWEEP, DutyCode.VERIFY, DutyCode.CLUE_DECIDE, DutyCode.SUPERVISE)


def findings(user: User, *, kind: str = "", open_only: bool = True) -> QuerySet[SweepFinding]:
    """Doubtful rows in the user's range, newest first."""
    rows = SweepFinding.objects.select_related("person", "household", "run").order_by("-id")
    if kind:
        rows = rows.filter(kind=kind)
    return rows.filter(settled="") if open_only else rows


def not_compared(run: SweepRun, *, acting_user: User, reason: str = "") -> list[dict[str, str]]:
    """Who was not compared and why, masked, only families in the reader's own range; who reads it is logged.

    Args:
        reason: `unconsented` or `unkeyed`; empty = both.
    Raises: NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, list(_DUTIES), run.region)
    if run.lists is None:
        return []
    rows = pl.read_parquet(io.BytesIO(open_plain(run.lists).read()))
    if reason:
        rows = rows.filter(pl.col("reason") == reason)
    people: dict[int, Person] = {}
    homes: dict[int, Household] = {}
    for at in range(0, rows.height, 5000):
        part = rows.slice(at, 5000)
        people |= Person.objects.only("id", "name", "id_masked").in_bulk(part["person_id"].to_list())
        homes |= Household.objects.only("id", "no", "region").in_bulk(part["household_id"].unique().to_list())
    out = [
        {
            "household_no": homes[home].no, "place": place_name(homes[home].region), "name": mask_name(people[person].name),
            "id_masked": people[person].id_masked, "reason": REASONS[why],
        }
        for person, home, why in rows.iter_rows()
        if person in people and home in homes
    ]  # fmt: skip
    record(
        "monitoring.read_not_compared", actor=acting_user, subject_type="sweeprun", subject_id=run.pk, region=run.region,
        after={"no": run.no, "rows": len(out), "reason": reason},
    )  # fmt: skip
    return out


def listed_csv(run: SweepRun, *, acting_user: User, reason: str = "") -> Iterator[str]:
    """The same list as lines of a CSV with a last line that says who took it out and how many rows there are."""
    rows = not_compared(run, acting_user=acting_user, reason=reason)
    yield "\ufeff家庭编号,所在地,姓名,证件号码,未比对原因\r\n"
    for row in rows:
        yield (
            ",".join(harmless(row[name]) for name in ("household_no", "place", "name", "id_masked", "reason")) + "\r\n"
        )
    yield f"共 {len(rows)} 人,{run.no},导出人 {harmless(acting_user.name)}（{harmless(acting_user.username)}）,,\r\n"
