"""Real servers, started once a session; a shop and a CRM of its own for each test.

What takes time is done once: a shop is filled and synced, and tests get copies of both databases.
"""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rest_at_hand import CODE, RestShop
from shop_and_crm import (
    Crm,
    Pipeline,
    Shop,
    copy_of_database,
    drop_database,
    empty_tables,
    name_of_database,
    new_crm,
    new_shop,
    restore_shop,
)

from bitrix_pipeline.demo_rest import RestSimulator, SimulatorOptions
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

pytest_plugins = ["browser_at_hand", "receiver_at_hand"]

# Enough for every kind of order and few enough for a copy in a blink.
ORDERS = 40


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests first: they wait for a whole demo, and others can run meanwhile."""
    items.sort(key=lambda item: "browser" not in item.keywords)


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a folder for a server, whose name no earlier session can have used.

    pytest counts its folders anew when they were removed, and a server keeps its data by path.
    """
    return lambda name: tmp_path_factory.mktemp(f"{name}-{secrets.token_hex(4)}")


@pytest.fixture(scope="session")
def mariadb(make_folder: Callable[[str], Path]) -> Iterator[PrivateMariaDB]:
    with PrivateMariaDB(make_folder("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(make_folder: Callable[[str], Path]) -> Iterator[PrivatePostgres]:
    with PrivatePostgres(make_folder("postgres")) as server:
        yield server


@pytest.fixture
def make_shop(mariadb: PrivateMariaDB) -> Iterator[Callable[..., Shop]]:
    """Makes sample shops: `make_shop(orders=40, era="2015", charset="cp1251")`."""
    admin = mariadb.connect()
    opened: list[Shop] = []

    def make(*, orders: int = ORDERS, seed: int = 1, **variant: str) -> Shop:
        shop = new_shop(admin, mariadb.url, orders=orders, seed=seed, **variant)
        opened.append(shop)
        return shop

    yield make
    for shop in opened:
        shop.run(f"DROP DATABASE {shop.database}")
        shop.connection.close()
    admin.close()


@pytest.fixture(scope="session")
def pristine_shop(mariadb: PrivateMariaDB) -> Iterator[Shop]:
    """The sample shop as it was made: to read from and to copy, not to change."""
    with mariadb.connect() as admin:
        yield new_shop(admin, mariadb.url, orders=ORDERS, seed=1)


@pytest.fixture(scope="session")
def spare_shops() -> list[Shop]:
    """Shops of earlier tests: making the tables is what takes time."""
    return []


@pytest.fixture
def shop(mariadb: PrivateMariaDB, pristine_shop: Shop, spare_shops: list[Shop]) -> Iterator[Shop]:
    """A sample shop to change at will."""
    if spare_shops:
        shop = spare_shops.pop()
        restore_shop(shop, pristine_shop)
    else:
        with mariadb.connect() as admin:
            shop = new_shop(admin, mariadb.url, orders=ORDERS, seed=1)
    yield shop
    if not shop.is_altered and shop.connection.open:
        spare_shops.append(shop)


@pytest.fixture(scope="session")
def migrated_database(postgres: PrivatePostgres) -> str:
    crm = new_crm(postgres)
    crm.connection.close()
    return name_of_database(crm)


@pytest.fixture(scope="session")
def synced_database(postgres: PrivatePostgres, migrated_database: str, pristine_shop: Shop) -> str:
    """Holds the pristine shop."""
    crm = copy_of_database(postgres, migrated_database)
    Pipeline(pristine_shop, crm).sync_all()
    crm.connection.close()
    return name_of_database(crm)


@pytest.fixture(scope="session")
def spare_crms() -> list[Crm]:
    """CRMs of earlier tests."""
    return []


@pytest.fixture
def crm(postgres: PrivatePostgres, migrated_database: str, spare_crms: list[Crm]) -> Iterator[Crm]:
    """A migrated CRM without rows."""
    if spare_crms:
        crm = spare_crms.pop()
        empty_tables(crm)
    else:
        crm = copy_of_database(postgres, migrated_database)
    yield crm
    if crm.is_altered or crm.connection.broken:
        drop_database(postgres, crm)
    else:
        spare_crms.append(crm)


@pytest.fixture
def bare_crm(crm: Crm) -> Crm:
    """A migrated CRM to which no event was applied yet."""
    crm.run("TRUNCATE bitrix_pipeline.inbox_applied")
    return crm


@pytest.fixture
def other_crm(postgres: PrivatePostgres, migrated_database: str) -> Iterator[Crm]:
    """A second one without rows, to compare with."""
    made = copy_of_database(postgres, migrated_database)
    yield made
    drop_database(postgres, made)


@pytest.fixture
def synced_crm(postgres: PrivatePostgres, synced_database: str) -> Iterator[Crm]:
    """A CRM that has received the sample shop."""
    made = copy_of_database(postgres, synced_database)
    yield made
    drop_database(postgres, made)


@pytest.fixture
def pipeline(shop: Shop, crm: Crm) -> Pipeline:
    """Nothing was synced yet."""
    return Pipeline(shop, crm)


@pytest.fixture
def synced(shop: Shop, synced_crm: Crm) -> Pipeline:
    """The whole shop has been synced: what a test changes now is news."""
    return Pipeline(shop, synced_crm)


@pytest.fixture(scope="session")
def spare_simulators() -> Iterator[list[RestSimulator]]:
    """Of earlier tests: starting and stopping one is what takes time."""
    spare: list[RestSimulator] = []
    yield spare
    for simulator in spare:
        simulator.__exit__()


@pytest.fixture
def rest_shop(shop: Shop, spare_simulators: list[RestSimulator]) -> Iterator[RestShop]:
    """A shop of the test's own with its REST API."""
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
