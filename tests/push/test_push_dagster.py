"""The job, its schedule and its checks, over real servers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pushing import Desk

from bitrix_pipeline import resources
from bitrix_pipeline.assets.partitions import EVERYTHING, ID_RANGES
from bitrix_pipeline.assets.push import BITRIX, DIFFS
from bitrix_pipeline.definitions import build_defs
from bitrix_pipeline.demo_rest import overload_limit
from bitrix_pipeline.jobs import push_statuses
from bitrix_pipeline.schedules import push_every_five_minutes

NUMBERS = {
    "orders_sent",
    "orders_confirmed",
    "orders_in_conflict",
    "orders_failed",
    "orders_dead",
    "orders_waiting",
}


@pytest.fixture
def instance(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATUS_MAPPING", json.dumps(dict(desk.pipeline.settings.status_mapping)))
    monkeypatch.setenv("BITRIX_REST_URL", desk.rest.simulator.webhook_url)
    monkeypatch.setenv("BITRIX_REST_RATE", "off")
    monkeypatch.delenv("POSTGRES_URL", raising=False)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def status_push(desk: Desk) -> resources.StatusPush:
    return resources.StatusPush(crm=resources.CrmPostgres(url=desk.crm.url))


def definitions(desk: Desk) -> dg.Definitions:
    shop = resources.ShopMySQL(url=desk.pipeline.shop.url)
    crm = resources.CrmPostgres(url=desk.crm.url)
    return build_defs(
        resources={
            "pipeline": resources.Pipeline(shop=shop, crm=crm),
            "status_push": status_push(desk),
        }
    )


def run(
    desk: Desk, instance: dg.DagsterInstance, job: str = "push_statuses", **how: Any
) -> dg.ExecuteInProcessResult:
    found = definitions(desk).resolve_job_def(job)
    return found.execute_in_process(instance=instance, raise_on_error=False, **how)


def tick(desk: Desk, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    with dg.build_schedule_context(
        instance=instance, resources={"status_push": status_push(desk)}
    ) as context:
        return push_every_five_minutes(context)  # type: ignore[return-value]


def skipped(found: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(found, dg.SkipReason)
    return str(found.skip_message)


def observed(instance: dg.DagsterInstance) -> dict[str, Any]:
    records = instance.fetch_observations(dg.AssetKey(BITRIX), limit=1).records
    observation = records[0].asset_observation
    assert observation is not None
    return {name: value.value for name, value in observation.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


def failure(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data
    told = data.user_failure_data.description if data.user_failure_data else None
    return str(told or data.error)


def test_a_run_shows_the_differences_and_observes_bitrix(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    paid, lost = desk.prepare(2)
    desk.set("paid", paid)
    desk.set("lost", lost)

    result = run(desk, instance)

    assert result.success
    [event] = result.get_asset_materialization_events()
    shown = event.materialization.metadata
    assert shown["orders_that_differ"].value == 2
    table = {row.data["order"]: row.data for row in shown["differences"].value.records}
    assert table[paid]["send"] == "STATUS_ID=P"
    found = observed(instance)
    assert {name for name in found if isinstance(found[name], int)} == NUMBERS
    assert (found["orders_sent"], found["orders_dead"]) == (1, 1)
    [row] = found["failures"].records
    assert (row.data["order"], row.data["state"]) == (lost, "dead")
    assert checks(result) == {"nothing_given_up": False, "no_status_waits_too_long": True}


def test_it_runs_downstream_of_partitioned_orders_that_were_materialized(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    """What decision 0003 met: a run without a partition after runs with one."""
    [order] = desk.prepare(1)
    instance.add_dynamic_partitions(str(ID_RANGES.name), [EVERYTHING])
    orders = {"partition_key": EVERYTHING, "asset_selection": [dg.AssetKey("orders")]}
    assert run(desk, instance, "sync_everything", **orders).success
    desk.set("paid", order)
    assert run(desk, instance).success
    assert run(desk, instance, "sync_everything", **orders).success
    assert run(desk, instance).success
    assert desk.in_crm(order) == ("paid", "P", False)
    assert desk.in_bitrix(order) == ("P", "N")


def test_a_mass_change_fails_the_run_until_it_is_allowed(
    desk: Desk, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSH_MAX_CHANGES", "2")
    desk.set("paid", desk.prepare(3))

    result = run(desk, instance)

    assert "3 orders would change" in failure(result)
    assert "--allow-mass" in skipped(tick(desk, instance))
    allowed = run(desk, instance, run_config={"ops": {DIFFS: {"config": {"allow_mass": True}}}})
    assert allowed.success
    assert observed(instance)["orders_sent"] == 3


def test_overload_fails_the_run_without_another_try(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    desk.set("paid", desk.prepare(1))
    desk.rest.suffers(overload_limit())

    result = run(desk, instance)

    assert "OVERLOAD_LIMIT" in failure(result)
    assert not any(e.event_type_value == "STEP_UP_FOR_RETRY" for e in result.all_events)
    assert observed(instance)["ended_by"] == "OverloadError"


def test_after_an_overload_the_schedule_waits_for_a_person(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    desk.rest.suffers(overload_limit())
    run(desk, instance)
    asked = len(desk.rest.asked)

    assert "ask its support to unblock" in skipped(tick(desk, instance))

    assert len(desk.rest.asked) == asked
    assert run(desk, instance).success
    desk.set("new", order)
    assert isinstance(tick(desk, instance), dg.RunRequest)


def test_no_page_of_a_run_holds_the_webhooks_secret_or_a_customer(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    desk.crm.run("UPDATE orders SET contact_name = 'КанарейкаИмя', contact_email = 'canary@x.ru'")
    desk.rest.behaves(vetoed=frozenset({"F"}))
    first, second = desk.prepare(2)
    desk.set("completed", first)
    desk.set("paid", second)
    runs = [run(desk, instance)]
    desk.rest.simulator.bitrix.options = type(desk.rest.simulator.bitrix.options)(code="another")
    desk.set("new", second)
    runs.append(run(desk, instance))

    assert not runs[1].success
    pages = "\n".join(
        f"{entry.user_message} {entry.dagster_event} {entry.error_info}"
        for each in runs
        for entry in instance.all_logs(each.run_id)
    )
    assert "c4n4ryc0d3s3cr3t" not in pages
    assert "анарейка" not in pages
    assert "canary@x.ru" not in pages


def test_the_schedule_runs_only_when_there_is_something_to_send(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    [order] = desk.prepare(1)
    assert skipped(tick(desk, instance)) == "no order's status differs from Bitrix's"

    desk.set("completed", order)
    assert isinstance(tick(desk, instance), dg.RunRequest)
    assert desk.rest.asked == []

    desk.rest.behaves(vetoed=frozenset({"F"}))
    run(desk, instance)
    assert "the next try is due in" in skipped(tick(desk, instance))
    desk.make_due()
    assert isinstance(tick(desk, instance), dg.RunRequest)


def test_the_schedule_has_the_ledger_closed_for_what_the_crm_took_back(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    [order] = desk.prepare(1)
    desk.set("lost", order)
    run(desk, instance)
    assert isinstance(tick(desk, instance), dg.SkipReason)
    desk.set("new", order)

    assert isinstance(tick(desk, instance), dg.RunRequest)
    assert checks(run(desk, instance))["nothing_given_up"]
    assert isinstance(tick(desk, instance), dg.SkipReason)


def test_the_schedule_knows_what_differs_where_statuses_were_never_synced(
    desk: Desk, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSH_STATUS_MAPPING", '{"packed": "P"}')
    desk.crm.run("TRUNCATE order_statuses")
    packed, lost = desk.prepare(2)
    assert isinstance(tick(desk, instance), dg.SkipReason)
    desk.set("packed", packed)
    desk.set("lost", lost)

    assert isinstance(tick(desk, instance), dg.RunRequest)
    assert run(desk, instance).success
    assert isinstance(tick(desk, instance), dg.SkipReason)
    assert desk.in_bitrix(packed) == ("P", "N")


def test_a_mass_change_that_the_crm_takes_back_holds_up_nobody(
    desk: Desk, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSH_MAX_CHANGES", "2")
    first, *others = desk.prepare(3)
    desk.set("paid", [first, *others])
    assert not run(desk, instance).success
    assert "--allow-mass" in skipped(tick(desk, instance))

    desk.set("new", others)

    assert isinstance(tick(desk, instance), dg.RunRequest)
    assert run(desk, instance).success
    assert desk.in_bitrix(first) == ("P", "N")


def test_what_a_person_must_mend_fails_the_tick(
    desk: Desk, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSH_STATUS_MAPPING", '{"paid": "QQ"}')

    with pytest.raises(dg.Failure, match="PUSH_STATUS_MAPPING names QQ"):
        tick(desk, instance)


def test_the_schedule_skips_what_is_not_configured(
    desk: Desk, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BITRIX_REST_URL")

    assert "BITRIX_REST_URL" in skipped(tick(desk, instance))


def test_the_schedule_skips_while_a_run_is_in_flight(
    desk: Desk, instance: dg.DagsterInstance
) -> None:
    desk.set("paid", desk.prepare(1))
    job = definitions(desk).resolve_job_def(push_statuses.name)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)

    assert skipped(tick(desk, instance)) == "the previous run of push_statuses has not ended"


def test_what_waits_too_long_fails_a_check(desk: Desk, instance: dg.DagsterInstance) -> None:
    desk.set("completed", desk.prepare(1))
    desk.rest.behaves(vetoed=frozenset({"F"}))
    run(desk, instance)
    desk.crm.run("UPDATE bitrix_pipeline.push_orders SET desired_since = now() - interval '2 h'")

    assert checks(run(desk, instance)) == {
        "nothing_given_up": True,
        "no_status_waits_too_long": False,
    }
