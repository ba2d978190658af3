"""The sample shop's ordinary products, offers and prices, generated in SQL.

Of each three products one is sold as it is and two through offers, three offers each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrix_pipeline.demo.shop_reference import BASE_PRICE, FLOWER_LINK, GIFT_LINK
from bitrix_pipeline.demo.shop_sections import FLOWER_OFFERS, FLOWERS, GIFT_OFFERS, GIFTS
from bitrix_pipeline.demo.shop_sql import Fill, chance, make_temporary, pick, spread, token, word
from bitrix_pipeline.demo.shop_words import BOUQUETS, CARDS, COLOURS, KINDS, POTS, PRESENTS, ROSES

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

DRAFT_COLUMNS = """
    n int NOT NULL PRIMARY KEY,
    id int NOT NULL,
    serial int NOT NULL,
    iblock_id int NOT NULL,
    parent_id int,
    kind int,
    name varchar(255) NOT NULL,
    xml_id varchar(255) NOT NULL,
    price decimal(18,2) NOT NULL,
    touched datetime NOT NULL
"""


def element_id(serial: str) -> str:
    """Products and offers share the numbers: growing, with gaps."""
    return f"(1003 + 4 * {serial} + {pick('element-id', serial, 4)})"


def touched(serial: str) -> str:
    return spread(serial, "(3 * @products)", start="2015-01-10 08:00:00", days=4_200)


# A product takes the first of three serial numbers, offers the other two.
SERIAL = "(3 * n)"
OFFER_SERIAL = "(3 * (o.n DIV 2) + 1 + o.n MOD 2)"
IS_FLOWER = "(n MOD 5 < 3)"
IS_PARENT = "(n MOD 3 > 0)"
# The n-th product with offers is the (n DIV 2)-th triple's second or third.
OFFERS_PARENT = "(3 * (o.n DIV 6) + 1 + (o.n DIV 3) MOD 2)"

FLOWER_NAME = (
    f"CASE {pick('flower', 'n', 3)} "
    f"WHEN 0 THEN CONCAT('Букет «', {word('bouquet', 'n', BOUQUETS)}, '» № ', n) "
    f"WHEN 1 THEN CONCAT('Роза ', {word('rose', 'n', ROSES)}, ' ', 40 + 10 * (n MOD 6), ' см') "
    f"ELSE CONCAT(5 + 2 * {pick('stems', 'n', 50)}, ' ', {word('kind', 'n', KINDS)}) END"
)
GIFT_NAME = (
    f"CASE {pick('gift', 'n', 3)} "
    f"WHEN 0 THEN CONCAT('Горшок ', {word('pot', 'n', POTS)}, ' ', 9 + n MOD 30, ' см') "
    f"WHEN 1 THEN CONCAT('Открытка &quot;', {word('card', 'n', CARDS)}, '&quot;') "
    f"ELSE CONCAT({word('present', 'n', PRESENTS)}, ' ', n) END"
)
# What a page shows, and what its search reads: of some far longer than all that anybody syncs.
STORY = (
    "CONCAT('<p>', name, '. Соберём в день заказа.</p>',"
    " REPEAT('<p>Меняйте воду каждый день и подрезайте стебли.</p>',"
    f" IF({chance('story', 'id', 10)}, 40, 1)))"
)
# 2 set, 6 parent without offers, 7 service, NULL never saved by a modern catalog.
PLAIN_KIND = (
    f"CASE WHEN {chance('set', 'n', 8)} THEN 2 WHEN {chance('empty', 'n', 3)} THEN 6 "
    f"WHEN {chance('service', 'n', 3)} THEN 7 WHEN {chance('unknown', 'n', 2)} THEN NULL ELSE 1 END"
)

PRODUCT_DRAFT = Fill(
    table="product_draft",
    source="numbers WHERE n < @products",
    values={
        "n": "n",
        "id": element_id(SERIAL),
        "xml_id": token("1c", SERIAL),
        "serial": SERIAL,
        "iblock_id": f"IF({IS_FLOWER}, {FLOWERS}, {GIFTS})",
        "kind": f"IF({IS_PARENT}, 3, {PLAIN_KIND})",
        "name": f"IF({IS_FLOWER}, {FLOWER_NAME}, {GIFT_NAME})",
        "price": f"90 + 10 * {pick('price', 'n', 700)} + 0.10 * {pick('kopecks', 'n', 10)}",
        "touched": touched(SERIAL),
    },
)
OFFER_DRAFT = Fill(
    table="offer_draft",
    source=f"numbers o JOIN product_draft p ON p.n = {OFFERS_PARENT} WHERE o.n < @offers",
    values={
        "n": "o.n",
        "id": element_id(OFFER_SERIAL),
        # As the exchange with 1C writes them: the product's, then the offer's.
        "xml_id": f"CONCAT(p.xml_id, '#', {token('1c', OFFER_SERIAL)})",
        "serial": OFFER_SERIAL,
        "iblock_id": f"IF(p.iblock_id = {FLOWERS}, {FLOWER_OFFERS}, {GIFT_OFFERS})",
        "parent_id": f"IF({chance('free', 'o.n', 3)}, NULL, p.id)",
        "kind": f"IF({chance('free', 'o.n', 3)}, 5, 4)",
        "name": f"CONCAT(p.name, ', ', {word('colour', 'o.n', COLOURS)})",
        "price": "p.price + 350 * (o.n MOD 3)",
        "touched": touched(OFFER_SERIAL),
    },
)


def elements(draft: str, sections_of: dict[int, list[int]]) -> Fill:
    section = " ".join(
        f"WHEN {iblock} THEN {word('section', 'id', sections)}"
        for iblock, sections in sections_of.items()
    )
    return Fill(
        table="b_iblock_element",
        source=draft,
        values={
            "ID": "id",
            "TIMESTAMP_X": "touched",
            "DATE_CREATE": "touched - INTERVAL 200 DAY",
            "IBLOCK_ID": "iblock_id",
            "IBLOCK_SECTION_ID": f"IF({chance('root', 'id', 5)}, NULL, CASE iblock_id {section} END)",
            "IN_SECTIONS": f"IF({chance('root', 'id', 5)}, 'N', 'Y')",
            "ACTIVE": f"IF({chance('hidden', 'id', 10)}, 'N', 'Y')",
            "SORT": f"100 + {pick('sort', 'id', 500)}",
            "NAME": "name",
            "PREVIEW_TEXT": f"IF({chance('teaser', 'id', 50)}, CONCAT(name, ' с доставкой'), NULL)",
            "DETAIL_TEXT": STORY,
            "DETAIL_TEXT_TYPE": "'html'",
            "SEARCHABLE_CONTENT": f"UPPER({STORY})",
            "CODE": f"IF({chance('no-code', 'id', 5)}, '', CONCAT('item-', id))",
            "XML_ID": "xml_id",
            # Shops without the workflow module have both.
            "WF_STATUS_ID": f"IF({chance('no-workflow', 'id', 3)}, NULL, 1)",
        },
    )


def stock(draft: str) -> Fill:
    return Fill(
        table="b_catalog_product",
        source=f"{draft} WHERE NOT {chance('no-stock', 'id', 2)}",
        values={
            "ID": "id",
            "QUANTITY": f"{pick('stock', 'id', 400)} + 0.25 * {pick('quarter', 'id', 2)}",
            "QUANTITY_RESERVED": f"{pick('reserved', 'id', 4)}",
            "WEIGHT": f"50 * {pick('weight', 'id', 60)} + 0.125 * {pick('grams', 'id', 3)}",
            "TIMESTAMP_X": f"touched + INTERVAL {pick('stock-days', 'id', 40)} DAY - INTERVAL 9 DAY",
            "VAT_ID": "1",
            "MEASURE": "5",
            "TYPE": "kind",
            "AVAILABLE": f"IF({chance('sold-out', 'id', 20)}, 'N', 'Y')",
            "BUNDLE": "IF(kind = 2, 'Y', 'N')",
        },
    )


def prices(
    draft: str, slot: int, price_type: int, *, price: str, where: str, **bounds: str
) -> Fill:
    """One price a product; ``bounds`` may set QUANTITY_FROM and QUANTITY_TO."""
    return Fill(
        table="b_catalog_price",
        source=f"{draft} WHERE {where}",
        values={
            "ID": f"2001 + 7 * serial + {slot}",
            "PRODUCT_ID": "id",
            "CATALOG_GROUP_ID": str(price_type),
            "PRICE": price,
            "PRICE_SCALE": price,
            "CURRENCY": "'RUB'",
            "TIMESTAMP_X": f"touched + INTERVAL {pick('price-days', 'id', 40)} DAY - INTERVAL 9 DAY",
            **bounds,
        },
    )


def price_fills(draft: str) -> list[Fill]:
    """No price for some, ranges for some, a wholesale price for many."""
    none = chance("no-price", "id", 3)
    ranged = chance("ranges", "id", 4)
    return [
        prices(draft, 1, BASE_PRICE, price="price", where=f"NOT {none} AND NOT {ranged}"),
        prices(draft, 2, BASE_PRICE, price="price", where=ranged, QUANTITY_TO="9"),
        prices(draft, 3, BASE_PRICE, price="price * 0.9", where=ranged, QUANTITY_FROM="10"),
        prices(draft, 4, 5, price="price * 0.7", where=chance("wholesale", "id", 30)),
        prices(draft, 5, 6, price="price - 5", where=chance("club", "id", 10)),
    ]


FLOWER_LINKS = Fill(
    table="b_iblock_element_property",
    source=f"offer_draft WHERE iblock_id = {FLOWER_OFFERS} AND parent_id IS NOT NULL",
    values={
        "ID": "3001 + 5 * n",
        "IBLOCK_PROPERTY_ID": str(FLOWER_LINK),
        "IBLOCK_ELEMENT_ID": "id",
        "VALUE": "parent_id",
        "VALUE_NUM": "parent_id",
    },
)
# Another link of the same iblock, which is not the offer's product.
FLOWER_CARDS = Fill(
    table="b_iblock_element_property",
    source=f"offer_draft WHERE iblock_id = {FLOWER_OFFERS} AND {chance('card', 'id', 20)}",
    values={
        "ID": "3002 + 5 * n",
        "IBLOCK_PROPERTY_ID": "74",
        "IBLOCK_ELEMENT_ID": "id",
        "VALUE": "id - 7",
        "VALUE_NUM": "id - 7",
    },
)
FLOWER_SIZES = Fill(
    table="b_iblock_element_property",
    source=f"offer_draft WHERE iblock_id = {FLOWER_OFFERS}",
    values={
        "ID": "3003 + 5 * n",
        "IBLOCK_PROPERTY_ID": "75",
        "IBLOCK_ELEMENT_ID": "id",
        "VALUE": "ELT(1 + n MOD 3, 'S', 'M', 'L')",
    },
)
GIFT_LINKS = Fill(
    table=f"b_iblock_element_prop_s{GIFT_OFFERS}",
    source=f"offer_draft WHERE iblock_id = {GIFT_OFFERS}",
    values={
        "IBLOCK_ELEMENT_ID": "id",
        f"PROPERTY_{GIFT_LINK}": "parent_id",
        "PROPERTY_119": word("colour", "n", COLOURS),
    },
)
GIFT_MATERIALS = Fill(
    table=f"b_iblock_element_prop_s{GIFTS}",
    source=f"product_draft WHERE iblock_id = {GIFTS}",
    values={"IBLOCK_ELEMENT_ID": "id", "PROPERTY_104": word("pot", "n", POTS)},
)
GIFT_SIMILAR = Fill(
    table=f"b_iblock_element_prop_m{GIFT_OFFERS}",
    source=f"offer_draft WHERE iblock_id = {GIFT_OFFERS} AND {chance('similar', 'id', 10)}",
    values={
        "IBLOCK_ELEMENT_ID": "id",
        "IBLOCK_PROPERTY_ID": "121",
        "VALUE": "id + 5",
        "VALUE_NUM": "id + 5",
    },
)
# What can be put into a cart: offers and products without offers, numbered without gaps.
GOODS = {name: name for name in ("n", "id", "name", "xml_id", "price")}
SHELF = (
    Fill(table="shelf", source="offer_draft", values=GOODS),
    Fill(
        table="shelf",
        source=f"product_draft WHERE NOT {IS_PARENT}",
        values={**GOODS, "n": "@offers + n DIV 3"},
    ),
)


def fill_catalog(cursor: Cursor, sections_of: dict[int, list[int]]) -> None:
    """Fill elements, stock, prices and links; leave ``shelf``, what orders choose from."""
    for name in ("product_draft", "offer_draft", "shelf"):
        make_temporary(cursor, name, DRAFT_COLUMNS)
    PRODUCT_DRAFT.run(cursor)
    OFFER_DRAFT.run(cursor)
    for draft in ("product_draft", "offer_draft"):
        elements(draft, sections_of).run(cursor)
        stock(draft).run(cursor)
        for fill in price_fills(draft):
            fill.run(cursor)
    for fill in (FLOWER_LINKS, FLOWER_CARDS, FLOWER_SIZES, *SHELF):
        fill.run(cursor)
    for fill in (GIFT_LINKS, GIFT_MATERIALS, GIFT_SIMILAR):
        fill.run(cursor)
    cursor.execute("SELECT MAX(n) + 1 FROM shelf INTO @shelf")
    for name in ("product_draft", "offer_draft"):
        cursor.execute(f"DROP TEMPORARY TABLE {name}")
