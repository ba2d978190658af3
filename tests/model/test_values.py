"""Any value that MySQL can hold arrives unchanged, or by the rule that the data model states.

Each example is a batch of rows that travel in one sync.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop_and_crm import Pipeline, Shop

from bitrix_pipeline.sync.scope import Ids

FIRST = 900_001
BATCH = 60

many = settings(
    max_examples=12,
    deadline=None,
    # Each example writes its rows anew, so it may share the databases with the one before.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# What COPY, MySQL's escapes, arrays and JSON each take for more than a character.
SPECIAL = [
    "\\N", "\\.", "\\", "\\\\", "\t", "\n", "\r", "\r\n", "\0", "\x01", "\x1f", "\x7f", "\x85",
    '"', "'", ",", "{", "}", "{}", "NULL", "null", " ", "  ", "%s", "%", "\u200b", "\ufeff",
    "\u2028", "\ufffe", "\uffff", "\U0010ffff", "🌷", "👩‍👩‍👧", "ё", "ÿ", "\u0301", "\u202e", "ß",
]  # fmt: skip
pieces = st.one_of(st.sampled_from(SPECIAL), st.characters(codec="utf-8"))


def texts(max_length: int) -> st.SearchStrategy[str]:
    return st.lists(pieces, max_size=max_length).map(lambda found: "".join(found)[:max_length])


def batches(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(values, min_size=1, max_size=BATCH)


def without_nul(text: str) -> str | None:
    return text.replace("\0", "") or None


def ids_of(values: Sequence[object]) -> tuple[int, ...]:
    return tuple(range(FIRST, FIRST + len(values)))


def put(shop: Shop, table: str, columns: str, rows: Iterable[Sequence[object]]) -> None:
    """Replaces the rows of the example before."""
    shop.run(f"DELETE FROM {table} WHERE ID >= %s", FIRST)
    rows = [(FIRST + number, *row) for number, row in enumerate(rows)]
    holes = ", ".join(["%s"] * len(rows[0]))
    with shop.connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} (ID, {columns}) VALUES ({holes})", rows)


def found(pipeline: Pipeline, table: str, column: str, values: Sequence[object]) -> list[object]:
    rows = pipeline.crm.rows(
        f"SELECT {column} FROM {table} WHERE id = ANY(%s) ORDER BY id", list(ids_of(values))
    )
    return [row[0] for row in rows]


@many
@given(values=batches(texts(50)))
def test_any_text_arrives_byte_for_byte(pipeline: Pipeline, values: list[str]) -> None:
    put(pipeline.shop, "b_user", "NAME", [(value,) for value in values])

    pipeline.sync("users", Ids(ids_of(values)))

    assert found(pipeline, "users", "first_name", values) == [without_nul(v) for v in values]


@many
@given(values=batches(texts(1000)))
def test_any_long_text_arrives_byte_for_byte(pipeline: Pipeline, values: list[str]) -> None:
    put(pipeline.shop, "b_sale_order", "COMMENTS", [(value,) for value in values])

    pipeline.sync("orders", Ids(ids_of(values)))

    assert found(pipeline, "orders", "manager_comment", values) == [without_nul(v) for v in values]


@many
@given(values=batches(st.tuples(texts(50), texts(200))))
def test_any_property_arrives_byte_for_byte(
    pipeline: Pipeline, values: list[tuple[str, str]]
) -> None:
    put(pipeline.shop, "b_sale_order", "COMMENTS", [("",)] * len(values))
    put(
        pipeline.shop,
        "b_sale_order_props_value",
        "ORDER_ID, ENTITY_ID, ENTITY_TYPE, ORDER_PROPS_ID, CODE, VALUE",
        [
            (row_id, row_id, "ORDER", 7, *pair)
            for row_id, pair in zip(ids_of(values), values, strict=True)
        ],
    )

    pipeline.sync("orders", Ids(ids_of(values)))

    assert found(pipeline, "orders", "properties", values) == [
        {without_nul(code) or "7": without_nul(value)} if without_nul(value) else {}
        for code, value in values
    ]


@many
@given(values=batches(texts(255)))
def test_any_contact_arrives_byte_for_byte(pipeline: Pipeline, values: list[str]) -> None:
    payer = 21
    put(pipeline.shop, "b_sale_order", "COMMENTS", [("",)] * len(values))
    put(
        pipeline.shop,
        "b_sale_order_props_value",
        "ORDER_ID, ENTITY_ID, ENTITY_TYPE, ORDER_PROPS_ID, VALUE",
        [
            (row_id, row_id, "ORDER", payer, value)
            for row_id, value in zip(ids_of(values), values, strict=True)
        ],
    )

    pipeline.sync("orders", Ids(ids_of(values)))

    assert found(pipeline, "orders", "contact_name", values) == [without_nul(v) for v in values]


@many
@given(values=batches(texts(50)))
def test_two_rows_that_differ_have_different_hashes(pipeline: Pipeline, values: list[str]) -> None:
    put(pipeline.shop, "b_user", "NAME, LAST_NAME", [(v, "") for v in values])
    pipeline.sync("users", Ids(ids_of(values)))
    put(pipeline.shop, "b_user", "NAME, LAST_NAME", [("", v) for v in values])

    pipeline.sync("users")

    assert found(pipeline, "users", "last_name", values) == [without_nul(v) for v in values]


@many
@given(
    values=batches(st.decimals(min_value=-(10**34), max_value=10**34, places=30, allow_nan=False))
)
def test_any_decimal_arrives_with_every_digit(pipeline: Pipeline, values: list[Decimal]) -> None:
    widest = "decimal(65, 30)"
    if pipeline.shop.value("SELECT NUMERIC_PRECISION FROM information_schema.columns WHERE"
                           " TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'b_sale_order'"
                           " AND COLUMN_NAME = 'PRICE'") != 65:  # fmt: skip
        pipeline.shop.run(f"ALTER TABLE b_sale_order MODIFY PRICE {widest} NOT NULL")
    put(pipeline.shop, "b_sale_order", "PRICE", [(value,) for value in values])

    pipeline.sync("orders", Ids(ids_of(values)))

    assert found(pipeline, "orders", "price", values) == values


@many
@given(values=batches(st.floats(allow_nan=False, allow_infinity=False)))
def test_any_double_arrives_as_the_same_number(pipeline: Pipeline, values: list[float]) -> None:
    put(pipeline.shop, "b_iblock_element", "IBLOCK_ID", [(7,)] * len(values))
    put(pipeline.shop, "b_catalog_product", "QUANTITY, WEIGHT", [(v, -v) for v in values])
    # MySQL itself reads the least of numbers as 0.
    held = [
        row[0]
        for row in pipeline.shop.rows(
            "SELECT QUANTITY FROM b_catalog_product WHERE ID >= %s ORDER BY ID", FIRST
        )
    ]

    pipeline.sync("products", Ids(ids_of(values)))

    assert [float(v) for v in found(pipeline, "products", "quantity", values)] == held
    assert [-float(v) for v in found(pipeline, "products", "weight", values)] == held


# Skipped and repeated hours of Berlin and Moscow, and the day before Moscow kept mean time.
SPECIAL_TIMES = [
    "2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-10-27 01:59:59", "2011-03-27 02:30:00",
    "2014-10-26 01:30:00", "1916-07-02 23:59:59", "0001-01-01 00:00:00", "9999-12-31 23:59:59",
    "1970-01-01 00:00:00", "2000-02-29 12:00:00", "1900-02-29 12:00:00", "0000-00-00 00:00:00",
    "0000-01-01 00:00:00", "2024-00-10 00:00:00", "2024-02-00 00:00:00", "2024-02-31 10:00:00",
]  # fmt: skip
moments = st.one_of(
    st.sampled_from(SPECIAL_TIMES),
    st.builds(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format,
        st.integers(0, 9999),
        st.integers(0, 12),
        st.integers(0, 31),
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 59),
    ),
)


def is_possible(moment: str) -> bool:
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        return False
    return True


@many
@pytest.mark.parametrize("zone", ["Europe/Moscow", "Asia/Yekaterinburg", "Europe/Berlin"])
@given(values=batches(moments))
def test_any_naive_time_is_read_as_postgres_reads_it_in_the_shops_zone(
    pipeline: Pipeline, zone: str, values: list[str]
) -> None:
    pipeline.shop.run("SET sql_mode = 'ALLOW_INVALID_DATES'")
    put(pipeline.shop, "b_sale_order", "DATE_INSERT", [(value,) for value in values])
    pipeline.shop.run("SET sql_mode = ''")
    there = replace(pipeline, settings=replace(pipeline.settings, shop_timezone=zone))

    there.sync("orders", Ids(ids_of(values)))

    expected = pipeline.crm.rows(
        "SELECT (moment::timestamp AT TIME ZONE %s AT TIME ZONE 'UTC')::text"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS given (moment, number) ORDER BY number",
        zone,
        [value if is_possible(value) else None for value in values],
    )
    created_at = "(created_at AT TIME ZONE 'UTC')::text"
    assert found(pipeline, "orders", created_at, values) == [row[0] for row in expected]
