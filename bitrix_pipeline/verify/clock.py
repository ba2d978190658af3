"""Source times as instants. Postgres itself reads them, so `AT TIME ZONE` is its own judge.

An instant is Postgres' text of the time in UTC: exact, comparable, and free of Python's limits.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from bitrix_pipeline.verify.source import RawRow, Shop
from bitrix_pipeline.verify.values import is_possible_time

_READ = """
SELECT given, (given::timestamp AT TIME ZONE %s::text AT TIME ZONE 'UTC')::text
FROM unnest(%s::text[]) AS given
"""


class Clock:
    def __init__(self, *, target: psycopg.Connection[Any], shop: Shop, shop_timezone: str) -> None:
        self._target = target
        self._shop = shop
        self._shop_timezone = shop_timezone

    def read(self, table: str, column: str, rows: Sequence[RawRow | None]) -> list[str | None]:
        """The column's instants, one for each row; None for no row, no value, no such date."""
        # A `timestamp` column is an instant, and the source session's zone is UTC.
        is_instant = self._shop.column_types(table).get(column) == "timestamp"
        zone = "UTC" if is_instant else self._shop_timezone
        return self.instants([None if row is None else row[column] for row in rows], zone=zone)

    def instants(self, texts: Iterable[str | None], *, zone: str) -> list[str | None]:
        texts = list(texts)
        possible = [text for text in set(texts) if text is not None and is_possible_time(text)]
        if not possible:
            return [None] * len(texts)
        with self._target.cursor(row_factory=tuple_row) as cursor:
            known: dict[str | None, str] = dict(cursor.execute(_READ, (zone, possible)).fetchall())
        return [known.get(text) for text in texts]
