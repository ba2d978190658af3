"""No answer of Postgres is waited for without end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

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
