"""What the inbox's tests hold in their hands."""

import pytest
from postbox import Postbox
from shop_and_crm import Crm, Pipeline


@pytest.fixture
def postbox(crm: Crm) -> Postbox:
    """The inbox of a CRM without rows."""
    return Postbox(crm)


@pytest.fixture
def synced_postbox(synced: Pipeline) -> Postbox:
    """The inbox of a CRM that has received the whole shop."""
    return Postbox(synced.crm)
