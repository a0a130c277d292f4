"""Reading a sweep for its page: what it found, by rule, source and place, and what came of it.

All of a sweep's clues are read once for the whole page (grouping sets), so that it costs the same number of queries
whatever was found. Everywhere `confirmed + refuted + open = total`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from tuodi.kernel import clock
from tuodi.monitoring.models import Clue, SweepFinding, SweepRun, SweepSource
from tuodi.org import access
from tuodi.org.models import User
from tuodi.verification.models import DataSource, RegisterBatch

__all__ = [
    "Noise", "Outcome", "PlaceRow", "Report", "RuleRow", "SourceRow", "access_sweep", "findings_of", "outcomes", "report",
    "sources_of", "sweeps",
]  # fmt: skip

#: A rule that is right less often than this is worth tuning, once it has been answered often enough to say so.
NOISY_PERCENT = 10
NOISY_FROM = 100


@dataclass(slots=True)
class Outcome:
    """What became of some clues. `confirmed + refuted + open = total`.

    Attributes:
        stopped: confirmed and suspended or further. closed: closed out, whatever the verdict.
        rectified: confirmed, with the second person's check or closed out.
        days: calendar days from assignment to close-out, mean; None = none closed.
        refuted_why: reason code -> clues refuted for it.
    """

    total: int = 0
    confirmed: int = 0
    refuted: int = 0
    open: int = 0
    unassigned: int = 0
    overdue: int = 0
    stopped: int = 0
    rectified: int = 0
    closed: int = 0
    reopened: int = 0
    days: float | None = None
    refuted_why: dict[str, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """Clues with a verdict."""
        return self.confirmed + self.refuted

    @property
    def percent(self) -> float | None:
        """Confirmed of those with a verdict; None while nobody has answered."""
        return 100 * self.confirmed / self.answered if self.answered else None


@dataclass(slots=True)
class RuleRow(Outcome):
    """One rule of a sweep."""

    code: str = ""
    label: str = ""
    severity: str = ""


@dataclass(slots=True)
class PlaceRow(Outcome):
    """One town, county or prefecture (significant prefix) of a sweep."""

    code: str = ""


@dataclass(frozen=True, slots=True)
class Noise:
    """A rule that is mostly wrong, and what leaving out its commonest refusal beforehand would have saved.

    Attributes:
        why: the commonest reason for refusing. saved: clues refuted for it.
        before, after: confirmed of answered in percent, as it is and without them.
    """

    rule: RuleRow
    why: str
    saved: int
    before: float
    after: float


@dataclass(slots=True)
class Report:
    """All a sweep's clues, read once."""

    all: Outcome
    rules: list[RuleRow]
    towns: list[PlaceRow]
    counties: list[PlaceRow]
    sources: dict[str, Outcome]
    noise: list[Noise]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source of a sweep. `given` None: it takes part in no sweep yet."""

    source: DataSource
    batch: RegisterBatch | None
    given: SweepSource | None


def sweeps() -> QuerySet[SweepRun]:
    """Sweeps in scope, newest first."""
    return SweepRun.objects.select_related("opened_by").order_by("-as_of", "-id")


def access_sweep(user: User, pk: int) -> SweepRun:
    """One sweep. Raises NotFoundError, alike for absent and not yours."""
    return access.one(sweeps(), user=user, what="比对", pk=pk)


_REPORT = """
with c as materialized (
  select rule_code, severity, left(region, 9) as town, left(region, 6) as county, source, refuted_why, rule_text ->> 'label' as label,
    verdict, state, state <> 'closed' and deadline < %s as late, reopened, case when state = 'closed' then closed_at - assigned_at end as took
  from monitoring_clue where run_id = %s)
select grouping(rule_code, severity, town, county, source, refuted_why), rule_code, severity, town, county, source, refuted_why, max(label collate "C"),
  count(*), count(*) filter (where verdict = 'confirmed'), count(*) filter (where verdict = 'refuted'),
  count(*) filter (where verdict = ''), count(*) filter (where state = 'generated'), count(*) filter (where late),
  count(*) filter (where verdict = 'confirmed' and state <> 'confirmed'),
  count(*) filter (where verdict = 'confirmed' and state in ('rectified', 'closed')),
  count(*) filter (where state = 'closed'), count(*) filter (where reopened > 0), extract(epoch from avg(took)) / 86400
from c group by grouping sets ((), (rule_code, severity), (town), (county), (source), (rule_code, severity, refuted_why))
"""
_ALL, _RULE, _TOWN, _COUNTY, _SOURCE, _WHY = 0b111111, 0b001111, 0b110111, 0b111011, 0b111101, 0b001110


def report(run: SweepRun) -> Report:
    """Count a sweep's clues in every way its page needs. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_REPORT, [clock.today(), run.pk])
        rows = cursor.fetchall()
    found = Report(Outcome(), [], [], [], {}, [])
    reasons: dict[tuple[str, str], dict[str, int]] = {}
    for level, rule, severity, town, county, source, why, label, *counts in rows:
        given = _counts(counts)
        if level == _ALL:
            found.all = Outcome(**given)
        elif level == _RULE:
            found.rules.append(RuleRow(code=rule, severity=severity, label=label or rule, **given))
        elif level == _TOWN:
            found.towns.append(PlaceRow(code=town, **given))
        elif level == _COUNTY:
            found.counties.append(PlaceRow(code=county, **given))
        elif level == _SOURCE:
            found.sources[source] = Outcome(**given)
        elif level == _WHY and why and given["refuted"]:
            reasons.setdefault((rule, severity), {})[why] = given["refuted"]
    for row in found.rules:
        row.refuted_why = reasons.get((row.code, row.severity), {})
    found.rules.sort(key=lambda row: (-(row.percent or -1), -row.total, row.code))
    found.towns.sort(key=lambda row: (-row.confirmed, -row.total, row.code))
    found.counties.sort(key=lambda row: (-(row.percent or -1), row.code))
    found.noise = [one for row in found.rules if (one := _noise(row))]
    return found


_NAMES = (
    "total", "confirmed", "refuted", "open", "unassigned", "overdue", "stopped", "rectified", "closed", "reopened",
)  # fmt: skip


def _counts(values: Sequence[Any]) -> dict[str, Any]:
    *counts, days = values
    return dict(zip(_NAMES, counts, strict=True)) | {"days": None if days is None else float(days)}


def _noise(row: RuleRow) -> Noise | None:
    """Whether a rule is worth tuning, and what would have been gained."""
    if row.percent is None or row.answered < NOISY_FROM or row.percent >= NOISY_PERCENT or not row.refuted_why:
        return None
    why, saved = max(row.refuted_why.items(), key=lambda pair: pair[1])
    left = row.answered - saved
    return Noise(row, why, saved, row.percent, 100 * row.confirmed / left if left else 0.0)


def sources_of(run: SweepRun) -> list[SourceRow]:
    """What each source gave, in order of rows; then the place's sources that take no part yet."""
    given = list(SweepSource.objects.filter(run=run).select_related("batch__source").order_by("-raised", "-rows"))
    here = {one.batch.source_id for one in given}
    rest = DataSource.objects.filter(place_code=run.place_code).exclude(pk__in=here).order_by("kind", "code")
    return [
        *(SourceRow(one.batch.source, one.batch, one) for one in given),
        *(SourceRow(source, None, None) for source in rest),
    ]


def findings_of(run: SweepRun) -> dict[str, tuple[int, int]]:
    """Kind of doubtful row -> how many the sweep found, how many still have to be looked at. One query."""
    rows = SweepFinding.objects.filter(run=run).order_by().values_list("kind")
    counted = rows.annotate(n=Count("pk"), still=Count("pk", filter=Q(settled="")))
    return {kind: (n, still) for kind, n, still in counted}


def outcomes(runs: Sequence[int]) -> dict[int, Outcome]:
    """How the clues of some sweeps stand, by sweep. One query."""
    number = Count("pk")
    rows = (
        Clue.objects.filter(run__in=list(runs))
        .order_by()
        .values("run_id")
        .annotate(
            total=number,
            confirmed=Count("pk", filter=Q(verdict=Clue.Verdict.CONFIRMED)),
            refuted=Count("pk", filter=Q(verdict=Clue.Verdict.REFUTED)),
            open=Count("pk", filter=Q(verdict="")),
            closed=Count("pk", filter=Q(state=Clue.State.CLOSED)),
        )
    )
    return {row.pop("run_id"): Outcome(**row) for row in rows}
