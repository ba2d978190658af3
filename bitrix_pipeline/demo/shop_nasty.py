"""The sample shop's odd rows: each is a named case, with the reason why it is there.

Their IDs lie below those of the generated rows, so every shop has the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from bitrix_pipeline.demo.shop_reference import BASE_PRICE, PERSON
from bitrix_pipeline.demo.shop_sections import FLOWERS
from bitrix_pipeline.demo.shop_sql import insert_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymysql.cursors import Cursor

    from bitrix_pipeline.demo.shop_sql import Row, Value

Placed = tuple[str, "Row"]


@dataclass(frozen=True)
class Case:
    """Rows that belong together, and what they are to show."""

    name: str
    why: str
    rows: tuple[Placed, ...]
    # A shop of 2015 has neither the tables nor the columns for it.
    only_2026: bool = False


def case(name: str, why: str, *rows: Placed, only_2026: bool = False) -> Case:
    return Case(name, why, rows, only_2026)


# Strings that break what is careless with separators, escapes, encodings or emptiness.
AWKWARD_TEXTS: dict[str, str] = {
    "tab": "Анна\tМария",
    "newline": "Анна\nМария",
    "carriage-return": "Анна\r\nМария\r",
    "backslash": "C:\\temp\\новая",
    "backslash-at-end": "Анна\\",
    "copy-null": "\\N",
    "copy-end": "\\.",
    "quotes": 'О\'Хара "Роза" `x` «ёлочки»',
    "emoji": "Роза 🌹👩‍👩‍👧",
    "last-code-point": "\U0010ffff",
    "zero-width": "Ан\u200bна\u200d",
    "only-zero-width": "\u200b",
    "only-space": " ",
    "spaces-at-ends": "  Анна  ",
    "no-break-space": "\u00a0",
    "only-nul": "\x00\x00",
    "nul-inside": "Ан\x00на",
    "control-characters": "".join(map(chr, range(1, 32))) + "\x7f",
    "word-null": "NULL",
    "zero": "0",
    "array-literal": '{"a",NULL,{}}',
    "percent-and-hole": "100%s %(x)s {} :name $1 ?",
    "line-separator": "Анна\u2028Мария",
    "byte-order-mark": "\ufeffАнна",
    "combining": "е\u0301й и\u0306",
    "html": "<b>Анна</b> &amp; &quot;Ко&quot;",
    "script": "'); DROP TABLE orders; --",
}
ZERO_DATE = "0000-00-00 00:00:00"
IMPOSSIBLE_DATE = "2024-02-31 10:00:00"
NO_MONTH = "2024-00-10 10:00:00"


def user(row_id: int, **fields: Value) -> Placed:
    return "b_user", {
        "ID": row_id,
        "LOGIN": f"odd_{row_id}",
        "PASSWORD": "$6$never$selected",
        "CHECKWORD": "never-selected",
        "NAME": "Анна",
        "EMAIL": f"odd_{row_id}@mail.example",
        "LID": "s1",
        "DATE_REGISTER": "2019-03-08 10:00:00",
        "TIMESTAMP_X": "2020-01-01 00:00:00",
        **fields,
    }


def section(row_id: int, parent: int | None = None, **fields: Value) -> Placed:
    return "b_iblock_section", {
        "ID": row_id,
        "TIMESTAMP_X": "2022-02-22 22:22:22",
        "IBLOCK_ID": FLOWERS,
        "IBLOCK_SECTION_ID": parent,
        "NAME": f"Раздел {row_id}",
        "DESCRIPTION": "Описание раздела",
        "CODE": f"odd-{row_id}",
        "LEFT_MARGIN": 10_000 + 2 * row_id,
        "RIGHT_MARGIN": 10_001 + 2 * row_id,
        "DEPTH_LEVEL": 2 if parent else 1,
        **fields,
    }


def element(row_id: int, **fields: Value) -> Placed:
    return "b_iblock_element", {
        "ID": row_id,
        "TIMESTAMP_X": "2021-06-01 12:00:00",
        "DATE_CREATE": "2018-01-01 12:00:00",
        "IBLOCK_ID": FLOWERS,
        "IBLOCK_SECTION_ID": None,
        "NAME": f"Букет-загадка {row_id}",
        "PREVIEW_TEXT": "Никто не знает, что внутри",
        "DETAIL_TEXT": "Никто не знает, что внутри. " * 50,
        "CODE": f"odd-{row_id}",
        "XML_ID": f"odd-{row_id}",
        "WF_STATUS_ID": 1,
        **fields,
    }


def stock(row_id: int, **fields: Value) -> Placed:
    return "b_catalog_product", {
        "ID": row_id,
        "QUANTITY": 7,
        "QUANTITY_RESERVED": 0,
        "WEIGHT": 500,
        "TIMESTAMP_X": "2021-06-01 12:00:00",
        "TYPE": 1,
        "AVAILABLE": "Y",
        **fields,
    }


def price(row_id: int, product: int, amount: str, **fields: Value) -> Placed:
    return "b_catalog_price", {
        "ID": row_id,
        "PRODUCT_ID": product,
        "CATALOG_GROUP_ID": BASE_PRICE,
        "PRICE": amount,
        "PRICE_SCALE": amount,
        "CURRENCY": "RUB",
        "TIMESTAMP_X": "2021-06-01 12:00:00",
        **fields,
    }


def order(row_id: int, **fields: Value) -> Placed:
    return "b_sale_order", {
        "ID": row_id,
        "LID": "s1",
        "PERSON_TYPE_ID": PERSON,
        "STATUS_ID": "N",
        "DATE_STATUS": "2023-05-05 12:00:00",
        "PRICE": "1500.0000",
        "PRICE_DELIVERY": "0",
        "CURRENCY": "RUB",
        "USER_ID": 5,
        "DATE_INSERT": "2023-05-05 12:00:00",
        "DATE_UPDATE": "2023-05-05 12:30:00",
        "ACCOUNT_NUMBER": f"odd-{row_id}",
        "XML_ID": f"bx_odd{row_id}",
        "VERSION": 1,
        "RUNNING": "N",
        **fields,
    }


def line(row_id: int, order_id: int | None, **fields: Value) -> Placed:
    return "b_sale_basket", {
        "ID": row_id,
        "FUSER_ID": 211,
        "ORDER_ID": order_id,
        "PRODUCT_ID": 301,
        "PRICE": "1500.0000",
        "BASE_PRICE": "1500.0000",
        "DISCOUNT_PRICE": "0",
        "CURRENCY": "RUB",
        "QUANTITY": 1,
        "LID": "s1",
        "NAME": f"Строка {row_id}",
        "MODULE": "catalog",
        "DATE_INSERT": "2023-05-05 11:50:00",
        "DATE_UPDATE": "2023-05-05 12:30:00",
        "VAT_RATE": "0.2000",
        "MEASURE_NAME": "шт",
        "XML_ID": f"bx_line{row_id}",
        **fields,
    }


def value(
    row_id: int, order_id: int, property_id: int | None, code: Value, text: Value, **fields: Value
) -> Placed:
    return "b_sale_order_props_value", {
        "ID": row_id,
        "ORDER_ID": order_id,
        "ORDER_PROPS_ID": property_id,
        "NAME": "Свойство",
        "VALUE": text,
        "CODE": code,
        "ENTITY_ID": order_id,
        "ENTITY_TYPE": "ORDER",
        **fields,
    }


def fill_cases(cursor: Cursor, cases: Iterable[Case], *, era: str) -> None:
    """Insert the rows of the cases that this era can hold."""
    # Dates like the 31st of February come from imports that ran in this mode.
    cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
    rows = [row for found in cases if era == "2026" or not found.only_2026 for row in found.rows]
    for table, placed in groupby(sorted(rows, key=by_table), key=by_table):
        insert_rows(cursor, table, [row for _, row in placed])
    cursor.execute("SET sql_mode = ''")


def by_table(placed: Placed) -> str:
    return placed[0]
