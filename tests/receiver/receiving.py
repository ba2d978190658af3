"""What the receiver's tests hold in their hands: a running service, a sender, and the inbox."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from bitrix_pipeline.receiver.app import Receiver
from bitrix_pipeline.receiver.server import Addresses, serve
from bitrix_pipeline.receiver.signature import sign
from bitrix_pipeline.settings import load_settings

SECRET = "whsec_" + b64encode(b"the secret of these tests, 32 by").decode()
OTHER_SECRET = "whsec_" + b64encode(b"another secret, of 32 bytes, too").decode()
TOKEN = "51856fefc120afa4b628cc82d3935cce"
ORDER = b'{"type":"order.saved","timestamp":"2026-11-23T10:00:00Z","data":{"id":17}}'
JSON = {"content-type": "application/json"}

NUMBERS = count(1)


@dataclass(frozen=True)
class Answer:
    """A response; status 0 when the connection was closed without one."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Inbox:
    """The inbox's tables, as their owner sees them."""

    connection: "psycopg.Connection[tuple[Any, ...]]"
    receiver_url: str

    def rows(self, columns: str = "source, event_id") -> list[tuple[Any, ...]]:
        return self.connection.execute(
            f"SELECT {columns} FROM bitrix_pipeline.inbox_events AS e"
            " JOIN bitrix_pipeline.inbox_jobs AS j ON j.event = e.id ORDER BY e.id"
        ).fetchall()

    def ids(self) -> list[str]:
        return [row[0] for row in self.rows("event_id")]

    def empty(self) -> None:
        # In the order in which an idle receiver, which asks now and then, takes them.
        self.connection.execute(
            "TRUNCATE bitrix_pipeline.inbox_events, bitrix_pipeline.inbox_jobs CASCADE"
        )


@dataclass
class Service:
    """A receiver in a process of its own."""

    process: "subprocess.Popen[str]"
    url: str
    metrics_url: str
    log: Path
    secret: str = SECRET

    @property
    def webhooks(self) -> str:
        return f"{self.url}/webhooks/bitrix"

    def send(
        self, event_id: str | None = None, body: bytes = ORDER, *, secret: str | None = None
    ) -> Answer:
        """A signed webhook, and what is answered."""
        head = signed(event_id or new_id(), body, secret=secret or self.secret)
        return ask(self.url, post("/webhooks/bitrix", {**JSON, **head}, body))

    def get(self, path: str, *, metrics: bool = False) -> Answer:
        url = self.metrics_url if metrics else self.url
        return ask(url, f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())

    def wait_until_ready(self, seconds: float = 10) -> None:
        wait_for(lambda: self.get("/readyz").status == 200, seconds)


def new_id() -> str:
    return f"evt_{os.getpid()}_{next(NUMBERS)}"


def signed(
    event_id: str, body: bytes, *, secret: str = SECRET, timestamp: int | None = None
) -> dict[str, str]:
    at = int(time.time()) if timestamp is None else timestamp
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret, event_id, at, body),
    }


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as bytes; headers go out as they are, as UTF-8."""
    given = {"host": "x", "content-length": str(len(body)), "connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def ask(url: str, request: bytes) -> Answer:
    with connected(url) as connection:
        # It may answer, and close, before it has heard everything.
        with suppress(OSError):
            connection.sendall(request)
        return answer_on(connection)


def answer_on(connection: socket.socket) -> Answer:
    """One answer. Content-Length tells its end: the connection may stay open."""
    read = b""
    try:
        while b"\r\n\r\n" not in read:
            piece = connection.recv(65536)
            if not piece:
                break
            read += piece
        head, _, body = read.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
    except ConnectionError:
        return Answer(0, {}, b"")
    return Answer(int(lines[0].split()[1]) if lines[0] else 0, headers, body)


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def service(
    receiver_url: str, log: Path, *, ready: bool = True, **environment: str | None
) -> Iterator[Service]:
    """A receiver like an operator's; settings in capitals are its environment, None is none."""
    given = {
        **os.environ,
        "RECEIVER_POSTGRES_URL": receiver_url,
        "WEBHOOK_SECRETS": SECRET,
        "BITRIX_APPLICATION_TOKENS": TOKEN,
        "RECEIVER_PORT": "0",
        "RECEIVER_METRICS_PORT": "0",
        **environment,
    }
    with (
        log.open("a") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "bitrix_pipeline.receiver"],
            env={name: value for name, value in given.items() if value is not None},
            cwd=log.parent,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            said: dict[str, str] = {}
            while "Metrics" not in said:
                line = process.stdout.readline() if process.stdout else ""
                assert line, log.read_text()
                name, _, url = line.strip().partition(": ")
                said[name] = url.removesuffix("/webhooks/bitrix").removesuffix("/metrics")
            running = Service(process, said["Webhooks"], said["Metrics"], log)
            if ready:
                running.wait_until_ready()
            yield running
        finally:
            process.kill()


@dataclass
class Here:
    """A receiver in a thread of this process, whose clock and secrets a test sets."""

    receiver: Receiver
    addresses: Addresses
    stop: Callable[[], None]
    now: list[float] = field(default_factory=list)


@contextmanager
def receiver_here(make: Callable[[], Receiver], *, request_seconds: float = 10.0) -> Iterator[Here]:
    started = threading.Event()
    found: list[Here] = []

    async def main() -> None:
        receiver, end = make(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def announce(addresses: Addresses) -> None:
            found.append(Here(receiver, addresses, lambda: loop.call_soon_threadsafe(end.set)))
            started.set()

        settings = load_settings(receiver_port=0, receiver_metrics_port=0)
        await serve(
            receiver, settings, announce=announce, stop=end, request_seconds=request_seconds
        )

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert started.wait(10)
    try:
        yield found[0]
    finally:
        found[0].stop()
        thread.join(20)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A server that neither answers nor closes a connection."""
    server = psutil.Process(pid)
    stopped = [server, *server.children(recursive=True)]
    try:
        for process in stopped:
            # A worker of autovacuum may have ended meanwhile.
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()
