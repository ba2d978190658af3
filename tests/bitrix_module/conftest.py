"""A site with the module installed, over a shop whose rows each test finds as they were made."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bitrix_site import (
    PHP,
    Listener,
    Site,
    forget_module,
    listening,
    make_bitrix_tables,
    make_site,
)
from receiving import SECRET, Inbox, Service, service
from shop_and_crm import Crm, Shop, copy_of_database, new_shop, restore_shop

from bitrix_pipeline.model.migrate import RECEIVER_ROLE
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

ACCOUNT = "receiver_of_the_module"
ORDERS = 40


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here, missing = Path(__file__).parent, missing_of_php()
    for item in items:
        if missing and here in item.path.parents:
            item.add_marker(
                pytest.mark.skip(f"no {', '.join(missing)} here: make test installs it")
            )


def missing_of_php() -> list[str]:
    if PHP is None:
        return ["php"]
    said = subprocess.run([PHP, "-m"], capture_output=True, text=True, check=False).stdout
    return [f"php-{name}" for name in ("curl", "mbstring", "mysqli") if name not in said.split()]


@pytest.fixture(scope="session")
def shop_of_site(mariadb: PrivateMariaDB) -> Shop:
    with mariadb.connect() as admin:
        shop = new_shop(admin, mariadb.url, orders=ORDERS, seed=1)
    make_bitrix_tables(shop)
    return shop


@pytest.fixture
def empty_site(tmp_path: Path, shop_of_site: Shop, pristine_shop: Shop) -> Iterator[Site]:
    """The module's files are there, and nothing else of it."""
    forget_module(shop_of_site)
    shop_of_site.changed_tables.clear()
    yield make_site(tmp_path / "site", shop_of_site)
    shop_of_site.changed_tables -= {
        name for name in shop_of_site.changed_tables if not is_of_shop(pristine_shop, name)
    }
    restore_shop(shop_of_site, pristine_shop)


def is_of_shop(shop: Shop, table: str) -> bool:
    return bool(shop.rows("SHOW TABLES LIKE %s", table))


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as running:
        yield running


@pytest.fixture
def site(empty_site: Site, listener: Listener) -> Site:
    """Installed; what it sends comes to the listener, and no fast path interferes."""
    empty_site.install()
    empty_site.set(url=listener.url, secrets=SECRET, fast_path="never")
    return empty_site


@pytest.fixture(scope="session")
def shared_inbox(postgres: PrivatePostgres, migrated_database: str) -> Inbox:
    crm = copy_of_database(postgres, migrated_database)
    crm.connection.execute(f"CREATE ROLE {ACCOUNT} LOGIN IN ROLE {RECEIVER_ROLE}")
    return Inbox(crm.connection, url_of_account(crm))


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
    """The real one, before an empty inbox."""
    return shared_receiver


@pytest.fixture
def receiver_of_crm(shared_inbox: Inbox, crm: Crm, tmp_path: Path) -> Iterator[Service]:  # noqa: ARG001 - makes the account
    """The real one, before the inbox of a CRM without rows."""
    with service(url_of_account(crm), tmp_path / "receiver.log") as running:
        yield running


def url_of_account(crm: Crm) -> str:
    """Of an account that may do nothing but fill the inbox."""
    return crm.url.replace("postgres@", f"{ACCOUNT}@")


@pytest.fixture
def bare_crm(crm: Crm) -> Crm:
    """A migrated CRM to which no event was applied yet."""
    crm.run("TRUNCATE bitrix_pipeline.inbox_applied")
    return crm
