"""The sweep (大数据比对): open, run, settle what is doubtful. Phases: matching, judging, raising.

Nothing is written before the last phase but the run's own progress, so a sweep that was killed is found by its row and
begun anew; its hits and clues appear whole or not at all. A place is swept once at a time.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
from django.db import connection, transaction
from django.db.models import F, Q

from tuodi.audit.actions import record
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.monitoring import linking
from tuodi.monitoring.family_frames import families
from tuodi.monitoring.history import payment_rows_of
from tuodi.monitoring.judge import Findings, fresh, judge
from tuodi.monitoring.models import SweepFinding, SweepRun, SweepSource
from tuodi.monitoring.raising import Raised, raise_all
from tuodi.monitoring.rollkeys import Roll, persons_of_keys, roll_on
from tuodi.monitoring.series import numbers
from tuodi.monitoring.sweep_errors import NoBatchError, SweepRunningError, WatchInputError, WatchStateError
from tuodi.monitoring.sweep_parts import DOUBT, answered, consents, double_roll, doubts_of, elsewhere
from tuodi.org import access
from tuodi.org.access import NATION, system_scope
from tuodi.org.models import DutyCode, User
from tuodi.people.enums import Programme
from tuodi.policy.book import Book
from tuodi.verification.models import DataSource, RegisterBatch
from tuodi.verification.register_store import open_batch
from tuodi.verification.rulebook import book as site_book

__all__ = [
    "MOST_TRIES",
    "UNFINISHED",
    "give_up",
    "open_sweep",
    "run_sweep",
    "settle_finding",
    "sources_of",
    "unfinished",
]

State, Trigger = SweepRun.State, SweepRun.Trigger
UNFINISHED = (State.OPEN, State.MATCHING, State.JUDGING, State.RAISING)
#: A sweep that was killed so often is not begun again by itself: what kills it will do so again.
MOST_TRIES = 5
#: Registers of money need a consent that says so.
BANKING = frozenset({"bank_deposit", "securities", "insurance_policy"})
#: An arrival of at most so many rows is looked up in the index of numbers instead of reading the whole roll.
LOOKED_UP = 200_000
Tell = Callable[[str, int], None]


def sources_of(place: str) -> list[RegisterBatch]:
    """The newest usable batch of every source that covers some of a place."""
    newest: dict[int, RegisterBatch] = {}
    rows = RegisterBatch.objects.filter(state=RegisterBatch.State.READY).select_related("source")
    for batch in rows.order_by("as_of", "id"):
        if _touch(batch.place_code, place):
            newest[batch.source_id] = batch
    return sorted(newest.values(), key=lambda one: (one.source.kind, one.pk))


def _touch(one: str, other: str) -> bool:
    return NATION in (one, other) or one.startswith(other) or other.startswith(one)


@transaction.atomic
def open_sweep(
    place: str, *, acting_user: User | None, as_of: date | None = None, batches: Sequence[RegisterBatch] | None = None,
    months: tuple[Month, Month] | None = None, programmes: Sequence[str] = (), trigger: str = Trigger.MANUAL,
) -> SweepRun:  # fmt: skip
    """Opens a comparison of a place's roll with register batches.

    Args:
        place: significant prefix.
        as_of: day whose rules and roll hold; None = today.
        batches: None = the newest of every source that covers the place.
        months: first and last month of the payment rows compared; None = the roll of the day.
        programmes: none = all.
        acting_user: None = the system (timetable, arrival).

    Raises: SweepRunningError, NoBatchError, WatchInputError, NotFoundError, AccessDeniedError.
    """
    region = pad12(place)
    if acting_user is not None:
        access.require(acting_user, DutyCode.SWEEP, region)
    on = as_of or clock.today()
    if on > clock.today():
        raise WatchInputError("比对日期", f"{on} 还没有到")
    if months is not None and months[1] < months[0]:
        raise WatchInputError("数据期", "止月早于起月")
    strange = set(programmes) - set(Programme.values)
    if strange:
        raise WatchInputError("项目", f"没有 {'、'.join(sorted(strange))}")
    chosen = sources_of(place) if batches is None else list(batches)
    if not chosen:
        raise NoBatchError("范围内没有可用的批次" if batches is None else "没有选批次")
    for batch in chosen:
        if batch.state != RegisterBatch.State.READY or not batch.sealed:
            raise NoBatchError(f"批次 {batch.batch_no}（{batch.source.label}）现在是“{batch.get_state_display()}”")
        if not _touch(batch.place_code, place):
            raise NoBatchError(f"批次 {batch.batch_no} 的使用范围 {batch.place_code} 不含 {place}")
    with connection.cursor() as cursor:  # two openings at once must see each other
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('tuodi.monitoring.open_sweep', 0))")
    with system_scope(NATION):  # a sweep of the place above stands in the way too
        for other in SweepRun.objects.filter(state__in=UNFINISHED).order_by("id"):
            if _touch(other.place_code, place):
                raise SweepRunningError(other.no, other.get_state_display())
    run = SweepRun.objects.create(
        region=region, no=numbers("sweep", place, clock.today())[0], place_code=place, trigger=trigger, as_of=on,
        first_month=months[0].yyyymm if months else None, last_month=months[1].yyyymm if months else None,
        programmes=sorted(set(programmes)), opened_at=clock.now(), opened_by=acting_user,
    )  # fmt: skip
    SweepSource.objects.bulk_create(
        SweepSource(run=run, region=region, batch=batch, kind=batch.source.kind) for batch in chosen
    )
    _note("open_sweep", acting_user, run, batches=len(chosen), months=[str(m) for m in months or ()], trigger=trigger)
    return run


def _note(verb: str, actor: User | None, run: SweepRun, **after: Any) -> None:
    record(
        f"monitoring.{verb}", actor=actor, subject_type="sweeprun", subject_id=run.pk, region=run.region,
        after={"no": run.no, "state": run.state, **after},
    )  # fmt: skip


# ---- running


@contextmanager
def _alone(run: SweepRun) -> Iterator[None]:
    """One process a run: the lock goes with its connection, so a killed one never keeps it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtextextended('tuodi.monitoring.sweep', %s))", [run.pk])
        if not cursor.fetchone()[0]:  # type: ignore[index]
            raise SweepRunningError(run.no, "另一进程正在办理")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(hashtextextended('tuodi.monitoring.sweep', %s))", [run.pk])


@dataclass
class _Work:
    """What the phases hand on."""

    run: SweepRun
    book: Book
    tell: Tell
    sources: list[SweepSource]
    began: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)

    def step(self, state: str, done: int, **numbers: Any) -> None:
        """Progress in the row, at once visible to others."""
        self.numbers |= numbers
        with system_scope(self.run.place_code):
            SweepRun.objects.filter(pk=self.run.pk).update(state=state, done=done, **numbers)
        self.run.state = state
        self.tell(State(state).label, done)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.timings[name] = round(self.timings.get(name, 0.0) + time.perf_counter() - began, 3)


def run_sweep(run: SweepRun, *, acting_user: User | None = None, tell: Tell | None = None) -> SweepRun:
    """Runs a sweep that was opened, or one that was killed, from its beginning. Long: call it from a job.

    A failure that will not mend itself (a batch that does not open, faults of the rules) is kept on the row.

    Args:
        acting_user: who asks; None = the job itself. tell: called with (phase, percent).
    Raises: SweepRunningError, WatchStateError, NotFoundError, AccessDeniedError; and what made it fail.
    """
    with _alone(run):
        with system_scope(run.place_code):
            found = access.locked(SweepRun.objects.all(), run.pk, what="比对")
            if acting_user is not None:
                access.require(acting_user, DutyCode.SWEEP, found.region)
            if found.state not in UNFINISHED:
                raise WatchStateError(f"比对 {found.no}", found.get_state_display(), "再运行")
            found.state, found.tries = State.MATCHING, F("tries") + 1
            found.save(update_fields=["state", "tries"])
            found.refresh_from_db()
            sources = list(found.sources.select_related("batch__source").order_by("kind", "id"))
        gone = [one.batch for one in sources if one.batch.state != RegisterBatch.State.READY]
        work = _Work(found, site_book(), tell or (lambda phase, done: None), sources)
        try:
            if gone:
                raise NoBatchError(
                    f"批次 {gone[0].batch_no}（{gone[0].source.label}）已“{gone[0].get_state_display()}”"
                )
            _phases(work)
        except Exception as error:
            with system_scope(run.place_code):
                text = (
                    str(error)
                    if getattr(error, "code", "")
                    else f"{type(error).__name__}：未能完成，请把此编号告诉系统管理员"
                )
                SweepRun.objects.filter(pk=run.pk).update(state=State.FAILED, error=text[:300], finished_at=clock.now())
                found.state = State.FAILED
                _note("sweep_failed", acting_user, found, error=text[:300])
            raise
        with system_scope(run.place_code):
            found.refresh_from_db()
        return found


def _phases(work: _Work) -> None:
    run = work.run
    with work.timed("roll"):
        roll = _roll(work)
    work.step(State.MATCHING, 10, rows=roll.rows, persons=roll.persons["person_id"].n_unique())
    allowed, lists = _allowed(work, roll)
    with work.timed("matching"):
        hits, doubts, register_rows = _matched(work, allowed, roll)
    work.step(
        State.JUDGING,
        60,
        register_rows=register_rows,
        unkeyed=lists["unkeyed"].height,
        unconsented=lists["unconsented"].height,
    )
    with work.timed("judging"):
        found, whole = _judged(work, roll, hits)
    work.step(State.RAISING, 80)
    began = time.perf_counter()
    with system_scope(run.place_code):
        raised = raise_all(
            run, found.findings, found.hits, roll.persons, doubts, work.book, push=run.trigger != Trigger.MANUAL
        )
        work.timings["raising"] = round(time.perf_counter() - began, 3)
        _close(work, raised, found, whole, lists)
    work.tell(State.DONE.label, 100)


def _roll(work: _Work) -> Roll:
    run = work.run
    if run.first_month is not None:
        first, last = (Month.parse(str(month)) for month in (run.first_month, run.last_month))
        return roll_on(
            run.place_code, run.as_of, programmes=run.programmes, rows=payment_rows_of(run.place_code, first, last)
        )
    only = None
    if run.trigger == Trigger.ARRIVAL and sum(one.batch.accepted for one in work.sources) <= LOOKED_UP:
        keys = []
        for one in work.sources:
            with open_batch(one.batch) as source:
                keys.append(source.hot("key").select("key").collect()["key"])
        only = persons_of_keys(run.place_code, pl.concat(keys))
    return roll_on(run.place_code, run.as_of, programmes=run.programmes, only=only)


def _allowed(work: _Work, roll: Roll) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Who is compared, by what the source needs; and who is not, to be listed."""
    # One row a person; who stands in two families was found in the later one last.
    everyone = roll.persons.unique("person_id", keep="last", maintain_order=True)
    given = consents(work.run.place_code, work.run.as_of)
    consented = everyone.join(given, on="person_id", how="semi")
    banking = everyone.join(given.filter("covers_bank"), on="person_id", how="semi")
    asks = any(one.batch.source.needs_consent for one in work.sources)
    without = everyone.join(given, on="person_id", how="anti") if asks else everyone.clear()
    return (
        {"open": everyone, "consent": consented, "bank": banking},
        {"unconsented": without, "unkeyed": everyone.filter(pl.col("key").is_null())},
    )


def _identity(work: _Work, kind: str) -> tuple[str, ...]:
    """Columns by which rows of a kind are one thing: those all its clue rules agree on."""
    rules = [r for r in work.book.clue_rules(work.run.place_code[:6], work.run.as_of) if r.kinds == (kind,)]
    found = {rule.identity for rule in rules}
    return found.pop() if len(found) == 1 else ()


def _matched(
    work: _Work, allowed: dict[str, pl.DataFrame], roll: Roll
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame, int]:
    """Hits by kind, doubtful rows, rows of all registers."""
    parts: dict[str, list[pl.DataFrame]] = {}
    doubts: list[pl.DataFrame] = [pl.DataFrame(schema=DOUBT)]
    next_row: dict[str, int] = {}
    total = 0
    for at, one in enumerate(work.sources):
        began = time.perf_counter()
        source: DataSource = one.batch.source
        who = allowed["open" if not source.needs_consent else "bank" if source.kind in BANKING else "consent"]
        with open_batch(one.batch) as batch:
            got = linking.linked(
                one.batch, batch, who, identity=_identity(work, one.kind), first_row=next_row.get(one.kind, 0)
            )
        next_row[one.kind] = next_row.get(one.kind, 0) + got.count
        if got.hits.height:
            parts.setdefault(one.kind, []).append(got.hits)
        named = who.with_columns(own="name")
        doubts += [
            doubts_of("name_conflict", one.kind, got.conflicts, named),
            doubts_of("bad_check", one.kind, got.bad_checks, named),
        ]
        one.rows, one.matched, one.name_conflicts = got.rows, got.matched, got.conflicts.height
        one.seconds = round(time.perf_counter() - began, 3)
        total += got.rows
        work.step(State.MATCHING, 10 + 45 * (at + 1) // len(work.sources), register_rows=total)
    hits = {kind: pl.concat(frames, how="diagonal_relaxed") for kind, frames in parts.items()}
    if work.run.trigger != Trigger.ARRIVAL:
        twice = double_roll(roll.persons, work.run.as_of)
        if twice.height:
            hits["roll"] = twice
        if work.run.first_month is None:
            doubts.append(elsewhere(work.run.place_code, roll.persons))
    return hits, pl.concat(doubts).unique(["person_id", "kind", "fact_hash"], keep="first"), total


def _judged(work: _Work, roll: Roll, hits: dict[str, pl.DataFrame]) -> tuple[Findings, Findings]:
    """What is new, and all that was found."""
    run = work.run
    ids = sorted({home for frame in hits.values() for home in frame["household_id"].to_list()})
    since = Month.parse(str(run.first_month)).first_day if run.first_month else None
    homes = families(run.place_code, ids, roll.persons, work.book, run.as_of, first=since)
    whole = judge(
        work.book, homes.places or [run.place_code], run.as_of, roll=homes.roll, members=homes.members,
        households=homes.households, hits=hits, declared=homes.declared,
    )  # fmt: skip
    return fresh(whole, answered(run.place_code)), whole


def _close(work: _Work, raised: Raised, found: Findings, whole: Findings, lists: dict[str, pl.DataFrame]) -> None:
    """Figures of the run and its sources, the list of who was not compared, the audit row."""
    run = work.run
    first = pl.col("rows").list.first()
    batch_of = whole.hits.select("rule_code", "kind", "household_id", row="row_id", batch="batch_id").unique(
        ["rule_code", "kind", "household_id", "row"]
    )

    def by_batch(frame: pl.DataFrame) -> dict[int, int]:
        keyed = frame.with_columns(row=first).join(
            batch_of, on=["rule_code", "kind", "household_id", "row"], how="inner"
        )
        return dict(keyed.group_by("batch").len().iter_rows())

    new, every = by_batch(found.findings), by_batch(whole.findings)
    looked = dict(whole.hits.unique(["kind", "row_id"]).group_by("batch_id").len().iter_rows())
    said = dict(whole.declared.group_by("kind").len().iter_rows())
    for one in work.sources:
        one.hits = looked.get(one.batch_id, 0)
        one.raised = new.get(one.batch_id, 0)
        one.known = every.get(one.batch_id, 0) - one.raised
        one.declared = said.pop(one.kind, 0)  # of a kind with several batches: at its first
    SweepSource.objects.bulk_update(
        work.sources, ["rows", "matched", "name_conflicts", "hits", "raised", "known", "declared", "seconds"]
    )
    run.refresh_from_db()
    run.lists = _kept_lists(run, lists)
    run.fingerprint = whole.fingerprint
    run.hits = sum(looked.values())
    run.raised = raised.clues
    run.known = whole.findings.height - raised.clues
    run.declared = whole.declared.height
    run.state, run.done, run.finished_at, run.error = State.DONE, 100, clock.now(), ""
    run.timings = {**work.timings, "all": round(time.perf_counter() - work.began, 3)}
    run.save()
    _note(
        "sweep", None, run, persons=run.persons, hits=run.hits, raised=run.raised, known=run.known, declared=run.declared,
        findings=raised.findings, unconsented=run.unconsented, unkeyed=run.unkeyed, fingerprint=run.fingerprint,
    )  # fmt: skip


def _kept_lists(run: SweepRun, lists: dict[str, pl.DataFrame]) -> Any:
    """Who was not compared: keys of persons and families with the reason, encrypted; names are read when it is opened."""
    rows = pl.concat(
        frame.select("person_id", "household_id", pl.lit(why).alias("reason")) for why, frame in lists.items()
    )
    if not rows.height:
        return None
    plain = io.BytesIO()
    rows.write_parquet(plain, compression="zstd")
    return put_bytes(plain.getvalue(), region=run.region, name=f"{run.no}.parquet", purpose="sweep_lists")


# ---- what a person has to look at


@transaction.atomic
def settle_finding(finding: SweepFinding, settled: str, *, acting_user: User, note: str) -> SweepFinding:
    """A person has looked at a doubtful row. 系同一人: from the next sweep on the other name is one of his own.

    Raises: WatchInputError, WatchStateError, NotFoundError, AccessDeniedError.
    """
    row = access.locked(SweepFinding.objects.all(), finding.pk, what="比对待核事项")
    access.require_any(acting_user, [DutyCode.SWEEP, DutyCode.VERIFY, DutyCode.CLUE_DECIDE], row.region)
    kinds = SweepFinding.Settled
    if settled not in (kinds.SAME, kinds.OTHER, kinds.NOTED):
        raise WatchInputError("核对结果", "请选“系同一人”“不是同一人”或“已核对，无问题”")
    if settled == kinds.SAME and row.kind == SweepFinding.Kind.CROSS_REGION:
        raise WatchInputError("核对结果", "跨地区重复享受不能记为“系同一人”")
    if not note.strip():
        raise WatchInputError("核对说明", "没有填写")
    if row.settled:
        raise WatchStateError("这条待核事项", row.get_settled_display(), "再次核对")
    row.settled, row.note, row.settled_at, row.settled_by = settled, note.strip()[:300], clock.now(), acting_user
    row.save(update_fields=["settled", "note", "settled_at", "settled_by"])
    record(
        "monitoring.settle_finding", actor=acting_user, subject_type="sweepfinding", subject_id=row.pk, region=row.region,
        after={"kind": row.kind, "settled": settled},
    )  # fmt: skip
    return row


def give_up(run: SweepRun, *, acting_user: User | None = None) -> None:
    """Ends a sweep that was killed too often, so that its place can be swept again. SweepRunningError while it runs."""
    with _alone(run), system_scope(run.place_code):
        text = f"已中断 {run.tries} 次，不再自动继续。请查明原因（如内存不足）后重新发起"
        done = SweepRun.objects.filter(pk=run.pk, state__in=UNFINISHED).update(
            state=State.FAILED, error=text, finished_at=clock.now()
        )
        if done:
            run.refresh_from_db()
            _note("sweep_failed", acting_user, run, error=text)


def unfinished(place: str) -> list[SweepRun]:
    """Sweeps of a place and below that were opened and are not done; needs no scope."""
    with system_scope(place):
        return list(SweepRun.objects.filter(Q(state__in=UNFINISHED)).order_by("id"))
