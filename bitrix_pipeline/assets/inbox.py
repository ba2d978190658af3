"""The inbox of webhooks as an asset: a run of it drains the inbox and tells what that wrote.

Here belongs what a person sees of a drain and which faults end a run; draining is in `inbox`.
"""

from collections import Counter
from collections.abc import Sequence

import dagster as dg
import pandas as pd

from bitrix_pipeline.assets.partitions import PARTITIONED_TABLES
from bitrix_pipeline.assets.presentation import result_metadata, sync_metadata, table_value
from bitrix_pipeline.assets.ranges import report_ranges
from bitrix_pipeline.assets.source import WEBHOOKS
from bitrix_pipeline.assets.tables import INBOX, OWNER, RETRIES
from bitrix_pipeline.errors import PermanentError, PipelineError, TransientError
from bitrix_pipeline.inbox.desk import Entry
from bitrix_pipeline.inbox.drain import DrainResult
from bitrix_pipeline.model import Table, table_named
from bitrix_pipeline.resources import Inbox, Pipeline
from bitrix_pipeline.sync import SyncResult

STRETCH_SECONDS = 600.0
"""A busy shop's drain ends now and then, so that its run can be looked at as a finished one."""

FAILURES_LOOKED_AT = 200

ENDED_BY_TAG, OUTAGE = "inbox_ended_by", "outage"
"""Tells the sensor, and a person who looks at the list of runs, that the drain got stuck."""

Metadata = dict[str, dg.MetadataValue]


@dg.asset(
    name=INBOX,
    deps=[WEBHOOKS],
    description=(
        "News from the shop: “order 123 was saved”. Received webhooks wait in Postgres; a run "
        "takes them out in batches, reads the rows that they tell of anew from the shop with all "
        "that those refer to, writes them into the tables, and stays a while for more "
        "(INBOX_LINGER_SECONDS).\n\n"
        "What fails by its own fault is tried again a few times and is then dead: `bitrix-pipeline "
        "inbox list --dead` shows it, `inbox replay` has it applied again. While a database is "
        "away the news waits, and none of it is lost."
    ),
    metadata={"dagster/table_name": "bitrix_pipeline.inbox_events"},
    group_name="inbox",
    owners=[OWNER],
    kinds={"webhook", "postgres"},
    tags={"entity": INBOX},
    retry_policy=RETRIES,
    pool=INBOX,
)
def webhook_inbox(
    context: dg.AssetExecutionContext, inbox: Inbox, pipeline: Pipeline
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    def report(part: DrainResult) -> None:
        for name, result in part.tables.items():
            _report_table(context, table_named(name), result, part, pipeline)

    try:
        result = inbox.drain(run_id=context.run.run_id, report=report, most_seconds=STRETCH_SECONDS)
        metadata = drain_metadata(result, inbox)
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    if isinstance(result.fault, TransientError):
        context.log.warning(f"{result.postponed} events wait until this is over: {result.fault}")
        context.instance.add_run_tags(context.run.run_id, {ENDED_BY_TAG: OUTAGE})
    elif result.fault:
        raise dg.Failure(str(result.fault), metadata=metadata, allow_retries=False)
    return dg.MaterializeResult(
        metadata=metadata,
        # Always the same: the tables do not depend on how many webhooks have ever been drained.
        data_version=dg.DataVersion(INBOX),
    )


def drain_metadata(result: DrainResult, inbox: Inbox) -> Metadata:
    """The same numbers under the same names for every drain: each becomes a chart."""
    status = inbox.status()
    numbers = {
        "events_applied": result.applied,
        "events_failed": result.failed,
        "events_dead": result.dead,
        "events_postponed": result.postponed,
        "batches": result.batches,
        "backlog": status.backlog,
    }
    metadata: Metadata = {name: dg.MetadataValue.int(value) for name, value in numbers.items()}
    metadata |= delay_metadata(result.delays)
    if result.fault:
        metadata["ended_by"] = dg.MetadataValue.text(str(result.fault))
    if refused := inbox.latest_refused(FAILURES_LOOKED_AT):
        metadata["latest_failures"] = table_value(by_reason(refused))
    return metadata


def delay_metadata(delays: Sequence[float]) -> Metadata:
    """From the receipt of an event to the commit of its rows; zeros when there was none."""
    ordered = sorted(delays) or [0.0]
    times = {
        "delay_p50_seconds": ordered[len(ordered) // 2],
        "delay_p95_seconds": ordered[len(ordered) * 95 // 100],
        "delay_max_seconds": ordered[-1],
    }
    return {name: dg.MetadataValue.float(round(value, 3)) for name, value in times.items()}


def by_reason(entries: Sequence[Entry]) -> pd.DataFrame:
    """Why events were refused, most frequent first, with the newest event as an example."""
    counts = Counter((entry.state, entry.reason or "") for entry in entries)
    newest = {(entry.state, entry.reason or ""): entry.id for entry in reversed(entries)}
    return pd.DataFrame(
        [
            {"state": state, "reason": reason, "events": count, "newest": newest[state, reason]}
            for (state, reason), count in counts.most_common()
        ]
    )


def _report_table(
    context: dg.AssetExecutionContext,
    table: Table,
    result: SyncResult,
    part: DrainResult,
    pipeline: Pipeline,
) -> None:
    if table.name in PARTITIONED_TABLES:
        size = pipeline.settings.partition_size
        report_ranges(context, result, size=size, is_whole=False)
    try:
        with pipeline.reports() as reports:
            metadata = sync_metadata(table, result, reports.table(table), reports.preview(table))
    except PipelineError as error:
        # What was written is told in any case.
        context.log.warning(f"{table.name} cannot be counted now: {error}")
        metadata = result_metadata(table, result)
    context.log_event(
        dg.AssetMaterialization(table.name, metadata={**metadata, **delay_metadata(part.delays)})
    )


INBOX_ASSETS = [webhook_inbox]
