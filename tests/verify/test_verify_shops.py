"""Shops of other ages and charsets, and what a verification leaves behind."""

import psycopg
import pytest
from pymysql.cursors import DictCursor
from tiny_shop import World

from bitrix_pipeline.verify import SourceTableMissingError


def test_an_old_shop_lacks_columns_and_tables(world: World) -> None:
    world.in_source(
        "ALTER TABLE b_user DROP BLOCKED, DROP XML_ID",
        "ALTER TABLE b_catalog_product DROP AVAILABLE",
        "ALTER TABLE b_sale_order_props_value DROP ENTITY_TYPE",
        "ALTER TABLE b_sale_status DROP COLOR",
        "ALTER TABLE b_sale_basket DROP XML_ID",
        "DROP TABLE b_sale_order_archive",
    )
    world.in_target(
        "UPDATE users SET is_blocked = false, xml_id = NULL",
        "UPDATE products SET is_available = false",
        'UPDATE orders SET properties = properties || \'{"STORE": "склад"}\' WHERE id = 1000',
        "UPDATE order_statuses SET color = NULL",
        "UPDATE order_items SET xml_id = NULL",
        "INSERT INTO orders (id, bitrix_order_id, archived_at) VALUES (900, 900, now())",
    )
    assert world.reports() == ["orders 900: unexpected"]


@pytest.mark.parametrize("charset", ["cp1251", "utf8mb3"])
def test_an_old_charset(world: World, charset: str) -> None:
    world.in_source(
        f"ALTER TABLE b_user CONVERT TO CHARACTER SET {charset}",
        f"ALTER TABLE b_sale_order_props_value CONVERT TO CHARACTER SET {charset}",
    )
    assert world.reports() == []


def test_a_database_that_is_no_shop(world: World) -> None:
    world.in_source("DROP TABLE b_sale_order")
    with pytest.raises(SourceTableMissingError, match="b_sale_order"):
        world.verify("orders")
    assert world.verify("users")["users"].equal


def test_a_target_without_its_tables(world: World) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        world.verify("users", target_schema="no such schema")


def test_the_callers_sessions_are_as_before(world: World) -> None:
    world.source.cursorclass = DictCursor
    world.in_source("SET time_zone = '+05:00', sql_mode = 'ANSI_QUOTES'", "SET autocommit = 0")
    world.verify("users")
    with world.source.cursor() as cursor:
        cursor.execute(
            "SELECT @@time_zone AS zone, @@sql_mode AS mode, @@autocommit AS auto, 1.5 AS x"
        )
        row = cursor.fetchone()
    assert str(row) == "{'zone': '+05:00', 'mode': 'ANSI_QUOTES', 'auto': 0, 'x': Decimal('1.5')}"
    [(style,)] = world.target.execute("SHOW DateStyle").fetchall()
    assert style == "ISO, MDY"


def test_an_open_snapshot_of_the_source_is_not_trusted(world: World) -> None:
    world.in_source("ALTER TABLE b_user ENGINE = InnoDB")
    world.in_source("SET autocommit = 0")
    world.in_source("SELECT COUNT(*) FROM b_user")
    with (
        world.source.__class__(
            host="127.0.0.1",
            port=world.source.port,
            user="root",
            database=world.name,
            autocommit=True,
        ) as other,
        other.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM b_user WHERE ID = 2")
    assert world.reports("users") == ["users 2: unexpected"]


def test_rows_hidden_by_row_level_security_are_an_error(world: World) -> None:
    world.in_target(
        f'CREATE ROLE "{world.name}"',
        f'GRANT USAGE ON SCHEMA "{world.name}" TO "{world.name}"',
        f'GRANT SELECT ON ALL TABLES IN SCHEMA "{world.name}" TO "{world.name}"',
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        f'SET ROLE "{world.name}"',
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        world.verify("users")
    world.in_target("RESET ROLE", f'DROP OWNED BY "{world.name}"', f'DROP ROLE "{world.name}"')
