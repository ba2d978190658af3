"""products ← b_iblock_element of catalog iblocks, with their catalog row and base price."""

from dataclasses import dataclass

import pandas as pd

from bitrix_pipeline.model.columns import (
    bitrix_id,
    choice,
    flag,
    integer,
    latest,
    number,
    reference,
    text,
)
from bitrix_pipeline.model.expressions import of_lowest
from bitrix_pipeline.model.raw_values import Texts, each, identifier_of, raw
from bitrix_pipeline.model.shop_facts import Catalog, ShopFacts
from bitrix_pipeline.model.table import Placeholder, Table

KINDS = {
    "1": "simple",
    "2": "set",
    "3": "sku_parent",
    "4": "offer",
    "5": "free_offer",
    "6": "empty_sku_parent",
    "7": "service",
}


@dataclass(frozen=True)
class OfferParent:
    """The product that an offer is a variant of: a property, stored in one of two ways."""

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("b_iblock_element_property.VALUE_NUM",)

    def sql(self, shop: ShopFacts) -> str:
        branches = " ".join(
            f"WHEN {catalog.iblock_id} THEN {link}"
            for catalog in shop.catalogs
            if catalog.has_offers and (link := self._link(shop, catalog))
        )
        return f"CASE b_iblock_element.IBLOCK_ID {branches} END" if branches else "NULL"

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        """A snapshot names the product itself, whichever way the shop stores the property."""
        return each(identifier_of, raw(rows, *self.inputs))

    def _link(self, shop: ShopFacts, catalog: Catalog) -> str | None:
        property_id = catalog.sku_property_id
        if catalog.version == 1:
            if not shop.has("b_iblock_element_property.VALUE_NUM"):
                return None
            return (
                f"(SELECT NULLIF(CAST({of_lowest('link.ID', 'link.VALUE_NUM')} AS SIGNED), 0)"
                " FROM b_iblock_element_property AS link"
                " WHERE link.IBLOCK_ELEMENT_ID = b_iblock_element.ID"
                f" AND link.IBLOCK_PROPERTY_ID = {property_id} AND link.VALUE_NUM IS NOT NULL)"
            )
        table = f"b_iblock_element_prop_s{catalog.iblock_id}"
        if not shop.has(f"{table}.PROPERTY_{property_id}"):
            return None
        return (
            f"(SELECT NULLIF(CAST(link.PROPERTY_{property_id} AS SIGNED), 0) FROM {table} AS link"
            " WHERE link.IBLOCK_ELEMENT_ID = b_iblock_element.ID LIMIT 1)"
        )


def _published_elements_of_catalogs(shop: ShopFacts) -> str:
    """The workflow module keeps drafts and old versions in the same table."""
    return (
        f"b_iblock_element.IBLOCK_ID IN ({shop.catalog_ids})"
        " AND (b_iblock_element.WF_STATUS_ID = 1 OR b_iblock_element.WF_STATUS_ID IS NULL)"
        " AND b_iblock_element.WF_PARENT_ELEMENT_ID IS NULL"
    )


def _catalog_row_and_base_price(shop: ShopFacts) -> str:
    base_types = ", ".join(map(str, shop.base_price_types)) or "NULL"
    return (
        "LEFT JOIN b_catalog_product ON b_catalog_product.ID = b_iblock_element.ID"
        " LEFT JOIN b_catalog_price ON b_catalog_price.ID ="
        " (SELECT MIN(price.ID) FROM b_catalog_price AS price"
        " WHERE price.PRODUCT_ID = b_iblock_element.ID"
        f" AND price.CATALOG_GROUP_ID IN ({base_types})"
        " AND price.QUANTITY_FROM IS NULL AND price.QUANTITY_TO IS NULL)"
    )


PRODUCTS = Table(
    name="products",
    description="Everything that can be sold: products, their offers (variants), sets, services.",
    key="b_iblock_element.ID",
    rows=_published_elements_of_catalogs,
    joins=_catalog_row_and_base_price,
    also_reads=("b_catalog_iblock.IBLOCK_ID", "b_catalog_group.BASE", "b_iblock.VERSION"),
    columns=(
        bitrix_id("bitrix_product_id", "b_iblock_element.ID"),
        integer("iblock_id", "b_iblock_element.IBLOCK_ID", "The catalog it belongs to."),
        reference(
            "category_id",
            "b_iblock_element.IBLOCK_SECTION_ID",
            "categories",
            "Its main section.",
        ),
        reference("parent_id", OfferParent(), "products", "The product that an offer varies."),
        choice("kind", "b_catalog_product.TYPE", KINDS, "simple, offer, set, …; NULL if unknown."),
        text("name", "b_iblock_element.NAME", "What customers read."),
        text("code", "b_iblock_element.CODE", "Its part of the page's address."),
        text("xml_id", "b_iblock_element.XML_ID", "The ID in 1C or another outside system."),
        flag("is_active", "b_iblock_element.ACTIVE", "Shown in the shop."),
        flag("is_available", "b_catalog_product.AVAILABLE", "Can be bought now."),
        number("quantity", "b_catalog_product.QUANTITY", "Stock that is free to sell."),
        number("reserved", "b_catalog_product.QUANTITY_RESERVED", "Stock held by orders."),
        number("price", "b_catalog_price.PRICE", "The base price without any quantity range."),
        text("currency", "b_catalog_price.CURRENCY", "Of the price."),
        number("weight", "b_catalog_product.WEIGHT", "In grams."),
        latest(
            "updated_at",
            (
                "b_iblock_element.TIMESTAMP_X",
                "b_catalog_product.TIMESTAMP_X",
                "b_catalog_price.TIMESTAMP_X",
            ),
            "The latest change that Bitrix noted; stock and property writes are not noted.",
        ),
    ),
    placeholder=Placeholder(
        child="order_items",
        reference="product_id",
        columns=(
            ("name", "name"),
            ("xml_id", "product_xml_id"),
            ("currency", "currency"),
            ("price", "base_price"),
        ),
        newest_child="SELECT MAX(ID) FROM b_sale_basket"
        " WHERE ORDER_ID > 0 AND PRODUCT_ID IN %s GROUP BY PRODUCT_ID",
    ),
)
