"""Dagster's web server and daemon as `dagster dev` starts them, spoken to as the UI does."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parent.parent
START_SECONDS = 120
SCHEDULES_SECONDS = 300
UP_SECONDS = 45
STOP_SECONDS = 60

# As in the bundle of dagster-webserver.
LAUNCH_BACKFILL = """
mutation LaunchPartitionBackfill($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) {
    ... on LaunchBackfillSuccess { backfillId }
    ... on PartitionKeysNotFoundError { message }
    ... on PythonError { message }
  }
}
"""
LAUNCH_RUN = """
mutation LaunchPipelineExecution($executionParams: ExecutionParams!) {
  launchPipelineExecution(executionParams: $executionParams) {
    ... on LaunchRunSuccess { run { id } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on Error { message }
  }
}
"""
CANCEL_RUN = """
mutation TerminateRun($id: String!) {
  terminateRun(runId: $id) { __typename }
}
"""
STOP_SCHEDULE = """
mutation StopSchedule($id: String!) {
  stopRunningSchedule(id: $id) { __typename }
}
"""
SCHEDULES = """
query Schedules($repository: RepositorySelector!) {
  schedulesOrError(repositorySelector: $repository) {
    ... on Schedules { results { scheduleState { id } } }
  }
}
"""
PARTITIONS = """
query Partitions($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      assetPartitionStatuses {
        ... on DefaultPartitionStatuses {
          materializedPartitions
          failedPartitions
          unmaterializedPartitions
        }
      }
    }
  }
}
"""
RUNS = """
query Runs {
  runsOrError {
    ... on Runs {
      results { id jobName status assetSelection { path } tags { key value } }
    }
  }
}
"""
RUN = """
query Run($id: ID!) {
  runOrError(runId: $id) {
    ... on Run { status eventConnection { events { __typename } } }
  }
}
"""
REPOSITORY = {"repositoryLocationName": "bitrix_pipeline", "repositoryName": "__repository__"}


@dataclass
class DagsterUi:
    """What a person can see and do in the UI."""

    url: str

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer to one GraphQL operation."""
        answer = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60
        ).json()
        assert "errors" not in answer, answer["errors"]
        [data] = answer["data"].values()
        return data

    def stop_schedules(self) -> None:
        for schedule in self.ask(SCHEDULES, repository=REPOSITORY)["results"]:
            self.ask(STOP_SCHEDULE, id=schedule["scheduleState"]["id"])

    def partitions(self, table: str) -> dict[str, list[str]]:
        statuses = self.ask(PARTITIONS, key={"path": [table]})["assetPartitionStatuses"]
        return {name.removesuffix("Partitions"): sorted(keys) for name, keys in statuses.items()}

    def backfill(self, table: str, keys: list[str]) -> str:
        """Materialize → some missing partitions; the backfill's ID."""
        launched = self.ask(
            LAUNCH_BACKFILL,
            backfillParams={
                "assetSelection": [{"path": [table]}],
                "partitionNames": keys,
                "fromFailure": False,
                "tags": [],
            },
        )
        assert "backfillId" in launched, launched
        return str(launched["backfillId"])

    def launch(self, job: str, assets: list[str], *, partition: str = "") -> str:
        """A run of some assets of a job; its ID."""
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        launched = self.ask(
            LAUNCH_RUN,
            executionParams={
                "mode": "default",
                "executionMetadata": {"tags": tags},
                "runConfigData": "{}",
                "selector": {
                    **REPOSITORY,
                    "pipelineName": job,
                    "assetSelection": [{"path": [name]} for name in assets],
                },
            },
        )
        assert "run" in launched, launched
        return str(launched["run"]["id"])

    def cancel(self, run: str) -> None:
        self.ask(CANCEL_RUN, id=run)

    def status(self, run: str) -> str:
        return str(self.ask(RUN, id=run)["status"])

    def events(self, run: str) -> list[str]:
        """The types of the events of a run, as the UI lists them."""
        found = self.ask(RUN, id=run)["eventConnection"]["events"]
        return [event["__typename"] for event in found]

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(RUNS)["results"]
        return found


@contextmanager
def dagster_dev(
    home: Path, environment: Mapping[str, str], *, workspace: Path = ROOT / "workspace.yaml"
) -> Iterator[DagsterUi]:
    """`dagster dev` over a workspace, the checkout's, with an instance of its own in `home`."""
    shutil.copy(ROOT / "dagster.yaml", home)
    let_the_schedules_tick_first()
    port = free_port()
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "dagster", "dev"),
                *("-p", str(port), "-w", str(workspace)),
            ],
            cwd=home,
            env={**os.environ, **environment, "DAGSTER_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        ui = DagsterUi(f"http://127.0.0.1:{port}")
        wait_for(lambda: answers(ui), START_SECONDS, (home / "log").read_text)
        yield ui
    finally:
        # The parent alone: it ends what it started.
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def let_the_schedules_tick_first() -> None:
    """They can be stopped only once Dagster is up, and one that ticks meanwhile syncs what a test watches."""
    left = SCHEDULES_SECONDS - time.time() % SCHEDULES_SECONDS
    if left < UP_SECONDS:
        time.sleep(left + 1)


def answers(ui: DagsterUi) -> bool:
    try:
        return requests.get(f"{ui.url}/server_info", timeout=5).ok
    except requests.ConnectionError:
        return False


def wait_for(
    happens: Callable[[], Any], seconds: float, explain: Callable[[], object] = lambda: ""
) -> Any:
    """What `happens` answers as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {explain()}"
        time.sleep(0.5)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
