"""One algorithm: make a Postgres table equal to MySQL for a scope."""

from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.scope import ChangedLately, Everything, IdRange, Ids, OfOrders, Scope
from bitrix_pipeline.sync.set_sync import sync_set
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.table_sync import sync_table

__all__ = [
    "ChangedLately",
    "Everything",
    "IdRange",
    "Ids",
    "OfOrders",
    "Scope",
    "SyncResult",
    "SyncSettings",
    "sync_set",
    "sync_table",
]
