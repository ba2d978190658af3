"""Marks rows that events say are gone: deleted, archived, or taken out of an order's basket."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import sql

from bitrix_pipeline.model import Table
from bitrix_pipeline.model.order_items import ORDER_ITEMS
from bitrix_pipeline.sync.deletions import refuse_wave
from bitrix_pipeline.sync.target import Target
from bitrix_pipeline.sync.target_sql import internal

# Only rows that the source had at the last look: what is gone or archived already stays as it is.
NOTE = """
INSERT INTO vanished SELECT id, {order_id} FROM {table}
WHERE {order_id} = ANY (%s) AND source_hash IS NOT NULL
"""

NOTE_LINES = """
INSERT INTO vanished SELECT line.id, line.order_id FROM {table} AS line
WHERE line.order_id = ANY (%s) AND line.source_hash IS NOT NULL
    AND NOT EXISTS (SELECT FROM unnest(%s::bigint[]) AS kept (id) WHERE kept.id = line.id)
"""


def mark_gone(target: Target, table: Table, ids: Sequence[int]) -> list[tuple[int, int]]:
    """Marks the rows, or the lines of orders, as deleted; gives (range number, rows).

    Raises DeletionWaveError when that is more than the limit allows.
    """
    _note(target, table, ids)
    target.connection.execute(
        sql.SQL("DELETE FROM {} WHERE table_name = %s AND row_id = ANY (%s)").format(
            internal("set_aside")
        ),
        (table.name, [str(id_) for id_ in ids] if table is not ORDER_ITEMS else []),
    )
    return _mark_deleted(target, table)


def mark_archived(target: Target, table: Table, moments: Mapping[int, datetime]) -> int:
    """Marks the orders, or their lines, as archived; gives how many rows."""
    _note(target, table, list(moments))
    target.note_archived({id_: moment.isoformat() for id_, moment in moments.items()})
    return target.mark_archived(table)


def mark_lines_gone(
    target: Target, orders: Sequence[int], kept: Sequence[int]
) -> list[tuple[int, int]]:
    """Marks the lines that these orders have no more, as `mark_gone` does."""
    _clear(target)
    query = sql.SQL(NOTE_LINES).format(table=target.statements(ORDER_ITEMS).name)
    target.connection.execute(query, (list(orders), list(kept)))
    return _mark_deleted(target, ORDER_ITEMS)


def _mark_deleted(target: Target, table: Table) -> list[tuple[int, int]]:
    gone = [order_id for (order_id,) in target.connection.execute("SELECT order_id FROM vanished")]
    refuse_wave(table, len(gone), target, gone)
    return target.mark_deleted(table)


def _note(target: Target, table: Table, ids: Sequence[int]) -> None:
    _clear(target)
    query = sql.SQL(NOTE).format(
        order_id=sql.Identifier(table.kept_while_archived or "id"),
        table=target.statements(table).name,
    )
    target.connection.execute(query, (list(ids),))


def _clear(target: Target) -> None:
    target.connection.execute("TRUNCATE vanished, archived")
