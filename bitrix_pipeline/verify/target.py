"""Plain SELECTs from the tables in Postgres, as tuples that line up with the expected ones."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from bitrix_pipeline.verify.contract import BOOKKEEPING, REQUIRED_TYPES, Kind, Table
from bitrix_pipeline.verify.expected import ExpectedRow
from bitrix_pipeline.verify.verdict import Difference

_COLUMN_TYPES = """
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""

# Of a row that the source has.
_EXPECTED_BOOKKEEPING = {"is_placeholder": False, "deleted_at": None, "synced_at": True}

_BEFORE_ALL_IDS = -(2**63)


@contextmanager
def plain_transaction(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Times written as ISO; rows hidden by row level security are an error, not absent."""
    with connection.transaction():
        connection.execute("SET LOCAL DateStyle = 'ISO, YMD'")
        connection.execute("SET LOCAL row_security = off")
        yield


@dataclass(frozen=True)
class Layout:
    """Which columns are compared and in which order; `id` is the first."""

    table: Table
    columns: tuple[str, ...]

    @property
    def references(self) -> Mapping[str, str]:
        return {
            column: parent
            for column, parent in self.table.references.items()
            if column in self.columns
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """A column's name, and one more for each reference: the id that the parent's row has."""
        parents = (f"{column} -> {parent}" for column, parent in self.references.items())
        return (*self.columns, *parents)

    def align(self, rows: Iterator[ExpectedRow]) -> Iterator[tuple[Any, ...]]:
        values_of = itemgetter(*self.columns, *self.references)
        for row in rows:
            id_columns = {} if self.table.id_column is None else {self.table.id_column: row["id"]}
            yield values_of({**row, **id_columns, **_EXPECTED_BOOKKEEPING})


class Target:
    """One table in Postgres."""

    def __init__(
        self,
        *,
        connection: psycopg.Connection[Any],
        schema: str,
        table: Table,
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._table = table
        types = self._column_types()
        self.wrong_columns = tuple(self._wrong_columns(types))
        compared = {**table.columns, **BOOKKEEPING}
        # The hash is the sync's own: there is nothing to compare it with.
        skipped = left_out | {"source_hash"}
        self._kinds = {
            name: kind for name, kind in compared.items() if name in types and name not in skipped
        }
        self.layout = Layout(table, ("id", *(name for name in self._kinds if name != "id")))

    def rows(self, *, size: int) -> Iterator[tuple[Any, ...]]:
        """Every row by ascending id, read in pages."""
        query = self._page_query()
        after: int | str = "" if self._has_text_id else _BEFORE_ALL_IDS
        while True:
            with self._connection.cursor(row_factory=tuple_row) as cursor:
                page = cursor.execute(query, (after, size)).fetchall()
            if not page:
                return
            yield from page
            after = page[-1][0]

    @property
    def _has_text_id(self) -> bool:
        return self._table.columns["id"] is Kind.TEXT

    def _name(self, table: str) -> sql.Identifier:
        return sql.Identifier(self._schema, table)

    def _column_types(self) -> Mapping[str, str]:
        name = self._name(self._table.name).as_string(self._connection)
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            return dict(cursor.execute(_COLUMN_TYPES, (name,)).fetchall())

    def _wrong_columns(self, types: Mapping[str, str]) -> Iterator[Difference]:
        for column, kind in {**self._table.columns, **BOOKKEEPING}.items():
            required, found = REQUIRED_TYPES.get(kind), types.get(column)
            if found is None or required not in (None, found):
                yield Difference(self._table.name, "(columns)", column, required, found)

    def _page_query(self) -> sql.Composed:
        id_order = sql.SQL('t.id COLLATE "C"' if self._has_text_id else "t.id")
        return sql.SQL(
            "SELECT {values} FROM {table} AS t WHERE {id} > %s ORDER BY {id} LIMIT %s"
        ).format(
            values=sql.SQL(", ").join([*map(self._value, self.layout.columns), *self._parents()]),
            table=self._name(self._table.name),
            id=id_order,
        )

    def _value(self, column: str) -> sql.Composable:
        name = sql.Identifier("t", column)
        if column == "synced_at":
            return sql.SQL("{} IS NOT NULL").format(name)
        if self._kinds[column] is Kind.INSTANT:
            return sql.SQL("({} AT TIME ZONE 'UTC')::text").format(name)
        return name

    def _parents(self) -> Iterator[sql.Composable]:
        # Not EXISTS: the planner may answer that by hashing the whole parent table for each page.
        for column, parent in self.layout.references.items():
            yield sql.SQL("(SELECT p.id FROM {} AS p WHERE p.id = {})").format(
                self._name(parent), sql.Identifier("t", column)
            )
