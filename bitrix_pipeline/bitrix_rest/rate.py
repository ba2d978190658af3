"""How fast we call: the cloud's leaky bucket, made narrower by what Bitrix complains about.

A request adds a drop, and drops leak at a steady rate; one that would spill waits. A box has no such
limit in its code, so the bucket can be off; the time that methods use up is respected all the same.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

# Of 420 seconds in the window (Bitrix's default; the documentation's example says 480).
OPERATING_SECONDS = 420 * 0.9
WINDOW_SECONDS = 600

SLOWER, FASTER = 0.5, 1.1
SLOWEST_SHARE = 0.125


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A bucket's size and how many requests leak a second."""

    burst: int
    per_second: float


CLOUD = Rate(burst=50, per_second=2.0)
ENTERPRISE = Rate(burst=250, per_second=5.0)


def parse_rate(text: str) -> Rate | None:
    """`cloud`, `enterprise`, `off` or `burst/per second`."""
    named = {"cloud": CLOUD, "enterprise": ENTERPRISE, "off": None}
    if text in named:
        return named[text]
    burst, per_second = text.split("/")
    return Rate(burst=int(burst), per_second=float(per_second))


class Throttle:
    """Waits before a request; learns from what came of it."""

    def __init__(
        self,
        rate: Rate | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._wall_clock = wall_clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._share = 1.0
        self._level = 0.0
        self._seen_at = clock()
        self._held_until: dict[str, float] = {}

    def take(self) -> None:
        """Returns when a request may be sent."""
        if self._rate is None:
            return
        with self._lock:
            self._leak(self._rate)
            # One drop below the brim: requests may arrive closer together than they were sent.
            spills = self._level + 1 - max(1, self._rate.burst - 1)
            if spills > 0:
                self._sleep(spills / (self._rate.per_second * self._share))
                self._leak(self._rate)
            self._level += 1

    def went_well(self) -> None:
        self._share = min(1.0, self._share * FASTER)

    def overflowed(self) -> None:
        """Bitrix's bucket is fuller than ours: others draw from it too."""
        if self._rate is None:
            return
        with self._lock:
            self._level = float(self._rate.burst)
            self._share = max(SLOWEST_SHARE, self._share * SLOWER)

    def used(self, method: str, spent: Mapping[str, Any]) -> None:
        """Reads `operating` of an answer's `time`: seconds of the method in the last ten minutes."""
        operating, reset_at = spent.get("operating"), spent.get("operating_reset_at")
        if isinstance(operating, int | float) and isinstance(reset_at, int | float):
            if operating >= OPERATING_SECONDS:
                self.hold(method, until=float(reset_at))
            else:
                self._held_until.pop(method, None)

    def hold(self, method: str, *, until: float) -> None:
        """Bitrix's clock may be wrong, so no longer than its whole window."""
        self._held_until[method] = min(until, self._wall_clock() + WINDOW_SECONDS)

    def free_at(self, methods: Collection[str]) -> float | None:
        """The moment, in Unix time, before which these methods would be refused; None for now."""
        moment = max((self._held_until.get(method, 0.0) for method in methods), default=0.0)
        return moment if moment > self._wall_clock() else None

    def _leak(self, rate: Rate) -> None:
        now = self._clock()
        leaked = (now - self._seen_at) * rate.per_second * self._share
        self._level = max(0.0, self._level - leaked)
        self._seen_at = now
