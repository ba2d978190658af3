"""From a save in the shop to the rows in Postgres, with nothing stood in for but Bitrix itself."""

import sys
import time
from threading import Event, Thread

import pytest
from bitrix_site import Site
from postbox import drain
from receiving import Inbox, Service, wait_for
from shop_and_crm import SETTINGS, Crm, Pipeline
from snapshots import apply

from bitrix_pipeline.inbox.event import read_event

COMMENT = "Ленточку красную"
SAVE = """
Bitrix\\Main\\Loader::includeModule('sale');
$order = Bitrix\\Sale\\Order::load(%d);
$order->setField('COMMENTS', '%s');
$order->save();
"""


def drain_until(has_come: Event, pipeline: Pipeline) -> None:
    """One drain after another, each lingering, as Dagster's sensor starts them."""
    while not has_come.is_set():
        drain(pipeline, linger_seconds=1.0)


def test_a_saved_order_reaches_postgres(
    site: Site, receiver_of_crm: Service, crm: Crm, capsys: pytest.CaptureFixture[str]
) -> None:
    site.set(url=receiver_of_crm.webhooks, fast_path="always")
    order = site.order()
    has_come = Event()
    draining = Thread(target=drain_until, args=(has_come, Pipeline(site.shop, crm)))
    draining.start()

    started = time.monotonic()
    site.hit(SAVE % (order, COMMENT))
    hit = time.monotonic() - started
    try:
        wait_for(lambda: crm.row("orders", order, "manager_comment") == (COMMENT,), seconds=60)
        whole = time.monotonic() - started
    finally:
        has_come.set()
        draining.join()
    site.shop.note_change("b_sale_order")
    assert site.outbox() == []
    with capsys.disabled():
        sys.stdout.write(
            f" [PHP started, saved and sent: {hit:.2f} s; in Postgres: {whole:.2f} s] "
        )


def test_without_mysql_the_snapshot_alone_makes_the_same_row(
    site: Site, receiver: Service, inbox: Inbox, bare_crm: Crm
) -> None:
    site.set(url=receiver.webhooks)
    order = site.order()
    site.hit(SAVE % (order, "Позвонить заранее"))
    site.hit("CAgent::CheckAgents();")
    site.shop.note_change("b_sale_order")

    apply(bare_crm, SETTINGS, *[read_event(body) for (body,) in inbox.rows("e.body")])

    assert bare_crm.row("orders", order, "manager_comment") == ("Позвонить заранее",)
    lines = site.shop.value("SELECT COUNT(*) FROM b_sale_basket WHERE ORDER_ID = %s", order)
    assert bare_crm.value("SELECT count(*) FROM order_items WHERE order_id = %s", order) == lines
    assert bare_crm.value("SELECT count(*) FROM users WHERE source_hash IS NOT NULL") == 1
