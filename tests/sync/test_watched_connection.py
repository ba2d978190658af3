"""No answer of Postgres is waited for without end."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psutil
import psycopg
import pytest
from receiving import wait_for

from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.servers import PrivatePostgres
from bitrix_pipeline.sync.postgres import connect, target_errors

DEADLINE_SECONDS = 2


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process and its children, stopped as by a machine that hangs."""
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def test_a_frozen_postgres_is_worth_another_try_within_its_deadline(
    make_folder: Callable[[str], Path],
) -> None:
    with PrivatePostgres(make_folder("frozen")) as server, connect(server.url) as connection:
        connection.answer_deadline_seconds = DEADLINE_SECONDS
        started = time.monotonic()

        with frozen(server.pid), pytest.raises(TransientError), target_errors("orders"):
            connection.execute("SELECT 1")

        assert time.monotonic() - started < DEADLINE_SECONDS + 5


class Canceled(BaseException):
    """As Dagster's interruption is one."""


def test_what_a_canceled_run_asked_postgres_for_ends_there_too(postgres: PrivatePostgres) -> None:
    def cancel(*_: object) -> NoReturn:
        raise Canceled

    connection = connect(postgres.url)
    before = signal.signal(signal.SIGALRM, cancel)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(Canceled), connection.transaction():
            connection.execute("SELECT 'canceled', pg_sleep(60)")
    finally:
        signal.signal(signal.SIGALRM, before)

    with postgres.connect() as admin:
        wait_for(lambda: not statements(admin, "SELECT 'canceled'%"))


def statements(admin: "psycopg.Connection[tuple[Any, ...]]", like: str) -> list[tuple[Any, ...]]:
    return admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'", (like,)
    ).fetchall()
