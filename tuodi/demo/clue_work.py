"""The officers' work on the clues of the demo's sweep, from assignment to close-out, each step by whose duty it is.

What they find is the planted truth, which the engine never saw; what they do goes through the ledger's own verbs. Every
step takes only what stands before it, so a story that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl
from django.db import transaction

from tuodi.decisions.changes import record_change
from tuodi.demo.past import Known
from tuodi.demo.registers import Registers, read_truth
from tuodi.demo.staff import COUNTY_TAGS, clue_officer, confirmer, user
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions
from tuodi.monitoring.models import Clue, SweepRun
from tuodi.org.access import scope, system_scope
from tuodi.org.models import User
from tuodi.people.models import Household
from tuodi.people.queries import members_on
from tuodi.verification import actions as verification

__all__ = ["Recall", "recall_of", "work_off"]

PLACE = "4208"
ASSIGNED, STARTED, DECIDED, HANDLED, CHECKED, CLOSED = (date(2017, 5, d) for d in (4, 5, 22, 23, 24, 25))
_PROPOSED = tuple(date(2017, 5, d) for d in (8, 9, 10, 11, 12, 15, 16, 17, 18, 19))
_FROM = Month(2017, 6)
#: Reason of the planted truth -> word of the ledger.
_WHY = {
    "sold": "sold", "stale": "ended", "name_lent": "borrowed", "exempt": "exempt", "namesake": "namesake", "demolished": "ended",
    "inherited": "policy", "replaced": "ended", "not_operating": "ended", "nominal": "borrowed", "misused": "borrowed",
    "left_payroll": "stale", "separate": "policy", "post": "other",
}  # fmt: skip
#: Yearly income over the standard's sum for the family, found with a business or a relative's salary; yuan a head.
_INCOME_A_HEAD = 14_400

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Recall:
    """What the sweep found of what was planted. ``strange``: clues that were not planted; ``missed``: planted, not found."""

    planted: int
    found: int
    missed: int
    strange: int


class _Truth:
    """Verdict and reason for each clue, found by person and rule; a dwelling's clue by the family."""

    def __init__(self, made: Registers, known: Known) -> None:
        rows = read_truth(made.truth).filter(pl.col("clue") > 0).unique("clue", maintain_order=True)
        self.planted = rows.height
        self.by: dict[tuple[str, int], dict[str, object]] = {}
        for row in rows.iter_rows(named=True):
            subject = (
                known.households[row["household_no"]][0] if row["rule"] == "HOUSE" else known.persons[row["person_no"]]
            )
            self.by[row["rule"], subject] = row

    def of(self, clue: Clue) -> dict[str, object] | None:
        return self.by.get((clue.rule_code, clue.household_id if clue.rule_code == "HOUSE" else clue.person_id))


def _clues(run: SweepRun, *states: str, **more: object) -> list[Clue]:
    rows = Clue.objects.filter(run=run, **more).order_by("pk")
    return list(rows.filter(state__in=states) if states else rows)


def recall_of(run: SweepRun, made: Registers, known: Known) -> Recall:
    """Counts the clues of a run against the planted ones."""
    truth = _Truth(made, known)
    with system_scope(PLACE):
        clues = _clues(run)
    found = {id(row) for clue in clues if (row := truth.of(clue)) is not None}
    strange = sum(truth.of(clue) is None for clue in clues)
    return Recall(truth.planted, len(found), truth.planted - len(found), strange)


def work_off(run: SweepRun, made: Registers, known: Known, tell: Tell) -> None:
    """Takes every clue of the run to its end."""
    with system_scope(PLACE):
        left = Clue.objects.filter(run=run).exclude(state=Clue.State.CLOSED).count()
    if not left:
        tell("  线索已全部销号")
        return
    truth = _Truth(made, known)
    _assign(run, tell)
    _propose(run, truth, tell)
    _decide(run, tell)
    _handle(run, truth, tell)
    _close(run, tell)


def _said(result: clue_actions.BatchResult, what: str) -> int:
    """How many were done; a refusal would be a fault of the story."""
    if result.refused:
        raise RuntimeError(f"{what}：{len(result.refused)} 条被拒绝，如 {result.refused[0].reason}")
    return len(result.done)


def _by_town(clues: Iterable[Clue]) -> dict[str, list[Clue]]:
    found: dict[str, list[Clue]] = defaultdict(list)
    for clue in clues:
        found[clue.region[:9]].append(clue)
    return dict(sorted(found.items()))


def _assign(run: SweepRun, tell: Tell) -> None:
    done = towns = 0
    for county, tag in COUNTY_TAGS.items():
        clerk = user(f"{tag}-hc")
        with clock.frozen(ASSIGNED), scope(clerk):
            for town, clues in _by_town(_clues(run, "generated", region__startswith=county)).items():
                officer = user(clue_officer(town))
                done += _said(clue_actions.assign_many(clues, responsible=officer, acting_user=clerk), "派发")
                towns += 1
    if done:
        tell(f"  {ASSIGNED}  县级核对机构派发 {done:,} 条到 {towns} 个乡镇（街道），整改期限 15 个工作日")


def _propose(run: SweepRun, truth: _Truth, tell: Tell) -> None:
    with system_scope(PLACE):
        waiting = _by_town(_clues(run, "assigned", "verifying", proposed=""))
    done = 0
    for town, clues in waiting.items():
        with transaction.atomic():  # a town's work is there as a whole or not at all
            done += _one_town(town, clues, truth)
    if done:
        tell(f"  {STARTED} 至 {_PROPOSED[-1]}  乡镇逐条核实，附证据，提出结论 {done:,} 条")


def _one_town(town: str, clues: list[Clue], truth: _Truth) -> int:
    done = 0
    officer = user(clue_officer(town))
    fresh = [clue for clue in clues if clue.state == "assigned"]
    if fresh:
        with clock.frozen(STARTED), scope(officer):
            _said(clue_actions.start_many(fresh, acting_user=officer), "开始核实")
    groups: dict[tuple[str, str, str], list[Clue]] = defaultdict(list)
    for clue in clues:
        row = truth.of(clue)
        if row is None:
            raise RuntimeError(f"线索 {clue.no} 不在埋设的真相里")
        groups[clue.rule_code, str(row["verdict"]), str(row["reason"] or "")].append(clue)
    for at, ((_, verdict, reason), same) in enumerate(sorted(groups.items())):
        told = truth.of(same[0])
        assert told is not None
        evidence = clue_actions.EvidenceRule(tuple(same[0].required), str(told["evidence"]), str(told["text"]))
        with clock.frozen(_PROPOSED[at % len(_PROPOSED)]), scope(officer):
            done += _said(
                clue_actions.propose_many(
                    same, verdict=verdict, conclusion=str(told["text"]), acting_user=officer,
                    refuted_why=_WHY[reason] if verdict == "refuted" else "", evidence=evidence,
                ),
                "提出结论",
            )  # fmt: skip
    return done


def _decide(run: SweepRun, tell: Tell) -> None:
    sums = {"confirmed": 0, "refuted": 0}
    held = 0
    for county, tag in COUNTY_TAGS.items():
        officer = user(f"{tag}-xs")
        with clock.frozen(DECIDED), scope(officer):
            for verdict in sums:
                rows = _clues(run, "verifying", "undetermined", region__startswith=county, proposed=verdict)
                if rows:
                    sums[verdict] += _said(
                        clue_actions.decide_many(rows, verdict=verdict, acting_user=officer), "下结论"
                    )
            confirmed = _clues(run, "confirmed", region__startswith=county)
            if confirmed:
                held += _said(clue_actions.suspend_many(confirmed, acting_user=officer, from_month=_FROM), "停保")
    if any(sums.values()):
        tell(f"  {DECIDED}  县级结论：查实 {sums['confirmed']:,} 条，查否并销号 {sums['refuted']:,} 条")
        tell(f"             先停保：{held:,} 户自 {_FROM} 起停发，各有告知书（理由、条款、申诉途径）")


def _handle(run: SweepRun, truth: _Truth, tell: Tell) -> None:
    done = 0
    for county, tag in COUNTY_TAGS.items():
        officer = user(f"{tag}-xs")
        with system_scope(county):
            rows = list(
                Clue.objects.filter(run=run, state="suspended", region__startswith=county)
                .select_related("household")
                .order_by("pk")
            )
        if not rows:
            continue
        numbers = {}
        checker = user(f"{tag}-hd")
        with transaction.atomic():
            for clue in rows:
                row = truth.of(clue)
                assert row is not None
                numbers[clue.pk] = _stopped(clue, str(row["kind"]), str(row["text"]), checker)
        with clock.frozen(HANDLED), scope(officer):
            basis = clue_actions.Basis(determinations=numbers)
            done += _said(
                clue_actions.handle_many(
                    rows, action="stop", text="查实后不再符合条件，停发", acting_user=officer, basis=basis
                ),
                "处理",
            )  # fmt: skip
    if done:
        tell(f"  {HANDLED}  再处理：{done:,} 户重新认定后停发，列入跟踪名单（医疗救助、临时救助衔接）")


def _stopped(clue: Clue, kind: str, text: str, checker: User) -> str:
    """The determination that ends the assistance: facts by one officer, confirmed by another. Found again if it was made."""
    home: Household = clue.household
    with system_scope(home.region.rstrip("0")[:6]):
        made = (
            clue.household.roll.filter(programme=clue.programme, end_month=_FROM.prev().yyyymm).exists()
            and home_determination(home, clue.programme)
        )  # fmt: skip
    if made:
        return made
    with clock.frozen(HANDLED), scope(checker):
        draft = verification.start_fact_set(acting_user=checker, household=home, reason=f"线索 {clue.no} 查实")
        facts: dict[str, object] = {"assets_ok": kind not in ("vehicle", "estate")}
        if kind in ("business", "fiscal_kin"):
            facts["income_year"] = f"{_INCOME_A_HEAD * len(members_on(home, HANDLED))}.00"
        verification.enter_facts(draft, acting_user=checker, household=facts, evidence=text)
        frozen = verification.freeze(draft, acting_user=checker)
    decider = user(confirmer(home.region))
    with clock.frozen(HANDLED), scope(decider):
        row = record_change(
            frozen, acting_user=decider, programme=clue.programme, effective=_FROM, cause="clue",
            reasons=f"线索 {clue.no}：{text}",
        )  # fmt: skip
    if row.outcome != "fail":
        raise RuntimeError(f"线索 {clue.no}：重新认定的结果是 {row.outcome}，应为不符合")
    return row.no


def home_determination(home: Household, programme: str) -> str:
    """Number of the determination of that day that ended the family's assistance; empty = none."""
    from tuodi.decisions.models import Determination

    rows = Determination.objects.filter(household=home, programme=programme, cause="clue", decided_on=HANDLED)
    return rows.order_by("-pk").values_list("no", flat=True).first() or ""


def _close(run: SweepRun, tell: Tell) -> None:
    checked = closed = 0
    for county, tag in COUNTY_TAGS.items():
        officer = user(f"{tag}-xh")
        with clock.frozen(CHECKED), scope(officer):
            rows = _clues(run, "handled", region__startswith=county)
            if rows:
                checked += _said(
                    clue_actions.check_many(rows, note="已停发，告知书已送达", acting_user=officer), "复查"
                )
        with clock.frozen(CLOSED), scope(officer):
            rows = _clues(run, "rectified", region__startswith=county)
            if rows:
                closed += _said(
                    clue_actions.close_many(rows, acting_user=officer, note="整改到位", follow_up="跟踪六个月，符合条件的给予医疗救助、临时救助"),
                    "销号",
                )  # fmt: skip
    if closed:
        tell(f"  {CHECKED} 至 {CLOSED}  另一人复查 {checked:,} 条，整改到位，销号 {closed:,} 条")
