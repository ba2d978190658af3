"""Tells Dagster which ID ranges of a table a run wrote."""

from dataclasses import asdict

import dagster as dg

from bitrix_pipeline.assets.partitions import ID_RANGES, SPECIAL_KEYS, partition_key
from bitrix_pipeline.sync.result import RangeCounts, SyncResult


def report_ranges(
    context: dg.AssetExecutionContext, result: SyncResult, *, size: int, is_whole: bool
) -> None:
    """Marks the ranges that a sync wrote, and any that were still missing if it `is_whole`.

    A run over the whole table looks at all its IDs, so no range lacks a row afterwards; one over
    some IDs makes no missing range whole.
    """
    instance, name, key = context.instance, str(ID_RANGES.name), dg.AssetKey(result.table)
    written = {partition_key(number, size): counts for number, counts in result.ranges.items()}
    instance.add_dynamic_partitions(name, sorted(written))
    known = set(instance.get_dynamic_partitions(name)) - set(SPECIAL_KEYS)
    missing = known - instance.get_materialized_partitions(key)
    for partition in sorted(missing | written.keys() if is_whole else written.keys() - missing):
        counts = asdict(written.get(partition, RangeCounts()))
        numbers = {f"rows_{what}": count for what, count in counts.items()}
        context.log_event(dg.AssetMaterialization(key, partition=partition, metadata=numbers))
