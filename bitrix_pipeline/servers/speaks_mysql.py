"""What MariaDB and MySQL have in common for a client: the protocol, and a root without password."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, ClassVar

import pymysql

from bitrix_pipeline.servers.private import LOOPBACK, PrivateServer

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class SpeaksMySQL(PrivateServer):
    """A private server that a MySQL client talks to."""

    signal_to_stop: ClassVar[signal.Signals] = signal.SIGTERM
    says_when_ready: ClassVar[bytes] = b"ready for connections"

    @property
    def url(self) -> str:
        return f"mysql://root@{LOOPBACK}:{self.port}/"

    def connect(self, database: str | None = None) -> Connection[Cursor]:
        """A new connection as root, which commits each statement.

        Raises pymysql.err.OperationalError if the server does not run.
        """
        return pymysql.connect(
            host=LOOPBACK,
            port=self.port,
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )

    def version(self) -> str:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            row = cursor.fetchone()
        return str(row[0]) if row else ""
