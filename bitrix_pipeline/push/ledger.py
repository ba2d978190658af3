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
from typing import Literal

from psycopg import sql
from psycopg.rows import class_row

from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.push.diffs import Difference, parameters, stale
from bitrix_pipeline.push.mapping import BitrixStatus, StatusMap, Target
from bitrix_pipeline.sync.postgres import Connection, target_errors
from bitrix_pipeline.sync.target_sql import internal, qualified
from bitrix_pipeline.sync.turns import take_turn

JITTER = 0.2

# A row that is marked tells a sync whose change it meets, and what was sent: it is left as it is until
# a push has found out what became of it.
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
        attempts = 0, next_attempt_at = clock_timestamp(),
        run_id = excluded.run_id, last_error = excluded.last_error
    WHERE ledger.sending_since IS NULL AND (ledger.state <> excluded.state
       OR (ledger.desired, ledger.target_status, ledger.target_canceled)
          IS DISTINCT FROM (excluded.desired, excluded.target_status, excluded.target_canceled))
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
    UPDATE {ledger} AS ledger SET state = 'withdrawn', last_error = NULL
    WHERE ledger.sending_since IS NULL AND {stale}
    RETURNING order_id, desired
)
INSERT INTO {history} (order_id, event, desired, run_id, note)
SELECT order_id, 'withdrawn', desired, %(run_id)s, 'nothing is left to be sent' FROM gone
"""

DUE = """
SELECT order_id FROM {ledger} WHERE state = 'waiting' AND next_attempt_at <= clock_timestamp()
"""

WAITING = "SELECT count(*) FROM {ledger} WHERE state = 'waiting'"

# One that breaks the shop's PHP breaks its whole batch, so those that failed travel in half as many
# each time: what fails alone is to blame. The order's word is compared once more: what the CRM changed
# since is for the next push.
TAKE_UP = """
WITH due AS (
    SELECT due.order_id, due.attempts, due.next_attempt_at
    FROM {ledger} AS due JOIN {orders} AS o ON o.id = due.order_id
    WHERE due.state = 'waiting' AND due.next_attempt_at <= clock_timestamp()
      AND due.target_canceled IS NOT NULL
      AND o.status IS NOT DISTINCT FROM due.desired
      AND due.order_id = ANY (%(among)s) AND NOT due.order_id = ANY (%(not)s)
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

# What Bitrix has now; the word only where Bitrix's stands, and the CRM has not changed it since.
SETTLE = """
WITH given AS (
    SELECT * FROM unnest(%(orders)s::bigint[], %(events)s::text[], %(desired)s::text[],
        %(codes)s::text[], %(canceled)s::boolean[], %(versions)s::bigint[], %(words)s::text[],
        %(before)s::text[], %(after)s::text[], %(notes)s::text[])
        AS given (order_id, event, desired, code, canceled, version, word, before, after, note)
), in_ledger AS (
    UPDATE {ledger} AS ledger SET sending_since = NULL,
        state = CASE event WHEN 'conflict' THEN 'conflict' ELSE 'confirmed' END,
        confirmed = CASE event WHEN 'conflict' THEN confirmed ELSE given.desired END,
        confirmed_at = CASE event WHEN 'conflict' THEN confirmed_at ELSE clock_timestamp() END,
        last_error = CASE event WHEN 'conflict' THEN note END
    FROM given WHERE ledger.order_id = given.order_id
), in_orders AS (
    UPDATE {orders} AS o SET bitrix_status = code, is_canceled = canceled,
        version = COALESCE(given.version, o.version),
        status = CASE WHEN event = 'conflict' AND o.status IS NOT DISTINCT FROM desired
            THEN word ELSE o.status END
    FROM given WHERE o.id = given.order_id
)
INSERT INTO {history} (order_id, event, desired, bitrix_before, bitrix_after, run_id, note)
SELECT order_id, event, desired, before, after, %(run_id)s, note FROM given
"""

# A wait for each try that may fail; the failure after the last wait is final.
FAIL = """
WITH failed AS (
    UPDATE {ledger} SET attempts = attempts + 1,
        state = CASE WHEN attempts >= cardinality(%(waits)s::float8[])
            THEN 'dead' ELSE 'waiting' END,
        next_attempt_at = clock_timestamp()
            + make_interval(secs => COALESCE((%(waits)s::float8[])[attempts + 1], 0) * %(jitter)s),
        sending_since = CASE WHEN %(in_doubt)s THEN sending_since END, last_error = %(note)s
    WHERE order_id = %(order)s AND state = 'waiting' RETURNING order_id, state, desired
)
INSERT INTO {history} (order_id, event, desired, bitrix_before, run_id, note)
SELECT order_id, CASE state WHEN 'dead' THEN 'dead' ELSE 'failed' END, desired, %(before)s,
    %(run_id)s, %(note)s
FROM failed RETURNING event
"""

POSTPONE = """
UPDATE {ledger} SET last_error = %(note)s,
    sending_since = CASE WHEN order_id = ANY (%(in_doubt)s) THEN sending_since END,
    next_attempt_at = clock_timestamp()
WHERE order_id = ANY (%(orders)s)
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
class Settled:
    """What Bitrix has of an order in the end, and how that came."""

    entry: Entry
    event: Literal["sent", "confirmed", "conflict"]
    before: BitrixStatus
    after: BitrixStatus
    version: int | None
    note: str = ""
    word: str | None = None
    """The CRM's for what Bitrix has: after a conflict it becomes the order's."""


class Ledger:
    """The ledger over one connection; each method runs in the transaction that its caller has."""

    def __init__(self, connection: Connection, *, schema: str, run_id: str) -> None:
        self._connection = connection
        self._schema = schema
        self._run_id = run_id

    def wait_for_others(self, *, seconds: int) -> None:
        """Until this transaction ends, no other push looks for differences or notes an outcome.

        Raises TransientError when another is under way for longer.
        """
        if not take_turn(self._connection, "bitrix_pipeline.push", seconds=seconds):
            raise TransientError(f"another push is under way, and has been for {seconds} s")

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

    def due(self) -> list[int]:
        """Orders that wait and whose next try has come."""
        return [int(order) for (order,) in self._connection.execute(self._statement(DUE))]

    def waiting(self) -> int:
        row = self._connection.execute(self._statement(WAITING)).fetchone()
        return int(row[0]) if row else 0

    def take_up(self, among: Sequence[int], limit: int, *, without: Sequence[int]) -> list[int]:
        """Marks those of them that are due for longest as being sent."""
        values = {"among": list(among), "limit": limit, "not": list(without)}
        rows = self._connection.execute(
            self._statement(TAKE_UP), {**values, "run_id": self._run_id}
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

    def settle(self, settled: Sequence[Settled]) -> None:
        """Writes what Bitrix has into the ledger, the orders and the history, all or nothing.

        Raises RowRefusedError when a constraint or trigger of the CRM's is against one of them; the
        transaction goes on.
        """
        values = {
            "orders": [each.entry.order_id for each in settled],
            "events": [each.event for each in settled],
            "desired": [each.entry.desired for each in settled],
            "codes": [each.after.status for each in settled],
            "canceled": [each.after.is_canceled for each in settled],
            "versions": [each.version for each in settled],
            "words": [each.word for each in settled],
            "before": [str(each.before) for each in settled],
            "after": [str(each.after) for each in settled],
            "notes": [each.note or None for each in settled],
            "run_id": self._run_id,
        }
        about = f"order {settled[0].entry.order_id}" if len(settled) == 1 else None
        with target_errors(about), self._connection.transaction():
            self._connection.execute(self._statement(SETTLE), values)

    def fail(
        self,
        entry: Entry,
        note: str,
        waits: Sequence[float],
        *,
        before: BitrixStatus | None,
        in_doubt: bool,
    ) -> bool:
        """Counts a try; returns whether another follows. The mark stays on what is in doubt."""
        row = self._connection.execute(
            self._statement(FAIL),
            {
                "order": entry.order_id,
                "waits": list(waits),
                "jitter": random.uniform(1 - JITTER, 1 + JITTER),  # noqa: S311 - no secret
                "before": str(before) if before else None,
                "note": note,
                "in_doubt": in_doubt,
                "run_id": self._run_id,
            },
        ).fetchone()
        return bool(row and row[0] == "failed")

    def postpone(self, entries: Sequence[Entry], *, note: str, in_doubt: Sequence[int]) -> None:
        """Leaves them to the next push without counting the try: the fault was not theirs."""
        orders = [entry.order_id for entry in entries]
        values = {"orders": orders, "note": note, "in_doubt": list(in_doubt)}
        self._connection.execute(self._statement(POSTPONE), values)

    def _statement(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(
            ledger=internal("push_orders"),
            history=internal("push_history"),
            orders=qualified(self._schema, "orders"),
        )
