"""The sample shop's empty database: Bitrix's table names, types and keys, of today or of 2015.

The tables are declared in ``ddl/*.sql``; what an older shop had otherwise is a list of ALTERs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bitrix_pipeline.demo.shop_sql import shop_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Era = Literal["2026", "2015"]
Charset = Literal["utf8mb4", "utf8mb3", "cp1251"]
Engine = Literal["InnoDB", "MyISAM"]

DDL = Path(__file__).with_name("ddl")
MODULES = ("main", "iblock", "catalog", "sale")
COLLATIONS: dict[str, str] = {
    "utf8mb4": "utf8mb4_unicode_ci",
    "utf8mb3": "utf8mb3_unicode_ci",
    "cp1251": "cp1251_general_ci",
}


def create_shop(
    connection: Connection[Any],
    database: str,
    *,
    era: Era = "2026",
    charset: Charset = "utf8mb4",
    engine: Engine = "InnoDB",
) -> None:
    """Drop the database and create it anew with empty tables; ``connection`` may do anything."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)}")
        cursor.execute(
            f"CREATE DATABASE {quoted(database)} "
            f"CHARACTER SET {charset} COLLATE {COLLATIONS[charset]}"
        )
    with shop_session(connection, database) as cursor:
        for module in MODULES:
            run_script(cursor, DDL / f"{module}.sql")
        if era == "2015":
            run_script(cursor, DDL / "era_2015.sql")
        if engine == "MyISAM":
            use_myisam(cursor)


def reader_account(connection: Connection[Any], database: str, *, user: str, password: str) -> None:
    """Create the account that the sync reads with: SELECT on this database and nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("DROP USER IF EXISTS %s@'%%'", (user,))
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (user, password))
        # In a GRANT an underscore of a database's name stands for any character.
        pattern = quoted(database).replace("_", r"\_")
        cursor.execute(f"GRANT SELECT ON {pattern}.* TO %s@'%%'", (user,))


def use_myisam(cursor: Cursor) -> None:
    run_script(cursor, DDL / "engine_myisam.sql")
    cursor.execute("SHOW TABLES")
    for (table,) in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {quoted(table)} ENGINE = MyISAM")


def run_script(cursor: Cursor, script: Path) -> None:
    for statement in statements(script.read_text(encoding="utf-8")):
        cursor.execute(statement)


def statements(script: str) -> Iterator[str]:
    without_comments = re.sub(r"^--.*$", "", script, flags=re.MULTILINE)
    yield from filter(None, (part.strip() for part in without_comments.split(";")))


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
