"""What a shop must have set up, and has not."""

from consultation import Consultation
from shop_and_crm import Shop

from bitrix_pipeline.doctor import Level


def test_a_status_without_a_word(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.insert("b_sale_status", ID="RT", TYPE="O", SORT=190)

    finding = healthy.only_serious()

    assert finding.level is Level.WARNING
    assert "order status RT:" in finding.found
    assert '"RT": "…"' in finding.advice


def test_a_delivery_status_needs_no_word(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.insert("b_sale_status", ID="DT", TYPE="D", SORT=330)

    assert healthy.serious() == []


def test_a_code_in_small_letters_is_another_code(healthy: Consultation) -> None:
    words = {code.lower(): word for code, word in healthy.settings.status_mapping.items()}

    assert "order status F, FL, N, P, ZZ:" in healthy.with_settings(
        status_mapping=words
    ).only_serious().found  # fmt: skip


def test_no_base_price(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run("UPDATE b_catalog_group SET BASE = 'N'")

    assert "without a price" in healthy.only_serious().found


def test_two_base_prices(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run("UPDATE b_catalog_group SET BASE = 'Y' WHERE ID IN (2, 5)")

    assert "2 price types are marked as the base one (2, 5)" in healthy.only_serious().found


def test_no_catalog(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run("DELETE FROM b_catalog_iblock")

    assert "No iblock is a catalog" in healthy.only_serious().found


def test_offers_whose_link_is_in_a_table_that_is_gone(
    healthy: Consultation, calm_shop: Shop
) -> None:
    calm_shop.run("UPDATE b_iblock SET VERSION = 2")

    assert "do not lead to their products" in healthy.only_serious().found


def test_no_property_for_the_phone(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run("UPDATE b_sale_order_props SET IS_PHONE = 'N'")

    finding = healthy.about("IS_PHONE")

    assert finding.level is Level.NOTE
    assert "contact_phone stays NULL" in finding.found
