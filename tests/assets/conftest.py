"""The code location over a shop and a CRM of the test's own, with a Dagster instance of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from deployment import Deployment
from shop_and_crm import Pipeline, use_as_settings


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made
