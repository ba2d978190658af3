"""Shops of other ages, charsets and engines, and what the account needs: all arrive equal."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from shop_and_crm import Crm, Pipeline, Shop, fails, written

from bitrix_pipeline.demo.shop import reader_account
from bitrix_pipeline.errors import SourceError
from bitrix_pipeline.servers import PrivateMariaDB
from bitrix_pipeline.sync.scope import ChangedLately


@pytest.mark.parametrize(
    "variant",
    [
        {"era": "2015"},
        {"charset": "cp1251"},
        {"charset": "utf8mb3"},
        {"engine": "MyISAM"},
        {"era": "2015", "charset": "cp1251", "engine": "MyISAM"},
    ],
    ids=lambda variant: " ".join(variant.values()),
)
def test_a_shop_of_another_kind_arrives_and_stays_equal(
    make_shop: Callable[..., Shop], crm: Crm, variant: dict[str, str]
) -> None:
    pipeline = Pipeline(make_shop(**variant), crm)
    pipeline.sync_all()
    pipeline.shop.run("UPDATE b_user SET NAME = 'Ёжик' WHERE ID % 2")
    pipeline.shop.run("DELETE FROM b_sale_basket WHERE ID % 7 = 0")

    pipeline.sync_all(ChangedLately())

    assert pipeline.differences() == []
    assert written(pipeline.sync_all()) == {}


def test_columns_of_different_charsets_and_collations_arrive(pipeline: Pipeline) -> None:
    for table, change in (
        ("b_sale_status_lang", "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
        ("b_sale_status", "CONVERT TO CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"),
        ("b_user", "MODIFY PERSONAL_MOBILE varchar(255) COLLATE utf8mb4_bin"),
        ("b_user", "MODIFY PERSONAL_PHONE varchar(255) CHARACTER SET cp1251"),
        ("b_user", "MODIFY LAST_NAME varchar(50) CHARACTER SET latin1 COLLATE latin1_bin"),
        ("b_sale_order_props_value", "MODIFY CODE varchar(50) COLLATE utf8mb4_bin"),
        ("b_sale_order_props_value", "MODIFY ENTITY_TYPE varchar(255) CHARACTER SET cp1251"),
    ):
        pipeline.shop.run(f"ALTER TABLE {table} {change}")

    pipeline.sync_all()

    assert pipeline.differences() == []


def test_an_account_that_may_only_select_is_enough(
    shop: Shop, crm: Crm, mariadb: PrivateMariaDB
) -> None:
    with mariadb.connect() as admin:
        reader_account(admin, shop.database, user="reader", password="sesame")  # type: ignore[arg-type]
    url = shop.url.replace("root@", "reader:sesame@")

    Pipeline(replace(shop, url=url), crm).sync_all()

    assert Pipeline(shop, crm).differences() == []


def test_an_account_that_may_not_read_a_table_is_told_so(
    synced: Pipeline, mariadb: PrivateMariaDB
) -> None:
    database = synced.shop.database
    with mariadb.connect() as admin, admin.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER stranger@'%' IDENTIFIED BY 'sesame'")
        cursor.execute(f"GRANT SELECT ON {database}.b_user TO stranger@'%'")
    url = synced.shop.url.replace("root@", "stranger:sesame@")
    before = synced.crm.contents()

    with fails(SourceError, "orders", "b_sale_order.ID"):
        Pipeline(replace(synced.shop, url=url), synced.crm).sync("orders")

    assert synced.crm.contents() == before


@pytest.mark.parametrize("sql_mode", ["", "TRADITIONAL", "ANSI_QUOTES,PIPES_AS_CONCAT"])
def test_the_servers_sql_mode_does_not_matter(
    pipeline: Pipeline, mariadb: PrivateMariaDB, sql_mode: str
) -> None:
    with mariadb.connect() as admin, admin.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.sql_mode, @@GLOBAL.time_zone")
        before = cursor.fetchone()
        cursor.execute("SET GLOBAL sql_mode = %s, GLOBAL time_zone = '-07:00'", (sql_mode,))
        try:
            pipeline.sync_all()
        finally:
            cursor.execute("SET GLOBAL sql_mode = %s, GLOBAL time_zone = %s", before)

    assert pipeline.differences() == []
