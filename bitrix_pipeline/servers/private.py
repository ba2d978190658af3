"""What all private servers have in common: a folder, a port, and a life within their owner's."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final, Self

from bitrix_pipeline.servers.account import account_of_servers
from bitrix_pipeline.servers.errors import ServerFailed
from bitrix_pipeline.servers.owned_process import Launch, begin
from bitrix_pipeline.servers.place import LOCK, enterable_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

LOOPBACK: Final = "127.0.0.1"
# Below 32768, where Linux begins to hand out the ports of outgoing connections: one of those could
# sit on a server's port while it restarts.
PORTS: Final = range(20_000, 32_000)
PORT_ATTEMPTS: Final = 5
PORT_TAKEN: Final = b"Address already in use"

# Nothing of the caller's environment (MYSQL_HOME, PGDATA, LD_PRELOAD) may steer a private server.
ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
SCRATCH: Final = "scratch"

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0
# How long the server of an owner that was just killed may take to end.
PREDECESSOR_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02
LOG_TAIL_LINES: Final = 15


class PrivateServer(ABC):
    """A database server in `folder`, on a free loopback port unless `port` names one.

    The data stays in the folder between starts. Used as a context manager, or by `start` and
    `stop`; when its owner ends without `stop`, even by kill -9, the server ends too.
    """

    name: ClassVar[str]
    signal_to_stop: ClassVar[signal.Signals]
    says_when_ready: ClassVar[bytes]

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._asked_folder = folder.absolute()
        self._port = port
        self._account = account_of_servers()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The superuser's address, as SQLAlchemy writes it."""

    @abstractmethod
    def version(self) -> str:
        """The running server's version, as it says itself."""

    @abstractmethod
    def _check_programs(self) -> None:
        """Finds or fetches what the server needs to run; raises ServerUnavailable if it cannot."""

    @abstractmethod
    def _command_to_initialize(self, data: Path) -> Sequence[str | Path]:
        """What fills the empty folder `data`."""

    @abstractmethod
    def _command_to_serve(self, data: Path) -> Sequence[str | Path]:
        """What serves `data` in the foreground and logs to the standard streams."""

    def _stale_files(self, data: Path) -> Sequence[Path]:  # noqa: ARG002 - others need it
        """Files of a killed server that name it by number: by now that may be another process."""
        return ()

    @property
    def folder(self) -> Path:
        """Where the data, the log and the lock are: not always the folder asked for, see `place`.

        Raises ServerUnavailable if the server's account can be given no folder.
        """
        if self._folder is None:
            self._folder = enterable_folder(self._asked_folder, self._account)
        return self._folder

    @property
    def log(self) -> Path:
        """The log of the latest start."""
        return self.folder / "log"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The server's process; raises ServerFailed if it does not run."""
        if self._process is None or not self.is_running:
            raise ServerFailed(f"{self.name} in {self._asked_folder} is not running.")
        return self._process.pid

    @property
    def port(self) -> int:
        """The loopback port; stays the same when the server is restarted.

        Raises ServerFailed if no port was asked for and the server has never been started.
        """
        if self._port is None:
            raise ServerFailed(f"{self.name} in {self._asked_folder} has not been started.")
        return self._port

    def start(self) -> None:
        """Returns when the server takes connections; does nothing if it already runs.

        Raises ServerUnavailable if it cannot be had on this machine, ServerFailed if it did not
        start; the latter's message ends with the tail of the log.
        """
        if self.is_running:
            return
        self._check_programs()
        with (self.folder / LOCK).open("ab") as lock:
            self._take(lock.fileno())
            self._empty_folder(SCRATCH)
            data = self._initialized_data(lock.fileno())
            for stale in self._stale_files(data):
                stale.unlink(missing_ok=True)
            self._serve(data, lock.fileno())

    def stop(self) -> None:
        """Returns when the server has ended: gently if it obeys, else by kill."""
        if self._process is None:
            return
        self._process.send_signal(self.signal_to_stop)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(self._process)
        finally:
            if self._process.poll() is not None:
                self._process = None

    def restart(self) -> None:
        """Stops and starts again on the same port; raises as `start` does."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _take(self, lock: int) -> None:
        """Locks the folder; the server inherits the lock, so no live server is ever overtaken."""
        deadline = time.monotonic() + PREDECESSOR_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerFailed(
                        f"{self.name} cannot start: another server uses {self._asked_folder}."
                    ) from None
                time.sleep(POLL_SECONDS)
            else:
                return

    def _initialized_data(self, lock: int) -> Path:
        data = self.folder / "data"
        if not data.exists():
            # Filled under another name: what a kill leaves half done is never taken for data.
            unfinished = self._empty_folder("unfinished")
            self._initialize(unfinished, lock)
            unfinished.rename(data)
        return data

    def _empty_folder(self, name: str) -> Path:
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(folder, *self._account)
        return folder

    def _initialize(self, data: Path, lock: int) -> None:
        process = self._begin(self._command_to_initialize(data), lock)
        try:
            failed = process.wait()
        except BaseException:
            _kill(process)
            raise
        if failed:
            raise ServerFailed(self._with_log(f"could not prepare {data}"))

    def _serve(self, data: Path, lock: int) -> None:
        # Clients know the port of an earlier start, so only a new one may be given up again.
        more_ports = PORT_ATTEMPTS if self._port is None else 0
        while True:
            self._port = self._port or _free_port()
            try:
                self._serve_on_port(data, lock)
            except BaseException as error:
                self.stop()
                more_ports -= 1
                taken = isinstance(error, ServerFailed) and PORT_TAKEN in self.log.read_bytes()
                if not taken or more_ports <= 0:
                    raise
                self._port = None
            else:
                return

    def _serve_on_port(self, data: Path, lock: int) -> None:
        self._process = self._begin(self._command_to_serve(data), lock)
        deadline = time.monotonic() + START_SECONDS
        # Its own log, not a connection: on a port that another server took first, that one answers.
        while self.says_when_ready not in self.log.read_bytes():
            if self._process.poll() is not None:
                raise ServerFailed(self._with_log("ended while it started"))
            if time.monotonic() > deadline:
                raise ServerFailed(self._with_log(f"was not ready within {START_SECONDS:.0f} s"))
            time.sleep(POLL_SECONDS)

    def _begin(self, command: Sequence[str | Path], lock: int) -> subprocess.Popen[bytes]:
        return begin(
            Launch(
                command=[str(word) for word in command],
                signal_when_orphaned=self.signal_to_stop,
                account=self._account,
                # Not the system's /tmp: a MariaDB that starts removes other servers' tables there.
                environment={**ENVIRONMENT, "TMPDIR": str(self.folder / SCRATCH)},
                log=self.log,
                lock=lock,
            )
        )

    def _with_log(self, event: str) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join(lines[-LOG_TAIL_LINES:])
        return f"{self.name} {event}; its log {self.log} ends:\n{tail}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and all that it started, which share its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)  # noqa: S311 - nothing secret in it
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) != 0:
                return port
