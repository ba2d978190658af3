"""The daemon's own scheduler over a real code server, and the run that it starts.

The moments are given to it: a tick of `*/5` would else take up to five minutes.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_representation.external import RemoteSchedule
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._scheduler.scheduler import launch_scheduled_runs
from pushing import Desk

RUN_SECONDS = 120.0
"""A run's process imports Dagster first, on a machine that may do other things."""

UNQUEUED = {
    "run_coordinator": {
        "module": "dagster._core.run_coordinator",
        "class": "DefaultRunCoordinator",
    }
}

FIVE_MINUTES = timedelta(minutes=5)
ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


@dataclass
class Daemon:
    """The scheduler, and the moment that it is told."""

    workspace: WorkspaceProcessContext
    instance: dg.DagsterInstance
    now: datetime

    def tick(self) -> InstigatorTick:
        """The newest tick of the push's schedule, after five minutes more."""
        self.now += FIVE_MINUTES
        self._look()
        schedule = self._schedule()
        ticks = self.instance.get_ticks(
            schedule.get_remote_origin_id(), schedule.selector_id, limit=1
        )
        return ticks[0]

    def run(self, run_id: str) -> dg.DagsterRun:
        """The run when it has ended."""
        deadline = time.monotonic() + RUN_SECONDS
        while (found := self.instance.get_run_by_id(run_id)) is None or found.status not in ENDED:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found

    def begin(self) -> None:
        """The daemon's first look takes down since when the schedules run."""
        self._look()

    def _look(self) -> None:
        times: dict[str, Any] = {}
        logger = logging.getLogger(__name__)
        list(launch_scheduled_runs(self.workspace, logger, self.now, times))

    def _schedule(self) -> RemoteSchedule:
        [location] = self.workspace.create_request_context().code_locations
        [repository] = location.get_repositories().values()
        return repository.get_schedule("push_every_five_minutes")


@pytest.fixture
def daemon(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Daemon]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATUS_MAPPING", json.dumps(dict(desk.pipeline.settings.status_mapping)))
    monkeypatch.setenv("BITRIX_REST_URL", desk.rest.simulator.webhook_url)
    monkeypatch.setenv("BITRIX_REST_RATE", "off")
    monkeypatch.setenv("POSTGRES_URL", desk.crm.url)
    monkeypatch.setenv("PUSH_STATUS_MAPPING", "packed: FL")
    monkeypatch.delenv("BITRIX_MYSQL_URL", raising=False)
    target = ModuleTarget("bitrix_pipeline.definitions", "defs", str(tmp_path), "bitrix_pipeline")
    with (
        dg.DagsterInstance.local_temp(str(tmp_path), overrides=UNQUEUED) as instance,
        create_test_daemon_workspace_context(target, instance) as workspace,
    ):
        made = Daemon(workspace, instance, datetime.now(UTC))
        made.begin()
        yield made


def test_the_schedule_skips_without_a_difference_and_starts_one_run_with_one(
    desk: Desk, daemon: Daemon
) -> None:
    [order] = desk.prepare(1)

    idle = daemon.tick()

    assert (idle.status, idle.run_ids) == (TickStatus.SKIPPED, [])
    assert idle.tick_data.skip_reason == "no order's status differs from Bitrix's"
    desk.set("paid", order)

    busy = daemon.tick()

    assert busy.status is TickStatus.SUCCESS
    [run_id] = busy.run_ids
    run = daemon.run(run_id)
    assert (run.job_name, run.status) == ("push_statuses", dg.DagsterRunStatus.SUCCESS)
    assert desk.in_bitrix(order) == ("P", "N")
    assert daemon.tick().status is TickStatus.SKIPPED
    assert daemon.instance.get_runs_count() == 1


def test_a_mapping_that_the_shop_no_longer_has_fails_the_tick(desk: Desk, daemon: Daemon) -> None:
    desk.crm.run("DELETE FROM order_statuses WHERE id = 'FL'")

    tick = daemon.tick()

    assert (tick.status, tick.run_ids) == (TickStatus.FAILURE, [])
    assert "PUSH_STATUS_MAPPING names FL" in str(tick.error)
