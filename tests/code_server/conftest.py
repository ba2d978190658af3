"""A code server of ours under Dagster's web server and daemon, over a CRM whose inbox is empty."""

from collections.abc import Iterator

import psutil
import pytest
from dagster_ui import dagster_dev
from shop_and_crm import copy_of_database, drop_database
from warm import Warm, code_server

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
