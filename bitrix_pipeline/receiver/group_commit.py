"""The event loop's side of the commit: who waits, for how long, and when to say no at once.

A request waits while commits make progress, and WAIT_SECONDS at the most. When one commit takes too
long everybody who waits is told so, and newcomers at once, until Postgres answers again: the loop
itself never waits for it.
"""

import asyncio
import contextlib
import itertools
import time
from functools import partial
from typing import Final

from bitrix_pipeline.inbox.store import NewEvent, Outcome
from bitrix_pipeline.receiver.metrics import Metrics
from bitrix_pipeline.receiver.writer import Entry, Settled, Store, Writer

MOST_WAITING: Final = 20_000
"""Events; slow commits let the last ones wait too long, and those are told so."""

WAIT_SECONDS: Final = 8.0
"""Less than the ten after which the module for Bitrix hangs up, and than a proxy's usual limits."""

STUCK_SECONDS: Final = 1.2
"""An answer is promised within two, on a machine that is busy with other things as well."""

LOOK_SECONDS: Final = 0.1
CLOSE_SECONDS: Final = 3.0


class BusyError(Exception):
    """More waits already than is allowed."""


class UnavailableError(Exception):
    """Postgres is away or too slow; whether the event was stored is not known."""


class GroupCommit:
    """Stores events in batches; for one event loop."""

    def __init__(self, store: Store, metrics: Metrics, *, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        # Until when each waits; the first in it is the first to be told.
        self._waiting: dict[Entry, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.Task[None] | None = None
        self._writer = Writer(store, metrics, self._settle_in_loop)

    @property
    def is_ready(self) -> bool:
        """Whether a webhook would be taken now, from what the writer last saw."""
        return self._writer.is_up and self._writer.busy_seconds < STUCK_SECONDS

    @property
    def why_not_ready(self) -> str:
        """One sentence for an operator."""
        return self._writer.complaint or "Postgres does not answer"

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def start(self) -> "asyncio.Task[None]":
        """Returns when it is known whether Postgres is there; the task runs until `close`."""
        self._loop = asyncio.get_running_loop()
        self._watch = self._loop.create_task(self._give_up_the_hopeless())
        await asyncio.to_thread(self._writer.start)
        return self._watch

    async def close(self) -> None:
        """Commits what waits, as far as Postgres allows."""
        await asyncio.to_thread(self._writer.close, CLOSE_SECONDS)
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])

    async def store(self, event: NewEvent) -> Outcome:
        """What became of the event, once that is committed. Raises BusyError, UnavailableError."""
        if not self.is_ready or self._loop is None:
            raise UnavailableError
        if len(self._waiting) >= self._most_waiting:
            raise BusyError
        answer: asyncio.Future[Outcome | None] = self._loop.create_future()
        entry = Entry(event, partial(_settle, answer))
        self._waiting[entry] = time.monotonic() + WAIT_SECONDS
        self._writer.put(entry)
        try:
            outcome = await answer
        finally:
            self._waiting.pop(entry, None)
            entry.is_given_up = True
        if outcome is None:
            raise UnavailableError
        return outcome

    def _settle_in_loop(self, settled: Settled) -> None:
        """Called by the writer's thread; one wake-up for a whole batch."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop has ended: nobody waits any more.
                self._loop.call_soon_threadsafe(_settle_all, settled)

    async def _give_up_the_hopeless(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            _settle_all([(entry, None) for entry in self._hopeless()])

    def _hopeless(self) -> list[Entry]:
        if self._writer.busy_seconds >= STUCK_SECONDS:
            return list(self._waiting)
        now = time.monotonic()
        late = itertools.takewhile(lambda waiting: waiting[1] <= now, self._waiting.items())
        return [entry for entry, _ in late]


def _settle_all(settled: Settled) -> None:
    for entry, outcome in settled:
        entry.settle(outcome)


def _settle(answer: "asyncio.Future[Outcome | None]", outcome: Outcome | None) -> None:
    if not answer.done():
        answer.set_result(outcome)
