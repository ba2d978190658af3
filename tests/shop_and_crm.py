"""What tests hold in their hands: a sample shop, a CRM and the sync between the two."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import psycopg
import pymysql
import pytest

from bitrix_pipeline.demo.shop import create_shop, fill_shop
from bitrix_pipeline.errors import PipelineError
from bitrix_pipeline.model import TABLES, table_named
from bitrix_pipeline.model.migrate import migrate
from bitrix_pipeline.servers import PrivatePostgres
from bitrix_pipeline.sync.plan import Progress
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.scope import Everything, Scope
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.table_sync import sync_table
from bitrix_pipeline.verify import Rules, Verdict, verify

STATUS_MAPPING = {"N": "new", "P": "paid", "F": "completed"}
SETTINGS = SyncSettings(status_mapping=STATUS_MAPPING)
TABLE_NAMES = [table.name for table in TABLES]

NUMBERS = count(1)

SHOP_TABLE = re.compile(r"\bb_\w+")
ALTERS = re.compile(r"\b(ALTER|CREATE|DROP|RENAME|GRANT)\b")
ALTERS_A_TABLE = re.compile(r"ALTER TABLE (b_\w+) (?!RENAME TO\b)")


@dataclass
class Shop:
    """A sample shop in a database of its own; `run` speaks as Bitrix does, with sql_mode=''."""

    connection: "pymysql.Connection[Any]"
    url: str
    changed_tables: set[str] = field(default_factory=set)
    altered_tables: set[str] = field(default_factory=set)
    """Not their rows alone."""
    is_altered: bool = False
    """A test changed more than single tables, so this database is of no use to the next test."""

    @property
    def database(self) -> str:
        return self.url.rsplit("/", 1)[1]

    def run(self, sql: str, *values: object) -> None:
        self.note_change(sql)
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)

    def note_change(self, sql: str) -> None:
        """What the next test must find restored."""
        if altered := ALTERS_A_TABLE.match(sql):
            self.altered_tables.add(altered[1])
        elif ALTERS.search(sql):
            self.is_altered = True
        self.changed_tables.update(SHOP_TABLE.findall(sql))

    def insert(self, table: str, **values: object) -> None:
        """Adds a row; columns left out get MySQL's implicit defaults."""
        holes = ", ".join(["%s"] * len(values))
        self.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({holes})", *values.values())

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())

    def value(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]

    def ids(self, sql: str, *values: object) -> list[int]:
        return [int(row[0]) for row in self.rows(sql, *values)]


@dataclass
class Crm:
    """A migrated Postgres database of its own."""

    connection: "psycopg.Connection[tuple[Any, ...]]"
    url: str
    is_altered: bool = False
    """A test changed the tables themselves, so this database is of no use to the next test."""

    def run(self, sql: str, *values: object) -> None:
        self.is_altered = self.is_altered or ALTERS.search(sql) is not None
        self.connection.execute(sql, values or None)  # type: ignore[arg-type]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values or None).fetchall()  # type: ignore[arg-type]

    def value(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]

    def row(self, table: str, row_id: object, *columns: str) -> tuple[Any, ...] | None:
        """Some columns of one row; None when there is no such row."""
        found = self.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE id = %s", row_id)
        return found[0] if found else None

    def cell(self, table: str, row_id: object, column: str) -> Any:
        row = self.row(table, row_id, column)
        assert row is not None, f"{table} has no row {row_id}"
        return row[0]

    def contents(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        """Whole tables, with every mark of the sync's, to see whether anything was written."""
        return {
            table: self.rows(f"SELECT t::text FROM {table} AS t ORDER BY id")
            for table in tables or TABLE_NAMES
        }


@dataclass
class Pipeline:
    """The sync between one shop and one CRM."""

    shop: Shop
    crm: Crm
    settings: SyncSettings = SETTINGS
    progress: Progress = field(default=lambda *_: None)
    """What a sync calls along its way: a place for a test to interfere."""

    def sync(self, table: str, scope: Scope | None = None, **settings: Any) -> SyncResult:
        return sync_table(
            table_named(table),
            scope or Everything(),
            mysql_url=self.shop.url,
            postgres_url=self.crm.url,
            settings=replace(self.settings, **settings),
            progress=self.progress,
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


def written(results: dict[str, SyncResult]) -> dict[str, tuple[int, int, int]]:
    """The tables to which something was written: rows inserted, updated, deleted."""
    counts = {name: (r.inserted, r.updated, r.deleted) for name, r in results.items()}
    return {name: count for name, count in counts.items() if any(count)}


@contextmanager
def fails(error: type[PipelineError], *texts: str) -> Iterator[None]:
    """The block raises exactly this kind of error, and its text holds all of these."""
    with pytest.raises(PipelineError) as caught:
        yield
    assert caught.type is error, f"{caught.type.__name__}: {caught.value}"
    missing = [text for text in texts if text not in str(caught.value)]
    assert not missing, f"{missing} not in {caught.value}"


def new_shop(
    admin: "pymysql.Connection[Any]", server_url: str, *, orders: int, seed: int, **variant: str
) -> Shop:
    """A filled sample shop in a new database of the server."""
    database = f"shop_{next(NUMBERS)}"
    create_shop(admin, database, **variant)  # type: ignore[arg-type]
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


def restore_shop(shop: Shop, pristine: Shop) -> None:
    """Gives the tables that a test changed the columns and rows that the pristine shop has."""
    shop.connection.begin()
    with shop.connection.cursor() as cursor:
        for table in shop.altered_tables:
            cursor.execute(f"DROP TABLE {table}")
            cursor.execute(f"CREATE TABLE {table} LIKE {pristine.database}.{table}")
        cursor.execute("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'")
        for table in shop.changed_tables:
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"INSERT INTO {table} SELECT * FROM {pristine.database}.{table}")
        cursor.execute("SET SESSION sql_mode = '', time_zone = DEFAULT")
    shop.connection.commit()
    shop.changed_tables.clear()
    shop.altered_tables.clear()


def new_crm(server: PrivatePostgres, *, target_schema: str = "public") -> Crm:
    """A migrated database on the server."""
    crm = empty_database(server)
    migrate(crm.url, target_schema=target_schema)
    return crm


def empty_database(server: PrivatePostgres) -> Crm:
    return copy_of_database(server, "template1")


def copy_of_database(server: PrivatePostgres, template: str) -> Crm:
    """A copy of a database that nobody is connected to."""
    database = f"crm_{next(NUMBERS)}"
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
    url = server.url_of(database)
    return Crm(psycopg.connect(url, autocommit=True), url)


def empty_tables(crm: Crm) -> None:
    """As after the migration."""
    internal = crm.rows(
        "SELECT 'bitrix_pipeline.' || tablename FROM pg_tables WHERE schemaname = 'bitrix_pipeline'"
        " AND tablename <> 'alembic_version'"
    )
    tables = [*TABLE_NAMES, *(name for (name,) in internal)]
    crm.run(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")


def drop_database(server: PrivatePostgres, crm: Crm) -> None:
    crm.connection.close()
    with server.connect() as admin:
        admin.execute(f"DROP DATABASE {crm.url.rsplit('/', 1)[1]} WITH (FORCE)")


def name_of_database(crm: Crm) -> str:
    return crm.url.rsplit("/", 1)[1]
