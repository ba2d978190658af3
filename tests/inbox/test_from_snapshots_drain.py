"""A drain without MySQL: the events themselves carry the rows."""

import json
from dataclasses import replace
from typing import Any

import pytest
from postbox import AT_ONCE, Postbox
from shop_and_crm import SETTINGS, Crm

from bitrix_pipeline.inbox.apply import FromSnapshots
from bitrix_pipeline.inbox.desk import Desk
from bitrix_pipeline.inbox.drain import Drain, DrainResult

ORDER = {
    "type": "order.saved",
    "timestamp": "2026-03-23T10:00:00Z",
    "data": {
        "id": 17,
        "sequence": 1,
        "order": {"ID": "17", "USER_ID": "5", "STATUS_ID": "N", "PRICE": "1500.0000", "VERSION": 1},
        "basket": [{"ID": "90", "ORDER_ID": "17", "PRODUCT_ID": "7", "NAME": "Розы"}],
        "properties": [],
    },
}


def drain(crm: Crm, **settings: Any) -> DrainResult:
    apply = FromSnapshots(postgres_url=crm.url, settings=replace(SETTINGS, **settings))
    return Drain(apply, postgres_url=crm.url, settings=AT_ONCE, run_id="test").run()


def receive(
    crm: Crm, body: bytes, source: str = "module", name: str = "evt_1", order: int = 17
) -> None:
    crm.rows(
        "SELECT bitrix_pipeline.receive(%s, %s, %s::timestamptz[], %s, %s, %s, %s, %s::text[])",
        [source], [name], [None], ["order.saved"], ["orders"], [order], [body], [None],
    )  # fmt: skip


def send(crm: Crm, kind: str, *orders: int, **data: object) -> None:
    for order in orders:
        body = {
            "type": kind,
            "timestamp": "2026-03-23T11:00:00Z",
            "data": {"id": order, "order": {"ID": order}, "properties": [], **data},
        }
        receive(crm, json.dumps(body).encode(), name=f"{kind} {order} {data}", order=order)


def test_the_rows_come_from_the_event(bare_crm: Crm) -> None:
    receive(bare_crm, json.dumps(ORDER).encode())

    result = drain(bare_crm)

    assert result.applied == 1
    assert bare_crm.row("orders", 17, "status", "user_id", "is_placeholder") == ("new", 5, False)
    assert bare_crm.cell("order_items", 90, "name") == "Розы"


def test_what_is_not_in_the_event_is_a_placeholder(bare_crm: Crm) -> None:
    receive(bare_crm, json.dumps(ORDER).encode())

    drain(bare_crm)

    assert bare_crm.cell("users", 5, "is_placeholder")
    assert bare_crm.row("products", 7, "name", "is_placeholder") == ("Розы", True)


@pytest.mark.parametrize(
    ("source", "body", "reason"),
    [
        ("bitrix", b"event=ONSALEORDERSAVED", "carry no snapshot"),
        ("module", json.dumps(ORDER | {"data": {"id": 17}}).encode(), "order"),
    ],
    ids=["Bitrix's own webhook", "no snapshot"],
)
def test_an_event_without_a_snapshot_dies_with_a_reason(
    bare_crm: Crm, source: str, body: bytes, reason: str
) -> None:
    receive(bare_crm, body, source)
    receive(bare_crm, json.dumps(ORDER).encode(), name="evt_2")

    drain(bare_crm)

    postbox = Postbox(bare_crm)
    assert postbox.states() == {"done": 1, "dead": 1}
    assert reason in bare_crm.value(
        "SELECT reason FROM bitrix_pipeline.inbox_jobs WHERE state = 'dead'"
    )


def test_a_wave_of_deletions_stops_and_others_go_on(bare_crm: Crm) -> None:
    send(bare_crm, "order.saved", *range(1, 11), basket=[])
    drain(bare_crm)
    send(bare_crm, "order.deleted", *range(1, 7))
    send(bare_crm, "order.saved", 17, basket=[])

    drain(bare_crm, deletion_limit_rows=3)

    assert Postbox(bare_crm).states() == {"done": 11, "dead": 6}
    assert live_orders(bare_crm) == [*range(1, 11), 17]


def test_a_wave_that_is_allowed_goes_through(bare_crm: Crm) -> None:
    send(bare_crm, "order.saved", *range(1, 11), basket=[])
    drain(bare_crm)
    send(bare_crm, "order.deleted", *range(1, 7))
    drain(bare_crm, deletion_limit_rows=3)
    desk = Desk(bare_crm.connection, AT_ONCE)  # type: ignore[arg-type]

    dead = [entry.id for entry in desk.entries(["dead"], limit=10)]
    desk.replay(dead, by="olga", allow_deletions=True)
    drain(bare_crm, deletion_limit_rows=3)

    assert Postbox(bare_crm).states() == {"done": 16}
    assert live_orders(bare_crm) == [7, 8, 9, 10]


def test_a_wave_does_not_pass_in_the_halves_of_a_batch(bare_crm: Crm) -> None:
    """An event that cannot be read has the batch halved before any wave is seen."""
    send(bare_crm, "order.saved", *range(1, 41), basket=[])
    drain(bare_crm)
    send(bare_crm, "order.deleted", *range(1, 31))
    receive(bare_crm, json.dumps(ORDER | {"data": {"id": 99}}).encode(), name="evt_2", order=99)

    drain(bare_crm, deletion_limit_rows=3)

    assert len(live_orders(bare_crm)) >= 37
    assert Postbox(bare_crm).states()["dead"] >= 28


def test_a_wave_of_lines_that_left_their_orders_stops(bare_crm: Crm) -> None:
    lines = [{"ID": id_, "PRODUCT_ID": "7", "NAME": "Розы"} for id_ in range(1, 11)]
    send(bare_crm, "order.saved", 1, basket=lines)
    drain(bare_crm)
    send(bare_crm, "order.saved", 1, basket=lines[:4], sequence=1)

    drain(bare_crm, deletion_limit_rows=3)

    assert Postbox(bare_crm).states() == {"done": 1, "dead": 1}
    assert bare_crm.value("SELECT count(*) FROM order_items WHERE deleted_at IS NULL") == 10


def live_orders(crm: Crm) -> list[int]:
    return [row[0] for row in crm.rows("SELECT id FROM orders WHERE deleted_at IS NULL ORDER BY 1")]
