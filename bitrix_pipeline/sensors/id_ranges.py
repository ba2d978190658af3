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

SECONDS_BETWEEN_LOOKS = 60


@dg.sensor(
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Registers new ID ranges of users, products, orders and order_items.",
)
def id_ranges(
    context: dg.SensorEvaluationContext, pipeline: Pipeline
) -> dg.SensorResult | dg.SkipReason:
    """The cursor holds each table's last occupied range: new IDs only ever come behind it."""
    if not pipeline.is_configured:
        return dg.SkipReason("BITRIX_MYSQL_URL and POSTGRES_URL are not both set: see .env.example")
    size = pipeline.settings.partition_size
    last = _last_ranges(context.cursor, size)
    starts = {table_named(name): last.get(name, 0) * size for name in PARTITIONED_TABLES}
    try:
        occupied = pipeline.occupied_ranges(starts)
    except PipelineError as error:
        return dg.SkipReason(str(error))
    keys = [
        partition_key(number, size)
        for number in sorted({n for ns in occupied.values() for n in ns})
    ]
    known = set(context.instance.get_dynamic_partitions(str(ID_RANGES.name)))
    new = [key for key in (*SPECIAL_KEYS, *keys) if key not in known]
    grown = {name: max(ns) for name, ns in occupied.items() if ns and max(ns) > last.get(name, -1)}
    return dg.SensorResult(
        dynamic_partitions_requests=[ID_RANGES.build_add_request(new)] if new else [],
        asset_events=[_observation(name, number, size) for name, number in grown.items()],
        cursor=json.dumps({"size": size, "last": {**last, **grown}}),
        skip_reason=None if new else dg.SkipReason("No new range of IDs."),
    )


def _last_ranges(cursor: str | None, size: int) -> dict[str, int]:
    """Empty for a cursor that cannot be read or counts ranges of another size: begin again."""
    try:
        saved = json.loads(cursor or "{}")
        if saved.get("size") == size:
            return {str(name): int(number) for name, number in saved["last"].items()}
    except (ValueError, AttributeError, KeyError, TypeError):
        pass
    return {}


def _observation(name: str, number: int, size: int) -> dg.AssetObservation:
    return dg.AssetObservation(
        source_key(table_named(name).source),
        metadata={"highest_id_range": partition_key(number, size)},
    )
