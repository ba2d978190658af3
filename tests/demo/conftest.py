"""Shops to look at: each test module shares one, in a database of its own."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from bitrix_pipeline.demo.shop import create_shop, fill_shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

numbers = count(1)


class Shop:
    """One shop's database, with short ways to ask it."""

    def __init__(self, connection: Any, database: str) -> None:
        self.connection = connection
        self.database = database

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        self.connection.commit()
        self.connection.select_db(self.database)
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def count(self, table: str, where: str = "TRUE") -> int:
        return int(self.value(f"SELECT COUNT(*) FROM {table} WHERE {where}"))

    def checksums(self) -> dict[str, int]:
        tables = [name for (name,) in self.rows("SHOW TABLES")]
        found = self.rows("CHECKSUM TABLE " + ", ".join(sorted(tables)))
        return {name.partition(".")[2]: checksum for name, checksum in found}


@pytest.fixture(scope="module")
def make_shop(mariadb: Any) -> Iterator[Callable[..., Shop]]:
    connection = mariadb.connect()
    made: list[str] = []

    def make(*, orders: int, seed: int = 1, **form: Any) -> Shop:
        database = f"demo_shop_{os.getpid()}_{next(numbers)}"
        made.append(database)
        create_shop(connection, database, **form)
        fill_shop(connection, database, orders=orders, seed=seed)
        return Shop(connection, database)

    yield make
    with connection.cursor() as cursor:
        for database in made:
            cursor.execute(f"DROP DATABASE {database}")
    connection.close()


@pytest.fixture(scope="module")
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop(orders=400)
