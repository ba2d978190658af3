"""What the tests of the code server hold in their hands."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
from dagster_ui import DagsterUi, wait_for
from received import receive
from shop_and_crm import Crm

SECONDS = 120
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass
class Warm:
    """The machine, and the process of its code server."""

    ui: DagsterUi
    crm: Crm
    server: psutil.Process

    @property
    def forked_from(self) -> psutil.Process:
        """The child that forks the runs."""
        [found] = self._forking()
        return found

    def run_processes(self) -> list[psutil.Process]:
        return [run for process in self._forking() for run in process.children()]

    def _forking(self) -> list[psutil.Process]:
        return [child for child in self.server.children() if "forkserver" in cmdline(child)]

    def begin_drain(self) -> tuple[str, psutil.Process]:
        """A drain that lingers for more news: its run's ID, and its process."""
        self.end_runs()
        receive(self.crm, "user.deleted", 1)
        [run] = wait_for(self.lingering, SECONDS, self.ui.runs)
        [process] = wait_for(self.run_processes, SECONDS)
        return run, process

    def end_runs(self) -> None:
        for run in self.lingering():
            self.ui.cancel(run)
        wait_for(self.is_idle, SECONDS, self.ui.runs)
        wait_for(lambda: not self.run_processes(), SECONDS)

    def is_idle(self) -> bool:
        return {run["status"] for run in self.ui.runs()} <= ENDED

    def lingering(self) -> list[str]:
        return [run["id"] for run in self.ui.runs() if run["status"] == "STARTED"]


def cmdline(process: psutil.Process) -> str:
    """Empty when it has just died."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def code_server(
    home: Path, environment: dict[str, str], log: IO[str]
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [
            *(Path(sys.executable).parent / "bitrix-pipeline", "code-server"),
            *("--socket", home / "socket"),
        ],
        env={**os.environ, **environment, "DAGSTER_HOME": str(home)},
        cwd=home,
        stdout=log,
        stderr=log,
        start_new_session=True,
        # As a script starts what runs in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
    )
    try:
        wait_for((home / "socket").exists, SECONDS)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
