"""What the Dagster UI shows: the shop's side, the inbox, the CRM's tables, the way back, and checks.

Here belongs how a table is presented and which scope a run syncs; how rows move is in `sync`.
https://docs.dagster.io/guides/build/assets
"""

from bitrix_pipeline.assets.checks import TABLE_CHECKS
from bitrix_pipeline.assets.inbox import INBOX_ASSETS
from bitrix_pipeline.assets.inbox_checks import INBOX_CHECKS
from bitrix_pipeline.assets.push import BITRIX_STATUSES, PUSH_ASSETS
from bitrix_pipeline.assets.push_checks import PUSH_CHECKS
from bitrix_pipeline.assets.source import SOURCE_TABLES, WEBHOOKS
from bitrix_pipeline.assets.tables import TABLE_ASSETS

__all__ = [
    "BITRIX_STATUSES",
    "INBOX_ASSETS",
    "INBOX_CHECKS",
    "PUSH_ASSETS",
    "PUSH_CHECKS",
    "SOURCE_TABLES",
    "TABLE_ASSETS",
    "TABLE_CHECKS",
    "WEBHOOKS",
]
