"""What the Dagster UI shows: the shop's MySQL tables, the CRM's tables, and the checks on them.

Here belongs how a table is presented and which scope a run syncs; how rows move is in `sync`.
https://docs.dagster.io/guides/build/assets
"""

from bitrix_pipeline.assets.checks import TABLE_CHECKS
from bitrix_pipeline.assets.source import SOURCE_TABLES
from bitrix_pipeline.assets.tables import TABLE_ASSETS

__all__ = ["SOURCE_TABLES", "TABLE_ASSETS", "TABLE_CHECKS"]
