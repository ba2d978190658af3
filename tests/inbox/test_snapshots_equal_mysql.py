"""Both ways equal: rows made from snapshots, and rows made by MySQL itself."""

from collections.abc import Callable
from random import Random

import pytest
from shop_and_crm import SETTINGS, Crm, Pipeline, Shop
from snapshots import all_rows, apply, differences, live_rows, sender_of

TABLES = ("users", "categories", "products", "orders", "order_items")


@pytest.mark.parametrize(
    ("variant", "batch"),
    [({}, 5_000), ({"era": "2015", "charset": "cp1251"}, 90)],
    ids=["2026 at once", "2015 in batches"],
)
def test_a_whole_shop_from_snapshots_equals_the_shop_from_mysql(
    make_shop: Callable[..., Shop],
    other_crm: Crm,
    bare_crm: Crm,
    variant: dict[str, str],
    batch: int,
) -> None:
    shop = make_shop(**variant)
    # No event is news of a line whose order is gone.
    shop.run("DELETE FROM b_sale_basket WHERE ORDER_ID NOT IN (SELECT ID FROM b_sale_order)")
    with sender_of(shop) as sender:
        events = list(sender.everything())
    Random(7).shuffle(events)
    for first in range(0, len(events), batch):
        apply(bare_crm, SETTINGS, *events[first : first + batch])
    Pipeline(shop, other_crm).sync_all()

    assert bare_crm.rows("SELECT table_name, row_id, reason FROM bitrix_pipeline.set_aside") == []
    for table in TABLES:
        # Which line fills a placeholder depends on which are there when it is made.
        rows = live_rows if batch < len(events) else all_rows
        assert differences(rows(other_crm, table), rows(bare_crm, table)) == [], table
