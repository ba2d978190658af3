"""A drain without MySQL: the events themselves carry the rows."""

import json

import pytest
from postbox import AT_ONCE, Postbox
from shop_and_crm import SETTINGS, Crm

from bitrix_pipeline.inbox.apply import FromSnapshots
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


def drain(crm: Crm) -> DrainResult:
    apply = FromSnapshots(postgres_url=crm.url, settings=SETTINGS)
    return Drain(apply, postgres_url=crm.url, settings=AT_ONCE, run_id="test").run()


def receive(crm: Crm, body: bytes, source: str = "module", name: str = "evt_1") -> None:
    crm.rows(
        "SELECT bitrix_pipeline.receive(%s, %s, %s::timestamptz[], %s, %s, %s, %s, %s::text[])",
        [source], [name], [None], ["order.saved"], ["orders"], [17], [body], [None],
    )  # fmt: skip


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
