"""Soft landing (软着陆): families that lost their assistance are looked after for a time, and helped otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.workdays import add_months
from tuodi.monitoring.errors import ClueInputError, WatchEndedError
from tuodi.monitoring.models import Clue, WatchAid, WatchEntry
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household
from tuodi.verification.rulebook import limit

__all__ = ["LOOK_DAYS", "add_aid", "end_watch", "overdue", "watch", "watch_family", "watch_many"]

#: The sources name no interval for 密切关注: a look every month; it may be set for one family. Its term is `profile.exit_watch`.
LOOK_DAYS = 30
_DUTIES = (DutyCode.CLUE, DutyCode.CLUE_DECIDE, DutyCode.VISIT)


def watch(clue: Clue, *, acting_user: User, watch_until: date | None = None) -> WatchEntry:
    """Watches the family of a clue. One that is watched already stays so, to the later day.

    Args:
        watch_until: last day; None = the term of the place from today.

    Raises: ClueInputError: a day that is past. NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, _DUTIES, clue.region)
    if watch_until is not None and watch_until < clock.today():
        raise ClueInputError("关注至", "不能早于今天")
    (found,) = watch_many([clue], acting_user=acting_user, watch_until=watch_until)
    return found


@transaction.atomic
def watch_many(clues: Iterable[Clue], *, acting_user: User, watch_until: date | None = None) -> list[WatchEntry]:
    """Like `watch` for many, for actions that have asked for the duty themselves. A family once."""
    rows = list(clues)
    today = clock.today()
    standing = WatchEntry.objects.select_for_update(of=("self",)).filter(
        household__in=[row.household_id for row in rows]
    )
    known = {(one.household_id, one.programme): one for one in standing.exclude(state=WatchEntry.State.ENDED)}
    new: dict[tuple[int, str], WatchEntry] = {}
    found = []
    for row in rows:
        until = watch_until or add_months(today, limit("exit_watch", row.region, today))
        key = (row.household_id, row.programme)
        there = known.get(key) or new.get(key)
        if there is None:
            there = new[key] = WatchEntry(
                region=row.region, household_id=row.household_id, programme=row.programme, clue=row, since=today,
                watch_until=until, next_look_on=min(today + timedelta(days=LOOK_DAYS), until),
            )  # fmt: skip
        elif there.pk is not None and there.watch_until < until:
            there.watch_until = until
            there.save(update_fields=["watch_until"])
        found.append(there)
    WatchEntry.objects.bulk_create(list(new.values()), batch_size=2000)
    return found


@transaction.atomic
def watch_family(household: Household, programme: str) -> WatchEntry:
    """Watches a family that lost its assistance without a clue; for actions that have asked for the duty themselves. Once."""
    today = clock.today()
    until = add_months(today, limit("exit_watch", household.region, today))
    there = (
        WatchEntry.objects.select_for_update(of=("self",))
        .filter(household=household, programme=programme)
        .exclude(state=WatchEntry.State.ENDED)
        .first()
    )
    if there is not None:
        if there.watch_until < until:
            there.watch_until = until
            there.save(update_fields=["watch_until"])
        return there
    return WatchEntry.objects.create(
        region=household.region, household=household, programme=programme, since=today, watch_until=until,
        next_look_on=min(today + timedelta(days=LOOK_DAYS), until),
    )  # fmt: skip


@transaction.atomic
def add_aid(
    entry: WatchEntry, *, kind: str, text: str, acting_user: User, on: date | None = None, amount_fen: int | None = None
) -> WatchAid:
    """Notes a look at the family, or the aid it was given; the next look is due a month later.

    Raises: ClueInputError, WatchEndedError, NotFoundError, AccessDeniedError.
    """
    row = _locked(entry, acting_user)
    if kind not in WatchAid.Kind.values:
        raise ClueInputError("帮扶", f"只能是：{'、'.join(WatchAid.Kind.labels)}")
    if not text.strip():
        raise ClueInputError("情况", "必须填写")
    day = on or clock.today()
    if day > clock.today() or day < row.since:
        raise ClueInputError("日期", f"应在 {row.since} 到今天之间")
    if amount_fen is not None and amount_fen < 0:
        raise ClueInputError("金额", "不能小于 0")
    aid = WatchAid.objects.create(
        watch=row, region=row.region, kind=kind, on=day, amount_fen=amount_fen, text=text.strip()[:300], added_at=clock.now(),
        added_by=acting_user,
    )  # fmt: skip
    row.looks += 1
    row.next_look_on = min(max(row.next_look_on, day + timedelta(days=LOOK_DAYS)), row.watch_until)
    if kind != WatchAid.Kind.LOOK:
        row.state = WatchEntry.State.AIDED
    row.readmitted = row.readmitted or kind == WatchAid.Kind.READMITTED
    row.save(update_fields=["looks", "next_look_on", "state", "readmitted"])
    _audit("watch_aid", acting_user, row, kind=kind, amount_fen=amount_fen)
    entry.refresh_from_db()
    return aid


@transaction.atomic
def end_watch(entry: WatchEntry, *, reason: str, acting_user: User) -> WatchEntry:
    """Ends a watch. Before its last day only with a reason, and never without a single look.

    Raises: ClueInputError, WatchEndedError, NotFoundError, AccessDeniedError.
    """
    row = _locked(entry, acting_user)
    if not reason.strip():
        raise ClueInputError("结束原因", "必须填写")
    if row.looks == 0:
        raise ClueInputError("走访", "还没有走访过这个家庭，请先登记一次走访再结束关注")
    row.state, row.ended_at, row.ended_by, row.end_reason = (
        WatchEntry.State.ENDED, clock.now(), acting_user, reason.strip()[:200],
    )  # fmt: skip
    row.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    _audit("end_watch", acting_user, row, reason=reason.strip()[:200])
    entry.refresh_from_db()
    return row


def overdue(user: User, on: date | None = None) -> QuerySet[WatchEntry]:
    """Watched families whose look is overdue, or whose watch has run out without being ended; the oldest first."""
    day = on or clock.today()
    found = access.range_of(user.office.place_code)
    return (
        WatchEntry.objects.filter(region__gte=found.low, region__lt=found.high)
        .exclude(state=WatchEntry.State.ENDED)
        .filter(Q(next_look_on__lt=day) | Q(watch_until__lt=day))
        .select_related("household__head", "clue")
        .order_by("next_look_on", "id")
    )


def _locked(entry: WatchEntry, user: User) -> WatchEntry:
    row = access.locked(WatchEntry.objects.all(), entry.pk, what="关注记录")
    access.require_any(user, _DUTIES, row.region)
    if row.state == WatchEntry.State.ENDED:
        raise WatchEndedError()
    return row


def _audit(action: str, user: User, row: WatchEntry, **after: object) -> None:
    record(
        f"monitoring.{action}",
        actor=user,
        subject_type="watchentry",
        subject_id=row.pk,
        region=row.region,
        after={"state": row.state, "looks": row.looks, **after},
    )
