"""Makes some rows of several tables equal to MySQL, all in one transaction: what news asks for."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bitrix_pipeline.model import TABLES, table_named
from bitrix_pipeline.sync.parents import in_order_of_turns
from bitrix_pipeline.sync.postgres import Connection, connect, target_errors
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.scope import Ids, OfOrders, Scope
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.snapshot import shop_snapshot
from bitrix_pipeline.sync.table_sync import TableSync
from bitrix_pipeline.sync.target import Target

log = logging.getLogger(__name__)

LOCK_DEADLINE_SECONDS = 20
"""News waits no longer than this for a sync of a whole table: it is postponed instead."""

QUERY_DEADLINE_SECONDS = 30
ROW_LOCK_DEADLINE_SECONDS = 5
"""What is slow or locked holds up all other news meanwhile. A batch of 500 orders takes 0.2 s in all
(docs/decisions/0006-the-inbox.md), and what is broken off is taken again in smaller batches."""


def for_news(settings: SyncSettings) -> SyncSettings:
    """The settings with deadlines that suit a few rows."""
    return replace(
        settings,
        lock_deadline_seconds=min(settings.lock_deadline_seconds, LOCK_DEADLINE_SECONDS),
        query_deadline_seconds=min(settings.query_deadline_seconds, QUERY_DEADLINE_SECONDS),
        row_lock_deadline_seconds=ROW_LOCK_DEADLINE_SECONDS,
    )


def sync_set(
    ids: Mapping[str, Sequence[int]],
    *,
    mysql_url: str,
    postgres_url: str,
    settings: SyncSettings,
    seal: Callable[[Connection], None],
    deleted_before: Mapping[str, int] | None = None,
) -> dict[str, SyncResult]:
    """Makes these rows equal to the source, an order with all its lines, and says what that took.

    `ids` are Bitrix IDs by table. Parents that are missing are loaded too. `seal` is the last thing
    done before COMMIT: if it raises, nothing was written. `deleted_before` are rows by table that
    count as part of the same wave of deletions. Raises as `sync_table` does.
    """
    scopes = _scopes(ids)
    settings = for_news(settings)
    results: dict[str, SyncResult] = {}
    with (
        connect(postgres_url, deadline_seconds=settings.query_deadline_seconds) as connection,
        target_errors(),
        connection.transaction(),
    ):
        target = Target(connection, settings, deleted_before)
        target.begin()
        for name in in_order_of_turns(scopes):
            target.wait_for_turn(table_named(name))
        with shop_snapshot(mysql_url, settings) as shop:
            for name, scope in scopes.items():
                started = time.monotonic()
                sync = TableSync(table_named(name), scope, shop, target, lambda *_: None)
                results[name] = sync.run()
                results[name].seconds = time.monotonic() - started
        seal(connection)
    for result in results.values():
        log.info("synced %s", result)
    return results


def _scopes(ids: Mapping[str, Sequence[int]]) -> dict[str, Scope]:
    """By table, parents first."""
    scopes: dict[str, Scope] = {name: Ids(tuple(found)) for name, found in ids.items() if found}
    if orders := ids.get("orders"):
        scopes["order_items"] = OfOrders(tuple(orders))
    return {table.name: scopes[table.name] for table in TABLES if table.name in scopes}
