"""Measures how long a webhook takes to become rows, through Dagster's own daemon.

    .venv/bin/python benchmarks/latency.py [--cold 15] [--lingering 40] [--instance dev]

From the commit of the event, upon which its sender is answered, to the commit of its order. Cold: no
drain runs, so a sensor has to notice the event and a process has to start. Lingering: the last drain
has stayed for more. As deployed: `bitrix-pipeline code-server` and Dagster's storage in Postgres; on a
developer's machine (dev): Dagster's own code server, and sqlite. Prints lines `BENCH name=… value=…
unit=…`.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from databases import Shop, fresh_crm, fresh_database, kept_shop, servers
from ours import sync
from rich.console import Console

from bitrix_pipeline.model import TABLES
from bitrix_pipeline.servers import PrivatePostgres

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".data" / "bench_latency"
DEPLOY, DEV = "deploy", "dev"
INSTANCES = {DEPLOY: ROOT / "deploy" / "dagster.yaml", DEV: ROOT / "dagster.yaml"}
WORKSPACE = """
load_from:
  - grpc_server: {{socket: {socket}, location_name: bitrix_pipeline}}
"""
ORDER_LINES = 3_000

LINGER_SECONDS = 4
"""Short, so that the next cold event can soon be sent."""

TICK_SECONDS = 30.0
"""A tick waits 25 s for news, and the daemon pauses up to 5 s: events come at any moment of that."""

LONGEST_TALK_SECONDS = 1.5
"""Between two events while a drain lingers."""

DEADLINE_SECONDS = 120.0
LOOK_SECONDS = 0.005

DRAINS = """{
  runsOrError(filter: {pipelineName: "drain_inbox"}, limit: 3) { ... on Runs { results { status } } }
}"""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

SCHEDULES = """{
  schedulesOrError(repositorySelector: {
    repositoryLocationName: "bitrix_pipeline", repositoryName: "__repository__"
  }) { ... on Schedules { results { scheduleState { id } } } }
}"""
STOP = "mutation Stop($id: String!) { stopRunningSchedule(id: $id) { __typename } }"

RECEIVE = """
SELECT bitrix_pipeline.receive(ARRAY['module'], ARRAY[%s], ARRAY[NULL]::timestamptz[],
    ARRAY['order.saved'], ARRAY['orders'], ARRAY[%s]::bigint[], ARRAY[%s]::bytea[],
    ARRAY[NULL]::text[])
"""


@dataclass
class Machine:
    """A shop, a CRM that has it, and a daemon that drains what comes."""

    shop: Shop
    crm: "psycopg.Connection[tuple[Any, ...]]"
    ui_url: str
    order: int
    events: int = 0

    def latency(self) -> float:
        """Sends news of an order; seconds until the CRM has its new price."""
        self.events += 1
        self.shop.run(f"UPDATE b_sale_order SET PRICE = {self.events} WHERE ID = {self.order}")
        self.crm.execute(RECEIVE, (f"latency_{self.events}", self.order, b"{}"))
        sent = time.perf_counter()
        wait_until(self.has_arrived, LOOK_SECONDS)
        return time.perf_counter() - sent

    def has_arrived(self) -> bool:
        row = self.crm.execute("SELECT price FROM orders WHERE id = %s", (self.order,)).fetchone()
        return row is not None and row[0] == self.events

    def is_idle(self) -> bool:
        """No drain runs and none is about to."""
        runs = self._ask(DRAINS)["runsOrError"]["results"]
        return {run["status"] for run in runs} <= ENDED

    def stop_schedules(self) -> None:
        """A scheduled sync that comes upon the order would be faster than its webhook."""
        for schedule in self._ask(SCHEDULES)["schedulesOrError"]["results"]:
            self._ask(STOP, id=schedule["scheduleState"]["id"])

    def _ask(self, query: str, **variables: str) -> Any:
        """The data of the answer to one GraphQL operation."""
        asked = {"query": query, "variables": variables}
        return requests.post(f"{self.ui_url}/graphql", json=asked, timeout=60).json()["data"]

    def cold(self) -> float:
        wait_until(self.is_idle, 0.5)
        time.sleep(random.uniform(0, TICK_SECONDS))
        return self.latency()

    def lingering(self) -> float:
        time.sleep(random.uniform(0.1, LONGEST_TALK_SECONDS))
        return self.latency()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cold", type=int, default=15, help="events while no drain runs")
    parser.add_argument("--lingering", type=int, default=40, help="events while one lingers")
    parser.add_argument("--instance", choices=INSTANCES, default=DEPLOY, help="how Dagster runs")
    wanted = parser.parse_args()
    with machine(wanted.instance) as running, Console(stderr=True).status("") as status:
        running.stop_schedules()
        status.update("cold")
        running.cold()
        report("webhook_cold", [running.cold() for _ in range(wanted.cold)])
        status.update("lingering")
        running.latency()
        report("webhook_lingering", [running.lingering() for _ in range(wanted.lingering)])
    return 0


def report(name: str, latencies: list[float]) -> None:
    ordered = sorted(latencies)
    for what, value in (
        ("p50", ordered[len(ordered) // 2]),
        ("p95", ordered[len(ordered) * 95 // 100]),
        ("max", ordered[-1]),
    ):
        print(f"BENCH name={name}_{what} value={value:.3f} unit=s", flush=True)
    print(f"BENCH name={name}_events value={len(ordered)} unit=events", flush=True)


@contextlib.contextmanager
def machine(instance: str) -> Iterator[Machine]:
    """The servers, the shop synced once, and `dagster dev`."""
    with servers(FOLDER) as (mariadb, postgres), scratch() as folder:
        home = Path(folder)
        shop = kept_shop(mariadb, lines=ORDER_LINES, anew=False)
        crm = fresh_crm(postgres, "latency")
        for table in TABLES:
            sync(shop.url, crm, table.name)
        environment = {
            "BITRIX_MYSQL_URL": shop.url,
            "POSTGRES_URL": crm,
            "INBOX_LINGER_SECONDS": str(LINGER_SECONDS),
            "DAGSTER_PG_URL": dagster_storage(postgres),
            "DAGSTER_HOME": folder,
        }
        shutil.copy(INSTANCES[instance], home / "dagster.yaml")
        with (
            psycopg.connect(crm, autocommit=True) as connection,
            code_location(instance, home, environment) as workspace,
            dagster_dev(home, workspace, environment) as url,
        ):
            row = connection.execute("SELECT max(id) FROM orders WHERE NOT is_placeholder")
            yield Machine(shop, connection, url, int((row.fetchone() or (0,))[0]))


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """Dagster's last run may still write to it when it is removed."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def dagster_storage(postgres: PrivatePostgres) -> str:
    url = fresh_database(postgres, "dagster_storage")
    return url.replace("postgresql://", "postgresql+psycopg2://")


@contextlib.contextmanager
def code_location(instance: str, home: Path, environment: dict[str, str]) -> Iterator[Path]:
    """The workspace that Dagster loads, and what it takes to serve it."""
    if instance == DEV:
        yield ROOT / "workspace.yaml"
        return
    socket_file, workspace = home / "socket", home / "workspace.yaml"
    workspace.write_text(WORKSPACE.format(socket=socket_file))
    command = [sys.executable, "-m", "bitrix_pipeline.cli", "code-server", "--socket"]
    with process([*command, str(socket_file)], home / "code_server.log", environment):
        wait_until(socket_file.exists, 0.5)
        yield workspace


@contextlib.contextmanager
def dagster_dev(home: Path, workspace: Path, environment: dict[str, str]) -> Iterator[str]:
    """Dagster's web server and daemon; the web server's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "dagster", "dev", "-p", port, "-w", str(workspace)]
    with process(command, home / "log", environment):
        wait_until(lambda: answers(url), 0.5)
        yield url


@contextlib.contextmanager
def process(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("w") as output:
        started = subprocess.Popen(
            command,
            cwd=log.parent,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            # A shell ignores it for what it starts in the background; Dagster would never stop.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            start_new_session=True,
        )
    try:
        yield
    finally:
        # The parent alone: it ends what it started.
        started.terminate()
        try:
            started.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.ConnectionError:
        return False


def wait_until(happens: Callable[[], bool], seconds_between_looks: float) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not happens():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing came within {DEADLINE_SECONDS:.0f} s")
        time.sleep(seconds_between_looks)


if __name__ == "__main__":
    sys.exit(main())
