"""Starts some runs at once and queues the others: dagster.yaml names it.

Here belongs when a run starts, and nothing of what it does: the web server and the daemon load this too.
https://docs.dagster.io/deployment/execution/run-coordinators
"""

import dagster as dg
from dagster._core.run_coordinator import SubmitRunContext

START_TAG, AT_ONCE = "start", "at_once"
"""A job with this tag does not wait for the queue's next look."""

# Without NOT_STARTED: the run that is submitted is that itself.
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class StartAtOnceCoordinator(dg.QueuedRunCoordinator):
    """Dagster's queue, which looks once a second, but for runs that somebody waits for.

    While another of its job is under way such a run is queued too. Two that are submitted in the same
    moment may both start, and a run that starts at once heeds no limit of `concurrency`.
    """

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        run = context.dagster_run
        if self._waits(run):
            return super().submit_run(context)
        return self._instance.launch_run(run.run_id, context.workspace)

    def _waits(self, run: dg.DagsterRun) -> bool:
        if run.tags.get(START_TAG) != AT_ONCE or run.status is not dg.DagsterRunStatus.NOT_STARTED:
            return True
        others = dg.RunsFilter(job_name=run.job_name, statuses=UNDER_WAY)
        return bool(self._instance.get_runs(others, limit=1))
