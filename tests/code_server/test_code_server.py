"""Runs that are forked: they begin, end, are canceled and are missed as Dagster's usual ones."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from dagster_ui import wait_for
from warm import SECONDS, Warm, code_server

from bitrix_pipeline.code_server.server import IMPORTED
from bitrix_pipeline.servers import PrivatePostgres


def test_a_run_is_forked_from_a_process_that_has_imported_already(warm: Warm) -> None:
    _, process = warm.begin_drain()

    assert process.parent() == warm.forked_from
    assert process.exe() == warm.forked_from.exe()


def test_what_is_forked_from_has_one_thread(warm: Warm) -> None:
    """A fork would copy the locks that others hold, and not the threads that would let go."""
    assert warm.forked_from.num_threads() == 1


@pytest.mark.parametrize("module", IMPORTED)
def test_what_is_imported_first_is_there_and_starts_no_thread(module: str) -> None:
    """A module that is missing is passed over without a word."""
    code = (
        f"import {module}, sys, threading\n"
        "assert threading.active_count() == 1\n"
        "assert 'grpc' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=SECONDS)


def test_a_canceled_run_ends_in_order(warm: Warm) -> None:
    run, process = warm.begin_drain()

    warm.ui.cancel(run)

    wait_for(lambda: warm.ui.status(run) == "CANCELED", SECONDS, warm.ui.runs)
    wait_for(lambda: not process.is_running(), SECONDS)


def test_a_killed_run_is_missed_and_run_again(warm: Warm) -> None:
    run, process = warm.begin_drain()

    process.send_signal(signal.SIGKILL)

    wait_for(lambda: warm.ui.status(run) == "FAILURE", SECONDS, warm.ui.runs)
    [again] = wait_for(warm.lingering, SECONDS, warm.ui.runs)
    assert again != run


def test_where_what_is_forked_from_dies_the_next_run_begins_all_the_same(warm: Warm) -> None:
    warm.end_runs()
    dead = warm.forked_from

    dead.send_signal(signal.SIGKILL)
    _, process = warm.begin_drain()

    assert process.parent() == warm.forked_from != dead


@pytest.mark.parametrize("family", ["port", "socket"])
def test_an_address_at_which_a_server_is_already_is_one_sentence(
    family: str, tmp_path: Path
) -> None:
    """gRPC itself would share the port, and take the socket over."""
    where = str(tmp_path / "socket")
    with socket.socket(socket.AF_INET if family == "port" else socket.AF_UNIX) as taken:
        if family == "port":
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0) if family == "port" else where)
        taken.listen()
        if family == "port":
            where = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "bitrix_pipeline.cli", "code-server", f"--{family}", where],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    assert done.returncode == 1
    assert "Error: a server is at" in done.stderr
    assert where in done.stderr
    assert "Traceback" not in done.stderr


def answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except OSError:
        return False
    return True


def test_the_socket_that_a_killed_server_left_is_taken_over(
    tmp_path: Path, postgres: PrivatePostgres
) -> None:
    where, environment = tmp_path / "socket", {"BITRIX_MYSQL_URL": "", "POSTGRES_URL": postgres.url}
    with (tmp_path / "log").open("w") as log, code_server(tmp_path, environment, log) as first:
        wait_for(lambda: answers(where), SECONDS)
        first.kill()
        first.wait(SECONDS)
        assert where.exists()
        assert not answers(where)

        with code_server(tmp_path, environment, log):
            wait_for(lambda: answers(where), SECONDS)


def test_it_ends_when_told_to_though_a_script_started_it_in_the_background(
    tmp_path: Path, postgres: PrivatePostgres
) -> None:
    environment = {"BITRIX_MYSQL_URL": "", "POSTGRES_URL": postgres.url}
    with (tmp_path / "log").open("w") as log, code_server(tmp_path, environment, log) as process:
        wait_for(lambda: answers(tmp_path / "socket"), SECONDS)

        process.terminate()

        assert process.wait(60) == 0
