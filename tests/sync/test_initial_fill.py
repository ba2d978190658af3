"""An empty table is filled first and gets its indexes and foreign keys afterwards, all of them."""

import pytest
from shop_and_crm import TABLE_NAMES, Crm, Pipeline, written

from bitrix_pipeline.sync import table_sync


@pytest.fixture(autouse=True)
def fill_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_sync, "FILL_ROWS", 1)


def structure(crm: Crm) -> list[tuple[object, ...]]:
    """Every index and constraint with its full definition."""
    return crm.rows("""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), condeferrable,
               condeferred, convalidated
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT tablename, indexname, indexdef, false, false, true
        FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2, 3""")


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_a_filled_table_equals_its_source_and_keeps_its_structure(
    pipeline: Pipeline, table: str
) -> None:
    before = structure(pipeline.crm)

    pipeline.sync(table)

    assert structure(pipeline.crm) == before
    assert pipeline.differences(table) == []


def test_a_shop_filled_children_first_ends_equal(pipeline: Pipeline) -> None:
    before = structure(pipeline.crm)

    for table in reversed(TABLE_NAMES):
        pipeline.sync(table)

    assert structure(pipeline.crm) == before
    assert pipeline.differences() == []
    assert written(pipeline.sync_all()) == {}


def test_orphans_get_their_placeholders(pipeline: Pipeline) -> None:
    pipeline.shop.insert("b_sale_basket", ID=900_001, ORDER_ID=900_002, PRODUCT_ID=900_003)

    result = pipeline.sync("order_items")

    assert result.placeholders >= 2
    assert pipeline.crm.cell("orders", 900_002, "is_placeholder") is True
    assert pipeline.crm.cell("products", 900_003, "is_placeholder") is True
    assert pipeline.differences("order_items") == []


def test_what_the_crm_added_to_a_table_is_restored_as_well(pipeline: Pipeline) -> None:
    pipeline.crm.run("""
        CREATE INDEX mine ON orders (lower(contact_email)) WHERE properties <> '{}'::jsonb;
        CREATE UNIQUE INDEX "Mine Too" ON orders (number DESC NULLS LAST, id);
        ALTER TABLE orders ADD deal text COLLATE "C";
        CREATE INDEX by_deal ON orders USING hash (deal);
        ALTER TABLE orders ADD CONSTRAINT no_deal CHECK (deal <> '');
        ALTER TABLE orders ADD CONSTRAINT late UNIQUE (id, version) DEFERRABLE INITIALLY DEFERRED;
        ALTER TABLE orders ADD CONSTRAINT by_number UNIQUE (number, id);
        CREATE TABLE deals (
            number text, order_id bigint REFERENCES orders,
            FOREIGN KEY (number, order_id) REFERENCES orders (number, id)
        )""")
    before = structure(pipeline.crm)

    pipeline.sync("orders")

    assert structure(pipeline.crm) == before
    assert pipeline.differences("orders") == []


def test_a_fill_that_fails_leaves_the_empty_table_as_it_was(pipeline: Pipeline) -> None:
    before = structure(pipeline.crm)
    pipeline.crm.run("CREATE UNIQUE INDEX one_site ON orders (site_id)")

    with pytest.raises(Exception, match="one_site"):
        pipeline.sync("orders")

    assert pipeline.crm.value("SELECT count(*) FROM orders") == 0
    pipeline.crm.run("DROP INDEX one_site")
    assert structure(pipeline.crm) == before


def test_a_table_that_holds_the_crms_own_rows_is_not_taken_for_empty(pipeline: Pipeline) -> None:
    own = pipeline.crm.value("INSERT INTO users (login) VALUES ('своя') RETURNING id")

    pipeline.sync("users")

    assert pipeline.crm.cell("users", own, "login") == "своя"
    assert pipeline.differences("users") == []


def test_the_counts_are_those_of_the_rows(pipeline: Pipeline) -> None:
    result = pipeline.sync("users", partition_size=100)

    rows = pipeline.crm.rows("SELECT id / 100, count(*) FROM users GROUP BY 1")
    assert {number: counts.inserted for number, counts in result.ranges.items()} == dict(rows)
