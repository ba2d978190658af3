"""Rows that vanish from the shop: Bitrix deletes for good and leaves no tombstone."""

import pytest
from shop_and_crm import Pipeline, fails, written

from bitrix_pipeline.errors import DeletionWaveError
from bitrix_pipeline.sync.scope import ChangedLately, Everything, IdRange, Ids, Scope

KEYED_TABLES = {
    "users": "b_user",
    "categories": "b_iblock_section",
    "products": "b_iblock_element",
    "orders": "b_sale_order",
    "order_items": "b_sale_basket",
}


def some_id(synced: Pipeline, table: str) -> int:
    """The ID of a row of ours in the middle of the table."""
    ids = [row[0] for row in synced.crm.rows(
        f"SELECT id FROM {table} WHERE source_hash IS NOT NULL ORDER BY id"
    )]  # fmt: skip
    return int(ids[len(ids) // 2])


def delete(synced: Pipeline, table: str) -> int:
    row_id = some_id(synced, table)
    synced.shop.run(f"DELETE FROM {KEYED_TABLES[table]} WHERE ID = %s", row_id)
    return row_id


@pytest.mark.parametrize("scope", [Everything(), ChangedLately()], ids=str)
@pytest.mark.parametrize("table", KEYED_TABLES)
def test_a_deleted_row_is_marked_and_keeps_its_last_values(
    synced: Pipeline, table: str, scope: Scope
) -> None:
    row_id = delete(synced, table)
    columns = "to_jsonb(t) - 'deleted_at' - 'source_hash' - 'synced_at'"
    before = synced.crm.value(f"SELECT {columns} FROM {table} AS t WHERE id = %s", row_id)

    result = synced.sync(table, scope)

    assert result.deleted == 1
    assert synced.crm.cell(table, row_id, "deleted_at") is not None
    assert synced.crm.value(f"SELECT {columns} FROM {table} AS t WHERE id = %s", row_id) == before
    assert synced.differences(table) == []


@pytest.mark.parametrize("table", KEYED_TABLES)
def test_a_row_is_deleted_once(synced: Pipeline, table: str) -> None:
    row_id = delete(synced, table)
    synced.sync(table)
    deleted_at = synced.crm.cell(table, row_id, "deleted_at")

    again = synced.sync(table)

    assert again.deleted == 0
    assert synced.crm.cell(table, row_id, "deleted_at") == deleted_at


@pytest.mark.parametrize("scope", [Everything(), ChangedLately()], ids=str)
def test_a_deleted_row_that_returns_lives_again(synced: Pipeline, scope: Scope) -> None:
    order = some_id(synced, "orders")
    synced.shop.run("CREATE TEMPORARY TABLE kept SELECT * FROM b_sale_order WHERE ID = %s", order)
    synced.shop.run("DELETE FROM b_sale_order WHERE ID = %s", order)
    synced.sync("orders", scope)
    synced.shop.run("INSERT INTO b_sale_order SELECT * FROM kept")

    synced.sync("orders", scope)

    assert synced.crm.cell("orders", order, "deleted_at") is None
    assert synced.differences("orders") == []


def test_a_row_outside_the_ids_asked_for_is_not_deleted(synced: Pipeline) -> None:
    gone = delete(synced, "users")
    [other] = synced.shop.ids("SELECT MIN(ID) FROM b_user WHERE ID > %s", gone)

    synced.sync("users", Ids((other,)))
    synced.sync("users", IdRange(gone + 1, gone + 100))

    assert synced.crm.cell("users", gone, "deleted_at") is None


@pytest.mark.parametrize("scope_of", [lambda i: Ids((i,)), lambda i: IdRange(i, i + 1)])
def test_a_row_that_is_asked_for_and_gone_is_deleted(synced: Pipeline, scope_of: object) -> None:
    gone = delete(synced, "users")

    result = synced.sync("users", scope_of(gone))  # type: ignore[operator]

    assert result.deleted == 1


def test_the_crms_own_rows_are_never_deleted(synced: Pipeline) -> None:
    own = synced.crm.value("INSERT INTO users (first_name) VALUES ('Своя') RETURNING id")

    synced.sync("users")
    synced.sync("users", Ids((own,)))
    synced.sync("users", IdRange(own, own + 1))

    assert synced.crm.row("users", own, "first_name", "deleted_at") == ("Своя", None)


@pytest.mark.parametrize("scope", [Everything(), ChangedLately()], ids=str)
@pytest.mark.parametrize("table", KEYED_TABLES)
def test_a_wave_of_deletions_stops_with_nothing_written(
    synced: Pipeline, table: str, scope: Scope
) -> None:
    before = synced.crm.contents()
    some = some_id(synced, table)
    synced.shop.run(f"DELETE FROM {KEYED_TABLES[table]} WHERE ID > %s", some)
    synced.shop.run(f"UPDATE {KEYED_TABLES[table]} SET XML_ID = 'изменён' WHERE ID = %s", some)

    with fails(DeletionWaveError, table, "--allow-deletions", "nothing was written"):
        synced.sync(table, scope, deletion_limit_rows=3)

    assert synced.crm.contents() == before


def test_an_allowed_wave_goes_through(synced: Pipeline) -> None:
    synced.shop.run("DELETE FROM b_user WHERE ID > %s", some_id(synced, "users"))

    synced.sync("users", deletion_limit_rows=3, allow_deletions=True)

    assert synced.differences("users") == []


def test_few_deletions_are_no_wave_however_large_their_share(synced: Pipeline) -> None:
    synced.shop.run("DELETE FROM b_user WHERE ID > %s", some_id(synced, "users"))

    assert synced.sync("users").deleted > 5


def test_many_deletions_are_no_wave_when_they_are_a_small_share(synced: Pipeline) -> None:
    synced.shop.run("DELETE FROM b_user WHERE ID > %s", some_id(synced, "users"))

    result = synced.sync("users", deletion_limit_rows=3, deletion_limit_share=0.9)

    assert result.deleted > 5


@pytest.mark.parametrize("table", [*KEYED_TABLES, "order_statuses"])
def test_an_empty_source_table_deletes_nothing(synced: Pipeline, table: str) -> None:
    before = synced.crm.contents()
    synced.shop.run(f"DELETE FROM {KEYED_TABLES.get(table, 'b_sale_status')}")

    with fails(DeletionWaveError, table, "no rows", "--allow-deletions"):
        synced.sync(table)

    assert synced.crm.contents() == before


def test_a_shop_without_catalogs_deletes_no_product(synced: Pipeline) -> None:
    synced.shop.run("DELETE FROM b_catalog_iblock")

    with fails(DeletionWaveError, "products"):
        synced.sync("products")


def test_an_empty_table_that_was_always_empty_is_fine(pipeline: Pipeline) -> None:
    pipeline.shop.run("DELETE FROM b_user")

    assert written({"users": pipeline.sync("users")}) == {}


def test_a_deleted_parent_stays_and_so_do_its_children(synced: Pipeline) -> None:
    [buyer] = synced.shop.ids("SELECT MAX(USER_ID) FROM b_sale_order WHERE USER_ID > 20")
    synced.shop.run("DELETE FROM b_user WHERE ID = %s", buyer)

    synced.sync_all()

    assert synced.crm.cell("users", buyer, "deleted_at") is not None
    assert synced.crm.cell("users", buyer, "is_placeholder") is False
    assert synced.crm.value("SELECT count(*) FROM orders WHERE user_id = %s", buyer) > 0
    assert synced.differences() == []
