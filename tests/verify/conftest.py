"""The servers that the tests run on, and a fresh tiny shop with its copy for each test."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from tiny_shop import World, make_shop, refill_shop, statements

from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

NUMBERS = count(1)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateMariaDB]:
    with PrivateMariaDB(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    with PrivatePostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def spare_shops() -> list[str]:
    """Databases whose tables are still as they were made: making them is what takes time."""
    return []


@pytest.fixture
def world(mariadb: Any, postgres: Any, spare_shops: list[str]) -> Iterator[World]:
    with mariadb.connect() as source, postgres.connect() as target:
        if spare_shops:
            name = spare_shops.pop()
            refill_shop(source, name)
        else:
            name = f"verify_{next(NUMBERS)}"
            make_shop(source, name)
        target.execute(f'CREATE SCHEMA "{name}"')
        world = World(source, target, name)
        world.in_target(*statements("target.sql"))
        yield world
        target.execute(f'DROP SCHEMA "{name}" CASCADE')
    if not world.is_altered:
        spare_shops.append(name)
