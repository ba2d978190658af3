"""The sensor that starts drains, tick by tick."""

import importlib
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from pooler import transaction_pooler
from received import jobs, receive
from shop_and_crm import Crm, fails

from bitrix_pipeline import resources
from bitrix_pipeline.assets.inbox import ENDED_BY_TAG, OUTAGE
from bitrix_pipeline.errors import TargetError
from bitrix_pipeline.jobs import UNFINISHED
from bitrix_pipeline.sensors import drain_inbox
from bitrix_pipeline.servers import PrivatePostgres

MODULE = importlib.import_module("bitrix_pipeline.sensors.drain_inbox")
AWAY = "postgresql://postgres@127.0.0.1:1/crm"
JOB = "drain_inbox"

FAILED, DONE = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
NOTHING = dg.SkipReason("Nothing waits.")
UNDER_WAY = dg.SkipReason("a drain is under way, and sees what comes")

Found = dg.SensorResult | dg.SkipReason
Tick = Callable[..., Found]
Later = Callable[[float], None]


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """As both dagster.yaml make it: sensors are evaluated in threads."""
    monkeypatch.chdir(tmp_path)
    for name in ("BITRIX_MYSQL_URL", "POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    threads = {"sensors": {"use_threads": True, "num_workers": 4}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=threads) as made:
        yield made


@pytest.fixture
def tick(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Tick:
    """A look of the sensor that waits for news no longer than it is told."""

    def look(url: str, *, hold: float = 0.2, instance: dg.DagsterInstance = instance) -> Found:
        monkeypatch.setattr(MODULE, "HOLD_SECONDS", hold)
        inbox = resources.Inbox(
            shop=resources.ShopMySQL(url=""), crm=resources.CrmPostgres(url=url)
        )
        with dg.build_sensor_context(instance=instance, resources={"inbox": inbox}) as context:
            found: Found = drain_inbox(context)  # type: ignore[assignment]
        return found

    return look


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets time pass, as the sensor sees it."""

    def pass_time(seconds: float) -> None:
        clock = SimpleNamespace(time=lambda: time.time() + seconds)
        monkeypatch.setattr(MODULE, "time", clock)

    return pass_time


def add_run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str] | None = None
) -> None:
    run = dg.DagsterRun(job_name=JOB, status=dg.DagsterRunStatus.NOT_STARTED, tags=tags or {})
    instance.add_run(run.with_status(status))


def requested(found: Found) -> dg.RunRequest:
    assert isinstance(found, dg.SensorResult), found
    [request] = found.run_requests or []
    return request


def after(seconds: float, act: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def test_an_empty_inbox_starts_nothing(tick: Tick, crm: Crm) -> None:
    assert tick(crm.url) == NOTHING


def test_what_waits_starts_one_drain_which_can_be_started_again_and_again(
    tick: Tick, crm: Crm
) -> None:
    receive(crm, "order.saved", 1, 2, 3)

    first, second = tick(crm.url), tick(crm.url)

    # A run key is remembered for ever: the second drain of the same would never come.
    assert [requested(found).run_key for found in (first, second)] == [None, None]
    assert requested(first).tags["inbox_events"] == "3"
    assert isinstance(first, dg.SensorResult)
    assert json.loads(str(first.cursor))["events"] == 3


def test_a_tick_only_reads(tick: Tick, crm: Crm) -> None:
    """The UI's preview executes it."""
    receive(crm, "order.saved", 1)
    before = jobs(crm, "*")

    tick(crm.url)

    assert jobs(crm, "*") == before


def test_what_is_not_due_yet_waits(tick: Tick, crm: Crm) -> None:
    receive(crm, "order.saved", 1)
    crm.run("UPDATE bitrix_pipeline.inbox_jobs SET due_at = now() + interval '9 s'")

    assert tick(crm.url) == NOTHING


def test_a_tick_that_waits_returns_as_soon_as_an_event_arrives(tick: Tick, crm: Crm) -> None:
    arrives = after(1.0, lambda: receive(crm, "order.saved", 1))

    started = time.monotonic()
    found = tick(crm.url, hold=25)
    arrives.join()

    assert requested(found).tags["inbox_events"] == "1"
    assert 1.0 <= time.monotonic() - started < 5


def test_behind_a_transaction_pooler_it_looks_again_and_again(
    tick: Tick, crm: Crm, postgres: PrivatePostgres
) -> None:
    with transaction_pooler(postgres.port) as port:
        pooled = crm.url.replace(f":{postgres.port}/", f":{port}/")
        arrives = after(2.5, lambda: receive(crm, "order.saved", 1))
        started = time.monotonic()
        found = tick(pooled, hold=25)
        arrives.join()

    assert requested(found).tags["inbox_events"] == "1"
    assert time.monotonic() - started < 8


def test_where_one_thread_evaluates_all_sensors_a_tick_holds_up_none(tick: Tick, crm: Crm) -> None:
    started = time.monotonic()
    with dg.DagsterInstance.ephemeral() as unthreaded:
        assert tick(crm.url, hold=25, instance=unthreaded) == NOTHING

    assert time.monotonic() - started < 5


# Dagster makes a queued run only through a code location, so that one is looked up in the list.
@pytest.mark.parametrize("status", [s for s in UNFINISHED if s is not dg.DagsterRunStatus.QUEUED])
def test_while_a_drain_is_under_way_there_is_no_other(
    tick: Tick, crm: Crm, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    receive(crm, "order.saved", 1)
    add_run(instance, status)

    started = time.monotonic()
    assert tick(crm.url, hold=25) == UNDER_WAY
    assert time.monotonic() - started < 5
    assert dg.DagsterRunStatus.QUEUED in UNFINISHED


def test_a_drain_that_a_person_started_while_the_tick_waited_is_enough(
    tick: Tick, crm: Crm, instance: dg.DagsterInstance
) -> None:
    def drain_by_hand() -> None:
        add_run(instance, dg.DagsterRunStatus.STARTED)
        receive(crm, "order.saved", 1)

    by_hand = after(1.0, drain_by_hand)

    assert tick(crm.url, hold=25) == UNDER_WAY
    by_hand.join()


@pytest.mark.parametrize(
    ("drains", "seconds", "after_outages"),
    [(1, 5, 5), (2, 10, 10), (3, 20, 20), (4, 40, 40), (5, 80, 60), (7, 300, 60)],
)
def test_each_drain_that_comes_to_nothing_makes_the_pause_longer(
    drains: int, seconds: float, after_outages: float
) -> None:
    assert MODULE.pause(drains, is_outage=False) == seconds
    assert MODULE.pause(drains, is_outage=True) == after_outages


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5), (3, 20), (9, 300)])
def test_after_failed_drains_the_next_waits(
    tick: Tick, crm: Crm, instance: dg.DagsterInstance, later: Later, *, failures: int, seconds: int
) -> None:
    receive(crm, "order.saved", 1)
    for _ in range(failures):
        add_run(instance, FAILED)

    later(seconds - 3)
    waits = tick(crm.url, hold=25)
    later(seconds + 1)
    found = tick(crm.url, hold=25)

    assert isinstance(waits, dg.SkipReason)
    assert "drains in a row came to nothing; the next begins in " in str(waits.skip_message)
    assert requested(found)


def test_after_an_outage_news_waits_for_a_minute_at_most(
    tick: Tick, crm: Crm, instance: dg.DagsterInstance, later: Later
) -> None:
    receive(crm, "order.saved", 1)
    for _ in range(8):
        add_run(instance, DONE, {ENDED_BY_TAG: OUTAGE})

    later(55)
    assert isinstance(tick(crm.url), dg.SkipReason)
    later(61)
    assert requested(tick(crm.url))


@pytest.mark.parametrize("status", [DONE, dg.DagsterRunStatus.CANCELED])
def test_a_drain_that_ended_well_is_in_nobodys_way(
    tick: Tick, crm: Crm, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    receive(crm, "order.saved", 1)
    for each in (FAILED, FAILED, status):
        add_run(instance, each)

    assert requested(tick(crm.url))


def test_a_postgres_that_is_away_is_looked_for_again_later(tick: Tick) -> None:
    started = time.monotonic()
    found = tick(AWAY, hold=25)

    assert isinstance(found, dg.SkipReason)
    assert str(found.skip_message).startswith("Postgres is away (")
    assert time.monotonic() - started < 5


def test_an_account_that_is_refused_fails_the_tick_without_telling_the_password(
    tick: Tick, crm: Crm
) -> None:
    url = crm.url.replace("postgres@", "nobody:hunter2@")
    words = "Postgres refuses the account or database in POSTGRES_URL"
    with pytest.raises(TargetError, match=words) as told:
        tick(url)

    assert "hunter2" not in "".join(traceback.format_exception(told.value))


def test_a_database_that_was_not_migrated_fails_the_tick_and_says_what_to_do(
    tick: Tick, postgres: PrivatePostgres
) -> None:
    with fails(TargetError, "run bitrix-pipeline migrate"):
        tick(postgres.url_of("template1"))


def test_a_fresh_checkout_has_no_inbox_to_look_at(tick: Tick) -> None:
    started = time.monotonic()

    assert tick("", hold=25) == dg.SkipReason("POSTGRES_URL is not set: see .env.example")
    assert time.monotonic() - started < 5
