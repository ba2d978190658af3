"""Partitions by ID range: the primary key is the one index that every shop has.

A key such as `0000100000-0000199999` is itself the range, so keys of another size stay valid. All
tables share the ranges, because Dagster runs only assets with the same partitions in one job; a
table has no rows in the ranges beyond its highest ID, and every run says so.

Two keys are no ranges: `changed-lately` is what the schedule runs every five minutes, `everything`
what it runs at night. They are keys because Dagster refuses a run without one as soon as a
partitioned asset depends on another (`docs/decisions/0003-partitions.md`).
"""

import dagster as dg

from bitrix_pipeline.sync import IdRange

PARTITIONED_TABLES = ("users", "products", "orders", "order_items")
"""The others are small and always taken whole."""

ID_RANGES = dg.DynamicPartitionsDefinition(name="id_ranges")

CHANGED_LATELY = "changed-lately"
EVERYTHING = "everything"
SPECIAL_KEYS = (CHANGED_LATELY, EVERYTHING)

ID_DIGITS = 10


def partition_key(number: int, size: int) -> str:
    """The key of the n-th range of that size."""
    return f"{number * size:0{ID_DIGITS}d}-{(number + 1) * size - 1:0{ID_DIGITS}d}"


def range_of(key: str) -> IdRange:
    """The IDs that a key names. Raises ValueError when it is no key of ours."""
    first, last = key.split("-")
    return IdRange(int(first), int(last) + 1)


def merged(keys: list[str]) -> list[IdRange]:
    """Neighbouring ranges as one."""
    ranges: list[IdRange] = []
    for ids in sorted(map(range_of, keys), key=lambda ids: ids.start):
        if ranges and ranges[-1].stop >= ids.start:
            ranges[-1] = IdRange(ranges[-1].start, max(ranges[-1].stop, ids.stop))
        else:
            ranges.append(ids)
    return ranges
