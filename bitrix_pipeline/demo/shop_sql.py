"""Small SQL building blocks of the sample shop: seeded choices and inserts that fit every era.

Choices are hashes of (seed, salt, row number), so that a million rows need no Python loop and
the same seed gives the same shop on MariaDB and on MySQL.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Value = str | bytes | int | float | None
Row = dict[str, Value]

# The shop's clock: Moscow time, as the web server of a Russian shop has it.
SHOP_TIME_ZONE = "+03:00"


@contextmanager
def shop_session(connection: Connection[Any], database: str) -> Iterator[Cursor]:
    """Work as Bitrix does: no strict mode, shop time; put the session back and commit after."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@sql_mode, @@innodb_strict_mode, @@time_zone")
        before = cursor.fetchone()
        connection.select_db(database)
        cursor.execute("SET NAMES utf8mb4")
        enter = "SET sql_mode = %s, innodb_strict_mode = %s, time_zone = %s"
        cursor.execute(enter, ("", 0, SHOP_TIME_ZONE))
        try:
            yield cursor
            connection.commit()
        finally:
            cursor.execute(enter, before)


@dataclass(frozen=True, kw_only=True)
class Fill:
    """INSERT … SELECT with each column beside its expression."""

    table: str
    source: str
    values: Mapping[str, str]

    def run(self, cursor: Cursor) -> int:
        """Insert; columns that this era's table lacks are left out."""
        known = table_columns(cursor, self.table)
        values = {name: sql for name, sql in self.values.items() if name in known}
        return cursor.execute(
            f"INSERT INTO {self.table} ({', '.join(values)})\n"
            f"SELECT {', '.join(values.values())}\nFROM {self.source}"
        )


def insert_rows(cursor: Cursor, table: str, rows: Sequence[Row]) -> None:
    """Insert rows one by one; columns that this era's table lacks are left out."""
    known = table_columns(cursor, table)
    for row in rows:
        values = {name: value for name, value in row.items() if name in known}
        holes = ", ".join(["%s"] * len(values))
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({holes})",
            tuple(values.values()),
        )


@contextmanager
def keys_built_last(cursor: Cursor, tables: Sequence[str]) -> Iterator[None]:
    """Fill big tables without their secondary keys: sorting them at the end is twice as fast."""
    keys = {table: secondary_keys(cursor, table) for table in tables}
    for table, found in keys.items():
        drops = ", ".join(f"DROP KEY {name}" for name in found)
        cursor.execute(f"ALTER TABLE {table} {drops}")
    yield
    for table, found in keys.items():
        adds = ", ".join(f"ADD {key}" for key in found.values())
        cursor.execute(f"ALTER TABLE {table} {adds}")


def secondary_keys(cursor: Cursor, table: str) -> dict[str, str]:
    """The table's keys by name, as its DDL writes them; full text cannot be built with others."""
    cursor.execute(f"SHOW CREATE TABLE {table}")
    (_, ddl) = cursor.fetchall()[0]
    keys = re.findall(r"^\s+((?:UNIQUE )?KEY `(\w+)` \(.*\))", ddl, flags=re.MULTILINE)
    return {name: key for key, name in keys}


def table_columns(cursor: Cursor, table: str) -> set[str]:
    cursor.execute(f"SELECT * FROM {table} LIMIT 0")
    return {column[0] for column in cursor.description}


def make_temporary(cursor: Cursor, name: str, columns: str) -> None:
    """A table for the time of the fill, which holds any text whatever the shop's charset."""
    cursor.execute(f"DROP TEMPORARY TABLE IF EXISTS {name}")
    cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns}) CHARACTER SET utf8mb4")


def table_exists(cursor: Cursor, table: str) -> bool:
    cursor.execute("SHOW TABLES LIKE %s", (table,))
    return bool(cursor.fetchall())


def pick(salt: str, row: str, size: int | str) -> str:
    """A number from 0 to size - 1, the same for the same seed, salt and row."""
    # CRC32 alone is linear: neighbouring rows would pick in step.
    return f"((CRC32(CONCAT(@seed, ':{salt}:', {row})) * 2654435761 DIV 65536) MOD {size})"


def chance(salt: str, row: str, percent: float) -> str:
    """True for about this share of the rows."""
    return f"({pick(salt, row, 10_000)} < {round(percent * 100)})"


def token(salt: str, row: str) -> str:
    """A string of hexadecimal digits, as generated identifiers look."""
    return f"LOWER(HEX({pick(salt, row, 2**47)}))"


def word(salt: str, row: str, words: Sequence[str | int]) -> str:
    """One of the words."""
    return f"ELT(1 + {pick(salt, row, len(words))}, {', '.join(map(literal, words))})"


def literal(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def spread(row: str, total: str, *, start: str, days: int, jitter_hours: int = 24) -> str:
    """A moment that grows with the row number from ``start`` over so many days."""
    seconds = f"{row} * {days * 86_400} DIV {total} + {pick('moment', row, jitter_hours * 3600)}"
    return f"(TIMESTAMP'{start}' + INTERVAL ({seconds}) SECOND)"
