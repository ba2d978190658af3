"""A day in the sample shop: what changes, what hides, what goes."""

from __future__ import annotations

from dataclasses import asdict

import pymysql
import pytest

from bitrix_pipeline.demo.shop import change_shop, reader_account

TABLES = ("b_user", "b_iblock_element", "b_catalog_product", "b_sale_order", "b_sale_basket")


def ids(shop, table):
    return {row_id for (row_id,) in shop.rows(f"SELECT ID FROM {table}")}


@pytest.mark.parametrize("form", [
    {"orders": 400},
    {"orders": 2_000, "era": "2015", "charset": "cp1251", "engine": "MyISAM"},
])  # fmt: skip
def test_a_day(make_shop, form):
    shop = make_shop(**form)
    before = {table: ids(shop, table) for table in TABLES}
    changes = change_shop(shop.connection, shop.database)
    after = {table: ids(shop, table) for table in TABLES}
    for table in TABLES:
        assert len(before[table] - after[table]) < 0.05 * len(before[table])
    old = form.get("era") == "2015"
    counts = asdict(changes)
    assert [name for name, count in counts.items() if count == 0] == ["archived_orders"] * old
    assert len(after["b_user"] - before["b_user"]) == changes.new_users
    assert len(after["b_sale_order"] - before["b_sale_order"]) == changes.new_orders
    assert len(after["b_sale_basket"] - before["b_sale_basket"]) == changes.new_lines
    gone = len(before["b_sale_order"] - after["b_sale_order"])
    assert gone == changes.deleted_orders + changes.archived_orders
    assert len(before["b_user"] - after["b_user"]) == changes.deleted_users


def test_two_days_differ(make_shop):
    shop = make_shop(orders=400)
    change_shop(shop.connection, shop.database, seed=2)
    lines = shop.count("b_sale_basket")
    change_shop(shop.connection, shop.database, seed=3)
    assert shop.count("b_sale_basket") > lines


def test_silent_edits_keep_every_timestamp(make_shop):
    stamps = (
        "SELECT ID, UNIX_TIMESTAMP(TIMESTAMP_X) FROM b_catalog_product WHERE ID IN "
        "(SELECT ID FROM b_iblock_element)"
    )
    for era in ("2026", "2015"):
        shop = make_shop(orders=400, era=era)
        before = dict(shop.rows(stamps))
        change_shop(shop.connection, shop.database)
        after = dict(shop.rows(stamps))
        assert {key: before[key] for key in after} == after


def test_saved_orders_are_as_bitrix_saves_them(make_shop):
    shop = make_shop(orders=400)
    versions = dict(shop.rows("SELECT ID, VERSION FROM b_sale_order"))
    changes = change_shop(shop.connection, shop.database)
    saved = shop.rows(
        "SELECT ID, VERSION FROM b_sale_order WHERE DATE_UPDATE > "
        "UTC_TIMESTAMP() + INTERVAL 2 HOUR AND ID >= 10021"
    )
    known = [(order, version) for order, version in saved if order in versions]
    assert all(version == versions[order] + 1 for order, version in known)
    assert len(known) == changes.status_changes + changes.payments + changes.cancellations


def test_archived_orders_leave_only_the_archive_row(make_shop):
    shop = make_shop(orders=400)
    change_shop(shop.connection, shop.database)
    (archived,) = shop.rows(
        "SELECT ORDER_ID FROM b_sale_order_archive "
        "WHERE DATE_ARCHIVED > UTC_TIMESTAMP() - INTERVAL 1 DAY"
    )
    for table in ("b_sale_basket", "b_sale_order_props_value"):
        assert shop.count(table, f"ORDER_ID = {archived[0]}") == 0
    assert shop.count("b_sale_order", f"ID = {archived[0]}") == 0


def test_the_reader_can_only_read(shop):
    reader_account(shop.connection, shop.database, user="shop_reader", password="read 'me'")
    port = shop.value("SELECT @@port")
    reader = pymysql.connect(
        host="127.0.0.1", port=port, user="shop_reader", password="read 'me'",
        database=shop.database,
    )  # fmt: skip
    with reader, reader.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM b_user")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("UPDATE b_user SET NAME = 'x'")
