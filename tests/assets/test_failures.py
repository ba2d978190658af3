"""What another try can mend is tried again; what a person must mend is not."""

from collections.abc import Callable

import dagster as dg
import pytest
from deployment import Deployment, checks, failures, materialization, retries
from shop_and_crm import Crm, Pipeline, Shop

from bitrix_pipeline.assets import tables
from bitrix_pipeline.assets.partitions import EVERYTHING, SPECIAL_KEYS
from bitrix_pipeline.definitions import build_defs

AWAY = "mysql://root@127.0.0.1:1/shop"


def test_a_failed_step_waits_longer_before_each_of_three_more_tries() -> None:
    for asset in tables.TABLE_ASSETS:
        policy = asset.op.retry_policy
        assert policy is not None
        waits = [policy.calculate_delay(attempt) for attempt in (1, 2, 3)]
        assert policy.max_retries == 3
        assert all(0 < wait < 60 * 2 for wait in waits)
        assert policy.backoff is dg.Backoff.EXPONENTIAL


def test_a_database_that_is_away_is_tried_again(
    deploy: Callable[[Pipeline], Deployment],
    pristine_shop: Shop,
    crm: Crm,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "RETRIES", dg.RetryPolicy(max_retries=tables.RETRIES.max_retries))
    statuses = tables.build_table_asset(tables.TABLES[0])
    deployment = deploy(Pipeline(Shop(pristine_shop.connection, AWAY), crm))
    deployment.register(*SPECIAL_KEYS)

    result = dg.materialize(
        [statuses],
        instance=deployment.instance,
        resources=build_defs().resources | dict(deployment.definitions().resources or {}),
        raise_on_error=False,
    )

    assert retries(result) == 3
    [told] = failures(result).values()
    assert "TransientError: the shop's MySQL did not answer in time or is away" in told


def test_a_column_that_is_gone_is_not_tried_again_and_accepting_it_goes_on(
    deployment: Deployment,
) -> None:
    deployment.shop.run("ALTER TABLE b_sale_status DROP SORT")

    drifted = deployment.run("sync_everything", "order_statuses")
    accepted = deployment.run("sync_everything", "order_statuses", accept_schema=True)

    assert retries(drifted) == 0
    assert "bitrix-pipeline sync --table order_statuses --accept-schema" in str(failures(drifted))
    assert failures(accepted) == {}
    assert deployment.crm.value("SELECT count(sort) FROM order_statuses") == 0


def test_a_wave_of_deletions_writes_nothing_until_a_run_allows_it(
    deployment: Deployment,
) -> None:
    deployment.shop.run("DELETE FROM b_iblock_section")
    before = deployment.crm.contents("categories")

    refused = deployment.run("sync_everything", "categories")

    assert retries(refused) == 0
    assert "b_iblock_section has no rows for it at all; nothing was written" in str(
        failures(refused)
    )
    assert deployment.crm.contents("categories") == before

    allowed = deployment.run("sync_everything", "categories", allow_deletions=True)

    assert materialization(allowed, "categories")["rows_deleted"] > 50


def test_other_tables_go_on_when_one_fails(deployment: Deployment) -> None:
    deployment.shop.run("ALTER TABLE b_sale_status DROP SORT")

    result = deployment.run("sync_everything", "order_statuses", "users", "orders")

    assert list(failures(result)) == ["order_statuses"]
    assert materialization(result, "orders", EVERYTHING)["rows_read"] > 0
    assert checks(result)["orders:equal_to_source"].passed


def test_settings_that_are_missing_fail_a_run_in_a_sentence(
    deploy: Callable[[Pipeline], Deployment], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BITRIX_MYSQL_URL", raising=False)
    shop = Shop(pipeline.shop.connection, "")

    result = deploy(Pipeline(shop, pipeline.crm)).run("sync_everything", "order_statuses")

    assert failures(result)["order_statuses"].startswith("BITRIX_MYSQL_URL is not set: write ")
    assert retries(result) == 0
