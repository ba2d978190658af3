"""A private MySQL 9, for tests on the real thing: Debian has it only in its unstable suite.

Its packages are fetched with this machine's apt and unpacked into a folder, nothing is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from bitrix_pipeline.servers.account import account_of_servers, may_enter
from bitrix_pipeline.servers.errors import ServerUnavailable
from bitrix_pipeline.servers.place import LOCK, exclusive
from bitrix_pipeline.servers.private import LOOPBACK
from bitrix_pipeline.servers.speaks_mysql import SpeaksMySQL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGE: Final = "mysql-server-core"
SUITE: Final = "sid"
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_SOURCES: Final = Path("/etc/apt")
MIRROR: Final = re.compile(r"^[^#\n]*?(https?://\S+/debian)/?(?=\s|$)", re.MULTILINE)
FETCH_SECONDS: Final = 600

FAST_NOT_DURABLE: Final[Mapping[str, str]] = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "sync-binlog": "0",
}


class PrivateMySQL(SpeaksMySQL):
    """A private MySQL; root has no password. The stock, strict sql_mode stays.

    `packages` is where the unpacked programs are kept (about 330 MB, shared by all servers).
    `settings` are options of mysqld by their long names, and win over the ones chosen here.
    """

    name: ClassVar[str] = "MySQL"

    def __init__(
        self,
        folder: Path,
        *,
        packages: Path | None = None,
        port: int | None = None,
        durable: bool = False,
        buffer_pool: str = "256M",
        max_allowed_packet: str = "64M",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self._root = (packages or _cache_folder()) / "root"
        self._settings = {
            "innodb-buffer-pool-size": buffer_pool,
            "local-infile": "OFF",
            "max-allowed-packet": max_allowed_packet,
            "mysqlx": "OFF",
            "performance-schema": "OFF",
            # Debian's default is a folder of the system's own server.
            "secure-file-priv": "NULL",
            # root's account is for localhost, which the server takes 127.0.0.1 for.
            "skip-name-resolve": "OFF",
            **({} if durable else FAST_NOT_DURABLE),
            **(settings or {}),
        }

    def _check_programs(self) -> None:
        self._root.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(self._root.parent / LOCK):
            if not self._root.exists():
                _fetch(self._root)
        if not may_enter(self._program(), self._account):
            raise ServerUnavailable(
                f"The account that servers run as may not execute {self._program()}."
            )

    def _command_to_initialize(self, data: Path) -> Sequence[str | Path]:
        return [*self._mysqld(), "--no-defaults", "--initialize-insecure", *self._places(data)]

    def _command_to_serve(self, data: Path) -> Sequence[str | Path]:
        return [
            *self._mysqld(),
            "--no-defaults",
            *self._places(data),
            f"--bind-address={LOOPBACK}",
            f"--port={self.port}",
            # Relative to the data folder: an absolute path may be longer than a socket's 107 bytes.
            "--socket=server.sock",
            "--pid-file=server.pid",
            # A setting may turn it on again: the last one counts.
            "--skip-log-bin",
            *(f"--{name}={value}" for name, value in self._settings.items()),
        ]

    def _stale_files(self, data: Path) -> Sequence[Path]:
        return [data / "server.sock.lock"]

    def _mysqld(self) -> Sequence[str | Path]:
        """The program, run by the loader of its own suite: this machine's libraries are too old."""
        libraries = next(self._root.glob("usr/lib/*-linux-gnu"))
        loader = next(libraries.glob("ld-linux-*.so.*"))
        return [loader, "--library-path", f"{libraries}:{libraries}/mysql/private", self._program()]

    def _program(self) -> Path:
        return self._root / "usr/sbin/mysqld"

    def _places(self, data: Path) -> Sequence[str]:
        return [
            f"--basedir={self._root}/usr",
            f"--datadir={data}",
            f"--lc-messages-dir={self._root}/usr/share/mysql",
            f"--plugin-dir={self._root}/usr/lib/mysql/plugin",
            f"--character-sets-dir={self._root}/usr/share/mysql/charsets",
        ]


def _cache_folder() -> Path:
    # A root's home is closed to the account that servers run as.
    cache = Path.home() / ".cache" if account_of_servers() is None else Path("/var/cache")
    return cache / "bitrix-pipeline" / "mysql"


def _fetch(root: Path) -> None:
    work = root.with_name("work")
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial", "root"):
        (work / folder).mkdir(parents=True)
    try:
        _download(work)
        _unpack(work)
        (work / "root").rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(work: Path) -> None:
    (work / "status").touch()
    signed_by = f"[signed-by={KEYRING}]" if KEYRING.exists() else ""
    (work / "sources.list").write_text(
        f"deb {signed_by} {_debian_mirror()} {SUITE} main\n", encoding="utf-8"
    )
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": work,
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "1",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    _run([*apt, "update"])
    _run([*apt, "--yes", "--download-only", "install", PACKAGE])


def _unpack(work: Path) -> None:
    for package in sorted((work / "cache/archives").glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(work / "root")])


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except FileNotFoundError:
        raise ServerUnavailable(
            f"MySQL's packages come from Debian, and {command[0]} is missing here."
        ) from None
    except subprocess.TimeoutExpired:
        raise ServerUnavailable(
            f"MySQL's packages could not be fetched within {FETCH_SECONDS} s."
        ) from None
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split())
        raise ServerUnavailable(f"MySQL's packages could not be fetched: {reason}") from error


def _debian_mirror() -> str:
    sources = [APT_SOURCES / "sources.list", *(APT_SOURCES / "sources.list.d").glob("*")]
    for source in sources:
        if source.suffix in {".list", ".sources"} and source.is_file():
            found = MIRROR.search(source.read_text(encoding="utf-8"))
            if found:
                return found[1]
    raise ServerUnavailable(
        "MySQL's packages come from Debian, and apt here knows no mirror of it."
    )
