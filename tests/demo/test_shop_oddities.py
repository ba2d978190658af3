"""Every sentence of the data model about odd source data finds a row in the sample shop."""

from __future__ import annotations

from collections import Counter

import pytest

from bitrix_pipeline.demo.shop import CASES
from bitrix_pipeline.demo.shop_nasty import AWKWARD_TEXTS


def gone(table: str, key: str) -> str:
    """The row that ``key`` names is not in ``table``."""
    return f"{key} > 0 AND {key} NOT IN (SELECT ID FROM {table})"


def flagged(flag: str, value: str) -> str:
    return f"BINARY {flag} = '{value}'"


CATALOG = "IBLOCK_ID IN (SELECT IBLOCK_ID FROM b_catalog_iblock)"
DRAFT = "(WF_STATUS_ID <> 1 OR WF_PARENT_ELEMENT_ID IS NOT NULL)"
# By sentence: the table that holds it and how to find it there.
ODDITIES: dict[str, tuple[str, str]] = {
    "a zero-length string": ("b_user", "LENGTH(NAME) = 0"),
    "a single space is text": ("b_user", "BINARY NAME = ' '"),
    "zero-width characters are text": ("b_user", "HEX(NAME) = 'E2808B'"),
    "NUL bytes inside": ("b_user", "NAME LIKE 'Ан%' AND HEX(NAME) LIKE '%00D0%'"),
    "nothing but NUL bytes": ("b_user", "HEX(NAME) = '0000'"),
    "an emoji": ("b_user", "HEX(NAME) LIKE '%F09F8CB9%'"),
    "COPY's NULL as text": ("b_user", r"NAME = '\\N'"),
    "COPY's end as text": ("b_user", r"NAME = '\\.'"),
    "a tab": ("b_user", "LOCATE(CHAR(9), NAME)"),
    "a newline": ("b_user", "LOCATE(CHAR(10), NAME)"),
    "a carriage return": ("b_user", "LOCATE(CHAR(13), NAME)"),
    "a lower-case flag": ("b_user", flagged("ACTIVE", "y")),
    "an empty flag": ("b_sale_order", "LENGTH(PAYED) = 0"),
    "a NULL flag": ("b_catalog_product", "AVAILABLE IS NULL"),
    "a zero date": ("b_sale_order", "DATE_INSERT = 0"),
    "a day that is not": ("b_sale_order", "DATE_INSERT = '2024-02-31 10:00:00'"),
    "a month that is not": ("b_sale_order", "DATE_STATUS = '2024-00-10 10:00:00'"),
    "the hour that Moscow skipped": ("b_sale_order", "DATE_UPDATE LIKE '2011-03-27 02:3%'"),
    "the hour that Moscow had twice": ("b_sale_order", "DATE_UPDATE LIKE '2014-10-26 01:3%'"),
    "a user never edited": ("b_user", "TIMESTAMP_X IS NULL"),
    "0 means no section": ("b_iblock_element", "IBLOCK_SECTION_ID = 0"),
    "0 means no user": ("b_sale_order", "USER_ID = 0"),
    "phone: the mobile first": ("b_user", "PERSONAL_MOBILE > '' AND PERSONAL_PHONE > ''"),
    "phone: else the other": ("b_user", "LENGTH(PERSONAL_MOBILE) = 0 AND PERSONAL_PHONE > ''"),
    "phone: a space is not empty": ("b_user", "BINARY PERSONAL_MOBILE = ' '"),
    "a blocked user": ("b_user", flagged("BLOCKED", "Y")),
    "the anonymous user": ("b_user", "EXTERNAL_AUTH_ID = 'saleanonymous'"),
    "one login twice": (
        "b_user a",
        "EXISTS (SELECT 1 FROM b_user b WHERE b.LOGIN = a.LOGIN AND b.ID <> a.ID)",
    ),
    "credentials never to be selected": ("b_user", "PASSWORD > '' AND CHECKWORD > ''"),
    "three levels of sections": ("b_iblock_section", f"DEPTH_LEVEL = 3 AND {CATALOG}"),
    "sections of an offers iblock": ("b_iblock_section", "IBLOCK_ID = 9"),
    "sections of a non-catalog iblock": ("b_iblock_section", f"NOT {CATALOG}"),
    "a section whose parent is gone": (
        "b_iblock_section",
        gone("b_iblock_section", "IBLOCK_SECTION_ID"),
    ),
    "an active section that is not visible": (
        "b_iblock_section",
        "ACTIVE = 'Y' AND GLOBAL_ACTIVE = 'N'",
    ),
    "a section that is its own parent": ("b_iblock_section", "IBLOCK_SECTION_ID = ID"),
    "a draft": ("b_iblock_element", f"{CATALOG} AND {DRAFT}"),
    "no workflow status": ("b_iblock_element", "WF_STATUS_ID IS NULL"),
    "an element that is no product": ("b_iblock_element", f"NOT {CATALOG}"),
    "no b_catalog_product row": (
        "b_iblock_element",
        f"{CATALOG} AND {gone('b_catalog_product', 'ID')}",
    ),
    "a product in a section of the news": (
        "b_iblock_element",
        (
            f"{CATALOG} AND IBLOCK_SECTION_ID IN "
            f"(SELECT ID FROM b_iblock_section WHERE NOT {CATALOG})"
        ),
    ),
    "a product whose section is gone": (
        "b_iblock_element",
        gone("b_iblock_section", "IBLOCK_SECTION_ID"),
    ),
    "no type": ("b_catalog_product", "TYPE IS NULL"),
    "a type without a word": ("b_catalog_product", "TYPE > 7"),
    "negative stock": ("b_catalog_product", "QUANTITY < 0"),
    "a tiny double": ("b_catalog_product", "WEIGHT = 1e-7"),
    "a huge double": ("b_catalog_product", "QUANTITY = 1e15"),
    "link in storage 1": ("b_iblock_element_property", "IBLOCK_PROPERTY_ID = 71"),
    "link in storage 2": ("b_iblock_element_prop_s15", "PROPERTY_118 > 0"),
    "storage 1: product gone": (
        "b_iblock_element_property",
        "IBLOCK_PROPERTY_ID = 71 AND " + gone("b_iblock_element", "VALUE_NUM"),
    ),
    "storage 2: product gone": (
        "b_iblock_element_prop_s15",
        gone("b_iblock_element", "PROPERTY_118"),
    ),
    "several base prices without bounds": (
        "b_catalog_price a",
        (
            "QUANTITY_FROM IS NULL AND "
            "QUANTITY_TO IS NULL AND EXISTS (SELECT 1 FROM "
            "b_catalog_price b WHERE b.PRODUCT_ID = a.PRODUCT_ID AND "
            "b.CATALOG_GROUP_ID = a.CATALOG_GROUP_ID AND b.ID > a.ID "
            "AND b.QUANTITY_FROM IS NULL AND b.QUANTITY_TO IS NULL)"
        ),
    ),
    "a price bounded below": ("b_catalog_price", "QUANTITY_FROM > 0 AND QUANTITY_TO IS NULL"),
    "a price bounded above": ("b_catalog_price", "QUANTITY_FROM IS NULL AND QUANTITY_TO > 0"),
    "a price of another type": ("b_catalog_price", "CATALOG_GROUP_ID <> 2"),
    "a product without price": (
        "b_catalog_product",
        "ID NOT IN (SELECT PRODUCT_ID FROM b_catalog_price)",
    ),
    "the element was touched last": (
        "b_iblock_element e JOIN b_catalog_product p ON p.ID = e.ID",
        "e.TIMESTAMP_X > p.TIMESTAMP_X",
    ),
    "the stock was touched last": (
        "b_iblock_element e JOIN b_catalog_product p ON p.ID = e.ID",
        "e.TIMESTAMP_X < p.TIMESTAMP_X",
    ),
    "the price was touched last": (
        ("b_catalog_price c JOIN b_catalog_product p ON p.ID = c.PRODUCT_ID"),
        "c.TIMESTAMP_X > p.TIMESTAMP_X",
    ),
    "a crashed save": ("b_sale_order", "RUNNING = 'Y'"),
    "canceled, whatever the status": ("b_sale_order", "CANCELED = 'Y' AND STATUS_ID = 'F'"),
    "paid, which overrides nothing": ("b_sale_order", "PAYED = 'Y' AND STATUS_ID = 'N'"),
    "a status that is gone": (
        "b_sale_order",
        gone("b_sale_status", "STATUS_ID").replace("STATUS_ID > 0", "STATUS_ID > ''"),
    ),
    "a user that is gone": ("b_sale_order", gone("b_user", "USER_ID")),
    "no account number": ("b_sale_order", "ACCOUNT_NUMBER IS NULL"),
    "a sum at the limit": ("b_sale_order", "PRICE = 99999999999999.9999"),
    "a comment of 60 KB": ("b_sale_order", "LENGTH(COMMENTS) > 60000"),
    "the other site": ("b_sale_order", "LID = 's2'"),
    "an archived order": ("b_sale_order_archive", gone("b_sale_order", "ORDER_ID")),
    "contact: two properties a flag": (
        "b_sale_order_props a",
        (
            "BINARY IS_PHONE = 'Y' AND EXISTS "
            "(SELECT 1 FROM b_sale_order_props b WHERE BINARY b.IS_PHONE "
            "= 'Y' AND b.PERSON_TYPE_ID <> a.PERSON_TYPE_ID)"
        ),
    ),
    "contact: a lower-case flag": ("b_sale_order_props", flagged("IS_PHONE", "y")),
    "a value without code": ("b_sale_order_props_value", "CODE IS NULL"),
    "a value with an empty code": ("b_sale_order_props_value", "LENGTH(CODE) = 0"),
    "one code twice on an order": (
        "b_sale_order_props_value a",
        (
            "EXISTS (SELECT 1 FROM "
            "b_sale_order_props_value b WHERE b.ORDER_ID = a.ORDER_ID AND "
            "b.CODE = a.CODE AND b.ID > a.ID)"
        ),
    ),
    "a shipment's value": ("b_sale_order_props_value", "ENTITY_TYPE = 'SHIPMENT'"),
    "an empty value": ("b_sale_order_props_value", "LENGTH(VALUE) = 0"),
    "a serialized value": ("b_sale_order_props_value", "VALUE LIKE 'a:2:{%'"),
    "control characters in a key": ("b_sale_order_props_value", "LOCATE(CHAR(1), CODE)"),
    "an order without values": (
        "b_sale_order",
        ("ID NOT IN (SELECT ORDER_ID FROM b_sale_order_props_value)"),
    ),
    "an open cart": ("b_sale_basket", "ORDER_ID IS NULL"),
    "an old open cart": ("b_sale_basket", "ORDER_ID = 0"),
    "a line whose order is gone": ("b_sale_basket", gone("b_sale_order", "ORDER_ID")),
    "a line whose product is gone": ("b_sale_basket", gone("b_iblock_element", "PRODUCT_ID")),
    "a line of product 0": ("b_sale_basket", "PRODUCT_ID = 0"),
    "a line of a draft": (
        "b_sale_basket",
        (f"PRODUCT_ID IN (SELECT ID FROM b_iblock_element WHERE {DRAFT})"),
    ),
    "a set's part": (
        "b_sale_basket c JOIN b_sale_basket p ON p.ID = c.SET_PARENT_ID",
        "p.ORDER_ID = c.ORDER_ID AND p.ID <> c.ID",
    ),
    "a set that names itself": ("b_sale_basket", "SET_PARENT_ID = ID"),
    "set parent 0": ("b_sale_basket", "SET_PARENT_ID = 0"),
    "a set's part in another order": (
        ("b_sale_basket c JOIN b_sale_basket p ON p.ID = c.SET_PARENT_ID"),
        "p.ORDER_ID <> c.ORDER_ID",
    ),
    "a fractional quantity": ("b_sale_basket", "QUANTITY = 0.1"),
    "a status without a name": (
        "b_sale_status",
        ("ID NOT IN (SELECT STATUS_ID FROM b_sale_status_lang)"),
    ),
    "a status without a Russian name": (
        "b_sale_status_lang a",
        (
            "LID = 'en' AND STATUS_ID NOT IN "
            "(SELECT STATUS_ID FROM b_sale_status_lang "
            "WHERE LID = 'ru')"
        ),
    ),
    "a delivery status": ("b_sale_status", "TYPE = 'D'"),
}


@pytest.mark.parametrize("sentence", ODDITIES)
def test_the_shop_has_it(shop, sentence):
    table, predicate = ODDITIES[sentence]
    assert shop.count(table, predicate) >= 1


@pytest.mark.parametrize("kind", range(1, 8))
def test_every_kind_of_product(shop, kind):
    assert shop.count("b_catalog_product", f"TYPE = {kind}") >= 1


@pytest.mark.parametrize("status", ["N", "P", "F", "FL", "ZZ"])
def test_every_status_of_an_order(shop, status):
    assert shop.count("b_sale_order", f"STATUS_ID = '{status}'") >= 1


def test_placeholder_products_are_named_by_several_lines(shop):
    names = shop.rows(
        "SELECT COUNT(DISTINCT NAME) FROM b_sale_basket WHERE PRODUCT_ID NOT IN "
        "(SELECT ID FROM b_iblock_element) AND ORDER_ID > 0 GROUP BY PRODUCT_ID"
    )
    assert max(count for (count,) in names) >= 2


def test_awkward_texts_are_stored_as_they_are(shop):
    stored = dict(shop.rows("SELECT ORDER_ID, VALUE FROM b_sale_order_props_value "
                            "WHERE ORDER_ID BETWEEN 300 AND 399 AND ORDER_PROPS_ID = 21"))  # fmt: skip
    assert stored == {300 + place: text for place, text in enumerate(AWKWARD_TEXTS.values())}


def test_cases_have_their_own_names_and_rows():
    assert max(Counter(case.name for case in CASES).values()) == 1
    keys = [(table, row["ID"]) for case in CASES for table, row in case.rows if "ID" in row]
    assert max(Counter(keys).values()) == 1
    assert all(case.why for case in CASES)
