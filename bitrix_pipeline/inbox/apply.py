"""Applies claimed events: from the shop's MySQL, or from what the events themselves carry."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from bitrix_pipeline.inbox.errors import EventError
from bitrix_pipeline.inbox.event import Event, read_event
from bitrix_pipeline.inbox.jobs import Claim, ClaimedEvent, bodies
from bitrix_pipeline.inbox.store import MODULE
from bitrix_pipeline.sync import SyncResult, SyncSettings, sync_set
from bitrix_pipeline.sync.postgres import Connection, connect, target_errors

Seal = Callable[[Connection], None]
"""The last thing done before COMMIT; if it raises, nothing was written."""


class Apply(Protocol):
    """Makes the rows that events are news of as they should be, in one transaction."""

    def __call__(self, claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        """What it did, by table. Raises what `sync_set` raises, or EventError."""
        ...


class Deleted:
    """Rows that were deleted so far, by table: a wave may come in many batches, or in halves of one.

    Lives as long as the drain. What a person allowed is no part of a wave.
    """

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()

    def note(self, claim: Claim, results: Mapping[str, SyncResult]) -> None:
        if not claim.deletions_allowed:
            self.rows.update({name: result.deleted for name, result in results.items()})


class FromShop:
    """Reads the rows anew, so that it does not matter which event came when and how often.

    One for each drain: it counts what the drain deletes.
    """

    def __init__(self, *, mysql_url: str, postgres_url: str, settings: SyncSettings) -> None:
        self._mysql_url = mysql_url
        self._postgres_url = postgres_url
        self._settings = settings
        self._deleted = Deleted()

    def __call__(self, claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        ids: dict[str, set[int]] = defaultdict(set)
        for event in claim.events:
            if event.entity and event.entity_id:
                ids[event.entity].add(event.entity_id)
        results = sync_set(
            {name: sorted(found) for name, found in ids.items()},
            mysql_url=self._mysql_url,
            postgres_url=self._postgres_url,
            settings=_settings_for(claim, self._settings),
            seal=seal,
            deleted_before=self._deleted.rows,
        )
        self._deleted.note(claim, results)
        return results


class FromSnapshots:
    """Takes the rows from the events, where the shop's MySQL is out of reach by design.

    One for each drain: it counts what the drain deletes.
    """

    def __init__(self, *, postgres_url: str, settings: SyncSettings) -> None:
        self._postgres_url = postgres_url
        self._settings = settings
        self._deleted = Deleted()

    def __call__(self, claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        from bitrix_pipeline.inbox.from_snapshots import (  # noqa: PLC0415 - pandas takes long
            apply_snapshots,
        )

        with connect(self._postgres_url) as connection, target_errors():
            found = bodies(connection, claim.events)
        results = apply_snapshots(
            [_event(event, found[event.id]) for event in claim.events],
            postgres_url=self._postgres_url,
            settings=_settings_for(claim, self._settings),
            seal=seal,
            deleted_before=self._deleted.rows,
        )
        self._deleted.note(claim, results)
        return results


def _settings_for(claim: Claim, settings: SyncSettings) -> SyncSettings:
    allowed = settings.allow_deletions or claim.deletions_allowed
    return replace(settings, allow_deletions=allowed)


def _event(claimed: ClaimedEvent, body: bytes) -> Event:
    if claimed.source != MODULE:
        raise EventError(
            "Bitrix's own webhooks carry no snapshot: set BITRIX_MYSQL_URL, or send them by the"
            " shop's module"
        )
    return read_event(body)
