"""The only source of time. Beijing time, and a clock that demos and tests can set.

Everything above the pure rooms asks here; rules, policy and matching are given their dates and never ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["BEIJING", "frozen", "now", "set_clock", "today"]


def _beijing() -> tzinfo:
    try:
        return ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        # A machine without the zone database: China has kept one offset since 1991.
        return timezone(timedelta(hours=8), "Asia/Shanghai")


BEIJING: tzinfo = _beijing()


def _system() -> datetime:
    return datetime.now(BEIJING)


_clock: Callable[[], datetime] = _system
#: Moments the clock is stopped at, the last one first asked. Each takes itself out: threads end in any order.
_stopped: list[Callable[[], datetime]] = []


def now() -> datetime:
    """The present moment in Beijing, aware, to the microsecond."""
    last = _stopped[-1:]
    return last[0]() if last else _clock()


def today() -> date:
    """The present day in Beijing."""
    return now().date()


def set_clock(fn: Callable[[], datetime] | None) -> None:
    """Replace the clock for the whole process; None restores the system's. A clock that is stopped stays so.

    Args:
        fn: Returns a moment. A naive one is read as Beijing time, an aware one converted to it.
    """
    global _clock
    _clock = _system if fn is None else lambda: _localise(fn())


@contextmanager
def frozen(moment: datetime | date) -> Iterator[datetime]:
    """Stop the clock at a moment; a plain date means nine in the morning of that day.

    For tests and demos. Process-wide, restored on the way out, may be nested.
    """
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, 9, tzinfo=BEIJING)
    fixed = _localise(moment)

    def stopped() -> datetime:
        return fixed

    _stopped.append(stopped)
    try:
        yield fixed
    finally:
        _stopped.remove(stopped)


def _localise(moment: datetime) -> datetime:
    return moment.replace(tzinfo=BEIJING) if moment.tzinfo is None else moment.astimezone(BEIJING)
