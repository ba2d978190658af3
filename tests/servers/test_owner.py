"""A server ends with the process that started it, however that ends, and with nothing less."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

if TYPE_CHECKING:
    from pathlib import Path

OWNER = """
import sys, threading, time
from pathlib import Path
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

server = {"mariadb": PrivateMariaDB, "postgres": PrivatePostgres}[sys.argv[1]](Path(sys.argv[2]))
how = sys.argv[3]
if how == "worker thread":
    worker = threading.Thread(target=server.start)
    worker.start()
    worker.join()
else:
    server.start()
print(server.pid, flush=True)
if how == "exception":
    raise SystemExit("an error nobody catches")
if how == "return":
    sys.exit()
time.sleep(60)
"""
SECONDS_TO_END = 15


def owner_of(kind: str, folder: Path, how: str = "") -> tuple[subprocess.Popen[str], int]:
    """A process that has started a server, and the server's pid."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, kind, str(folder), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stderr is not None
    with owner.stdout, owner.stderr:
        pid = owner.stdout.readline()
        assert pid, owner.stderr.read()
        return owner, int(pid)


def assert_ends(pid: int) -> None:
    try:
        psutil.Process(pid).wait(SECONDS_TO_END)
    except psutil.NoSuchProcess:
        return


@pytest.mark.parametrize("kind", ["mariadb", "postgres"])
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_server_ends_when_a_signal_ends_its_owner(
    kind: str, sent: signal.Signals, tmp_path: Path
):
    owner, server = owner_of(kind, tmp_path)

    owner.send_signal(sent)
    owner.wait()

    assert_ends(server)


@pytest.mark.parametrize("how", ["exception", "return"])
def test_the_server_ends_when_its_owner_forgets_to_stop_it(how: str, tmp_path: Path):
    owner, server = owner_of("postgres", tmp_path, how)
    owner.wait()

    assert_ends(server)


def test_a_server_started_by_a_worker_thread_ends_with_the_process(tmp_path: Path):
    owner, server = owner_of("postgres", tmp_path, "worker thread")
    assert psutil.Process(server).is_running()

    owner.kill()
    owner.wait()

    assert_ends(server)


def test_a_server_outlives_the_thread_that_started_it(tmp_path: Path):
    server = PrivatePostgres(tmp_path)
    worker = threading.Thread(target=server.start)
    worker.start()
    worker.join()

    with server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_folder_of_a_killed_owner_can_be_used_at_once(tmp_path: Path):
    owner, _ = owner_of("mariadb", tmp_path)
    owner.kill()
    owner.wait()

    again, server = owner_of("mariadb", tmp_path)

    assert psutil.Process(server).is_running()
    again.kill()
    again.wait()
    assert_ends(server)


def test_an_owner_killed_while_it_prepares_the_data_leaves_nothing_in_the_way(tmp_path: Path):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, "mariadb", str(tmp_path), ""], stdout=subprocess.DEVNULL
    )
    while not list(PrivateMariaDB(tmp_path).folder.glob("unfinished/ib*")):
        assert owner.poll() is None
        time.sleep(0.01)
    owner.kill()
    owner.wait()

    with PrivateMariaDB(tmp_path) as server:
        assert re.match(r"\d", server.version())


def test_ctrl_c_in_the_terminal_reaches_only_the_owner(tmp_path: Path):
    with PrivatePostgres(tmp_path) as server:
        assert os.getsid(server.pid) != os.getsid(0)
        assert os.getpgid(server.pid) == server.pid


def test_a_forked_process_can_start_a_server_too(tmp_path: Path):
    with PrivatePostgres(tmp_path / "parent"):
        forked = subprocess.run(
            [sys.executable, "-c", FORKS, str(tmp_path / "child")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert forked.stdout.split() == ["parent", "child"], forked.stderr


FORKS = """
import os, sys
from pathlib import Path
from bitrix_pipeline.servers import PrivatePostgres

folder = Path(sys.argv[1])
with PrivatePostgres(folder / "first"):
    print("parent", flush=True)
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        with PrivatePostgres(folder / "second"):
            print("child", flush=True)
        os._exit(0)
"""
