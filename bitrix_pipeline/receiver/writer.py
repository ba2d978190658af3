"""The thread that commits: takes whatever has queued up and hands it over in one call.

While one commit lasts the next batch gathers, so the batches are as large as the load makes them.
It never ends on an error: it waits for Postgres to come back.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bitrix_pipeline.errors import PipelineError
from bitrix_pipeline.inbox.store import NewEvent, Outcome, RefusedEventError
from bitrix_pipeline.receiver.metrics import Metrics

log = logging.getLogger(__name__)

MOST_EVENTS: Final = 500
MOST_BYTES: Final = 8 * 1024 * 1024
"""Of a batch; one event may be larger."""

PING_SECONDS: Final = 2.0
"""An idle writer looks this often whether Postgres would still store an event."""

RECONNECT_SECONDS: Final = 0.25


class Store(Protocol):
    """Where events are kept: InboxStore, or a test's."""

    def store(self, events: Sequence[NewEvent]) -> list[Outcome]: ...
    def ping(self) -> None: ...
    def close(self) -> None: ...


@dataclass(eq=False, slots=True)
class Entry:
    """An event on its way; the loop's future of it is in the hands of `settle`."""

    event: NewEvent
    settle: Callable[[Outcome | None], None]
    is_given_up: bool = False


Settled = Sequence[tuple[Entry, Outcome | None]]


class Writer:
    """Owns the store. `put` and the properties may be used from the event loop's thread."""

    def __init__(
        self, store: Store, metrics: Metrics, on_settled: Callable[[Settled], None]
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._on_settled = on_settled
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._held_back: Entry | None = None
        self._busy_since: float | None = None
        self._is_up = False
        self.complaint = ""
        """Why not, when it is not; for an operator."""
        self._has_tried = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)

    @property
    def is_up(self) -> bool:
        """Whether Postgres would have stored an event when last asked."""
        return self._is_up

    @property
    def busy_seconds(self) -> float:
        """How long the writer has been waiting for one answer."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def start(self) -> None:
        """Begins; returns when Postgres was asked for the first time, whatever it said."""
        self._thread.start()
        self._has_tried.wait()

    def put(self, entry: Entry) -> None:
        self._queue.put(entry)

    def close(self, seconds: float) -> None:
        """Commits what is queued and ends; gives up after that many seconds."""
        self._is_closing = True
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._is_closing or not self._queue.empty():
            self._busy_since = time.monotonic()
            try:
                if not self._is_up:
                    self._store.ping()
                    log.info("Postgres is there")
                    self._is_up, self.complaint = True, ""
                    self._has_tried.set()
                self._work()
            except Exception as error:  # noqa: BLE001 - this thread must not end
                self._is_up = False
                reason = str(error) if isinstance(error, PipelineError) else type(error).__name__
                if reason != self.complaint:
                    log.error("No webhook can be stored: %s", reason)  # noqa: TRY400 - no values
                self.complaint = reason
                self._refuse_queued()
                self._has_tried.set()
                self._busy_since = None
                if not self._is_closing:
                    time.sleep(RECONNECT_SECONDS)
        self._store.close()

    def _work(self) -> None:
        """Commits batch after batch; raises the error that ended it."""
        while not self._is_closing or not self._queue.empty():
            self._busy_since = None
            batch = self._take()
            self._busy_since = time.monotonic()
            if batch:
                self._commit(batch)
            elif not self._is_closing:
                self._store.ping()

    def _take(self) -> list[Entry]:
        """What has queued up; waits for the first. Leaves out what was answered meanwhile."""
        batch: list[Entry] = []
        size = 0
        try:
            entry = self._held_back or self._queue.get(timeout=PING_SECONDS)
            self._held_back = None
            while entry is not None and len(batch) < MOST_EVENTS:
                if not entry.is_given_up:
                    size += len(entry.event.body)
                    if batch and size > MOST_BYTES:
                        self._held_back = entry
                        return batch
                    batch.append(entry)
                if len(batch) < MOST_EVENTS:
                    entry = self._queue.get_nowait()
        except queue.Empty:
            pass
        return batch

    def _commit(self, batch: list[Entry]) -> None:
        started = time.perf_counter()
        try:
            outcomes = self._store.store([entry.event for entry in batch])
        except RefusedEventError as error:
            if len(batch) == 1:
                log.error("An event cannot be stored: %s", error)  # noqa: TRY400 - no values
                self._on_settled([(batch[0], None)])
                return
            # One event that Postgres refuses must not take the others with it.
            self._commit_each(batch)
            return
        except BaseException:
            self._on_settled([(entry, None) for entry in batch])
            raise
        self._metrics.committed(len(batch), time.perf_counter() - started)
        self._on_settled(list(zip(batch, outcomes, strict=True)))

    def _commit_each(self, batch: list[Entry]) -> None:
        for number, entry in enumerate(batch):
            try:
                self._commit([entry])
            except BaseException:
                self._on_settled([(other, None) for other in batch[number + 1 :]])
                raise

    def _refuse_queued(self) -> None:
        refused = [self._held_back] if self._held_back else []
        self._held_back = None
        try:
            while True:
                if entry := self._queue.get_nowait():
                    refused.append(entry)
        except queue.Empty:
            pass
        if refused:
            self._on_settled([(entry, None) for entry in refused])
