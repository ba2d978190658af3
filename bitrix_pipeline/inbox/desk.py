"""What an operator asks of the inbox, and orders: look, replay, prune."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from bitrix_pipeline.inbox import bitrix_form
from bitrix_pipeline.inbox.event import UnreadableEventError, read_event
from bitrix_pipeline.inbox.news import CHANNEL
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.inbox.store import MODULE
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target_sql import internal

OPEN = ("waiting", "leased")
REFUSED = ("dead", "quarantined")
SOURCES = (MODULE, bitrix_form.SOURCE)
STATES = (*OPEN, "done", *REFUSED)

RATE_MINUTES = 5
PRUNED_AT_ONCE = 5_000

About = tuple[str | None, str | None, int | None]
"""An event's type, the table that it is news of, and the ID there."""

REPLAYED_AT_ONCE = 100
"""The bodies of those in quarantine are read: up to so many MiB."""

ENTRIES = """
SELECT event.id, event.source, event.event_id, event.type, event.entity, event.entity_id,
       event.received_at, event.sent_at, length(event.body) AS bytes, job.state, job.attempts,
       job.leases_lost, job.aborts, job.due_at, job.finished_at, job.run_id, job.reason
FROM {events} AS event JOIN {jobs} AS job ON job.event = event.id
"""

# One index for each part, so that what was done long ago costs nothing.
COUNTS = """
SELECT state, count(*) FROM {jobs} WHERE state = 'waiting' GROUP BY state
UNION ALL SELECT state, count(*) FROM {jobs} WHERE state = 'leased' GROUP BY state
UNION ALL SELECT state, count(*) FROM {jobs} WHERE state IN ('dead', 'quarantined') GROUP BY state
"""

# Numbers are given in the order of receipt.
OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - received_at) FROM {events} WHERE id = (
    SELECT min(event) FROM (SELECT event FROM {jobs} WHERE state = 'waiting'
                            UNION ALL SELECT event FROM {jobs} WHERE state = 'leased') AS job)
"""

RATES = """
SELECT (SELECT count(*) FROM {events}
        WHERE received_at > now() - make_interval(mins => %(minutes)s)),
       count(*) FILTER (WHERE finished_at > now() - make_interval(mins => %(minutes)s)),
       count(*)
FROM {jobs} WHERE finished_at > now() - interval '1 day' AND state = 'done'
"""

REPLAY = """
WITH chosen AS (
    SELECT event, state, reason FROM {jobs}
    WHERE event = ANY (%(events)s) AND state IN ('done', 'dead', 'quarantined') FOR UPDATE
), audit AS (
    INSERT INTO {replays} (event, replayed_by, state_before, reason_before)
    SELECT event, %(by)s, state, reason FROM chosen
)
UPDATE {jobs} AS job SET state = 'waiting', attempts = 0, leases_lost = 0, aborts = 0,
    reason = NULL, due_at = clock_timestamp(), finished_at = NULL,
    deletions_allowed = %(allow_deletions)s
FROM chosen WHERE job.event = chosen.event
"""

# The jobs go with their events. The first condition is the index's: without it a look at 1,000,000
# jobs that all stay takes 230 ms instead of 1. now(), because clock_timestamp() uses no index.
PRUNE = """
DELETE FROM {events} WHERE id IN (
    SELECT event FROM {jobs}
    WHERE finished_at < now() - make_interval(days => least(%(days)s, %(dead_days)s))
      AND finished_at < now() - CASE WHEN state = 'done'
          THEN make_interval(days => %(days)s) ELSE make_interval(days => %(dead_days)s) END
    ORDER BY finished_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""

QUARANTINED = """
SELECT event.id, event.source, event.body
FROM {jobs} AS job JOIN {events} AS event ON event.id = job.event
WHERE job.event = ANY (%(events)s) AND job.state = 'quarantined' FOR UPDATE OF job
"""

READ_ANEW = """
UPDATE {events} AS event SET type = anew.type, entity = anew.entity, entity_id = anew.entity_id
FROM unnest(%(ids)s::bigint[], %(types)s::text[], %(entities)s::text[], %(entity_ids)s::bigint[])
    AS anew (id, type, entity, entity_id)
WHERE event.id = anew.id
"""

OLD_REPLAYS = """
DELETE FROM {replays} WHERE replayed_at < now() - make_interval(days => %(dead_days)s)
"""


@dataclass(frozen=True)
class Entry:
    """One event and what became of it, without its body."""

    id: int
    source: str
    event_id: str
    type: str | None
    entity: str | None
    entity_id: int | None
    received_at: datetime
    sent_at: datetime | None
    bytes: int
    state: str
    attempts: int
    leases_lost: int
    aborts: int
    due_at: datetime
    finished_at: datetime | None
    run_id: str | None
    reason: str | None


@dataclass(frozen=True)
class Replayed:
    """When an event was applied again, by whom, and what it had come to before."""

    replayed_at: datetime
    replayed_by: str
    state_before: str
    reason_before: str | None


@dataclass(frozen=True)
class Status:
    """The inbox at a glance."""

    states: dict[str, int]
    """How many there are in each state but `done`, whose number grows without end."""
    done_last_day: int
    oldest_waiting: timedelta | None
    received_per_minute: float
    applied_per_minute: float

    @property
    def backlog(self) -> int:
        return self.states["waiting"] + self.states["leased"]


@dataclass(frozen=True)
class Selection:
    """Which refused events; all conditions must hold."""

    reason: str = ""
    """Part of the reason, as it stands."""
    since: datetime | None = None
    """Received not before."""


class Desk:
    """Questions and orders, over one connection in autocommit mode."""

    def __init__(self, connection: Connection, settings: InboxSettings) -> None:
        self._connection = connection
        self._settings = settings

    def status(self) -> Status:
        counts = {str(state): int(rows) for state, rows in self._rows(COUNTS)}
        oldest = self._rows(OLDEST)
        ((received, applied, done_last_day),) = self._rows(RATES, {"minutes": RATE_MINUTES})
        return Status(
            states={state: counts.get(state, 0) for state in (*OPEN, *REFUSED)},
            done_last_day=done_last_day,
            oldest_waiting=timedelta(seconds=float(oldest[0][0])) if oldest else None,
            received_per_minute=received / RATE_MINUTES,
            applied_per_minute=applied / RATE_MINUTES,
        )

    def entries(self, states: Sequence[str] = STATES, *, limit: int) -> list[Entry]:
        """The newest first."""
        return self._entries(
            "WHERE job.state = ANY (%(states)s) ORDER BY event.id DESC LIMIT %(limit)s",
            {"states": list(states), "limit": limit},
        )

    def entry(self, name: str) -> Entry | None:
        """By its number here, or by the ID that its sender gave it."""
        found: list[Entry] = []
        if name.isdecimal() and len(name) < len(str(1 << 63)):
            found = self._entries("WHERE event.id = %(number)s", {"number": int(name)})
        # The index begins with the source.
        found = found or self._entries(
            "WHERE event.source = ANY (%(sources)s) AND event.event_id = %(name)s LIMIT 1",
            {"sources": list(SOURCES), "name": name},
        )
        return found[0] if found else None

    def body(self, event: int) -> bytes:
        """Customers' data: only for who asks for it."""
        rows = self._rows("SELECT body FROM {events} WHERE id = %(event)s", {"event": event})
        return bytes(rows[0][0]) if rows else b""

    def replays(self, event: int) -> list[Replayed]:
        with self._connection.cursor(row_factory=class_row(Replayed)) as cursor:
            return cursor.execute(
                _statement(
                    "SELECT replayed_at, replayed_by, state_before, reason_before FROM {replays}"
                    " WHERE event = %(event)s ORDER BY id"
                ),
                {"event": event},
            ).fetchall()

    def selected(self, selection: Selection) -> list[int]:
        """The numbers of the dead events and those in quarantine that fit."""
        rows = self._rows(
            "SELECT job.event FROM {jobs} AS job JOIN {events} AS event ON event.id = job.event"
            " WHERE job.state = ANY (%(states)s)"
            " AND (%(reason)s = '' OR position(%(reason)s IN COALESCE(job.reason, '')) > 0)"
            " AND (%(since)s::timestamptz IS NULL OR event.received_at >= %(since)s)"
            " ORDER BY job.event",
            {"states": list(REFUSED), "reason": selection.reason, "since": selection.since},
        )
        return [int(event) for (event,) in rows]

    def replay(self, events: Sequence[int], *, by: str, allow_deletions: bool = False) -> int:
        """Has events applied again that are done, dead or in quarantine; returns how many.

        What was in quarantine is read anew, by today's rules; what still makes no sense stays.
        With `allow_deletions` no wave of deletions stops these.
        """
        batches = range(0, len(events), REPLAYED_AT_ONCE)
        return sum(
            self._replay(events[at : at + REPLAYED_AT_ONCE], by=by, allow_deletions=allow_deletions)
            for at in batches
        )

    def prune(self) -> int:
        """Deletes what its retention allows, in small transactions; returns how many events."""
        values = {
            "days": self._settings.retention_days,
            "dead_days": self._settings.dead_retention_days,
            "limit": PRUNED_AT_ONCE,
        }
        self._connection.execute(_statement(OLD_REPLAYS), values)
        total = 0
        while deleted := self._connection.execute(_statement(PRUNE), values).rowcount:
            total += deleted
        return total

    def _replay(self, events: Sequence[int], *, by: str, allow_deletions: bool) -> int:
        with self._connection.transaction():
            senseless = self._read_anew(events)
            values = {
                "events": [event for event in events if event not in senseless],
                "by": by,
                "allow_deletions": allow_deletions,
            }
            replayed = self._connection.execute(_statement(REPLAY), values).rowcount
            self._connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        return replayed

    def _read_anew(self, events: Sequence[int]) -> set[int]:
        """Says of those in quarantine what they are news of; returns those that make no sense."""
        read: dict[int, About] = {}
        bodies = self._rows(QUARANTINED, {"events": list(events)})
        for event, source, body in bodies:
            with contextlib.suppress(UnreadableEventError):
                read[event] = _about(source, bytes(body))
        values = {
            "ids": list(read),
            "types": [type_ for type_, _, _ in read.values()],
            "entities": [entity for _, entity, _ in read.values()],
            "entity_ids": [entity_id for _, _, entity_id in read.values()],
        }
        self._connection.execute(_statement(READ_ANEW), values)
        return {event for event, _, _ in bodies} - read.keys()

    def _entries(self, condition: str, values: dict[str, Any]) -> list[Entry]:
        with self._connection.cursor(row_factory=class_row(Entry)) as cursor:
            return cursor.execute(_statement(ENTRIES + condition), values).fetchall()

    def _rows(self, query: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return self._connection.execute(_statement(query), values).fetchall()


def _about(source: str, body: bytes) -> About:
    """What the body is news of, by today's rules. Raises UnreadableEventError."""
    if source != bitrix_form.SOURCE:
        event = read_event(body)
        return event.type, event.entity, event.data.id
    form = bitrix_form.event_of(bitrix_form.form_of(body) or [])
    if form.quarantine_reason:
        raise UnreadableEventError(form.quarantine_reason)
    return form.type, form.entity, form.entity_id


def _statement(text: str) -> sql.Composed:
    return sql.SQL(text).format(
        events=internal("inbox_events"),
        jobs=internal("inbox_jobs"),
        replays=internal("inbox_replays"),
    )
