"""Killed at any moment, by whatever hand: nothing half-done stays, and the next sync ends equal."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from shop_and_crm import Crm, Pipeline, Shop, fails, new_shop, written

from bitrix_pipeline.errors import StatementAbortedError, TransientError
from bitrix_pipeline.servers import PrivateMariaDB

TESTS = Path(__file__).parents[1]
FILLED, MERGED = 1, 10**9


def kill_sync_when_it_says(pipeline: Pipeline, words: str, fill_rows: int) -> None:
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("kill_me.py"), pipeline.shop.url,
         pipeline.crm.url, str(fill_rows)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == words:
                process.kill()
    assert process.returncode == -signal.SIGKILL


def change(pipeline: Pipeline) -> None:
    pipeline.shop.run("UPDATE b_sale_order SET COMMENTS = 'Новое'")
    pipeline.shop.run("UPDATE b_sale_basket SET QUANTITY = QUANTITY + 1 WHERE ID % 2")
    pipeline.shop.run("DELETE FROM b_sale_basket WHERE ID % 7 = 0")


@pytest.mark.parametrize("fill_rows", [FILLED, MERGED], ids=["filling", "merging"])
@pytest.mark.parametrize("moment", ["loaded IDs", "synced orders"])
def test_a_first_sync_that_is_killed_and_run_again_ends_equal(
    pipeline: Pipeline, moment: str, fill_rows: int
) -> None:
    kill_sync_when_it_says(pipeline, moment, fill_rows)

    pipeline.sync_all()

    assert pipeline.differences() == []
    assert written(pipeline.sync_all()) == {}


@pytest.mark.parametrize("moment", ["compared", "loaded", "synced orders"])
def test_a_later_sync_that_is_killed_and_run_again_ends_equal(
    synced: Pipeline, moment: str
) -> None:
    change(synced)
    kill_sync_when_it_says(synced, moment, MERGED)

    synced.sync_all()

    assert synced.differences() == []
    assert written(synced.sync_all()) == {}


def test_a_sync_killed_while_it_indexes_leaves_every_index(pipeline: Pipeline) -> None:
    count = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"
    before = pipeline.crm.value(count)

    kill_sync_when_it_says(pipeline, "indexing", FILLED)
    pipeline.sync_all()

    assert pipeline.crm.value(count) == before
    assert pipeline.differences() == []


def test_a_killed_sync_leaves_nothing_behind(synced: Pipeline) -> None:
    state = "SELECT s::text FROM bitrix_pipeline.sync_state AS s ORDER BY 1"
    before = synced.crm.contents(), synced.crm.rows(state)
    change(synced)

    kill_sync_when_it_says(synced, "loaded", MERGED)

    assert (synced.crm.contents(), synced.crm.rows(state)) == before


@pytest.mark.parametrize("moment", ["compared", "loaded"])
def test_a_connection_that_postgres_cuts_is_worth_another_try(
    synced: Pipeline, moment: str
) -> None:
    synced.shop.run("UPDATE b_sale_order SET COMMENTS = 'Новое'")
    before = synced.crm.contents()

    def cut(step: str, *_: int) -> None:
        if step == moment:
            synced.crm.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with fails(TransientError, "orders", "Postgres"):
        replace(synced, progress=cut).sync("orders")

    assert synced.crm.contents() == before


@pytest.mark.parametrize("moment", ["compared", "loaded"])
def test_a_connection_that_mysql_cuts_is_worth_another_try(synced: Pipeline, moment: str) -> None:
    synced.shop.run("UPDATE b_sale_order SET COMMENTS = 'Новое'")
    before = synced.crm.contents()

    def cut(step: str, *_: int) -> None:
        if step == moment:
            for connection in synced.shop.ids(
                "SELECT ID FROM information_schema.processlist"
                " WHERE DB = DATABASE() AND ID <> CONNECTION_ID()"
            ):
                with suppress(Exception):
                    synced.shop.run(f"KILL {connection}")

    with fails(TransientError, "MySQL"):
        replace(synced, progress=cut).sync("orders")

    assert synced.crm.contents() == before


@pytest.fixture
def own_mariadb(make_folder: Callable[[str], Path]) -> Iterator[PrivateMariaDB]:
    """A server of this test's alone, to be ill-treated."""
    with PrivateMariaDB(make_folder("own")) as server:
        yield server


@pytest.fixture
def own_shop(own_mariadb: PrivateMariaDB) -> Iterator[Shop]:
    with own_mariadb.connect() as admin:
        shop = new_shop(admin, own_mariadb.url, orders=10, seed=1)
    yield shop
    shop.connection.close()


def test_a_mysql_that_freezes_dies_or_is_away_is_worth_another_try(
    own_mariadb: PrivateMariaDB, own_shop: Shop, crm: Crm
) -> None:
    pipeline = Pipeline(own_shop, crm)
    pipeline.sync("orders")
    change(pipeline)
    before = crm.contents()
    pid = own_mariadb.pid

    def freeze(step: str, *_: int) -> None:
        if step == "compared":
            os.kill(pid, signal.SIGSTOP)

    try:
        started = monotonic()
        with fails(TransientError, "orders", "MySQL"):
            replace(pipeline, progress=freeze).sync("orders", query_deadline_seconds=2)
        amid = monotonic() - started
        with fails(TransientError, "MySQL"):
            pipeline.sync("orders", query_deadline_seconds=2)
        at_the_start = monotonic() - started - amid
    finally:
        os.kill(pid, signal.SIGCONT)

    assert amid < 10
    assert at_the_start < 15
    assert crm.contents() == before

    own_mariadb.stop()
    with fails(TransientError, "MySQL"):
        pipeline.sync("orders")


def test_a_query_of_mysql_that_takes_too_long_is_stopped(synced: Pipeline) -> None:
    synced.shop.run("LOCK TABLES b_user WRITE")
    try:
        started = monotonic()
        with fails(StatementAbortedError, "MySQL"):
            synced.sync("users", query_deadline_seconds=2)
        seconds = monotonic() - started
    finally:
        synced.shop.run("UNLOCK TABLES")

    assert seconds < 8
