"""What each order's status shall be in Bitrix, how far that got, and what was done, in Postgres.

Rows are taken up, with the run's name, in a commit of their own before anything is sent: `sending_since`
tells a sync that meets the change whose it is, also when the push was killed. The outcome is written
in one transaction with the order's own row, so that the order knows what Bitrix has before the echo
of the change arrives.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from bitrix_pipeline.push.diffs import Difference, parameters, stale
from bitrix_pipeline.push.mapping import BitrixStatus, StatusMap, Target
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target_sql import internal, qualified

JITTER = 0.2

NOTE = """
WITH given AS (
    SELECT * FROM unnest(%(orders)s::bigint[], %(words)s::text[], %(codes)s::text[],
        %(canceled)s::boolean[], %(faults)s::text[])
        AS given (order_id, desired, target_status, target_canceled, fault)
), noted AS (
    INSERT INTO {ledger} AS ledger
        (order_id, state, desired, target_status, target_canceled, run_id, last_error)
    SELECT order_id, CASE WHEN fault IS NULL THEN 'waiting' ELSE 'dead' END, desired,
        target_status, target_canceled, %(run_id)s, fault FROM given
    ON CONFLICT (order_id) DO UPDATE SET
        state = excluded.state, desired = excluded.desired, desired_since = clock_timestamp(),
        target_status = excluded.target_status, target_canceled = excluded.target_canceled,
        attempts = 0, next_attempt_at = clock_timestamp(), sending_since = NULL,
        run_id = excluded.run_id, last_error = excluded.last_error
    WHERE ledger.state <> excluded.state
       OR (ledger.desired, ledger.target_status, ledger.target_canceled)
          IS DISTINCT FROM (excluded.desired, excluded.target_status, excluded.target_canceled)
    RETURNING order_id, state, desired, last_error
), told AS (
    INSERT INTO {history} (order_id, event, desired, run_id, note)
    SELECT order_id, CASE state WHEN 'dead' THEN 'dead' ELSE 'noted' END, desired, %(run_id)s,
        last_error
    FROM noted
)
SELECT count(*) FILTER (WHERE state = 'dead') FROM noted
"""

# The CRM took it back, or a sync brought what Bitrix has.
WITHDRAW = """
WITH gone AS (
    UPDATE {ledger} AS ledger SET state = 'withdrawn', sending_since = NULL, last_error = NULL
    WHERE {stale}
    RETURNING order_id, desired
)
INSERT INTO {history} (order_id, event, desired, run_id, note)
SELECT order_id, 'withdrawn', desired, %(run_id)s, 'nothing is left to be sent' FROM gone
"""

DUE = """
SELECT count(*) FROM {ledger} WHERE state = 'waiting' AND next_attempt_at <= clock_timestamp()
"""

WAITING = "SELECT count(*) FROM {ledger} WHERE state = 'waiting'"

# One that breaks the shop's PHP breaks its whole batch, so those that failed travel in half as many
# each time: what fails alone is to blame. The order's word is compared once more: what the CRM changed since is
# for the next push.
TAKE_UP = """
WITH due AS (
    SELECT due.order_id, due.attempts, due.next_attempt_at
    FROM {ledger} AS due JOIN {orders} AS o ON o.id = due.order_id
    WHERE due.state = 'waiting' AND due.next_attempt_at <= clock_timestamp()
      AND due.target_canceled IS NOT NULL
      AND o.status IS NOT DISTINCT FROM due.desired AND NOT due.order_id = ANY (%(not)s)
), chosen AS (
    SELECT order_id FROM due WHERE attempts = (SELECT min(attempts) FROM due)
    ORDER BY next_attempt_at, order_id
    LIMIT (SELECT greatest(1, floor(%(limit)s / 2.0 ^ min(attempts))) FROM due)
)
UPDATE {ledger} AS ledger SET sending_since = clock_timestamp(), run_id = %(run_id)s
FROM chosen WHERE ledger.order_id = chosen.order_id
RETURNING ledger.order_id
"""

CLAIM = """
SELECT ledger.order_id, ledger.desired, ledger.desired_since, ledger.target_status,
       ledger.target_canceled, ledger.attempts, o.bitrix_status AS seen_status,
       o.is_canceled AS seen_canceled, o.cancel_reason
FROM {ledger} AS ledger JOIN {orders} AS o ON o.id = ledger.order_id
WHERE ledger.order_id = ANY (%(orders)s) AND ledger.sending_since IS NOT NULL
ORDER BY ledger.order_id FOR UPDATE OF ledger
"""

# A push was killed before it had noted what came of these, or had no answer and saw no change.
IN_DOUBT = """
SELECT order_id FROM {ledger}
WHERE sending_since IS NOT NULL AND target_canceled IS NOT NULL
  AND state IN ('waiting', 'dead', 'skipped') AND NOT order_id = ANY (%(not)s)
ORDER BY order_id LIMIT %(limit)s
"""

RELEASE = """
UPDATE {ledger} SET sending_since = NULL WHERE order_id = ANY (%(orders)s)
"""

CONFIRM = """
UPDATE {ledger} SET state = 'confirmed', confirmed = desired, confirmed_at = clock_timestamp(),
    sending_since = NULL, last_error = NULL
WHERE order_id = %(order)s
"""

YIELD = """
UPDATE {ledger} SET state = 'conflict', sending_since = NULL, last_error = %(note)s
WHERE order_id = %(order)s
"""

# What Bitrix has now; the word only where Bitrix's stands, and the CRM has not changed it since.
REMEMBER = """
UPDATE {orders} SET bitrix_status = %(code)s, is_canceled = %(canceled)s,
    version = COALESCE(%(version)s, version),
    status = CASE WHEN %(yields)s AND status IS NOT DISTINCT FROM %(desired)s
        THEN %(word)s ELSE status END
WHERE id = %(order)s
"""

# A wait for each try that may fail; the failure after the last wait is final.
FAIL = """
UPDATE {ledger} SET attempts = attempts + 1,
    state = CASE WHEN attempts >= cardinality(%(waits)s::float8[]) THEN 'dead' ELSE 'waiting' END,
    next_attempt_at = clock_timestamp()
        + make_interval(secs => COALESCE((%(waits)s::float8[])[attempts + 1], 0) * %(jitter)s),
    sending_since = CASE WHEN %(in_doubt)s THEN sending_since END, last_error = %(note)s
WHERE order_id = %(order)s RETURNING state
"""

POSTPONE = """
UPDATE {ledger} SET last_error = %(note)s,
    sending_since = CASE WHEN order_id = ANY (%(in_doubt)s) THEN sending_since END,
    next_attempt_at = clock_timestamp()
WHERE order_id = ANY (%(orders)s)
"""

TELL = """
INSERT INTO {history} (order_id, event, desired, bitrix_before, bitrix_after, run_id, note)
VALUES (%(order)s, %(event)s, %(desired)s, %(before)s, %(after)s, %(run_id)s, %(note)s)
"""


@dataclass(frozen=True)
class Entry:
    """An order that this push has taken up."""

    order_id: int
    desired: str | None
    desired_since: datetime
    target_status: str | None
    target_canceled: bool
    attempts: int
    seen_status: str | None
    seen_canceled: bool
    cancel_reason: str | None

    @property
    def target(self) -> Target:
        return Target(self.target_status, self.target_canceled)

    @property
    def seen(self) -> BitrixStatus:
        """What Bitrix had when it was last looked at."""
        return BitrixStatus(self.seen_status, self.seen_canceled)


@dataclass(frozen=True)
class Told:
    """A row of the history."""

    event: str
    before: BitrixStatus | None = None
    after: BitrixStatus | None = None
    note: str | None = None


class Ledger:
    """The ledger over one connection; each method runs in the transaction that its caller has."""

    def __init__(self, connection: Connection, *, schema: str, run_id: str) -> None:
        self._connection = connection
        self._schema = schema
        self._run_id = run_id

    def note(self, differences: Sequence[Difference]) -> int:
        """Takes differences down; returns how many were given up because their word means nothing."""
        row = self._connection.execute(
            self._statement(NOTE),
            {
                "orders": [d.order_id for d in differences],
                "words": [d.status for d in differences],
                "codes": [d.target.status if d.target else None for d in differences],
                "canceled": [d.target.is_canceled if d.target else None for d in differences],
                "faults": [d.fault or None for d in differences],
                "run_id": self._run_id,
            },
        ).fetchone()
        return int(row[0]) if row else 0

    def withdraw(self, statuses: StatusMap) -> None:
        """Ends what is no difference any more."""
        query = sql.SQL(WITHDRAW).format(
            ledger=internal("push_orders"),
            history=internal("push_history"),
            stale=stale(self._schema),
        )
        self._connection.execute(query, {**parameters(statuses), "run_id": self._run_id})

    def due(self) -> int:
        return self._count(DUE)

    def waiting(self) -> int:
        return self._count(WAITING)

    def take_up(self, limit: int, *, without: Sequence[int]) -> list[int]:
        """Marks the orders that are due for longest as being sent."""
        rows = self._connection.execute(
            self._statement(TAKE_UP),
            {"limit": limit, "not": list(without), "run_id": self._run_id},
        )
        return [int(order) for (order,) in rows]

    def in_doubt(self, limit: int, *, without: Sequence[int]) -> list[int]:
        """Orders that a push took up, and nobody knows what came of them."""
        values = {"limit": limit, "not": list(without)}
        rows = self._connection.execute(self._statement(IN_DOUBT), values)
        return [int(order) for (order,) in rows]

    def claim(self, orders: Sequence[int]) -> list[Entry]:
        """Those of them that are still marked, held until the transaction ends."""
        with self._connection.cursor(row_factory=class_row(Entry)) as cursor:
            return cursor.execute(self._statement(CLAIM), {"orders": list(orders)}).fetchall()

    def release(self, orders: Sequence[int]) -> None:
        """Takes their marks away: they were not sent."""
        self._connection.execute(self._statement(RELEASE), {"orders": list(orders)})

    def confirm(self, entry: Entry) -> None:
        self._connection.execute(self._statement(CONFIRM), {"order": entry.order_id})

    def give_way(self, entry: Entry, note: str) -> None:
        """Bitrix's status stands."""
        self._connection.execute(self._statement(YIELD), {"order": entry.order_id, "note": note})

    def remember(
        self, entry: Entry, now: BitrixStatus, version: int | None, *, word: str | None = None
    ) -> None:
        """Writes into the order what Bitrix has; `word` where that is what shall stand."""
        self._connection.execute(
            self._statement(REMEMBER),
            {
                "order": entry.order_id,
                "code": now.status,
                "canceled": now.is_canceled,
                "version": version,
                "yields": word is not None,
                "word": word,
                "desired": entry.desired,
            },
        )

    def fail(self, entry: Entry, note: str, waits: Sequence[float], *, in_doubt: bool) -> bool:
        """Counts a try; returns whether that was the last. The mark stays on what is in doubt."""
        row = self._connection.execute(
            self._statement(FAIL),
            {
                "order": entry.order_id,
                "waits": list(waits),
                "jitter": random.uniform(1 - JITTER, 1 + JITTER),  # noqa: S311 - no secret
                "note": note,
                "in_doubt": in_doubt,
            },
        ).fetchone()
        return bool(row and row[0] == "dead")

    def postpone(self, entries: Sequence[Entry], *, note: str, in_doubt: Sequence[int]) -> None:
        """Leaves them to the next push without counting the try: the fault was not theirs."""
        orders = [entry.order_id for entry in entries]
        values = {"orders": orders, "note": note, "in_doubt": list(in_doubt)}
        self._connection.execute(self._statement(POSTPONE), values)

    def tell(self, entry: Entry, told: Told) -> None:
        """Adds to the history."""
        self._connection.execute(
            self._statement(TELL),
            {
                "order": entry.order_id,
                "event": told.event,
                "desired": entry.desired,
                "before": str(told.before) if told.before else None,
                "after": str(told.after) if told.after else None,
                "run_id": self._run_id,
                "note": told.note,
            },
        )

    def _count(self, text: str) -> int:
        row = self._connection.execute(self._statement(text)).fetchone()
        return int(row[0]) if row else 0

    def _statement(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(
            ledger=internal("push_orders"),
            history=internal("push_history"),
            orders=qualified(self._schema, "orders"),
        )
