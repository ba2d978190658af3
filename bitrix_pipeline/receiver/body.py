"""Reads a request's body within bounds: its size, and the memory that all bodies together take."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Self

MOST_BYTES_IN_MEMORY: Final = 64 * 1024 * 1024

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = list[tuple[bytes, bytes]]


class TooLargeError(Exception):
    """The body is larger than one may be."""


class NoMemoryError(Exception):
    """All bodies together are larger than they may be."""


class DisconnectedError(Exception):
    """The sender went away, or was hung up on for being too slow."""


class Memory:
    """Bytes of bodies being read or waiting for their commit.

    Counted as they arrive, not as they are announced: an announcement costs a stranger nothing.
    """

    def __init__(self, most_bytes: int = MOST_BYTES_IN_MEMORY) -> None:
        self._most = most_bytes
        self.used = 0

    def take(self, size: int) -> None:
        if self.used + size > self._most:
            raise NoMemoryError
        self.used += size

    def give_back(self, size: int) -> None:
        self.used -= size


class Body:
    """One request's body; a context manager that gives its memory back."""

    def __init__(self, memory: Memory, *, most_bytes: int) -> None:
        self._memory = memory
        self._most = most_bytes
        self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.give_back(self._taken)

    async def read(self, receive: Receive, headers: Headers) -> bytes:
        """The whole body. Raises TooLargeError, NoMemoryError, DisconnectedError."""
        if announced_size(headers) > self._most:
            raise TooLargeError
        pieces: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            piece: bytes = message.get("body", b"")
            if self._taken + len(piece) > self._most:
                raise TooLargeError
            self._memory.take(len(piece))
            self._taken += len(piece)
            pieces.append(piece)
            if not message.get("more_body", False):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def announced_size(headers: Headers) -> int:
    """Content-Length, which the HTTP parser has checked; 0 for a chunked body."""
    return max((int(value) for name, value in headers if name == b"content-length"), default=0)


def is_plainly(media_type: bytes, headers: Headers, *, optional: bool = False) -> bool:
    """Whether the body is of this type and not compressed."""
    types = [value for name, value in headers if name == b"content-type"]
    encodings = [value.strip().lower() for name, value in headers if name == b"content-encoding"]
    if any(encoding not in {b"", b"identity"} for encoding in encodings):
        return False
    if not types:
        return optional
    return len(types) == 1 and types[0].partition(b";")[0].strip().lower() == media_type
