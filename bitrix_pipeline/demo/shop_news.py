"""An hour in the sample shop: orders by buyers, and of products, that nobody has heard of yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bitrix_pipeline.demo.shop_change import (
    FIRST_ELEMENT,
    FIRST_ORDER,
    among,
    register,
    repeat_lines,
    repeat_orders,
    repeat_rows,
    repeat_values,
    shift,
)
from bitrix_pipeline.demo.shop_sql import pick, shop_session

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


@dataclass(frozen=True)
class ShopNews:
    """What happened, by Bitrix IDs."""

    placed: tuple[int, ...]
    """New orders."""
    edited: tuple[int, ...]
    """Older orders whose status a manager changed."""
    new_users: int
    new_products: int


def make_news(connection: Connection[Any], database: str, *, orders: int, seed: int) -> ShopNews:
    """Places so many orders and edits as many; every third new one names a new buyer, product."""
    with shop_session(connection, database) as cursor:
        cursor.execute("SET @seed = %s", (seed,))
        cursor.execute(
            f"SELECT ID FROM b_sale_order WHERE ID >= {FIRST_ORDER} AND CANCELED = 'N'"
            f" ORDER BY {pick('news', 'ID', 2**31)}, ID LIMIT {2 * orders}"
        )
        chosen = [row[0] for row in cursor.fetchall()]
        patterns, edited = chosen[:orders], chosen[orders:]
        placed = _place(cursor, patterns)
        strange = placed[::3]
        users = register(cursor, len(strange))
        for order, user in zip(strange, users, strict=True):
            cursor.execute("UPDATE b_sale_order SET USER_ID = %s WHERE ID = %s", (user, order))
        products = _put_new_products_into(cursor, strange)
        cursor.execute(
            "UPDATE b_sale_order SET STATUS_ID = IF(STATUS_ID = 'P', 'F', 'P'),"
            " DATE_STATUS = NOW(), VERSION = VERSION + 1, DATE_UPDATE = NOW()"
            f" WHERE ID IN {among(edited)}"
        )
    return ShopNews(tuple(placed), tuple(edited), len(users), products)


def _place(cursor: Cursor, patterns: list[int]) -> list[int]:
    lines = f"ORDER_ID IN {among(patterns)}"
    order_shift = shift(cursor, "b_sale_order", f"ID IN {among(patterns)}")
    line_shift = shift(cursor, "b_sale_basket", lines)
    value_shift = shift(cursor, "b_sale_order_props_value", lines)
    repeat_lines(cursor, lines, line_shift, order_shift)
    repeat_values(cursor, lines, value_shift, order_shift)
    repeat_orders(cursor, patterns, order_shift)
    return sorted(pattern + order_shift for pattern in patterns)


def _put_new_products_into(cursor: Cursor, orders: list[int]) -> int:
    """A product of its own for each of the orders, in its first line; returns how many."""
    cursor.execute(
        "SELECT b_iblock_element.ID FROM b_iblock_element JOIN b_catalog_product USING (ID)"
        f" WHERE b_iblock_element.ID >= {FIRST_ELEMENT} AND WF_PARENT_ELEMENT_ID IS NULL"
        f" AND TYPE = 1 ORDER BY ID LIMIT {len(orders)}"
    )
    models = [row[0] for row in cursor.fetchall()]
    element_shift = shift(cursor, "b_iblock_element", f"ID IN {among(models)}")
    price_shift = shift(cursor, "b_catalog_price", f"PRODUCT_ID IN {among(models)}")
    moved = f"ID + {element_shift}"
    repeat_rows(
        cursor,
        "b_iblock_element",
        f"ID IN {among(models)}",
        {"ID": moved, "NAME": "CONCAT(NAME, ' (новинка)')", "TIMESTAMP_X": "NOW()"},
    )
    repeat_rows(cursor, "b_catalog_product", f"ID IN {among(models)}", {"ID": moved})
    repeat_rows(
        cursor,
        "b_catalog_price",
        f"PRODUCT_ID IN {among(models)}",
        {"ID": f"ID + {price_shift}", "PRODUCT_ID": f"PRODUCT_ID + {element_shift}"},
    )
    for order, model in zip(orders, models, strict=False):
        cursor.execute(
            "UPDATE b_sale_basket SET PRODUCT_ID = %s WHERE ORDER_ID = %s ORDER BY ID LIMIT 1",
            (model + element_shift, order),
        )
    return len(models)
