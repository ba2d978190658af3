"""When things run.

https://docs.dagster.io/guides/automate/schedules
"""

from typing import Any

import dagster as dg

from bitrix_pipeline.assets.partitions import CHANGED_LATELY, EVERYTHING, ID_RANGES
from bitrix_pipeline.assets.push import ENDED_BY_TAG, MASS_CHANGE, OVERLOAD
from bitrix_pipeline.errors import PermanentError, TransientError
from bitrix_pipeline.jobs import (
    UNFINISHED,
    check_tables,
    housekeeping,
    push_statuses,
    sync_changed,
    sync_everything,
)
from bitrix_pipeline.push.desk import Work
from bitrix_pipeline.resources import Pipeline, StatusPush

RUNNING = dg.DefaultScheduleStatus.RUNNING


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


def _schedule(
    name: str, job: Any, cron: str, description: str, *, key: str | None = None, zone: str = "UTC"
) -> dg.ScheduleDefinition:
    """Runs the job, with the partition if there is one, unless there is a reason not to."""

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=zone,
        default_status=RUNNING,
        description=description,
    )
    def tick(
        context: dg.ScheduleEvaluationContext, pipeline: Pipeline
    ) -> dg.RunRequest | dg.SkipReason:
        if reason := why_not_now(context, pipeline, job.name):
            return dg.SkipReason(reason)
        return _request(context, key) if key else dg.RunRequest()

    return tick


every_five_minutes = _schedule(
    "every_five_minutes",
    sync_changed,
    "*/5 * * * *",
    "Every 5 minutes: what changed lately.",
    key=CHANGED_LATELY,
)
nightly = _schedule(
    "nightly",
    sync_everything,
    "30 3 * * *",
    "Nightly: everything, compared by content.",
    key=EVERYTHING,
    zone="Europe/Moscow",
)
every_quarter = _schedule(
    "every_quarter",
    check_tables,
    "*/15 * * * *",
    "Every quarter of an hour: are the tables fresh and whole?",
)
daily_housekeeping = dg.ScheduleDefinition(
    name="daily_housekeeping",
    job=housekeeping,
    cron_schedule="10 4 * * *",
    default_status=RUNNING,
    description="Deletes old runs and old events of the inbox.",
)


@dg.schedule(
    name="push_every_five_minutes",
    job=push_statuses,
    cron_schedule="*/5 * * * *",
    default_status=RUNNING,
    description="Every 5 minutes: statuses that the CRM changed go to Bitrix, if there are any.",
)
def push_every_five_minutes(
    context: dg.ScheduleEvaluationContext, status_push: StatusPush
) -> dg.RunRequest | dg.SkipReason:
    """Only reads Postgres. An outage is a reason to skip; what a person must mend fails the tick."""
    if not status_push.is_configured:
        return dg.SkipReason("POSTGRES_URL and BITRIX_REST_URL are not both set: see .env.example")
    filters = dg.RunsFilter(job_name=push_statuses.name, statuses=UNFINISHED)
    if context.instance.get_runs(filters, limit=1):
        return dg.SkipReason(f"the previous run of {push_statuses.name} has not ended")
    try:
        work = status_push.work()
    except TransientError as error:
        return dg.SkipReason(str(error))
    except PermanentError as error:
        raise dg.Failure(str(error)) from None
    if not work.is_any:
        waits = f"; the next try is due in {work.next_in:.0f} s" if work.next_in else ""
        return dg.SkipReason(f"no order's status differs from Bitrix's{waits}")
    decision = _awaited_decision(context.instance, work, status_push.settings.push_max_changes)
    return dg.SkipReason(decision) if decision else dg.RunRequest()


def _awaited_decision(instance: dg.DagsterInstance, work: Work, limit: int) -> str:
    """What a person must do first, where the last run stopped for that; else nothing."""
    runs = instance.get_runs(dg.RunsFilter(job_name=push_statuses.name), limit=1)
    ended_by = runs[0].tags.get(ENDED_BY_TAG) if runs else None
    if ended_by == OVERLOAD:
        return (
            "Bitrix has blocked the webhook's account (OVERLOAD_LIMIT): ask its support to unblock it, "
            f"then launch {push_statuses.name} once by hand"
        )
    if ended_by == MASS_CHANGE and work.changes > limit:
        return (
            f"more orders than PUSH_MAX_CHANGES={limit:,} would change, and the last run stopped for "
            "that: bitrix-pipeline push run --allow-mass, if it is meant"
        )
    return ""


SCHEDULES = [
    push_every_five_minutes,
    every_five_minutes,
    nightly,
    every_quarter,
    daily_housekeeping,
]
