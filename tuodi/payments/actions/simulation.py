"""Asking for a simulation and doing it. Nothing of the roll, a line or a decision is touched."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import polars as pl
from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import span
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.models import DutyCode, User
from tuodi.payments import snapshot
from tuodi.payments.errors import RunInputError
from tuodi.payments.models import PayRun, Simulation
from tuodi.payments.queries import month_of
from tuodi.payments.simulate import Simulated, Variant, back_pay, base_of_lines, simulate
from tuodi.payments.source import FRAMES, Inputs
from tuodi.payments.states import ROLL_PROGRAMMES
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.policy.adopted import Adopted
from tuodi.policy.amended import AdoptedText
from tuodi.policy.book import Book
from tuodi.policy.faults import PolicyErrors
from tuodi.rules.check import check_formulas
from tuodi.standards.book import draft_rows, draft_text, print_of, proposed_over
from tuodi.standards.models import Proposal
from tuodi.standards.rules import note_simulated
from tuodi.verification.rulebook import book as site_book

__all__ = ["ask_simulation", "do_simulation", "frozen_runs"]

MARKS = ("a", "b")
Tell = Callable[[str, int, int], None]


def frozen_runs(place: str) -> list[PayRun]:
    """Runs of a place whose inputs are kept, newest month first; the caller's scope decides which are seen."""
    low, high = span(place)
    return list(
        PayRun.objects.filter(region__gte=low, region__lte=high, inputs__isnull=False)
        .exclude(state="cancelled")
        .order_by("-month", "id")[:24]
    )


@transaction.atomic
def ask_simulation(run: PayRun, *, acting_user: User, proposals: Sequence[Proposal]) -> Simulation:
    """Notes a simulation of one or two proposals on a run's frozen roll. `do_simulation` does it, usually as a job.

    Raises: RunInputError (no frozen roll, none or more than two proposals, nothing in them), AccessDeniedError, NotFoundError.
    """
    access.require_any(acting_user, (DutyCode.STANDARDS, DutyCode.STANDARDS_APPROVE), run.region)
    if run.inputs_id is None:
        raise RunInputError("花名册快照", f"批次 {run.no} 还没有计算，没有冻结的花名册")
    if not 1 <= len(proposals) <= len(MARKS):
        raise RunInputError("方案", "请选择一个或两个方案")
    if len({one.pk for one in proposals}) < len(proposals):
        raise RunInputError("方案", "两个方案不能是同一个")
    month = month_of(run)
    drafts = []
    for mark, one in zip(MARKS, proposals, strict=False):
        rows, text = draft_rows(one), draft_text(one)
        if not rows and text is None:
            raise RunInputError("方案", f"{one.no} 还没有填数值或规则")
        month = max(month, first_month(one))
        drafts.append(
            {
                "mark": mark, "proposal": one.pk, "no": one.no, "title": one.title, "effective_on": one.effective_on.isoformat(),
                "values": [{**asdict(row), "start": row.start.isoformat(), "keys": list(row.keys)} for row in rows],
                "rules_text": one.rules_text, "hypothetical": one.hypothetical, "print": print_of(one),
                "rules": {**asdict(text), "start": text.start.isoformat()} if text else None,
            }
        )  # fmt: skip
    made = Simulation.objects.create(
        region=run.region, place=run.place, run=run, month=month.yyyymm, drafts=drafts, asked_at=clock.now(), asked_by=acting_user
    )  # fmt: skip
    record(
        "payments.ask_simulation", actor=acting_user, subject_type="simulation", subject_id=made.pk, region=run.region,
        after={"run": run.no, "month": made.month, "proposals": [one.no for one in proposals]},
    )  # fmt: skip
    return made


def first_month(proposal: Proposal) -> Month:
    """The first month a proposal changes wholly: texts are those of a month's first day, values those of its last."""
    month = Month.of(proposal.effective_on)
    return month.next() if proposal.rules_text and proposal.effective_on > month.first_day else month


def changed_book(values: Sequence[Adopted], text: AdoptedText | None) -> Book:
    """The site's book with a draft in it, its rules checked like those of any pack.

    Raises: PolicyErrors with every fault.
    """
    base = site_book(fresh=True)
    found = proposed_over(base, values, text)
    if text is not None:
        faults = check_formulas(found, within=[text.place], since=text.start)
        if faults:
            raise PolicyErrors(faults)
    return found


def _variants(simulation: Simulation) -> list[Variant]:
    found = []
    for one in simulation.drafts:
        values = [
            Adopted(**{**row, "keys": tuple(row["keys"]), "start": date.fromisoformat(row["start"])})
            for row in one["values"]
        ]
        said = one.get("rules")
        text = AdoptedText(**{**said, "start": date.fromisoformat(said["start"])}) if said else None
        found.append(Variant(one["mark"], one["title"], changed_book(values, text)))
    return found


def _homes(inputs: Inputs) -> pl.DataFrame:
    """Where families stand that have facts but no entry on the roll; within the scope in force."""
    known = inputs.households["household_id"].unique().to_list()
    with connection.cursor() as cursor:
        cursor.execute("select id, region from people_household where id = any(%s)", [known])
        rows = cursor.fetchall()
    return pl.DataFrame(rows, schema={"household_id": pl.Int64, "region": pl.String}, orient="row")


def do_simulation(simulation: Simulation, *, acting_user: User | None = None, tell: Tell | None = None) -> Simulation:
    """Computes what was asked for and keeps figures and changed units. Done twice, the first answer stands.

    Args:
        acting_user: who has it done; None = a worker, for whoever asked.

    A draft that cannot be compiled ends it as `failed` with the faults; nothing is raised for that.
    """
    state = Simulation.State

    def note(label: str, done: int, total: int) -> None:
        with system_scope(simulation.place):
            Simulation.objects.filter(pk=simulation.pk).update(progress={"label": label, "done": done, "total": total})
        if tell:
            tell(label, done, total)

    with system_scope(simulation.place):
        simulation = (
            Simulation.objects.select_for_update(of=("self",))
            .select_related("run__inputs", "run__results")
            .get(pk=simulation.pk)
        )
        if simulation.state in (state.DONE, state.FAILED):
            return simulation
        simulation.state = state.RUNNING
        simulation.save(update_fields=["state"])
    steps = len(simulation.drafts) + 3
    try:
        note("读取方案", 0, steps)
        variants = _variants(simulation)
    except PolicyErrors as error:
        return _fail(simulation, "；".join(fault.message for fault in error.faults[:5]))
    run = simulation.run
    note("读取冻结的花名册", 1, steps)
    assert run.inputs is not None
    with system_scope(simulation.place):
        inputs = Inputs(**{name: frame for name, frame in snapshot.load(run.inputs).items() if name in FRAMES})
        homes = _homes(inputs)
        today = site_book(fresh=True)
        base = None
        if run.results is not None and run.rules.get("book") == today.digest and run.month == simulation.month:
            base = base_of_lines(snapshot.load(run.results)["lines"])
    month, programmes = (
        Month.parse(str(simulation.month)),
        [one for one in run.programmes if one in ROLL_PROGRAMMES and one not in ONCE_PROGRAMMES],
    )
    note("按方案计算", 2, steps)
    begun = time.perf_counter()
    try:
        answer = simulate(inputs, month, programmes, today, variants, homes=homes, base=base)
        for number, (one, spec) in enumerate(zip(variants, simulation.drafts, strict=True), 3):
            note("计算补发", number, steps)
            since = Month.of(date.fromisoformat(spec["effective_on"]))
            answer.sides[one.mark].back_fen = back_pay(inputs, month_of(run), since, programmes, today, one.book)
    except PolicyErrors as error:
        return _fail(simulation, "；".join(fault.message for fault in error.faults[:5]))
    seconds = time.perf_counter() - begun
    return _keep(simulation, answer, seconds, acting_user)


def _fail(simulation: Simulation, problem: str) -> Simulation:
    with system_scope(simulation.place):
        simulation.state, simulation.problem, simulation.done_at = Simulation.State.FAILED, problem[:500], clock.now()
        simulation.save(update_fields=["state", "problem", "done_at"])
    return simulation


def _note(simulation: Simulation, draft: Mapping[str, Any], answer: Simulated) -> None:
    """Tells the proposal what it would do, for who approves it."""
    side = answer.sides[draft["mark"]]
    note_simulated(
        draft["proposal"],
        {
            "print": draft.get("print", ""), "simulation": simulation.pk, "month": simulation.month, "run": simulation.run.no,
            "counts": dict(side.counts), "amount_fen": side.amount_fen - answer.sides["now"].amount_fen, "back_fen": side.back_fen,
        },
    )  # fmt: skip


def _keep(simulation: Simulation, answer: Simulated, seconds: float, actor: User | None) -> Simulation:
    month = Month.parse(str(simulation.month))
    summary: dict[str, Any] = {
        "sides": {mark: asdict(side) for mark, side in answer.sides.items()},
        "months": [f"{month.year}{number:02d}" for number in range(month.month, 13)],
        "already": answer.already, "near_unknown": answer.near_unknown, "digest": site_book().digest[:12],
    }  # fmt: skip
    with system_scope(simulation.place):
        locked = Simulation.objects.select_for_update(of=("self",)).get(pk=simulation.pk)
        if locked.state != Simulation.State.RUNNING:
            return locked
        locked.changed = snapshot.store(
            {"changed": answer.changed}, region=simulation.region, name=f"simulation-{simulation.pk}", purpose="simulation", by_id=simulation.asked_by_id
        )  # fmt: skip
        locked.summary, locked.seconds, locked.done_at = summary, round(seconds, 2), clock.now()
        locked.state, locked.progress = Simulation.State.DONE, {"label": "完成", "done": 1, "total": 1}
        locked.save()
        for one in locked.drafts:
            _note(locked, one, answer)
        record(
            "payments.do_simulation", actor=actor, subject_type="simulation", subject_id=locked.pk, region=locked.region,
            after={"seconds": locked.seconds, "changed": answer.changed.height},
        )  # fmt: skip
    return locked
