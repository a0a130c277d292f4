"""再处理: what is done about a confirmed clue, what is recovered, the second person's check, and close-out (销号)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q

from tuodi.decisions.changes import record_change
from tuodi.decisions.models import Determination, Suspension
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring.clue_verdict import lift_of, suspends_first
from tuodi.monitoring.errors import (
    ClueHandsError,
    ClueInputError,
    ClueStateError,
    DeterminationNeededError,
    StillSuspendedError,
    SuspendFirstError,
)
from tuodi.monitoring.models import Clue
from tuodi.monitoring.recovery import proposal
from tuodi.monitoring.steps import BatchResult, Step
from tuodi.monitoring.watch import watch_many
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.claims import book_receipt
from tuodi.payments.claims import claim_of
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.people.models import RollEntry
from tuodi.verification.models import FactSet

__all__ = ["Basis", "check", "check_many", "close", "close_many", "handle", "handle_many", "record_recovery"]

State, Action = Clue.State, Clue.Action
#: Deeds that change the roll: by a determination, never by hand.
BY_DETERMINATION = frozenset({Action.STOP, Action.DECREASE, Action.RECOMPUTE})
#: Deeds after which payment stays held: the other body has not answered yet.
KEEPS_HELD = frozenset({Action.REFER})
#: Cause of a determination made over a clue; the monthly difference tells it as 查实停保.
CAUSE = "clue"


@dataclass(frozen=True)
class Basis:
    """What a stop, a decrease or a new computation rests on, by clue.

    Attributes:
        fact_sets: frozen, entered by somebody else; the change is decided here and now.
        determinations: numbers of determinations made already (the county's confirming officer did).
        effective: first month of the change; None = the first month held, else the next month. An earlier one makes what was
            paid since an overpayment.
    """

    fact_sets: Mapping[int, FactSet] = field(default_factory=dict)
    determinations: Mapping[int, str] = field(default_factory=dict)
    effective: Month | None = None


def handle(
    clue: Clue, *, action: str, text: str, acting_user: User, to_recover_fen: int | None = None,
    fact_set: FactSet | None = None, determination_no: str = "", effective: Month | None = None,
) -> Clue:  # fmt: skip
    """Does something about a confirmed clue.

    Stop and decrease go through a determination on frozen facts, or name one made already. Stop puts the family on the watch
    list. All but a referral lift the suspension; what was held is paid back as far as it is due. Handled again after a referral.

    Args:
        action: one of the clue's outcomes (all, where its rule names none).
        to_recover_fen: what is to be recovered; None = what `recovery.proposal` works out, for stop, decrease and recover.

    Raises:
        SuspendFirstError: the place suspends first, then handles. DeterminationNeededError says what is needed. ClueInputError,
        ClueStateError, ClueHandsError, ClueLevelError, NotFoundError, AccessDeniedError; errors of `record_change`.
    """
    basis = Basis(
        {clue.pk: fact_set} if fact_set is not None else {},
        {clue.pk: determination_no} if determination_no else {},
        effective,
    )
    amounts = {clue.pk: to_recover_fen} if to_recover_fen is not None else {}
    return _handle([clue], action, text, basis, amounts, acting_user).one()


def handle_many(
    clues: Iterable[Clue | int], *, action: str, text: str, acting_user: User, basis: Basis | None = None,
    to_recover_fen: Mapping[int, int] | None = None,
) -> BatchResult:  # fmt: skip
    """Like `handle` for many. Where the roll changes each clue needs its own facts or determination; those without are refused."""
    return _handle(clues, action, text, basis or Basis(), to_recover_fen or {}, acting_user).result()


@transaction.atomic
def _handle(
    clues: Iterable[Clue | int], action: str, text: str, basis: Basis, amounts: Mapping[int, int], user: User
) -> Step:
    if action not in Action.values:
        raise ClueInputError("处理方式", f"只能是：{'、'.join(Action.labels)}")
    if not text.strip():
        raise ClueInputError("处理说明", "必须填写")
    if any(fen < 0 for fen in amounts.values()):
        raise ClueInputError("应追回金额", "不能小于 0")
    label = Action(action).label
    step = Step(clues, user, f"处理：{label}")
    step.duty(DutyCode.CLUE_DECIDE, county=True)
    step.move(State.HANDLED)
    off_roll = _off_roll(step.open)
    first = {town for town in {row.region[:9] for row in step.open} if suspends_first(town)}

    def fits(row: Clue) -> TuodiError | None:
        if row.outcomes and action not in row.outcomes:
            allowed = "、".join(Action(one).label for one in row.outcomes if one in Action.values)
            return ClueInputError("处理方式", f"线索 {row.no} 按规则只能是：{allowed}")
        held_first = row.on_confirmed == "suspend" and row.region[:9] in first and row.pk not in off_roll
        if row.state == State.CONFIRMED and held_first:
            return SuspendFirstError(row.no)
        # Only a referral is handled a second time: what else was done is done.
        if row.state == State.HANDLED and row.action not in KEEPS_HELD:
            return ClueStateError(row.no, f"{row.get_state_display()}（{row.get_action_display()}）", label)
        if user.pk == row.proposed_by_id:
            return ClueHandsError(row.no, "提出结论", "处理")
        return None

    step.refuse(fits)
    if action in BY_DETERMINATION:
        _determine(step, action, text.strip(), basis)
    _recovery(step, action, amounts)
    if action not in KEEPS_HELD:
        lift_of(step.open, reason=f"{label}：{text.strip()}", acting_user=user)
    if action == Action.STOP:
        watch_many(step.open, acting_user=user)
    columns = {"action": action, "action_text": text.strip(), "handled_by": user, "handled_at": clock.now()}
    step.write("handle", State.HANDLED, columns, note=f"{label}：{text.strip()}")
    step.audit("handle", action=action, to_recover_fen=sum(row.to_recover_fen or 0 for row in step.open))
    return step


def _off_roll(rows: list[Clue]) -> set[int]:
    """Clues whose unit has left the roll: there is nothing to suspend."""
    month = Month.of(clock.today()).next().yyyymm
    entries = RollEntry.objects.filter(household__in=[row.household_id for row in rows]).filter(
        Q(end_month__isnull=True) | Q(end_month__gte=month)
    )
    there = set(entries.values_list("household", "person", "programme"))
    return {
        row.pk
        for row in rows
        if (row.household_id, row.person_id if row.programme in PERSON_PROGRAMMES else None, row.programme) not in there
    }


# ---- what changes the roll


def _determine(step: Step, action: str, text: str, basis: Basis) -> None:
    """Makes or finds the determination of each clue; those without are refused, each by itself."""
    label = Action(action).label
    made: dict[int, tuple[int]] = {}
    holds = dict(
        Suspension.objects.filter(pk__in=[row.suspension_id for row in step.open if row.suspension_id]).values_list(
            "pk", "from_month"
        )
    )
    for row in step.open:
        try:
            with transaction.atomic():
                found = _one_determination(row, step.user, label, text, basis, holds)
                _fits(row, action, label, found)
        except TuodiError as error:
            step.errors[row.pk] = error
        else:
            made[row.pk] = (found.pk,)
    step.write_each(made, (("determination_id", "bigint"),))


def _one_determination(
    row: Clue, user: User | None, label: str, text: str, basis: Basis, holds: Mapping[int, int]
) -> Determination:
    number = basis.determinations.get(row.pk, "")
    facts = basis.fact_sets.get(row.pk)
    person_id = row.person_id if row.programme in PERSON_PROGRAMMES else None
    if number:
        found = Determination.objects.filter(
            no=number, household=row.household_id, programme=row.programme, person=person_id
        ).first()
        if found is None:
            raise DeterminationNeededError(row.no, label, f"所写的决定书号 {number} 不是这个家庭本项目的决定")
        if row.verdict_at is not None and found.decided_on < row.verdict_at.astimezone(clock.BEIJING).date():
            raise DeterminationNeededError(row.no, label, f"所写的决定 {number} 早于查实结论")
        return found
    if facts is None:
        raise DeterminationNeededError(row.no, label, "需要决定")
    if facts.household_id != row.household_id:
        raise DeterminationNeededError(row.no, label, "所给的事实表属于另一个家庭")
    first = holds.get(row.suspension_id or 0)
    effective = basis.effective or (Month.parse(str(first)) if first else Month.of(clock.today()).next())
    return record_change(
        facts,
        acting_user=user,
        programme=row.programme,
        effective=effective,
        cause=CAUSE,
        reasons=f"线索 {row.no}：{text}",
        person=row.person if person_id else None,
    )


def _fits(row: Clue, action: str, label: str, found: Determination) -> None:
    """A stop grants nothing (or only a gradual exit), a decrease grants less."""
    ends = found.outcome == "fail" or found.end_month is not None
    if action == Action.STOP and not ends:
        raise DeterminationNeededError(row.no, label, f"与决定 {found.no} 不符：该决定仍予以保障")
    if action == Action.DECREASE:
        before = found.follows.amount_fen if found.follows is not None else row.monthly_fen
        if found.outcome != "pass" or (before is not None and (found.amount_fen or 0) >= before):
            raise DeterminationNeededError(row.no, label, f"与决定 {found.no} 不符：该决定没有减少金额")


# ---- what is recovered


def _recovery(step: Step, action: str, amounts: Mapping[int, int]) -> None:
    """What is to be recovered, with the arithmetic: as a person says, else as worked out."""
    if action not in (Action.STOP, Action.DECREASE, Action.RECOVER, Action.RECOMPUTE):
        return
    table: dict[int, tuple[int | None, str]] = {}
    for row in step.open:
        worked = proposal(row)
        told = amounts.get(row.pk)
        fen = told if told is not None else (worked.total_fen if worked.since is not None else None)
        if action == Action.RECOVER and not fen:
            step.errors[row.pk] = ClueInputError("应追回金额", f"线索 {row.no} 的追回必须写明金额（{worked.text}）")
            continue
        kept = {**worked.as_json(), "accepted_fen": fen, "by_hand": told is not None}
        table[row.pk] = (fen, json.dumps(kept, ensure_ascii=False))
    step.write_each(table, (("to_recover_fen", "bigint"), ("recovery", "jsonb")))
    for pk, (_, kept_text) in table.items():
        step.rows[pk].recovery = json.loads(kept_text)


@transaction.atomic
def record_recovery(clue: Clue, *, amount_fen: int, receipt: str, acting_user: User) -> Clue:
    """Notes money the family has returned, with the number of the receipt.

    Raises: ClueInputError: nothing is to be recovered, or more than is owed. ClueStateError, NotFoundError, AccessDeniedError.
    """
    step = Step([clue], acting_user, "登记追回")
    step.duty(DutyCode.CLUE_DECIDE, county=True)
    step.refuse(
        lambda row: (
            None
            if row.state in (State.HANDLED, State.RECTIFIED, State.CLOSED) and row.verdict == Clue.Verdict.CONFIRMED
            else ClueStateError(row.no, row.get_state_display(), "登记追回")
        )
    )
    row = step.one()
    if not receipt.strip():
        raise ClueInputError("收据号", "必须填写")
    open_fen = (row.to_recover_fen or 0) - row.recovered_fen
    if amount_fen <= 0 or amount_fen > open_fen:
        raise ClueInputError("追回金额", f"应大于 0，且不超过尚未追回的 {format_yuan(max(open_fen, 0))} 元")
    note = f"追回 {format_yuan(amount_fen)} 元，收据 {receipt.strip()[:60]}"
    _book(row, amount_fen, receipt.strip(), acting_user)
    step.write("recover", None, {"recovered_fen": row.recovered_fen + amount_fen}, note=note)
    step.audit("record_recovery", amount_fen=amount_fen, receipt=receipt.strip()[:60], recovered_fen=row.recovered_fen)
    return row


def _book(row: Clue, amount_fen: int, receipt: str, user: User) -> None:
    """Into the unit's claim, as far as a run has found it overpaid: no later month keeps the same money back once more."""
    claim = claim_of(row.household_id, row.programme, row.person_id if row.programme in PERSON_PROGRAMMES else None)
    if claim is None or claim.left_fen <= 0:
        return
    book_receipt(
        claim, acting_user=user, amount_fen=min(amount_fen, claim.left_fen), receipt_no=receipt, received_on=clock.today(),
        payer=row.household.head.name if row.household.head else "本户",
    )  # fmt: skip


# ---- the second person, and the end


def check(clue: Clue, *, note: str, acting_user: User) -> Clue:
    """A second person has seen that what was decided is done (整改到位). Never who handled it.

    Raises: ClueHandsError; StillSuspendedError: payment is held and nothing settled. ClueInputError, ClueStateError …
    """
    return _check([clue], note, acting_user).one()


def check_many(clues: Iterable[Clue | int], *, note: str, acting_user: User) -> BatchResult:
    """Like `check` for many."""
    return _check(clues, note, acting_user).result()


@transaction.atomic
def _check(clues: Iterable[Clue | int], note: str, user: User) -> Step:
    if not note.strip():
        raise ClueInputError("复查情况", "必须填写")
    step = Step(clues, user, "复查")
    step.duty(DutyCode.CLUE_CLOSE, county=True)
    step.move(State.RECTIFIED)
    _not_the_handler(step, "复查")
    held = dict(
        Suspension.objects.filter(
            pk__in=[row.suspension_id for row in step.open if row.suspension_id], lifted_at__isnull=True
        ).values_list("pk", "notice_no")
    )
    step.refuse(lambda row: StillSuspendedError(row.no, held[row.suspension_id]) if row.suspension_id in held else None)
    columns = {"checked_by": user, "checked_at": clock.now()}
    step.write("check", State.RECTIFIED, columns, note=note.strip())
    step.audit("check")
    return step


def close(clue: Clue, *, acting_user: User, note: str = "", follow_up: str = "") -> Clue:
    """Strikes the clue off the ledger (销号). Never by who handled it.

    Args:
        follow_up: what is done for the family from here.

    Raises: ClueHandsError, ClueStateError, ClueLevelError, NotFoundError, AccessDeniedError.
    """
    return _close([clue], note, follow_up, acting_user).one()


def close_many(clues: Iterable[Clue | int], *, acting_user: User, note: str = "", follow_up: str = "") -> BatchResult:
    """Like `close` for many."""
    return _close(clues, note, follow_up, acting_user).result()


@transaction.atomic
def _close(clues: Iterable[Clue | int], note: str, follow_up: str, user: User) -> Step:
    step = Step(clues, user, "销号")
    step.duty(DutyCode.CLUE_CLOSE, county=True)
    step.move(State.CLOSED, only=(State.RECTIFIED,))
    _not_the_handler(step, "销号")
    columns = {"closed_by": user, "closed_at": clock.now()}
    if follow_up.strip():
        columns["follow_up"] = follow_up.strip()[:200]
    step.write("close", State.CLOSED, columns, note=note.strip())
    step.audit("close")
    return step


def _not_the_handler(step: Step, what: str) -> None:
    user = step.user
    step.refuse(
        lambda row: ClueHandsError(row.no, "处理", what) if user is not None and user.pk == row.handled_by_id else None
    )
