"""Tables that are missing, thinner, slower or older than a sync would like."""

from collections.abc import Callable

import pytest
from consultation import Consultation, for_a_while, without_column, without_table
from shop_and_crm import Crm, Shop

from bitrix_pipeline.doctor import Level


def test_a_column_that_is_gone_arrives_as_null(healthy: Consultation, calm_shop: Shop) -> None:
    with without_column(calm_shop, "b_sale_basket.MEASURE_NAME"):
        finding = healthy.about("lacks b_sale_basket.MEASURE_NAME")

    assert finding.level is Level.NOTE
    assert "NULL" in finding.found


def test_a_column_that_was_read_before_stops_the_sync(
    healthy: Consultation, calm_shop: Shop
) -> None:
    with without_column(calm_shop, "b_sale_basket.MEASURE_NAME"):
        finding = healthy.only_serious()

    assert finding.level is Level.PROBLEM
    assert "b_sale_basket.MEASURE_NAME was read before" in finding.found
    assert "sync --table order_items --accept-schema" in finding.advice


def test_a_column_that_the_sync_goes_by(healthy: Consultation, calm_shop: Shop) -> None:
    with without_column(calm_shop, "b_iblock_element.WF_PARENT_ELEMENT_ID"):
        finding = healthy.about("b_iblock_element.WF_PARENT_ELEMENT_ID")

    assert finding.level is Level.PROBLEM
    assert "products cannot be synced" in finding.found


def test_a_table_that_is_gone(healthy: Consultation, calm_shop: Shop) -> None:
    with without_table(calm_shop, "b_catalog_price"):
        finding = healthy.about("has no b_catalog_price,")

    assert finding.level is Level.PROBLEM
    assert "products cannot be synced" in finding.found
    assert "modules" in finding.advice


def test_a_database_that_is_no_bitrix_site(healthy: Consultation) -> None:
    url = healthy.settings.require_mysql_url().rsplit("/", 1)[0].replace("reader:sesame", "root")
    consultation = healthy.with_settings(bitrix_mysql_url=f"{url}/mysql")

    finding = consultation.about("is no Bitrix site")

    assert finding.level is Level.PROBLEM
    assert ".settings.php" in finding.advice


@pytest.mark.parametrize(
    ("table", "index", "column"),
    [
        ("b_sale_order", "IXS_DATE_UPDATE", "DATE_UPDATE"),
        ("b_sale_order_props_value", "IX_SOPV_ORD_PROP_UNI", "ORDER_ID"),
    ],
)
def test_an_index_that_is_gone(
    healthy: Consultation, calm_shop: Shop, table: str, index: str, column: str
) -> None:
    drop = f"ALTER TABLE {table} DROP INDEX {index}"
    with for_a_while(calm_shop, drop, f"CREATE INDEX {index} ON {table} ({column})"):
        finding = healthy.only_serious()

        assert finding.level is Level.WARNING
        assert f"{table} has no index that begins with {column}" in finding.found
        with for_a_while(calm_shop, finding.advice, f"DROP INDEX IXS_{column} ON {table}"):
            assert healthy.serious() == []


def test_a_table_without_its_primary_key(healthy: Consultation, calm_shop: Shop) -> None:
    drop = "ALTER TABLE b_sale_status DROP PRIMARY KEY"
    with for_a_while(calm_shop, drop, "ALTER TABLE b_sale_status ADD PRIMARY KEY (ID)"):
        finding = healthy.only_serious()

    assert finding.level is Level.PROBLEM
    assert finding.advice == "ALTER TABLE b_sale_status ADD PRIMARY KEY (ID);"


def test_a_myisam_table_gives_no_snapshot(healthy: Consultation, calm_shop: Shop) -> None:
    change = "ALTER TABLE b_sale_basket ENGINE = MyISAM"
    with for_a_while(calm_shop, change, "ALTER TABLE b_sale_basket ENGINE = InnoDB"):
        finding = healthy.only_serious()

        assert finding.level is Level.WARNING
        assert "b_sale_basket are MyISAM" in finding.found
        assert "ALTER TABLE b_sale_basket ENGINE=InnoDB;" in finding.advice


def test_text_in_an_alphabet_without_cyrillic(healthy: Consultation, calm_shop: Shop) -> None:
    latin = "ALTER TABLE b_sale_basket MODIFY MEASURE_NAME varchar(50) CHARACTER SET latin1"
    back = latin.replace("latin1", "utf8mb4")
    with for_a_while(calm_shop, latin, back):
        finding = healthy.only_serious()

    assert "b_sale_basket store text in latin1" in finding.found


def test_a_shop_of_2015_in_cp1251(
    make_shop: Callable[..., Shop], crm: Crm, consult: Callable[..., Consultation]
) -> None:
    findings = consult(make_shop(orders=1, era="2015", charset="cp1251"), crm).findings()

    [charset] = [f for f in findings if "cp1251" in f.found]
    [columns] = [f for f in findings if "lacks" in f.found]
    assert charset.level is columns.level is Level.NOTE
    assert "emoji" in charset.found
    assert "b_sale_status.COLOR" in columns.found
    assert [f for f in findings if f.topic == "shop tables" and f.level is Level.PROBLEM] == []


def test_the_two_kinds_of_times_are_told(healthy: Consultation) -> None:
    assert healthy.about("are TIMESTAMP").level is Level.NOTE
