"""Real servers, started once a session; a shop and a CRM of its own for each test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import psycopg
import pymysql
import pytest

from bitrix_pipeline.demo.shop import create_shop, fill_shop
from bitrix_pipeline.model import TABLES, table_named
from bitrix_pipeline.model.migrate import migrate
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.scope import Everything, Scope
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.table_sync import sync_table
from bitrix_pipeline.verify import Rules, Verdict, verify

STATUS_MAPPING = {"N": "new", "P": "paid", "F": "completed"}
SETTINGS = SyncSettings(status_mapping=STATUS_MAPPING)

NUMBERS = count(1)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateMariaDB]:
    with PrivateMariaDB(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    with PrivatePostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@dataclass
class Shop:
    """A sample shop in a database of its own; `run` speaks as Bitrix does, with sql_mode=''."""

    connection: "pymysql.Connection[Any]"
    url: str

    def run(self, sql: str, *values: object) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
        self.connection.commit()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())

    def value(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]


@dataclass
class Crm:
    """A migrated Postgres database of its own."""

    connection: "psycopg.Connection[tuple[Any, ...]]"
    url: str

    def run(self, sql: str, *values: object) -> None:
        self.connection.execute(sql, values or None)  # type: ignore[arg-type]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values or None).fetchall()  # type: ignore[arg-type]

    def value(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]


@dataclass
class Pipeline:
    """The sync between one shop and one CRM."""

    shop: Shop
    crm: Crm
    settings: SyncSettings = SETTINGS

    def sync(self, table: str, scope: Scope | None = None, **settings: Any) -> SyncResult:
        return sync_table(
            table_named(table),
            scope or Everything(),
            mysql_url=self.shop.url,
            postgres_url=self.crm.url,
            settings=replace(self.settings, **settings),
        )

    def sync_all(self, scope: Scope | None = None, **settings: Any) -> dict[str, SyncResult]:
        return {table.name: self.sync(table.name, scope, **settings) for table in TABLES}

    def verdicts(self, *tables: str) -> dict[str, Verdict]:
        rules = Rules(
            shop_timezone=self.settings.shop_timezone,
            status_mapping=self.settings.status_mapping,
            shop_language=self.settings.shop_language,
            target_schema=self.settings.target_schema,
            compare_crm_status=True,
        )
        found = verify(
            self.shop.connection, self.crm.connection, rules=rules, tables=tables or None
        )
        return {verdict.table: verdict for verdict in found}

    def differences(self, *tables: str) -> list[str]:
        """What the independent check finds; empty when all is equal."""
        return [
            example.describe(show_values=True)
            for verdict in self.verdicts(*tables).values()
            for example in verdict.examples
        ]


@pytest.fixture
def make_shop(mariadb: PrivateMariaDB) -> Iterator[Callable[..., Shop]]:
    """Makes sample shops: `make_shop(orders=40, era="2015", charset="cp1251")`."""
    admin = mariadb.connect()
    opened: list[Shop] = []

    def make(*, orders: int = 40, seed: int = 1, **variant: str) -> Shop:
        shop = new_shop(admin, mariadb.url, orders=orders, seed=seed, **variant)
        opened.append(shop)
        return shop

    yield make
    for shop in opened:
        shop.connection.close()
    admin.close()


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


@pytest.fixture
def crm(postgres: PrivatePostgres) -> Iterator[Crm]:
    made = new_crm(postgres)
    yield made
    made.connection.close()


@pytest.fixture
def pipeline(shop: Shop, crm: Crm) -> Pipeline:
    return Pipeline(shop, crm)


def new_shop(
    admin: "pymysql.Connection[Any]", server_url: str, *, orders: int, seed: int, **variant: str
) -> Shop:
    """A filled sample shop in a new database of the server."""
    database = f"shop_{next(NUMBERS)}"
    create_shop(admin, database, **variant)
    fill_shop(admin, database, orders=orders, seed=seed)
    connection = pymysql.connect(
        host=str(admin.host),
        port=int(admin.port),
        user="root",
        database=database,
        charset="utf8mb4",
        autocommit=True,
        sql_mode="",
    )
    return Shop(connection, f"{server_url.rstrip('/')}/{database}")


def new_crm(server: PrivatePostgres, *, target_schema: str = "public") -> Crm:
    """A migrated database on the server."""
    database = f"crm_{next(NUMBERS)}"
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {database}")
    url = server.url.rsplit("/", 1)[0] + f"/{database}"
    migrate(url, target_schema=target_schema)
    return Crm(psycopg.connect(url, autocommit=True), url)
