"""Which rows a run syncs: its config, else its partitions, else what changed lately."""

import dagster as dg
from pydantic import Field

from bitrix_pipeline.assets.partitions import (
    CHANGED_LATELY,
    EVERYTHING,
    SPECIAL_KEYS,
    merged,
)
from bitrix_pipeline.sync import ChangedLately, Everything, IdRange, Ids, Scope


class SyncConfig(dg.Config):
    """One-off scopes for the Launchpad; empty means: what changed lately, or the partitions."""

    full: bool = Field(default=False, description="Compare all rows by content.")
    ids: list[int] = Field(default=[], description="Sync exactly these IDs.")
    id_range: str = Field(
        default="", description="Sync this range of IDs, both ends included: 1000-1999."
    )
    allow_deletions: bool = Field(
        default=False,
        description="Let this run mark more rows as deleted than the limit, once.",
    )
    accept_schema: bool = Field(
        default=False,
        description="Accept that a source column that was read before is gone: it becomes NULL.",
    )


def scopes_of(config: SyncConfig, partition_keys: list[str]) -> list[Scope]:
    """The config's scope, else one for each stretch of partitions, else what changed lately.

    Raises Failure when the config is unclear.
    """
    ranges = [key for key in partition_keys if key not in SPECIAL_KEYS]
    if ranges and (config.ids or config.id_range):
        raise dg.Failure(
            "A run with ids or id_range would mark a whole range of IDs as synced: "
            f"take the partition {CHANGED_LATELY} for them.",
            allow_retries=False,
        )
    asked: list[Scope] = []
    if config.full:
        asked.append(Everything())
    if config.ids:
        asked.append(Ids(tuple(config.ids)))
    if config.id_range:
        asked.append(parse_id_range(config.id_range))
    if len(asked) > 1:
        raise dg.Failure(
            "Give only one of full, ids and id_range in the run config.", allow_retries=False
        )
    if asked:
        return asked
    if EVERYTHING in partition_keys:
        return [Everything()]
    lately = [ChangedLately()] if CHANGED_LATELY in partition_keys or not ranges else []
    return [*lately, *merged(ranges)]


def parse_id_range(text: str) -> IdRange:
    """Raises Failure when the text is not two numbers with a dash."""
    first, dash, last = text.partition("-")
    if not (dash and first.strip().isdigit() and last.strip().isdigit()):
        raise dg.Failure(f"id_range {text!r} is not a range: write 1000-1999.", allow_retries=False)
    try:
        return IdRange(int(first), int(last) + 1)
    except ValueError as error:
        raise dg.Failure(f"id_range: {error}.", allow_retries=False) from None
