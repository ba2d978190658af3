"""Plain SELECTs of raw columns from the shop's MySQL; every value is MySQL's own text or None."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import pymysql
from pymysql.cursors import Cursor

# Values are str | None; the columns asked for are always there.
RawRow: TypeAlias = Mapping[str, Any]

_COLUMN_TYPES = """
SELECT COLUMN_NAME, DATA_TYPE
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s
"""


class SourceTableMissingError(LookupError):
    """The source has no such table at all: the wrong database, or rights are missing."""


@contextmanager
def plain_session(connection: pymysql.Connection) -> Iterator[None]:
    """Raw text values, instants in UTC, one fresh look per statement; puts the settings back."""
    decoders, autocommit = connection.decoders, connection.get_autocommit()
    with connection.cursor(Cursor) as cursor:
        cursor.execute("SELECT @@SESSION.time_zone, @@SESSION.sql_mode")
        settings = cursor.fetchone()
        # An open REPEATABLE READ snapshot would show the shop as it was.
        connection.autocommit(value=True)
        connection.set_character_set("utf8mb4")
        cursor.execute("SET SESSION time_zone = '+00:00', sql_mode = ''")
        connection.decoders = {}
        try:
            yield
        finally:
            connection.decoders = decoders
            cursor.execute("SET SESSION time_zone = %s, sql_mode = %s", settings)
            connection.autocommit(autocommit)


class Shop:
    """Reads the connection's default database. A column that the shop lacks reads as NULL."""

    def __init__(self, connection: pymysql.Connection) -> None:
        self._connection = connection
        self._column_types: dict[str, Mapping[str, str]] = {}

    def column_types(self, table: str) -> Mapping[str, str]:
        """Data types by column name; empty when there is no such table."""
        if table not in self._column_types:
            rows = self._fetch(_COLUMN_TYPES, (table,))
            self._column_types[table] = {name.upper(): kind.lower() for name, kind in rows}
        return self._column_types[table]

    def require(self, table: str) -> None:
        if not self.column_types(table):
            raise SourceTableMissingError(
                f"The source has no table {table}: is it the shop's database, and may this user "
                "read it?"
            )

    def page(self, table: str, columns: Sequence[str], *, after: int, size: int) -> list[RawRow]:
        """The next rows by ID. Walks the primary key: filters are the caller's, in Python."""
        return self._select(table, columns, "WHERE ID > %s ORDER BY ID LIMIT %s", (after, size))

    def everything(self, table: str, columns: Sequence[str]) -> list[RawRow]:
        """A small table at once; nothing when the shop has no such table."""
        return self._select(table, columns, "", ()) if self.column_types(table) else []

    def matching(
        self, table: str, columns: Sequence[str], *, key: str, ids: Sequence[int]
    ) -> list[RawRow]:
        """The rows whose `key` is one of the ids, ordered by ID where the table has one."""
        types = self.column_types(table)
        if not ids or key not in types:
            return []
        order = " ORDER BY ID" if "ID" in types else ""
        return self._select(table, columns, f"WHERE `{key}` IN %s{order}", (list(ids),))

    def archived(self, order_ids: Sequence[int]) -> list[RawRow]:
        """Archive rows (ORDER_ID, DATE_ARCHIVED) of those orders that are not live ones too."""
        live = {
            row["ID"] for row in self.matching("b_sale_order", ("ID",), key="ID", ids=order_ids)
        }
        columns = ("ORDER_ID", "DATE_ARCHIVED")
        rows = self.matching("b_sale_order_archive", columns, key="ORDER_ID", ids=order_ids)
        return [row for row in rows if row["ORDER_ID"] not in live]

    def _select(
        self, table: str, columns: Sequence[str], condition: str, arguments: tuple[object, ...]
    ) -> list[RawRow]:
        types = self.column_types(table)
        listed = ", ".join(f"`{name}`" if name in types else "NULL" for name in columns)
        # Names are this package's constants or built from integers; values are arguments.
        query = f"SELECT {listed} FROM `{table}` {condition}"
        return [dict(zip(columns, row, strict=True)) for row in self._fetch(query, arguments)]

    def _fetch(self, query: str, arguments: tuple[object, ...]) -> Sequence[tuple[Any, ...]]:
        with self._connection.cursor(Cursor) as cursor:
            cursor.execute(query, arguments)
            return cursor.fetchall()
