"""What a data engineer must be able to trust, table by table.

Here belong questions with a yes or no; a check only reads.
https://docs.dagster.io/guides/test/asset-checks
"""

import dagster as dg

from bitrix_pipeline.assets.presentation import table_value
from bitrix_pipeline.errors import PermanentError
from bitrix_pipeline.model import TABLES, Table
from bitrix_pipeline.resources import Pipeline
from bitrix_pipeline.sync.reports import Reports

SHOWN_RANGES = 20


def nothing_set_aside(table: Table, reports: Reports) -> dg.AssetCheckResult:
    """Given with every materialization: a refused row is a warning, never a stop."""
    waiting = reports.table(table).set_aside
    metadata: dict[str, dg.MetadataValue] = {"rows_set_aside": dg.MetadataValue.int(waiting)}
    if waiting:
        metadata["reasons"] = table_value(reports.set_aside_reasons(table))
    return dg.AssetCheckResult(
        check_name="nothing_set_aside",
        asset_key=table.name,
        passed=waiting == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{waiting} rows that Postgres refused wait in bitrix_pipeline.set_aside; "
            "every sync tries them again"
            if waiting
            else "No row is waiting."
        ),
        metadata=metadata,
    )


def build_equality_check(table: Table) -> dg.AssetChecksDefinition:
    """Counts and hashes of all rows, in both databases."""

    @dg.asset_check(
        asset=table.name,
        name="equal_to_source",
        description="Every row has the same content as in the shop's MySQL (counts and hashes).",
    )
    def equal_to_source(pipeline: Pipeline) -> dg.AssetCheckResult:
        try:
            comparison = pipeline.compare(table)
        except PermanentError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        ranges = [f"{ids.start}-{ids.stop - 1}" for ids in comparison.differing[:SHOWN_RANGES]]
        ranges += comparison.codes[:SHOWN_RANGES]
        return dg.AssetCheckResult(
            passed=comparison.equal,
            severity=dg.AssetCheckSeverity.WARN,
            description="Equal." if comparison.equal else f"IDs to look at: {', '.join(ranges)}",
            metadata={
                "source_rows": comparison.source_rows,
                "target_rows": comparison.target_rows,
                "differing_ranges": len(comparison.differing),
            },
        )

    return equal_to_source


def build_orphan_check(table: Table) -> dg.AssetChecksDefinition:
    """Every reference leads to a row; how many lead to placeholders is told."""

    @dg.asset_check(
        asset=table.name,
        name="no_orphans",
        description="Every reference leads to a row; a placeholder counts as one.",
    )
    def no_orphans(pipeline: Pipeline) -> dg.AssetCheckResult:
        with pipeline.reports() as reports:
            orphans = reports.orphans(table)
        return dg.AssetCheckResult(
            passed=not any(orphans.values()),
            metadata={f"orphans_by_{name}": count for name, count in orphans.items()},
        )

    return no_orphans


def build_freshness_check(table: Table) -> dg.AssetChecksDefinition:
    """From the sync's own state, so that it holds for syncs from the shell as well.

    Dagster's freshness policy knows only that something was written, be it one row from a webhook.
    """

    @dg.asset_check(
        asset=table.name,
        name="is_fresh",
        description="A sync of the whole table ended within FRESHNESS_MINUTES.",
    )
    def is_fresh(pipeline: Pipeline) -> dg.AssetCheckResult:
        limit = pipeline.settings.freshness_minutes
        with pipeline.reports() as reports:
            seconds = reports.seconds_since_sync(table)
        if seconds is None:
            return dg.AssetCheckResult(passed=False, description="It was never synced.")
        return dg.AssetCheckResult(
            passed=seconds <= limit * 60,
            description=f"Synced {seconds / 60:.0f} minutes ago; the limit is {limit}.",
            metadata={"minutes_since_sync": round(seconds / 60, 1)},
        )

    return is_fresh


EQUALITY_CHECKS = [build_equality_check(table) for table in TABLES]
ORPHAN_CHECKS = [build_orphan_check(table) for table in TABLES if table.references]
FRESHNESS_CHECKS = [build_freshness_check(table) for table in TABLES]
TABLE_CHECKS = [*EQUALITY_CHECKS, *ORPHAN_CHECKS, *FRESHNESS_CHECKS]
