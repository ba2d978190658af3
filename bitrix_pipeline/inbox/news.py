"""Waits for news: on NOTIFY where the connection passes it on, by looking again where not.

A transaction pooler accepts LISTEN and delivers nothing, so whether notifications arrive is tried
out once, by sending one from another connection.
"""

import time
from types import TracebackType
from typing import Final, Self

from bitrix_pipeline.inbox.jobs import due
from bitrix_pipeline.sync.postgres import connect, target_errors

CHANNEL: Final = "bitrix_pipeline_inbox"
TRIAL_SECONDS = 1.0
DEADLINE_SECONDS = 5
"""For an answer of Postgres: whoever waits for news must not hang with it."""

LONGEST_DOZE = 5.0
"""Then it is asked again, which also shows whether it is still there."""

SECONDS_BETWEEN_LOOKS = 0.5
"""Where notifications do not arrive."""


class News:
    """A connection of its own that waits until events are due."""

    def __init__(self, postgres_url: str) -> None:
        """Raises TransientError or TargetError when Postgres cannot be reached."""
        self._connection = connect(postgres_url, deadline_seconds=DEADLINE_SECONDS)
        with target_errors():
            self.is_notified = self._hears(postgres_url)

    def wait(self, seconds: float) -> bool:
        """True as soon as events are due, False when that has not come about in time."""
        deadline = time.monotonic() + seconds
        with target_errors():
            while True:
                found = due(self._connection)
                left = deadline - time.monotonic()
                if found.events:
                    return True
                if left <= 0:
                    return False
                self._doze(left if found.next_in is None else min(left, max(found.next_in, 0.01)))

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _doze(self, seconds: float) -> None:
        if self.is_notified:
            # Taken to the end: a query inside this loop would wait for the connection for ever.
            list(self._connection.notifies(timeout=min(seconds, LONGEST_DOZE), stop_after=1))
        else:
            time.sleep(min(seconds, SECONDS_BETWEEN_LOOKS))

    def _hears(self, postgres_url: str) -> bool:
        self._connection.execute(f"LISTEN {CHANNEL}")
        # Not from this one: a pooler passes on what a connection tells itself.
        with connect(postgres_url, deadline_seconds=DEADLINE_SECONDS) as other:
            other.execute(f"NOTIFY {CHANNEL}")
        return bool(list(self._connection.notifies(timeout=TRIAL_SECONDS, stop_after=1)))
