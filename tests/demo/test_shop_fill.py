"""The generated shop: the same for the same seed, of any size, in every form a shop has had."""

from __future__ import annotations

from itertools import product

import pytest

from bitrix_pipeline.demo.shop import create_shop, fill_shop


def test_same_seed_same_rows(make_shop):
    one, two, other = (make_shop(orders=40, seed=seed) for seed in (1, 1, 5))
    assert one.checksums() == two.checksums()
    assert other.checksums()["b_sale_basket"] != one.checksums()["b_sale_basket"]


def test_a_big_fill_has_the_same_rows_though_keys_are_built_last(make_shop, monkeypatch):
    plain = make_shop(orders=40)
    monkeypatch.setattr("bitrix_pipeline.demo.shop.BIG_SHOP", 1)
    big = make_shop(orders=40)
    assert big.checksums() == plain.checksums()
    keys = (
        "SELECT table_name, index_name, seq_in_index, column_name "
        "FROM information_schema.statistics WHERE table_schema = DATABASE()"
    )
    assert sorted(big.rows(keys)) == sorted(plain.rows(keys))


@pytest.mark.parametrize("orders", [10, 2_000])
def test_sizes(make_shop, orders):
    shop = make_shop(orders=orders)
    generated = shop.count("b_sale_order", "ID >= 10021")
    assert generated == orders
    assert shop.count("b_user", "ID >= 157") == max(30, orders // 3)
    lines = shop.count("b_sale_basket", "ORDER_ID >= 10021")
    assert 2.4 < lines / orders < 3.4
    values = shop.count("b_sale_order_props_value", "ORDER_ID >= 10021")
    assert 4 < values / orders < 6.5
    offers = shop.count("b_iblock_element", "IBLOCK_ID IN (9, 15)")
    assert offers > shop.count("b_iblock_element", "IBLOCK_ID IN (7, 12)")


def test_every_generated_order_sums_up(shop):
    assert shop.count(
        "b_sale_order o",
        "ID >= 10021 AND PRICE - PRICE_DELIVERY <> (SELECT SUM(ROUND(PRICE * QUANTITY, 2)) "
        "FROM b_sale_basket l WHERE l.ORDER_ID = o.ID AND SET_PARENT_ID IS NULL)",
    ) == 0  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        "b_user",
        "b_iblock_section",
        "b_iblock_element",
        "b_catalog_price",
        "b_sale_order",
        "b_sale_basket",
        "b_sale_order_props_value",
    ],
)
def test_ids_are_sparse(shop, table):
    (rows, lowest, highest) = shop.rows(f"SELECT COUNT(*), MIN(ID), MAX(ID) FROM {table}")[0]
    assert lowest > 1
    assert highest - lowest > 1.3 * rows
    # The CRM's own rows are numbered from a thousand million on.
    assert highest < 1_000_000_000


FORMS = list(product(["2026", "2015"], ["utf8mb4", "utf8mb3", "cp1251"], ["InnoDB", "MyISAM"]))


@pytest.mark.parametrize(("era", "charset", "engine"), FORMS)
def test_forms(make_shop, era, charset, engine):
    shop = make_shop(orders=10, era=era, charset=charset, engine=engine)
    assert shop.count("b_sale_order", "ID >= 10021") == 10
    engines = shop.rows(
        "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    assert engines == [(engine,)]
    charsets = shop.rows(
        "SELECT DISTINCT character_set_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND character_set_name IS NOT NULL"
    )
    assert charsets == [(charset,)]
    assert shop.count("b_iblock_element", "NAME LIKE 'Букет %'") > 0


def test_the_old_era_lacks_what_came_later(make_shop):
    old = make_shop(orders=10, era="2015", charset="utf8mb3", engine="MyISAM")
    columns = old.rows(
        "SELECT CONCAT(table_name, '.', column_name), column_type, extra "
        "FROM information_schema.columns WHERE table_schema = DATABASE()"
    )
    types = {name: (kind, extra) for name, kind, extra in columns}
    missing = {
        "b_user.BLOCKED",
        "b_sale_order.RUNNING",
        "b_sale_basket.XML_ID",
        "b_sale_order_props_value.ENTITY_TYPE",
        "b_sale_status.COLOR",
        "b_catalog_product.AVAILABLE",
        "b_sale_order_archive.ORDER_ID",
    }
    assert not missing & types.keys()
    assert types["b_sale_order.STATUS_ID"][0] == "char(2)"
    assert types["b_sale_order.PRICE"][0] == "decimal(18,2)"
    for table in ("b_user", "b_iblock", "b_iblock_section", "b_catalog_product"):
        kind, extra = types[f"{table}.TIMESTAMP_X"]
        assert kind == "timestamp"
        assert "on update" in extra.lower()


def test_progress_ends_at_one(make_shop):
    shop = make_shop(orders=10)
    shop.connection.select_db(shop.database)
    with shop.connection.cursor() as cursor:
        cursor.execute("SELECT @@sql_mode")
        (before,) = cursor.fetchone()
    steps: list[tuple[str, float]] = []
    create_shop(shop.connection, shop.database)
    fill_shop(
        shop.connection, shop.database, orders=10,
        progress=lambda step, share: steps.append((step, share)),
    )  # fmt: skip
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    assert steps[-1][1] == 1.0
    assert shop.value("SELECT @@sql_mode") == before
