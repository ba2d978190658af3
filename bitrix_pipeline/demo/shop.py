"""The sample shop: a lived-in Russian flower shop on 1C-Bitrix, from ten orders to a million.

``create_shop`` makes the empty tables, ``fill_shop`` the rows, ``change_shop`` a day's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bitrix_pipeline.demo.shop_catalog import fill_catalog
from bitrix_pipeline.demo.shop_change import ShopChanges, change_shop
from bitrix_pipeline.demo.shop_nasty import fill_cases
from bitrix_pipeline.demo.shop_nasty_catalog import CATALOG_CASES
from bitrix_pipeline.demo.shop_nasty_orders import SALE_CASES
from bitrix_pipeline.demo.shop_nasty_people import USER_CASES
from bitrix_pipeline.demo.shop_orders import fill_orders
from bitrix_pipeline.demo.shop_people import CART_OWNERS, STAFF, USERS
from bitrix_pipeline.demo.shop_reference import fill_reference
from bitrix_pipeline.demo.shop_schema import create_shop, reader_account
from bitrix_pipeline.demo.shop_sections import TREES, leaves, sections
from bitrix_pipeline.demo.shop_sql import (
    insert_rows,
    keys_built_last,
    make_temporary,
    shop_session,
    table_columns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

__all__ = ["ShopChanges", "change_shop", "create_shop", "fill_shop", "reader_account"]

# The share of the whole time after each step, as measured on a big shop.
SHARES = {
    "catalog": 0.03,
    "users": 0.08,
    "order lines": 0.30,
    "orders": 0.44,
    "order properties": 0.64,
    "carts and archive": 0.66,
    "keys": 0.99,
    "oddities": 1.0,
}


CASES = (*USER_CASES, *CATALOG_CASES, *SALE_CASES)

# From this many orders building the keys last is worth its price.
BIG_SHOP = 5_000
BIG_TABLES = ("b_user", "b_sale_order", "b_sale_basket", "b_sale_order_props_value")


def fill_shop(
    connection: Connection[Any],
    database: str,
    *,
    orders: int,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> None:
    """Fill the empty tables; the same size and seed give the same rows."""

    def done(step: str) -> None:
        connection.commit()
        if progress:
            progress(step, SHARES[step])

    with shop_session(connection, database) as cursor:
        sizes = shop_sizes(orders)
        number_rows(cursor, max(sizes.values()))
        era = era_of(cursor)
        cursor.execute("SET @seed = %s, @era = %s", (seed, era))
        for name, size in sizes.items():
            cursor.execute(f"SET @{name} = %s", (size,))
        fill_reference(cursor)
        fill_catalog(cursor, fill_sections(cursor, sizes["products"] // 100))
        done("catalog")
        with keys_built_last(cursor, BIG_TABLES if orders > BIG_SHOP else ()):
            USERS.run(cursor)
            CART_OWNERS.run(cursor)
            done("users")
            fill_orders(cursor, era=era, done=done)
        done("keys")
        insert_rows(cursor, "b_user", STAFF)
        fill_cases(cursor, CASES, era=era)
        cursor.execute("DROP TEMPORARY TABLE numbers, shelf")
        done("oddities")


def shop_sizes(orders: int) -> dict[str, int]:
    # Of three products two have offers, so whole triples keep the offers' numbers whole.
    products = 3 * min(6_667, max(67, orders // 150))
    return {
        "orders": orders,
        "users": max(30, orders // 3),
        "products": products,
        "offers": 2 * products,
    }


def number_rows(cursor: Cursor, count: int) -> None:
    """Make ``numbers``: 0, 1, 2 … to select rows from."""
    make_temporary(cursor, "numbers", "n int NOT NULL PRIMARY KEY")
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    places = range(len(str(count - 1)))
    value = " + ".join(f"p{place}.d * {10**place}" for place in places)
    tables = ", ".join(f"({digits}) p{place}" for place in places)
    cursor.execute(f"INSERT INTO numbers SELECT {value} FROM {tables} WHERE {value} < {count}")


def fill_sections(cursor: Cursor, collections: int) -> dict[int, list[int]]:
    """Fill the section trees; the result names the sections that hold each iblock's elements."""
    all_sections = sections(collections)
    insert_rows(cursor, "b_iblock_section", [section.row() for section in all_sections])
    return {iblock_id: leaves(all_sections, iblock_id) for iblock_id in TREES}


def era_of(cursor: Cursor) -> str:
    return "2026" if "RUNNING" in table_columns(cursor, "b_sale_order") else "2015"
