"""Large rows: what does not fit into one answer of MySQL travels in smaller ones, uncut."""

import pytest
from shop_and_crm import Pipeline, written

from bitrix_pipeline.sync import snapshot
from bitrix_pipeline.sync.scope import Everything, IdRange, Ids, Scope

ORDER = 900_001
COMMENT_BYTES = 60_000


def add_large_orders(pipeline: Pipeline, count: int = 5) -> None:
    for number in range(count):
        comment = f"{number}" + ("я" * 46 + "\\\n\t ") * (COMMENT_BYTES // 96)
        pipeline.shop.insert("b_sale_order", ID=ORDER + number, COMMENTS=comment)


@pytest.mark.parametrize("block_bytes", [1_000_000, 200_000, 70_000, 20_000])
@pytest.mark.parametrize(
    "scope",
    [Everything(), IdRange(ORDER, ORDER + 9), Ids(tuple(range(ORDER, ORDER + 5)))],
    ids=["everything", "range", "ids"],
)
def test_large_rows_arrive_uncut(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, scope: Scope, block_bytes: int
) -> None:
    monkeypatch.setattr(snapshot, "BLOCK_BYTES", block_bytes)
    add_large_orders(pipeline)

    pipeline.sync("orders", scope)

    lengths = pipeline.crm.rows(
        "SELECT length(manager_comment) FROM orders WHERE id >= %s ORDER BY id", ORDER
    )
    expected = pipeline.shop.rows(
        "SELECT CHAR_LENGTH(COMMENTS) FROM b_sale_order WHERE ID >= %s ORDER BY ID", ORDER
    )
    assert lengths == expected


def test_a_shop_that_travels_row_by_row_ends_equal(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "BLOCK_BYTES", 4_000)
    add_large_orders(pipeline)

    pipeline.sync_all()

    assert pipeline.differences() == []
    assert written(pipeline.sync_all()) == {}


def test_a_table_that_always_travels_whole_may_be_larger_than_a_block(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "BLOCK_BYTES", 200)

    pipeline.sync("order_statuses")

    assert pipeline.differences("order_statuses") == []


def test_a_sync_reads_the_shop_as_of_one_moment(synced: Pipeline) -> None:
    def meanwhile(step: str, *_: int) -> None:
        if step == "compared":
            synced.shop.run("UPDATE b_user SET NAME = 'Позже'")

    synced.shop.run("UPDATE b_user SET LAST_NAME = 'Раньше'")
    synced.progress = meanwhile

    synced.sync("users")

    assert synced.crm.value("SELECT count(*) FROM users WHERE first_name = 'Позже'") == 0
    assert synced.crm.value("SELECT count(*) FROM users WHERE last_name = 'Раньше'") > 0
