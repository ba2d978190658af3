from collections.abc import Iterator

import pytest
from mailbox import Mailbox
from shop_and_crm import Crm, Pipeline


@pytest.fixture
def mailbox(crm: Crm) -> Iterator[Mailbox]:
    """The inbox of a CRM without rows."""
    yield Mailbox(crm)


@pytest.fixture
def synced_mailbox(synced: Pipeline) -> Mailbox:
    """The inbox of a CRM that has received the whole shop."""
    return Mailbox(synced.crm)
