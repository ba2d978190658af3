"""The code location: what Dagster loads. Puts things together, and nothing else does."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from bitrix_pipeline.assets import (
    BITRIX_STATUSES,
    INBOX_ASSETS,
    INBOX_CHECKS,
    PUSH_ASSETS,
    PUSH_CHECKS,
    SOURCE_TABLES,
    TABLE_ASSETS,
    TABLE_CHECKS,
    WEBHOOKS,
)
from bitrix_pipeline.jobs import JOBS
from bitrix_pipeline.resources import CrmPostgres, Inbox, Pipeline, ShopMySQL, StatusPush
from bitrix_pipeline.schedules import SCHEDULES
from bitrix_pipeline.sensors import SENSORS


def build_defs(*, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions, with resources of the caller's in place of the usual ones."""
    shop, crm = ShopMySQL(), CrmPostgres()
    usual = {
        "pipeline": Pipeline(shop=shop, crm=crm),
        "inbox": Inbox(shop=shop, crm=crm),
        "status_push": StatusPush(crm=crm),
    }
    return dg.Definitions(
        assets=[
            *SOURCE_TABLES,
            WEBHOOKS,
            *INBOX_ASSETS,
            *TABLE_ASSETS,
            *PUSH_ASSETS,
            BITRIX_STATUSES,
        ],
        asset_checks=[*INBOX_CHECKS, *TABLE_CHECKS, *PUSH_CHECKS],
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={**usual, **(resources or {})},
        # A step in a process of its own would cost two seconds of imports and gain nothing.
        executor=dg.in_process_executor,
    )


defs = build_defs()
