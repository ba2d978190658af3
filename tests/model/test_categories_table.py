"""categories ← b_iblock_section of the catalogs, a sentence of the data model a test."""

from shop_and_crm import Pipeline

from bitrix_pipeline.demo.shop_sections import FLOWER_OFFERS, FLOWERS, NEWS
from bitrix_pipeline.sync.scope import Ids

SECTION = 900_001


def test_sections_of_offers_are_categories_too(pipeline: Pipeline) -> None:
    pipeline.shop.insert("b_iblock_section", ID=SECTION, IBLOCK_ID=FLOWER_OFFERS, NAME="S")

    pipeline.sync("categories", Ids((SECTION,)))

    assert pipeline.crm.cell("categories", SECTION, "iblock_id") == FLOWER_OFFERS


def test_sections_of_an_iblock_that_is_no_catalog_are_not_there(pipeline: Pipeline) -> None:
    pipeline.shop.insert("b_iblock_section", ID=SECTION, IBLOCK_ID=NEWS, NAME="Новости")

    pipeline.sync("categories", Ids((SECTION,)))

    assert pipeline.crm.row("categories", SECTION, "id") is None


def test_an_iblock_that_becomes_a_catalog_brings_its_sections(synced: Pipeline) -> None:
    synced.shop.insert("b_catalog_iblock", IBLOCK_ID=NEWS)

    synced.sync("categories")

    assert synced.crm.value("SELECT count(*) FROM categories WHERE iblock_id = %s", NEWS) > 0
    assert synced.differences("categories") == []


def test_a_parent_of_0_is_no_parent(pipeline: Pipeline) -> None:
    pipeline.shop.insert(
        "b_iblock_section", ID=SECTION, IBLOCK_ID=FLOWERS, IBLOCK_SECTION_ID=0, NAME="Корень"
    )

    pipeline.sync("categories", Ids((SECTION,)))

    assert pipeline.crm.cell("categories", SECTION, "parent_id") is None


def test_visible_means_that_it_and_all_above_it_are_active(pipeline: Pipeline) -> None:
    pipeline.shop.insert(
        "b_iblock_section", ID=SECTION, IBLOCK_ID=FLOWERS, ACTIVE="Y", GLOBAL_ACTIVE="N"
    )

    pipeline.sync("categories", Ids((SECTION,)))

    assert pipeline.crm.row("categories", SECTION, "is_active", "is_visible") == (True, False)


def test_a_section_may_name_itself_as_its_parent(pipeline: Pipeline) -> None:
    pipeline.shop.insert(
        "b_iblock_section", ID=SECTION, IBLOCK_ID=FLOWERS, IBLOCK_SECTION_ID=SECTION
    )

    pipeline.sync("categories", Ids((SECTION,)))

    assert pipeline.crm.cell("categories", SECTION, "parent_id") == SECTION
