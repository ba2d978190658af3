"""Reads from a shop's MySQL what its SQL depends on."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pymysql

from bitrix_pipeline.model.shop_facts import Catalog, ShopFacts, SourceColumn

PROPERTY_FLAGS = ("IS_PAYER", "IS_PHONE", "IS_EMAIL")

Rows = tuple[tuple[Any, ...], ...]


def read_facts(
    connection: "pymysql.Connection[Any]", *, status_mapping: Mapping[str, str], language: str
) -> ShopFacts:
    """What this shop has, now."""
    columns = _columns(connection)
    bare = ShopFacts(columns=columns)
    return ShopFacts(
        columns=columns,
        engines=_engines(connection),
        catalogs=_catalogs(connection, bare),
        base_price_types=_base_price_types(connection, bare),
        flagged_properties=_flagged_properties(connection, bare),
        status_mapping=status_mapping,
        language=language,
        is_mariadb="MariaDB" in str(_rows(connection, "SELECT VERSION()")[0][0]),
    )


def _columns(
    connection: "pymysql.Connection[Any]",
) -> Mapping[str, Mapping[str, SourceColumn]]:
    columns: dict[str, dict[str, SourceColumn]] = defaultdict(dict)
    rows = _rows(
        connection,
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_SET_NAME"
        " FROM information_schema.columns WHERE TABLE_SCHEMA = DATABASE()",
    )
    for table, name, type_, charset in rows:
        columns[str(table)][str(name)] = SourceColumn(str(type_).lower(), charset)
    return dict(columns)


def _engines(connection: "pymysql.Connection[Any]") -> Mapping[str, str]:
    rows = _rows(
        connection,
        "SELECT TABLE_NAME, ENGINE FROM information_schema.tables WHERE TABLE_SCHEMA = DATABASE()",
    )
    return {str(table): str(engine) for table, engine in rows}


def _catalogs(connection: "pymysql.Connection[Any]", shop: ShopFacts) -> tuple[Catalog, ...]:
    if not shop.has_table("b_catalog_iblock") or not shop.has_table("b_iblock"):
        return ()
    rows = _rows(
        connection,
        "SELECT c.IBLOCK_ID, COALESCE(i.VERSION, 1), c.PRODUCT_IBLOCK_ID, c.SKU_PROPERTY_ID"
        " FROM b_catalog_iblock AS c LEFT JOIN b_iblock AS i ON i.ID = c.IBLOCK_ID"
        " ORDER BY c.IBLOCK_ID",
    )
    return tuple(Catalog(*(int(value) for value in row)) for row in rows)


def _base_price_types(connection: "pymysql.Connection[Any]", shop: ShopFacts) -> tuple[int, ...]:
    if not shop.has_table("b_catalog_group"):
        return ()
    rows = _rows(connection, "SELECT ID FROM b_catalog_group WHERE BINARY BASE = 'Y' ORDER BY ID")
    return tuple(int(row[0]) for row in rows)


def _flagged_properties(
    connection: "pymysql.Connection[Any]", shop: ShopFacts
) -> Mapping[str, tuple[int, ...]]:
    return {
        flag: tuple(
            int(row[0])
            for row in _rows(
                connection,
                f"SELECT ID FROM b_sale_order_props WHERE BINARY {flag} = 'Y' ORDER BY ID",
            )
        )
        for flag in PROPERTY_FLAGS
        if shop.has(f"b_sale_order_props.{flag}")
    }


def _rows(connection: "pymysql.Connection[Any]", sql: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return tuple(cursor.fetchall())
