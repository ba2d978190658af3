"""Rows that vanished from the source: deleted, or moved to the order archive.

Bitrix deletes rows for good and leaves no tombstones, so a row is deleted when its range was read
and it was not there. A wave of deletions is more likely a fault than a wish, and stops.
"""

from bitrix_pipeline.errors import DeletionWaveError
from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.plan import Plan
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.snapshot import ShopSnapshot
from bitrix_pipeline.sync.target import Target

ARCHIVE_BATCH = 1_000
"""Order IDs looked up in the archive at once."""


def refuse_shrunken(table: Table, plan: Plan, shop: ShopSnapshot, target: Target) -> None:
    """Raises DeletionWaveError before anything is written, when the counts alone show a wave.

    Orders and their lines may have gone to the archive, which the counts cannot show.
    """
    if table.kept_while_archived is None:
        _refuse_wave(table, plan.vanished_at_least, shop, target)


def mark_vanished(
    table: Table, plan: Plan, shop: ShopSnapshot, target: Target, result: SyncResult
) -> None:
    """Marks what the plan covered and the source no longer has.

    Raises DeletionWaveError when that is more than the limit allows.
    """
    vanished = target.note_vanished(table, plan.covered)
    if not vanished:
        return
    if table.kept_while_archived:
        target.note_archived(_archived(shop, sorted({order_id for _, order_id in vanished})))
        result.archived = target.mark_archived(table)
    _refuse_wave(table, len(vanished) - result.archived, shop, target)
    for range_number, rows in target.mark_deleted(table):
        result.count(range_number, deleted=rows)


def mark_vanished_codes(
    table: Table, seen: list[str], shop: ShopSnapshot, target: Target, result: SyncResult
) -> None:
    """The same for a table whose keys are codes and which always travels whole."""
    if not seen and target.live_rows(table):
        _refuse_wave(table, target.live_rows(table), shop, target)
    result.count(0, deleted=target.mark_deleted_codes(table, seen))


def _archived(shop: ShopSnapshot, order_ids: list[int]) -> dict[int, str | None]:
    archived: dict[int, str | None] = {}
    for first in range(0, len(order_ids), ARCHIVE_BATCH):
        archived |= shop.archived_orders(order_ids[first : first + ARCHIVE_BATCH])
    return archived


def _refuse_wave(table: Table, rows: int, shop: ShopSnapshot, target: Target) -> None:
    settings = target.settings
    if settings.allow_deletions or not rows:
        return
    allow = (
        "nothing was written. If this is right, run "
        f"bitrix-pipeline sync --table {table.name} --full --allow-deletions"
    )
    if not shop.has_rows(table):
        raise DeletionWaveError(f"{table.name}: {table.source} has no rows for it at all; {allow}")
    if rows <= settings.deletion_limit_rows:
        return
    live = target.live_rows(table)
    if rows > settings.deletion_limit_share * live:
        raise DeletionWaveError(
            f"{table.name}: {rows} of {live} rows are gone from {table.source}, more than "
            f"{settings.deletion_limit_share:.0%}; {allow}"
        )
