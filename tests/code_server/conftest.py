"""A code server of ours under Dagster's web server and daemon, over a CRM whose inbox is empty."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest
from dagster_ui import dagster_dev, wait_for
from shop_and_crm import copy_of_database, drop_database
from warm import SECONDS, Warm

from bitrix_pipeline.servers import PrivatePostgres

WORKSPACE = """
load_from:
  - grpc_server:
      socket: {socket}
      location_name: bitrix_pipeline
"""


@pytest.fixture(scope="module")
def warm(
    postgres: PrivatePostgres, migrated_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warm]:
    home = tmp_path_factory.mktemp("warm")
    crm = copy_of_database(postgres, migrated_database)
    environment = {"BITRIX_MYSQL_URL": "", "POSTGRES_URL": crm.url}
    workspace = home / "workspace.yaml"
    workspace.write_text(WORKSPACE.format(socket=home / "socket"))
    with (
        (home / "code_server.log").open("w") as log,
        code_server(home, environment, log) as process,
        dagster_dev(home, environment, workspace=workspace) as ui,
    ):
        ui.stop_schedules()
        warm = Warm(ui, crm, psutil.Process(process.pid))
        yield warm
        # A code server that ends waits for its runs.
        warm.end_runs()
    drop_database(postgres, crm)


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
