"""A Postgres connection that never waits for ever.

statement_timeout ends a slow statement, but a server that is frozen, or a network that swallows
packets, times nothing out: TCP stays up and no answer comes.
"""

import contextlib
import os
import socket
import threading
import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

Answer = TypeVar("Answer")

CHECK_SECONDS = 1.0
CANCEL_SECONDS = 5.0


class WatchedConnection(psycopg.Connection[tuple[Any, ...]]):
    """Its socket is cut when one answer takes longer than `answer_deadline_seconds`.

    The statement then ends in psycopg.OperationalError, as if the server had gone.
    """

    answer_deadline_seconds: float | None = None
    _waiting_since: float | None = None

    def wait(self, gen: PQGen[Answer], *args: Any, **kwargs: Any) -> Answer:
        self._waiting_since = time.monotonic()
        try:
            return super().wait(gen, *args, **kwargs)
        except Exception:
            raise
        except BaseException:
            # A canceled run; psycopg itself has a statement ended for Ctrl-C only.
            self._end_statement()
            raise
        finally:
            self._waiting_since = None

    def _end_statement(self) -> None:
        """In the server too, where it would go on and keep its locks."""
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.close()

    def watch(self, deadline_seconds: float) -> None:
        """Begins to watch; ends with the connection."""
        self.answer_deadline_seconds = deadline_seconds
        threading.Thread(target=self._watch, name="postgres-deadline", daemon=True).start()

    def _watch(self) -> None:
        while not self.closed:
            since, deadline = self._waiting_since, self.answer_deadline_seconds
            if since and deadline and time.monotonic() - since > deadline:
                self._cut()
                return
            time.sleep(CHECK_SECONDS)

    def _cut(self) -> None:
        with socket.socket(fileno=os.dup(self.pgconn.socket)) as connection:
            connection.shutdown(socket.SHUT_RDWR)
