"""How often one address may ask for public pages: counted in this process's memory, forgotten after the window.

With several web processes each counts for itself, so the bound is for each. It keeps a board from being scraped or flooded;
it is no defence against a distributed attack, which belongs to the proxy in front.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from django.http import HttpRequest

from tuodi.kernel import clock
from tuodi.org.addresses import address_of

__all__ = ["READING", "WRITING", "Limit", "over"]


@dataclass
class Limit:
    """At most `most` requests of one address in `seconds`. Remembers at most `addresses` addresses."""

    most: int
    seconds: int
    addresses: int = 20_000
    _seen: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, address: str) -> int:
        """Notes one request; seconds to wait where it is one too many, else 0."""
        now = clock.now().timestamp()
        with self._lock:
            times = self._seen.setdefault(address, deque())
            self._seen.move_to_end(address)
            while times and now - times[0] >= self.seconds:
                times.popleft()
            if len(times) >= self.most:
                return max(1, int(self.seconds - (now - times[0])) + 1)
            times.append(now)
            while len(self._seen) > self.addresses:
                self._seen.popitem(last=False)
        return 0

    def forget(self) -> None:
        """Begins anew (tests)."""
        with self._lock:
            self._seen.clear()


READING = Limit(60, 60)
WRITING = Limit(5, 600)


def over(request: HttpRequest, limit: Limit) -> int:
    """Seconds this address must wait; 0 = go on."""
    return limit.wait(address_of(request) or "-")
