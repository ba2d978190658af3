"""The inbox of webhooks as an asset: a run of it drains the inbox and tells what that wrote.

Here belongs what a person sees of a drain and which faults end a run; draining is in `inbox`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import dagster as dg

from bitrix_pipeline.assets.faults import no_more_tries
from bitrix_pipeline.assets.partitions import PARTITIONED_TABLES
from bitrix_pipeline.assets.presentation import report_metadata, result_metadata, rows_value
from bitrix_pipeline.assets.ranges import report_ranges
from bitrix_pipeline.assets.source import WEBHOOKS
from bitrix_pipeline.assets.tables import INBOX, OWNER, RETRIES
from bitrix_pipeline.errors import PipelineError, TransientError
from bitrix_pipeline.inbox.desk import Entry
from bitrix_pipeline.inbox.drain import DrainResult
from bitrix_pipeline.model import table_named
from bitrix_pipeline.resources import Inbox, Pipeline

STRETCH_SECONDS = 600.0
"""A busy shop's drain ends now and then, so that its run can be looked at as a finished one."""

FAILURES_LOOKED_AT = 200

ENDED_BY_TAG, OUTAGE = "inbox_ended_by", "outage"
"""Tells the sensor, and a person who looks at the list of runs, that the drain got stuck."""

REASON_COLUMNS = ("state", "reason", "events", "newest")

NUMBER = re.compile(r"\d+")
"""An ID in a reason, as a rule; without it the reason is the same for many events."""

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
@no_more_tries()
def webhook_inbox(
    context: dg.AssetExecutionContext, inbox: Inbox, pipeline: Pipeline
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    def report(part: DrainResult) -> None:
        _report_part(context, part, size=pipeline.settings.partition_size)

    result = inbox.drain(run_id=context.run.run_id, report=report, most_seconds=STRETCH_SECONDS)
    _report_tables(context, result.tables, pipeline)
    metadata = drain_metadata(result, inbox)
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
        metadata["latest_failures"] = rows_value(by_reason(refused), REASON_COLUMNS)
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


def by_reason(entries: Sequence[Entry]) -> list[dict[str, str | int]]:
    """Why events were refused, most frequent first, with the newest event as an example."""
    kinds = [(entry.state, NUMBER.sub("…", entry.reason or "")) for entry in entries]
    newest = {kind: entry.id for kind, entry in reversed(list(zip(kinds, entries, strict=True)))}
    return [
        dict(zip(REASON_COLUMNS, (*kind, count, newest[kind]), strict=True))
        for kind, count in Counter(kinds).most_common()
    ]


def _report_part(context: dg.AssetExecutionContext, part: DrainResult, *, size: int) -> None:
    delays = delay_metadata(part.delays)
    for name, result in part.tables.items():
        if name in PARTITIONED_TABLES:
            report_ranges(context, result, size=size, is_whole=False)
        metadata = {**result_metadata(table_named(name), result), **delays}
        context.log_event(dg.AssetMaterialization(name, metadata=metadata))


def _report_tables(
    context: dg.AssetExecutionContext, tables: Iterable[str], pipeline: Pipeline
) -> None:
    """Once a run: counting a table takes the longer the larger it is."""
    try:
        with pipeline.reports() as reports:
            for table in map(table_named, tables):
                metadata = report_metadata(table, reports.table(table))
                context.log_event(dg.AssetMaterialization(table.name, metadata=metadata))
    except PipelineError as error:
        # What was written was told before.
        context.log.warning(f"The tables cannot be counted now: {error}")


INBOX_ASSETS = [webhook_inbox]
