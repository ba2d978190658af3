"""What the sync's SQL cannot do without. A column not named here is NULL where a shop lacks it."""

from bitrix_pipeline.model import TABLES

NEEDED_COLUMNS: dict[str, tuple[str, ...]] = {
    "order_statuses": ("b_sale_status.ID",),
    "users": ("b_user.ID",),
    "categories": (
        "b_iblock_section.ID",
        "b_iblock_section.IBLOCK_ID",
        "b_catalog_iblock.IBLOCK_ID",
        "b_catalog_iblock.PRODUCT_IBLOCK_ID",
        "b_catalog_iblock.SKU_PROPERTY_ID",
        "b_iblock.ID",
        "b_iblock.VERSION",
    ),
    "products": (
        "b_iblock_element.ID",
        "b_iblock_element.IBLOCK_ID",
        "b_iblock_element.WF_STATUS_ID",
        "b_iblock_element.WF_PARENT_ELEMENT_ID",
        "b_iblock_element_property.ID",
        "b_iblock_element_property.IBLOCK_ELEMENT_ID",
        "b_iblock_element_property.IBLOCK_PROPERTY_ID",
        "b_iblock_element_property.VALUE_NUM",
        "b_catalog_product.ID",
        "b_catalog_group.ID",
        "b_catalog_group.BASE",
        "b_catalog_price.ID",
        "b_catalog_price.PRODUCT_ID",
        "b_catalog_price.CATALOG_GROUP_ID",
        "b_catalog_price.QUANTITY_FROM",
        "b_catalog_price.QUANTITY_TO",
    ),
    "orders": (
        "b_sale_order.ID",
        "b_sale_order_props_value.ID",
        "b_sale_order_props_value.ORDER_ID",
        "b_sale_order_props_value.ORDER_PROPS_ID",
    ),
    "order_items": ("b_sale_basket.ID", "b_sale_basket.ORDER_ID"),
}
"""By table of ours: what its SQL names outright, in conditions and joins."""

OPTIONAL_TABLES = ("b_sale_status_lang", "b_sale_order_archive", "b_sale_order_props")
"""Read where a shop has them."""

HELPFUL_INDEXES: dict[str, str] = {
    "b_sale_order.DATE_UPDATE": "each look at the orders changed lately reads all orders",
    "b_sale_order_props_value.ORDER_ID": "each order reads the properties of all orders",
    "b_sale_basket.ORDER_ID": "the lines of an order are found by reading all lines",
    "b_catalog_price.PRODUCT_ID": "each product reads the prices of all products",
    "b_iblock_element_property.IBLOCK_ELEMENT_ID": "each offer reads the properties of all",
    "b_sale_order_archive.ORDER_ID": "a vanished order is looked up by reading the whole archive",
}
"""Columns that Bitrix indexes itself, and what happens where that index is gone."""


def needed_tables() -> dict[str, list[str]]:
    """The source tables, each with the tables of ours that it feeds."""
    feeds: dict[str, list[str]] = {}
    for table in TABLES:
        needed = [column.split(".")[0] for column in NEEDED_COLUMNS[table.name]]
        for source in dict.fromkeys([*needed, *table.source_tables]):
            if source not in OPTIONAL_TABLES:
                feeds.setdefault(source, []).append(table.name)
    return feeds


def source_tables() -> list[str]:
    """Every source table that is read."""
    return [*needed_tables(), *OPTIONAL_TABLES]
