"""The two limits of Bitrix's: requests a second, and seconds of work in ten minutes."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable

WINDOW_SECONDS = 600
OPERATING_SECONDS = 420


class Bucket:
    """The cloud's: it holds `burst` requests and leaks `per_second`."""

    def __init__(
        self,
        *,
        burst: int = 50,
        per_second: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._level = 0.0
        self._seen_at = clock()

    def accepts(self) -> bool:
        with self._lock:
            now = self._clock()
            self._level = max(0.0, self._level - (now - self._seen_at) * self._per_second)
            self._seen_at = now
            if self._level + 1 > self._burst:
                return False
            self._level += 1
            return True


class Operating:
    """The load limiter: each call of a method is taken to cost so many seconds."""

    def __init__(self, *, cost: float, clock: Callable[[], float] = time.time) -> None:
        self._cost = cost
        self._clock = clock
        self._spent: defaultdict[str, deque[float]] = defaultdict(deque)

    def accepts(self, method: str) -> bool:
        if self.used(method) >= OPERATING_SECONDS:
            return False
        self._spent[method].append(self._clock())
        return True

    def used(self, method: str) -> float:
        calls = self._spent[method]
        while calls and calls[0] <= self._clock() - WINDOW_SECONDS:
            calls.popleft()
        return len(calls) * self._cost

    def reset_at(self, method: str) -> float:
        """When the oldest call leaves the window."""
        calls = self._spent[method]
        return (calls[0] if calls else self._clock()) + WINDOW_SECONDS
