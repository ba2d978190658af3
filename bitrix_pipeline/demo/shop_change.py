"""The demo's second act: a day's work in the sample shop, with all that hides from a watermark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bitrix_pipeline.demo.shop_reference import FLOWER_LINK, GIFT_LINK
from bitrix_pipeline.demo.shop_sections import FLOWER_OFFERS, FLOWERS, GIFT_OFFERS, GIFTS
from bitrix_pipeline.demo.shop_sql import Fill, pick, shop_session, table_columns, table_exists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# Below these IDs are the shop's odd rows, which stay as they are.
FIRST_USER = 157
FIRST_ELEMENT = 1003
FIRST_ORDER = 10_021

ONE_LINE = "(SELECT COUNT(*) FROM b_sale_basket l WHERE l.ORDER_ID = b_sale_order.ID) = 1"
NOT_ALONE = "(SELECT COUNT(*) FROM b_sale_basket l WHERE l.ORDER_ID = b_sale_basket.ORDER_ID) > 1"
# What a save through Bitrix always leaves behind.
SAVED = "VERSION = VERSION + 1, DATE_UPDATE = NOW()"


@dataclass(frozen=True, kw_only=True)
class ShopChanges:
    """How many rows of each kind changed."""

    new_users: int
    new_orders: int
    new_lines: int
    new_values: int
    status_changes: int
    payments: int
    cancellations: int
    # These touch no timestamp.
    stock_edits: int
    link_moves: int
    section_moves: int
    quantity_edits: int
    marked_orders: int
    renumbered_orders: int
    email_edits: int
    # Hard deletes: nothing is left behind.
    deleted_users: int
    deleted_products: int
    deleted_lines: int
    deleted_orders: int
    archived_orders: int


@dataclass(frozen=True)
class Volume:
    """How much happens in a day, by the size of the shop."""

    orders: int

    def share(self, per_mille: int, *, at_least: int = 1, at_most: int = 300) -> int:
        return max(at_least, min(at_most, self.orders * per_mille // 1000))


def change_shop(connection: Connection[Any], database: str, *, seed: int = 2) -> ShopChanges:
    """Let a day pass. What changes depends on the seed, when on the clock."""
    with shop_session(connection, database) as cursor:
        cursor.execute("SET @seed = %s", (seed,))
        cursor.execute("SELECT COUNT(*) FROM b_sale_order WHERE ID >= %s", (FIRST_ORDER,))
        day = Volume(cursor.fetchall()[0][0])
        finished = f"ID >= {FIRST_ORDER} AND STATUS_ID = 'F'"
        leaving = chosen_narrowly(cursor, "b_sale_order", 2 * day.share(1), finished, ONE_LINE)
        half = (len(leaving) + 1) // 2
        counts = {
            **sell(cursor, day, leaving),
            **work_on_orders(cursor, day, leaving),
            **edit_silently(cursor, day, leaving),
            **delete(cursor, day),
            "deleted_orders": delete_orders(cursor, leaving[:half]),
            "archived_orders": archive_orders(cursor, leaving[half:]),
        }
        return ShopChanges(**counts)


def chosen(cursor: Cursor, table: str, count: int, where: str, *, key: str = "ID") -> list[int]:
    """Some of the rows, the same for the same seed."""
    cursor.execute(
        f"SELECT {key} FROM {table} WHERE {where} "
        f"ORDER BY {pick('chosen', key, 2**31)}, {key} LIMIT {count}"
    )
    return [row[0] for row in cursor.fetchall()]


def chosen_narrowly(cursor: Cursor, table: str, count: int, where: str, costly: str) -> list[int]:
    """Some of the rows; the costly condition is put to a few of them only."""
    candidates = chosen(cursor, table, 30 * count, where)
    return chosen(cursor, table, count, f"ID IN {among(candidates)} AND {costly}")


def among(ids: Sequence[int]) -> str:
    """An SQL list; -1 keeps an empty one valid."""
    return "(" + ", ".join(map(str, ids or [-1])) + ")"


def sell(cursor: Cursor, day: Volume, leaving: Sequence[int]) -> dict[str, int]:
    """New users, and orders that repeat older ones, some of them by the new users."""
    new_users = register(cursor, day.share(3, at_least=2))
    patterns = chosen(
        cursor,
        "b_sale_order",
        day.share(5, at_least=3),
        f"ID >= {FIRST_ORDER} AND ID NOT IN {among(leaving)}",
    )
    lines = f"ORDER_ID IN {among(patterns)}"
    order_shift = shift(cursor, "b_sale_order", f"ID IN {among(patterns)}")
    line_shift = shift(cursor, "b_sale_basket", lines)
    value_shift = shift(cursor, "b_sale_order_props_value", lines)
    counts = {
        "new_users": len(new_users),
        "new_lines": repeat_lines(cursor, lines, line_shift, order_shift),
        "new_values": repeat_values(cursor, lines, value_shift, order_shift),
        "new_orders": repeat_orders(cursor, patterns, order_shift),
    }
    for user_id, pattern in zip(new_users, patterns, strict=False):
        cursor.execute(
            "UPDATE b_sale_order SET USER_ID = %s WHERE ID = %s", (user_id, pattern + order_shift)
        )
    return counts


def register(cursor: Cursor, count: int) -> list[int]:
    cursor.execute("SELECT MAX(ID) FROM b_user")
    first = cursor.fetchall()[0][0] + 4
    users = [first + 3 * place for place in range(count)]
    for user_id in users:
        cursor.execute(
            "INSERT INTO b_user (ID, LOGIN, PASSWORD, NAME, LAST_NAME, EMAIL, PERSONAL_MOBILE, "
            "LID, DATE_REGISTER) VALUES (%s, %s, '$6$new', 'Новый', 'Покупатель', %s, %s, "
            "'s1', NOW())",
            (user_id, f"new_{user_id}", f"new_{user_id}@mail.example", f"+7999{user_id:07}"),
        )
    return users


def shift(cursor: Cursor, table: str, where: str) -> int:
    """What to add to the IDs of these rows to get new ones, a little above all others."""
    cursor.execute(f"SELECT MIN(ID) FROM {table} WHERE {where}")
    lowest = cursor.fetchall()[0][0] or 0
    cursor.execute(f"SELECT MAX(ID) FROM {table}")
    return int(cursor.fetchall()[0][0] + 5 - lowest)


def repeat_rows(cursor: Cursor, table: str, where: str, changes: Mapping[str, str]) -> int:
    """Insert the rows once more with some columns changed."""
    columns = {name: name for name in sorted(table_columns(cursor, table))}
    return Fill(table=table, source=f"{table} WHERE {where}", values={**columns, **changes}).run(
        cursor
    )


def repeat_orders(cursor: Cursor, patterns: Sequence[int], order_shift: int) -> int:
    return repeat_rows(
        cursor,
        "b_sale_order",
        f"ID IN {among(patterns)}",
        {
            "ID": f"ID + {order_shift}",
            "ACCOUNT_NUMBER": f"ID + {order_shift}",
            "XML_ID": f"CONCAT('bx_new', ID + {order_shift})",
            "ID_1C": "NULL",
            "STATUS_ID": "'N'",
            "PAYED": "'N'",
            "DATE_PAYED": "NULL",
            "SUM_PAID": "0",
            "CANCELED": "'N'",
            "DATE_CANCELED": "NULL",
            "REASON_CANCELED": "NULL",
            "DEDUCTED": "'N'",
            "VERSION": "1",
            "DATE_INSERT": "NOW()",
            "DATE_STATUS": "NOW()",
            "DATE_UPDATE": "NOW()",
        },
    )


def repeat_lines(cursor: Cursor, where: str, line_shift: int, order_shift: int) -> int:
    return repeat_rows(
        cursor,
        "b_sale_basket",
        where,
        {
            "ID": f"ID + {line_shift}",
            "ORDER_ID": f"ORDER_ID + {order_shift}",
            "SET_PARENT_ID": f"SET_PARENT_ID + {line_shift}",
            "XML_ID": f"CONCAT('bx_new', ID + {line_shift})",
            "DATE_INSERT": "NOW()",
            "DATE_UPDATE": "NOW()",
        },
    )


def repeat_values(cursor: Cursor, where: str, value_shift: int, order_shift: int) -> int:
    return repeat_rows(
        cursor,
        "b_sale_order_props_value",
        where,
        {
            "ID": f"ID + {value_shift}",
            "ORDER_ID": f"ORDER_ID + {order_shift}",
            "ENTITY_ID": f"ENTITY_ID + IF(ENTITY_TYPE = 'ORDER', 1, 2) * {order_shift}",
        },
    )


def work_on_orders(cursor: Cursor, day: Volume, leaving: Sequence[int]) -> dict[str, int]:
    """What managers do through Bitrix: the version grows and DATE_UPDATE is now."""
    moves, payments, refusals = day.share(10, at_least=3), day.share(4), day.share(2)
    cursor.execute(
        "SELECT ID FROM b_sale_order "
        f"WHERE ID >= {FIRST_ORDER} AND CANCELED = 'N' AND ID NOT IN {among(leaving)} "
        f"ORDER BY STATUS_ID = 'F', {pick('worked', 'ID', 2**31)}, ID LIMIT {moves + payments + refusals}"
    )
    ids = [row[0] for row in cursor.fetchall()]
    moved, paid, refused = (
        ids[:moves],
        ids[moves : moves + payments],
        ids[moves + payments :],
    )
    return {
        "status_changes": update_orders(
            cursor,
            moved,
            "STATUS_ID = CASE STATUS_ID WHEN 'N' THEN 'P' WHEN 'F' THEN 'P' ELSE 'F' END, "
            f"DATE_STATUS = NOW(), {SAVED}",
        ),
        "payments": update_orders(
            cursor, paid, f"PAYED = 'Y', DATE_PAYED = NOW(), SUM_PAID = PRICE, {SAVED}"
        ),
        "cancellations": update_orders(
            cursor,
            refused,
            f"CANCELED = 'Y', DATE_CANCELED = NOW(), REASON_CANCELED = 'Передумал', {SAVED}",
        ),
    }


def update_orders(cursor: Cursor, ids: Sequence[int], changes: str) -> int:
    return cursor.execute(f"UPDATE b_sale_order SET {changes} WHERE ID IN {among(ids)}")


def edit_silently(cursor: Cursor, day: Volume, leaving: Sequence[int]) -> dict[str, int]:
    """What raw SQL, stock moves and property edits change without touching a timestamp."""
    # Old schemas would write their TIMESTAMP_X at any update, if not told to keep it.
    keep = "TIMESTAMP_X = TIMESTAMP_X"
    elements = f"ID >= {FIRST_ELEMENT}"
    orders = f"ID >= {FIRST_ORDER} AND ID NOT IN {among(leaving)}"
    lines = f"ORDER_ID >= {FIRST_ORDER} AND ORDER_ID NOT IN {among(leaving)}"
    stocked = chosen(cursor, "b_catalog_product", day.share(5, at_least=3), elements)
    moved = chosen(
        cursor, "b_iblock_element", 3, f"{elements} AND IBLOCK_ID = {FLOWERS} AND ID MOD 2"
    )
    bought = chosen(cursor, "b_sale_basket", day.share(2), lines)
    seen = chosen(cursor, "b_sale_order", day.share(2, at_least=2), orders)
    written = chosen(cursor, "b_user", day.share(1), f"ID >= {FIRST_USER} AND EMAIL > ''")
    return {
        "stock_edits": cursor.execute(
            f"UPDATE b_catalog_product SET QUANTITY = QUANTITY - 0.5, {keep} "
            f"WHERE ID IN {among(stocked)}"
        ),
        "link_moves": move_links(cursor),
        "section_moves": cursor.execute(
            "UPDATE b_iblock_element SET IBLOCK_SECTION_ID = "
            f"(SELECT MIN(ID) FROM b_iblock_section WHERE IBLOCK_ID = {FLOWERS} "
            f"AND DEPTH_LEVEL = 1 AND ID > 100), {keep} WHERE ID IN {among(moved)}"
        ),
        "quantity_edits": cursor.execute(
            f"UPDATE b_sale_basket SET QUANTITY = QUANTITY + 1 WHERE ID IN {among(bought)}"
        ),
        "marked_orders": update_orders(cursor, seen[::2], "MARKED = 'Y'"),
        "renumbered_orders": update_orders(
            cursor, seen[1::2], "ACCOUNT_NUMBER = CONCAT('НН-', ID)"
        ),
        "email_edits": cursor.execute(
            f"UPDATE b_user SET EMAIL = CONCAT('moved.', EMAIL), {keep} "
            f"WHERE ID IN {among(written)}"
        ),
    }


def move_links(cursor: Cursor) -> int:
    """Give an offer of each storage another product."""
    elements = f"ID >= {FIRST_ELEMENT} AND IBLOCK_ID"
    (flower,) = chosen(cursor, "b_iblock_element", 1, f"{elements} = {FLOWERS}")
    (gift,) = chosen(cursor, "b_iblock_element", 1, f"{elements} = {GIFTS}")
    link = (
        f"IBLOCK_PROPERTY_ID = {FLOWER_LINK} AND IBLOCK_ELEMENT_ID >= {FIRST_ELEMENT} "
        f"AND VALUE_NUM <> {flower}"
    )
    links = chosen(cursor, "b_iblock_element_property", 1, link)
    own_table = f"b_iblock_element_prop_s{GIFT_OFFERS}"
    column = f"PROPERTY_{GIFT_LINK}"
    offers = chosen(
        cursor,
        own_table,
        1,
        f"IBLOCK_ELEMENT_ID >= {FIRST_ELEMENT} AND {column} <> {gift}",
        key="IBLOCK_ELEMENT_ID",
    )
    return cursor.execute(
        f"UPDATE b_iblock_element_property SET VALUE = '{flower}', VALUE_NUM = {flower} "
        f"WHERE ID IN {among(links)}"
    ) + cursor.execute(
        f"UPDATE {own_table} SET {column} = {gift} WHERE IBLOCK_ELEMENT_ID IN {among(offers)}"
    )


def delete(cursor: Cursor, day: Volume) -> dict[str, int]:
    """Users without orders, offers with all that hangs on them, single lines."""
    users = chosen(
        cursor,
        "b_user",
        day.share(1),
        f"ID >= {FIRST_USER} AND DATE_REGISTER < NOW() - INTERVAL 1 DAY AND NOT EXISTS "
        "(SELECT 1 FROM b_sale_order o WHERE o.USER_ID = b_user.ID)",
    )
    offers = chosen(
        cursor,
        "b_iblock_element",
        day.share(1, at_least=2, at_most=20),
        f"ID >= {FIRST_ELEMENT} AND IBLOCK_ID IN ({FLOWER_OFFERS}, {GIFT_OFFERS})",
    )
    of_order = f"ORDER_ID >= {FIRST_ORDER}"
    lines = chosen_narrowly(cursor, "b_sale_basket", day.share(1), of_order, NOT_ALONE)
    return {
        "deleted_users": remove(cursor, "b_user", "ID", users),
        "deleted_products": delete_elements(cursor, offers),
        "deleted_lines": remove(cursor, "b_sale_basket", "ID", lines),
    }


def delete_elements(cursor: Cursor, ids: Sequence[int]) -> int:
    for table, key in (
        ("b_iblock_element_property", "IBLOCK_ELEMENT_ID"),
        (f"b_iblock_element_prop_s{GIFT_OFFERS}", "IBLOCK_ELEMENT_ID"),
        (f"b_iblock_element_prop_m{GIFT_OFFERS}", "IBLOCK_ELEMENT_ID"),
        ("b_catalog_price", "PRODUCT_ID"),
        ("b_catalog_product", "ID"),
    ):
        remove(cursor, table, key, ids)
    return remove(cursor, "b_iblock_element", "ID", ids)


def delete_orders(cursor: Cursor, ids: Sequence[int]) -> int:
    for table in ("b_sale_basket", "b_sale_order_props_value", "b_sale_order_change"):
        remove(cursor, table, "ORDER_ID", ids)
    return remove(cursor, "b_sale_order", "ID", ids)


def archive_orders(cursor: Cursor, ids: Sequence[int]) -> int:
    """Move orders as Bitrix does: a row in the archive, and then a plain delete."""
    if not table_exists(cursor, "b_sale_order_archive"):
        return 0
    shared = table_columns(cursor, "b_sale_order") & table_columns(cursor, "b_sale_order_archive")
    Fill(
        table="b_sale_order_archive",
        source=f"b_sale_order WHERE ID IN {among(ids)} ORDER BY b_sale_order.ID",
        values={name: name for name in sorted(shared - {"ID"})}
        | {"ORDER_ID": "ID", "DATE_ARCHIVED": "NOW()"},
    ).run(cursor)
    return delete_orders(cursor, ids)


def remove(cursor: Cursor, table: str, key: str, ids: Sequence[int]) -> int:
    return cursor.execute(f"DELETE FROM {table} WHERE {key} IN {among(ids)}")
