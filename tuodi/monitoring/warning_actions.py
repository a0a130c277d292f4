"""The early-warning chain (预警监测, M30): pushed to the county, received, opened or dismissed; left lying, it climbs.

A warning is a clue that a periodic or arriving comparison raised about a watched kind of register. It needs no table of
its own: `pushed_at`, `read_at` and `level` stand on the clue, each step is an event. Unread past its limit, or unanswered
past its deadline, it is the prefecture's matter, then the province's. Working days come from the official calendar: where
a year has none, nothing climbs and the deadline shows as pending.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.monitoring.limits import limit, workdays_since
from tuodi.monitoring.models import Clue, ClueEvent
from tuodi.monitoring.sweep_errors import WatchInputError, WatchStateError
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.models import DutyCode, User
from tuodi.verification.rulebook import place_of

__all__ = ["LEVELS", "dismiss", "escalate", "open_warning", "push", "receive"]

#: Who must see to it, from the county up.
LEVELS = ("COUN", "PREF", "PROV")
_NAMES = {"COUN": "县级", "PREF": "市级", "PROV": "省级"}
State = Clue.State


def _locked(clue: Clue, user: User, *duties: str) -> Clue:
    found = access.locked(Clue.objects.all(), clue.pk, what="预警")
    access.require_any(user, duties, found.region)
    if found.pushed_at is None:
        raise WatchStateError(f"线索 {found.no}", "不是预警", "按预警办理")
    return found


def _event(row: Clue, kind: str, user: User | None, note: str, before: str = "") -> None:
    ClueEvent.objects.create(
        clue=row, region=row.region, at=clock.now(), by=user, kind=kind, before=before or row.state, after=row.state, note=note
    )  # fmt: skip


def _note(verb: str, user: User | None, row: Clue, **after: Any) -> None:
    record(
        f"monitoring.warning_{verb}", actor=user, subject_type="clue", subject_id=row.pk, region=row.region,
        after={"no": row.no, **after},
    )  # fmt: skip


@transaction.atomic
def push(clue: Clue, *, acting_user: User) -> Clue:
    """Makes an early warning of a clue that came another way. Doing it twice changes nothing.

    Raises: WatchStateError for a closed clue; NotFoundError, AccessDeniedError.
    """
    row = access.locked(Clue.objects.all(), clue.pk, what="线索")
    access.require_any(acting_user, [DutyCode.SWEEP, DutyCode.SUPERVISE], row.region)
    if row.pushed_at is not None:
        return row
    if row.state == State.CLOSED:
        raise WatchStateError(f"线索 {row.no}", row.get_state_display(), "推送预警")
    row.pushed_at = clock.now()
    row.save(update_fields=["pushed_at"])
    _event(row, "pushed", acting_user, "预警推送县级")
    _note("push", acting_user, row)
    return row


@transaction.atomic
def receive(clue: Clue, *, acting_user: User) -> Clue:
    """The county signs for a warning (签收). The first receipt counts; later ones change nothing."""
    row = _locked(clue, acting_user, DutyCode.VERIFY, DutyCode.CLUE_DECIDE)
    if row.read_at is not None:
        return row
    row.read_at, row.read_by = clock.now(), acting_user
    row.save(update_fields=["read_at", "read_by"])
    _event(row, "read", acting_user, "签收预警")
    _note("receive", acting_user, row)
    return row


@transaction.atomic
def open_warning(clue: Clue, *, acting_user: User, responsible: User, **more: Any) -> Clue:
    """The county takes a warning up: signed for, and sent to a responsible person as any clue is.

    Args:
        more: as `clue_actions.assign`.
    """
    from tuodi.monitoring.clue_actions import assign  # the ledger's own verb

    receive(clue, acting_user=acting_user)
    assign(clue, acting_user=acting_user, responsible=responsible, **more)
    clue.refresh_from_db()
    return clue


@transaction.atomic
def dismiss(clue: Clue, reason: str, *, acting_user: User, why: str = "other") -> Clue:
    """The county puts a warning aside without looking into it, for a reason that stays: it counts as refuted.

    Args:
        why: a word of `states.REFUTED_WHY`.
    Raises: WatchInputError, WatchStateError (it is being looked into already), NotFoundError, AccessDeniedError.
    """
    from tuodi.monitoring.states import REFUTED_WHY

    row = _locked(clue, acting_user, DutyCode.CLUE_DECIDE)
    if len(reason.strip()) < 4:
        raise WatchInputError("不予立案理由", "没有写明")
    if why not in REFUTED_WHY:
        raise WatchInputError("查否原因", f"只能是 {'、'.join(REFUTED_WHY.values())}")
    if row.state != State.GENERATED:
        raise WatchStateError(f"预警 {row.no}", row.get_state_display(), "不予立案（请在线索中办理）")
    before, now = row.state, clock.now()
    row.read_at, row.read_by = row.read_at or now, row.read_by or acting_user
    row.state, row.verdict, row.refuted_why = State.CLOSED, Clue.Verdict.REFUTED, why
    row.conclusion, row.verdict_by, row.verdict_at = reason.strip(), acting_user, now
    row.closed_by, row.closed_at = acting_user, now
    row.save()
    _event(row, "dismissed", acting_user, reason.strip(), before)
    _note("dismiss", acting_user, row, reason=reason.strip()[:200])
    return row


def escalate(place: str, *, acting_user: User | None = None) -> list[Clue]:
    """Moves warnings left lying one level up: unread past the receipt limit, unanswered past the deadline, or still so a
    further step limit after the last climb. Run daily; run twice, it does its work once.

    Returns: the clues that climbed, with their new level.
    """
    today = clock.today()
    climbed: list[Clue] = []
    with system_scope(place):
        waiting = (
            Clue.objects.select_for_update(of=("self",))
            .filter(pushed_at__isnull=False, verdict="", level__in=LEVELS[:-1])
            .exclude(state=State.CLOSED)
            .filter(Q(read_at__isnull=True) | Q(deadline__lt=today))
            .order_by("region", "id")
        )
        rows = list(waiting)
        last = dict(
            ClueEvent.objects.filter(clue__in=rows, kind="escalated").values_list("clue_id").annotate(at=Max("at"))
        )
        limits: dict[tuple[str, str], int] = {}

        def of(name: str, region: str) -> int:
            key = (name, place_of(region))
            if key not in limits:
                limits[key] = limit(name, key[1], today)
            return limits[key]

        by_county: dict[str, list[str]] = defaultdict(list)
        events = []
        for row in rows:
            why = _why(row, last.get(row.pk), today, of)
            if not why:
                continue
            row.level = LEVELS[LEVELS.index(row.level) + 1]
            note = f"{why}，上报{_NAMES[row.level]}"
            events.append(
                ClueEvent(
                    clue=row, region=row.region, at=clock.now(), by=acting_user, kind="escalated", before=row.state, after=row.state,
                    note=note,
                )
            )  # fmt: skip
            by_county[row.region[:6]].append(f"{row.no}:{row.level}")
            climbed.append(row)
        Clue.objects.bulk_update(climbed, ["level"], batch_size=1000)
        ClueEvent.objects.bulk_create(events, batch_size=1000)
        for county, numbers in sorted(by_county.items()):
            record(
                "monitoring.warning_escalate", actor=acting_user, subject_type="clue", subject_id=county, region=pad12(county),
                after={"clues": len(numbers), "numbers": numbers[:200]},
            )  # fmt: skip
    return climbed


def _why(row: Clue, climbed_at: Any, today: date, of: Any) -> str:
    """Why a warning climbs now; empty = it does not."""
    assert row.pushed_at is not None
    if climbed_at is not None:
        waited = workdays_since(climbed_at.astimezone(clock.BEIJING).date(), today)
        step = of("warning_step_limit", row.region)
        return f"上报后 {waited} 个工作日仍未办理" if waited is not None and waited > step else ""
    if row.read_at is None:
        waited = workdays_since(row.pushed_at.astimezone(clock.BEIJING).date(), today)
        allowed = of("warning_read_limit", row.region)
        if waited is not None and waited > allowed:
            return f"推送 {waited} 个工作日未签收"
    if row.deadline is not None and row.deadline < today:
        return f"超过整改期限 {row.deadline}"
    return ""
