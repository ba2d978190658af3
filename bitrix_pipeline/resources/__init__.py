"""Dagster's handles on the shop's MySQL and the CRM's Postgres.

Here belongs how a run reaches the two; what it does there is in `sync`. They hold no connection and
no secret: a run reads the settings when it needs them.
https://docs.dagster.io/guides/build/external-resources
"""

from bitrix_pipeline.resources.databases import CrmPostgres, ShopMySQL
from bitrix_pipeline.resources.inbox import Inbox
from bitrix_pipeline.resources.pipeline import Pipeline

__all__ = ["CrmPostgres", "Inbox", "Pipeline", "ShopMySQL"]
