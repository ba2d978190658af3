"""Dagster's handles on the shop's MySQL, the CRM's Postgres and Bitrix's REST API.

Here belongs how a run reaches them; what it does there is in `sync`. They hold no connection and
no secret: a run reads the settings when it needs them.
https://docs.dagster.io/guides/build/external-resources
"""

from bitrix_pipeline.resources.databases import CrmPostgres, ShopMySQL
from bitrix_pipeline.resources.inbox import Inbox
from bitrix_pipeline.resources.pipeline import Pipeline
from bitrix_pipeline.resources.push import StatusPush

__all__ = ["CrmPostgres", "Inbox", "Pipeline", "ShopMySQL", "StatusPush"]
