"""Which events wait, who holds them, and what becomes of them.

An event is taken under a lease, which ends by Postgres' clock. The lease's number is a fencing
token: whatever a drain writes of an event it writes in one transaction with `complete`, and that
fails when the event has been taken over meanwhile. So a drain that was frozen and wakes up, or that
was killed, changes nothing.
"""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from bitrix_pipeline.inbox.errors import LeaseLostError
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target_sql import internal

LEASES_LOST_UNTIL_DEAD = 6
"""An event in whose hands so many drains ended is what ends them."""

ABORTS_UNTIL_DEAD = 24
"""With the waits below after about 16 hours: longer than a bad night."""

FIRST_ABORT_SECONDS = 10.0
LONGEST_ABORT_SECONDS = 3600.0
"""The wait after a try that a database broke off; it doubles from the one to the other."""

SHRINK = 4
"""After a lost lease or an abort a batch is this much smaller: what is at fault is soon alone."""

CLAIMS_OF_WHAT_WAS_PUT_BACK = 4
"""One claim of so many begins with it: it may take long, so fresh news goes first the other times."""

MOST_BYTES = 32 * 1024 * 1024
"""Of the bodies of one claim: where these carry the rows, it is held in memory, and read takes six
times as much (190 MiB measured, with large orders)."""

JITTER = 0.2

# Lost leases first, and alone: their batch may hold what killed the drain. `attempts` counts tries
# that ended, so taking over what a killed drain held does not raise it. Else what is due longest of
# the kind whose turn it is (`put_back`: what a database broke off) or, if there is none, of all; and
# of the rest only its like: what was broken off, or what may delete, is not mixed with others.
CLAIM = """
WITH lost AS MATERIALIZED (
    SELECT event, leases_lost + 1 AS leases_lost, leases_lost + 1 + aborts AS faults, 0 AS tries
    FROM {jobs} WHERE state = 'leased' AND leased_until < clock_timestamp()
    ORDER BY leased_until, event LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), first AS MATERIALIZED (
    SELECT aborts, deletions_allowed FROM {jobs}
    WHERE state = 'waiting' AND due_at <= clock_timestamp() AND NOT EXISTS (SELECT FROM lost)
        AND (aborts > 0) = %(put_back)s
    ORDER BY due_at, event LIMIT 1 FOR UPDATE SKIP LOCKED
), second AS MATERIALIZED (
    SELECT aborts, deletions_allowed FROM {jobs}
    WHERE state = 'waiting' AND due_at <= clock_timestamp() AND NOT EXISTS (SELECT FROM lost)
        AND NOT EXISTS (SELECT FROM first)
    ORDER BY due_at, event LIMIT 1 FOR UPDATE SKIP LOCKED
), oldest AS (
    SELECT * FROM first UNION ALL SELECT * FROM second
), waiting AS MATERIALIZED (
    SELECT event, leases_lost, aborts AS faults, 1 AS tries FROM {jobs}
    WHERE state = 'waiting' AND due_at <= clock_timestamp() AND EXISTS (SELECT FROM oldest)
        AND (aborts, deletions_allowed) = (SELECT aborts, deletions_allowed FROM oldest)
    ORDER BY due_at, event LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), chosen AS (
    SELECT event, leases_lost, tries FROM (
        SELECT found.*, row_number() OVER (ORDER BY found.event) AS number,
               max(faults) OVER () AS most_faults,
               sum(length(body)) OVER (ORDER BY found.event) - length(body) AS bytes_before
        FROM (SELECT * FROM lost UNION ALL SELECT * FROM waiting) AS found
        JOIN {events} AS event ON event.id = found.event
    ) AS measured
    WHERE number <= greatest(1, %(limit)s / power({shrink}, most_faults))
        AND bytes_before < %(most_bytes)s
), taken AS (
    UPDATE {jobs} AS job
    SET state = 'leased', lease = %(lease)s, run_id = %(run_id)s,
        leased_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
        attempts = job.attempts + chosen.tries, leases_lost = chosen.leases_lost
    FROM chosen WHERE job.event = chosen.event
    RETURNING job.event, job.attempts, job.leases_lost, job.deletions_allowed
)
SELECT event.id, event.source, event.type, event.entity, event.entity_id, event.received_at,
       taken.attempts, taken.leases_lost, taken.deletions_allowed
FROM taken JOIN {events} AS event ON event.id = taken.event ORDER BY event.id
"""

COMPLETE = """
UPDATE {jobs} SET state = 'done', finished_at = clock_timestamp(), lease = NULL,
    leased_until = NULL, reason = NULL
WHERE event = ANY (%(events)s) AND lease = %(lease)s AND state = 'leased'
RETURNING event, finished_at
"""

RENEW = """
UPDATE {jobs} SET leased_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
WHERE event = ANY (%(events)s) AND lease = %(lease)s AND state = 'leased'
"""

POSTPONE = """
UPDATE {jobs} SET state = 'waiting', attempts = attempts - 1, lease = NULL, leased_until = NULL,
    due_at = clock_timestamp() + make_interval(secs => %(seconds)s), reason = %(reason)s
WHERE event = ANY (%(events)s) AND lease = %(lease)s AND state = 'leased'
"""

# No try is counted, as it may be the server that is slow; but no event may hold the others up for ever.
PUT_BACK = """
UPDATE {jobs} SET
    state = CASE WHEN aborts + 1 < %(until_dead)s THEN 'waiting' ELSE 'dead' END,
    finished_at = CASE WHEN aborts + 1 < %(until_dead)s THEN NULL ELSE clock_timestamp() END,
    due_at = clock_timestamp()
        + make_interval(secs => least(%(first)s * power(2, aborts), %(longest)s) * %(jitter)s),
    attempts = attempts - 1, aborts = aborts + 1, lease = NULL, leased_until = NULL,
    reason = %(reason)s
WHERE event = ANY (%(events)s) AND lease = %(lease)s AND state = 'leased'
RETURNING state
"""

# A wait for each retry; the failure of the last one is final.
FAIL = """
UPDATE {jobs} SET
    state = CASE WHEN dies THEN 'dead' ELSE 'waiting' END,
    finished_at = CASE WHEN dies THEN clock_timestamp() END,
    due_at = clock_timestamp()
        + make_interval(secs => COALESCE((%(waits)s::float8[])[attempts], 0) * %(jitter)s),
    lease = NULL, leased_until = NULL, reason = %(reason)s
FROM (SELECT event AS id, %(final)s OR attempts > cardinality(%(waits)s::float8[]) AS dies
      FROM {jobs} WHERE event = ANY (%(events)s)) AS judged
WHERE event = judged.id AND lease = %(lease)s AND state = 'leased'
RETURNING state
"""

DUE = """
SELECT (SELECT count(*) FROM (SELECT FROM {jobs} WHERE state = 'waiting'
            AND due_at <= clock_timestamp() LIMIT %(most)s) AS counted)
     + (SELECT count(*) FROM (SELECT FROM {jobs} WHERE state = 'leased'
            AND leased_until < clock_timestamp() LIMIT %(most)s) AS counted),
    extract(epoch FROM least(
        (SELECT min(due_at) FROM {jobs} WHERE state = 'waiting'),
        (SELECT min(leased_until) FROM {jobs} WHERE state = 'leased')) - clock_timestamp())
"""

MOST_COUNTED = 10_000
"""A backlog is counted up to here, so that the look stays cheap."""


@dataclass(frozen=True)
class ClaimedEvent:
    """An event that this drain holds."""

    id: int
    source: str
    type: str | None
    entity: str | None
    entity_id: int | None
    received_at: datetime
    attempts: int
    """This try included."""
    leases_lost: int
    deletions_allowed: bool
    """A person looked at what it deletes: no wave of deletions stops it."""


@dataclass(frozen=True)
class Claim:
    """Events held under one lease."""

    lease: int
    events: tuple[ClaimedEvent, ...]

    @property
    def deletions_allowed(self) -> bool:
        return all(event.deletions_allowed for event in self.events)


@dataclass(frozen=True)
class Due:
    """What could be taken now, up to MOST_COUNTED, and in how many seconds the next will be due."""

    events: int
    next_in: float | None


class Jobs:
    """The job table, over one connection in autocommit mode."""

    def __init__(self, connection: Connection, settings: InboxSettings, *, run_id: str) -> None:
        self.connection = connection
        self.settings = settings
        self.run_id = run_id

    def claim(self) -> Claim | None:
        """Takes the oldest events that are due; None when there are none.

        Three times of four the oldest of those that no database has broken off, if there are any.
        """
        with self.connection.transaction():
            lease = self._lease()
            with self.connection.cursor(row_factory=class_row(ClaimedEvent)) as cursor:
                events = cursor.execute(
                    _statement(CLAIM),
                    {
                        "limit": self.settings.batch,
                        "put_back": lease % CLAIMS_OF_WHAT_WAS_PUT_BACK == 0,
                        "lease": lease,
                        "lease_seconds": self.settings.lease_seconds,
                        "run_id": self.run_id,
                        "most_bytes": MOST_BYTES,
                    },
                ).fetchall()
        return Claim(lease, tuple(events)) if events else None

    def renew(self, claim: Claim) -> None:
        """Lets the lease begin anew."""
        self.connection.execute(
            _statement(RENEW),
            {
                "events": _ids(claim.events),
                "lease": claim.lease,
                "lease_seconds": self.settings.lease_seconds,
            },
        )

    def postpone(self, claim: Claim, *, seconds: float, reason: str) -> None:
        """Gives the events back without counting the try: the fault was not theirs."""
        self.connection.execute(
            _statement(POSTPONE),
            {
                "events": _ids(claim.events),
                "lease": claim.lease,
                "seconds": seconds,
                "reason": reason,
            },
        )

    def put_back(self, claim: Claim, *, reason: str) -> tuple[int, int]:
        """Gives back what a database broke off: to be taken later and in a smaller batch.

        Returns how many of the events wait again, and how many are dead: that came too often.
        """
        rows = self.connection.execute(
            _statement(PUT_BACK),
            {
                "events": _ids(claim.events),
                "lease": claim.lease,
                "until_dead": ABORTS_UNTIL_DEAD,
                "first": FIRST_ABORT_SECONDS,
                "longest": LONGEST_ABORT_SECONDS,
                "jitter": _jitter(),
                "reason": reason,
            },
        ).fetchall()
        dead = _dead(rows)
        return len(rows) - dead, dead

    def fail(self, claim: Claim, *, reason: str, final: bool = False) -> int:
        """Counts the try; returns how many of the events are dead now. `final`: all of them."""
        rows = self.connection.execute(
            _statement(FAIL),
            {
                "events": _ids(claim.events),
                "lease": claim.lease,
                "waits": list(self.settings.retry_seconds),
                "jitter": _jitter(),
                "final": final,
                "reason": reason,
            },
        ).fetchall()
        return _dead(rows)

    def due(self) -> Due:
        return due(self.connection)

    def _lease(self) -> int:
        row = self.connection.execute(
            sql.SQL("SELECT nextval({})").format(sql.Literal("bitrix_pipeline.inbox_lease"))
        ).fetchone()
        return int(row[0]) if row else 0


def complete(connection: Connection, claim: Claim) -> dict[int, float]:
    """Marks the events done, in the transaction that wrote their rows.

    Returns by event the seconds from its receipt until now. Raises LeaseLostError when one of them
    is no longer ours: then the transaction must not be committed.
    """
    finished: dict[int, datetime] = dict(
        connection.execute(
            _statement(COMPLETE), {"events": _ids(claim.events), "lease": claim.lease}
        ).fetchall()
    )
    if len(finished) < len(claim.events):
        raise LeaseLostError("another drain has taken these events over; nothing was written")
    return {
        event.id: (finished[event.id] - event.received_at).total_seconds() for event in claim.events
    }


def due(connection: Connection) -> Due:
    row = connection.execute(_statement(DUE), {"most": MOST_COUNTED}).fetchone()
    events, next_in = row or (0, None)
    return Due(int(events), None if next_in is None else float(next_in))


def bodies(connection: Connection, events: Collection[ClaimedEvent]) -> dict[int, bytes]:
    """The events' bodies, by the event's number."""
    rows = connection.execute(
        sql.SQL("SELECT id, body FROM {} WHERE id = ANY (%s)").format(internal("inbox_events")),
        (_ids(events),),
    )
    return {int(number): bytes(body) for number, body in rows}


def _jitter() -> float:
    return random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


def _dead(rows: Iterable[tuple[Any, ...]]) -> int:
    return sum(state == "dead" for (state,) in rows)


def _ids(events: Collection[ClaimedEvent]) -> list[int]:
    return [event.id for event in events]


def _statement(text: str) -> sql.Composed:
    return sql.SQL(text).format(
        jobs=internal("inbox_jobs"), events=internal("inbox_events"), shrink=sql.Literal(SHRINK)
    )
