"""A shop with its REST API and a CRM that was synced with it."""

import pytest
from pushing import Desk
from rest_at_hand import RestShop
from shop_and_crm import Crm, Pipeline


@pytest.fixture
def desk(rest_shop: RestShop, synced_crm: Crm) -> Desk:
    return Desk(rest_shop, Pipeline(rest_shop.database, synced_crm))
