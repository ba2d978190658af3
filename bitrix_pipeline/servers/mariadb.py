"""A private MariaDB, from the `mariadbd` that Debian's mariadb-server package installs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from bitrix_pipeline.servers.errors import ServerUnavailable
from bitrix_pipeline.servers.private import LOOPBACK
from bitrix_pipeline.servers.speaks_mysql import SpeaksMySQL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Users other than root often lack the sbin folders in their PATH.
PROGRAM_FOLDERS: Final = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"

FAST_NOT_DURABLE: Final[Mapping[str, str]] = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    # Tables are made in half the time.
    "innodb-flush-method": "nosync",
    "sync-frm": "OFF",
    "sync-binlog": "0",
}


class PrivateMariaDB(SpeaksMySQL):
    """A private MariaDB; root has no password.

    `durable=False` trades safety against a power cut for speed. `settings` are options of
    mariadbd by their long names, and win over the ones chosen here.
    """

    name: ClassVar[str] = "MariaDB"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        durable: bool = False,
        buffer_pool: str = "256M",
        max_allowed_packet: str = "64M",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self._settings = {
            "character-set-server": "utf8mb4",
            "innodb-buffer-pool-size": buffer_pool,
            "local-infile": "OFF",
            "max-allowed-packet": max_allowed_packet,
            "skip-name-resolve": "ON",
            **({} if durable else FAST_NOT_DURABLE),
            **(settings or {}),
        }

    def _check_programs(self) -> None:
        _program("mariadbd")
        _program("mariadb-install-db")

    def _command_to_initialize(self, data: Path) -> Sequence[str | Path]:
        return [
            _program("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]

    def _command_to_serve(self, data: Path) -> Sequence[str | Path]:
        return [
            _program("mariadbd"),
            "--no-defaults",
            f"--datadir={data}",
            f"--bind-address={LOOPBACK}",
            f"--port={self.port}",
            # Relative to the data folder: an absolute path may be longer than a socket's 107 bytes.
            "--socket=server.sock",
            "--pid-file=server.pid",
            # A setting may turn it on again: the last one counts.
            "--skip-log-bin",
            *(f"--{name}={value}" for name, value in self._settings.items()),
        ]


def _program(name: str) -> Path:
    found = shutil.which(name, path=PROGRAM_FOLDERS)
    if found is None:
        raise ServerUnavailable(
            f"MariaDB's program {name} is not installed: apt-get install mariadb-server."
        )
    return Path(found)
