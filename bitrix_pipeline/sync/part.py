"""A part of a source table: the rows that one query takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.scope import IdRange


@dataclass(frozen=True)
class Part:
    """Some ranges of a table's IDs, in ascending order; no ranges mean the whole table."""

    table: Table
    ranges: tuple[IdRange, ...] = ()

    @property
    def hull(self) -> IdRange | None:
        """The one range that holds them all."""
        if not self.ranges:
            return None
        return IdRange(self.ranges[0].start, self.ranges[-1].stop)

    @property
    def where(self) -> tuple[str, tuple[Any, ...]]:
        """The condition on the key, and its values."""
        key = self.table.key
        if not self.ranges:
            return "TRUE", ()
        if all(ids.stop - ids.start == 1 for ids in self.ranges):
            return condition(key, [ids.start for ids in self.ranges])
        conditions = " OR ".join([f"{key} >= %s AND {key} < %s"] * len(self.ranges))
        values = (value for ids in self.ranges for value in (ids.start, ids.stop))
        return f"({conditions})", tuple(values)

    def halves(self) -> "list[Part]":
        """Two parts that make up this one; none when it is a single ID or the whole table."""
        if len(self.ranges) > 1:
            middle = len(self.ranges) // 2
            return [Part(self.table, self.ranges[:middle]), Part(self.table, self.ranges[middle:])]
        if not self.ranges or self.ranges[0].stop - self.ranges[0].start == 1:
            return []
        ids = self.ranges[0]
        middle = (ids.start + ids.stop) // 2
        return [within(self.table, ids.start, middle), within(self.table, middle, ids.stop)]


def condition(column: str, ids: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """That the column is one of these IDs."""
    return f"{column} IN ({', '.join(['%s'] * len(ids))})", tuple(ids)


def within(table: Table, start: int, stop: int) -> Part:
    return Part(table, (IdRange(start, stop),))


def among(table: Table, ids: Sequence[int]) -> Part:
    return Part(table, tuple(IdRange(id_, id_ + 1) for id_ in sorted(ids)))
