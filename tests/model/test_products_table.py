"""products ← elements of the catalogs with stock and base price, a sentence of the model a test."""

from decimal import Decimal

import pytest
from shop_and_crm import Pipeline

from bitrix_pipeline.demo.shop_reference import BASE_PRICE, FLOWER_LINK, GIFT_LINK
from bitrix_pipeline.demo.shop_sections import FLOWER_OFFERS, FLOWERS, GIFT_OFFERS, NEWS
from bitrix_pipeline.sync.scope import Ids

PRODUCT = 900_001
OPT_PRICE = 5


def add_product(pipeline: Pipeline, iblock: int = FLOWERS, **values: object) -> None:
    pipeline.shop.insert(
        "b_iblock_element", **{"ID": PRODUCT, "IBLOCK_ID": iblock, "NAME": "Роза"} | values
    )


def add_price(pipeline: Pipeline, price_id: int, price: str, **values: object) -> None:
    row = {"PRODUCT_ID": PRODUCT, "CATALOG_GROUP_ID": BASE_PRICE, "CURRENCY": "RUB"} | values
    pipeline.shop.insert("b_catalog_price", ID=price_id, PRICE=price, **row)


def arrived(pipeline: Pipeline, *columns: str) -> object:
    """These columns after the product was synced; None when it did not arrive."""
    pipeline.sync("products", Ids((PRODUCT,)))
    row = pipeline.crm.row("products", PRODUCT, *columns)
    return row[0] if row and len(columns) == 1 else row


@pytest.mark.parametrize(
    "draft", [{"WF_STATUS_ID": 2}, {"WF_STATUS_ID": 1, "WF_PARENT_ELEMENT_ID": 1003}]
)
def test_drafts_of_the_workflow_are_no_products(
    pipeline: Pipeline, draft: dict[str, object]
) -> None:
    add_product(pipeline, **draft)

    assert arrived(pipeline, "id") is None


@pytest.mark.parametrize("status", [1, None])
def test_published_elements_are_products(pipeline: Pipeline, status: int | None) -> None:
    add_product(pipeline, WF_STATUS_ID=status)

    assert arrived(pipeline, "id") == PRODUCT


def test_elements_of_other_iblocks_are_no_products(pipeline: Pipeline) -> None:
    add_product(pipeline, NEWS)

    assert arrived(pipeline, "id") is None


def test_a_product_that_becomes_a_draft_is_gone(synced: Pipeline) -> None:
    product = synced.shop.value("SELECT MIN(ID) FROM b_iblock_element")
    synced.shop.run("UPDATE b_iblock_element SET WF_STATUS_ID = 2 WHERE ID = %s", product)

    synced.sync("products")

    assert synced.crm.cell("products", product, "deleted_at") is not None


def test_without_a_catalog_row_numbers_and_kind_are_unknown(pipeline: Pipeline) -> None:
    add_product(pipeline)

    assert arrived(
        pipeline, "kind", "quantity", "reserved", "weight", "price", "currency", "is_available"
    ) == (None, None, None, None, None, None, False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, "simple"),
        (2, "set"),
        (3, "sku_parent"),
        (4, "offer"),
        (5, "free_offer"),
        (6, "empty_sku_parent"),
        (7, "service"),
        (8, None),
        (0, None),
        (None, None),
    ],
)
def test_the_kind_is_the_type_in_words(
    pipeline: Pipeline, code: int | None, kind: str | None
) -> None:
    add_product(pipeline)
    pipeline.shop.insert("b_catalog_product", ID=PRODUCT, TYPE=code)

    assert arrived(pipeline, "kind") == kind


@pytest.mark.parametrize(("flag", "expected"), [("Y", True), ("y", False), (None, False)])
def test_available_is_a_capital_y(pipeline: Pipeline, flag: str | None, *, expected: bool) -> None:
    add_product(pipeline)
    pipeline.shop.insert("b_catalog_product", ID=PRODUCT, AVAILABLE=flag)

    assert arrived(pipeline, "is_available") is expected


def test_the_price_is_the_unbounded_base_price_with_the_lowest_id(pipeline: Pipeline) -> None:
    add_product(pipeline)
    add_price(pipeline, 900_001, "1", CATALOG_GROUP_ID=OPT_PRICE)
    add_price(pipeline, 900_002, "2", QUANTITY_FROM=1)
    add_price(pipeline, 900_003, "3", QUANTITY_TO=9)
    add_price(pipeline, 900_005, "5")
    add_price(pipeline, 900_004, "4", CURRENCY="EUR")

    assert arrived(pipeline, "price", "currency") == (Decimal("4.00"), "EUR")


def test_a_product_with_ranges_alone_has_no_price(pipeline: Pipeline) -> None:
    add_product(pipeline)
    add_price(pipeline, 900_002, "2", QUANTITY_FROM=1, QUANTITY_TO=9)
    add_price(pipeline, 900_003, "1", QUANTITY_FROM=0)

    assert arrived(pipeline, "price", "currency") == (None, None)


def test_another_base_price_type_reprices_the_catalog(synced: Pipeline) -> None:
    synced.shop.run("UPDATE b_catalog_group SET BASE = IF(ID = %s, 'Y', 'N')", OPT_PRICE)

    synced.sync("products")

    assert synced.differences("products") == []


def test_updated_at_is_the_latest_of_the_three_times(pipeline: Pipeline) -> None:
    add_product(pipeline, TIMESTAMP_X="2024-01-01 00:00:00")
    pipeline.shop.insert("b_catalog_product", ID=PRODUCT, TIMESTAMP_X="2024-03-03 03:03:03")
    add_price(pipeline, 900_001, "1", TIMESTAMP_X="2024-02-02 00:00:00")

    found = arrived(pipeline, "(updated_at AT TIME ZONE 'Europe/Moscow')::text")

    assert found == "2024-03-03 03:03:03"


def test_an_impossible_time_is_not_the_latest(pipeline: Pipeline) -> None:
    add_product(pipeline, TIMESTAMP_X="2024-01-01 00:00:00")
    pipeline.shop.insert("b_catalog_product", ID=PRODUCT, TIMESTAMP_X="0000-00-00 00:00:00")

    found = arrived(pipeline, "(updated_at AT TIME ZONE 'Europe/Moscow')::text")

    assert found == "2024-01-01 00:00:00"


def test_without_any_possible_time_there_is_none(pipeline: Pipeline) -> None:
    add_product(pipeline, TIMESTAMP_X=None)

    assert arrived(pipeline, "updated_at") is None


def test_an_offers_product_stands_in_the_shared_table_of_properties(pipeline: Pipeline) -> None:
    add_product(pipeline, FLOWER_OFFERS)
    [parent] = pipeline.shop.ids(
        "SELECT MIN(ID) FROM b_iblock_element WHERE IBLOCK_ID = %s", FLOWERS
    )
    pipeline.shop.insert(
        "b_iblock_element_property",
        IBLOCK_ELEMENT_ID=PRODUCT, IBLOCK_PROPERTY_ID=FLOWER_LINK, VALUE="x", VALUE_NUM=parent,
    )  # fmt: skip

    assert arrived(pipeline, "parent_id") == parent


def test_an_offers_product_stands_in_the_iblocks_own_table(pipeline: Pipeline) -> None:
    add_product(pipeline, GIFT_OFFERS)
    [parent] = pipeline.shop.ids(
        "SELECT MIN(ID) FROM b_iblock_element WHERE IBLOCK_ID = %s", FLOWERS
    )
    pipeline.shop.run(
        f"INSERT INTO b_iblock_element_prop_s{GIFT_OFFERS}"
        f" (IBLOCK_ELEMENT_ID, PROPERTY_{GIFT_LINK}) VALUES (%s, %s)", PRODUCT, parent
    )  # fmt: skip

    assert arrived(pipeline, "parent_id") == parent


@pytest.mark.parametrize("link", [0, None])
def test_an_offer_that_names_no_product_has_no_parent(pipeline: Pipeline, link: int | None) -> None:
    add_product(pipeline, FLOWER_OFFERS)
    pipeline.shop.insert(
        "b_iblock_element_property",
        IBLOCK_ELEMENT_ID=PRODUCT, IBLOCK_PROPERTY_ID=FLOWER_LINK, VALUE="", VALUE_NUM=link,
    )  # fmt: skip

    assert arrived(pipeline, "parent_id") is None


def test_offers_keep_their_parents_when_the_shop_changes_their_storage(synced: Pipeline) -> None:
    synced.shop.run("UPDATE b_iblock SET VERSION = 1 WHERE ID = %s", GIFT_OFFERS)
    synced.shop.run(
        "INSERT INTO b_iblock_element_property"
        " (IBLOCK_PROPERTY_ID, IBLOCK_ELEMENT_ID, VALUE, VALUE_NUM)"
        f" SELECT {GIFT_LINK}, IBLOCK_ELEMENT_ID, '', PROPERTY_{GIFT_LINK}"
        f" FROM b_iblock_element_prop_s{GIFT_OFFERS} WHERE PROPERTY_{GIFT_LINK} > 0"
    )
    synced.shop.run(f"DROP TABLE b_iblock_element_prop_s{GIFT_OFFERS}")

    result = synced.sync("products")

    assert result.updated == 0
    assert synced.differences("products") == []


def test_a_product_without_a_section_hangs_at_the_root(pipeline: Pipeline) -> None:
    add_product(pipeline, IBLOCK_SECTION_ID=0)

    assert arrived(pipeline, "category_id") is None
