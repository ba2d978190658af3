"""Rows that only the copy has: which are right, and what must be true of them."""

import pytest
from tiny_shop import World

PRODUCT = "INSERT INTO products (id, bitrix_product_id, name, is_placeholder, deleted_at) VALUES "
ORDER = "INSERT INTO orders (id, bitrix_order_id, deleted_at, archived_at) VALUES "
ARCHIVED = "INSERT INTO b_sale_order_archive VALUES (1, 900, '2024-05-01 10:00:00')"


def test_rows_the_crm_made(world: World) -> None:
    world.in_target("INSERT INTO users (id, login) VALUES (1000000000, 'own')")
    verdict = world.verify("users")["users"]
    assert verdict.equal
    assert (verdict.target_rows, verdict.deleted, verdict.placeholders) == (3, 0, 0)


def test_a_bitrix_id_beside_another_id(world: World) -> None:
    world.in_target(
        "INSERT INTO users (id, bitrix_user_id, deleted_at) VALUES (1000000000, 3, now())"
    )
    assert world.reports("users") == ["users 1000000000: bitrix_user_id differs"]


def test_a_row_gone_from_the_source(world: World) -> None:
    world.in_source("DELETE FROM b_user WHERE ID = 2")
    assert world.reports("users") == ["users 2: unexpected"]
    world.in_target("UPDATE users SET deleted_at = now() WHERE id = 2")
    verdict = world.verify("users")["users"]
    assert (verdict.equal, verdict.deleted) == (True, 1)


def test_a_section_that_is_no_longer_a_catalogs(world: World) -> None:
    world.in_source("UPDATE b_iblock_section SET IBLOCK_ID = 9 WHERE ID = 6")
    assert world.reports("categories") == ["categories 6: unexpected"]


@pytest.mark.parametrize(
    ("row", "reports"),
    [
        ("(30, 30, 'x', true, now())", []),
        ("(30, 30, 'x', true, NULL)", ["products 30: deleted_at differs"]),
        ("(30, NULL, 'x', true, now())", ["products 30: bitrix_product_id differs"]),
        ("(30, 30, 'x', false, NULL)", ["products 30: unexpected"]),
        # A draft is no row of ours, so it may be a placeholder.
        ("(22, 22, 'x', true, now())", []),
    ],
)
def test_placeholders(world: World, row: str, reports: list[str]) -> None:
    world.in_target(PRODUCT + row)
    assert world.reports("products") == reports


def test_a_placeholder_that_its_real_row_has_not_replaced(world: World) -> None:
    world.in_target("UPDATE users SET is_placeholder = true, deleted_at = now() WHERE id = 1")
    assert sorted(world.reports("users")) == [
        "users 1: deleted_at differs",
        "users 1: is_placeholder differs",
    ]


@pytest.mark.parametrize(
    ("value", "reports"),
    [
        ("name = 'Newest'", []),
        ("name = 'Older'", ["products 30: name differs"]),
        ("price = 1", ["products 30: price differs"]),
        ("currency = 'USD'", ["products 30: currency differs"]),
        ("xml_id = NULL", ["products 30: xml_id differs"]),
    ],
)
def test_what_a_products_placeholder_took(world: World, value: str, reports: list[str]) -> None:
    line = (
        "INSERT INTO b_sale_basket (ID, ORDER_ID, PRODUCT_ID, NAME, PRODUCT_XML_ID, CURRENCY, "
        "BASE_PRICE) VALUES "
    )
    world.in_source(
        line + "(7, 1000, 30, 'Older', 'x-1', 'RUB', 1)",
        line + "(8, 1001, 30, 'Newest', 'x-2', 'RUB', 9.5)",
        line + "(9, NULL, 30, 'In a cart', 'x-3', 'RUB', 2)",
    )
    world.in_target(
        PRODUCT + "(30, 30, 'Newest', true, now()), (31, 31, 'no line', true, now())",
        "UPDATE products SET price = 9.5, currency = 'RUB', xml_id = 'x-2' WHERE id = 30",
        f"UPDATE products SET {value} WHERE id = 30",
    )
    assert world.reports("products", compare_placeholders=True) == reports
    assert world.reports("products") == []


@pytest.mark.parametrize(
    ("row", "reports"),
    [
        ("(900, 900, NULL, '2024-05-01 07:00:00+00')", []),
        ("(900, 900, NULL, '2024-05-01 10:00:00+00')", ["orders 900: archived_at differs"]),
        ("(900, 900, NULL, NULL)", ["orders 900: archived_at differs"]),
        ("(900, 900, now(), '2024-05-01 07:00:00+00')", ["orders 900: deleted_at differs"]),
        # In the target as archived, but no longer in the archive.
        ("(901, 901, NULL, '2024-05-01 07:00:00+00')", ["orders 901: unexpected"]),
        ("(901, 901, now(), '2024-05-01 07:00:00+00')", []),
    ],
)
def test_archived_orders(world: World, row: str, reports: list[str]) -> None:
    world.in_source(ARCHIVED)
    world.in_target(ORDER + row)
    verdict = world.verify("orders")["orders"]
    assert [example.describe() for example in verdict.examples] == reports
    assert verdict.archived == ("(900" in row)


@pytest.mark.parametrize(
    ("order", "reports"),
    [(900, []), (902, ["order_items 50: unexpected"]), (1000, ["order_items 50: unexpected"])],
)
def test_lines_stay_with_their_archived_order(world: World, order: int, reports: list[str]) -> None:
    # The archive names a live order too: its lines get no excuse from that.
    world.in_source(ARCHIVED, "INSERT INTO b_sale_order_archive VALUES (2, 1000, NOW())")
    world.in_target(
        ORDER + "(900, 900, NULL, now()), (902, 902, NULL, NULL)",
        f"INSERT INTO order_items (id, bitrix_item_id, order_id) VALUES (50, 50, {order})",
    )
    assert world.reports("order_items") == reports


def test_a_live_order_is_not_archived_whatever_the_archive_says(world: World) -> None:
    world.in_source("INSERT INTO b_sale_order_archive VALUES (2, 1000, NOW())")
    assert world.verify("orders")["orders"].equal


def test_a_stray_that_refers_to_no_row(world: World) -> None:
    world.in_target(
        "INSERT INTO order_items (id, order_id) VALUES (1000000000, 1000000000)",
    )
    assert world.reports("order_items") == ["order_items 1000000000: order_id -> orders differs"]
