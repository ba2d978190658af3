"""The shop at one moment: everything that a sync asks of MySQL.

One read-only transaction with a consistent snapshot (of InnoDB tables; MyISAM has none), a deadline
for every query, and the primary key as the only way through a table, so that the shop is not locked
and never scanned without bounds.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pymysql

from bitrix_pipeline.errors import SourceError
from bitrix_pipeline.model import Table
from bitrix_pipeline.model.copy_text import ROW_END, copy_text
from bitrix_pipeline.model.expressions import Instant
from bitrix_pipeline.model.selects import (
    content_buckets,
    id_buckets,
    row_block,
    single_rows,
    source_rows,
)
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.model.table import Placeholder
from bitrix_pipeline.sync.facts import read_facts
from bitrix_pipeline.sync.mysql import connect, source_errors
from bitrix_pipeline.sync.part import Part, condition, within
from bitrix_pipeline.sync.scope import IdRange
from bitrix_pipeline.sync.settings import SyncSettings

BLOCK_BYTES = 8 * 1024 * 1024
"""The most that one answer of MySQL holds: bounds the memory of a sync."""

MOST_WIDER_STEP = 4
"""How much wider than the last a step through sparse IDs may be."""

SIGN_BIT = 1 << 63


@dataclass(frozen=True)
class Block:
    """Rows as lines of COPY text."""

    rows: int
    lines: bytes


@dataclass(frozen=True)
class Bucket:
    """A fingerprint of the rows in a small range of IDs."""

    rows: int
    xor: int


class ShopSnapshot:
    """Questions to the shop's MySQL, all answered as of one moment."""

    def __init__(
        self, connection: "pymysql.Connection[Any]", facts: ShopFacts, settings: SyncSettings
    ) -> None:
        self._connection = connection
        self.facts = facts
        self._settings = settings

    def bounds(self, table: Table) -> IdRange | None:
        """The range that holds all IDs of the table's rows; None when it has no row of ours."""
        rows = f"SELECT {table.key} {source_rows(table, self.facts)} ORDER BY {table.key}"
        low, high = self._row(table, f"SELECT ({rows} LIMIT 1), ({rows} DESC LIMIT 1)")
        return None if low is None else IdRange(int(low), int(high) + 1)

    def occupied_ranges(self, table: Table, *, width: int, start: int) -> list[int]:
        """The numbers (ID // width) of the ranges from `start` on that hold rows.

        Jumps from range to range along the primary key: one look for each that is occupied.
        """
        numbers: list[int] = []
        while (id_ := self._next_id(table, start)) is not None:
            numbers.append(id_ // width)
            start = (numbers[-1] + 1) * width
        return numbers

    def has_rows(self, table: Table) -> bool:
        sql = f"SELECT 1 {source_rows(table, self.facts)} LIMIT 1"
        return bool(self._rows(table, sql))

    def count(self, table: Table) -> int:
        return int(self._row(table, f"SELECT COUNT(*) {source_rows(table, self.facts)}")[0])

    def content_buckets(self, table: Table, window: IdRange, *, width: int) -> dict[int, Bucket]:
        """Fingerprints of the rows' contents; the xor is signed as Postgres gives it."""
        sql = content_buckets(table, self.facts, fingerprint=self._fingerprint(table), width=width)
        return self._buckets(table, sql, window)

    def id_buckets(self, table: Table, window: IdRange, *, width: int) -> dict[int, Bucket]:
        """Fingerprints of the rows' IDs alone."""
        return self._buckets(table, id_buckets(table, self.facts, width=width), window)

    def tells_changes(self, table: Table) -> bool:
        """Whether the shop has the change time that the table is declared to have."""
        return table.changed_at is not None and self.facts.has(table.changed_at)

    def ids_changed_since(self, table: Table, since: datetime) -> list[int]:
        """IDs of rows whose change time (naive, the shop's zone) is not before `since`."""
        sql = f"SELECT {table.key} FROM {table.source} WHERE {table.changed_at} >= %s"
        return [int(row[0]) for row in self._rows(table, sql, (since,))]

    def line_ids(self, table: Table, order_ids: Sequence[int]) -> list[int]:
        """IDs of the rows of these orders."""
        (order_id,) = table.column("order_id").source.inputs
        where, values = condition(order_id, order_ids)
        rows = self._rows(table, f"SELECT {table.key} FROM {table.source} WHERE {where}", values)
        return [int(row[0]) for row in rows]

    def newest_change(self, table: Table, not_after: datetime) -> datetime | None:
        """The newest change time up to a moment: imports may write times in the future."""
        sql = f"SELECT MAX({table.changed_at}) FROM {table.source} WHERE {table.changed_at} <= %s"
        newest = self._row(table, sql, (not_after,))[0]
        return newest if isinstance(newest, datetime) else None

    def blocks(self, part: Part) -> Iterator[Block]:
        """The rows as COPY text, in as many blocks as BLOCK_BYTES demands."""
        where, values = part.where
        fingerprint = self._fingerprint(part.table)
        sql = row_block(part.table, self.facts, fingerprint=fingerprint, where=where)
        count, rows = self._row(part.table, sql, values)
        if not count:
            return
        if rows is not None and rows.endswith(ROW_END) and rows.count(ROW_END) == count:
            yield Block(int(count), copy_text(rows))
        # GROUP_CONCAT cuts what is too long without an error.
        elif halves := part.halves():
            for half in halves:
                yield from self.blocks(half)
        else:
            yield from self._single_rows(part)

    def walk(self, table: Table, ids: IdRange, *, rows: int) -> Iterator[tuple[Block, Part]]:
        """All rows in a range of IDs, in blocks of about so many rows.

        The width of a step follows the density of the IDs, and gaps are jumped over.
        """
        start, width = ids.start, rows
        while start < ids.stop:
            part, found = within(table, start, min(start + width, ids.stop)), 0
            for block in self.blocks(part):
                found += block.rows
                yield block, part
            start += width
            if not found:
                start = self._next_id(table, start) or ids.stop
            width = min(max(width * rows // max(found, 1), rows), width * MOST_WIDER_STEP)

    def has_at_least(self, table: Table, rows: int) -> bool:
        """Whether the table has so many rows of ours; reads no more than that."""
        sql = (
            f"SELECT 1 FROM {table.source} WHERE {table.rows(self.facts)}"
            f" ORDER BY {table.key} LIMIT 1 OFFSET {rows - 1:d}"
        )
        return bool(self._rows(table, sql))

    def newest_children(self, known: Placeholder, parents: Sequence[int]) -> list[int]:
        """IDs of the child rows with the highest ID for each parent."""
        with source_errors(), self._connection.cursor() as cursor:
            cursor.execute(known.newest_child, (list(parents),))
            return [int(row[0]) for row in cursor.fetchall()]

    def archived_orders(self, order_ids: Sequence[int]) -> dict[int, str | None]:
        """When each of these orders was archived, as text for COPY; others are left out."""
        if not self.facts.has_table("b_sale_order_archive") or not order_ids:
            return {}
        moment = Instant("b_sale_order_archive.DATE_ARCHIVED").sql(self.facts)
        with source_errors("b_sale_order_archive"), self._connection.cursor() as cursor:
            cursor.execute(
                f"SELECT ORDER_ID, MAX(CONCAT({moment}, '')) FROM b_sale_order_archive"
                " WHERE ORDER_ID IN %s GROUP BY ORDER_ID",
                (list(order_ids),),
            )
            return {int(order_id): _text(moment) for order_id, moment in cursor.fetchall()}

    def missing_columns(self, known: Sequence[str]) -> list[str]:
        """Columns that were read before and that the shop no longer has."""
        return [column for column in known if not self.facts.has(column)]

    def present_columns(self, table: Table) -> list[str]:
        return [column for column in table.source_columns if self.facts.has(column)]

    def require_key(self, table: Table) -> None:
        """Raises SourceError when the table itself or its key is not there."""
        if not self.facts.has(table.key):
            raise SourceError(
                f"{table.name}: the shop has no {table.key}; check that BITRIX_MYSQL_URL names the "
                "shop's database and that the account may read it"
            )

    def _single_rows(self, part: Part) -> Iterator[Block]:
        where, values = part.where
        fingerprint = self._fingerprint(part.table)
        sql = single_rows(part.table, self.facts, fingerprint=fingerprint, where=where)
        for (row,) in self._rows(part.table, sql, values):
            yield Block(1, copy_text(row))

    def _next_id(self, table: Table, start: int) -> int | None:
        sql = (
            f"SELECT {table.key} FROM {table.source} WHERE {table.rows(self.facts)}"
            f" AND {table.key} >= %s ORDER BY {table.key} LIMIT 1"
        )
        rows = self._rows(table, sql, (start,))
        return int(rows[0][0]) if rows else None

    def _fingerprint(self, table: Table) -> str:
        return table.fingerprint(self._settings.shaping(table))

    def _buckets(self, table: Table, sql: str, window: IdRange) -> dict[int, Bucket]:
        rows = self._rows(table, sql, (window.start, window.stop))
        return {int(b): Bucket(int(n), _signed(int(xor))) for b, n, xor in rows}

    def _row(self, table: Table, sql: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...]:
        return self._rows(table, sql, values)[0]

    def _rows(
        self, table: Table, sql: str, values: tuple[Any, ...] = ()
    ) -> tuple[tuple[Any, ...], ...]:
        with source_errors(table.name), self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return tuple(cursor.fetchall())


@contextmanager
def shop_snapshot(url: str, settings: SyncSettings) -> Iterator[ShopSnapshot]:
    """The shop as of now, until the context ends."""
    connection = connect(url, deadline_seconds=settings.query_deadline_seconds)
    try:
        with source_errors():
            facts = read_facts(
                connection,
                status_mapping=settings.status_mapping,
                language=settings.shop_language,
            )
            _begin(connection, settings)
        yield ShopSnapshot(connection, facts, settings)
    finally:
        _close(connection)


def _begin(connection: "pymysql.Connection[Any]", settings: SyncSettings) -> None:
    deadline = settings.query_deadline_seconds
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), @@max_allowed_packet")
        version, packet = cursor.fetchall()[0]
        cursor.execute(
            "SET SESSION group_concat_max_len = %s, net_write_timeout = %s, lock_wait_timeout = %s",
            (min(BLOCK_BYTES, int(packet)), deadline, deadline),
        )
        if "MariaDB" in version:
            cursor.execute("SET SESSION max_statement_time = %s", (deadline,))
        else:
            cursor.execute("SET SESSION max_execution_time = %s", (deadline * 1000,))
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _close(connection: "pymysql.Connection[Any]") -> None:
    if connection.open:
        connection.close()


def _text(moment: object) -> str | None:
    """MAX of an expression may come back as text or as bytes, by server."""
    return moment.decode() if isinstance(moment, bytes) else None if moment is None else str(moment)


def _signed(unsigned: int) -> int:
    return unsigned - 2 * SIGN_BIT if unsigned >= SIGN_BIT else unsigned
