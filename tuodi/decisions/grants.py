"""Grants that are given once: what was given before, the months they are paid in, and the roll that follows from them.

The roll's entry of a family and month is the sum of the stages that stand. So a second grant for another cause in the
same month is paid by the same line, and a grant withdrawn leaves the other as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.cases.models import Case
from tuodi.decisions.approver import require_approver
from tuodi.decisions.errors import NotDecidedError, RollConflictError, StagePlanError
from tuodi.decisions.models import Determination, GrantStage
from tuodi.decisions.relief_states import Cause
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import add_months
from tuodi.org.models import User
from tuodi.people.enums import ONCE_PROGRAMMES, Programme
from tuodi.people.models import Account, Household, RollEntry
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models import FactSet
from tuodi.verification.queries import as_family
from tuodi.verification.rulebook import book, place_of, profile_value

__all__ = [
    "MOST_STAGES",
    "cause_of",
    "end_stages",
    "enter",
    "family_with_ledger",
    "family_with_place",
    "hold_in_cash",
    "is_once",
    "ledger_facts",
    "pay_in_cash",
    "stage_grant",
    "stages_of",
    "with_ledger",
    "with_place",
]

#: Longest plan of one grant, in months: relief is for passing hardship.
MOST_STAGES = 12


def is_once(programme: str) -> bool:
    """Whether a programme is granted once for a cause."""
    return programme in ONCE_PROGRAMMES


def cause_of(facts: FactSet) -> str:
    """The cause a fact set names, in words; empty = none entered."""
    code = str(facts.facts["household"].get("ta_cause") or "")
    return str(Cause(code).label) if code in Cause.values else ""


def stages_of(determination: Determination) -> list[GrantStage]:
    """The stages of a grant that stand, by month."""
    return list(GrantStage.objects.filter(determination=determination, ended_at__isnull=True).order_by("month"))


def ledger_facts(household: Household, cause: str, on: date, *, case: Case | None) -> dict[str, Any]:
    """What the ledger says of a family's relief: how much this year, and whether for the same cause.

    Args:
        cause: In words, as determinations keep it. on: The day; its calendar year counts.
        case: Its own grants are left out: a case is not its own predecessor.

    The same cause counts within the months the place's profile names; without them, for ever.
    """
    live = GrantStage.objects.filter(household=household, programme__in=ONCE_PROGRAMMES, ended_at__isnull=True)
    if case is not None:
        live = live.exclude(determination__case=case)
    paid = live.filter(determination__decided_on__year=on.year).aggregate(n=Sum("amount_fen"))["n"] or 0
    months = profile_value("relief_repeat_months", household.region, on)
    since = Month.of(add_months(on, -months)).first_day if months is not None else date.min
    same = bool(cause) and live.filter(determination__cause=cause, determination__decided_on__gte=since).exists()
    return {"ta_paid_this_year": format_yuan(paid, sep=False), "same_cause_before": same}


def place_facts(region: str, on: date) -> dict[str, str]:
    """What the place's own packs say of it that rules ask for, as facts of the place; nothing where they say nothing."""
    known = book()
    row = known.value("profile.disposable_income", known.chain(place_of(region)), (), on)
    return {} if row is None or row.value is None else {"disposable_prior": format_yuan(int(row.value), sep=False)}


def family_with_ledger(facts: FactSet, case: Case) -> dict[str, Any]:
    """A case's family file with what the ledger says today over it: for a page, nothing is stored."""
    family = as_family(facts)
    known = ledger_facts(case.household, cause_of(facts), clock.today(), case=case)
    family["household"] |= {name: {"value": value, "source": "ledger"} for name, value in known.items()}
    return _placed(family, case.region)


def with_ledger(facts: FactSet, case: Case) -> FactSet:
    """The frozen facts of a case with what the ledger says today: the given ones, or a new frozen set that follows them."""
    known = ledger_facts(case.household, cause_of(facts), clock.today(), case=case)
    held = facts.facts["household"]
    here = place_facts(case.region, clock.today())
    if (
        all(_same(held.get(name), value) for name, value in known.items())
        and facts.facts.get("place_facts", {}) == here
    ):
        return facts
    return _following(facts, case, reason="按救助台账补记", place=here, ledger=known)


def _following(
    facts: FactSet, case: Case, *, reason: str, place: dict[str, Any], ledger: dict[str, Any] | None = None
) -> FactSet:
    """A new frozen set after the given one, with what is known of the place and of earlier relief."""
    fresh = start_fact_set(
        acting_user=None, household=case.household, case=case, base=facts, reason=reason, place_facts=place
    )
    if ledger:
        enter_facts(fresh, acting_user=None, household=ledger, source=FactSet.Source.LEDGER)
    return freeze(fresh, acting_user=None)


def family_with_place(facts: FactSet) -> dict[str, Any]:
    """A family file with what the place's packs say today of the place: for a page, nothing is stored."""
    return _placed(as_family(facts), facts.region)


def _placed(family: dict[str, Any], region: str) -> dict[str, Any]:
    return {**family, "place_facts": {**place_facts(region, clock.today()), **family.get("place_facts", {})}}


def with_place(facts: FactSet, case: Case) -> FactSet:
    """The frozen facts of a case with what the place's packs say today of the place: the given ones, or a new set that follows."""
    here, held = place_facts(case.region, clock.today()), facts.facts.get("place_facts", {})
    if all(held.get(name) == value for name, value in here.items()):
        return facts
    return _following(facts, case, reason="按本地公布的数据补记", place={**held, **here})


def _same(held: Any, value: Any) -> bool:
    if held is None:  # the declarations' own defaults
        return value in ("0.00", False)
    return str(held) == str(value)


@transaction.atomic
def enter(determination: Determination, *, by: User, account: Account | None = None) -> RollEntry | None:
    """Puts a grant into its month, and takes over the months of the provisional grant it follows.

    Done twice, it changes nothing. The door is the caller's.

    Returns:
        The roll's entry of the grant's first month; None where all of it was paid in cash.

    Raises:
        NotDecidedError: It grants nothing. RollConflictError: An imported entry stands in the month.
    """
    if determination.outcome != "pass" or determination.start_month is None or not determination.amount_fen:
        raise NotDecidedError(determination.no, "不是予以救助的决定")
    Household.objects.select_for_update(of=("self",)).get(pk=determination.household_id)
    standing = stages_of(determination)
    months: set[int] = {row.month for row in standing}
    if not standing:
        before = determination.follows
        plan: list[tuple[int, int]] = [(determination.start_month, determination.amount_fen)]
        cash: list[tuple[int, int]] = []
        if before is not None:
            old = stages_of(before)
            months |= {row.month for row in old}
            # What was handed over in cash stays handed over: only what goes beyond it is still to be paid.
            cash = [(row.month, row.amount_fen) for row in old if row.in_cash]
            rest = determination.amount_fen - sum(fen for _, fen in cash)
            due = [(row.month, row.amount_fen) for row in old if not row.in_cash]
            if due and sum(fen for _, fen in due) == rest:
                plan = due
            else:
                plan = [(determination.start_month, rest)] if rest > 0 else []
            end_stages(before, reason=f"已由决定 {determination.no} 接替", rebuild=False)
        _plan(determination, plan, by)
        _plan(determination, cash, by, in_cash=True)
        months |= {month for month, _ in plan}
    _rebuild(determination, months, account=account)
    first = min(row.month for row in stages_of(determination))
    return RollEntry.objects.filter(
        household=determination.household_id, programme=determination.programme, start_month=first
    ).first()


@transaction.atomic
def pay_in_cash(determination: Determination, *, by: User) -> int:
    """Marks a grant as paid on the spot, whole: it leaves the roll, and no run pays it. The door is the caller's.

    Raises:
        NotDecidedError: nothing of it is left to pay, or a part was in cash already.
        django.db.DatabaseError: an approved run holds it (the room of payments guards the table).

    Returns:
        Fen to hand over.
    """
    Household.objects.select_for_update(of=("self",)).get(pk=determination.household_id)
    rows = [row for row in stages_of(determination) if not row.in_cash]
    if not rows or not is_once(determination.programme) or determination.outcome != "pass":
        raise NotDecidedError(determination.no, "没有待支付的一次性救助，或者已经支付")
    if len(rows) != len(stages_of(determination)):
        raise NotDecidedError(determination.no, "已由备用金支付过")
    # The line of the roll goes first: the guard of runs asks what still stands.
    for row in rows:
        row.ended_at, row.end_reason = clock.now(), "改由备用金当场支付"
        row.save(update_fields=["ended_at", "end_reason"])
    _plan(determination, [(row.month, row.amount_fen) for row in rows], by, in_cash=True)
    _rebuild(determination, {row.month for row in rows})
    return sum(row.amount_fen for row in rows)


@transaction.atomic
def hold_in_cash(determination: Determination, fen: int, *, by: User) -> int:
    """Marks a part of a grant as in the family's hands already, from an earlier payment in cash; the rest is paid in its months.

    Like `enter` does for a grant that follows one which stands. The door is the caller's.

    Raises:
        NotDecidedError: less than that is left to pay.

    Returns:
        Fen that are still to be paid.
    """
    Household.objects.select_for_update(of=("self",)).get(pk=determination.household_id)
    rows = [row for row in stages_of(determination) if not row.in_cash]
    there = sum(row.amount_fen for row in rows)
    if not is_once(determination.programme) or fen <= 0 or there < fen:
        raise NotDecidedError(determination.no, "没有这么多待支付的一次性救助")
    cash: list[tuple[int, int]] = []
    rest: list[tuple[int, int]] = []
    for row in rows:
        part = min(fen - sum(done for _, done in cash), row.amount_fen)
        if part:
            cash.append((row.month, part))
        if row.amount_fen > part:
            rest.append((row.month, row.amount_fen - part))
        row.ended_at, row.end_reason = clock.now(), "家庭手中的现金抵作救助"
        row.save(update_fields=["ended_at", "end_reason"])
    _plan(determination, rest, by)
    _plan(determination, cash, by, in_cash=True)
    _rebuild(determination, {row.month for row in rows})
    return there - fen


def end_stages(determination: Determination, *, reason: str, rebuild: bool = True) -> int:
    """Ends every stage of a grant that stands. What was paid already the monthly run finds and claims back.

    Returns:
        Fen that no longer stand.
    """
    rows = stages_of(determination)
    for row in rows:
        row.ended_at, row.end_reason = clock.now(), reason[:200]
        row.save(update_fields=["ended_at", "end_reason"])
    if rebuild:
        _rebuild(determination, {row.month for row in rows})
    return sum(row.amount_fen for row in rows)


@logs_blocks
def stage_grant(
    determination: Determination, *, acting_user: User, plan: Sequence[tuple[Month, int]]
) -> list[GrantStage]:
    """Approves once and pays in stages: spreads a grant over months (23号 of 2018: 一次审批、分阶段救助).

    By who confirms, at the level that confirmed, before the first month has begun.

    Args:
        plan: Month and fen of each stage; together the amount granted, not a fen more or less.

    Raises:
        StagePlanError: Naming what does not fit. NotDecidedError; WrongLevelError, AccessDeniedError.
    """
    require_approver(determination, acting_user, what="分阶段救助")
    old = stages_of(determination)
    if not is_once(determination.programme) or not old:
        raise NotDecidedError(determination.no, "没有待发放的一次性救助")
    this_month = Month.of(clock.today())
    if any(row.in_cash for row in old):
        raise StagePlanError(determination.no, "已由备用金当场支付，不能再改分期")
    begun = [row for row in old if row.month <= this_month.yyyymm]
    if begun:
        raise StagePlanError(determination.no, f"{begun[0].month} 的发放月已经开始，不能再改分期")
    months = [month for month, _ in plan]
    total = sum(fen for _, fen in plan)
    if not plan or len(plan) > MOST_STAGES:
        raise StagePlanError(determination.no, f"应分 1 至 {MOST_STAGES} 期")
    if any(month.yyyymm <= this_month.yyyymm for month in months) or months != sorted(set(months)):
        raise StagePlanError(determination.no, f"各期月份应从 {this_month.next()} 起，由先到后，不重复")
    if any(fen <= 0 for _, fen in plan) or total != determination.amount_fen:
        granted = format_yuan(determination.amount_fen or 0)
        raise StagePlanError(
            determination.no, f"各期合计 {format_yuan(total)} 元，应等于批准的 {granted} 元，每期大于 0"
        )
    with transaction.atomic():
        Household.objects.select_for_update(of=("self",)).get(pk=determination.household_id)
        end_stages(determination, reason="改为分阶段救助", rebuild=False)
        rows = _plan(determination, [(month.yyyymm, fen) for month, fen in plan], acting_user)
        _rebuild(determination, {row.month for row in (*old, *rows)})
        record(
            "decisions.stage_grant",
            actor=acting_user,
            subject_type="determination",
            subject_id=determination.pk,
            region=determination.region,
            case_no=determination.case.no if determination.case else None,
            after={"no": determination.no, "plan": [[row.month, row.amount_fen] for row in rows]},
        )
    return rows


def _plan(
    determination: Determination, plan: Iterable[tuple[int, int]], by: User, *, in_cash: bool = False
) -> list[GrantStage]:
    return [
        GrantStage.objects.create(
            region=determination.region,
            determination=determination,
            household_id=determination.household_id,
            programme=determination.programme,
            month=month,
            amount_fen=fen,
            in_cash=in_cash,
            planned_by=by,
            planned_at=clock.now(),
        )
        for month, fen in plan
    ]


def _rebuild(determination: Determination, months: Iterable[int], *, account: Account | None = None) -> None:
    """Makes the roll of some months what the standing stages say."""
    unit = {"household_id": determination.household_id, "programme": determination.programme}
    facts: Mapping[str, Any] = determination.fact_set.facts["household"] if determination.fact_set else {}
    for month in sorted(set(months)):
        standing = GrantStage.objects.filter(**unit, month=month, ended_at__isnull=True, in_cash=False)
        total = standing.aggregate(n=Sum("amount_fen"))["n"]
        entry = RollEntry.objects.filter(**unit, start_month=month, end_month=month, imported=False).first()
        if total is None:
            if entry is not None:
                entry.delete()
            continue
        newest = standing.order_by("-determination_id").values_list("determination_id", flat=True)[0]
        if entry is not None:
            entry.amount_fen, entry.determination_id = total, newest
            entry.account = account or entry.account
            entry.save(update_fields=["amount_fen", "determination_id", "account"])
            continue
        try:
            with transaction.atomic():
                RollEntry.objects.create(
                    **unit,
                    region=determination.region,
                    category=facts.get("area_kind") or determination.household.area_kind,
                    account=account,
                    amount_fen=total,
                    start_month=month,
                    end_month=month,
                    determination_id=newest,
                )
        except IntegrityError as error:
            label = Programme(determination.programme).label
            raise RollConflictError(determination.household.no, label, str(Month.parse(str(month)))) from error
