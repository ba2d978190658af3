"""When things run.

https://docs.dagster.io/guides/automate/schedules
"""

import dagster as dg

from bitrix_pipeline.assets.partitions import CHANGED_LATELY, EVERYTHING, ID_RANGES
from bitrix_pipeline.jobs import check_tables, housekeeping, sync_changed, sync_everything
from bitrix_pipeline.resources import Pipeline

RUNNING = dg.DefaultScheduleStatus.RUNNING

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def why_not_now(
    context: dg.ScheduleEvaluationContext, pipeline: Pipeline, job_name: str
) -> str | None:
    """The reason to skip a tick: nothing to connect to, or the last run has not ended."""
    if not pipeline.is_configured:
        return "BITRIX_MYSQL_URL and POSTGRES_URL are not both set: see .env.example"
    unfinished = dg.RunsFilter(job_name=job_name, statuses=UNFINISHED)
    if context.instance.get_runs(unfinished, limit=1):
        return f"the previous run of {job_name} has not ended"
    return None


def _request(context: dg.ScheduleEvaluationContext, key: str) -> dg.RunRequest:
    """The key is registered here as well, because the sensor may not have run yet."""
    context.instance.add_dynamic_partitions(str(ID_RANGES.name), [key])
    return dg.RunRequest(partition_key=key)


@dg.schedule(
    job=sync_changed,
    cron_schedule="*/5 * * * *",
    default_status=RUNNING,
    description="Every 5 minutes: what changed lately.",
)
def every_five_minutes(
    context: dg.ScheduleEvaluationContext, pipeline: Pipeline
) -> dg.RunRequest | dg.SkipReason:
    reason = why_not_now(context, pipeline, sync_changed.name)
    return dg.SkipReason(reason) if reason else _request(context, CHANGED_LATELY)


@dg.schedule(
    job=sync_everything,
    cron_schedule="30 3 * * *",
    execution_timezone="Europe/Moscow",
    default_status=RUNNING,
    description="Nightly: everything, compared by content.",
)
def nightly(
    context: dg.ScheduleEvaluationContext, pipeline: Pipeline
) -> dg.RunRequest | dg.SkipReason:
    reason = why_not_now(context, pipeline, sync_everything.name)
    return dg.SkipReason(reason) if reason else _request(context, EVERYTHING)


@dg.schedule(
    job=check_tables,
    cron_schedule="*/15 * * * *",
    default_status=RUNNING,
    description="Every quarter of an hour: are the tables fresh and whole?",
)
def every_quarter(
    context: dg.ScheduleEvaluationContext, pipeline: Pipeline
) -> dg.RunRequest | dg.SkipReason:
    reason = why_not_now(context, pipeline, check_tables.name)
    return dg.SkipReason(reason) if reason else dg.RunRequest()


daily_housekeeping = dg.ScheduleDefinition(
    name="daily_housekeeping",
    job=housekeeping,
    cron_schedule="10 4 * * *",
    default_status=RUNNING,
    description="Deletes old runs.",
)

SCHEDULES = [every_five_minutes, nightly, every_quarter, daily_housekeeping]
