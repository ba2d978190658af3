"""Hands events over to Postgres: one call, one commit, however many events.

Relies on the SQL function bitrix_pipeline.receive, the one thing that the receiver's account may
use, and works behind a transaction pooler.
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen

from bitrix_pipeline.crash_points import crash_point
from bitrix_pipeline.errors import PipelineError, TargetError, TransientError

CONNECT_SECONDS: Final = 2
"""libpq's least."""

ANSWER_SECONDS: Final = 1.5
LOOK_SECONDS: Final = 0.1

MODULE: Final = "module"
"""The source of what our module in Bitrix sends."""

RECEIVE: Final = (
    "SELECT bitrix_pipeline.receive(%s::text[], %s::text[], %s::timestamptz[], %s::text[],"
    " %s::text[], %s::bigint[], %b::bytea[], %s::text[])"
)

ADVICE: Final = {
    "25006": "it is read-only: name the primary server in RECEIVER_POSTGRES_URL",
    "3F": "run bitrix-pipeline migrate",
    "42501": "make its account a member of the role bitrix_receiver",
    "42": "run bitrix-pipeline migrate",
}
"""By the beginning of the SQLSTATE."""


Answer = TypeVar("Answer")


class RefusedEventError(TargetError):
    """Postgres cannot hold one of these events; others may be stored."""


class Outcome(StrEnum):
    """What became of an event that was handed over."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event as it was received; `quarantine_reason` says why the drain must not see it."""

    source: str
    event_id: str
    body: bytes
    sent_at: datetime | None
    type: str | None = None
    entity: str | None = None
    entity_id: int | None = None
    quarantine_reason: str | None = None


class ImpatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """Gives an answer up after ANSWER_SECONDS: a frozen server times nothing out.

    The sync's WatchedConnection does the same with a thread and minutes, and brings pandas along.
    """

    def wait(self, gen: PQGen[Answer], *_args: Any, **_kwargs: Any) -> Answer:
        deadline = time.monotonic() + ANSWER_SECONDS
        return super().wait(_until(deadline, gen), interval=LOOK_SECONDS)


def _until(deadline: float, gen: PQGen[Answer]) -> Generator[Any, Any, Answer]:
    """The same conversation; psycopg continues it once an interval also when nothing came."""
    try:
        wanted = next(gen)
        while True:
            came = yield wanted
            if not came and time.monotonic() > deadline:
                raise psycopg.OperationalError("no answer in time")
            wanted = gen.send(came)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


class InboxStore:
    """The inbox as the receiver sees it; for one thread. Connects when there is something to say."""

    def __init__(self, postgres_url: str) -> None:
        self._url = postgres_url
        self._connection: ImpatientConnection | None = None

    def store(self, events: Sequence[NewEvent]) -> list[Outcome]:
        """What became of each, after the commit.

        Raises TransientError when Postgres is away or did not answer in time, which leaves open
        whether the events are stored, and TargetError when it refuses them.
        """
        crash_point("receiver.before_commit")
        outcomes = self._handed_over(events)
        crash_point("receiver.after_commit")
        return outcomes

    def ping(self) -> None:
        """Hands nothing over, which fails wherever an event could not be stored. Raises as `store`."""
        self._handed_over(())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _handed_over(self, events: Sequence[NewEvent]) -> list[Outcome]:
        try:
            return self._received(events)
        except TransientError:
            # An old connection may have died unnoticed; repeating the call stores nothing twice.
            return self._received(events)

    def _received(self, events: Sequence[NewEvent]) -> list[Outcome]:
        parameters = [
            [event.source for event in events],
            [event.event_id for event in events],
            [event.sent_at for event in events],
            [event.type for event in events],
            [event.entity for event in events],
            [event.entity_id for event in events],
            [event.body for event in events],
            [event.quarantine_reason for event in events],
        ]
        try:
            row = self._connected().execute(RECEIVE, parameters).fetchone()
        except psycopg.Error as error:
            raise self._given_up(error) from None
        return [Outcome(outcome) for outcome in row[0] or ()] if row else []

    def _connected(self) -> ImpatientConnection:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = ImpatientConnection.connect(
                    self._url,
                    autocommit=True,
                    prepare_threshold=None,
                    connect_timeout=CONNECT_SECONDS,
                    application_name="bitrix_pipeline receiver",
                )
            except psycopg.Error as error:
                # libpq's words: an account or a host, never a password.
                words = " ".join(str(error).split())
                raise TransientError(f"Postgres cannot be reached ({words})") from None
        return self._connection

    def _given_up(self, error: psycopg.Error) -> PipelineError:
        """Our error, of SQLSTATE alone: the message may quote what a customer wrote."""
        self.close()
        state = error.sqlstate or ""
        advice = next((text for start, text in ADVICE.items() if state.startswith(start)), "")
        said = ", ".join(filter(None, (type(error).__name__, state, advice)))
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return TransientError(f"Postgres is away or did not answer in time ({said})")
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
            return RefusedEventError(f"Postgres cannot hold it ({said})")
        return TargetError(f"Postgres refuses ({said})")
