"""The whole check: table by table, memory bounded by a page of rows on either side."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pymysql

from bitrix_pipeline.verify.catalog import Categories, Products
from bitrix_pipeline.verify.clock import Clock
from bitrix_pipeline.verify.comparison import Comparison
from bitrix_pipeline.verify.contract import TABLES, Table
from bitrix_pipeline.verify.expected import Expectation, ExpectedRow
from bitrix_pipeline.verify.people import Users
from bitrix_pipeline.verify.sales import OrderItems, Orders, OrderStatuses
from bitrix_pipeline.verify.source import RawRow, Shop, plain_session
from bitrix_pipeline.verify.strays import Strays
from bitrix_pipeline.verify.target import Target, plain_transaction
from bitrix_pipeline.verify.verdict import Rules, Verdict

Progress = Callable[[str, int], None]

# Big enough that round trips do not count, small enough for any machine's memory.
_PAGE_ROWS = 5_000

# Before the first AUTO_INCREMENT value, and before what a careless import may have written.
_BEFORE_ALL_IDS = -(2**63)


def verify(
    source: pymysql.Connection,
    target: psycopg.Connection[Any],
    *,
    rules: Rules,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Verdict]:
    """Compares the tables named, or all of them, row for row and value for value.

    `source` reads its default database, `target` the schema of the rules. Neither may be inside a
    transaction: each page is a fresh look, so a shop that is being written to shows differences
    that are only the sync's delay. `progress` is called with the table and the source rows so far.

    Where the data model says nothing more, this is the rule:
    - A text that is empty once its NUL bytes are gone is NULL; contacts and the phone take the
      first value that is not; a property with such a value, or with no key, is left out.
    - A status that the mapping does not know is the Bitrix code itself in `orders.status` and NULL
      in `order_statuses.crm_status`.
    - A row of the source has `synced_at`, no `deleted_at` and is no placeholder; a live order has
      no `archived_at`, whatever the archive says.
    - A row that only the target has is right if the CRM made it (no Bitrix ID), if it is marked
      deleted, if it is a placeholder that is marked deleted, or if its order is in the archive.
    - Whatever a row refers to must be a row.
    """
    named = [_table(name) for name in (TABLES if tables is None else tables)]
    with plain_session(source):
        shop = Shop(source)
        return [_verify_table(shop, target, rules, table, progress) for table in named]


def _table(name: str) -> Table:
    if name not in TABLES:
        raise ValueError(f"No table {name!r} to verify; there are {', '.join(TABLES)}.")
    return TABLES[name]


def _verify_table(
    shop: Shop,
    connection: psycopg.Connection[Any],
    rules: Rules,
    table: Table,
    progress: Progress | None,
) -> Verdict:
    started = time.monotonic()
    left_out = frozenset() if rules.compare_crm_status else frozenset({"status"})
    with plain_transaction(connection):
        clock = Clock(target=connection, shop=shop, shop_timezone=rules.shop_timezone)
        target = Target(
            connection=connection, schema=rules.target_schema, table=table, left_out=left_out
        )
        strays = Strays(shop=shop, clock=clock, rules=rules, table=table)
        comparison = Comparison(target.layout, strays)
        for wrong_column in target.wrong_columns:
            comparison.note_different([wrong_column])
        expected = _expected_rows(shop, _expectation(shop, clock, rules, table), table, progress)
        comparison.run(target.layout.align(expected), target.rows(size=_PAGE_ROWS))
    return comparison.verdict(seconds=time.monotonic() - started)


def _expectation(shop: Shop, clock: Clock, rules: Rules, table: Table) -> Expectation:
    makers: dict[str, Callable[[], Expectation]] = {
        "users": lambda: Users(clock=clock),
        "categories": lambda: Categories(shop=shop, clock=clock),
        "products": lambda: Products(shop=shop, clock=clock),
        "orders": lambda: Orders(shop=shop, clock=clock, rules=rules),
        "order_items": lambda: OrderItems(shop=shop, clock=clock),
        "order_statuses": lambda: OrderStatuses(shop=shop, rules=rules),
    }
    return makers[table.name]()


def _expected_rows(
    shop: Shop, expectation: Expectation, table: Table, progress: Progress | None
) -> Iterator[ExpectedRow]:
    shop.require(expectation.source_table)
    pages = _statuses if table.name == "order_statuses" else _pages
    count = 0
    for page in pages(shop, expectation):
        for row in expectation.rows(page):
            count += 1
            yield row
        if progress is not None:
            progress(table.name, count)


def _pages(shop: Shop, expectation: Expectation) -> Iterator[list[RawRow]]:
    after = _BEFORE_ALL_IDS
    while page := shop.page(
        expectation.source_table, expectation.source_columns, after=after, size=_PAGE_ROWS
    ):
        yield page
        after = int(page[-1]["ID"])


def _statuses(shop: Shop, expectation: Expectation) -> Iterator[list[RawRow]]:
    """All at once, in the order of their bytes: MySQL would order them by its collation."""
    rows = shop.everything(expectation.source_table, expectation.source_columns)
    yield sorted((row for row in rows if row["ID"]), key=lambda row: row["ID"])
