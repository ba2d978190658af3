"""A private PgBouncer in transaction mode, as Supabase and many hosters put before Postgres."""

import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bitrix_pipeline.servers.account import account_of_servers, identity

PROGRAM = Path("/usr/sbin/pgbouncer")
START_SECONDS = 10

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters =
"""


@contextmanager
def transaction_pooler(server_port: int) -> Iterator[int]:
    """The port of a pooler before the server; it ends with the block."""
    port = _free_port()
    # Not in pytest's folder, which is closed to the account that it runs as.
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(CONFIGURATION.format(server_port=server_port, port=port))
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [PROGRAM, configuration],
                cwd="/",
                stdout=log,
                stderr=log,
                # It refuses to run as root.
                **identity(account_of_servers()),
            ) as process,
        ):
            try:
                _wait_until_it_listens(port, process, folder / "log")
                yield port
            finally:
                process.kill()


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"PgBouncer did not start: {log.read_text()}")


def _free_port() -> int:
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
