"""A code location for each test; what it syncs is set up by the fixtures of all tests."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from deployment import Deployment
from shop_and_crm import STATUS_MAPPING, Crm, Pipeline, Shop

PARTITION_SIZE = 1_000


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those of the sync that filled `synced`; without the developer's own `.env`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATUS_MAPPING", json.dumps(STATUS_MAPPING))
    monkeypatch.setenv("PARTITION_SIZE", str(PARTITION_SIZE))


@pytest.fixture
def deploy() -> Iterator[Callable[[Pipeline], Deployment]]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda pipeline: Deployment(pipeline, instance)


@pytest.fixture
def new_deployment(deploy: Callable[[Pipeline], Deployment], pipeline: Pipeline) -> Deployment:
    """Nothing was synced yet."""
    return deploy(pipeline)


@pytest.fixture
def deployment(deploy: Callable[[Pipeline], Deployment], synced: Pipeline) -> Deployment:
    """The whole shop was synced, from the shell: Dagster knows of no run."""
    return deploy(synced)


@pytest.fixture
def pristine_deployment(
    deploy: Callable[[Pipeline], Deployment], pristine_shop: Shop, synced_crm: Crm
) -> Deployment:
    """The same over the shop that no test changes."""
    return deploy(Pipeline(pristine_shop, synced_crm))
