"""Reading the register of sources: who may see which, how each does, what is ready to be swept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.verification.models import DataSource, RegisterBatch

__all__ = ["Health", "access_batch", "access_source", "health", "ready_batches", "sources_of", "with_newest"]

#: Consecutive failures from which a source counts as failing.
FAILING = 2
#: Deliveries looked at for the newest that can be used.
LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class Health:
    """How one source does.

    Attributes:
        state: ``fresh``; ``late``: older than agreed; ``overdue``: more than twice so, or nothing yet though connected;
            ``failing``: the last tries went wrong; ``off``: not connected, or suspended.
        days: Age of what it last gave; null = nothing yet.
        last: Its newest delivery, whatever became of it. ready: the usable one.
        coverage: Share of rows with a usable number, per mille; null = no usable delivery.
        quota_left: Requests left today; null = no limit agreed.
        why: A sentence.
    """

    state: Literal["fresh", "late", "overdue", "failing", "off"]
    days: int | None
    last: RegisterBatch | None
    ready: RegisterBatch | None
    coverage: int | None
    quota_left: int | None
    why: str


def sources_of(user: User) -> QuerySet[DataSource]:
    """Sources a user may see: those of places in his range, and those that serve his place from above."""
    place = user.office.place_code
    above = [place[:size] for size in range(2, len(place))]
    found = access.range_of(place)
    listed = DataSource.objects.filter(place_code__gte=found.low, place_code__lt=found.high)
    return (listed | DataSource.objects.filter(place_code__in=[*above, "cn"])).order_by("kind", "place_code", "code")


def access_source(user: User, pk: int) -> DataSource:
    """One source. NotFoundError, alike for one that is absent and one of elsewhere."""
    found = sources_of(user).filter(pk=pk).first()
    if found is None:
        raise NotFoundError("数据来源")
    return found


def access_batch(user: User, pk: int) -> RegisterBatch:
    """One delivery of a source in the user's own range: counts of rows are for who may see its place."""
    found = RegisterBatch.objects.select_related("source", "faults").filter(pk=pk).first()
    if found is None or not access.in_scope(user, pad12(found.place_code)):
        raise NotFoundError("登记批次")
    return found


def ready_batches(place_code: str, *, kinds: Sequence[str] | None = None) -> QuerySet[RegisterBatch]:
    """Usable deliveries of sources at or above or below a place, newest first: what a sweep compares with.

    A sweep on arrival asks for those it has no row of its own for.
    """
    found = access.range_of(place_code)
    above = [place_code[:size] for size in range(2, len(place_code))]
    ready = RegisterBatch.objects.filter(state=RegisterBatch.State.READY).select_related("source")
    if kinds is not None:
        ready = ready.filter(source__kind__in=list(kinds))
    inside = ready.filter(place_code__gte=found.low, place_code__lt=found.high)
    return (inside | ready.filter(place_code__in=[*above, "cn"])).order_by("-as_of", "-pk")


def with_newest(sources: Sequence[DataSource]) -> Sequence[DataSource]:
    """The sources, each with its newest deliveries at hand for `health`. One query for all."""
    newest = RegisterBatch.objects.order_by("-received_at", "-pk")[:LOOKED_AT]
    prefetch_related_objects(list(sources), Prefetch("batches", newest, to_attr="newest"))
    return sources


def health(source: DataSource, *, on: date | None = None) -> Health:
    """How a source does on a day (today)."""
    today = on or clock.today()
    batches: list[RegisterBatch] | None = getattr(source, "newest", None)
    if batches is None:
        batches = list(source.batches.order_by("-received_at", "-pk")[:LOOKED_AT])
    last = batches[0] if batches else None
    ready = next((batch for batch in batches if batch.state == RegisterBatch.State.READY), None)
    since = ready.as_of if ready else None
    if source.mode == DataSource.Mode.REAL_TIME and source.last_success_at is not None:
        answered = source.last_success_at.astimezone(clock.BEIJING).date()
        since = max(since, answered) if since else answered
    days = (today - since).days if since else None
    coverage = (ready.accepted - ready.unkeyed) * 1000 // ready.accepted if ready and ready.accepted else None
    left = None
    if source.quota_per_day is not None:
        left = max(0, source.quota_per_day - (source.used if source.used_on == today else 0))
    state, why = _state(source, days)
    return Health(state, days, last, ready, coverage, left, why)


def _state(source: DataSource, days: int | None) -> tuple[Literal["fresh", "late", "overdue", "failing", "off"], str]:
    if source.state == DataSource.State.SUSPENDED or source.mode == DataSource.Mode.NONE:
        return "off", "暂停或未接入，不参加比对"
    if source.failures >= FAILING:
        return "failing", f"连续 {source.failures} 次没有成功"
    if days is None:
        if source.state == DataSource.State.LIVE:
            return "overdue", "已接入，但还没有收到过数据"
        return "off", "还没有收到过数据"
    if days <= source.freshness_days:
        return "fresh", f"数据截至 {days} 天前，在约定的 {source.freshness_days} 天内"
    if days <= 2 * source.freshness_days:
        return "late", f"数据截至 {days} 天前，超过约定的 {source.freshness_days} 天"
    return "overdue", f"数据截至 {days} 天前，超过约定天数一倍以上"
