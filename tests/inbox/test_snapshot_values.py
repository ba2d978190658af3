"""Whatever MySQL holds, a snapshot of it gives the very line, hash included, that MySQL gives."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop_and_crm import SETTINGS, Shop
from snapshots import Sender, sender_of, sent

from bitrix_pipeline.demo.shop_nasty import AWKWARD_TEXTS
from bitrix_pipeline.inbox.order_transformer import OrderTransformer
from bitrix_pipeline.model import table_named
from bitrix_pipeline.model.raw_values import identifier_of, moment_of, number_of, text_of
from bitrix_pipeline.sync.part import within
from bitrix_pipeline.sync.snapshot import shop_snapshot

FIRST = 900_001

many = settings(
    max_examples=30,
    deadline=None,
    # Each example writes its rows anew, so it may share the database with the one before.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

pieces = st.one_of(st.sampled_from([*AWKWARD_TEXTS.values(), ""]), st.characters(codec="utf-8"))
texts = st.lists(pieces, max_size=4).map(lambda found: "".join(found)[:50])
moments = st.one_of(
    st.sampled_from(
        ["0000-00-00 00:00:00", "2024-02-31 10:00:00", "9999-12-31 23:59:59", "0000-01-01 00:00:00"]
    ),
    st.builds(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format,
        *(st.integers(0, most) for most in (9999, 12, 31, 23, 59, 59)),
    ),
)
sums = st.decimals(min_value=-(10**13), max_value=10**13, places=4)
doubles = st.floats(allow_nan=False, allow_infinity=False)
codes = st.sampled_from(["N", "P", "n", "", "QQ", "DN"])
flags = st.sampled_from(["Y", "N", "y", ""])


@pytest.fixture
def sender(shop: Shop) -> Iterator[Sender]:
    with sender_of(shop) as sender:
        shop.run("SET sql_mode = 'ALLOW_INVALID_DATES'")
        yield sender
        shop.run("SET sql_mode = ''")


def rows_of(*values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(*values), min_size=1, max_size=40)


def put(shop: Shop, table: str, columns: str, rows: Sequence[Sequence[object]]) -> None:
    """Replaces the rows of the example before."""
    shop.run(f"DELETE FROM {table} WHERE ID >= %s", FIRST)
    holes = ", ".join(["%s"] * len(rows[0]))
    with shop.connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (ID, {columns}) VALUES (%s, {holes})",
            [(FIRST + number, *row) for number, row in enumerate(rows)],
        )


def lines_of_both(sender: Sender, kind: str, table: str, rows: int) -> tuple[list[bytes], ...]:
    """MySQL's and ours."""
    events = [sender.saved(kind, FIRST + number) for number in range(rows)]
    ours = OrderTransformer(SETTINGS).transform(events)[table].lines
    with shop_snapshot(sender.shop.url, SETTINGS) as shop:
        part = within(table_named(table), FIRST, FIRST + 1_000)
        theirs = b"".join(block.lines for block in shop.blocks(part))
    assert theirs.count(b"\n") == rows if table != "order_items" else theirs
    return sorted(theirs.split(b"\n")), sorted(ours.split(b"\n"))


@many
@given(rows=rows_of(texts, texts, texts, moments, flags))
def test_users(sender: Sender, rows: list[Any]) -> None:
    columns = "NAME, PERSONAL_MOBILE, PERSONAL_PHONE, DATE_REGISTER, ACTIVE"
    put(sender.shop, "b_user", columns, rows)

    theirs, ours = lines_of_both(sender, "user", "users", len(rows))

    assert ours == theirs


@many
@given(rows=rows_of(texts, sums, sums, moments, codes, flags, flags, st.integers(0, 3)))
def test_orders(sender: Sender, rows: list[Any]) -> None:
    columns = "COMMENTS, PRICE, SUM_PAID, DATE_INSERT, STATUS_ID, CANCELED, PAYED, USER_ID"
    put(sender.shop, "b_sale_order", columns, rows)

    theirs, ours = lines_of_both(sender, "order", "orders", len(rows))

    assert ours == theirs


@many
@given(
    rows=rows_of(
        st.integers(0, 2),
        st.sampled_from([21, 22, 24, 41, 23, None]),
        st.one_of(st.none(), texts),
        st.one_of(st.none(), texts),
        st.sampled_from(["ORDER", "ORDER", "SHIPMENT"]),
    )
)
def test_properties_and_contacts(sender: Sender, rows: list[Any]) -> None:
    put(sender.shop, "b_sale_order", "COMMENTS", [("",)] * 3)
    sender.shop.run("DELETE FROM b_sale_order_props_value WHERE ENTITY_ID >= %s", FIRST)
    values = [(FIRST + order, *row, FIRST + number) for number, (order, *row) in enumerate(rows)]
    columns = "ORDER_ID, ORDER_PROPS_ID, CODE, VALUE, ENTITY_TYPE, ENTITY_ID"
    put(sender.shop, "b_sale_order_props_value", columns, values)

    theirs, ours = lines_of_both(sender, "order", "orders", 3)

    assert ours == theirs


@many
@given(
    rows=rows_of(
        st.integers(0, 1),
        st.one_of(st.none(), st.integers(FIRST - 1, FIRST + 9)),
        doubles,
        sums,
        texts,
        moments,
        flags,
        st.integers(0, 2),
    )
)
def test_lines(sender: Sender, rows: list[Any]) -> None:
    put(sender.shop, "b_sale_order", "COMMENTS", [("",)] * 2)
    lines = [(FIRST + order, *row) for order, *row in rows]
    columns = (
        "ORDER_ID, SET_PARENT_ID, QUANTITY, BASE_PRICE, NAME, DATE_UPDATE, VAT_INCLUDED, PRODUCT_ID"
    )
    put(sender.shop, "b_sale_basket", columns, lines)

    theirs, ours = lines_of_both(sender, "order", "order_items", 2)

    assert ours == theirs


@many
@given(rows=rows_of(texts, moments, doubles, moments, st.integers(0, 9), flags))
def test_products(sender: Sender, rows: list[Any]) -> None:
    elements = [(7, 1, name, time) for name, time, *_ in rows]
    put(sender.shop, "b_iblock_element", "IBLOCK_ID, WF_STATUS_ID, NAME, TIMESTAMP_X", elements)
    columns = "QUANTITY, WEIGHT, TIMESTAMP_X, TYPE, AVAILABLE"
    stock = [(quantity, quantity, *row) for _, _, quantity, *row in rows]
    put(sender.shop, "b_catalog_product", columns, stock)

    theirs, ours = lines_of_both(sender, "product", "products", len(rows))

    assert ours == theirs


@pytest.mark.parametrize(
    ("raw", "text"),
    [(None, None), ("", ""), ("0", "0"), (0, "0"), (12, "12"), (True, "Y"), (False, "N")],
)
def test_a_value_of_json_is_the_text_that_bitrix_keeps(raw: object, text: str | None) -> None:
    assert text_of(raw) == text


@pytest.mark.parametrize(
    ("raw", "digits"), [(True, "1"), (1500, "1500"), ("1500.5000", "1500.5000"), (None, None)]
)
def test_a_number_keeps_its_digits(raw: object, digits: str | None) -> None:
    assert number_of(raw) == digits


@pytest.mark.parametrize(
    ("raw", "id_"),
    [(0, None), ("0", None), ("0.0000", None), (None, None), ("", None), ("12.0000", "12"), (7, "7"),
     ("x", "x"), ("1e999999999", "1e999999999")],
)  # fmt: skip
def test_a_reference_to_0_is_none(raw: object, id_: str | None) -> None:
    assert identifier_of(raw) == id_


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-03-08 10:00:00", "2026-03-08 10:00:00"),
        ("2026-03-08T10:00:00", "2026-03-08 10:00:00"),
        ("2026-03-08", "2026-03-08"),
        ("2026-03-08 10:00:00+00:00", "2026-03-08 10:00:00+00"),
        ("2026-03-08T10:00:00Z", "2026-03-08 10:00:00+00"),
        ("2026-03-08T10:00:00+03:00", "2026-03-08 07:00:00+00"),
        ("0001-01-01 00:00:00+03:00", "0001-01-01 00:00:00+03:00"),
        ("0000-00-00 00:00:00+00:00", None),
        ("2026-02-30T10:00:00+03:00", None),
        ("08.03.2026 10:00:00", "08.03.2026 10:00:00"),
        ("", None),
        (None, None),
    ],
)
def test_a_time_with_an_offset_is_an_instant(raw: object, moment: str | None) -> None:
    assert moment_of(raw) == moment


def test_numbers_of_json_and_of_mysql_are_the_same_numbers() -> None:
    order = {"ID": 7, "PRICE": 1500, "SUM_PAID": 0.1, "USER_ID": 5}
    event = sent("order.saved", 7, at=1, order=order, basket=[], properties=[])

    [row] = OrderTransformer(SETTINGS).transform([event])["orders"].frame.to_dict("records")

    assert (row["price"], row["paid_sum"], row["user_id"]) == ("1500", "0.1", "5")
