"""deploy/dagster.yaml works as it is shipped, on a real Postgres."""

import shutil
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml

from bitrix_pipeline.cli.code_server import PORT
from bitrix_pipeline.code_server.server import LOCATION
from bitrix_pipeline.servers import PrivatePostgres

SHIPPED = Path(__file__).parents[2] / "deploy" / "dagster.yaml"


@pytest.fixture
def production_home(
    postgres: PrivatePostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    with postgres.connect() as admin:
        admin.execute("DROP DATABASE IF EXISTS dagster_production")
        admin.execute("CREATE DATABASE dagster_production")
    url = postgres.url_of("dagster_production").replace("postgresql://", "postgresql+psycopg2://")
    monkeypatch.setenv("DAGSTER_PG_URL", url)
    shutil.copy(SHIPPED, tmp_path / "dagster.yaml")
    return tmp_path


def test_runs_and_events_are_stored_in_postgres(
    production_home: Path, postgres: PrivatePostgres
) -> None:
    @dg.asset
    def something() -> None: ...

    with dg.DagsterInstance.from_config(str(production_home)) as instance:
        result = dg.materialize([something], instance=instance)

    with psycopg.connect(postgres.url_of("dagster_production")) as connection:
        stored = connection.execute(
            "SELECT count(*) FROM event_logs WHERE run_id = %s", (result.run_id,)
        ).fetchone()
    assert stored is not None
    assert stored[0] > 0


def test_a_pool_has_one_place_so_that_no_table_is_synced_twice_at_once(
    production_home: Path,
) -> None:
    with dg.DagsterInstance.from_config(str(production_home)) as instance:
        pools = instance.get_concurrency_config().pool_config

    assert pools.default_pool_limit == 1


def test_the_workspace_is_where_the_code_server_listens() -> None:
    [loaded] = yaml.safe_load((SHIPPED.parent / "workspace.yaml").read_text())["load_from"]

    assert loaded == {"grpc_server": {"host": "127.0.0.1", "port": PORT, "location_name": LOCATION}}
