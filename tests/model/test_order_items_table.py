"""order_items ← b_sale_basket, a sentence of the data model a test."""

from decimal import Decimal
from typing import Any

import pytest
from shop_and_crm import Pipeline

from bitrix_pipeline.sync.scope import Ids

ORDER, OTHER_ORDER = 900_001, 900_002
LINE, SET = 900_011, 900_010


def add_line(pipeline: Pipeline, line: int = LINE, **values: object) -> None:
    row = {"ID": line, "ORDER_ID": ORDER, "NAME": "Роза"} | values
    pipeline.shop.insert("b_sale_basket", **row)


def arrived(pipeline: Pipeline, *columns: str) -> Any:
    pipeline.sync("order_items", Ids((LINE,)))
    row = pipeline.crm.row("order_items", LINE, *columns)
    return row[0] if row and len(columns) == 1 else row


@pytest.mark.parametrize("order", [None, 0, -1])
def test_open_carts_are_not_there(pipeline: Pipeline, order: int | None) -> None:
    add_line(pipeline, ORDER_ID=order)

    assert arrived(pipeline, "id") is None


def test_a_cart_that_becomes_an_order_arrives(synced: Pipeline) -> None:
    [cart] = synced.shop.ids("SELECT MIN(ID) FROM b_sale_basket WHERE ORDER_ID IS NULL")
    [order] = synced.shop.ids("SELECT MIN(ID) FROM b_sale_order")
    synced.shop.run("UPDATE b_sale_basket SET ORDER_ID = %s WHERE ID = %s", order, cart)

    synced.sync("order_items")

    assert synced.crm.cell("order_items", cart, "order_id") == order


def test_a_product_of_0_is_no_product(pipeline: Pipeline) -> None:
    add_line(pipeline, PRODUCT_ID=0)

    assert arrived(pipeline, "product_id") is None


def test_a_sets_part_names_the_sets_line(pipeline: Pipeline) -> None:
    add_line(pipeline, SET)
    add_line(pipeline, SET_PARENT_ID=SET)

    assert arrived(pipeline, "parent_item_id") == SET


@pytest.mark.parametrize("parent", [None, 0, -5, LINE, 899_999])
def test_none_itself_and_no_line_at_all_are_no_parents(
    pipeline: Pipeline, parent: int | None
) -> None:
    add_line(pipeline, SET_PARENT_ID=parent)

    assert arrived(pipeline, "parent_item_id") is None


@pytest.mark.parametrize("order", [OTHER_ORDER, None])
def test_a_line_of_another_order_or_of_a_cart_is_no_parent(
    pipeline: Pipeline, order: int | None
) -> None:
    add_line(pipeline, SET, ORDER_ID=order)
    add_line(pipeline, SET_PARENT_ID=SET)

    assert arrived(pipeline, "parent_item_id") is None


def test_quantities_and_prices_are_exact(pipeline: Pipeline) -> None:
    add_line(pipeline, QUANTITY="0.3333", PRICE="0.0001", BASE_PRICE=None, VAT_RATE="0.2000")

    assert arrived(pipeline, "quantity", "price", "base_price", "vat_rate") == (
        Decimal("0.3333"),
        Decimal("0.0001"),
        None,
        Decimal("0.2000"),
    )
