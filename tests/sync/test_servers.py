"""The other servers that a shop or a CRM may run: another Postgres, a pooler, a real MySQL."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pooler import PROGRAM, transaction_pooler
from shop_and_crm import Crm, Pipeline, Shop, empty_database, new_crm, new_shop, written

from bitrix_pipeline.model.migrate import migrate
from bitrix_pipeline.servers import (
    PrivateMySQL,
    PrivatePostgres,
    ServerUnavailable,
    debian_binaries,
)
from bitrix_pipeline.sync import table_sync
from bitrix_pipeline.sync.scope import ChangedLately

CHANGES = (
    "UPDATE b_user SET NAME = 'Ёжик \\\\ 🌷' WHERE ID % 2",
    "UPDATE b_sale_order SET STATUS_ID = 'F', DATE_UPDATE = NOW() WHERE ID % 3 = 0",
    "UPDATE b_catalog_price SET PRICE = PRICE + 0.01",
    "DELETE FROM b_sale_basket WHERE ID % 7 = 0",
    "DELETE FROM b_sale_status_lang WHERE LID = 'ru'",
)


def goes_through_a_day(pipeline: Pipeline) -> None:
    """First sync, changes, sync of what changed: equal each time, and quiet at the end."""
    pipeline.sync_all()
    assert pipeline.differences() == []

    for change in CHANGES:
        pipeline.shop.run(change)
    pipeline.sync_all(ChangedLately())
    assert pipeline.differences() == []

    assert written(pipeline.sync_all()) == {}


def test_the_embedded_postgres(pipeline: Pipeline) -> None:
    goes_through_a_day(pipeline)


def test_debians_postgres(shop: Shop, make_folder: Callable[[str], Path]) -> None:
    try:
        binaries = debian_binaries()
    except ServerUnavailable as reason:
        pytest.skip(str(reason))

    with PrivatePostgres(make_folder("debian"), binaries=binaries) as server:
        crm = new_crm(server)
        goes_through_a_day(Pipeline(shop, crm))
        crm.connection.close()


@pytest.mark.skipif(not PROGRAM.exists(), reason="Debian's pgbouncer is not installed.")
@pytest.mark.parametrize("fill_rows", [1, 10**9], ids=["filled", "merged"])
def test_a_transaction_pooler(
    shop: Shop, postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch, fill_rows: int
) -> None:
    monkeypatch.setattr(table_sync, "FILL_ROWS", fill_rows)
    direct = empty_database(postgres)

    with transaction_pooler(postgres.port) as port:
        pooled = replace(direct, url=direct.url.replace(f":{postgres.port}/", f":{port}/"))
        migrate(pooled.url, target_schema="public")
        goes_through_a_day(Pipeline(shop, pooled))


def test_another_schema(shop: Shop, postgres: PrivatePostgres) -> None:
    crm = new_crm(postgres, target_schema="Crm_2")
    settings = replace(Pipeline(shop, crm).settings, target_schema="Crm_2")

    goes_through_a_day(Pipeline(shop, crm, settings))


@pytest.fixture(scope="module")
def mysql(make_folder: Callable[[str], Path]) -> Iterator[PrivateMySQL]:
    try:
        server = PrivateMySQL(make_folder("mysql"))
        server.start()
    except ServerUnavailable as reason:
        pytest.skip(str(reason))
    with server:
        yield server


@pytest.mark.mysql
@pytest.mark.parametrize(
    "variant",
    [{}, {"era": "2015", "charset": "utf8mb3"}, {"charset": "cp1251", "engine": "MyISAM"}],
    ids=lambda variant: " ".join(variant.values()) or "today's",
)
def test_a_real_mysql(mysql: PrivateMySQL, crm: Crm, variant: dict[str, str]) -> None:
    with mysql.connect() as admin:
        shop = new_shop(admin, mysql.url, orders=40, seed=1, **variant)

    goes_through_a_day(Pipeline(shop, crm))

    shop.connection.close()
