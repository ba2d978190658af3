"""A shop of the test's own with its REST API."""

from collections.abc import Iterator

import pytest
from rest_at_hand import CODE, RestShop
from shop_and_crm import Shop

from bitrix_pipeline.demo_rest import RestSimulator, SimulatorOptions


@pytest.fixture(scope="session")
def spare_simulators() -> Iterator[list[RestSimulator]]:
    """Of earlier tests: starting and stopping one is what takes time."""
    spare: list[RestSimulator] = []
    yield spare
    for simulator in spare:
        simulator.__exit__()


@pytest.fixture
def rest_shop(shop: Shop, spare_simulators: list[RestSimulator]) -> Iterator[RestShop]:
    if spare_simulators:
        simulator = spare_simulators.pop()
        simulator.bitrix.begin_anew(shop.url, SimulatorOptions(code=CODE))
    else:
        simulator = RestSimulator(shop.url, SimulatorOptions(code=CODE)).__enter__()
    at_hand = RestShop(shop, simulator)
    simulator.bitrix.wall_clock = at_hand.clock
    yield at_hand
    if not {"profile", "scope", "methods", "server.time"}.issuperset(at_hand.asked):
        # The simulator writes past the fixture, which restores what it knows to be changed.
        shop.changed_tables |= {"b_sale_order", "b_sale_order_change"}
    if simulator.is_running:
        spare_simulators.append(simulator)
