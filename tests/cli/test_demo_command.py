"""bitrix-pipeline demo: the whole way in one command, and no server that outlives it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from circle import parts_of_the_circle
from command_line import Outcome
from shop_and_crm import TABLE_NAMES

from bitrix_pipeline.settings import Settings

SECONDS = 600
SECONDS_TO_STOP = 60
INTERRUPTED = 130


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@contextmanager
def demo(folder: Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """The command as a terminal starts it, without settings."""
    unset = {name.upper() for name in Settings.model_fields}
    process = subprocess.Popen(
        [sys.executable, "-m", "bitrix_pipeline.cli", "demo", "--orders", "60"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in unset} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A test that runs in the background would hand down that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def to_group(process: "subprocess.Popen[str]") -> None:
    """Ctrl-C: the terminal tells everyone that it started."""
    os.killpg(process.pid, signal.SIGINT)


ENDS: list[tuple[str, Callable[["subprocess.Popen[str]"], None], int]] = [
    ("kill -TERM", lambda process: process.terminate(), INTERRUPTED),
    ("Ctrl-C", to_group, INTERRUPTED),
    ("kill -9", lambda process: process.kill(), -signal.SIGKILL),
]


@pytest.mark.parametrize(("how", "end", "code"), ENDS, ids=[how for how, *_ in ENDS])
def test_nothing_outlives_a_demo_that_is_stopped_in_the_middle(
    how: str, end: Callable[["subprocess.Popen[str]"], None], code: int, folder: Path
) -> None:
    with demo(folder) as process:
        started = wait_for_the_first_run(process)
        end(process)
        _, told = process.communicate(timeout=SECONDS_TO_STOP)

    assert process.returncode == code, told
    assert told == ("" if how == "kill -9" else "Stopped.\n")
    _, alive = psutil.wait_procs(started, SECONDS_TO_STOP)
    assert alive == []


@pytest.fixture
def path_without_php() -> Iterator[str]:
    """All commands but PHP's, for the databases' own users too."""
    with TemporaryDirectory() as name:
        commands = Path(name)
        commands.chmod(0o755)
        for folder in filter(Path.is_dir, map(Path, os.environ["PATH"].split(os.pathsep))):
            for command in folder.iterdir():
                link = commands / command.name
                if not command.name.startswith("php") and not link.exists():
                    link.symlink_to(command)
        yield name


def test_without_php_it_says_so_and_ends_with_a_table_that_says_equal_everywhere(
    folder: Path, path_without_php: str
) -> None:
    with demo(folder, PATH=path_without_php) as process:
        told, errors = process.communicate(timeout=SECONDS)

    assert (process.returncode, errors) == (0, "")
    assert "sent by Python, as there is no PHP here" in told
    assert [seconds for _, seconds in parts_of_the_circle(told)][:2] == ["not seen"] * 2
    # Three syncs, a push, and a drain; on a slow machine another drain.
    assert re.search(r"after [5-9] Dagster runs", told)
    statuses, last = told.split("Statuses: Postgres → Bitrix")[1].split("Bitrix MySQL → Postgres")
    for state in ("confirmed", "conflict", "dead", "nothing is left to send"):
        assert state in statuses
    assert "the next sync changed 0" in " ".join(statuses.split())
    closing = Outcome(0, last, "").table()
    assert [*closing] == TABLE_NAMES
    assert {row["equal"] for row in closing.values()} == {"yes"}
    assert int(closing["orders"]["inserted"]) > 60
    assert int(closing["orders"]["updated"]) > 0
    assert int(closing["order_items"]["deleted"]) > 0


def wait_for_the_first_run(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """All that the demo has started by the time that Dagster works."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        started = psutil.Process(process.pid).children(recursive=True)
        words = {Path(word).name for each in started for word in command_of(each)}
        if "sync_everything" in words:
            assert {"mariadbd", "postgres"} <= words
            return started
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError("the demo did not come as far as its first run")


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
