"""An inbox in a migrated database, an account that may do nothing but fill it, a service before it."""

from collections.abc import Iterator

import pytest
from receiving import Inbox, Service, service
from shop_and_crm import Crm, copy_of_database

from bitrix_pipeline.model.migrate import RECEIVER_ROLE
from bitrix_pipeline.servers import PrivatePostgres

ACCOUNT = "receiver_of_tests"


@pytest.fixture(scope="session")
def receiver_account(postgres: PrivatePostgres, migrated_database: str) -> str:  # noqa: ARG001 - makes the role
    """An account that may do nothing but fill an inbox of this server's."""
    with postgres.connect() as admin:
        admin.execute(f"CREATE ROLE {ACCOUNT} LOGIN IN ROLE {RECEIVER_ROLE}")
    return ACCOUNT


@pytest.fixture(scope="session")
def shared_inbox(postgres: PrivatePostgres, migrated_database: str, receiver_account: str) -> Inbox:
    return inbox_of(copy_of_database(postgres, migrated_database), receiver_account)


@pytest.fixture
def inbox(shared_inbox: Inbox) -> Inbox:
    """Empty."""
    shared_inbox.empty()
    return shared_inbox


@pytest.fixture(scope="session")
def shared_receiver(
    shared_inbox: Inbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("receiver") / "log"
    with service(shared_inbox.receiver_url, log) as running:
        yield running


@pytest.fixture
def receiver(shared_receiver: Service, inbox: Inbox) -> Service:  # noqa: ARG001 - empties it
    """A running receiver before an empty inbox."""
    return shared_receiver


def inbox_of(crm: Crm, account: str) -> Inbox:
    return Inbox(crm.connection, crm.url.replace("postgres@", f"{account}@"))
