"""The benchmark's servers, the sample shops that it keeps between runs, and databases to load into.

All contenders read from the same private MariaDB and write to the same private Postgres, which has
fsync off. The MariaDB's cache holds the tables in question, so that no disk is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bitrix_pipeline.demo.shop import create_shop, fill_shop
from bitrix_pipeline.model.migrate import migrate
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

LINES_PER_ORDER = 44 / 15
"""Of the sample shop, on average."""

# Values that the sample shop has and the other contenders cannot carry to Postgres: nobody gets them.
ODD_CHARACTERS = "'[[:cntrl:]\\\\\\\\]'"
WITHOUT_ODDITIES = """
UPDATE b_sale_basket SET
  NAME = REGEXP_REPLACE(NAME, {odd}, ''),
  MEASURE_NAME = REGEXP_REPLACE(MEASURE_NAME, {odd}, ''),
  XML_ID = REGEXP_REPLACE(XML_ID, {odd}, ''),
  VAT_INCLUDED = IF(BINARY VAT_INCLUDED = 'Y', 'Y', 'N'),
  DATE_INSERT = IF(UNIX_TIMESTAMP(DATE_INSERT) > 0, DATE_INSERT, {day}),
  DATE_UPDATE = IF(UNIX_TIMESTAMP(DATE_UPDATE) > 0, DATE_UPDATE, {day})
""".format(day="'2020-02-29 12:00:00'", odd=ODD_CHARACTERS)


@dataclass(frozen=True)
class Shop:
    """A sample shop with about as many order lines as asked for."""

    server: PrivateMariaDB
    name: str

    @property
    def url(self) -> str:
        return f"{self.server.url}{self.name}"

    def run(self, *statements: str) -> int:
        """Runs the statements as Bitrix would and returns how many rows the last one changed."""
        with self.server.connect(self.name) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_mode = ''")
            for statement in statements:
                changed = cursor.execute(statement)
        return int(changed)


@contextmanager
def servers(folder: Path) -> Iterator[tuple[PrivateMariaDB, PrivatePostgres]]:
    """Both servers, running; their files stay in the folder."""
    mariadb = PrivateMariaDB(folder / "mariadb", buffer_pool="1G")
    with mariadb, PrivatePostgres(folder / "postgres") as postgres:
        yield mariadb, postgres


def kept_shop(server: PrivateMariaDB, *, lines: int, anew: bool) -> Shop:
    """The shop of this size: kept from an earlier run, or made."""
    shop = Shop(server, f"shop_{lines}")
    with server.connect() as admin, admin.cursor() as cursor:
        is_there = cursor.execute("SHOW DATABASES LIKE %s", (shop.name,)) and cursor.execute(
            f"SHOW TABLES IN {shop.name} LIKE 'bench_is_complete'"
        )
        if is_there and not anew:
            return shop
        create_shop(admin, shop.name)
        fill_shop(admin, shop.name, orders=max(round(lines / LINES_PER_ORDER), 10))
    shop.run(
        WITHOUT_ODDITIES,
        "ANALYZE TABLE b_user, b_iblock_element, b_sale_order, b_sale_basket",
        "CREATE TABLE bench_is_complete (id int)",
    )
    return shop


def fresh_database(server: PrivatePostgres, name: str) -> str:
    """An empty database's URL; what had the name before is gone."""
    drop_database(server, name)
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}")
    return server.url_of(name)


def fresh_crm(server: PrivatePostgres, name: str) -> str:
    """The same with our tables in it."""
    url = fresh_database(server, name)
    migrate(url, target_schema="public")
    return url


def drop_database(server: PrivatePostgres, name: str) -> None:
    with server.connect() as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def wal_position(server: PrivatePostgres) -> int:
    """Bytes of WAL since the server was made, also those not yet written to a file."""
    with server.connect() as admin:
        row = admin.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return int(row[0]) if row else 0
