"""What runs together.

Here belongs which assets and checks make up a job, and the housekeeping of Dagster's own storage
of the inbox and of the pushes' history.
https://docs.dagster.io/guides/build/jobs
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from bitrix_pipeline.assets.checks import EQUALITY_CHECKS, FRESHNESS_CHECKS, ORPHAN_CHECKS
from bitrix_pipeline.assets.inbox_checks import INBOX_CHECKS
from bitrix_pipeline.assets.push import DIFFS
from bitrix_pipeline.assets.push_checks import PUSH_CHECKS
from bitrix_pipeline.assets.tables import INBOX
from bitrix_pipeline.model import TABLES
from bitrix_pipeline.resources import Inbox, StatusPush
from bitrix_pipeline.run_coordinator import AT_ONCE, START_TAG, UNDER_WAY

TABLES_AND_CHECKS = dg.AssetSelection.assets(*(table.name for table in TABLES))

KEEP_RUNS_DAYS = 30
RUNS_PER_PASS = 500
"""Open-source Dagster prunes ticks but never runs; one pass stays short."""

# Crashes are retried by run_retries in dagster.yaml, failures of a step by its own RetryPolicy.
TAGS = {"dagster/max_retries": "1", "dagster/retry_on_asset_or_op_failure": "false"}

UNFINISHED = [*UNDER_WAY, dg.DagsterRunStatus.NOT_STARTED]

sync_changed = dg.define_asset_job(
    "sync_changed",
    selection=TABLES_AND_CHECKS - dg.AssetSelection.checks(*EQUALITY_CHECKS, *FRESHNESS_CHECKS),
    description="All tables: what changed lately.",
    tags=TAGS,
)

sync_everything = dg.define_asset_job(
    "sync_everything",
    selection=TABLES_AND_CHECKS,
    description="All tables: every row compared by content, and the proof that they are equal.",
    tags=TAGS,
)

check_tables = dg.define_asset_job(
    "check_tables",
    selection=dg.AssetSelection.checks(
        *FRESHNESS_CHECKS, *ORPHAN_CHECKS, *INBOX_CHECKS, *PUSH_CHECKS
    ),
    description="Are the tables fresh and whole, the inbox empty, the statuses sent? Reads Postgres only.",
)

drain_inbox = dg.define_asset_job(
    "drain_inbox",
    selection=dg.AssetSelection.assets(INBOX) | dg.AssetSelection.checks(*INBOX_CHECKS),
    description="Writes what webhooks tell of into the tables, and waits a while for more.",
    # Somebody is looking at the order in the CRM. Where it is queued all the same, it goes first.
    tags={**TAGS, START_TAG: AT_ONCE, "dagster/priority": "10"},
)

push_statuses = dg.define_asset_job(
    "push_statuses",
    selection=dg.AssetSelection.assets(DIFFS) | dg.AssetSelection.checks(*PUSH_CHECKS),
    description="Tells Bitrix of the statuses that the CRM changed.",
    tags=TAGS,
)


@dg.op
def delete_old_runs(context: dg.OpExecutionContext) -> None:
    """Deletes successful and canceled runs older than KEEP_RUNS_DAYS; failed ones stay."""
    before = datetime.now(UTC) - timedelta(days=KEEP_RUNS_DAYS)
    finished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED], created_before=before
    )
    records = context.instance.get_run_records(finished, limit=RUNS_PER_PASS, ascending=True)
    for record in records:
        context.instance.delete_run(record.dagster_run.run_id)
    context.log.info(f"deleted {len(records)} runs from before {before:%Y-%m-%d}")


@dg.op
def delete_old_events(context: dg.OpExecutionContext, inbox: Inbox) -> None:
    """Deletes the inbox's events whose retention has ended."""
    if inbox.is_configured:
        context.log.info(f"deleted {inbox.prune()} events from the inbox")


@dg.op
def delete_old_history(context: dg.OpExecutionContext, status_push: StatusPush) -> None:
    """Deletes the history of pushes whose retention has ended."""
    if status_push.crm.is_configured:
        context.log.info(f"deleted {status_push.prune()} rows of the history of pushes")


@dg.job(description="Keeps Dagster's own storage, the inbox and the history of pushes small.")
def housekeeping() -> None:
    delete_old_runs()
    delete_old_events()
    delete_old_history()


JOBS: list[Any] = [
    sync_changed,
    sync_everything,
    check_tables,
    drain_inbox,
    push_statuses,
    housekeeping,
]
