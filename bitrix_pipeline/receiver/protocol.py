"""The limits that uvicorn lacks: how long a request may take, and how long-winded it may be.

A request that is not HTTP is not authentic, so it is answered like one; whoever is too slow is
hung up on, which every sender takes as "try again".
"""

import asyncio
from typing import Any, Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

REQUEST_SECONDS: Final = 10.0
"""From a request's first byte to its last."""

MOST_HEADER_BYTES: Final = 64 * 1024

REFUSED: Final = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline, a limit for headers and a limit for connections."""

    most_connections = 0
    """No limit but the operating system's when 0."""

    most_request_bytes = 16 * 1024 * 1024
    """Of one request on the wire, whatever becomes of them; chunks and trailers have no end."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._receiving_since: float | None = self.loop.time()
        self._in_headers = True
        self._request_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if 0 < self.most_connections < len(self.connections):
            transport.write(FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._request_bytes += len(data)
        if self._receiving_since is None and self._is_idle:
            # Even an empty line, which begins no request, ends uvicorn's wait for the next one.
            self._receiving_since = self.loop.time()
        super().data_received(data)
        if self._receiving_since is None or self.transport.is_closing():
            return
        if self._request_bytes > self.most_request_bytes:
            self.transport.close()
        elif self._in_headers and self._request_bytes > MOST_HEADER_BYTES:
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._receiving_since = self.loop.time()
        self._in_headers = True

    def on_header(self, name: bytes, value: bytes) -> None:
        # uvicorn would take a trailer, which comes after the body, for a header.
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._receiving_since = None
        self._request_bytes = 0

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        # An answer now would be taken for that of the request that is being handled.
        if self._is_idle:
            self.transport.write(REFUSED)
        self.transport.close()

    def hang_up_if_too_slow(self, now: float, seconds: float) -> bool:
        """Ends the connection when a request has been coming in for so long."""
        since = self._receiving_since
        if since is None or now - since < seconds or self.pipeline or self.transport is None:
            return False
        self.transport.abort()
        return True

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being handled."""
        return self.cycle is None or bool(self.cycle.response_complete)


async def hang_up_on_the_slow(state: ServerState, *, seconds: float = REQUEST_SECONDS) -> None:
    """Looks at all connections once a second, which costs less than a timer for each request."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(min(1.0, seconds / 4))
        now = loop.time()
        for connection in list(state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.hang_up_if_too_slow(now, seconds)
