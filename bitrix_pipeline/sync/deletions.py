"""Rows that vanished from the source: deleted, or moved to the order archive.

Bitrix deletes rows for good and leaves no tombstones, so a row is deleted when its range was read
and it was not there. A wave of deletions is more likely a fault than a wish, and stops.
"""

from collections.abc import Collection

from bitrix_pipeline.errors import DeletionWaveError
from bitrix_pipeline.model import Table
from bitrix_pipeline.model.orders import ORDERS
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
    gone = {order_id for _, order_id in vanished}
    if table.kept_while_archived:
        archived = _archived(shop, sorted(gone))
        target.note_archived(archived)
        result.archived = target.mark_archived(table)
        gone -= archived.keys()
    _refuse_wave(table, len(vanished) - result.archived, shop, target, gone)
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


def _refuse_wave(
    table: Table, rows: int, shop: ShopSnapshot, target: Target, gone: Collection[int] = ()
) -> None:
    if rows and not target.settings.allow_deletions and not shop.has_rows(table):
        found = f"{table.source} has no rows for it at all"
        raise DeletionWaveError(table.name, found, entity=_entity(table), ids=gone)
    refuse_wave(table, rows, target, gone)


def refuse_wave(table: Table, rows: int, target: Target, gone: Collection[int] = ()) -> None:
    """Raises DeletionWaveError when these are more rows than the limits allow to delete.

    They count together with what the target has deleted already: a wave may come in pieces.
    `gone` are the IDs to name: the rows' own, or their orders' where these are kept with them.
    """
    settings, before = target.settings, target.deleted[table.name]
    total = rows + before
    if not rows or settings.allow_deletions or total <= settings.deletion_limit_rows:
        return
    live = target.live_rows(table) + before
    if total > settings.deletion_limit_share * live:
        lately = f" ({before} of them were deleted a moment ago)" if before else ""
        found = (
            f"{total} of {live} rows are gone from {table.source}{lately}, more than "
            f"{settings.deletion_limit_share:.0%}"
        )
        raise DeletionWaveError(table.name, found, entity=_entity(table), ids=gone)


def _entity(table: Table) -> str:
    return ORDERS.name if table.kept_while_archived else table.name
