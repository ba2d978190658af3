"""Starts a program that cannot outlive this process, whether it ends by return, exception or kill -9.

Relies on Linux (PR_SET_PDEATHSIG, through setpriv of util-linux).
"""

from __future__ import annotations

import functools
import os
import queue
import shutil
import subprocess
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from bitrix_pipeline.servers.account import identity
from bitrix_pipeline.servers.errors import ServerUnavailable

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bitrix_pipeline.servers.account import Account

# The owner may die before setpriv has asked to be told of it: then nobody is left to stop the
# program, so it is not begun.
BEGIN_UNLESS_ORPHANED: Final = '[ "$PPID" = "$0" ] && exec "$@"'


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A program to start: what it becomes when its owner ends, as whom it runs, where it writes."""

    command: Sequence[str]
    signal_when_orphaned: signal.Signals
    account: Account | None
    environment: Mapping[str, str]
    log: Path
    lock: int
    """A locked file descriptor that the program inherits: locked as long as anything of it runs."""


Errand: TypeAlias = "tuple[Launch, Future[subprocess.Popen[bytes]]]"


def begin(launch: Launch) -> subprocess.Popen[bytes]:
    """The program's process, in a session of its own so that Ctrl-C reaches only its owner.

    Raises ServerUnavailable if setpriv is missing.
    """
    started: Future[subprocess.Popen[bytes]] = Future()
    _errands(os.getpid()).put((launch, started))
    try:
        return started.result()
    except BaseException:
        started.add_done_callback(_end_abandoned)
        raise


@functools.cache
def _errands(owner: int) -> queue.SimpleQueue[Errand]:
    """The queue of a thread which lives as long as the process `owner` (a fork has none of its parent's).

    The kernel tells a child of the end of the thread that made it, not of the process: a server
    started from a worker thread would end with that thread.
    """
    errands: queue.SimpleQueue[Errand] = queue.SimpleQueue()
    threading.Thread(
        target=_run_errands, args=(errands,), name=f"servers-of-{owner}", daemon=True
    ).start()
    return errands


def _run_errands(errands: queue.SimpleQueue[Errand]) -> None:
    while True:
        launch, started = errands.get()
        try:
            started.set_result(_spawn(launch))
        except Exception as error:  # noqa: BLE001 - belongs to whoever waits for the result
            started.set_exception(error)


def _spawn(launch: Launch) -> subprocess.Popen[bytes]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServerUnavailable("setpriv is missing: private servers need Linux with util-linux.")
    tied = [setpriv, "--pdeathsig", launch.signal_when_orphaned.name.removeprefix("SIG"), "--"]
    guarded = ["/bin/sh", "-c", BEGIN_UNLESS_ORPHANED, str(os.getpid())]
    with launch.log.open("wb") as log:
        # Popen changes the user first, setpriv asks for the signal after: the kernel forgets the
        # request whenever the user changes.
        return subprocess.Popen(
            [*tied, *guarded, *launch.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=launch.environment,
            start_new_session=True,
            pass_fds=(launch.lock,),
            **identity(launch.account),
        )


def _end_abandoned(started: Future[subprocess.Popen[bytes]]) -> None:
    if started.exception() is None:
        process = started.result()
        process.kill()
        process.wait()
