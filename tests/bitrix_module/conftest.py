"""A site with the module installed, over a shop whose rows each test finds as they were made."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bitrix_site import (
    PHP,
    REPOSITORY,
    Listener,
    Site,
    forget_module,
    listening,
    make_bitrix_tables,
    make_site,
)
from receiver_at_hand import inbox_of
from receiving import SECRET, Service, service
from shop_and_crm import Crm, Shop, new_shop, restore_shop
from ssh_server import SshServer, ssh_server

from bitrix_pipeline.servers import PrivateMariaDB

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
def ssh(tmp_path: Path) -> Iterator[SshServer]:
    folder = tmp_path / "of ssh"
    folder.mkdir()
    with ssh_server(folder) as running:
        yield running


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


@pytest.fixture
def bare_site(empty_site: Site) -> Site:
    """Nothing of the module is there."""
    shutil.rmtree(empty_site.root / "local")
    empty_site.shop.run("UPDATE b_module SET DATE_ACTIVE = NULL")
    return empty_site


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what is deployed, to be changed."""
    folder = tmp_path / "bitrix_module"
    shutil.copytree(REPOSITORY / "bitrix_module", folder)
    return folder


@pytest.fixture
def receiver_of_crm(crm: Crm, receiver_account: str, tmp_path: Path) -> Iterator[Service]:
    """A running receiver before the inbox of a CRM without rows."""
    url = inbox_of(crm, receiver_account).receiver_url
    with service(url, tmp_path / "receiver.log") as running:
        yield running
