"""categories ← b_iblock_section of the iblocks that are catalogs, offers' included."""

from bitrix_pipeline.model.columns import bitrix_id, flag, instant, integer, reference, text
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.model.table import Table


def _sections_of_catalogs(shop: ShopFacts) -> str:
    return f"b_iblock_section.IBLOCK_ID IN ({shop.catalog_ids})"


CATEGORIES = Table(
    name="categories",
    description="The tree of sections that products are sorted into.",
    key="b_iblock_section.ID",
    rows=_sections_of_catalogs,
    also_reads=("b_catalog_iblock.IBLOCK_ID",),
    columns=(
        bitrix_id("bitrix_section_id", "b_iblock_section.ID"),
        reference(
            "parent_id",
            "b_iblock_section.IBLOCK_SECTION_ID",
            "categories",
            "The section above; NULL at the root.",
        ),
        integer("iblock_id", "b_iblock_section.IBLOCK_ID", "The catalog it belongs to."),
        text("name", "b_iblock_section.NAME", "What customers read."),
        text("code", "b_iblock_section.CODE", "Its part of the page's address."),
        text("xml_id", "b_iblock_section.XML_ID", "The ID in 1C or another outside system."),
        flag("is_active", "b_iblock_section.ACTIVE", "Its own switch."),
        flag("is_visible", "b_iblock_section.GLOBAL_ACTIVE", "It and all above it are active."),
        integer("sort", "b_iblock_section.SORT", "Smaller comes first."),
        integer("depth", "b_iblock_section.DEPTH_LEVEL", "1 at the root."),
        instant(
            "updated_at",
            "b_iblock_section.TIMESTAMP_X",
            "When Bitrix last noted a change; moving a neighbour is not noted.",
        ),
    ),
)
