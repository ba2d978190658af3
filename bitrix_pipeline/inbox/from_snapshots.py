"""Applies events from the snapshots that they carry, where MySQL is out of reach by design.

Invariants:
- one transaction holds the rows, what became of them and which news was applied;
- of several events about a row only the latest counts, as `moment` says, whichever comes first: an
  event is stale when a later one was applied, or when the row that is there is of a later version or
  time;
- what rides along in an order's snapshot is news of itself, as of the order's event.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pandas as pd
from psycopg import sql

from bitrix_pipeline.inbox.applied import judged, note_applied
from bitrix_pipeline.inbox.changes import Change, Kind, changes_of
from bitrix_pipeline.inbox.event import Event
from bitrix_pipeline.inbox.order_transformer import OrderTransformer
from bitrix_pipeline.inbox.vanished import mark_archived, mark_gone, mark_lines_gone
from bitrix_pipeline.model import TABLES, Table, table_named
from bitrix_pipeline.model.order_items import ORDER_ITEMS
from bitrix_pipeline.model.orders import ORDERS
from bitrix_pipeline.model.table import Placeholder
from bitrix_pipeline.sync.parents import ParentCounts, complete_parents, in_order_of_turns
from bitrix_pipeline.sync.part import Part
from bitrix_pipeline.sync.postgres import Connection, connect, target_errors
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.rows import RowWriter
from bitrix_pipeline.sync.scope import IdRange
from bitrix_pipeline.sync.set_sync import for_news
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.snapshot import Block
from bitrix_pipeline.sync.target import Target

log = logging.getLogger(__name__)

SCOPE = "from snapshots"


def apply_snapshots(
    events: Sequence[Event],
    *,
    postgres_url: str,
    settings: SyncSettings,
    seal: Callable[[Connection], None],
    deleted_before: Mapping[str, int] | None = None,
) -> dict[str, SyncResult]:
    """Writes what the events' snapshots say, and says by table what that took.

    `seal` is the last thing done before COMMIT: if it raises, nothing was written. `deleted_before`
    are rows by table that count as part of the same wave of deletions. Raises EventError for an
    event that cannot be applied, and as `sync_table` does.
    """
    changes = [change for event in events for change in changes_of(event)]
    settings = for_news(settings)
    with (
        connect(postgres_url, deadline_seconds=settings.query_deadline_seconds) as connection,
        target_errors(),
        connection.transaction(),
    ):
        target = Target(connection, settings, deleted_before)
        target.begin()
        results = _Application(changes, target).run()
        target.check_references()
        seal(connection)
    for result in results.values():
        log.info("applied %s", result)
    return results


class _Application:
    """One batch, inside its transaction."""

    def __init__(self, changes: Sequence[Change], target: Target) -> None:
        self.changes = changes
        self.target = target
        self.transformer = OrderTransformer(target.settings)
        self.source = Postgres(target)

    def run(self) -> dict[str, SyncResult]:
        names = {change.table for change in self.changes}
        if "orders" in names:
            names.add("order_items")
        tables = [table for table in TABLES if table.name in names]
        for name in in_order_of_turns(names):
            self.target.wait_for_turn(table_named(name))
        results = {table.name: SyncResult(table.name, SCOPE) for table in tables}
        self.target.defer_references()
        self.target.make_scratch_tables()
        for table in tables:
            if table is not ORDER_ITEMS:
                with timed(results[table.name]):
                    self._apply(table, results)
        # When all that came is there: what is missing still gets a placeholder.
        for table in reversed(tables):
            with timed(results[table.name]):
                self._complete(table, results[table.name])
        return results

    def _apply(self, table: Table, results: dict[str, SyncResult]) -> None:
        """What rides along comes second: it is judged by the row that its own news has made."""
        for rides in (False, True):
            told = [c for c in self.changes if c.table == table.name and c.rides is rides]
            if not told:
                continue
            verdicts, frame = judged(self.target, table, told, self.transformer)
            fresh = [verdict.change for verdict in verdicts if verdict.change]
            self._merge(table, frame, results[table.name])
            self._mark_vanished(table, fresh, results[table.name])
            unfinished: set[int] = set()
            if table is ORDERS and fresh:
                unfinished = self._write_lines(fresh, results[ORDER_ITEMS.name])
            noted = [change for verdict in verdicts for change in verdict.noted]
            note_applied(self.target, table, noted, unfinished)

    def _write_lines(self, orders: Sequence[Change], result: SyncResult) -> set[int]:
        """Of these orders; gives the orders of which Postgres refused a line."""
        saved = sorted((c for c in orders if c.kind is Kind.SAVED), key=lambda c: c.happened)
        # A line that two orders name is the later one's.
        lines = {int(line[ORDER_ITEMS.key]): (line, c.id) for c in saved for line in c.lines}
        frame = self.transformer.frame(ORDER_ITEMS, [line for line, _ in lines.values()])
        self._merge(ORDER_ITEMS, frame, result)
        gone = mark_lines_gone(self.target, [c.id for c in saved], list(lines))
        count_deleted(result, gone)
        self._mark_vanished(ORDER_ITEMS, orders, result)
        refused = set(self.target.waiting(ORDER_ITEMS)) if result.set_aside else set()
        return {order for id_, (_, order) in lines.items() if id_ in refused}

    def _merge(self, table: Table, frame: pd.DataFrame, result: SyncResult) -> None:
        if frame.empty:
            return
        lines = self.transformer.lines(table, frame)
        ids = [int(id_) for id_ in frame["id"]]
        writer = RowWriter(table, self.target)
        for written in writer.merge(lines, IdRange(min(ids), max(ids) + 1)):
            result.count(written.range_number, inserted=written.inserted, updated=written.updated)
        result.read += len(ids)
        result.taken += len(ids)
        result.set_aside += writer.refused

    def _mark_vanished(self, table: Table, changes: Sequence[Change], result: SyncResult) -> None:
        if gone := [c.id for c in changes if c.kind is Kind.GONE]:
            count_deleted(result, mark_gone(self.target, table, gone))
        if archived := {c.id: c.happened.timestamp for c in changes if c.kind is Kind.ARCHIVED}:
            result.archived += mark_archived(self.target, table, archived)

    def _complete(self, table: Table, result: SyncResult) -> None:
        counts = ParentCounts()
        complete_parents(table, self.source, self.target, counts)
        result.placeholders += counts.placeholders


class Postgres:
    """Whom to ask for parents where MySQL is out of reach: the rows that are there already.

    None of them is a missing parent; the lines tell what a product's placeholder is filled with.
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    def blocks(self, part: Part) -> Iterator[Block]:
        names = ["source_hash", "id", *(column.name for column in part.table.columns)]
        query = sql.SQL("COPY (SELECT {} FROM {} WHERE id = ANY ({})) TO STDOUT (NULL '')").format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            self._target.statements(part.table).name,
            sql.Literal([ids.start for ids in part.ranges]),
        )
        with self._target.connection.cursor().copy(query) as copy:
            lines = b"".join(map(bytes, copy))
        if lines:
            yield Block(lines.count(b"\n"), lines)

    def newest_children(self, known: Placeholder, parents: Sequence[int]) -> list[int]:
        query = sql.SQL(
            "SELECT max(id) FROM {} WHERE {} = ANY (%s) AND source_hash IS NOT NULL GROUP BY {}"
        ).format(
            self._target.statements(table_named(known.child)).name,
            sql.Identifier(known.reference),
            sql.Identifier(known.reference),
        )
        return [row[0] for row in self._target.connection.execute(query, (list(parents),))]


def count_deleted(result: SyncResult, ranges: Iterable[tuple[int, int]]) -> None:
    for number, rows in ranges:
        result.count(number, deleted=rows)


@contextmanager
def timed(result: SyncResult) -> Iterator[None]:
    started = time.monotonic()
    yield
    result.seconds += time.monotonic() - started
