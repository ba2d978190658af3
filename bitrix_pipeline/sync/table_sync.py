"""Makes one Postgres table equal to MySQL for a scope.

Invariants:
- one transaction holds the rows, the placeholders, what was set aside and the state: a killed sync
  leaves nothing behind, and the same sync run again ends in the same place;
- a table's turn is taken before the shop's snapshot, so an older snapshot never overwrites a newer;
- `source_hash` is not NULL exactly for the rows that the source had at the last look, so comparing
  hashes also finds deletions, and placeholders and the CRM's own rows never count as differences.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bitrix_pipeline.errors import SourceError
from bitrix_pipeline.model import Table, table_named
from bitrix_pipeline.sync.ahead import ahead
from bitrix_pipeline.sync.deletions import (
    mark_vanished,
    mark_vanished_codes,
    refuse_shrunken,
)
from bitrix_pipeline.sync.indexes import put_back, take_away
from bitrix_pipeline.sync.parents import ParentCounts, complete_parents
from bitrix_pipeline.sync.part import Part
from bitrix_pipeline.sync.plan import BLOCK_ROWS, Plan, Progress, newest_change, plan_sync
from bitrix_pipeline.sync.postgres import connect, target_errors
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.rows import RowWriter
from bitrix_pipeline.sync.scope import ChangedLately, Everything, Scope
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.snapshot import Block, ShopSnapshot, shop_snapshot
from bitrix_pipeline.sync.target import SyncState, Target, Written

log = logging.getLogger(__name__)

FILL_ROWS = 20_000
"""From this size on, an empty table is filled first and indexed afterwards."""


def sync_table(
    table: Table,
    scope: Scope,
    *,
    mysql_url: str,
    postgres_url: str,
    settings: SyncSettings,
    progress: Progress = lambda *_: None,
) -> SyncResult:
    """Makes the table equal to the source within the scope and returns what that took.

    Raises TransientError (try again), SourceError, TargetError or DeletionWaveError (mend first);
    then nothing was written.
    """
    started = time.monotonic()
    deadline = settings.query_deadline_seconds
    with (
        connect(postgres_url, deadline_seconds=deadline) as connection,
        target_errors(table.name),
        connection.transaction(),
    ):
        target = Target(connection, settings)
        target.begin()
        target.wait_for_turn(table)
        with shop_snapshot(mysql_url, settings) as shop:
            table_sync = TableSync(table, scope, shop, target, progress)
            result = table_sync.run()
            table_sync.save_state()
    result.seconds = time.monotonic() - started
    log.info("synced %s", result)
    return result


class TableSync:
    """One sync of one table, inside a transaction that holds its turn."""

    def __init__(
        self, table: Table, scope: Scope, shop: ShopSnapshot, target: Target, progress: Progress
    ) -> None:
        self.table = table
        self.scope = scope
        self.shop = shop
        self.target = target
        self.progress = progress
        self.result = SyncResult(table.name, str(scope))

    def run(self) -> SyncResult:
        state = self._checked_state()
        self.target.make_scratch_tables()
        self.target.defer_references()
        with self._timed("compare_seconds"):
            plan = plan_sync(
                self.table,
                self.scope,
                shop=self.shop,
                target=self.target,
                watermark=state.watermark,
                progress=self.progress,
            )
        with self._timed("load_seconds"):
            if plan.walk and self.shop.has_at_least(self.table, FILL_ROWS):
                self._fill(plan)
            else:
                self._merge(plan)
        self.result.read = max(plan.read, self.result.taken)
        return self.result

    def _checked_state(self) -> SyncState:
        self.shop.require_key(self.table)
        state = self.target.state(self.table)
        lost = self.shop.missing_columns(state.source_columns)
        if lost and not self.target.settings.accept_schema:
            raise SourceError(
                f"{self.table.name}: {', '.join(lost)} was read before and is gone from the shop's "
                "MySQL; nothing was changed. If the shop was really changed so, run "
                f"bitrix-pipeline sync --table {self.table.name} --accept-schema: it becomes NULL"
            )
        return state

    def _fill(self, plan: Plan) -> None:
        """An empty table: rows first, then their parents, then indexes and foreign keys.

        Dropping a foreign key locks the parent as well, so the parents' turns are taken first: a
        sync of theirs would else wait for that lock, and this one for its turn.
        """
        parents = [table_named(name) for name in self.table.parents]
        for parent in parents:
            self.target.wait_for_turn(parent)
        name = self.target.statements(self.table).name
        indexes = take_away(
            self.target.connection, name, [self.target.statements(p).name for p in parents]
        )
        writer = RowWriter(self.table, self.target)
        for block, part in self._blocks(plan):
            self._count(writer.fill(block.lines, part.hull))
        self.target.note_missing_parents_of_all(self.table)
        self._finish(writer)
        self.progress("indexing", 0, 0)
        put_back(self.target.connection, name, indexes)
        self.target.gather_statistics(self.table)

    def _merge(self, plan: Plan) -> None:
        refuse_shrunken(self.table, plan, self.shop, self.target)
        writer = RowWriter(self.table, self.target)
        for block, part in self._blocks(plan):
            self._count(writer.merge(block.lines, part.hull))
        if self.table.has_text_key:
            mark_vanished_codes(self.table, writer.codes, self.shop, self.target, self.result)
            writer.forget_vanished(writer.waiting - set(writer.codes))
        else:
            mark_vanished(self.table, plan, self.shop, self.target, self.result)
            writer.forget_vanished(map(str, plan.waiting))
        self._finish(writer)

    def _count(self, written: list[Written]) -> None:
        for rows in written:
            self.result.count(rows.range_number, inserted=rows.inserted, updated=rows.updated)

    def _blocks(self, plan: Plan) -> Iterator[tuple[Block, Part]]:
        for block, part in ahead(self._fetched(plan)):
            yield block, part
            self.result.taken += block.rows
            if plan.walk and part.hull:
                width = plan.walk.stop - plan.walk.start
                self.progress("loaded IDs", part.hull.stop - plan.walk.start, width)
            else:
                self.progress("loaded", self.result.taken, plan.rows)

    def _fetched(self, plan: Plan) -> Iterator[tuple[Block, Part]]:
        if plan.walk:
            yield from self.shop.walk(self.table, plan.walk, rows=BLOCK_ROWS)
        for part in plan.parts:
            for block in self.shop.blocks(part):
                yield block, part

    def _finish(self, writer: RowWriter) -> None:
        counts = ParentCounts()
        complete_parents(self.table, self.shop, self.target, counts)
        self.result.parents = counts.loaded
        self.result.placeholders = counts.placeholders
        self.result.set_aside = writer.refused + counts.set_aside
        self.target.check_references()

    def save_state(self) -> None:
        """Notes where the sync of the table stands now."""
        compared_all = isinstance(self.scope, Everything | ChangedLately)
        watermark = newest_change(self.table, self.shop, self.target.settings)
        self.target.save_state(
            self.table,
            state=SyncState(
                watermark if compared_all else None, self.shop.present_columns(self.table)
            ),
            scope=str(self.scope),
            compared_all=compared_all,
        )

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        setattr(self.result, name, time.monotonic() - started)
