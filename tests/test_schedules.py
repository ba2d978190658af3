"""The schedules tick by tick: when a tick starts a run, and when it says why not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from bitrix_pipeline.assets.partitions import ID_RANGES
from bitrix_pipeline.jobs import sync_changed, sync_everything
from bitrix_pipeline.resources import CrmPostgres, Pipeline, ShopMySQL
from bitrix_pipeline.schedules import (
    UNFINISHED,
    daily_housekeeping,
    every_five_minutes,
    every_quarter,
    nightly,
)

# Nothing connects: a tick only looks at what is configured and at Dagster's runs.
CONFIGURED = Pipeline(
    shop=ShopMySQL(url="mysql://shop.example/shop"), crm=CrmPostgres(url="postgresql://crm.example")
)
SYNCS = [(every_five_minutes, "changed-lately"), (nightly, "everything")]
FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    monkeypatch.chdir(tmp_path)
    for name in ("BITRIX_MYSQL_URL", "POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


@pytest.fixture
def tick(
    instance: dg.DagsterInstance,
) -> Callable[..., dg.RunRequest | dg.SkipReason]:
    def evaluate(
        schedule: dg.ScheduleDefinition, pipeline: Pipeline = CONFIGURED
    ) -> dg.RunRequest | dg.SkipReason:
        with dg.build_schedule_context(
            instance=instance, resources={"pipeline": pipeline}
        ) as context:
            found: dg.RunRequest | dg.SkipReason = schedule(context)  # type: ignore[assignment]
            return found

    return evaluate


Tick = Callable[..., dg.RunRequest | dg.SkipReason]


@pytest.mark.parametrize(("schedule", "key"), SYNCS)
def test_a_tick_runs_its_partition_and_registers_it(
    tick: Tick, instance: dg.DagsterInstance, schedule: dg.ScheduleDefinition, key: str
) -> None:
    requests = [tick(schedule), tick(schedule)]

    assert [request.partition_key for request in requests] == [key, key]
    assert instance.get_dynamic_partitions(str(ID_RANGES.name)) == [key]


@pytest.mark.parametrize("schedule", [every_five_minutes, nightly, every_quarter])
@pytest.mark.parametrize("half", [{}, {"shop": "mysql://h/d"}, {"crm": "postgresql://h/d"}])
def test_a_fresh_checkout_runs_nothing(
    tick: Tick, schedule: dg.ScheduleDefinition, half: dict[str, str]
) -> None:
    pipeline = Pipeline(
        shop=ShopMySQL(url=half.get("shop", "")), crm=CrmPostgres(url=half.get("crm", ""))
    )

    assert tick(schedule, pipeline) == dg.SkipReason(
        "BITRIX_MYSQL_URL and POSTGRES_URL are not both set: see .env.example"
    )


# Dagster makes a queued run only through a code location, so that one is looked up in the list.
@pytest.mark.parametrize("status", [s for s in UNFINISHED if s is not dg.DagsterRunStatus.QUEUED])
def test_a_tick_waits_for_the_run_before_it(
    tick: Tick, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    add_run(instance, status)

    assert tick(every_five_minutes) == dg.SkipReason(
        "the previous run of sync_changed has not ended"
    )


@pytest.mark.parametrize("status", FINISHED)
def test_a_run_that_has_ended_is_in_nobodys_way(
    tick: Tick, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    add_run(instance, status)

    assert isinstance(tick(every_five_minutes), dg.RunRequest)


def test_the_nightly_run_does_not_wait_for_the_small_one(
    tick: Tick, instance: dg.DagsterInstance
) -> None:
    add_run(instance, dg.DagsterRunStatus.STARTED)

    assert isinstance(tick(nightly), dg.RunRequest)


def test_the_checks_need_no_partition(tick: Tick) -> None:
    request = tick(every_quarter)

    assert isinstance(request, dg.RunRequest)
    assert request.partition_key is None


def test_the_schedules_run_without_being_turned_on() -> None:
    running = {
        schedule.name: schedule.job_name
        for schedule in (every_five_minutes, nightly, every_quarter, daily_housekeeping)
        if schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    }

    assert running == {
        "every_five_minutes": sync_changed.name,
        "nightly": sync_everything.name,
        "every_quarter": "check_tables",
        "daily_housekeeping": "housekeeping",
    }


def add_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> None:
    """A run of sync_changed that stands so."""
    run = dg.DagsterRun(job_name=sync_changed.name, status=dg.DagsterRunStatus.NOT_STARTED)
    instance.add_run(run.with_status(status))
