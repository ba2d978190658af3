"""Applies claimed events: from the shop's MySQL, or from what the events themselves carry."""

from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from bitrix_pipeline.inbox.jobs import Claim
from bitrix_pipeline.sync import SyncResult, SyncSettings, sync_set
from bitrix_pipeline.sync.postgres import Connection

Seal = Callable[[Connection], None]
"""The last thing done before COMMIT; if it raises, nothing was written."""


class Apply(Protocol):
    """Makes the rows that events are news of as they should be, in one transaction."""

    def __call__(self, claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        """What it did, by table. Raises what `sync_set` raises, or EventError."""
        ...


class FromShop:
    """Reads the rows anew, so that it does not matter which event came when and how often."""

    def __init__(self, *, mysql_url: str, postgres_url: str, settings: SyncSettings) -> None:
        self._mysql_url = mysql_url
        self._postgres_url = postgres_url
        self._settings = settings

    def __call__(self, claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        ids: dict[str, set[int]] = defaultdict(set)
        for event in claim.events:
            if event.entity and event.entity_id:
                ids[event.entity].add(event.entity_id)
        return sync_set(
            {name: sorted(found) for name, found in ids.items()},
            mysql_url=self._mysql_url,
            postgres_url=self._postgres_url,
            settings=self._settings,
            seal=seal,
        )
