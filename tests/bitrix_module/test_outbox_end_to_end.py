"""From a save in the shop to the rows in Postgres, with nothing stood in for but Bitrix itself."""

import sys
import time
from threading import Thread

import pytest
from bitrix_site import Site
from postbox import drain
from receiving import Inbox, Service, wait_for
from shop_and_crm import SETTINGS, Crm, Pipeline
from snapshots import apply

from bitrix_pipeline.inbox.event import read_event

SAVE = """
Bitrix\\Main\\Loader::includeModule('sale');
$order = Bitrix\\Sale\\Order::load(%d);
$order->setField('COMMENTS', '%s');
$order->save();
"""


def test_a_saved_order_reaches_postgres(
    site: Site, receiver_of_crm: Service, crm: Crm, capsys: pytest.CaptureFixture[str]
) -> None:
    """The drain lingers meanwhile, as Dagster's does."""
    site.set(url=receiver_of_crm.webhooks, fast_path="always")
    order = site.order()
    draining = Thread(
        target=drain, args=(Pipeline(site.shop, crm),), kwargs={"linger_seconds": 3.0}
    )
    draining.start()
    time.sleep(0.5)

    started = time.monotonic()
    site.hit(SAVE % (order, "Ленточку красную"))
    hit = time.monotonic() - started
    wait_for(lambda: crm.row("orders", order, "manager_comment") == ("Ленточку красную",))
    whole = time.monotonic() - started

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
