"""The shop's tables change: what is lost stops its table with a clear word, what is new does not."""

from typing import Any

import pytest
from shop_and_crm import TABLE_NAMES, Pipeline, fails

from bitrix_pipeline.errors import SourceError
from bitrix_pipeline.model import TABLES, table_named

DROP = "ALTER TABLE b_user DROP COLUMN SECOND_NAME"
RENAME = "ALTER TABLE b_user CHANGE SECOND_NAME PATRONYMIC varchar(50)"


@pytest.mark.parametrize("change", [DROP, RENAME], ids=["dropped", "renamed"])
def test_a_column_that_is_gone_stops_its_table_with_nothing_changed(
    synced: Pipeline, change: str
) -> None:
    synced.shop.run(change)
    synced.shop.run("UPDATE b_user SET NAME = 'Новое'")
    before = synced.crm.contents()

    with fails(SourceError, "users", "b_user.SECOND_NAME", "--accept-schema", "nothing was"):
        synced.sync("users")

    assert synced.crm.contents() == before


def test_the_other_tables_go_on(synced: Pipeline) -> None:
    synced.shop.run(DROP)
    synced.shop.run("UPDATE b_sale_order SET COMMENTS = 'Новое'")

    synced.sync("orders")

    assert synced.differences("orders") == []


def test_an_accepted_loss_becomes_null(synced: Pipeline) -> None:
    synced.shop.run(DROP)

    synced.sync("users", accept_schema=True)

    assert synced.crm.value("SELECT count(middle_name) FROM users") == 0
    assert synced.differences("users") == []


def test_a_loss_is_accepted_once(synced: Pipeline) -> None:
    synced.shop.run(DROP)
    synced.sync("users", accept_schema=True)
    synced.shop.run("UPDATE b_user SET NAME = 'Новое'")

    synced.sync("users")

    assert synced.differences("users") == []


def test_a_column_that_comes_back_brings_its_values(synced: Pipeline) -> None:
    synced.shop.run(DROP)
    synced.sync("users", accept_schema=True)
    synced.shop.run("ALTER TABLE b_user ADD COLUMN SECOND_NAME varchar(50) DEFAULT 'Ильинична'")

    synced.sync("users")

    assert synced.differences("users") == []


@pytest.mark.parametrize("loss", ["b_catalog_price", "b_sale_order_props_value", "b_sale_status"])
def test_a_table_that_is_gone_stops_what_was_read_from_it(synced: Pipeline, loss: str) -> None:
    [table] = [table.name for table in TABLES if loss in table.source_tables]
    before = synced.crm.contents()
    synced.shop.run(f"DROP TABLE {loss}")

    with fails(SourceError, table, loss):
        synced.sync(table)

    assert synced.crm.contents() == before


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_a_database_that_is_no_shop_is_named_so(pipeline: Pipeline, table: str) -> None:
    key = table_named(table).key
    pipeline.shop.run(f"DROP TABLE {key.split('.')[0]}")

    with fails(SourceError, table, key, "BITRIX_MYSQL_URL"):
        pipeline.sync(table)


def test_a_new_column_changes_nothing(synced: Pipeline) -> None:
    synced.shop.run("ALTER TABLE b_user ADD COLUMN UF_LOYALTY int NOT NULL DEFAULT 5 FIRST")

    result = synced.sync("users")

    assert (result.inserted, result.updated) == (0, 0)
    assert synced.differences("users") == []


def test_a_widened_column_brings_its_new_values(synced: Pipeline) -> None:
    synced.shop.run("ALTER TABLE b_sale_order MODIFY PRICE decimal(26, 8) NOT NULL")
    synced.shop.run("UPDATE b_sale_order SET PRICE = PRICE + 0.00000001")

    synced.sync("orders")

    assert synced.differences("orders") == []


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_a_shop_that_never_had_the_optional_columns_gives_null(
    pipeline: Pipeline, table: str
) -> None:
    needed = {
        *(t.key for t in TABLES),
        *("b_iblock_section.IBLOCK_ID", "b_iblock_element.IBLOCK_ID", "b_sale_basket.ORDER_ID"),
        *("b_catalog_group.BASE", "b_iblock.VERSION", "b_catalog_iblock.IBLOCK_ID"),
        *("b_sale_order_archive.ORDER_ID",),
    }
    declared = table_named(table)
    for column in set(declared.source_columns) - needed:
        drop_column(pipeline, column)

    result = pipeline.sync(table)

    assert result.inserted > 0
    kept = {c.name for c in declared.columns if set(c.source.inputs) & needed}
    # An offer's product may stand in its iblock's own table, which is no declared column.
    kept.add("parent_id")
    empty = [c.name for c in declared.columns if c.name not in kept and c.default is None]
    live = f"FROM {table} WHERE NOT is_placeholder"
    filled = [c for c in empty if pipeline.crm.value(f"SELECT count({c}) {live}")]
    assert filled == []


def drop_column(pipeline: Pipeline, column: str) -> None:
    table, name = column.split(".")
    keys: list[tuple[Any, ...]] = pipeline.shop.rows(
        "SELECT DISTINCT INDEX_NAME FROM information_schema.statistics"
        " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND COLUMN_NAME = %s",
        table, name,
    )  # fmt: skip
    drops = [f"DROP KEY `{key}`" for (key,) in keys if key != "PRIMARY"]
    pipeline.shop.run(f"ALTER TABLE {table} {', '.join([*drops, f'DROP COLUMN {name}'])}")
