"""Several syncs at once: each ends, none undoes another's work, none waits for ever."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from time import monotonic, sleep

import pytest
from shop_and_crm import TABLE_NAMES, Pipeline, fails, written

from bitrix_pipeline.errors import TurnMissedError
from bitrix_pipeline.sync import table_sync
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.scope import ChangedLately, Everything, Scope

FILLED, MERGED = 1, 10**9

WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'bitrix_pipeline'
  AND (wait_event_type = 'Lock' OR query LIKE '%pg_try_advisory%')
"""


def at_once(pipeline: Pipeline, *tables: str, scope: Scope | None = None) -> list[SyncResult]:
    with ThreadPoolExecutor(len(tables)) as threads:
        running = [threads.submit(pipeline.sync, table, scope) for table in tables]
        return [sync.result() for sync in running]


def wait_until_somebody_waits(pipeline: Pipeline, seconds: float = 5) -> None:
    deadline = monotonic() + seconds
    while monotonic() < deadline and not pipeline.crm.value(WAITING):
        sleep(0.01)


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_two_first_syncs_of_a_table_insert_each_row_once(pipeline: Pipeline, table: str) -> None:
    results = at_once(pipeline, table, table)

    assert pipeline.differences(table) == []
    assert sorted(bool(result.inserted) for result in results) == [False, True]


def test_two_syncs_of_a_changed_table_write_each_change_once(synced: Pipeline) -> None:
    synced.shop.run("UPDATE b_user SET NAME = 'Новое'")
    synced.shop.run("DELETE FROM b_user WHERE ID % 5 = 0")

    results = at_once(synced, "users", "users", scope=ChangedLately())

    assert synced.differences("users") == []
    assert sorted(bool(r.updated or r.deleted) for r in results) == [False, True]


@pytest.mark.parametrize("fill_rows", [FILLED, MERGED], ids=["filled", "merged"])
def test_first_syncs_of_all_tables_at_once_end_equal(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, fill_rows: int
) -> None:
    monkeypatch.setattr(table_sync, "FILL_ROWS", fill_rows)

    at_once(pipeline, *reversed(TABLE_NAMES), *TABLE_NAMES)

    assert pipeline.differences() == []
    assert written(pipeline.sync_all()) == {}


@pytest.mark.parametrize("fill_rows", [FILLED, MERGED], ids=["filled", "merged"])
@pytest.mark.parametrize("parent", ["orders", "products"])
def test_lines_and_their_parents_never_wait_for_each_other(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, parent: str, fill_rows: int
) -> None:
    monkeypatch.setattr(table_sync, "FILL_ROWS", fill_rows)
    started: Event = Event()

    def hold_on(step: str, *_: int) -> None:
        """Amid the lines' load, lets the sync of the parents come as far as it can."""
        if step.startswith("loaded") and not started.is_set():
            started.set()
            wait_until_somebody_waits(pipeline, seconds=1)

    with ThreadPoolExecutor(1) as thread:
        lines = thread.submit(replace(pipeline, progress=hold_on).sync, "order_items")
        assert started.wait(20)
        pipeline.sync(parent)
        lines.result()

    assert pipeline.differences("order_items", parent) == []


def test_a_fill_waits_for_nobody_who_reads_its_parents(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_sync, "FILL_ROWS", FILLED)

    with pipeline.crm.connection.transaction():
        pipeline.crm.run("SELECT count(*) FROM users")
        pipeline.sync("orders")

    assert pipeline.differences("orders") == []


def test_a_sync_gives_up_waiting_for_its_turn(synced: Pipeline) -> None:
    with (
        ThreadPoolExecutor(1) as thread,
        synced.crm.connection.transaction(),
    ):
        synced.crm.run(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            "bitrix_pipeline.sync.public.users",
        )
        waiting = thread.submit(synced.sync, "users", lock_deadline_seconds=1)
        with fails(TurnMissedError, "users", "another sync", "1 s"):
            waiting.result()


def test_an_older_look_never_overwrites_a_newer_one(synced: Pipeline) -> None:
    paused, go_on = Event(), Event()

    def pause(step: str, *_: int) -> None:
        if step == "compared":
            paused.set()
            go_on.wait(20)

    with ThreadPoolExecutor(2) as threads:
        synced.shop.run("UPDATE b_user SET NAME = 'Старое'")
        older = threads.submit(replace(synced, progress=pause).sync, "users", Everything())
        paused.wait()
        synced.shop.run("UPDATE b_user SET NAME = 'Новое'")
        newer = threads.submit(synced.sync, "users", Everything())
        wait_until_somebody_waits(synced)
        go_on.set()
        older.result()
        newer.result()

    assert synced.differences("users") == []


def test_readers_of_the_crm_are_not_kept_waiting(synced: Pipeline) -> None:
    synced.shop.run("UPDATE b_sale_order SET COMMENTS = 'Новое'")
    counts = []

    def read(step: str, *_: int) -> None:
        if step == "loaded":
            synced.crm.run("SET lock_timeout = '1s'")
            counts.append(synced.crm.value("SELECT count(*) FROM orders"))

    replace(synced, progress=read).sync("orders")

    assert counts
    synced.crm.run("RESET lock_timeout")
