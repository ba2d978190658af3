"""The CRM's tables: one asset each, made from its declaration."""

import time
import warnings
from datetime import timedelta

import dagster as dg

from bitrix_pipeline.assets.checks import nothing_set_aside
from bitrix_pipeline.assets.faults import no_more_tries
from bitrix_pipeline.assets.partitions import (
    ID_RANGES,
    PARTITIONED_TABLES,
    SPECIAL_KEYS,
    range_of,
)
from bitrix_pipeline.assets.presentation import sync_metadata, table_metadata
from bitrix_pipeline.assets.ranges import report_ranges
from bitrix_pipeline.assets.scope import SyncConfig, scopes_of
from bitrix_pipeline.assets.source import source_key
from bitrix_pipeline.model import TABLES, Table
from bitrix_pipeline.resources import Pipeline
from bitrix_pipeline.sync import ChangedLately, Everything, Scope, SyncResult
from bitrix_pipeline.sync.plan import Progress

# The one beta parameter used here; the warning would greet everyone four times at every start.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*backfill_policy.*")

GROUP = "crm"
OWNER = "team:data"

INBOX = "webhook_inbox"
"""The asset whose runs write news from webhooks into the tables."""

WITHOUT_NEWS = ("order_statuses",)

PARTITIONS_PER_RUN = 10
"""One run of a backfill: enough to share the start of a process, few enough to fail alone."""

STALE_AFTER = timedelta(minutes=20)
LATE_AFTER = timedelta(minutes=12)

PROGRESS_SECONDS = 5.0

# Only what another try can mend is retried: a PermanentError becomes a Failure at once.
RETRIES = dg.RetryPolicy(
    max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


def build_table_asset(table: Table) -> dg.AssetsDefinition:
    """The asset that keeps one table equal to the shop."""
    is_partitioned = table.name in PARTITIONED_TABLES

    @dg.asset(
        name=table.name,
        deps=[*map(source_key, table.source_tables), *_parents(table), *_news(table)],
        description=_description(table),
        metadata=table_metadata(table),
        group_name=GROUP,
        owners=[OWNER],
        kinds={"postgres", "python"},
        tags={"entity": table.name},
        partitions_def=ID_RANGES if is_partitioned else None,
        backfill_policy=dg.BackfillPolicy.multi_run(PARTITIONS_PER_RUN) if is_partitioned else None,
        retry_policy=RETRIES,
        freshness_policy=dg.FreshnessPolicy.time_window(STALE_AFTER, LATE_AFTER),
        code_version=table.fingerprint(),
        pool=table.name,
        check_specs=[
            dg.AssetCheckSpec(
                "nothing_set_aside",
                asset=table.name,
                description="No row waits because Postgres refused it.",
            )
        ],
    )
    @no_more_tries()
    def table_asset(
        context: dg.AssetExecutionContext, config: SyncConfig, pipeline: Pipeline
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        keys = _partition_keys(context)
        ranges = [key for key in keys if key not in SPECIAL_KEYS and is_partitioned]
        specials = [key for key in keys if key in SPECIAL_KEYS]
        scopes = scopes_of(config, [*specials, *ranges])
        result = _run_syncs(context, table, scopes, config, pipeline)
        with pipeline.reports() as reports:
            report, preview = reports.table(table), reports.preview(table)
            for key in ranges:
                rows = reports.rows_in(table, range_of(key))
                context.add_asset_metadata({"dagster/partition_row_count": rows}, partition_key=key)
            if is_partitioned and not ranges:
                size = pipeline.settings.partition_size
                report_ranges(context, result, size=size, is_whole=_is_whole(scopes))
            return dg.MaterializeResult(
                metadata=sync_metadata(table, result, report, preview),
                check_results=[nothing_set_aside(table, reports)],
            )

    return table_asset


def _run_syncs(
    context: dg.AssetExecutionContext,
    table: Table,
    scopes: list[Scope],
    config: SyncConfig,
    pipeline: Pipeline,
) -> SyncResult:
    results = [
        pipeline.sync(
            table,
            scope,
            allow_deletions=config.allow_deletions,
            accept_schema=config.accept_schema,
            progress=_log_progress(context, table),
        )
        for scope in scopes
    ]
    total = results[0]
    for result in results[1:]:
        total.add(result)
    context.log.info(str(total))
    return total


def _partition_keys(context: dg.AssetExecutionContext) -> list[str]:
    if context.has_partition_key:
        return [context.partition_key]
    return list(context.partition_keys) if context.has_partition_key_range else []


def _is_whole(scopes: list[Scope]) -> bool:
    return all(isinstance(scope, Everything | ChangedLately) for scope in scopes)


def _log_progress(context: dg.AssetExecutionContext, table: Table) -> Progress:
    """An event now and then, not one a block: each is a row in Dagster's storage."""
    last = time.monotonic()

    def log(stage: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            share = f" ({done / total:.0%})" if total else ""
            context.log.info(f"{table.name}: {stage} {done:,} of {total:,}{share}")

    return log


def _parents(table: Table) -> list[dg.AssetDep]:
    """Any range may refer to any range of the parent."""
    names = dict.fromkeys(str(column.references) for column in table.references)
    return [
        dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
        if {name, table.name} <= set(PARTITIONED_TABLES)
        else dg.AssetDep(name)
        for name in names
        if name != table.name
    ]


def _news(table: Table) -> list[str]:
    return [] if table.name in WITHOUT_NEWS else [INBOX]


def _description(table: Table) -> str:
    sources = ", ".join(f"`{name}`" for name in table.source_tables)
    partitions = (
        "The partition `changed-lately` takes what changed, `everything` compares all rows, and "
        "the others are ranges of IDs; the run config takes single IDs or any range. "
    )
    return (
        f"{table.description}\n\n"
        f"Kept equal to {sources} in the shop's MySQL, row for row, with Bitrix's IDs. "
        f"{partitions if table.name in PARTITIONED_TABLES else ''}"
        "Rows that Bitrix deletes stay, with `deleted_at` set; "
        "a row that others refer to and that Bitrix no longer has is a placeholder."
    )


TABLE_ASSETS = [build_table_asset(table) for table in TABLES]
