"""What a change in the shop makes the check expect: the contract's rules as tables of cases."""

from decimal import Decimal

import pytest
from tiny_shop import World


def expected_after(
    world: World, change: str | tuple[str, ...], table: str, row_id: int | str, column: str
) -> object:
    """Reads what is expected in a column by making the copy's value certainly wrong first."""
    world.in_source(*((change,) if isinstance(change, str) else change))
    wrong = {
        "jsonb": '\'{"wrong": "wrong"}\'',
        "boolean": "NULL",
        "text": "'wrong'",
        "timestamp with time zone": "'1900-01-01'",
    }
    [(kind,)] = world.target.execute(
        "SELECT data_type FROM information_schema.columns "
        "WHERE (table_schema, table_name, column_name) = (%s, %s, %s)",
        (world.name, table, column),
    ).fetchall()
    world.in_target(f"UPDATE {table} SET {column} = {wrong.get(kind, '-99')}")
    return world.expected(table, row_id, column)


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ("PERSONAL_MOBILE = ''", "phone", "+7 900 1"),
        ("PERSONAL_MOBILE = ' '", "phone", " "),
        ("PERSONAL_MOBILE = '', PERSONAL_PHONE = NULL", "phone", None),
        ("NAME = 'А\\0нна'", "first_name", "Анна"),
        ("NAME = '\\0'", "first_name", None),
        ("NAME = ' '", "first_name", " "),
        ("NAME = '👟'", "first_name", "👟"),
        ("ACTIVE = 'y'", "is_active", False),
        ("ACTIVE = NULL", "is_active", False),
        ("BLOCKED = 'Y'", "is_blocked", True),
        ("EXTERNAL_AUTH_ID = 'saleanonymous'", "is_anonymous", True),
        ("EXTERNAL_AUTH_ID = 'SaleAnonymous'", "is_anonymous", False),
        ("DATE_REGISTER = 0", "registered_at", None),
        ("DATE_REGISTER = '2024-00-15 10:00:00'", "registered_at", None),
        ("TIMESTAMP_X = 0", "updated_at", None),
    ],
)
def test_users(world: World, change: str, column: str, expected: object) -> None:
    update = f"UPDATE b_user SET {change} WHERE ID = 1"
    assert expected_after(world, update, "users", 1, column) == expected


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ("UPDATE b_iblock_section SET IBLOCK_SECTION_ID = 0", "parent_id", None),
        ("UPDATE b_iblock_section SET IBLOCK_SECTION_ID = 7", "parent_id", 7),
        ("UPDATE b_iblock_section SET GLOBAL_ACTIVE = 'Y'", "is_visible", True),
        ("UPDATE b_iblock_section SET TIMESTAMP_X = 0", "updated_at", None),
    ],
)
def test_categories(world: World, change: str, column: str, expected: object) -> None:
    assert expected_after(world, change, "categories", 6, column) == expected


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ("UPDATE b_catalog_product SET TYPE = 7", "kind", "service"),
        ("UPDATE b_catalog_product SET TYPE = 8", "kind", None),
        ("DELETE FROM b_catalog_product", "kind", None),
        ("DELETE FROM b_catalog_product", "is_available", False),
        ("DELETE FROM b_catalog_product", "quantity", None),
        ("UPDATE b_catalog_product SET QUANTITY = 0.1", "quantity", Decimal("0.1")),
        ("UPDATE b_catalog_product SET QUANTITY = 1e20", "quantity", Decimal(10) ** 20),
        ("DELETE FROM b_catalog_price WHERE ID = 3", "price", Decimal(3)),
        ("UPDATE b_catalog_price SET QUANTITY_FROM = 1", "price", None),
        ("UPDATE b_catalog_price SET QUANTITY_TO = 5 WHERE ID = 3", "price", Decimal(3)),
        ("UPDATE b_catalog_group SET BASE = 'y'", "price", None),
        ("UPDATE b_catalog_group SET BASE = 'Y'", "currency", "USD"),
        (
            "UPDATE b_catalog_product SET TIMESTAMP_X = '2024-06-01 12:00:00'",
            "updated_at",
            "2024-06-01 09:00:00",
        ),
        (
            "UPDATE b_catalog_price SET TIMESTAMP_X = '2024-07-01 12:00:00' WHERE ID = 3",
            "updated_at",
            "2024-07-01 09:00:00",
        ),
        (
            "UPDATE b_iblock_element SET TIMESTAMP_X = '2024-08-01 12:00:00'",
            "updated_at",
            "2024-08-01 09:00:00",
        ),
        ("UPDATE b_iblock_element_property SET VALUE_NUM = 0", "parent_id", None),
        ("UPDATE b_catalog_iblock SET SKU_PROPERTY_ID = 0", "parent_id", None),
        ("UPDATE b_catalog_iblock SET PRODUCT_IBLOCK_ID = 0", "parent_id", None),
        ("UPDATE b_iblock SET VERSION = 2", "parent_id", None),
        ("INSERT INTO b_iblock_element_property VALUES (3, 100, 21, '5', 5)", "parent_id", 20),
        ("INSERT INTO b_iblock_element_property VALUES (0, 100, 21, '5', 5)", "parent_id", 5),
        (
            (
                "UPDATE b_iblock SET VERSION = 2",
                "CREATE TABLE b_iblock_element_prop_s11 (IBLOCK_ELEMENT_ID int, PROPERTY_100 int)",
                "INSERT INTO b_iblock_element_prop_s11 VALUES (21, 33)",
            ),
            "parent_id",
            33,
        ),
        (
            (
                "UPDATE b_iblock SET VERSION = 2",
                "CREATE TABLE b_iblock_element_prop_s11 (IBLOCK_ELEMENT_ID int)",
                "INSERT INTO b_iblock_element_prop_s11 VALUES (21)",
            ),
            "parent_id",
            None,
        ),
    ],
)
def test_products(
    world: World, change: str | tuple[str, ...], column: str, expected: object
) -> None:
    assert expected_after(world, change, "products", 21, column) == expected


@pytest.mark.parametrize(
    ("change", "is_product"),
    [
        ("WF_STATUS_ID = 1", True),
        ("WF_STATUS_ID = NULL", True),
        ("WF_STATUS_ID = 2", False),
        ("WF_STATUS_ID = 0", False),
        ("WF_PARENT_ELEMENT_ID = 20", False),
        ("IBLOCK_ID = 9", False),
    ],
)
def test_drafts_are_no_products(world: World, change: str, *, is_product: bool) -> None:
    world.in_source(f"UPDATE b_iblock_element SET {change} WHERE ID = 20")
    assert ("products 20: unexpected" not in world.reports("products")) is is_product


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ("STATUS_ID = 'F'", "status", "completed"),
        ("STATUS_ID = 'F', CANCELED = 'Y'", "status", "canceled"),
        ("STATUS_ID = 'F', CANCELED = 'y'", "status", "completed"),
        ("STATUS_ID = 'XX'", "status", "XX"),
        ("STATUS_ID = 'n'", "status", "n"),
        ("STATUS_ID = ''", "status", None),
        ("STATUS_ID = ''", "bitrix_status", None),
        ("USER_ID = 0", "user_id", None),
        ("USER_ID = 777", "user_id", 777),
        ("PRICE = 99999999999999.9999", "price", Decimal("99999999999999.9999")),
        ("SUM_PAID = NULL", "paid_sum", None),
        ("DATE_STATUS = 0", "status_changed_at", None),
        ("VERSION = 0", "version", 0),
    ],
)
def test_orders(world: World, change: str, column: str, expected: object) -> None:
    update = f"UPDATE b_sale_order SET {change} WHERE ID = 1000"
    assert expected_after(world, update, "orders", 1000, column) == expected


VALUES = "INSERT INTO b_sale_order_props_value (ID, ORDER_ID, ORDER_PROPS_ID, VALUE, CODE, ENTITY_TYPE) VALUES "
ALL = {"FIO": "Анна Сидорова", "2": "+7 900 4", "EMAIL": "a@example.com"}


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        (VALUES + "(9, 1000, 9, '', 'X', 'ORDER')", "properties", ALL),
        (VALUES + "(9, 1000, 9, '\\0', 'X', 'ORDER')", "properties", ALL),
        (VALUES + "(9, 1000, 9, ' ', 'X', 'ORDER')", "properties", {**ALL, "X": " "}),
        (VALUES + "(9, 1000, 9, 'a\\0b', 'X\\0', 'ORDER')", "properties", {**ALL, "X": "ab"}),
        (VALUES + "(9, 1000, 9, 'a', '\\0', 'ORDER')", "properties", {**ALL, "9": "a"}),
        (VALUES + "(9, 1000, NULL, 'a', '', 'ORDER')", "properties", ALL),
        (VALUES + "(9, 1000, 9, 'last', 'FIO', 'ORDER')", "properties", {**ALL, "FIO": "last"}),
        (VALUES + "(0, 1000, 9, 'early', 'FIO', 'ORDER')", "properties", ALL),
        (VALUES + "(9, 1000, 9, '', 'FIO', 'ORDER')", "properties", ALL),
        (VALUES + "(9, 1000, 9, 'a', 'X', 'SHIPMENT')", "properties", ALL),
        ("DELETE FROM b_sale_order_props_value", "properties", {}),
        (VALUES + "(9, 1000, 1, 'second', 'X', 'ORDER')", "contact_name", "Анна Сидорова"),
        (VALUES + "(0, 1000, 1, 'first', 'X', 'ORDER')", "contact_name", "first"),
        (VALUES + "(0, 1000, 1, '', 'X', 'ORDER')", "contact_name", "Анна Сидорова"),
        (VALUES + "(0, 1000, 1, '\\0', 'X', 'ORDER')", "contact_name", "Анна Сидорова"),
        (VALUES + "(0, 1000, 1, 'no', 'X', 'SHIPMENT')", "contact_name", "Анна Сидорова"),
        ("UPDATE b_sale_order_props SET IS_EMAIL = 'y'", "contact_email", None),
        ("DELETE FROM b_sale_order_props", "contact_phone", None),
    ],
)
def test_order_properties(world: World, change: str, column: str, expected: object) -> None:
    assert expected_after(world, change, "orders", 1000, column) == expected


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ("SET_PARENT_ID = 2", "parent_item_id", None),
        ("SET_PARENT_ID = 0", "parent_item_id", None),
        ("SET_PARENT_ID = 3", "parent_item_id", None),
        ("SET_PARENT_ID = 99", "parent_item_id", None),
        ("PRODUCT_ID = 555", "product_id", 555),
        ("VAT_RATE = 0.1", "vat_rate", Decimal("0.1")),
        ("QUANTITY = 0.3333", "quantity", Decimal("0.3333")),
        ("BASE_PRICE = NULL", "base_price", None),
        ("DATE_INSERT = 0", "created_at", None),
    ],
)
def test_order_items(world: World, change: str, column: str, expected: object) -> None:
    update = f"UPDATE b_sale_basket SET {change} WHERE ID = 2"
    assert expected_after(world, update, "order_items", 2, column) == expected


@pytest.mark.parametrize("order", ["NULL", "0"])
def test_open_carts_are_no_order_lines(world: World, order: str) -> None:
    world.in_source(f"UPDATE b_sale_basket SET ORDER_ID = {order} WHERE ID = 2")
    assert world.reports("order_items") == ["order_items 2: unexpected"]


@pytest.mark.parametrize(
    ("change", "status", "column", "expected"),
    [
        ("UPDATE b_sale_status SET TYPE = 'X'", "N", "type", None),
        ("UPDATE b_sale_status SET NOTIFY = 'y'", "N", "is_customer_notified", False),
        ("DELETE FROM b_sale_status_lang WHERE LID = 'ru'", "N", "name", "New"),
        ("DELETE FROM b_sale_status_lang", "N", "name", "N"),
        ("UPDATE b_sale_status_lang SET LID = 'RU' WHERE LID = 'ru'", "N", "name", "Принят"),
        ("UPDATE b_sale_status SET COLOR = ''", "N", "color", None),
        ("UPDATE b_sale_status SET SORT = 0", "DN", "crm_status", None),
        ("UPDATE b_sale_status SET SORT = 0", "P", "crm_status", "paid"),
    ],
)
def test_order_statuses(
    world: World, change: str, status: str, column: str, expected: object
) -> None:
    assert expected_after(world, change, "order_statuses", status, column) == expected


def test_the_language_of_the_shop(world: World) -> None:
    [example] = world.examples("order_statuses", shop_language="en")
    assert (example.id, example.column, example.expected) == ("N", "name", "New")
