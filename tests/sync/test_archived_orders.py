"""Bitrix moves old orders to an archive: they vanish from the shop and are not deleted."""

import pytest
from shop_and_crm import Pipeline

from bitrix_pipeline.sync.scope import ChangedLately, Everything, Scope

SCOPES = pytest.mark.parametrize("scope", [Everything(), ChangedLately()], ids=str)


def archive(pipeline: Pipeline, moment: str = "2024-05-06 07:08:09") -> int:
    """Archives an order as Bitrix does; the order's ID."""
    [order] = pipeline.shop.ids(
        "SELECT MIN(ORDER_ID) FROM b_sale_basket JOIN b_sale_order ON b_sale_order.ID = ORDER_ID"
    )
    pipeline.shop.insert("b_sale_order_archive", ORDER_ID=order, DATE_ARCHIVED=moment)
    pipeline.shop.run("DELETE FROM b_sale_order WHERE ID = %s", order)
    pipeline.shop.run("DELETE FROM b_sale_basket WHERE ORDER_ID = %s", order)
    return order


def as_it_was(pipeline: Pipeline, order: int) -> object:
    values = "to_jsonb(t) - 'archived_at' - 'source_hash' - 'synced_at'"
    return pipeline.crm.rows(
        f"SELECT {values} FROM orders AS t WHERE id = %s UNION ALL"
        f" (SELECT {values} FROM order_items AS t WHERE order_id = %s ORDER BY id)",
        order, order,
    )  # fmt: skip


@SCOPES
def test_an_archived_order_and_its_lines_stay_as_they_were(synced: Pipeline, scope: Scope) -> None:
    order = archive(synced)
    before = as_it_was(synced, order)

    results = synced.sync_all(scope)

    assert (results["orders"].archived, results["orders"].deleted) == (1, 0)
    assert results["order_items"].deleted == 0
    assert as_it_was(synced, order) == before
    assert synced.differences() == []


def test_archived_at_is_in_the_shops_zone(synced: Pipeline) -> None:
    order = archive(synced, "2024-05-06 07:08:09")

    synced.sync("orders")

    found = synced.crm.cell("orders", order, "(archived_at AT TIME ZONE 'UTC')::text")
    assert found == "2024-05-06 04:08:09"


@pytest.mark.parametrize("moment", ["0000-00-00 00:00:00", "2024-00-10 00:00:00"])
def test_an_impossible_time_of_archiving_is_unknown(synced: Pipeline, moment: str) -> None:
    order = archive(synced, moment)

    synced.sync_all()

    assert synced.crm.row("orders", order, "archived_at", "deleted_at") == (None, None)
    assert synced.differences() == []


def test_lines_of_an_archived_order_stay_when_they_are_looked_at_first(synced: Pipeline) -> None:
    order = archive(synced)

    result = synced.sync("order_items")

    assert result.deleted == 0
    assert synced.crm.value(
        "SELECT count(*) FROM order_items WHERE order_id = %s AND deleted_at IS NOT NULL", order
    ) == 0  # fmt: skip


def test_an_order_that_was_archived_before_the_first_sync_is_absent(pipeline: Pipeline) -> None:
    order = archive(pipeline)

    pipeline.sync_all()

    assert pipeline.crm.row("orders", order, "id") is None
    assert pipeline.differences() == []


def test_an_order_that_comes_back_from_the_archive_is_archived_no_more(synced: Pipeline) -> None:
    synced.shop.run("CREATE TEMPORARY TABLE kept SELECT * FROM b_sale_order")
    order = archive(synced)
    synced.sync("orders")
    synced.shop.run("INSERT INTO b_sale_order SELECT * FROM kept WHERE ID = %s", order)

    synced.sync("orders")

    assert synced.crm.cell("orders", order, "archived_at") is None
    assert synced.differences("orders") == []


@SCOPES
def test_a_wave_of_archiving_is_no_wave_of_deletions(synced: Pipeline, scope: Scope) -> None:
    synced.shop.run(
        "INSERT INTO b_sale_order_archive (ORDER_ID, DATE_ARCHIVED) SELECT ID, NOW()"
        " FROM b_sale_order"
    )
    synced.shop.run("DELETE FROM b_sale_order")

    result = synced.sync("orders", scope, deletion_limit_rows=1)

    assert result.deleted == 0
    assert result.archived > 30
