"""A table that cannot be synced holds up no other: the follow-up run of those left out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from shop_and_crm import STATUS_MAPPING, Pipeline

from bitrix_pipeline import resources
from bitrix_pipeline.assets.partitions import CHANGED_LATELY, ID_RANGES
from bitrix_pipeline.definitions import build_defs
from bitrix_pipeline.sensors import carry_on
from bitrix_pipeline.sensors.carry_on import tables_left_out

Run = dg.ExecuteInProcessResult
Follow = Callable[[Run], dg.RunRequest | dg.SkipReason]


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATUS_MAPPING", json.dumps(STATUS_MAPPING))
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions(str(ID_RANGES.name), [CHANGED_LATELY])
        yield made


@pytest.fixture
def run(instance: dg.DagsterInstance, synced: Pipeline) -> Callable[..., Run]:
    """A run of sync_changed, or what a run request asks for."""
    shop = resources.ShopMySQL(url=synced.shop.url)
    crm = resources.CrmPostgres(url=synced.crm.url)
    defs = build_defs(resources={"pipeline": resources.Pipeline(shop=shop, crm=crm)})

    def execute(request: dg.RunRequest | None = None) -> Run:
        request = request or dg.RunRequest(
            job_name="sync_changed", partition_key=CHANGED_LATELY, asset_selection=None
        )
        return defs.resolve_job_def(str(request.job_name)).execute_in_process(
            instance=instance,
            partition_key=request.partition_key,
            asset_selection=request.asset_selection,
            raise_on_error=False,
        )

    return execute


@pytest.fixture
def follow(instance: dg.DagsterInstance) -> Follow:
    """What the sensor does about a failed run."""

    def look(failed: Run) -> dg.RunRequest | dg.SkipReason:
        context = dg.build_run_status_sensor_context(
            sensor_name=carry_on.name,
            dagster_event=failed.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=failed.dagster_run,
        )
        found: dg.RunRequest | dg.SkipReason = carry_on(context.for_run_failure())  # type: ignore[assignment]
        return found

    return look


def tables_of(request: dg.RunRequest | dg.SkipReason) -> list[str]:
    assert isinstance(request, dg.RunRequest), request
    return [key.to_user_string() for key in request.asset_selection or ()]


def tried(run: Run) -> dict[str, bool]:
    """Which tables' syncs were tried, and whether they succeeded."""
    events = [e for e in run.all_events if e.step_key in {"users", "orders", "order_items"}]
    failed = {e.step_key for e in events if e.is_step_failure}
    started = {e.step_key for e in events if e.is_step_start}
    return {str(step): step not in failed for step in started}


def test_orders_are_synced_in_a_run_of_their_own_when_users_cannot_be(
    run: Callable[..., Run], follow: Follow, synced: Pipeline
) -> None:
    order = synced.shop.ids("SELECT MAX(ID) FROM b_sale_order")[0]
    synced.shop.run(
        "UPDATE b_sale_order SET PRICE = 12.5, DATE_UPDATE = NOW() WHERE ID = %s", order
    )
    synced.shop.run("ALTER TABLE b_user DROP XML_ID")

    first = run()
    request = follow(first)

    assert tried(first) == {"users": False}
    assert tables_of(request) == ["orders", "order_items"]
    assert isinstance(request, dg.RunRequest)
    assert (request.job_name, request.partition_key) == ("sync_changed", CHANGED_LATELY)
    assert request.run_key == first.run_id

    second = run(request)

    assert second.success
    assert tried(second) == {"orders": True, "order_items": True}
    assert synced.crm.cell("orders", order, "price") == 12.5


def test_it_ends_when_every_table_was_tried(
    run: Callable[..., Run], follow: Follow, synced: Pipeline
) -> None:
    synced.shop.run("ALTER TABLE b_user DROP XML_ID")
    synced.shop.run("ALTER TABLE b_sale_order DROP COMMENTS")

    first = run()
    second = run(follow(first))
    third = run(follow(second))

    assert [tried(each) for each in (first, second, third)] == [
        {"users": False},
        {"orders": False},
        {"order_items": True},
    ]
    assert third.success


def test_a_failed_table_without_children_needs_no_other_run(
    run: Callable[..., Run], follow: Follow, synced: Pipeline
) -> None:
    synced.shop.run("ALTER TABLE b_sale_status DROP SORT")

    assert follow(run()) == dg.SkipReason("Every table was tried.")


def test_a_run_that_died_before_any_table_is_retried_by_dagster_and_not_here(
    instance: dg.DagsterInstance,
) -> None:
    dead = dg.DagsterRun(job_name="sync_changed", status=dg.DagsterRunStatus.FAILURE)

    assert tables_left_out(instance, instance.add_run(dead)) == []
