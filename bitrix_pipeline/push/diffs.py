"""Which orders' status no longer means what Bitrix last said: a question to Postgres alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from bitrix_pipeline.push.errors import UnmappedWordError
from bitrix_pipeline.push.mapping import CANCELED, BitrixStatus, StatusMap, Target
from bitrix_pipeline.push.result import frame
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target_sql import internal, qualified

if TYPE_CHECKING:
    import pandas as pd

# An order differs when its word is neither the one that a sync would write, nor one that is sent as
# what Bitrix has. Orders that the CRM made itself, and those that Bitrix no longer has, are not asked.
DIFFERS = """
SELECT o.id AS order_id, o.number, o.status, o.bitrix_status, o.is_canceled, sent.code
FROM {orders} AS o
LEFT JOIN unnest(%(codes)s::text[], %(words)s::text[]) AS known (code, word)
    ON known.code = o.bitrix_status
LEFT JOIN unnest(%(sent_words)s::text[], %(sent_codes)s::text[]) AS sent (word, code)
    ON sent.word = o.status
WHERE o.bitrix_order_id IS NOT NULL AND o.deleted_at IS NULL AND o.archived_at IS NULL
  AND NOT o.is_placeholder
  AND o.status IS DISTINCT FROM
      CASE WHEN o.is_canceled THEN {canceled} ELSE COALESCE(known.word, o.bitrix_status) END
  AND (o.is_canceled OR sent.code IS DISTINCT FROM o.bitrix_status)
"""

# Known already, and not due: it waits for its next try, was given up, or shall not be sent. One given
# up for want of a code is new again as soon as a setting names it.
SETTLED = """
FROM {ledger} AS ledger WHERE ledger.order_id = diff.order_id
  AND ledger.desired IS NOT DISTINCT FROM diff.status
  AND (ledger.state = 'skipped'
       OR (ledger.state = 'dead'
           AND (diff.code IS NULL OR diff.code IS NOT DISTINCT FROM ledger.target_status))
       OR (ledger.state = 'waiting' AND ledger.next_attempt_at > clock_timestamp()))
"""

# What can be sent comes first: a word renamed in a setting may leave a million orders that cannot.
NEW = """
SELECT order_id, number, status, bitrix_status, is_canceled FROM ({differs}) AS diff
WHERE NOT EXISTS (SELECT {settled})
ORDER BY code IS NULL AND status IS DISTINCT FROM {canceled}, order_id LIMIT %(limit)s
"""

STALE = """
ledger.state IN ('waiting', 'dead', 'skipped')
  AND NOT EXISTS (SELECT FROM ({differs}) AS diff WHERE diff.order_id = ledger.order_id)
"""

LOOKED_AT = 10_000
"""Differences taken up by one push; a backlog beyond that is the next one's."""


@dataclass(frozen=True)
class Difference:
    """One order, and what Bitrix shall be told; no target when its word means nothing."""

    order_id: int
    number: str | None
    status: str | None
    seen: BitrixStatus
    """Bitrix's at the last look."""
    target: Target | None
    fault: str = ""

    @property
    def why(self) -> str:
        if self.fault:
            return self.fault
        if self.target and self.target.is_canceled:
            return "canceled in the CRM"
        if self.seen.is_canceled:
            return "taken back in the CRM"
        return "changed in the CRM"


def find_differences(
    connection: Connection, statuses: StatusMap, *, schema: str, limit: int = LOOKED_AT
) -> list[Difference]:
    """Those that are due, by the orders' numbers; with the ones whose word means nothing."""
    rows = connection.execute(_new(schema), {**parameters(statuses), "limit": limit}).fetchall()
    return [
        _difference(order_id, number, status, BitrixStatus(code, is_canceled), statuses)
        for order_id, number, status, code, is_canceled in rows
    ]


def count_differences(
    connection: Connection, statuses: StatusMap, *, schema: str, most: int
) -> int:
    """How many are due, those whose word means nothing left out when they are known already."""
    values = {**parameters(statuses), "limit": most}
    return len(connection.execute(_new(schema), values).fetchall())


def is_stale(connection: Connection, statuses: StatusMap, *, schema: str) -> bool:
    """Whether the ledger waits for something that is no difference any more."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS ledger WHERE {})").format(
        internal("push_orders"), stale(schema)
    )
    row = connection.execute(query, parameters(statuses)).fetchone()
    return bool(row and row[0])


def table_of(differences: list[Difference]) -> pd.DataFrame:
    """As a person looks at them."""
    return frame(
        [
            (d.order_id, d.number, d.status, str(d.seen), str(d.target) if d.target else "", d.why)
            for d in differences
        ]
    )


def stale(schema: str) -> sql.Composed:
    """A condition on `ledger`: open, and no difference any more; takes `parameters`."""
    return sql.SQL(STALE).format(differs=_differs(schema))


def _differs(schema: str) -> sql.Composed:
    return sql.SQL(DIFFERS).format(
        orders=qualified(schema, "orders"), canceled=sql.Literal(CANCELED)
    )


def parameters(statuses: StatusMap) -> dict[str, Any]:
    return {
        "codes": list(statuses.words),
        "words": list(statuses.words.values()),
        "sent_words": list(statuses.codes),
        "sent_codes": list(statuses.codes.values()),
    }


def _new(schema: str) -> sql.Composed:
    settled = sql.SQL(SETTLED).format(ledger=internal("push_orders"))
    return sql.SQL(NEW).format(
        differs=_differs(schema), settled=settled, canceled=sql.Literal(CANCELED)
    )


def _difference(
    order_id: int, number: str | None, status: str | None, seen: BitrixStatus, statuses: StatusMap
) -> Difference:
    try:
        return Difference(order_id, number, status, seen, statuses.target(status))
    except UnmappedWordError as error:
        return Difference(order_id, number, status, seen, None, str(error))
