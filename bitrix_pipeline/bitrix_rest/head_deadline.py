"""Connections on which the head of an answer must be whole within the read deadline.

A socket's timeout counts from byte to byte, so a head that trickles in would pass it for hours.
"""

import contextlib
import socket
import threading

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class WholeHead(HTTPConnection):
    """Shuts the socket when the head takes too long."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        was_late = threading.Event()
        # urllib3 has set the read deadline by now.
        alarm = threading.Timer(float(self.timeout or 0), self._shut, [was_late])
        alarm.daemon = True
        alarm.start()
        try:
            return super().getresponse()
        finally:
            alarm.cancel()
            if was_late.is_set():
                raise TimeoutError("the head of the answer was not whole in time")

    def _shut(self, was_late: threading.Event) -> None:
        was_late.set()
        if self.sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own, which would read on without TLS.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class SecureWholeHead(WholeHead, HTTPSConnection):
    """The same over TLS."""


class Pool(HTTPConnectionPool):
    ConnectionCls = WholeHead


class SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureWholeHead


def adapter() -> HTTPAdapter:
    made = HTTPAdapter(max_retries=0)
    made.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
    return made
