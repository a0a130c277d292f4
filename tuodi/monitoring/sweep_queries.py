"""What a sweep came to: funnel, counts that balance, who was not compared, what a person has to look at."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.exchange.cellsafe import harmless
from tuodi.files.store import open_plain
from tuodi.kernel.masking import mask_name
from tuodi.monitoring.models import Clue, SweepFinding, SweepRun
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name
from tuodi.people.models import Household, Person

__all__ = ["Funnel", "access_run", "by_place", "by_rule", "findings", "funnel", "listed_csv", "not_compared", "runs"]

REASONS = {"unconsented": "无授权", "unkeyed": "无可用证件号码"}
_DUTIES = (DutyCode.SWEEP, DutyCode.VERIFY, DutyCode.CLUE_DECIDE, DutyCode.SUPERVISE)


def runs(user: User, place: str = "") -> QuerySet[SweepRun]:
    """Sweeps in the user's range, newest first; of one place and below if one is named."""
    found = SweepRun.objects.order_by("-id").annotate(batches=Count("sources"))
    if place:
        span = access.range_of(place)
        found = found.filter(region__gte=span.low, region__lt=span.high)
    return found


def access_run(user: User, number: str) -> SweepRun:
    """One sweep by its number. Raises: NotFoundError."""
    return access.one(SweepRun.objects.all(), user=user, what="比对", no=number)


@dataclass(frozen=True)
class Funnel:
    """From register rows to clues. `raised + known = found true and not declared`; `total = confirmed + refuted + open`."""

    register_rows: int
    matched: int
    name_conflicts: int
    hits: int
    declared: int
    known: int
    raised: int
    unconsented: int
    unkeyed: int
    confirmed: int
    refuted: int
    open: int
    sources: Sequence[
        tuple[str, str, int, int, int, int, int, int]
    ]  #: kind, label, rows, matched, hits, declared, known, raised


def funnel(run: SweepRun) -> Funnel:
    """Counts of a run; needs an open scope."""
    sources = [
        (s.kind, s.batch.source.label, s.rows, s.matched, s.hits, s.declared, s.known, s.raised)
        for s in run.sources.select_related("batch__source").order_by("kind", "id")
    ]
    verdicts = Clue.objects.filter(run=run).aggregate(
        confirmed=Count("id", filter=Q(verdict="confirmed")), refuted=Count("id", filter=Q(verdict="refuted")),
        open=Count("id", filter=Q(verdict="")),
    )  # fmt: skip
    return Funnel(
        run.register_rows, sum(s[3] for s in sources), sum(run.sources.values_list("name_conflicts", flat=True)), run.hits,
        run.declared, run.known, run.raised, run.unconsented, run.unkeyed, **verdicts, sources=sources,
    )  # fmt: skip


def by_rule(run: SweepRun) -> list[dict[str, object]]:
    """Rule, severity, clues, confirmed, refuted, open of a run."""
    rows = Clue.objects.filter(run=run).values("rule_code", "severity").annotate(
        total=Count("id"), confirmed=Count("id", filter=Q(verdict="confirmed")),
        refuted=Count("id", filter=Q(verdict="refuted")), open=Count("id", filter=Q(verdict="")),
    )  # fmt: skip
    return list(rows.order_by("-total", "rule_code"))


def by_place(run: SweepRun, digits: int = 9) -> list[tuple[str, str, int, int, int, int]]:
    """Place, its name, clues, confirmed, refuted, open; towns unless other digits are asked for."""
    counts: dict[str, list[int]] = {}
    for region, verdict, n in (
        Clue.objects.filter(run=run).values_list("region", "verdict").annotate(n=Count("id")).order_by("region")
    ):
        row = counts.setdefault(region[:digits], [0, 0, 0, 0])
        row[0] += n
        row[{"confirmed": 1, "refuted": 2, "": 3}[verdict]] += n
    return [
        (code, place_name(code.ljust(12, "0")), row[0], row[1], row[2], row[3]) for code, row in sorted(counts.items())
    ]


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


def listed_csv(run: SweepRun, *, acting_user: User) -> Iterator[str]:
    """The same list as lines of a CSV with a last line that says who took it out and how many rows there are."""
    rows = not_compared(run, acting_user=acting_user)
    yield "\ufeff家庭编号,所在地,姓名,证件号码,未比对原因\r\n"
    for row in rows:
        yield (
            ",".join(harmless(row[name]) for name in ("household_no", "place", "name", "id_masked", "reason")) + "\r\n"
        )
    yield f"共 {len(rows)} 人,{run.no},导出人 {harmless(acting_user.name)}（{harmless(acting_user.username)}）,,\r\n"
