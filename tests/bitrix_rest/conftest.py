"""A shop of the test's own with its REST API."""

from collections.abc import Iterator

import pytest
from rest_at_hand import CODE, RestShop
from shop_and_crm import Shop

from bitrix_pipeline.demo_rest import RestSimulator, SimulatorOptions


@pytest.fixture
def rest_shop(shop: Shop) -> Iterator[RestShop]:
    # The simulator writes past the fixture, which restores what it knows to be changed.
    shop.changed_tables |= {"b_sale_order", "b_sale_order_change", "b_sale_status"}
    with RestSimulator(shop.url, SimulatorOptions(code=CODE)) as simulator:
        at_hand = RestShop(shop, simulator)
        simulator.bitrix.wall_clock = at_hand.clock
        yield at_hand
