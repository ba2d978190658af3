"""Runs the tables that Dagster left out because a table they refer to had failed.

A sync needs no other table's sync: missing parents are loaded by ID. But Dagster skips what is
downstream of a failed step, so one renamed column in `b_user` would hold up the orders.
"""

import dagster as dg

from bitrix_pipeline.jobs import sync_changed, sync_everything
from bitrix_pipeline.model import TABLES

PARTITION_TAG = "dagster/partition"


@dg.run_failure_sensor(
    monitored_jobs=[sync_changed, sync_everything],
    request_jobs=[sync_changed, sync_everything],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="After a failed sync, runs the tables that were skipped because of it.",
)
def carry_on(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Ends by itself: what failed is left out, so each such run has fewer tables."""
    run = context.dagster_run
    left_out = tables_left_out(context.instance, run)
    if not left_out:
        return dg.SkipReason("Every table was tried.")
    return dg.RunRequest(
        run_key=run.run_id,
        job_name=run.job_name,
        asset_selection=[dg.AssetKey(name) for name in left_out],
        partition_key=run.tags.get(PARTITION_TAG),
    )


def tables_left_out(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """The tables of a run whose step never started."""
    chosen = run.asset_selection
    planned = [t.name for t in TABLES if not chosen or dg.AssetKey(t.name) in chosen]
    started = {stats.step_key for stats in instance.get_run_step_stats(run.run_id)}
    # A run that died before any step started is retried whole by run_retries.
    return [name for name in planned if name not in started] if started else []
