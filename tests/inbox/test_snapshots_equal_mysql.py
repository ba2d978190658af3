"""Both ways equal: rows made from snapshots, and rows made by MySQL itself."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from shop_and_crm import SETTINGS, Crm, Pipeline, Shop, copy_of_database, drop_database
from snapshots import apply, differences, forget_applied, live_rows, sender_of

from bitrix_pipeline.servers import PrivatePostgres

TABLES = ("users", "categories", "products", "orders", "order_items")


@pytest.fixture
def other_crm(postgres: PrivatePostgres, migrated_database: str) -> Iterator[Crm]:
    """Without rows; it gets them from MySQL."""
    crm = copy_of_database(postgres, migrated_database)
    yield crm
    drop_database(postgres, crm)


@pytest.mark.parametrize(
    "variant", [{}, {"era": "2015", "charset": "cp1251"}], ids=["2026", "2015-cp1251"]
)
def test_a_whole_shop_from_snapshots_equals_the_shop_from_mysql(
    make_shop: Callable[..., Shop], other_crm: Crm, crm: Crm, variant: dict[str, str]
) -> None:
    forget_applied(crm)
    shop = make_shop(**variant)
    with sender_of(shop) as sender:
        events = list(sender.everything())
    Random(7).shuffle(events)
    for first in range(0, len(events), 100):
        apply(crm, SETTINGS, *events[first : first + 100])
    Pipeline(shop, other_crm).sync_all()

    print(crm.rows("SELECT table_name, row_id, reason FROM bitrix_pipeline.set_aside"))
    print({t: (len(live_rows(other_crm, t)), len(live_rows(crm, t))) for t in TABLES})
    print({t: differences(live_rows(other_crm, t), live_rows(crm, t)) for t in TABLES})
    for table in TABLES:
        assert live_rows(crm, table)
        assert differences(live_rows(other_crm, table), live_rows(crm, table)) == []
