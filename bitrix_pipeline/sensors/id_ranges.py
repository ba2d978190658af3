"""Registers ID ranges as partitions while the shop's IDs grow, and notes how far they are."""

import json

import dagster as dg

from bitrix_pipeline.assets.partitions import (
    ID_RANGES,
    PARTITIONED_TABLES,
    SPECIAL_KEYS,
    partition_key,
)
from bitrix_pipeline.assets.source import source_key
from bitrix_pipeline.errors import PipelineError
from bitrix_pipeline.model import table_named
from bitrix_pipeline.resources import Pipeline
from bitrix_pipeline.sync import IdRange

SECONDS_BETWEEN_LOOKS = 60


@dg.sensor(
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Registers new ID ranges of users, products, orders and order_items.",
)
def id_ranges(
    context: dg.SensorEvaluationContext, pipeline: Pipeline
) -> dg.SensorResult | dg.SkipReason:
    if not pipeline.is_configured:
        return dg.SkipReason("BITRIX_MYSQL_URL and POSTGRES_URL are not both set: see .env.example")
    try:
        bounds = pipeline.source_bounds([table_named(name) for name in PARTITIONED_TABLES])
    except PipelineError as error:
        return dg.SkipReason(str(error))
    new = _new_ranges(context.instance, bounds, pipeline.settings.partition_size)
    cursor = json.dumps({name: ids.stop - 1 for name, ids in bounds.items()})
    seen_before = json.loads(context.cursor or "{}")
    observations = [
        dg.AssetObservation(
            source_key(table_named(name).source), metadata={"highest_id": ids.stop - 1}
        )
        for name, ids in bounds.items()
        if seen_before.get(name) != ids.stop - 1
    ]
    return dg.SensorResult(
        dynamic_partitions_requests=[ID_RANGES.build_add_request(new)] if new else [],
        asset_events=observations,
        cursor=cursor,
        skip_reason=None if new else dg.SkipReason("No new range of IDs."),
    )


def _new_ranges(instance: dg.DagsterInstance, bounds: dict[str, IdRange], size: int) -> list[str]:
    """In ascending order, so that neighbouring ranges can be backfilled as one stretch."""
    known = set(instance.get_dynamic_partitions(str(ID_RANGES.name)))
    numbers = {
        number
        for ids in bounds.values()
        for number in range(ids.start // size, (ids.stop - 1) // size + 1)
    }
    keys = [*SPECIAL_KEYS, *(partition_key(number, size) for number in sorted(numbers))]
    return [key for key in keys if key not in known]
