"""From a save in the shop to the rows in Postgres, with nothing stood in for but Bitrix itself."""

import time
from collections.abc import Callable

import pytest
from bitrix_site import Site, make_bitrix_tables, make_site
from postbox import drain
from receiving import Inbox, Service
from shop_and_crm import Crm, Pipeline
from snapshots import all_rows, apply, differences

from bitrix_pipeline.inbox.event import read_event

SAVE = """
Bitrix\\Main\\Loader::includeModule('sale');
$order = Bitrix\\Sale\\Order::load(%d);
$order->setField('COMMENTS', '%s');
$order->save();
"""


def test_a_saved_order_reaches_postgres_and_the_fast_path_makes_it_quick(
    site: Site, receiver: Service, crm: Crm, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    site.set(url=receiver.webhooks, fast_path="always")
    pipeline = Pipeline(site.shop, crm)
    order = site.order()

    started = time.monotonic()
    site.hit(SAVE % (order, "Ленточку красную"))
    hit = time.monotonic() - started
    assert [row[0] for row in inbox.rows("e.entity_id")] == [order]
    assert drain(pipeline).applied == 1
    whole = time.monotonic() - started

    assert crm.cell("orders", order, "manager_comment") == "Ленточку красную"
    assert site.outbox() == []
    with capsys.disabled():
        print(f" [hit with its POST {hit:.2f} s, to Postgres {whole:.2f} s] ", end="")
