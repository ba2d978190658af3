"""Webhooks as the receiver hands them over, for tests that look at Dagster's side."""

import json
from itertools import count
from typing import Any

from shop_and_crm import Crm

ENTITIES = {"order": "orders", "user": "users", "product": "products", "category": "categories"}
NUMBERS = count(1)


def receive(
    crm: Crm, type_: str, *ids: int, quarantine: str | None = None, **snapshot: Any
) -> list[int]:
    """One event for each ID; returns their numbers."""
    for id_ in ids:
        body = {"type": type_, "timestamp": "2026-01-02T03:04:05+00:00",
                "data": {"id": id_, **snapshot}}  # fmt: skip
        crm.rows(
            "SELECT bitrix_pipeline.receive(ARRAY['module'], %s, ARRAY[NULL]::timestamptz[], %s,"
            " %s, %s::bigint[], %s, %s::text[])",
            [f"received_{next(NUMBERS)}"], [type_], [ENTITIES[type_.partition(".")[0]]], [id_],
            [json.dumps(body).encode()], [quarantine],
        )  # fmt: skip
    newest = "SELECT id FROM bitrix_pipeline.inbox_events ORDER BY id DESC LIMIT %s"
    return [row[0] for row in crm.rows(newest, len(ids))][::-1]


def jobs(crm: Crm, *columns: str) -> list[tuple[Any, ...]]:
    """What became of each event."""
    return crm.rows(f"SELECT {', '.join(columns)} FROM bitrix_pipeline.inbox_jobs ORDER BY event")
