"""One line for a refused request, and few of them: a stranger must not fill the disk."""

import logging
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

MOST_LINES: Final = 10
WINDOW_SECONDS: Final = 10.0


class RefusalLog:
    """Writes at most MOST_LINES in WINDOW_SECONDS, and then how many it kept to itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window_began = clock()
        self._lines = 0
        self._kept = 0

    def note(self, entrance: str, reason: str, detail: str = "") -> None:
        """Neither text may come out of the request."""
        now = self._clock()
        if now - self._window_began >= WINDOW_SECONDS:
            if self._kept:
                log.warning("%d more requests were refused", self._kept)
            self._window_began, self._lines, self._kept = now, 0, 0
        if self._lines >= MOST_LINES:
            self._kept += 1
            return
        self._lines += 1
        said = f"{reason} ({detail})" if detail else reason
        log.warning("Refused a request to the entrance %s: %s", entrance, said)
