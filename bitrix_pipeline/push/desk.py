"""What people ask of the push's ledger, and the orders that they give it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from bitrix_pipeline.push.diffs import count_differences, is_stale
from bitrix_pipeline.push.settings import PushSettings
from bitrix_pipeline.push.statuses import read_map
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target_sql import internal, qualified

STATES = ("waiting", "confirmed", "conflict", "dead", "skipped", "withdrawn")
OPEN = ("waiting", "dead", "skipped")

PRUNED_AT_ONCE = 5_000

ENTRIES = """
SELECT ledger.order_id, o.number, ledger.state, ledger.desired, o.bitrix_status, o.is_canceled,
       ledger.attempts, ledger.desired_since, ledger.next_attempt_at, ledger.run_id,
       ledger.last_error
FROM {ledger} AS ledger LEFT JOIN {orders} AS o ON o.id = ledger.order_id
WHERE ledger.state = ANY (%(states)s)
ORDER BY ledger.desired_since DESC, ledger.order_id DESC LIMIT %(limit)s
"""

STATUS = """
SELECT state, count(*), extract(epoch FROM clock_timestamp() - min(desired_since))
FROM {ledger} GROUP BY state
"""

NEXT = """
SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp())
FROM {ledger} WHERE state = 'waiting'
"""

SET = """
WITH chosen AS (
    UPDATE {ledger} SET state = %(state)s, attempts = 0, next_attempt_at = clock_timestamp(),
        last_error = NULL
    WHERE order_id = ANY (%(orders)s) AND state = ANY (%(from)s)
    RETURNING order_id, desired
)
INSERT INTO {history} (order_id, event, desired, done_by)
SELECT order_id, %(event)s, desired, %(by)s FROM chosen
"""

PRUNE = """
DELETE FROM {history} WHERE id IN (
    SELECT id FROM {history}
    WHERE happened_at < clock_timestamp() - make_interval(days => %(days)s)
    ORDER BY happened_at LIMIT %(limit)s)
"""


@dataclass(frozen=True)
class Entry:
    """One order in the ledger."""

    order_id: int
    number: str | None
    state: str
    desired: str | None
    bitrix_status: str | None
    is_canceled: bool | None
    attempts: int
    desired_since: datetime
    next_attempt_at: datetime
    run_id: str | None
    last_error: str | None


@dataclass(frozen=True)
class Status:
    """The ledger at a glance."""

    states: dict[str, int]
    oldest_waiting: timedelta | None


@dataclass(frozen=True)
class Work:
    """What a push would find to do now."""

    changes: int = 0
    """Orders whose status would be sent; counted to one beyond PUSH_MAX_CHANGES."""
    is_stale: bool = False
    """The ledger holds orders that are no difference any more."""
    next_in: float | None = None
    """Seconds until a try is due."""

    @property
    def is_any(self) -> bool:
        return self.changes > 0 or self.is_stale


class Desk:
    """Questions and orders, over one connection in autocommit mode."""

    def __init__(self, connection: Connection, settings: PushSettings) -> None:
        self._connection = connection
        self._settings = settings

    def work(self) -> Work:
        """Reads only, and asks Bitrix nothing. Raises SettingsError for a mapping that is wrong."""
        schema, most = self._settings.sync.target_schema, self._settings.max_changes + 1
        statuses = read_map(self._connection, self._settings, None)
        ((next_in,),) = self._rows(NEXT)
        return Work(
            changes=count_differences(self._connection, statuses, schema=schema, most=most),
            is_stale=is_stale(self._connection, statuses, schema=schema),
            next_in=None if next_in is None else float(next_in),
        )

    def status(self) -> Status:
        rows = self._rows(STATUS)
        counts = {state: int(count) for state, count, _ in rows}
        oldest = {state: float(age) for state, _, age in rows}.get("waiting")
        return Status(
            states={state: counts.get(state, 0) for state in STATES},
            oldest_waiting=None if oldest is None else timedelta(seconds=oldest),
        )

    def entries(self, states: Sequence[str] = OPEN, *, limit: int) -> list[Entry]:
        """The newest first."""
        with self._connection.cursor(row_factory=class_row(Entry)) as cursor:
            return cursor.execute(
                self._statement(ENTRIES), {"states": list(states), "limit": limit}
            ).fetchall()

    def retry(self, orders: Sequence[int], *, by: str) -> int:
        """Has them tried anew, with all tries before them; returns how many."""
        return self._set(orders, "waiting", ("dead", "skipped", "waiting"), "retried", by)

    def skip(self, orders: Sequence[int], *, by: str) -> int:
        """Lets Bitrix keep what it has until the CRM changes the status again."""
        return self._set(orders, "skipped", ("dead", "waiting"), "skipped", by)

    def prune(self) -> int:
        """Deletes history whose retention has ended, in small transactions; returns how much."""
        values = {"days": self._settings.history_days, "limit": PRUNED_AT_ONCE}
        total = 0
        while deleted := self._connection.execute(self._statement(PRUNE), values).rowcount:
            total += deleted
        return total

    def _set(
        self, orders: Sequence[int], state: str, allowed: Sequence[str], event: str, by: str
    ) -> int:
        return self._connection.execute(
            self._statement(SET),
            {
                "orders": list(orders),
                "state": state,
                "from": list(allowed),
                "event": event,
                "by": by,
            },
        ).rowcount

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._statement(query)).fetchall()

    def _statement(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(
            ledger=internal("push_orders"),
            history=internal("push_history"),
            orders=qualified(self._settings.sync.target_schema, "orders"),
        )
