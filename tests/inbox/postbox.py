"""What tests of the inbox hold in their hands: events put in, and what became of them."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from shop_and_crm import Crm, Pipeline

from bitrix_pipeline.inbox.apply import Apply, FromShop, Seal
from bitrix_pipeline.inbox.drain import Drain, DrainResult
from bitrix_pipeline.inbox.jobs import Claim, Jobs
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.sync import SyncResult
from bitrix_pipeline.sync.postgres import connect

AT_ONCE = InboxSettings(linger_seconds=0, retry_seconds=(0.0, 0.0, 0.0))

ENTITIES = {
    "order": "orders",
    "user": "users",
    "product": "products",
    "category": "categories",
}


@dataclass
class Postbox:
    """The inbox of one CRM."""

    crm: Crm

    def put(self, type_: str, *ids: int, quarantine: str | None = None) -> list[int]:
        """Receives one event for each ID, as the receiver does; returns their numbers."""
        entity = ENTITIES.get(type_.split(".", maxsplit=1)[0])
        count = len(ids)
        start = self.crm.value("SELECT count(*) FROM bitrix_pipeline.inbox_events")
        names = [f"evt_{start + number}" for number in range(count)]
        bodies = [json.dumps({"type": type_, "data": {"id": id_}}).encode() for id_ in ids]
        self.crm.rows(
            "SELECT bitrix_pipeline.receive(%s, %s, %s::timestamptz[], %s, %s, %s, %s, %s::text[])",
            ["module"] * count, names, [None] * count, [type_] * count, [entity] * count,
            list(ids), bodies, [quarantine] * count,
        )  # fmt: skip
        return [
            self.crm.value("SELECT id FROM bitrix_pipeline.inbox_events WHERE event_id = %s", name)
            for name in names
        ]

    def states(self) -> dict[str, int]:
        return dict(
            self.crm.rows("SELECT state, count(*) FROM bitrix_pipeline.inbox_jobs GROUP BY 1")
        )

    def job(self, event: int, column: str) -> Any:
        return self.crm.value(
            f"SELECT {column} FROM bitrix_pipeline.inbox_jobs WHERE event = %s", event
        )

    def let_leases_end(self) -> None:
        self.crm.run(
            "UPDATE bitrix_pipeline.inbox_jobs SET leased_until = now() - interval '1 s'"
            " WHERE state = 'leased'"
        )

    def make_due(self) -> None:
        self.crm.run("UPDATE bitrix_pipeline.inbox_jobs SET due_at = now() WHERE state = 'waiting'")

    def claim(self, **settings: Any) -> Claim | None:
        """As another drain would."""
        with closing(connect(self.crm.url)) as connection:
            return Jobs(connection, replace(AT_ONCE, **settings), run_id="other").claim()


def from_shop(pipeline: Pipeline) -> FromShop:
    return FromShop(
        mysql_url=pipeline.shop.url, postgres_url=pipeline.crm.url, settings=pipeline.settings
    )


def drain(pipeline: Pipeline, apply: Apply | None = None, **settings: Any) -> DrainResult:
    """Until nothing is due."""
    return Drain(
        apply or from_shop(pipeline),
        postgres_url=pipeline.crm.url,
        settings=replace(AT_ONCE, **settings),
        run_id="test",
    ).run()


@dataclass
class Interfering:
    """Applies as `apply` does, after `before` had a look at the claim."""

    apply: Apply
    before: Callable[[Claim], None]

    def __call__(self, claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        self.before(claim)
        return self.apply(claim, seal)


def poisoned(pipeline: Pipeline, *ids: int) -> Interfering:
    """As if these rows could not be applied."""

    def look(claim: Claim) -> None:
        if any(event.entity_id in ids for event in claim.events):
            raise ValueError("Анна Секретова, +7 900 000-00-00")

    return Interfering(from_shop(pipeline), look)


def orders_of(pipeline: Pipeline) -> list[int]:
    return pipeline.shop.ids("SELECT ID FROM b_sale_order ORDER BY ID")


def arrived(pipeline: Pipeline) -> list[int]:
    """Orders that are really there."""
    rows = pipeline.crm.rows("SELECT id FROM orders WHERE NOT is_placeholder ORDER BY id")
    return [row[0] for row in rows]


def ids_of(claim: Claim | None) -> list[int]:
    return [event.id for event in claim.events] if claim else []


def some(values: Sequence[int], count: int) -> list[int]:
    assert len(values) >= count
    return list(values[:count])
