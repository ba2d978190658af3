"""Starts a drain when webhooks wait; at most one at a time.

Its state is the inbox itself and the runs of the job. The cursor only tells a person what it asked
for last: clearing or editing it loses nothing.
"""

import itertools
import json
import time
from datetime import UTC, datetime

import dagster as dg

from bitrix_pipeline.assets.inbox import ENDED_BY_TAG, OUTAGE
from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.jobs import UNFINISHED
from bitrix_pipeline.jobs import drain_inbox as job
from bitrix_pipeline.resources import Inbox

HOLD_SECONDS = 25.0
"""A tick waits this long for news: the daemon looks every 5 s only, and gives a tick 60 s."""

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0
LONGEST_OUTAGE_PAUSE_SECONDS = 60.0
"""An outage ends by itself, and then news should not wait for long."""

STREAK = 7
"""After so many drains in a row that came to nothing the pause is at its longest."""

NOT_CONFIGURED = "POSTGRES_URL is not set: see .env.example"
UNDER_WAY = "a drain is under way, and sees what comes"


@dg.sensor(
    job=job,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Waits for webhooks in the inbox and starts a drain as soon as there is one.",
)
def drain_inbox(
    context: dg.SensorEvaluationContext, inbox: Inbox
) -> dg.SensorResult | dg.SkipReason:
    """Only reads. It asks for no run by key: keys are remembered for ever.

    Raises PermanentError, so that the tick fails and a person sees it, where a person must mend it.
    """
    if not inbox.is_configured:
        return dg.SkipReason(NOT_CONFIGURED)
    if reason := why_not_now(context.instance):
        return dg.SkipReason(reason)
    try:
        found = inbox.due()
        if not found.events and inbox.wait_for_news(hold_seconds(context.instance)):
            found = inbox.due()
    except TransientError as error:
        return dg.SkipReason(str(error))
    if not found.events:
        return dg.SkipReason("Nothing waits.")
    # While this tick waited, a person may have started one.
    if reason := why_not_now(context.instance):
        return dg.SkipReason(reason)
    asked = {"asked_at": datetime.now(UTC).isoformat(timespec="seconds"), "events": found.events}
    return dg.SensorResult(
        run_requests=[dg.RunRequest(tags={"inbox_events": str(found.events)})],
        cursor=json.dumps(asked),
    )


def hold_seconds(instance: dg.DagsterInstance) -> float:
    """Where one thread evaluates all sensors, a tick that waits would hold up the others."""
    return HOLD_SECONDS if instance.get_sensor_settings().get("use_threads") else 0.0


def why_not_now(instance: dg.DagsterInstance) -> str | None:
    """A drain is under way, or the last ones came to nothing a moment ago."""
    if instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=UNFINISHED), limit=1):
        return UNDER_WAY
    records = instance.get_run_records(dg.RunsFilter(job_name=job.name), limit=STREAK)
    stuck = list(itertools.takewhile(_came_to_nothing, records))
    if not stuck:
        return None
    left = pause(len(stuck), is_outage=_is_outage(stuck[0])) - (time.time() - _end(stuck[0]))
    if left <= 0:
        return None
    return f"{len(stuck)} drains in a row came to nothing; the next begins in {left:.0f} s"


def pause(drains: int, *, is_outage: bool) -> float:
    """Seconds after so many drains in a row that came to nothing."""
    longest = LONGEST_OUTAGE_PAUSE_SECONDS if is_outage else LONGEST_PAUSE_SECONDS
    return float(min(FIRST_PAUSE_SECONDS * 2 ** (drains - 1), longest))


def _came_to_nothing(record: dg.RunRecord) -> bool:
    return record.dagster_run.status is dg.DagsterRunStatus.FAILURE or _is_outage(record)


def _is_outage(record: dg.RunRecord) -> bool:
    return record.dagster_run.tags.get(ENDED_BY_TAG) == OUTAGE


def _end(record: dg.RunRecord) -> float:
    return record.end_time or record.update_timestamp.timestamp()
