"""What the shop has set up that rows depend on: catalogs, prices, statuses, order properties.

Nothing is said about a table that is missing or may not be read: other checks say that.
"""

from collections.abc import Callable, Iterator

from bitrix_pipeline.doctor.finding import Finding, listed, note, ok, warning
from bitrix_pipeline.doctor.shop import Shop
from bitrix_pipeline.model.shop_facts import Catalog

TOPIC = "shop contents"

FLAGS = {
    "IS_PAYER": "contact_name",
    "IS_PHONE": "contact_phone",
    "IS_EMAIL": "contact_email",
}


def check_catalogs(shop: Shop) -> Iterator[Finding]:
    if not shop.facts.has_table("b_catalog_iblock") or not shop.facts.has_table("b_iblock"):
        return
    catalogs = shop.facts.catalogs
    offers = [catalog for catalog in catalogs if catalog.has_offers]
    if not catalogs:
        yield warning(
            TOPIC,
            "No iblock is a catalog, so there are no categories and no products to sync.",
            "Mark the iblocks that are sold from in Bitrix: Shop → Settings → Catalogs.",
        )
        return
    yield ok(TOPIC, f"{len(catalogs)} catalogs, {len(offers)} of them with offers.")
    lost = [str(c.iblock_id) for c in offers if c.version != 1 and not _has_link(shop, c)]
    if lost:
        yield warning(
            TOPIC,
            f"The offers of iblock {listed(lost)} do not lead to their products: the table with "
            "the link is not there.",
            "Save the iblock again in Bitrix with its properties stored in a table of its own.",
        )


def _has_link(shop: Shop, catalog: Catalog) -> bool:
    column = f"b_iblock_element_prop_s{catalog.iblock_id}.PROPERTY_{catalog.sku_property_id}"
    return shop.facts.has(column)


def check_base_price(shop: Shop) -> Iterator[Finding]:
    if not shop.facts.has_table("b_catalog_group"):
        return
    types = shop.facts.base_price_types
    if len(types) == 1:
        yield ok(TOPIC, f"The base price is price type {types[0]}.")
    elif types:
        yield warning(
            TOPIC,
            f"{len(types)} price types are marked as the base one ({listed(list(map(str, types)))}): "
            "a product gets the oldest of its prices among them.",
            "Leave one base price type in Bitrix: Shop → Prices → Price types.",
        )
    else:
        yield warning(
            TOPIC,
            "No price type is marked as the base one, so products arrive without a price.",
            "Mark one in Bitrix: Shop → Prices → Price types.",
        )


def check_statuses(shop: Shop) -> Iterator[Finding]:
    if not shop.facts.has("b_sale_status.TYPE"):
        return
    rows = shop.rows("SELECT ID FROM b_sale_status WHERE TYPE = 'O' ORDER BY ID")
    codes = [str(row[0]) for row in rows]
    mapping = shop.settings.status_mapping
    unmapped = [code for code in codes if code and code not in mapping]
    if unmapped and mapping:
        added = ", ".join(f'"{code}": "…"' for code in unmapped)
        yield warning(
            TOPIC,
            f"STATUS_MAPPING has no word for the order status {listed(unmapped)}: orders in it "
            "get Bitrix's code as their status.",
            f"Add to STATUS_MAPPING: {added}",
        )
    elif mapping:
        yield ok(TOPIC, f"STATUS_MAPPING has a word for each of {len(codes)} order statuses.")


def check_flagged_properties(shop: Shop) -> Iterator[Finding]:
    if not shop.facts.has_table("b_sale_order_props"):
        return
    flagged = shop.facts.flagged_properties
    for flag, column in FLAGS.items():
        if not flagged.get(flag):
            yield note(
                TOPIC,
                f"No order property has the flag {flag}, so {column} stays NULL; the value is "
                "among the order's properties.",
                "Set the flag in Bitrix: Shop → Settings → Order properties.",
            )
    if all(flagged.get(flag) for flag in FLAGS):
        yield ok(TOPIC, "Order properties are flagged for the buyer's name, phone and e-mail.")


CHECKS: tuple[Callable[[Shop], Iterator[Finding]], ...] = (
    check_catalogs,
    check_base_price,
    check_statuses,
    check_flagged_properties,
)
