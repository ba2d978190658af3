"""The sample shop's ordinary orders with lines and properties, carts and the archive, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrix_pipeline.demo.shop_people import email, first_name, fuser_id, last_name, phone, user_id
from bitrix_pipeline.demo.shop_reference import (
    ANONYMOUS_USER,
    BASE_PRICE,
    COMPANY,
    ORDER_PROPERTIES,
    PERSON,
)
from bitrix_pipeline.demo.shop_sql import Fill, chance, make_temporary, pick, spread, token, word
from bitrix_pipeline.demo.shop_words import (
    CITIES,
    COMMENTS,
    COMPANIES,
    HOURS,
    NOTES,
    REASONS,
    STREETS,
    WISHES,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymysql.cursors import Cursor

# Each order has room for so many lines and property values, so their IDs have gaps as well.
LINE_ROOM = 8
VALUE_ROOM = 16
CART_SLOT = 6

ORDER_DRAFT = """
    n int NOT NULL PRIMARY KEY,
    id int NOT NULL,
    buyer int NOT NULL,
    person_type int NOT NULL,
    line_count int NOT NULL,
    is_set bool NOT NULL,
    is_paid bool NOT NULL,
    is_canceled bool NOT NULL,
    status varchar(2) NOT NULL,
    created datetime NOT NULL,
    updated datetime NOT NULL
"""
# A table of its own: joined as a subquery, a fresh table without statistics takes for ever.
ORDER_TOTAL = """
    order_id int NOT NULL PRIMARY KEY,
    total decimal(18,2) NOT NULL,
    discount decimal(18,2) NOT NULL
"""


def order_id(row: str) -> str:
    return f"(10021 + 3 * {row} + {pick('order-id', row, 3)})"


CREATED = spread("n", "@orders", start="2010-03-01 08:00:00", days=6_085, jitter_hours=6)
# The newest orders are still on their way; most older ones are done.
STATUS = (
    f"IF(n * 50 > @orders * 49, {word('fresh', 'n', ('N', 'N', 'P', 'FL', 'ZZ'))}, "
    f"{word('status', 'n', ('F',) * 17 + ('N', 'P', 'FL'))})"
)
BUYER = pick("buyer", "n", 1_000_000)
DRAFT_ORDERS = Fill(
    table="order_draft",
    source="numbers WHERE n < @orders",
    values={
        "n": "n",
        "id": order_id("n"),
        # Few buyers come often, most once or twice.
        "buyer": f"@users * {BUYER} * {BUYER} DIV 1000000000000",
        "person_type": f"IF({chance('company', 'n', 7)}, {COMPANY}, {PERSON})",
        "line_count": word("lines", "n", (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 5)),
        "is_set": chance("set", "n", 3),
        "is_paid": chance("paid", "n", 74),
        "is_canceled": chance("canceled", "n", 9),
        "status": STATUS,
        "created": CREATED,
        "updated": f"{CREATED} + INTERVAL {pick('update', 'n', 9 * 86_400)} SECOND",
    },
)

LINE_KEY = f"(o.n * {LINE_ROOM} + slot.i)"
DISCOUNT = f"15 * {pick('discount', LINE_KEY, 4)}"
# Line 1 of a set holds the set, the others its parts. Only the set itself counts in the total.
LINES = Fill(
    table="b_sale_basket",
    source=(
        "order_draft o STRAIGHT_JOIN (SELECT 1 AS i UNION SELECT 2 UNION SELECT 3 "
        "UNION SELECT 4 UNION SELECT 5) slot ON slot.i <= o.line_count "
        f"STRAIGHT_JOIN shelf p ON p.n = {pick('product', LINE_KEY, '@shelf')}"
    ),
    values={
        "ID": f"300011 + {LINE_KEY}",
        "FUSER_ID": fuser_id("o.buyer"),
        "ORDER_ID": "o.id",
        "PRODUCT_ID": "p.id",
        "PRODUCT_PRICE_ID": "2002 + p.n",
        "PRICE_TYPE_ID": str(BASE_PRICE),
        "PRICE": f"p.price - {DISCOUNT}",
        "BASE_PRICE": "p.price",
        "DISCOUNT_PRICE": DISCOUNT,
        "CURRENCY": "'RUB'",
        "VAT_RATE": word("vat", LINE_KEY, ("0.2000", "0.2000", "0.1000", "0.0000")),
        "VAT_INCLUDED": f"IF({chance('vat-over', LINE_KEY, 5)}, 'N', 'Y')",
        "DATE_INSERT": "o.created - INTERVAL 20 MINUTE",
        "DATE_UPDATE": "o.updated",
        "WEIGHT": f"100 * {pick('weight', LINE_KEY, 30)} + 0.25",
        "QUANTITY": word("quantity", LINE_KEY, (1, 1, 1, 1, 1, 2, 3, 7, 11, "0.5")),
        "LID": "'s1'",
        "NAME": "p.name",
        "MODULE": "'catalog'",
        "PRODUCT_PROVIDER_CLASS": "'CCatalogProductProvider'",
        "CATALOG_XML_ID": "'flowers'",
        "PRODUCT_XML_ID": "p.xml_id",
        "TYPE": "IF(o.is_set AND slot.i = 1, 1, NULL)",
        "SET_PARENT_ID": (f"IF(o.is_set, IF(slot.i = 1, NULL, 300012 + o.n * {LINE_ROOM}), NULL)"),
        "MEASURE_CODE": "796",
        "MEASURE_NAME": word("measure", LINE_KEY, ("шт", "шт", "шт", "упак", "м")),
        "XML_ID": f"CONCAT('bx_', {token('line', LINE_KEY)})",
        "SORT": "100 * slot.i",
    },
)

DELIVERY = word("delivery", "o.n", ("0.0000", "290.0000", "390.0000", "590.0000", "349.9900"))
TOTAL = f"(t.total + {DELIVERY})"
TOTALS = Fill(
    table="order_total",
    source="b_sale_basket WHERE SET_PARENT_ID IS NULL GROUP BY ORDER_ID",
    values={
        "order_id": "ORDER_ID",
        "total": "SUM(ROUND(PRICE * QUANTITY, 2))",
        "discount": "SUM(ROUND(DISCOUNT_PRICE * QUANTITY, 2))",
    },
)
ORDERS = Fill(
    table="b_sale_order",
    source="order_draft o STRAIGHT_JOIN order_total t ON t.order_id = o.id",
    values={
        "ID": "o.id",
        "LID": f"IF({chance('site', 'o.n', 6)}, 's2', 's1')",
        "PERSON_TYPE_ID": "o.person_type",
        "PAYED": "IF(o.is_paid, 'Y', 'N')",
        "DATE_PAYED": "IF(o.is_paid, o.created + INTERVAL 11 MINUTE, NULL)",
        "CANCELED": "IF(o.is_canceled, 'Y', 'N')",
        "DATE_CANCELED": "IF(o.is_canceled, o.updated, NULL)",
        "REASON_CANCELED": f"IF(o.is_canceled, {word('reason', 'o.n', REASONS)}, NULL)",
        "STATUS_ID": "o.status",
        "DATE_STATUS": "o.updated",
        "PRICE_DELIVERY": DELIVERY,
        "DEDUCTED": "IF(o.status = 'F' AND NOT o.is_canceled, 'Y', 'N')",
        "PRICE": TOTAL,
        "CURRENCY": "'RUB'",
        "DISCOUNT_VALUE": "t.discount",
        "TAX_VALUE": f"ROUND({TOTAL} / 6, 2)",
        "SUM_PAID": f"IF(o.is_paid, {TOTAL}, 0)",
        "USER_ID": f"IF({chance('anonymous', 'o.n', 6)}, {ANONYMOUS_USER}, {user_id('o.buyer')})",
        "PAY_SYSTEM_ID": f"2 + {pick('pay', 'o.n', 4)}",
        "DELIVERY_ID": f"3 + {pick('courier', 'o.n', 3)}",
        "DATE_INSERT": "o.created",
        "DATE_UPDATE": "o.updated",
        "USER_DESCRIPTION": f"IF({chance('comment', 'o.n', 35)}, "
        f"{word('comment', 'o.n', COMMENTS)}, '')",
        "COMMENTS": f"IF({chance('note', 'o.n', 20)}, {word('note', 'o.n', NOTES)}, NULL)",
        # Shown to people; equal to the ID until the template was changed.
        "ACCOUNT_NUMBER": f"IF({chance('number', 'o.n', 20)}, CONCAT('БМ-', o.id), o.id)",
        "XML_ID": f"CONCAT('bx_', {token('order', 'o.n')})",
        "ID_1C": f"IF({chance('1c', 'o.n', 60)}, CONCAT('БП', LPAD(o.n, 9, '0')), NULL)",
        "UPDATED_1C": "'N'",
        "VERSION": f"1 + {pick('version', 'o.n', 12)}",
        "RESPONSIBLE_ID": "5",
        "RUNNING": "'N'",
    },
)

WOMAN = chance("buyer-sex", "o.n", 50)
SERIALIZED = 'a:2:{i:0;s:6:"лента";i:1;s:5:"без";}'
VALUES: dict[str, str] = {
    "FIO": f"CONCAT_WS(' ', {first_name('o.n', woman=WOMAN)}, {last_name('o.n', woman=WOMAN)})",
    "CONTACT_PERSON": first_name("o.n", woman=WOMAN),
    "EMAIL": email("order", "o.n"),
    "PHONE": phone("order", "o.n"),
    "RECIPIENT_PHONE": phone("recipient", "o.n"),
    "COURIER_PHONE": phone("courier", "o.n"),
    "ADDRESS": f"CONCAT_WS(', ', {word('city', 'o.n', CITIES)}, {word('street', 'o.n', STREETS)}, "
    f"CONCAT('д. ', 1 + {pick('house', 'o.n', 120)}))",
    "DELIVERY_TIME": word("hours", "o.n", HOURS),
    "CARD_TEXT": word("wish", "o.n", WISHES),
    "WISHES": "'" + SERIALIZED + "'",
    "COMPANY": word("company", "o.n", COMPANIES),
    "INN": f"CONCAT('77', LPAD({pick('inn', 'o.n', 100_000_000)}, 8, '0'))",
}
PRESENT = " ".join(
    f"WHEN {declared.id} THEN {declared.percent * 100}" for declared in ORDER_PROPERTIES
)
PROPERTY_KEY = f"(o.n * {VALUE_ROOM} + op.SORT DIV 10)"
VALUE = " ".join(
    f"WHEN {declared.id} THEN {VALUES[declared.code]}" for declared in ORDER_PROPERTIES
)
SHIPMENTS = ", ".join(
    str(declared.id) for declared in ORDER_PROPERTIES if declared.owner == "SHIPMENT"
)
# Values of the properties of the order's person type; some are left out, some empty.
ORDER_VALUES = Fill(
    table="b_sale_order_props_value",
    source=(
        "order_draft o STRAIGHT_JOIN b_sale_order_props op ON op.PERSON_TYPE_ID = o.person_type "
        f"AND {pick('has', 'o.n * 100 + op.ID', 10_000)} < CASE op.ID {PRESENT} ELSE 0 END "
        f"AND (@era <> '2015' OR op.ID NOT IN ({SHIPMENTS}))"
    ),
    values={
        "ID": f"700013 + {PROPERTY_KEY}",
        "ORDER_ID": "o.id",
        "ORDER_PROPS_ID": "op.ID",
        "NAME": "op.NAME",
        "VALUE": f"IF({chance('empty', 'o.n * 100 + op.ID', 4)}, '', CASE op.ID {VALUE} END)",
        "CODE": f"IF({chance('no-code', 'o.n * 100 + op.ID', 2)}, NULL, op.CODE)",
        "XML_ID": f"CONCAT('bx_', {PROPERTY_KEY})",
        "ENTITY_ID": f"IF(op.ID IN ({SHIPMENTS}), o.id * 2 + 1, o.id)",
        "ENTITY_TYPE": f"IF(op.ID IN ({SHIPMENTS}), 'SHIPMENT', 'ORDER')",
    },
)


CARTS = Fill(
    table="b_sale_basket",
    source=(
        f"numbers JOIN shelf p ON p.n = {pick('cart', 'numbers.n', '@shelf')} "
        f"WHERE numbers.n < @orders AND {chance('cart', 'numbers.n', 25)}"
    ),
    values={
        "ID": f"300011 + numbers.n * {LINE_ROOM} + {CART_SLOT}",
        "FUSER_ID": fuser_id(pick("cart-owner", "numbers.n", "@users")),
        # Carts of very old shops have 0.
        "ORDER_ID": f"IF({chance('old-cart', 'numbers.n', 8)}, 0, NULL)",
        "PRODUCT_ID": "p.id",
        "PRICE": "p.price",
        "BASE_PRICE": "p.price",
        "CURRENCY": "'RUB'",
        "QUANTITY": "1",
        "LID": "'s1'",
        "DELAY": f"IF({chance('wish-list', 'numbers.n', 20)}, 'Y', 'N')",
        "NAME": "p.name",
        "MODULE": "'catalog'",
        "DATE_INSERT": spread("numbers.n", "@orders", start="2024-01-01 00:00:00", days=1_000),
        "DATE_UPDATE": spread("numbers.n", "@orders", start="2024-01-01 00:00:00", days=1_000),
        "VAT_RATE": "0.2000",
        "MEASURE_NAME": "'шт'",
    },
)

# Orders older than the shop's first order number: moved to the archive long ago.
ARCHIVE = Fill(
    table="b_sale_order_archive",
    source="numbers WHERE n < GREATEST(3, LEAST(4000, @orders DIV 50))",
    values={
        "ID": "7 + 2 * n",
        "LID": "'s1'",
        "ORDER_ID": f"1001 + 2 * n + {pick('archived-id', 'n', 2)}",
        "ACCOUNT_NUMBER": f"1001 + 2 * n + {pick('archived-id', 'n', 2)}",
        "DATE_INSERT": spread("n", "4000", start="2008-05-01 09:00:00", days=600),
        "PERSON_TYPE_ID": str(PERSON),
        "USER_ID": user_id(pick("archived-user", "n", "@users")),
        "STATUS_ID": "'F'",
        "PAYED": "'Y'",
        "DEDUCTED": "'Y'",
        "PRICE": f"1000 + {pick('archived-price', 'n', 9000)}",
        "SUM_PAID": f"1000 + {pick('archived-price', 'n', 9000)}",
        "CURRENCY": "'RUB'",
        "VERSION": "9",
        "DATE_ARCHIVED": spread("n", "4000", start="2015-06-01 03:00:00", days=300),
    },
)

# The cleaner removes what is older than a year.
HISTORY = Fill(
    table="b_sale_order_change",
    source="order_draft o WHERE o.created > TIMESTAMP'2025-11-01 00:00:00'",
    values={
        "ID": "91 + 2 * o.n",
        "ORDER_ID": "o.id",
        "TYPE": "'ORDER_ADDED'",
        "DATE_CREATE": "o.created",
        "DATE_MODIFY": "o.created",
        "USER_ID": user_id("o.buyer"),
        "ENTITY": "'ORDER'",
        "ENTITY_ID": "o.id",
    },
)


def fill_orders(cursor: Cursor, *, era: str, done: Callable[[str], None]) -> None:
    """Fill lines first: an order's total is the sum over them."""
    make_temporary(cursor, "order_draft", ORDER_DRAFT)
    DRAFT_ORDERS.run(cursor)
    LINES.run(cursor)
    done("order lines")
    make_temporary(cursor, "order_total", ORDER_TOTAL)
    TOTALS.run(cursor)
    ORDERS.run(cursor)
    done("orders")
    ORDER_VALUES.run(cursor)
    done("order properties")
    CARTS.run(cursor)
    HISTORY.run(cursor)
    if era == "2026":
        ARCHIVE.run(cursor)
    cursor.execute("DROP TEMPORARY TABLE order_draft, order_total")
    done("carts and archive")
