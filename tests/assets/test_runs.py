"""What a run of the jobs does to Postgres and what it tells Dagster."""

from collections.abc import Mapping
from typing import Any

import pytest
from deployment import Deployment, Result, failures, materialization
from shop_and_crm import TABLE_NAMES

from bitrix_pipeline.assets.partitions import CHANGED_LATELY, EVERYTHING, PARTITIONED_TABLES

NUMBERS = {
    "rows_read",
    "rows_inserted",
    "rows_updated",
    "rows_deleted",
    "rows_archived",
    "rows_unchanged",
    "rows_set_aside",
    "parents_loaded",
    "placeholders_made",
    "placeholders_in_table",
    "dagster/row_count",
    "compare_seconds",
    "load_seconds",
    "seconds",
    "rows_per_second",
}
"""Each becomes a chart, which breaks when a run leaves one out."""

ODD_IDS, LIVELY_IDS = "0000000000-0000000999", "0000010000-0000010999"


def numbers(metadata: Mapping[str, Any]) -> set[str]:
    return {name for name in metadata if isinstance(metadata[name], int | float)} - {
        "newest_change"
    }


def range_events(result: Result, table: str) -> dict[str, dict[str, Any]]:
    """What a run over a whole table tells of each range of IDs."""
    return {
        str(event.materialization.partition): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key
        and event.asset_key.path == [table]
        and event.materialization.partition not in {None, EVERYTHING, CHANGED_LATELY}
    }


def test_the_first_run_brings_the_whole_shop(new_deployment: Deployment) -> None:
    result = new_deployment.run("sync_everything")

    assert failures(result) == {}
    assert new_deployment.pipeline.differences() == []
    for table in TABLE_NAMES:
        assert numbers(materialization(result, table)) == NUMBERS
    for table in PARTITIONED_TABLES:
        told = range_events(result, table)
        rows = new_deployment.crm.rows(
            f"SELECT id / 1000, count(*) FROM {table} WHERE source_hash IS NOT NULL GROUP BY 1"
        )
        inserted = {key: counts["rows_inserted"] for key, counts in told.items()}
        assert {int(key[:10]) // 1000: n for key, n in inserted.items() if n} == dict(rows)
        assert set(told) < new_deployment.materialized(table)


def test_after_a_run_of_everything_no_partition_of_any_table_is_missing(
    deployment: Deployment,
) -> None:
    deployment.register(ODD_IDS, LIVELY_IDS)

    deployment.run("sync_everything", *PARTITIONED_TABLES)

    for table in PARTITIONED_TABLES:
        assert deployment.materialized(table) == {EVERYTHING, ODD_IDS, LIVELY_IDS}


def test_a_run_of_what_changed_lately_gives_the_same_numbers(deployment: Deployment) -> None:
    order = deployment.shop.ids("SELECT ID FROM b_sale_order WHERE ID > 10021 ORDER BY ID")[3]
    deployment.shop.run(
        "UPDATE b_sale_order SET PRICE = 12.5, DATE_UPDATE = NOW() WHERE ID = %s", order
    )

    result = deployment.run("sync_changed", partition=CHANGED_LATELY)

    assert failures(result) == {}
    for table in TABLE_NAMES:
        metadata = materialization(result, table, CHANGED_LATELY)
        assert numbers(metadata) == NUMBERS
        assert metadata["scope"] == "changed lately"
        assert metadata["rows_updated"] == (1 if table == "orders" else 0)
    assert range_events(result, "orders")[LIVELY_IDS] == {
        "rows_inserted": 0,
        "rows_updated": 1,
        "rows_deleted": 0,
    }
    assert deployment.pipeline.differences("orders") == []


def test_a_run_of_a_range_brings_its_rows_and_leaves_the_others(
    new_deployment: Deployment,
) -> None:
    new_deployment.register(ODD_IDS, LIVELY_IDS)

    result = new_deployment.run("sync_everything", "orders", partition=ODD_IDS)

    metadata = materialization(result, "orders", ODD_IDS)
    rows = new_deployment.shop.value("SELECT COUNT(*) FROM b_sale_order WHERE ID < 1000")
    assert numbers(metadata) == NUMBERS | {"dagster/partition_row_count"}
    assert metadata["dagster/partition_row_count"] == metadata["rows_inserted"] == rows > 0
    assert new_deployment.crm.value("SELECT max(id) FROM orders") < 1000
    assert new_deployment.materialized("orders") == {ODD_IDS}


def test_the_preview_shows_no_column_that_holds_a_persons_data(deployment: Deployment) -> None:
    result = deployment.run("sync_everything", "users")

    preview = materialization(result, "users")["preview"]
    assert {column.name for column in preview.schema.columns}.isdisjoint(
        {"login", "email", "phone", "first_name", "last_name", "middle_name"}
    )
    assert len(preview.records) == 5


def test_no_page_of_a_run_holds_a_customers_address_or_phone(new_deployment: Deployment) -> None:
    shop = new_deployment.shop
    new_deployment.crm.run("ALTER TABLE users ADD CONSTRAINT odd CHECK (id <> 171)")
    first = new_deployment.run("sync_everything")
    shop.run("ALTER TABLE b_sale_order DROP PRICE")
    second = new_deployment.run("sync_everything", "orders")
    assert failures(second)

    instance = new_deployment.instance
    pages = "\n".join(
        f"{entry.user_message} {entry.dagster_event} {entry.error_info}"
        for run in (first, second)
        for entry in instance.all_logs(run.run_id)
    )
    personal = [
        value
        for row in shop.rows("SELECT EMAIL, PERSONAL_MOBILE, PERSONAL_PHONE, LOGIN FROM b_user")
        + shop.rows(
            "SELECT VALUE FROM b_sale_order_props_value AS v JOIN b_sale_order_props AS p"
            " ON p.ID = v.ORDER_PROPS_ID WHERE 'Y' IN (p.IS_EMAIL, p.IS_PHONE, p.IS_PAYER)"
        )
        for value in row
        if value and len(value.strip()) > 5
    ]
    assert len(personal) > 100
    assert [value for value in personal if value in pages] == []


@pytest.mark.parametrize("job", ["sync_everything", "sync_changed"])
def test_a_table_that_fails_is_told_in_one_sentence(deployment: Deployment, job: str) -> None:
    deployment.shop.run("ALTER TABLE b_sale_status DROP SORT")

    result = deployment.run(job, "order_statuses")

    assert list(failures(result)) == ["order_statuses"]
    assert failures(result)["order_statuses"].startswith(
        "order_statuses: b_sale_status.SORT was read before and is gone from the shop's MySQL;"
    )
