"""Odd sections, products, offers and prices of the sample shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrix_pipeline.demo.shop_nasty import (
    IMPOSSIBLE_DATE,
    NO_MONTH,
    ZERO_DATE,
    Case,
    case,
    element,
    price,
    section,
    stock,
)
from bitrix_pipeline.demo.shop_reference import FLOWER_LINK, GIFT_LINK
from bitrix_pipeline.demo.shop_sections import FLOWER_OFFERS, GIFT_OFFERS, GIFTS, NEWS

if TYPE_CHECKING:
    from bitrix_pipeline.demo.shop_nasty import Placed

NEWS_SECTION = 20
NEWS_ITEM = 390
DRAFT = 350
GONE_PRODUCT = 399
PLAIN_PRODUCT = 301


def flower_link(row_id: int, offer: int, product: int) -> Placed:
    return "b_iblock_element_property", {
        "ID": row_id,
        "IBLOCK_PROPERTY_ID": FLOWER_LINK,
        "IBLOCK_ELEMENT_ID": offer,
        "VALUE": str(product),
        "VALUE_NUM": product,
    }


def gift_link(offer: int, product: int | None) -> Placed:
    return f"b_iblock_element_prop_s{GIFT_OFFERS}", {
        "IBLOCK_ELEMENT_ID": offer,
        f"PROPERTY_{GIFT_LINK}": product,
    }


SECTION_CASES: tuple[Case, ...] = (
    case("section whose parent is gone", "the parent gets a placeholder",
         section(3, parent=39, NAME="Сирота")),
    case("section in a section of the news", "a row that is not ours gets a placeholder",
         section(NEWS_SECTION, IBLOCK_ID=NEWS, NAME="Рубрика новостей"),
         section(4, parent=NEWS_SECTION)),
    case("section with parent 0", "0 means none", section(5, parent=0)),
    case("section that is its own parent", "loading parents first must end",
         section(6, parent=6)),
    case("sections in a ring", "loading parents first must end",
         section(7, parent=8), section(8, parent=7)),
    case("section above with a higher ID", "a moved section: the parent comes later",
         section(10, parent=12), section(12)),
    case("section with odd dates and flags", "zero dates and lower-case flags",
         section(13, TIMESTAMP_X=ZERO_DATE, ACTIVE="y", GLOBAL_ACTIVE="", CODE="", XML_ID="",
                 NAME='Розы\t«С\\ложные» "имена"\n', DEPTH_LEVEL=None)),
)  # fmt: skip

PRODUCT_CASES: tuple[Case, ...] = (
    case("plain product", "what the odd lines name",
         element(PLAIN_PRODUCT), stock(PLAIN_PRODUCT), price(101, PLAIN_PRODUCT, "1500.00")),
    *(
        case(f"product of type {kind}", "every kind by its number; others have none",
             element(301 + place), stock(301 + place, TYPE=kind))
        for place, kind in enumerate((1, 2, 3, 4, 5, 6, 7, 9, 0, None)) if place
    ),
    case("element without stock", "no b_catalog_product row: numbers NULL, not available",
         element(320)),
    case("stock and price without element", "left by a crash; no product of ours",
         stock(321), price(102, 321, "10.00")),
    case("workflow drafts", "old versions and drafts live in the same table",
         element(DRAFT, WF_STATUS_ID=2, WF_PARENT_ELEMENT_ID=PLAIN_PRODUCT, NAME="Черновик"),
         element(351, WF_STATUS_ID=1, WF_PARENT_ELEMENT_ID=PLAIN_PRODUCT, NAME="Версия"),
         element(352, WF_STATUS_ID=2, NAME="Не опубликован"), stock(352)),
    case("product without workflow status", "NULL is as good as 1",
         element(322, WF_STATUS_ID=None), stock(322)),
    case("product in a news section", "a section of a non-catalog iblock gets a placeholder",
         element(323, IBLOCK_SECTION_ID=NEWS_SECTION), stock(323)),
    case("product in a section that is gone", "the section gets a placeholder",
         element(324, IBLOCK_SECTION_ID=38), stock(324)),
    case("product in section 0", "0 means none",
         element(325, IBLOCK_SECTION_ID=0, IN_SECTIONS="N"), stock(325)),
    case("news item", "an element of a non-catalog iblock is no product",
         element(NEWS_ITEM, IBLOCK_ID=NEWS, IBLOCK_SECTION_ID=NEWS_SECTION, NAME="Мы открылись")),
    case("which date is the latest", "updated_at is the latest of the three",
         element(326, TIMESTAMP_X="2025-01-01 00:00:00"),
         stock(326, TIMESTAMP_X="2023-01-01 00:00:00"),
         price(103, 326, "1.00", TIMESTAMP_X="2022-01-01 00:00:00"),
         element(327), stock(327, TIMESTAMP_X="2025-02-02 00:00:00"), price(104, 327, "1.00"),
         element(328), stock(328), price(105, 328, "1.00", TIMESTAMP_X="2025-03-03 00:00:00"),
         element(329, TIMESTAMP_X=None), stock(329, TIMESTAMP_X=ZERO_DATE)),
    case("impossible dates of a product", "they become NULL",
         element(330, TIMESTAMP_X=IMPOSSIBLE_DATE), element(331, TIMESTAMP_X=NO_MONTH),
         stock(331), element(332, TIMESTAMP_X=ZERO_DATE), stock(332)),
    case("doubles", "numbers are exact text, never through a float",
         element(333), stock(333, QUANTITY=0.1, QUANTITY_RESERVED=0.30000000000000004, WEIGHT=1e-7),
         element(334), stock(334, QUANTITY=1e15, QUANTITY_RESERVED=1e-7, WEIGHT=123456789.125),
         element(335), stock(335, QUANTITY=-3.5, QUANTITY_RESERVED=None, WEIGHT=1e22),
         element(336), stock(336, QUANTITY=2 ** 53 + 2, WEIGHT=1e16)),
    case("flags of a product", "only a capital Y is true",
         element(337, ACTIVE="y"), stock(337, AVAILABLE="y"),
         element(338, ACTIVE=""), stock(338, AVAILABLE=""),
         element(339, ACTIVE="N"), stock(339, AVAILABLE=None)),
    case("texts of a product", "text is kept as it is",
         element(340, NAME="Роза «О'Хара»\t\\N &quot;40 см&quot;\r\n", CODE="\\.", XML_ID=" "),
         element(341, NAME="", CODE="", XML_ID=""),
         element(342, NAME="\x00", CODE="a\x00b", XML_ID="🌹")),
)  # fmt: skip

PRICE_CASES: tuple[Case, ...] = (
    case("several base prices", "the row with the lowest ID among those without any bound",
         element(360), stock(360), price(110, 360, "99.00", QUANTITY_FROM=10),
         price(111, 360, "110.00"), price(112, 360, "90.00")),
    case("only ranges", "bounded rows alone give no price",
         element(361), stock(361), price(113, 361, "50.00", QUANTITY_FROM=1, QUANTITY_TO=9),
         price(114, 361, "40.00", QUANTITY_FROM=10)),
    case("bounded on one side", "an upper bound alone is a bound as well",
         element(362), stock(362), price(115, 362, "70.00", QUANTITY_TO=9),
         price(116, 362, "77.00")),
    case("price of another type only", "only the base price type counts",
         element(363), stock(363), price(117, 363, "10.00", CATALOG_GROUP_ID=5)),
    case("price in another currency", "each price row has its own",
         element(364), stock(364), price(118, 364, "12.34", CURRENCY="EUR")),
    case("limits of a price", "numeric has no limit",
         element(365), stock(365), price(119, 365, "9999999999999999.99"),
         element(366), stock(366), price(120, 366, "-0.01")),
    case("price of nothing", "zero is a price", element(367), stock(367), price(121, 367, "0")),
)  # fmt: skip

OFFER = {"IBLOCK_ID": FLOWER_OFFERS}
GIFT_OFFER = {"IBLOCK_ID": GIFT_OFFERS}

OFFER_CASES: tuple[Case, ...] = (
    case("offers of both storages", "the link is a row in the one, a column in the other",
         element(370, **OFFER), stock(370, TYPE=4), flower_link(101, 370, 303),
         element(380, **GIFT_OFFER), stock(380, TYPE=4), gift_link(380, 303)),
    case("offers whose product is gone", "the product gets a placeholder",
         element(371, **OFFER), stock(371, TYPE=4), flower_link(102, 371, GONE_PRODUCT),
         element(381, **GIFT_OFFER), stock(381, TYPE=4), gift_link(381, GONE_PRODUCT)),
    case("offers without a link", "a free offer has no product",
         element(372, **OFFER), stock(372, TYPE=5),
         element(382, **GIFT_OFFER), stock(382, TYPE=5), gift_link(382, None),
         element(383, **GIFT_OFFER), stock(383, TYPE=5)),
    case("offers of product 0", "0 means none",
         element(373, **OFFER), flower_link(103, 373, 0),
         element(384, **GIFT_OFFER), gift_link(384, 0)),
    case("offer of a draft", "a draft is not a row of ours: a placeholder",
         element(374, **OFFER), flower_link(104, 374, DRAFT)),
    case("offer of a news item", "neither is a news item",
         element(375, **OFFER), flower_link(105, 375, NEWS_ITEM)),
    case("offer of itself", "loading parents first must end",
         element(376, **OFFER), flower_link(106, 376, 376)),
    case("offers in a ring", "loading parents first must end",
         element(377, **OFFER), flower_link(107, 377, 378),
         element(378, **OFFER), flower_link(108, 378, 377)),
    case("offer with two links", "a single property saved twice; the lower ID was first",
         element(379, **OFFER), stock(379, TYPE=4), flower_link(109, 379, 303),
         flower_link(110, 379, 304)),
    case("link of an element that is gone", "rows left behind name no offer",
         flower_link(111, 398, 303), gift_link(397, 303)),
    case("offer in a section of its iblock", "offers' sections are categories as well",
         section(30, IBLOCK_ID=FLOWER_OFFERS, NAME="Варианты"),
         element(385, IBLOCK_SECTION_ID=30, **OFFER), flower_link(112, 385, 303),
         section(31, IBLOCK_ID=GIFT_OFFERS, NAME="Варианты подарков"),
         element(386, IBLOCK_SECTION_ID=31, **GIFT_OFFER), gift_link(386, 306)),
    case("product of the gifts iblock", "products of a VERSION=2 iblock",
         element(387, IBLOCK_ID=GIFTS), stock(387)),
)  # fmt: skip

CATALOG_CASES = (*SECTION_CASES, *PRODUCT_CASES, *PRICE_CASES, *OFFER_CASES)
