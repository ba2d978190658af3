"""A demo, and `bitrix-pipeline ui` as a running process that answers the browser's questions."""

import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

START_SECONDS = 120
STOP_SECONDS = 60
SECONDS_TO_VANISH = 30
"""For what was under way at that moment: a scheduled run, a tick that waits for webhooks."""

CHECK_TABLES = """
mutation {
  launchRun(executionParams: {selector: {jobName: "check_tables",
    repositoryLocationName: "bitrix_pipeline", repositoryName: "__repository__"}}) {
    ... on LaunchRunSuccess { run { id } }
    ... on Error { message }
  }
}
"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@dataclass(frozen=True)
class Demo:
    """One that has ended well."""

    folder: Path
    environment: dict[str, str]
    told: str


@dataclass
class Ui:
    """`bitrix-pipeline ui`, after a demo."""

    url: str
    process: "subprocess.Popen[bytes]"

    def ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = requests.post(f"{self.url}/graphql", json=body, timeout=60).json()
        assert "errors" not in answer, answer["errors"]
        [data] = answer["data"].values()
        return data

    def is_up(self) -> bool:
        assert self.process.poll() is None
        try:
            return requests.get(f"{self.url}/server_info", timeout=5).ok
        except requests.ConnectionError:
            return False

    def check_tables(self) -> None:
        """What a schedule does every quarter of an hour."""
        run = self.ask(CHECK_TABLES)["run"]["id"]
        wait_for(lambda: self.ask(STATUS, id=run)["status"] == "SUCCESS")

    def stop(self) -> list[psutil.Process]:
        """Ends it as a service manager does; what is left of it afterwards."""
        started = psutil.Process(self.process.pid).children(recursive=True)
        self.process.terminate()
        self.process.wait(STOP_SECONDS)
        _, alive = psutil.wait_procs(started, SECONDS_TO_VANISH)
        return alive


def wait_for(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happens():
        assert time.monotonic() < deadline, f"not within {START_SECONDS} s"
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
