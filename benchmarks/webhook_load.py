"""A sender of signed webhooks that costs little: raw sockets, and requests signed beforehand.

Latency counts from the moment at which a request was due, so a receiver that falls behind cannot
hide it by slowing the sender down.
"""

import asyncio
import json
import secrets
import time
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bitrix_pipeline.receiver.signature import sign

LINES = 3
"""Of an order, about what the sample shop has."""


def new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Load:
    """What came of some requests."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Requests without an answer that acknowledges them."""
        return sum(self.statuses.values()) - self.statuses[202] - self.statuses[200]

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Connection(asyncio.Protocol):
    """One connection, one request at a time; its answer is the status, 0 when it was cut."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[int] | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        if self._read.endswith(b"\r\n\r\n"):
            self._finish(int(self._read[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        self._finish(0)

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        self._answer = asyncio.get_running_loop().create_future()
        self._read = b""
        if self.transport.is_closing():
            self._finish(0)
        else:
            self.transport.write(request)  # type: ignore[attr-defined]
        return self._answer

    def _finish(self, status: int) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(status)


class Sender:
    """Sends to one address."""

    def __init__(self, url: str, secret: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path
        self._secret = secret
        self._idle: list[Connection] = []

    def requests(self, count: int) -> list[bytes]:
        """New events, signed now."""
        now, run = int(time.time()), secrets.token_hex(4)
        return [self._request(f"{run}-{number}", number, now) for number in range(count)]

    def _request(self, event_id: str, number: int, now: int) -> bytes:
        body = body_of(number % 100_000 + 1)
        head = (
            f"POST {self._path} HTTP/1.1\r\nhost: receiver\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nwebhook-id: {event_id}\r\nwebhook-timestamp: {now}\r\n"
            f"webhook-signature: {sign(self._secret, event_id, now, body)}\r\n\r\n"
        )
        return head.encode() + body

    async def connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, self._host, self._port))[1]

    async def steadily(self, requests: list[bytes], rate: float) -> Load:
        """Each request at its time, whatever becomes of the ones before."""
        load, loop = Load(), asyncio.get_running_loop()
        began = time.perf_counter()
        tasks = []
        for number, request in enumerate(requests):
            due = began + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(loop.create_task(self._one(request, due, load)))
        await asyncio.gather(*tasks)
        load.seconds = time.perf_counter() - began
        return load

    async def as_fast_as_possible(self, requests: list[bytes], connections: int) -> Load:
        """Over some connections, each sending when the one before was answered."""
        load = Load()
        waiting = iter(requests)

        async def one_connection() -> None:
            for request in waiting:
                await self._one(request, time.perf_counter(), load)

        began = time.perf_counter()
        await asyncio.gather(*(one_connection() for _ in range(connections)))
        load.seconds = time.perf_counter() - began
        return load

    async def at_once(self, requests: list[bytes]) -> Load:
        """As many connections as requests, all begun in the same moment."""
        load = Load()
        began = time.perf_counter()
        while self._idle:
            self._idle.pop().transport.close()
        await asyncio.gather(*(self._one(request, began, load) for request in requests))
        load.seconds = time.perf_counter() - began
        return load

    async def _one(self, request: bytes, due: float, load: Load) -> None:
        try:
            connection = self._idle.pop() if self._idle else await self.connect()
            status = await connection.ask(request)
            if not status:
                # The receiver closes an idle connection; a sender sends the same again.
                connection = await self.connect()
                status = await connection.ask(request)
            self._idle.append(connection)
        except OSError:
            status = 0
        load.statuses[status] += 1
        load.latencies.append(time.perf_counter() - due)


def body_of(order: int) -> bytes:
    """An order as the module for Bitrix sends it."""
    row = {
        "ID": str(order),
        "LID": "s1",
        "PERSON_TYPE_ID": "1",
        "PAYED": "N",
        "STATUS_ID": "N",
        "PRICE": "1234.5000",
        "CURRENCY": "RUB",
        "USER_ID": "17",
        "DATE_INSERT": "2026-11-22 10:11:12",
        "DATE_UPDATE": "2026-11-22 10:11:12",
        "USER_DESCRIPTION": "Позвоните, пожалуйста, за час",
        "ACCOUNT_NUMBER": str(order),
    }
    lines = [
        {
            "ID": str(order * LINES + number),
            "ORDER_ID": str(order),
            "PRODUCT_ID": str(100 + number),
            "PRICE": "411.5000",
            "QUANTITY": "1.0000",
            "NAME": "Чайник эмалированный, 2 л",
            "CURRENCY": "RUB",
        }
        for number in range(LINES)
    ]
    event = {
        "type": "order.saved",
        "timestamp": "2026-11-22T10:11:12+03:00",
        "data": {
            "id": order,
            "sequence": order,
            "origin": "site",
            "order": row,
            "basket": lines,
        },
    }
    return json.dumps(event, ensure_ascii=False).encode()
