"""A healthy pair of databases for each test, which then makes one thing wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from consultation import READER, WORDS, Consultation
from shop_and_crm import Crm, Shop, copy_of_database, drop_database, new_shop

from bitrix_pipeline.demo.shop import reader_account
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres
from bitrix_pipeline.settings import Settings

# Long ago and not together, so that no test depends on the day on which it runs.
OLD_TIMES = (
    "UPDATE b_sale_order SET DATE_INSERT = '2020-02-02 10:20:00', DATE_UPDATE = '2020-02-02'",
    "UPDATE b_sale_basket SET DATE_UPDATE = '2020-02-02'",
    "UPDATE b_user SET DATE_REGISTER = '2019-01-01'",
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever `.env` there is where the tests were started is none of theirs."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def consult(mariadb: PrivateMariaDB) -> Callable[..., Consultation]:
    """Puts a shop, a CRM and settings together, with an account for the shop that can only read."""

    def with_reader(shop: Shop, crm: Crm, **settings: object) -> Consultation:
        with mariadb.connect() as admin:
            reader_account(admin, shop.database, user=READER, password="sesame")
        made = Settings(
            _env_file=None,
            bitrix_mysql_url=f"mysql://{READER}:sesame@127.0.0.1:{mariadb.port}/{shop.database}",
            postgres_url=crm.url,
            status_mapping=WORDS,
            **settings,
        )
        return Consultation(made)

    return with_reader


@pytest.fixture
def calm_shop(shop: Shop) -> Shop:
    """A shop to change."""
    for sql in OLD_TIMES:
        shop.run(sql)
    return shop


@pytest.fixture(scope="session")
def synced_crm_to_read(postgres: PrivatePostgres, synced_database: str) -> Iterator[Crm]:
    crm = copy_of_database(postgres, synced_database)
    yield crm
    drop_database(postgres, crm)


@pytest.fixture(scope="session")
def calm_shop_to_read(mariadb: PrivateMariaDB) -> Iterator[Shop]:
    with mariadb.connect() as admin:
        shop = new_shop(admin, mariadb.url, orders=40, seed=1)
        for sql in OLD_TIMES:
            shop.run(sql)
        yield shop


@pytest.fixture
def healthy(
    calm_shop: Shop, synced_crm_to_read: Crm, consult: Callable[..., Consultation]
) -> Consultation:
    """With a shop to change."""
    return consult(calm_shop, synced_crm_to_read)


@pytest.fixture
def healthy_crm(
    calm_shop_to_read: Shop, synced_crm: Crm, consult: Callable[..., Consultation]
) -> Consultation:
    """With a CRM to change."""
    return consult(calm_shop_to_read, synced_crm)


@pytest.fixture
def as_root(mariadb: PrivateMariaDB) -> Iterator[Callable[..., None]]:
    """Runs statements as MariaDB's root."""
    with mariadb.connect() as connection, connection.cursor() as cursor:

        def run(*statements: str) -> None:
            for sql in statements:
                cursor.execute(sql)

        yield run
