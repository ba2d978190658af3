"""The shop's MySQL tables and its webhooks, as assets that Dagster does not make.

The graph begins in Bitrix.
"""

import dagster as dg

from bitrix_pipeline.model import TABLES

SOURCE_PREFIX = "bitrix"
SOURCE_GROUP = "bitrix_shop"
SOURCE_OWNER = "team:shop"

DESCRIPTIONS = {
    "b_user": "Accounts: customers, staff, technical users.",
    "b_iblock_section": "Sections of all information blocks; only the catalogs' are synced.",
    "b_iblock_element": "Elements of all information blocks; products and offers are among them.",
    "b_iblock_element_property": "Property values of elements; an offer's link to its product.",
    "b_catalog_product": "Stock, type and weight of what can be sold.",
    "b_catalog_price": "Prices by price type and quantity range.",
    "b_sale_order": "Orders. Archived ones leave this table without being deleted.",
    "b_sale_order_props": "What fields an order's form has, and which of them are name and phone.",
    "b_sale_order_props_value": "What buyers typed into the order's form.",
    "b_sale_basket": "Order lines, and open carts, which are not synced.",
    "b_sale_status": "Statuses of orders and deliveries.",
    "b_sale_status_lang": "Their names by language.",
}


def source_key(source_table: str) -> dg.AssetKey:
    return dg.AssetKey([SOURCE_PREFIX, source_table])


SOURCE_TABLES = [
    dg.AssetSpec(
        key=source_key(name),
        description=f"{DESCRIPTIONS[name]} Written by Bitrix; only ever read here.",
        group_name=SOURCE_GROUP,
        kinds={"mysql"},
        owners=[SOURCE_OWNER],
        metadata={"dagster/table_name": name},
    )
    for name in dict.fromkeys(name for table in TABLES for name in table.source_tables)
]

WEBHOOKS = dg.AssetSpec(
    key="bitrix_webhooks",
    description="What the shop tells of by itself: signed webhooks of the module bitrix_pipeline, "
    "and Bitrix's own outgoing ones. `bitrix-pipeline receive` takes them.",
    group_name=SOURCE_GROUP,
    kinds={"webhook"},
    owners=[SOURCE_OWNER],
)
