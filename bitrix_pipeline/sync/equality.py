"""Proves, or disproves, that a table equals its source: the comparison of a sync without the sync."""

from dataclasses import dataclass

from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.part import Part
from bitrix_pipeline.sync.plan import plan_sync
from bitrix_pipeline.sync.postgres import connect, target_errors
from bitrix_pipeline.sync.scope import Everything, IdRange
from bitrix_pipeline.sync.set_aside import key_of
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.snapshot import ShopSnapshot, shop_snapshot
from bitrix_pipeline.sync.target import Target


@dataclass(frozen=True)
class Comparison:
    """How far a table is from its source."""

    source_rows: int
    target_rows: int
    differing: tuple[IdRange, ...]
    """Ranges of IDs whose rows are not the same; a changed row makes its neighbours suspect."""
    codes: tuple[str, ...] = ()
    """The same for a table whose keys are codes."""

    @property
    def equal(self) -> bool:
        return not (self.differing or self.codes) and self.source_rows == self.target_rows


def compare_table(
    table: Table, *, mysql_url: str, postgres_url: str, settings: SyncSettings
) -> Comparison:
    """Compares counts and hashes of all rows. Writes nothing."""
    deadline = settings.query_deadline_seconds
    with (
        connect(postgres_url, deadline_seconds=deadline) as connection,
        target_errors(table.name),
        connection.transaction(),
    ):
        target = Target(connection, settings)
        target.begin()
        with shop_snapshot(mysql_url, settings) as shop:
            shop.require_key(table)
            if table.has_text_key:
                return _compare_codes(table, shop, target)
            plan = plan_sync(
                table,
                Everything(),
                shop=shop,
                target=target,
                watermark=None,
                progress=lambda *_: None,
            )
            if plan.walk:
                return Comparison(shop.count(table), 0, (plan.walk,))
        return Comparison(plan.read, target.live_rows(table), tuple(plan.covered))


def _compare_codes(table: Table, shop: ShopSnapshot, target: Target) -> Comparison:
    """Row by row: such a table is small and has no ranges."""
    lines = [line for b in shop.blocks(Part(table)) for line in b.lines.splitlines()]
    theirs = {key_of(line): int(line.split(b"\t", 1)[0]) for line in lines}
    ours = target.hashes(table)
    differing = [code for code in theirs | ours if theirs.get(code) != ours.get(code)]
    return Comparison(len(theirs), len(ours), (), tuple(sorted(differing)))
